"""Measure the desk: `python -m benchmarks.desk [--bars N] [--cycles N]`.

CPU time, beside a calibration loop that says how slow the machine is at the moment: a figure times
REFERENCE / calibration is one of the reference machine. No engine, no trace: the desk alone.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.desk.hosting import DeskStrategy
from athena.research import simulate
from benchmarks.measure import REFERENCE_CALIB_S, calibrate
from tests.hosting_walks import SYMBOLS, moving_bars
from tests.market_builder import run, setup_of

if TYPE_CHECKING:
    from athena.trading import View

TWO_YEARS_BARS = 2 * 365 * 24
_WARM_BARS = 150  # before, the agents have too little to go by, and are done sooner
_MB = 1e6


class TimedDesk(DeskStrategy):
    """The desk, with the CPU time of each close: bars taken, one cycle for each symbol."""

    def on_wake(self, view: View) -> Any:
        started_ns = time.process_time_ns()
        wanted = super().on_wake(view)
        TIMES.append(time.process_time_ns() - started_ns)
        return wanted


TIMES: list[int] = []


def measure_cycles(n_bars: int) -> dict[str, float]:
    """Run hourly decisions on three symbols, under the default limits."""
    bars = [moving_bars(n_bars, k, name) for k, name in enumerate(SYMBOLS)]
    setup = setup_of(bars, is_open=False, cash=100_000)
    before_s = calibrate()
    started_s = time.process_time()
    run(setup, TimedDesk())
    cpu_s = time.process_time() - started_s
    speed = REFERENCE_CALIB_S / max(before_s, calibrate())
    found = np.array(TIMES[_WARM_BARS:]) / 1e6
    TIMES.clear()
    two_years_s = cpu_s * TWO_YEARS_BARS / n_bars
    return {
        "closes": n_bars,
        "symbols": len(SYMBOLS),
        "machine_speed": speed,
        "close_ms_p50": float(np.percentile(found, 50)),
        "close_ms_p99": float(np.percentile(found, 99)),
        "close_ms_p99_reference": float(np.percentile(found, 99)) * speed,
        "cpu_s": cpu_s,
        "two_years_cpu_s": two_years_s,
        "two_years_cpu_s_reference": two_years_s * speed,
    }


class WatchedDesk(DeskStrategy):
    """The desk, with the memory that is held at a few of its closes."""

    def on_wake(self, view: View) -> Any:
        wanted = super().on_wake(view)
        if view.step in MARKS:
            gc.collect()  # what is held, not what waits to be collected
            HELD.append(tracemalloc.get_traced_memory()[0])
        return wanted


MARKS: set[int] = set()
HELD: list[int] = []


def measure_memory(n_cycles: int) -> dict[str, float]:
    """Run cycles on one symbol, and compare what is held at the middle and at the end (A08).

    Bars of a minute: every frame is full long before the middle.
    """
    bars = moving_bars(n_cycles, 0, SYMBOLS[0], deviation=0.001, interval_ns=60 * 10**9)
    setup = setup_of([bars], is_open=False, cash=100_000)
    MARKS.update((n_cycles // 2, n_cycles - 1))
    HELD.clear()
    tracemalloc.start()
    simulate(setup, [("desk", WatchedDesk())], on_records=lambda _: None)
    tracemalloc.stop()
    return {
        "cycles": n_cycles,
        "held_mb_middle": HELD[0] / _MB,
        "held_mb_end": HELD[1] / _MB,
        "growth_bytes_per_cycle": (HELD[1] - HELD[0]) / (n_cycles - n_cycles // 2),
    }


def main() -> None:
    """Measure, and write one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=2_000, help="hours of three symbols")
    parser.add_argument(
        "--cycles", type=int, default=0, help="of the memory test; 0 leaves it out"
    )
    asked = parser.parse_args()
    found: dict[str, Any] = {"cycles": measure_cycles(asked.bars)}
    if asked.cycles:
        found["memory"] = measure_memory(asked.cycles)
    json.dump(found, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
