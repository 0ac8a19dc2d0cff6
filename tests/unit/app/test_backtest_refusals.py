"""`athena backtest` with what makes no strategy, at costs that leave nothing, and twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from athena.errors import InputError
from athena.research import _trials, read_trials, write_run
from athena.research.runs import _backtest
from tests.market_builder import HOUR_NS, driftless_bars

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
HEAD = "from athena.domain import Book\nfrom athena.trading import *\n\n"
BODY = "    def on_bar(self, view): ...\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write bars as a person would have them."""
    path = tmp_path / "TESTUSD_1h.csv"
    rows = ["ts,open,high,low,close,volume"]
    bars = driftless_bars(400, 5, interval_ns=HOUR_NS)
    for ts_ns, *prices, lots in zip(*(column.tolist() for column in bars.columns()), strict=True):
        rows.append(
            ",".join([str(ts_ns // 10**9), *(f"{p / 100:.2f}" for p in prices), str(lots)])
        )
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


def run_on(cli: Cli, file: Path, *options: object) -> Any:
    return cli("backtest", "--data", file, "--symbol", "TEST/USD", "--json", *options)


@pytest.mark.parametrize("name", [":", ".x:Y", "x.py:", ":Y"])
def test_half_a_name_of_a_strategy_is_a_wrong_input(cli: Cli, file: Path, name: str) -> None:
    result = run_on(cli, file, "--strategy", name)
    assert result.exit_code == 2
    assert "FILE.py:NAME" in result.out + result.err


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("import no_such_module_here\n", "no_such_module_here"),
        (f"{HEAD}class Own(BarStrategy):\n    def __init__(self, level): ...\n{BODY}", "level"),
        (f"{HEAD}class Own(BarStrategy): ...\n", "on_bar"),
        (f"{HEAD}class Own(BarStrategy):\n    book = Book.CORE\n{BODY}", "Own"),
        (f"{HEAD}class Own(BarStrategy):\n    book = Book.HODL\n{BODY}", "Own"),
    ],
)
def test_a_class_that_may_not_run_is_a_wrong_input(  # noqa: PLR0913, PLR0917 - fixtures
    cli: Cli, file: Path, home: Path, tmp_path: Path, source: str, named: str
) -> None:
    path = tmp_path / "own.py"
    path.write_text(source, "utf-8")
    result = run_on(cli, file, "--strategy", f"{path}:Own")
    assert result.exit_code == 2
    assert named in result.out + result.err
    assert read_trials(home).trials == ()
    assert not any((home / "runs").glob("*"))


@pytest.mark.parametrize("options", [("--fee-bps", "10000"), ("--slippage-bps", "10000")])
def test_costs_of_everything_leave_the_random_baseline_out_and_fail_nothing(
    cli: Cli, file: Path, options: tuple[str, ...]
) -> None:
    result = run_on(
        cli, file, "--strategy", "sma_cross", "--param", "quantity=1", "--risk", "open", *options
    )
    assert result.exit_code == 0, result.err
    names = list(result.json()["baselines"])
    assert len(names) > 1
    assert not any(name.startswith("random") for name in names)


def test_a_run_holds_the_ledger_from_its_count_to_its_entry(
    cli: Cli, file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def write_while_another_records(folder: Path, record: Any) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(_trials, "_LOCK_TIMEOUT_S", 0.01)
            with pytest.raises(InputError, match="expected the lock"), _trials.locked_trials(home):
                pass
        tried.append(record.trials)
        write_run(folder, record)

    monkeypatch.setattr(_backtest, "write_run", write_while_another_records)
    for fast in (3, 5):
        result = run_on(cli, file, "--strategy", "sma_cross", "--param", f"fast={fast}")
        assert result.exit_code == 0, result.err
    assert tried == [1, 2]
    assert len(read_trials(home).trials) == 2
