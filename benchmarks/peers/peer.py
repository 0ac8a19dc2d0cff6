"""What the peers' scripts share: the bars, the clock, and the one line they print.

Each script runs in the peer's own environment, which has no Athena: numpy is all it needs.
Usage of each is SCRIPT JOB N_BARS.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

CASH = 1_000_000.0
FEE_FRAC = 0.001
FAST, SLOW = 10, 30
STOP_FRAC, TARGET_FRAC = 0.002, 0.003
MARGIN = 1e-6  # means that differ by less are equal: floating sums wander
MINUTE_S = 60
NS_PER_S = 1_000_000_000
PRICES = ("open", "high", "low", "close")
_RUNS = 3
_ENOUGH_S = 10.0


def load_bars() -> dict[str, Any]:
    """Read the bars, oldest first: ts in seconds, open, high, low, close, volume."""
    path = Path(__file__).resolve().parents[2] / ".bench" / "bars_1000000.npz"
    with np.load(path) as columns:
        return {name: columns[name][: int(sys.argv[2])] for name in columns.files}


def job() -> str:
    """Return which job was asked for, A or B."""
    return sys.argv[1]


def protections(close: float) -> tuple[float, float]:
    """Return stop and target of job B, on whole ticks."""
    return round(close * (1 - STOP_FRAC), 2), round(close * (1 + TARGET_FRAC), 2)


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Do the work; return what came out, CPU seconds and wall seconds."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    result = work()
    return result, time.process_time() - cpu_s, time.perf_counter() - wall_s


def measure(prepare: Callable[[], Any], work: Callable[[Any], Any]) -> tuple[Any, float, float]:
    """Do the work on what was prepared, three times, or until it took long enough.

    Returns:
        What came out last, and CPU and wall seconds of the fastest; preparing is not in them.
    """
    runs: list[tuple[float, float]] = []
    result = None
    while len(runs) < _RUNS and sum(cpu_s for cpu_s, _ in runs) < _ENOUGH_S:
        prepared = prepare()
        result, *took_s = timed(lambda prepared=prepared: work(prepared))
        runs.append((took_s[0], took_s[1]))
    cpu_s, wall_s = min(runs)
    return result, cpu_s, wall_s


def answer(version: str, cpu_s: float, wall_s: float, **found: object) -> None:
    """Print what was measured; `fills` are None where the peer does not tell them."""
    line = {"version": version, "cpu_s": cpu_s, "wall_s": wall_s, **found}
    print(json.dumps(line))  # noqa: T201 - its answer
