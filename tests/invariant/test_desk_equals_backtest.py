"""The desk decides the same wherever it is hosted, and whatever comes later: D01, D02, DK-12."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.desk.agents import SignalStrategy, StrategyName
from athena.desk.hosting import DeskStrategy, Parts
from athena.research import EngineKind
from tests.conftest import IS_FULL
from tests.hosting_driver import drive
from tests.hosting_walks import HOUR_NS, SYMBOLS, moving_bars
from tests.market_builder import after, driftless_bars, run, setup_of

if TYPE_CHECKING:
    from pathlib import Path

    from athena.desk.cycle import CycleResult

N_BARS = 150


def named(make: Any = DeskStrategy) -> Any:
    return lambda: [("desk", make())]


@pytest.mark.parametrize("n_symbols", [1, 3])
@pytest.mark.parametrize("is_keyed", [False, True])
def test_bars_as_they_come_give_the_decisions_of_a_backtest(
    n_symbols: int, *, is_keyed: bool
) -> None:
    """TR-07 for the desk: record for record, restarts at any step included."""
    bars = [moving_bars(N_BARS, k, name) for k, name in enumerate(SYMBOLS[:n_symbols])]
    setup = setup_of(bars, is_open=False, cash=100_000)
    backtest = run(setup, DeskStrategy())
    hosted = drive(setup, bars, named(), is_keyed=is_keyed, restarts=[1, 60, 61, 100, 149])
    assert [one.error for step in hosted.decisions for one in step if one.error] == []
    assert np.array_equal(backtest.words, hosted.words)
    assert backtest.digest == hosted.digest
    assert len(backtest.fills.side) >= 1


def test_a_step_that_is_decided_on_again_after_a_crash_doubles_no_order() -> None:
    """I2: the keys follow from desk, symbol and time, so that the core knows them."""
    bars = [moving_bars(N_BARS, 2, "BTC/USD")]
    setup = setup_of(bars, is_open=False, cash=100_000)
    whole = drive(setup, bars, named(), is_keyed=True)
    crashed = drive(setup, bars, named(), is_keyed=True, crashes=range(0, N_BARS, 2))
    assert _fills(crashed.words) == _fills(whole.words)


def _fills(words: Any) -> list[tuple[int, ...]]:
    from athena.trading import fill_columns

    found = fill_columns([words])
    return list(zip(*(c.tolist() for c in (found.marks, found.side, found.lots)), strict=True))


def test_history_warms_the_feeds_and_gives_no_orders() -> None:
    """Rule 7: a live start in the middle sees what came before, and decides from now on."""
    whole = moving_bars(N_BARS, 4, "BTC/USD")
    history, tail = whole.rows(0, 100), whole.rows(100, N_BARS)
    results: list[CycleResult] = []

    def make() -> DeskStrategy:
        desk = DeskStrategy()
        desk.plug(Parts(record=results.append))
        return desk

    drive(setup_of([tail], is_open=False), [tail], named(make), history=[history])
    assert len(results) == N_BARS - 100
    assert len(results[0].snapshot.working) == 101
    unbroken: list[CycleResult] = []
    desk = DeskStrategy()
    desk.plug(Parts(record=unbroken.append))
    run(setup_of([whole], is_open=False), desk)
    assert results[0].snapshot.id == unbroken[100].snapshot.id


@pytest.mark.parametrize("step", [40, 77, 120])
def test_no_decision_depends_on_what_comes_later(step: int) -> None:
    """D02: every bar after a step is another one; every decision up to it is the same."""
    bars = moving_bars(N_BARS, 6, "BTC/USD")
    other = after(bars, step, np.random.default_rng(1))
    runs = []
    for own in (bars, other):
        results: list[CycleResult] = []
        desk = DeskStrategy()
        desk.plug(Parts(record=results.append))
        runs.append((run(setup_of([own], is_open=False), desk), results))
    (one, first), (two, second) = runs
    assert [r.decision for r in first[: step + 1]] == [r.decision for r in second[: step + 1]]
    assert [r.outputs for r in first[: step + 1]] == [r.outputs for r in second[: step + 1]]
    assert one.words_until(step) == two.words_until(step)
    assert first[-1].decision != second[-1].decision


class Peeking(DeskStrategy):
    """The planted fault: it takes the next bar for the present one."""

    def on_wake(self, view: Any) -> Any:
        market = self._market
        assert market is not None
        step = min(view.step + 1, len(market.close_ns) - 1)
        columns = (market.open, market.high, market.low, market.close, market.volume)
        view.bars = (type(view.bars[0])(*(int(column[0, step]) for column in columns)),)
        return super().on_wake(view)


def test_a_desk_that_reads_ahead_is_seen_to() -> None:
    bars = moving_bars(N_BARS, 6, "BTC/USD")
    found = []
    for own in (bars, after(bars, 77, np.random.default_rng(1))):
        results: list[CycleResult] = []
        desk = Peeking()
        desk.plug(Parts(record=results.append))
        run(setup_of([own], is_open=False), desk)
        found.append([r.outputs for r in results[:78]])
    assert found[0] != found[1]


@pytest.mark.slow
@pytest.mark.timeout(900)  # compiling, where nothing is cached yet
def test_compiled_and_interpreted_cores_see_the_same_desk(compiler_cache: Path) -> None:
    """The peak that a drawdown is measured from does not depend on who runs the core."""
    bars = [moving_bars(N_BARS, k, name) for k, name in enumerate(SYMBOLS[:2])]
    digests = set()
    for engine in (EngineKind.PYTHON, EngineKind.COMPILED):
        setup = setup_of(bars, is_open=False, cash=100_000, engine=engine, cache=compiler_cache)
        digests.add(run(setup, DeskStrategy()).digest)
    assert len(digests) == 1


@pytest.mark.slow
def test_noise_earns_nothing_before_costs() -> None:
    """D01, DK-12: on driftless walks of 400 bars the mean gain is within two standard errors of 0.

    ATHENA_FULL=1 runs 200 walks.
    """
    n_walks = 200 if IS_FULL else 20
    gains = []
    for seed in range(n_walks):
        bars = [driftless_bars(400, seed, "BTC/USD", HOUR_NS)]
        simulated = run(setup_of(bars, cash=100_000), DeskStrategy())
        gains.append(simulated.equity / 1e8 - 100_000)
    error = float(np.std(gains, ddof=1)) / np.sqrt(n_walks)
    assert abs(float(np.mean(gains))) <= 2 * error
    assert error > 0


@pytest.mark.parametrize("name", list(StrategyName))
def test_every_strategy_of_the_desk_is_a_strategy_of_the_core(name: StrategyName) -> None:
    """DK-12: no name without a signal; each runs on noise like any other."""
    bars = [driftless_bars(200, k, s, HOUR_NS) for k, s in enumerate(SYMBOLS[:2])]
    simulated = run(setup_of(bars), SignalStrategy(name=name))
    assert len(simulated.digest) == 16
