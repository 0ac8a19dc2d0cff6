"""Three kinds of strategy, two executions, one result, and an independent reference's (TR-26)."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.research import EngineKind
from athena.trading import layout as at
from tests.market_builder import benchmark_bars, run_named, setup_of

if TYPE_CHECKING:
    from pathlib import Path

    from athena.domain import Bars
    from athena.research import Setup

KINDS = ("rule", "woken", "bar")
JOBS: dict[str, dict[str, Any]] = {
    "sma_cross": {"fast": 10, "slow": 30, "quantity": 1},
    "sma_bracket": {"fast": 10, "slow": 30, "quantity": 1, "stop": 0.002, "target": 0.003},
}
TEN_BPS = Decimal(10)


def job(bars: Bars, engine: EngineKind = EngineKind.PYTHON, **places: Path) -> Setup:
    return setup_of(
        [bars],
        engine=engine,
        is_touch=True,
        is_path=True,
        taker_fee_bps=TEN_BPS,
        maker_fee_bps=TEN_BPS,
        **places,
    )


def reference(name: str, bars: Bars) -> tuple[int, float]:
    """Trade job A or B in floats, without an engine: (fills, final equity)."""
    o, h, low, c = (column / 100 for column in bars.columns()[1:5])
    ticks = bars.close_ticks.tolist()
    cash, held, n_fills, stop, target, is_due = 1_000_000.0, 0, 0, 0.0, 0.0, False
    for t in range(len(bars)):
        if is_due:
            held, n_fills, is_due = 1 - held, n_fills + 1, False
            cash -= (2 * held - 1) * o[t] + o[t] * 0.001
        price = _left_at(o[t], h[t], low[t], stop, target) if held and stop else None
        if price is not None:
            held, n_fills, cash = 0, n_fills + 1, cash + price * 0.999
        trend = sum(ticks[t - 9 : t + 1]) * 3 - sum(ticks[t - 29 : t + 1]) if t >= 29 else 0
        if trend > 0 and not held and t + 1 < len(bars):
            is_due = True
            if name == "sma_bracket":
                stop, target = round(c[t] * 0.998, 2), round(c[t] * 1.003, 2)
        is_due = is_due or (name == "sma_cross" and trend < 0 and held == 1 and t + 1 < len(bars))
    return n_fills, cash + held * float(c[-1])


def _left_at(o: float, h: float, low: float, stop: float, target: float) -> float | None:
    """Say where a bracket is left in a bar that is walked to its nearer extreme first."""
    if o <= stop or o >= target:
        return o
    hits_stop, hits_target = low <= stop, h >= target
    if hits_stop and hits_target:
        return target if h - o < o - low else stop
    if hits_stop:
        return stop
    return target if hits_target else None


@pytest.fixture(scope="module")
def bars() -> Bars:
    return benchmark_bars(20_000)


@pytest.mark.parametrize("name", JOBS)
def test_every_kind_gives_the_fills_and_the_equity_of_the_reference(name: str, bars: Bars) -> None:
    """TR-26: a stop is rounded towards the market, the reference to the nearest; a cent a trip."""
    runs = [run_named(job(bars), name, kind, **JOBS[name]) for kind in KINDS]
    n_fills, equity = reference(name, bars)
    assert {len(item.fills.side) for item in runs} == {n_fills}
    assert len({item.digest for item in runs}) == 1
    assert len({item.words.tobytes() for item in runs}) == 1
    tolerance = 0.005 if name == "sma_cross" else 0.01 * n_fills / 2
    assert abs(runs[0].equity / 1e8 - equity) < tolerance
    assert n_fills > 500


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", JOBS)
def test_compiled_and_interpreted_runs_are_equal(
    name: str, kind: str, bars: Bars, compiler_cache: Path
) -> None:
    """TR-34."""
    pytest.importorskip("numba", reason="the extra `fast` is not installed")
    interpreted = run_named(job(bars), name, kind, **JOBS[name])
    setup = job(bars, EngineKind.COMPILED, cache=compiler_cache)
    compiled = run_named(setup, name, kind, **JOBS[name])
    assert compiled.outcome.is_compiled
    assert compiled.digest == interpreted.digest
    assert np.array_equal(compiled.words, interpreted.words)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n_fills", "equity"),
    [("sma_cross", 39_114, 963_910.09), ("sma_bracket", 57_141, 947_126.59)],
)
def test_a_million_bars_give_the_figures_of_the_benchmark(
    name: str, n_fills: int, equity: float, compiler_cache: Path
) -> None:
    """TR-26: two independent engines had them too; the bracket within five cents."""
    pytest.importorskip("numba", reason="the extra `fast` is not installed")
    setup = job(benchmark_bars(1_000_000), EngineKind.COMPILED, cache=compiler_cache)
    runs = [run_named(setup, name, kind, **JOBS[name]) for kind in KINDS]
    assert len({item.digest for item in runs}) == 1
    assert [len(item.fills.side) for item in runs] == [n_fills] * 3
    assert abs(runs[0].equity / 1e8 - equity) < (0.01 if name == "sma_cross" else 0.055)


def test_the_state_does_not_grow_with_the_run(bars: Bars) -> None:
    """TR-04: hot rows in use stay few, however many orders have come and gone."""
    outcomes = [
        run_named(job(bars.rows(0, n)), "sma_bracket", **JOBS["sma_bracket"]).outcome
        for n in (2_000, 20_000)
    ]
    accounts = [outcome.state.views.account for outcome in outcomes]
    assert accounts[1][at.NEXT_NUMBER] > 5 * accounts[0][at.NEXT_NUMBER]
    assert max(account[at.N_ROWS] for account in accounts) <= 3
    sizes = [sum(table.nbytes for table in outcome.state.arrays) for outcome in outcomes]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize(
    "engine",
    [EngineKind.PYTHON, pytest.param(EngineKind.COMPILED, marks=pytest.mark.slow)],
)
def test_how_far_the_driver_looks_ahead_makes_no_difference(
    engine: EngineKind, bars: Bars, monkeypatch: pytest.MonkeyPatch, compiler_cache: Path
) -> None:
    """TR-07: bars one by one, in blocks, in horizons: equal words."""
    if engine is EngineKind.COMPILED:
        pytest.importorskip("numba", reason="the extra `fast` is not installed")
    from athena.research.engine import _driver

    setup = job(bars.rows(0, 3_000), engine, cache=compiler_cache)
    found = []
    for block, first, last in ((4096, 32, 4096), (1, 1, 1), (7, 3, 11), (64, 4096, 4096)):
        monkeypatch.setattr(_driver, "_BLOCK_STEPS", block)
        monkeypatch.setattr(_driver, "_FIRST_HORIZON", first)
        monkeypatch.setattr(_driver, "_LAST_HORIZON", last)
        found.append(run_named(setup, "sma_bracket", "bar", **JOBS["sma_bracket"]).words)
    assert all(np.array_equal(one, other) for one, other in pairwise(found))


def test_small_record_buffers_make_no_difference(
    bars: Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TR-07: how often the records are handed over is not in them."""
    from athena.research.engine import _driver

    setup = job(bars.rows(0, 3_000))
    for kind in KINDS[1:]:
        whole = run_named(setup, "sma_bracket", kind, **JOBS["sma_bracket"]).words
        monkeypatch.setattr(_driver, "FLUSH_WORDS", 0)
        pieces = run_named(setup, "sma_bracket", kind, **JOBS["sma_bracket"]).words
        monkeypatch.undo()
        assert np.array_equal(whole, pieces)


@pytest.mark.parametrize("name", JOBS)
def test_ten_times_the_prices_in_ten_times_the_ticks_give_the_same_orders(
    name: str, bars: Bars
) -> None:
    """TR-07."""
    from dataclasses import replace

    short = bars.rows(0, 3_000)
    fine = replace(short.instrument, tick=short.instrument.tick / 10)
    first = run_named(job(replace(short, instrument=fine)), name, **JOBS[name])
    second = run_named(job(short), name, **JOBS[name])
    for column in ("order", "lots", "price_ticks", "side", "marks"):
        assert np.array_equal(getattr(first.fills, column), getattr(second.fills, column))
    assert second.equity - 10**14 == 10 * (first.equity - 10**14)
