"""A sweep as a whole: equal to backtests, resumed without a trace, each combination a trial."""

from __future__ import annotations

import math
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.errors import InputError, RefusedError, StrategyError
from athena.platform import file_lock
from athena.research import EngineKind, read_trials, run_backtest
from athena.research.statistics import deflated_sharpe
from athena.research.sweep import InlineExecutor, Status
from athena.research.sweep._sweep import _executor as executor_of
from tests.market_builder import START_NS
from tests.sweep_builder import (
    CHEAP,
    config_of,
    hourly_bars,
    store,
    sweep_of,
    sweep_request,
    tables,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from athena.research.engine import Columns
    from athena.research.sweep import Found, Job, SweepResult
    from athena.research.sweep._executor import Chunk

GRID = ("fast=2:8:2", "slow=6,15,30")  # 12 combinations, 2 of them refused
OWN = """
from dataclasses import dataclass
from athena.domain import Side
from athena.errors import InputError
from athena.trading import BarStrategy, Intent

@dataclass
class Own(BarStrategy):
    every: int = 10
    raises: bool = False

    def __post_init__(self):
        if self.every > 90:
            raise InputError(f"expected every <= 90, was {self.every}")

    def on_bar(self, view):
        if self.raises and view.step == 50:
            raise IndexError("out of it")
        if view.step % self.every == 0:
            side = Side.SELL if view.position else Side.BUY
            return Intent(side=side, lots=view.position or 3)
"""
MEMORY = """
from dataclasses import dataclass
from typing import ClassVar
from athena.domain import Side
from athena.trading import BarStrategy, Intent
import remembered

@dataclass
class Memory(BarStrategy):
    length: int = 1
    prices: ClassVar[dict] = {}

    def on_bar(self, view):
        self.prices[view.step] = remembered.PRICES[view.step] = view.bar.close
        ahead = {ahead}.get(view.step + self.length)
        if ahead is not None and not view.n_working:
            if ahead > view.bar.close and not view.position:
                return Intent(side=Side.BUY, lots=10)
            if ahead < view.bar.close and view.position:
                return Intent(side=Side.SELL, lots=view.position)
"""
SHARED = """
from dataclasses import dataclass
from typing import ClassVar
from athena.domain import Side
from athena.trading import BarStrategy, Intent

@dataclass
class Shared(BarStrategy):
    n: int = 20
    prices: ClassVar[list] = []

    def on_bar(self, view):
        self.prices.append(view.bar.close)
        last = self.prices[-self.n:]
        if view.bar.close > sum(last) / len(last) and not view.position:
            return Intent(side=Side.BUY, lots=10)
        if view.bar.close < sum(last) / len(last) and view.position:
            return Intent(side=Side.SELL, lots=view.position)
"""
LEAK = """
from dataclasses import dataclass
import numpy as np
from athena.domain import Side
from athena.trading import Intent, Wake, WokenStrategy

@dataclass
class Leak(WokenStrategy):
    wake = Wake(every_ns=1)
    length: int = 1

    def signals(self, market):
        close = market.close[0]
        up = close[self.length:] > close[:-self.length]  # to bars that are not closed yet
        return {"up": np.append(up, [False] * self.length)}

    def on_wake(self, view):
        if view.signals[0] and view.position == 0 and not view.n_working:
            return Intent(side=Side.BUY, lots=10)
        if not view.signals[0] and view.position > 0 and not view.n_working:
            return Intent(side=Side.SELL, lots=view.position)
"""


@pytest.fixture(autouse=True)
def _stored(home: Path) -> None:
    store(hourly_bars(), home)


class Interrupting:
    """Try some chunks, then be interrupted; remember which combinations were asked for."""

    def __init__(self, n_chunks: int, error: BaseException | None = None) -> None:
        self.n_chunks = n_chunks
        self.error = error
        self.asked: list[int] = []

    def run(
        self, job: Job, columns: Columns, chunks: Sequence[Chunk]
    ) -> Iterator[Sequence[Found]]:
        for chunk in list(chunks)[: self.n_chunks]:
            self.asked += [number for number, _ in chunk]
            yield from InlineExecutor().run(job, columns, [chunk])
        if self.error is not None:
            raise self.error


def row_of(result: SweepResult, **parameters: str) -> Any:
    (row,) = [row for row in result.rows if parameters.items() <= dict(row.parameters).items()]
    return row


def test_each_combination_is_what_its_backtest_is(home: Path) -> None:
    """The same orders, the same money, the same Sharpe ratio, and no other trial."""
    from dataclasses import replace

    request = sweep_request(*GRID)
    result = sweep_of(request, home)
    for fast, slow in (("2", "6"), ("4", "30"), ("8", "15")):
        run = replace(request.run, parameters={"quantity": "10", "fast": fast, "slow": slow})
        backtest = run_backtest(run, CHEAP, home, run_id=f"r{fast}", now_ns=START_NS)
        row = row_of(result, fast=fast, slow=slow)
        main = backtest.summary.main
        assert row.digest == backtest.record.digest
        assert row.final_equity == backtest.final_equity
        assert row.n_fills == backtest.record.main.n_fills > 4
        assert row.n_orders == backtest.record.main.n_orders
        assert row.fees == backtest.record.main.fees
        assert row.sharpe == pytest.approx(main.sharpe.value, rel=1e-9)
        assert row.total_return == pytest.approx(main.total_return.value, rel=1e-9)
        # What the sweep has tried is known: the backtest only repeats it.
        assert backtest.record.trials == result.trials == 10


def test_every_combination_that_ran_is_a_trial_once(home: Path) -> None:
    request = sweep_request(*GRID)
    result = sweep_of(request, home)
    again = sweep_of(request, home)
    trials = read_trials(home).trials
    assert len(trials) == 10
    assert {trial.command for trial in trials} == {"sweep"}
    assert {trial.run_id for trial in trials} == {result.sweep_id}
    assert (result.n_tried, again.n_tried) == (12, 0)
    assert again.trials == 10
    assert math.isnan(again.combos_per_s)
    assert again.rows == result.rows or tables([again]) == tables([result])


def test_the_deflated_ratio_counts_all_trials_on_these_data(home: Path) -> None:
    first = sweep_of(sweep_request(*GRID), home)
    more = sweep_of(sweep_request("fast=3:9:2", "slow=12,40"), home)
    assert (first.trials, more.trials) == (10, 18)
    ledger = read_trials(home)
    n, sharpes = ledger.tried_on(ledger.trials[0], ledger.trials[0].n)
    best = more.best
    assert best is not None
    returns = np.fromfile(more.folder / "returns.f8").reshape(-1, 30)[best.number]
    assert more.deflated_sharpe == deflated_sharpe(returns, n, sharpes)


@pytest.mark.parametrize(
    ("n_chunks", "error"), [(1, KeyboardInterrupt()), (5, SystemExit(143)), (11, MemoryError())]
)
def test_a_sweep_that_was_stopped_goes_on_to_the_same_table(
    home: Path, tmp_path: Path, n_chunks: int, error: BaseException
) -> None:
    """What was found is kept and not tried again; its trials are recorded once."""
    request = sweep_request(*GRID)
    stopped = Interrupting(n_chunks, error)
    with pytest.raises(type(error)):
        sweep_of(request, home, executor=stopped)
    done_before = len(read_trials(home).trials)
    rest = Interrupting(99)
    resumed = sweep_of(request, home, executor=rest)
    assert sorted(stopped.asked + rest.asked) == list(range(12))
    assert done_before > 0
    assert len(read_trials(home).trials) == 10
    other = tmp_path / "other"
    store(hourly_bars(), other)
    assert tables([resumed]) == tables([sweep_of(request, other)])
    assert resumed.deflated_sharpe == sweep_of(request, other).deflated_sharpe


def test_a_kill_between_folder_and_ledger_loses_no_trial(home: Path) -> None:
    request = sweep_request(*GRID)
    sweep_of(request, home)
    ledger = home / "trials.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:4]) + lines[4][:17])
    result = sweep_of(request, home)
    assert len(read_trials(home).trials) == 10
    assert result.trials == 10
    assert any("torn by a crash" in warning for warning in result.warnings)


@pytest.mark.parametrize("number", [12, -1, 3])
def test_a_combination_that_nobody_asked_for_is_refused(home: Path, number: int) -> None:
    """Outside the grid, or one that stands there already."""
    result = sweep_of(sweep_request(*GRID), home)
    path = result.folder / "found.jsonl"
    first, *rest = path.read_text().splitlines(keepends=True)
    path.write_text(first.replace('"number": 0', f'"number": {number}') + "".join(rest))
    with pytest.raises(InputError, match=rf"found\.jsonl, was number {number}"):
        sweep_of(sweep_request(*GRID), home)


def test_other_data_costs_or_split_are_another_sweep(home: Path) -> None:
    from dataclasses import replace

    from athena.research.sweep import run_sweep

    request = sweep_request("fast=2,3")
    ids = [
        sweep_of(request, home).sweep_id,
        sweep_of(replace(request, oos_frac=Decimal("0.4")), home).sweep_id,
        sweep_of(sweep_request("fast=2,3", cash=Decimal(5000)), home).sweep_id,
        sweep_of(sweep_request("fast=2,3", risk="default"), home).sweep_id,
        run_sweep(
            request, config_of(taker_fee_bps=Decimal(2)), home, now_ns=0, n_workers=1
        ).sweep_id,
    ]
    store(hourly_bars(6), home, "walk2")
    (home / "datasets" / "walk").rename(home / "datasets" / "old")
    store(hourly_bars(6), home)
    ids.append(sweep_of(request, home).sweep_id)
    assert len(set(ids)) == 6


def test_who_runs_it_makes_no_other_sweep(home: Path) -> None:
    ids = {
        sweep_of(sweep_request(*GRID, kind=kind), home).sweep_id
        for kind in ("woken", "bar", "rule")
    }
    assert len(ids) == 1
    assert len(read_trials(home).trials) == 10


def test_two_at_once_are_refused(home: Path) -> None:
    result = sweep_of(sweep_request(*GRID), home)
    with (
        file_lock(result.folder.with_suffix(".lock")),
        pytest.raises(RefusedError, match="held by another"),
    ):
        sweep_of(sweep_request(*GRID), home)


def test_combinations_that_a_strategy_refuses_are_rows(home: Path) -> None:
    result = sweep_of(sweep_request(*GRID), home)
    assert len(result.rows) == 12
    refused = [row for row in result.rows if row.status is Status.REFUSED]
    assert [dict(row.parameters)["fast"] for row in refused] == ["6", "8"]
    assert refused[0].message == "expected 1 <= fast < slow, was fast=6, slow=6"
    assert refused == list(result.rows[-2:])


def test_a_grid_that_the_strategy_refuses_altogether_is_wrong_usage(home: Path) -> None:
    with pytest.raises(InputError, match="1 <= fast < slow"):
        sweep_of(sweep_request("fast=40,50"), home)
    with pytest.raises(InputError, match="expected a parameter out of fast") as caught:
        sweep_of(sweep_request("fats=4,5"), home)
    assert caught.value.hint == "did you mean 'fast'?"
    assert not (home / "trials.jsonl").exists()


def own(tmp_path: Path, *grid: str) -> Any:
    file = tmp_path / "own.py"
    file.write_text(OWN, "utf-8")
    return sweep_request(*grid, strategy=f"{file}:Own", parameters={})


def test_a_strategy_of_ones_own_is_swept(home: Path, tmp_path: Path) -> None:
    result = sweep_of(own(tmp_path, "every=5,20,95", "raises=false,true"), home)
    by_status = {
        status: [dict(row.parameters) for row in result.rows if row.status is status]
        for status in Status
    }
    assert {row["every"] for row in by_status[Status.REFUSED]} == {"95"}
    assert [row["raises"] for row in by_status[Status.FAILED]] == ["true", "true"]
    assert [row["raises"] for row in by_status[Status.DONE]] == ["false", "false"]
    trials = read_trials(home).trials
    assert [math.isnan(trial.sharpe) for trial in trials].count(True) == 2  # they were begun
    assert len(trials) == result.trials == 4
    failed = next(row for row in result.rows if row.status is Status.FAILED)
    assert "Own raised IndexError: out of it, on bar 50" in failed.message


@pytest.mark.parametrize("memory", ["self.prices", "remembered.PRICES"])
def test_no_combination_remembers_what_another_one_saw(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: str
) -> None:
    """What stands on a class or a module would be the future of the next combination."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "remembered", raising=False)  # of the case before
    (tmp_path / "remembered.py").write_text("PRICES = {}\n", "utf-8")
    file = tmp_path / "memory.py"
    file.write_text(MEMORY.replace("{ahead}", memory), "utf-8")
    request = sweep_request("length=1,2,3", strategy=f"{file}:Memory", parameters={})
    result = sweep_of(request, home)
    assert [row.n_orders for row in result.rows] == [0, 0, 0]


def test_two_workers_come_to_what_one_comes_to(home: Path, tmp_path: Path) -> None:
    """A mean over prices that it keeps on its class by mistake is that of one run."""
    file = tmp_path / "shared.py"
    file.write_text(SHARED, "utf-8")
    request = sweep_request("n=5,10,20,40", strategy=f"{file}:Shared", parameters={})
    one = sweep_of(request, home)
    store(hourly_bars(), tmp_path / "other")
    two = sweep_of(request, tmp_path / "other", n_workers=2)
    assert tables([one]) == tables([two])
    assert all(row.n_fills > 0 for row in one.rows)


def test_a_changed_module_of_its_folder_is_another_sweep(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "remembered", raising=False)  # of the case before
    (tmp_path / "remembered.py").write_text("PRICES = {}\n", "utf-8")
    (tmp_path / "unused.py").write_text("A = 1\n", "utf-8")
    file = tmp_path / "memory.py"
    file.write_text(MEMORY.replace("{ahead}", "self.prices"), "utf-8")
    request = sweep_request("length=1,2", strategy=f"{file}:Memory", parameters={})
    first = sweep_of(request, home)
    (tmp_path / "unused.py").write_text("A = 2\n", "utf-8")
    assert sweep_of(request, home).sweep_id == first.sweep_id
    (tmp_path / "remembered.py").write_text("PRICES = dict()\n", "utf-8")
    assert sweep_of(request, home).sweep_id != first.sweep_id


def test_a_strategy_that_is_edited_while_it_is_swept_is_refused(
    home: Path, tmp_path: Path
) -> None:
    """What was found with the file as it was is kept; nothing of the edited one is beside it."""
    request = own(tmp_path, "every=5,20,30")
    file = tmp_path / "own.py"

    class Editing:
        def run(
            self, job: Job, columns: Columns, chunks: Sequence[Chunk]
        ) -> Iterator[Sequence[Found]]:
            yield from InlineExecutor().run(job, columns, chunks[:1])
            file.write_text(OWN.replace("or 3)", "or 4)"), "utf-8")
            yield from InlineExecutor().run(job, columns, chunks[1:])

    with pytest.raises(RefusedError, match=r"own.py:Own as the sweep found it, was changed"):
        sweep_of(request, home, executor=Editing())
    assert len(read_trials(home).trials) == 1


def test_copies_count_once_and_an_edit_counts_again(home: Path, tmp_path: Path) -> None:
    """A parameter that changes nothing makes no trial; the same words for other code do."""
    padded = OWN.replace("raises: bool = False", "raises: bool = False\n    dummy: int = 0")
    file = tmp_path / "own.py"
    file.write_text(padded, "utf-8")
    request = sweep_request("every=5,20", "dummy=1,2,3", strategy=f"{file}:Own", parameters={})
    assert sweep_of(request, home).trials == 2
    file.write_text(padded.replace("or 3)", "or 4)"), "utf-8")
    assert sweep_of(request, home).trials == 4
    assert sweep_of(request, home).trials == 4


def test_a_strategy_that_raises_on_every_combination_is_an_error(
    home: Path, tmp_path: Path
) -> None:
    with pytest.raises(StrategyError, match="IndexError: out of it"):
        sweep_of(own(tmp_path, "every=5,95", "raises=true"), home)


def test_what_raises_before_its_second_bar_is_no_trial(home: Path, tmp_path: Path) -> None:
    request = own(tmp_path, "every=5,20", "raises=true,false")
    (tmp_path / "own.py").write_text(OWN.replace("view.step == 50", "view.step == 0"), "utf-8")
    assert sweep_of(request, home).trials == 2
    assert len(read_trials(home).trials) == 2


def test_a_changed_strategy_is_another_sweep(home: Path, tmp_path: Path) -> None:
    first = sweep_of(own(tmp_path, "every=5,20"), home)
    (tmp_path / "own.py").write_text(OWN.replace("or 3)", "or 4)"), "utf-8")
    request = sweep_request("every=5,20", strategy=f"{tmp_path / 'own.py'}:Own", parameters={})
    assert sweep_of(request, home).sweep_id != first.sweep_id


def test_a_strategy_that_never_trades_is_no_best(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN.replace("view.step % self.every == 0", "False"), "utf-8")
    request = sweep_request("every=5,20", strategy=f"{file}:Own", parameters={})
    result = sweep_of(request, home)
    assert result.best is None
    assert math.isnan(result.deflated_sharpe)
    assert math.isnan(result.overfitting.pbo)


def test_a_random_draw_is_part_of_the_grid_and_the_same_again(home: Path) -> None:
    request = sweep_request("fast=2:9:1", "slow=10:40:10", n_random=6)
    result = sweep_of(request, home)
    assert len(result.rows) == 6
    assert sweep_of(request, home).n_tried == 0
    whole = sweep_of(sweep_request("fast=2:9:1", "slow=10:40:10"), home)
    digests = {row.number: row.digest for row in whole.rows}
    assert all(digests[row.number] == row.digest for row in result.rows)


def test_the_last_part_ranks_and_changing_it_changes_no_ratio_before_it(
    home: Path, tmp_path: Path
) -> None:
    """D02 for the table: bars after the split move nothing that was seen before it."""
    from tests.market_builder import after

    request = sweep_request(*GRID)
    result = sweep_of(request, home)
    changed = tmp_path / "changed"
    step = 21 * 24 - 1  # the last bar of the in-sample part
    store(after(hourly_bars(), step, np.random.default_rng(1)), changed)
    other = sweep_of(request, changed)
    seen = {row.number: row.in_sample_sharpe for row in result.rows if row.rank}
    seen_there = {row.number: row.in_sample_sharpe for row in other.rows if row.rank}
    assert seen == seen_there
    unseen = [row.out_of_sample_sharpe for row in result.rows if row.rank]
    assert unseen == sorted(unseen, reverse=True)
    assert unseen != [row.out_of_sample_sharpe for row in other.rows if row.rank]


def test_made_up_prices_and_a_ratio_too_good_are_told(home: Path) -> None:
    """A strategy that sees the next close is the planted fault; the walk is its clean twin."""
    store(hourly_bars(), home, "mock", is_synthetic=True)
    made = sweep_request("fast=2,3", sources=("mock",))
    assert [text[:24] for text in sweep_of(made, home).warnings] == ["The prices are synthetic"]
    file = home / "leak.py"
    file.write_text(LEAK, "utf-8")
    leak = sweep_request("length=1,2", strategy=f"{file}:Leak", parameters={})
    (warning,) = sweep_of(leak, home).warnings
    assert "annual Sharpe ratio of" in warning
    assert f"athena audit --strategy {file}:Leak" in warning
    assert sweep_of(sweep_request("fast=2,3"), home).warnings == ()


def test_few_steps_are_not_worth_a_second_process(home: Path) -> None:
    from dataclasses import replace

    from athena.research.sweep import ProcessExecutor
    from athena.research.sweep._plan import plan_sweep

    plan = plan_sweep(sweep_request("fast=2,3"), CHEAP, home)
    assert isinstance(executor_of(plan, None), InlineExecutor)
    assert isinstance(executor_of(plan, 2), ProcessExecutor)
    many = replace(plan, numbers=range(3000))
    assert many.n_steps == 3000 * 720
    with pytest.raises(InputError, match="at least 1 worker, was 0"):
        executor_of(plan, 0)


def test_the_engine_is_chosen_for_all_steps_together(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from athena.research.engine import _engine
    from athena.research.sweep._plan import plan_sweep

    monkeypatch.setattr(_engine, "has_compiler", lambda: True)
    few = plan_sweep(sweep_request("fast=2:500:1", engine=EngineKind.AUTO), CHEAP, home)
    many = plan_sweep(
        sweep_request("fast=2:99:1", "slow=100:139:1", engine=EngineKind.AUTO), CHEAP, home
    )
    assert (few.is_compiled, few.kind) == (False, "woken")
    assert (many.is_compiled, many.kind) == (True, "rule")
    assert few.manifest["run"] == many.manifest["run"]
