"""What remembering and recalling cost at 100,000 entries of 384 dimensions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import calibrate, run_json
from benchmarks.table import Figure

if TYPE_CHECKING:
    from benchmarks.table import Report

N_ENTRIES = 100_000
CHILD = Path(__file__).with_name("memory_child.py")


def test_a_memory_of_a_hundred_thousand_entries(report: Report) -> None:
    calib_s = calibrate()
    found = run_json([sys.executable, CHILD, str(N_ENTRIES)])
    what = f"memory of {N_ENTRIES:,} x 384: "
    report.figures += [
        Figure(
            "memory_retrieve", f"{what}one question by words and vectors, with a time filter",
            found["retrieve_cpu_ms"], "CPU-ms", 8, 4, calib_s=calib_s,
        ),
        Figure(
            "memory_bare_scan", f"{what}a bare product of the table and a vector",
            found["bare_scan_cpu_ms"], "CPU-ms", calib_s=calib_s,
        ),
        Figure(
            "memory_recall", f"{what}recall@10 against an exact scan of the floats",
            found["recall"], "share", 1, 1, is_rate=True,
        ),
        Figure(
            "memory_add", f"{what}entries added, embedding not counted",
            found["add_rows_per_cpu_s"], "rows/CPU-s", 50_000, 90_000, calib_s, is_rate=True,
        ),
        Figure(
            "memory_open", f"{what}reading the log when a program starts",
            found["open_cpu_s"], "CPU-s", calib_s=calib_s,
        ),
    ]  # fmt: skip
