"""`athena walkforward`: the JSON contract, what a person is shown, what is refused."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from athena.research import read_run, read_trials
from tests.walk_forward_cases import NAME, store, walk_bars

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
OWN = """
import numpy as np
from dataclasses import dataclass
from typing import ClassVar

from athena.domain import Side
from athena.trading import Intent, Wake, WokenStrategy


@dataclass
class Own(WokenStrategy):
    wake: ClassVar[Wake] = Wake(on_change=("side",))
    shift: float = 1.0

    def fit(self, market):
        self._level = market.close[0].mean() * self.shift

    def signals(self, market):
        return {"side": np.sign(market.close[0] - self._level).astype(np.int8)}

    def on_wake(self, view):
        if view.n_working or (view.signals[0] > 0) == (view.position > 0):
            return None
        side = Side.SELL if view.position else Side.BUY
        return Intent(side=side, lots=view.position or 10)
"""


@pytest.fixture(autouse=True)
def _stored(home: Path) -> None:
    store(home, walk_bars())


def run_on(cli: Cli, *options: object) -> Any:
    return cli(
        "walkforward", "--data", NAME, "--train", "10d", "--test", "4d", "--risk", "open",
        "--fee-bps", "2", "--slippage-bps", "0", "--min-trades", "1", *options,
    )  # fmt: skip


def grid(*options: object) -> tuple[object, ...]:
    return ("--grid", "slow=20:40:10", *options)


# --- the contract ------------------------------------------------------------------------------


def test_the_json_has_folds_oos_and_baselines(cli: Cli, home: Path) -> None:
    result = run_on(cli, *grid("--json"))
    assert result.exit_code == 0, result.err
    payload = result.json()
    assert len(payload["folds"]) == 5
    for one, other in pairwise(payload["folds"]):
        assert one["test"]["to"] == other["test"]["from"]
        assert one["train"]["to"] < one["test"]["from"]
        assert one["fit"] == "chosen"
        assert one["tried"] == 3
        assert one["train_halted"] is False
        assert set(one["parameters"]) == {"slow"}
        assert isinstance(one["in_sample"]["sharpe"], float)
        assert isinstance(one["out_of_sample"]["return"], float)
    assert isinstance(payload["oos"]["final_equity"], str)
    assert payload["oos"]["intervals"]["sharpe"]
    assert payload["oos"]["bars"] == 5 * 4 * 24
    assert "hold TEST" in payload["baselines"]
    assert payload["trials"] == 16
    assert len(read_trials(home).trials) == 16
    record = read_run(home / "runs" / payload["run_id"])
    assert record.digest == payload["digest"]
    assert (home / "runs" / payload["run_id"] / "report.html").is_file()


def test_a_person_is_shown_folds_baselines_and_a_sentence(cli: Cli) -> None:
    result = run_on(cli, *grid("--grid", "fast=10,25"))
    assert result.exit_code == 0, result.err
    for words in (
        "Sharpe in sample",
        "slow=",
        "hold TEST",
        "Out of sample it made",
        "1 combinations of the grid make no strategy",
        "the last 2 days of the data",
        "26 trials on this data",
        "report: ",
    ):
        assert words in result.out


def test_without_a_grid_there_is_nothing_to_fit(cli: Cli) -> None:
    payload = run_on(cli, "--json", "--param", "slow=20").json()
    assert {fold["fit"] for fold in payload["folds"]} == {"nothing to fit"}
    assert {fold["parameters"]["slow"] for fold in payload["folds"]} == {"20"}
    assert "nothing to fit" in run_on(cli, "--param", "slow=20").out


def test_a_strategy_that_is_fitted_without_a_grid_has_nothing_to_choose(
    cli: Cli, tmp_path: Path
) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN, "utf-8")
    own = ("--strategy", f"{path}:Own")
    assert {fold["fit"] for fold in run_on(cli, *own, "--json").json()["folds"]} == {
        "nothing to choose"
    }
    told = run_on(cli, *own).out
    assert "(nothing to choose)" in told
    assert "nothing to fit" not in told


def test_training_that_a_stop_halted_is_marked(cli: Cli, tmp_path: Path) -> None:
    risk = tmp_path / "risk.yaml"
    risk.write_text("risk:\n  breakers:\n    drawdown_stop_frac: 0.004\n", "utf-8")
    limits = ("--param", "slow=20", "--risk", risk)
    payload = run_on(cli, *limits, "--json").json()
    marks = [fold["train_halted"] for fold in payload["folds"]]
    assert marks == [False, False, True, True, True]
    assert "halted training in 3 of 5 folds" in payload["sentence"]
    told = run_on(cli, *limits).out
    assert told.count(", halted ") == 3
    assert "halted training in 3 of 5 folds" in told


def test_the_run_is_a_run_like_any_other(cli: Cli) -> None:
    run_id = run_on(cli, *grid("--json")).json()["run_id"]
    assert cli("journal", "verify", run_id).exit_code == 0
    assert cli("journal", "replay", run_id).exit_code == 0
    assert cli("why", "--run", run_id).exit_code == 0
    assert cli("report", run_id).exit_code == 0
    shown = cli("runs", "show", run_id)
    assert shown.exit_code == 0
    assert "walk_forward" in shown.out


def test_rolling_training_windows_forget(cli: Cli) -> None:
    folds = run_on(cli, *grid("--rolling", "--json")).json()["folds"]
    starts = [fold["train"]["from"] for fold in folds]
    assert starts == sorted(set(starts))


def test_a_strategy_in_a_file_is_fitted_fold_by_fold(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN, "utf-8")
    own = ("--strategy", f"{path}:Own")
    result = run_on(cli, *own, "--grid", "shift=0.99,1,1.01", "--json")
    assert result.exit_code == 0, result.err
    assert result.json()["oos"]["fills"] > 0
    refused = cli("backtest", "--data", NAME, *own)
    assert refused.exit_code == 2
    assert "athena walkforward --strategy" in refused.err


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--train", "20d"), "at least 5 folds, 41.0 days"),
        (("--fee-bps", "0"), "--fee-bps"),
        (("--embargo", "0d"), "--embargo as a length above 0"),
        (("--purge", "0"), "--purge"),
        (("--embargo", "45m"), "--embargo as a whole number of bars of 1h, was 45m"),
        (("--train", "long"), "--train as a length above 0"),
        (("--grid", "slow=20:40"), "first:last:step"),
        (("--grid", "slow=20,30", "--param", "slow=20"), "'slow' twice"),
        (("--kind", "rule"), "--kind woken"),
        (("--grid", "slow=20,30", "--min-trades", "500"), "--min-trades"),
    ],
)
def test_what_proves_nothing_is_refused_and_nothing_is_written(
    cli: Cli, home: Path, options: tuple[str, ...], named: str
) -> None:
    """P1-11, FC-13."""
    result = run_on(cli, *options)
    assert result.exit_code == 2
    assert named in result.err
    assert not list((home / "runs").glob("*"))
    assert not read_trials(home).trials
