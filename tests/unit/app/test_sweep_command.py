"""`athena sweep`: the JSON contract, the table, the sentence, the refusals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from athena.app.commands.sweep import describe_luck
from athena.research import EngineKind
from athena.research.statistics import Overfitting
from tests.sweep_builder import DATASET, hourly_bars, store, sweep_of, sweep_request

if TYPE_CHECKING:
    from pathlib import Path

    from athena.research.sweep import SweepResult

Cli = Any
KEYS = {"trials", "best", "deflated_sharpe", "pbo", "rows", "combos_per_s"}
STRANGE = """
from dataclasses import dataclass

from athena.domain import Side
from athena.trading import BarStrategy, Intent


class Odd(BaseException):
    pass


@dataclass
class Strange(BarStrategy):
    at: int = 50
    quantity: int = 1

    def on_bar(self, view):
        if view.step == self.at:
            raise Odd("out of here")
        if not view.position and not view.n_working:
            return Intent(side=Side.BUY, lots=self.quantity)
        return None
"""
ROW_KEYS = {
    "rank", "parameters", "status", "message", "out_of_sample_sharpe", "in_sample_sharpe",
    "sharpe", "total_return", "max_drawdown_of_marks", "final_equity", "fees", "n_orders",
    "n_fills", "digest",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _stored(home: Path) -> None:
    store(hourly_bars(n=960), home)  # 40 days: 16 blocks of 2


def sweep_on(cli: Cli, *options: object) -> Any:
    return cli(
        "sweep", "--strategy", "sma_cross", "--data", DATASET, "--param", "quantity=10",
        "--risk", "open", "--grid", "fast=2:6:2", "--grid", "slow=6,15,30", *options,
    )  # fmt: skip


def test_json_has_the_keys_of_the_contract(cli: Cli) -> None:
    result = sweep_on(cli, "--json")
    assert result.exit_code == 0
    answer = result.json()
    assert answer.keys() >= KEYS
    assert all(row.keys() == ROW_KEYS for row in answer["rows"])
    assert answer["best"] == answer["rows"][0]
    assert answer["best"]["rank"] == 1
    assert (answer["combinations"], answer["refused"], answer["failed"]) == (9, 1, 0)
    assert answer["trials"] == 8
    assert 0 <= answer["pbo"] <= 1
    assert answer["combos_per_s"] > 0
    assert len(answer["rows"]) == 9


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_strategy_that_raises_what_is_no_exception_is_a_failed_row(
    n_workers: int, cli: Cli, tmp_path: Path
) -> None:
    path = tmp_path / "strange.py"
    path.write_text(STRANGE, "utf-8")
    result = cli(
        "sweep", "--strategy", f"{path}:Strange", "--data", DATASET, "--risk", "open",
        "--grid", "at=50,100000", "--grid", "quantity=1,2", "--workers", n_workers, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.err
    failed = [row for row in result.json()["rows"] if row["status"] == "failed"]
    assert len(failed) == 2
    assert "raised Odd: out of here, on bar 50" in failed[0]["message"]


def test_the_same_command_answers_at_once_and_the_same(cli: Cli) -> None:
    first, again = (sweep_on(cli, "--json").json() for _ in range(2))
    assert (first["tried_now"], again["tried_now"]) == (9, 0)
    assert again["combos_per_s"] is None
    for answer in (first, again):
        del answer["tried_now"], answer["combos_per_s"], answer["wall_s"]
    assert first == again


def test_a_person_sees_the_best_the_counts_and_how_likely_it_is_luck(cli: Cli) -> None:
    out = sweep_on(cli, "--top", 3).out
    lines = [
        line
        for line in out.splitlines()
        if line.strip()[:2] in {"1 ", "2 ", "3 ", "4 "} and "fused" not in line
    ]
    assert len(lines) == 3
    assert "Sharpe unseen" in out
    assert "1 refused, such as: expected 1 <= fast < slow, was fast=6, slow=6" in out
    assert "9 combinations" in out
    assert "After 8 trials on these data the best is not distinguishable from luck" in out


def test_a_draw_tries_so_many(cli: Cli) -> None:
    answer = sweep_on(cli, "--random", 4, "--json").json()
    assert answer["combinations"] == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--grid", "fast=1,2"), "expected each parameter once"),
        (("--grid", "nonsense"), "expected a grid as name=first:last:step"),
        (("--random", 99), "expected --random from 1 to 9"),
        (("--oos", "1.5"), "out-of-sample part between 0 and 1"),
        (("--top", 0), "expected --top >= 1"),
        (("--workers", 0), "expected --workers >= 1"),
        (("--workers", 2, "--ray", "127.0.0.1:1"), "expected --workers or --ray, was both"),
        (("--data", "nowhere"), "nowhere"),
        (("--grid", "quantity=1,2"), "expected each parameter once, was 'quantity' twice"),
        (("--from", "2020-02-08"), "at least 2 periods on either side"),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_written(
    cli: Cli, home: Path, options: tuple[object, ...], message: str
) -> None:
    result = sweep_on(cli, *options)
    assert result.exit_code in {2, 3}
    assert message in result.err
    assert not (home / "sweeps").exists()
    assert not (home / "trials.jsonl").exists()


def test_a_grid_is_required(cli: Cli) -> None:
    result = cli("sweep", "--strategy", "sma_cross", "--data", DATASET)
    assert result.exit_code == 2
    assert "--grid" in result.err


@pytest.fixture
def result(home: Path) -> SweepResult:
    return sweep_of(sweep_request("fast=2,3", engine=EngineKind.PYTHON), home)


@pytest.mark.parametrize(
    ("skill", "pbo", "words"),
    [
        (0.97, 0.1, "the best is distinguishable from luck (deflated Sharpe ratio 0.97"),
        (0.95, 0.1, "the best is not distinguishable from luck"),
        (0.2, 0.55, "in 55% of the ways to split time in halves"),
        (0.2, math.nan, "too little time or too few combinations"),
        (math.nan, 0.5, "cannot be told from luck"),
    ],
)
def test_the_sentence_says_how_likely_it_is_luck(
    result: SweepResult, skill: float, pbo: float, words: str
) -> None:
    from dataclasses import replace

    measured = replace(result.overfitting, pbo=pbo)
    assert isinstance(measured, Overfitting)
    changed = replace(result, deflated_sharpe=skill, overfitting=measured)
    assert words in describe_luck(changed)


def test_a_best_that_never_moved_unseen_is_no_best(result: SweepResult) -> None:
    from dataclasses import replace

    still = replace(result, rows=(replace(result.rows[0], out_of_sample_sharpe=math.nan),))
    assert "there is nothing to choose from" in describe_luck(still)
    assert "--risk open" in describe_luck(still)
