"""Try the combinations of the benchmark's sweep in this process; print what they took as JSON.

usage: sweep_child.py N_BARS N_RUNS

The work that is timed is that of a worker: strategy, signals, simulation with order states, risk
checks, records and fees, fills out of the records, account at daily marks, returns.
"""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from athena.research.strategies import find_strategy
from athena.research.sweep import Bench, Job
from athena.research.sweep._bench import without_columns
from athena.research.sweep._code import code_sha256, source_sha256
from athena.research.sweep._marks import marks_of
from benchmarks.engine_child import new_setup
from benchmarks.measure import calibrate

PAIRS = [(fast, slow) for fast in range(2, 42) for slow in range(50, 300, 10)]


def main(n_bars: int, n_runs: int) -> dict[str, Any]:
    """Try all pairs, several times; the first combination also loads the compiled code."""
    setup = new_setup("compiled", n_bars)
    marks = marks_of(setup, Decimal("0.3"))
    job = Job(
        setup=without_columns(setup),
        strategy="sma_cross",
        kind="rule",
        marks=marks,
        code_sha256=code_sha256(),
        strategy_sha256=source_sha256(find_strategy("sma_cross", kind="rule")[1]),
    )
    bench = Bench(job, setup.columns)
    combinations = [
        {"fast": str(fast), "slow": str(slow), "quantity": "1"} for fast, slow in PAIRS
    ]
    bench.evaluate(0, combinations[0])
    took_s = []
    for _ in range(n_runs):
        started_s = time.process_time()
        found = [bench.evaluate(*item) for item in enumerate(combinations)]
        took_s.append(time.process_time() - started_s)
    return {
        "cpu_s": min(took_s),
        "combinations": len(found),
        "fills": [item.n_fills for item in found],
        "final_equity": [item.final_equity / 1e8 for item in found],
        "calib_s": calibrate(),
    }


if __name__ == "__main__":
    answer = main(*map(int, sys.argv[1:]))
    print(json.dumps(answer))  # noqa: T201 - its answer
