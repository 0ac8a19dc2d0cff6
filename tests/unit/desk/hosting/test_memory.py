"""Cycle after cycle the desk holds no more than before (A08)."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest

from athena.desk.hosting import DeskStrategy
from athena.research import simulate
from tests.conftest import IS_FULL
from tests.hosting_walks import moving_bars
from tests.market_builder import MINUTE_NS, setup_of


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_memory_is_flat_over_many_cycles() -> None:
    """A08: 100,000 cycles with ATHENA_FULL=1. Bars of a minute fill every frame early."""
    n = 100_000 if IS_FULL else 2_000
    marks = (n // 2, n - 1)
    held = []

    class Watched(DeskStrategy):
        def on_wake(self, view: Any) -> Any:
            wanted = super().on_wake(view)
            if view.step in marks:
                gc.collect()  # what is held, not what waits to be collected
                held.append(tracemalloc.get_traced_memory()[0])
            return wanted

    bars = moving_bars(n, 0, "BTC/USD", deviation=0.001, interval_ns=MINUTE_NS)
    setup = setup_of([bars], is_open=False, cash=100_000)
    tracemalloc.start()
    try:
        simulate(setup, [("desk", Watched())], on_records=lambda _: None)
    finally:
        tracemalloc.stop()
    before, after = held
    # Days of returns are still coming in; nothing else may grow.
    assert after - before < 20 * (marks[1] - marks[0]) + 100_000
