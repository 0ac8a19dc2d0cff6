"""What the peers' scripts share: the bars, the clock, and the one line they print.

Each script runs in the peer's own environment, which has no Athena: numpy is all it needs.
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


def load_bars() -> dict[str, Any]:
    """Read the bars: usage is SCRIPT JOB N_BARS."""
    path = Path(__file__).resolve().parents[2] / ".bench" / "bars_1000000.npz"
    with np.load(path) as columns:
        return {name: columns[name][: int(sys.argv[2])] for name in columns.files}


def job() -> str:
    """Return which job was asked for, A or B."""
    return sys.argv[1]


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Do the work; return what came out, CPU seconds and wall seconds."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    result = work()
    return result, time.process_time() - cpu_s, time.perf_counter() - wall_s


def answer(version: str, cpu_s: float, wall_s: float, **found: object) -> None:
    """Print what was measured."""
    line = {"version": version, "cpu_s": cpu_s, "wall_s": wall_s, **found}
    print(json.dumps(line))  # noqa: T201 - its answer
