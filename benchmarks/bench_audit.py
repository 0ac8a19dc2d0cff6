"""CPU seconds of an audit, and of the naive proof beside it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.measure import run_json
from benchmarks.table import Figure, Report

CHILD = Path(__file__).with_name("audit_child.py")
N_BARS = 50_000
N_NAIVE = 2_000

pytestmark = pytest.mark.usefixtures("bars")


def test_audit(report: Report) -> None:
    found = run_json([sys.executable, CHILD, str(N_BARS), str(N_NAIVE)])
    report.figures.append(
        Figure(
            key="audit",
            what=f"`athena audit` of sma_cross, {N_BARS:,} bars",
            value=found["cpu_s"],
            unit="CPU-s",
            ask=60,
            aim=20,
            calib_s=found["calib_s"],
        )
    )
    what = f"the naive proof (a run on every prefix) against the audit, {N_NAIVE:,} bars"
    ratio = found["naive_cpu_s"] / found["short_cpu_s"]
    report.figures.append(Figure("audit_naive", what, ratio, "ratio", 1.0, 10.0, is_rate=True))
