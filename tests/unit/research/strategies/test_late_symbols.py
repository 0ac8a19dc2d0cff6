"""A symbol that begins later than the run: what stands before its first bar is no price."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.research import EngineKind
from athena.research.strategies import BUILT_IN
from tests.market_builder import (
    HOUR_NS,
    START_NS,
    bars_of,
    driftless_bars,
    run_named,
    setup_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from athena.domain import Bars

SIGNALLED = ("sma_cross", "sma_bracket", "ema_cross", "momentum", "mean_reversion", "breakout")
N_LATE = 20


def flat(n: int, symbol: str, first: int = 0) -> Bars:
    """Stand at 100 in every bar from a step on."""
    times = START_NS + HOUR_NS * np.arange(first, n)
    prices = np.full(n - first, 10_000)
    return bars_of((times, *([prices] * 4), np.full(n - first, 10**14)), symbol, HOUR_NS)


def late_first(bars: Bars, n: int) -> list[Bars]:
    """Put bars that lack their first ones beside a symbol that is there from the start."""
    return [bars.rows(n, len(bars)), flat(len(bars), "ETH/USD")]


@pytest.mark.parametrize(
    ("name", "frame"), [*((name, "") for name in SIGNALLED), ("ema_cross", "4h")]
)
def test_a_flat_price_that_begins_late_is_no_rise(name: str, frame: str) -> None:
    parameters = {"frame": frame} if frame else {}
    for kind in BUILT_IN[name].kinds:
        for bars in (
            late_first(flat(400, "TEST/USD"), N_LATE),
            [flat(400, "TEST/USD"), flat(400, "ETH/USD", N_LATE)],
        ):
            done = run_named(setup_of(bars), name, kind, **parameters)
            assert len(done.fills.side) == 0
            assert done.n_denied == 0


@pytest.mark.parametrize("name", [*SIGNALLED, "random"])
def test_a_symbol_that_begins_late_trades_as_if_nothing_were_before(name: str) -> None:
    """The window counts from the first bar with a price; the tosses are those of the run."""
    bars = driftless_bars(600, 3, interval_ns=HOUR_NS)
    parameters: dict[str, object] = {"quantity": 1}
    if name in {"momentum", "mean_reversion"}:
        parameters["threshold"] = 0.005 if name == "momentum" else 1.5
    late = run_named(setup_of(late_first(bars, N_LATE)), name, **parameters)
    assert len(late.fills.side) > 0
    assert late.n_denied == 0
    assert late.fills.marks.min() > N_LATE
    if name != "random":
        alone = run_named(setup_of([bars.rows(N_LATE, 600)]), name, **parameters)
        assert (late.fills.marks - N_LATE).tolist() == alone.fills.marks.tolist()
        assert late.fills.price_ticks.tolist() == alone.fills.price_ticks.tolist()


@pytest.mark.parametrize("name", ["sma_cross", "sma_bracket"])
def test_the_three_kinds_agree_on_a_symbol_that_begins_late(name: str) -> None:
    bars = late_first(driftless_bars(600, 3, interval_ns=HOUR_NS), N_LATE)
    runs = [run_named(setup_of(bars), name, kind) for kind in BUILT_IN[name].kinds]
    assert len(runs) == 3
    assert len({done.digest for done in runs}) == 1
    assert len(runs[0].fills.side) > 3


def test_a_symbol_without_any_bar_in_the_window_gives_no_signal() -> None:
    from athena.research.strategies._signals import ema_trend, first_priced, sma_trend

    nothing = np.zeros(50, np.int64)
    assert first_priced(nothing) == 50
    assert not sma_trend(nothing, 2, 5).any()
    assert not ema_trend(nothing.astype(np.float64), 2, 5).any()


@pytest.mark.slow  # machine code takes about half a minute
@pytest.mark.parametrize("name", ["sma_cross", "sma_bracket"])
def test_the_compiled_rule_agrees_on_a_symbol_that_begins_late(name: str, tmp_path: Path) -> None:
    pytest.importorskip("numba", reason="the extra `fast` is not installed")
    bars = late_first(driftless_bars(600, 3, interval_ns=HOUR_NS), N_LATE)
    compiled = setup_of(bars, engine=EngineKind.COMPILED, cache=tmp_path)
    expected = run_named(setup_of(bars), name).digest
    assert run_named(compiled, name, "rule").digest == expected
