"""Bars per CPU second of both jobs, in every way a strategy can be written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.bars import N_BARS
from benchmarks.engine_child import SHORT
from benchmarks.measure import ATHENA, ENGINE_CHILD, FOLDER, KINDS, calibrate, run, run_engine
from benchmarks.table import Figure, Report

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("numba", reason="the extra `fast` is not installed")

FILLS = {"A": 39_114, "B": 57_141}
EQUITY = {"A": 963_910.09, "B": 947_126.64}
ASKS = {
    ("bar", "A"): (750_000, 2_000_000),
    ("woken", "A"): (2_000_000, 5_000_000),
    ("rule", "A"): (8_000_000, 12_000_000),
    ("rule", "B"): (6_000_000, 8_000_000),
}
MEMORY_PROFILE = (
    "## Why peak memory misses its ask",
    "",
    "Resident megabytes that each part of the command added (2026-11-20, Linux): interpreter",
    "and command 62; bars as columns, and what reading them left behind, 78; Numba and the loaded",
    "machine code 93: that is the run. Then fills from the journal 7; equity and exposure 16;",
    "trades as objects 18; dealing the random baseline 22, and 38 for a moment; two baselines 33;",
    "fills as objects 22; statistics 16. A command that compiles first takes 1,000.",
    "",
)

pytestmark = pytest.mark.usefixtures("bars")


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], dict[str, Any]]:
    """Measure every kind on both jobs; the first pass compiles what is not cached yet."""
    for kind in ("rule", "woken"):
        run_engine("A", kind, "compiled", SHORT, 1)
    return {
        (kind, job): run_engine(job, kind, "compiled", N_BARS, 5)
        for kind in KINDS
        for job in FILLS
    }


def test_every_kind_gives_the_oracles_result(found: dict[tuple[str, str], dict[str, Any]]) -> None:
    """TR-26: fills and money; TR-34: one digest a job."""
    for (_, job), result in found.items():
        assert result["fills"] == FILLS[job]
        assert result["final_equity"] == pytest.approx(EQUITY[job], abs=0.05)
    assert len({result["digest"] for result in found.values()}) == len(FILLS)


def test_bars_per_cpu_second(found: dict[tuple[str, str], dict[str, Any]], report: Report) -> None:
    for (kind, job), result in found.items():
        ask, aim = ASKS.get((kind, job), (None, None))
        report.figures.append(
            Figure(
                key=f"{kind}_{job}",
                what=f"{KINDS[kind]}, job {job}",
                value=N_BARS / result["cpu_s"],
                unit="bars/CPU-s",
                ask=ask,
                aim=aim,
                calib_s=result["calib_s"],
                is_rate=True,
            )
        )


def test_bars_per_cpu_second_of_the_core_under_cpython(report: Report) -> None:
    for job in FILLS:
        result = run_engine(job, "woken", "python", SHORT, 2)
        report.figures.append(
            Figure(
                key=f"cpython_{job}",
                what=f"core under CPython, woken, job {job}, {SHORT:,} bars",
                value=SHORT / result["cpu_s"],
                unit="bars/CPU-s",
                calib_s=result["calib_s"],
                is_rate=True,
            )
        )


def test_cost_of_a_bar_does_not_grow_with_history(
    found: dict[tuple[str, str], dict[str, Any]], report: Report
) -> None:
    for kind, name in KINDS.items():
        result = found[kind, "A"]
        ratio = (result["cpu_s"] / N_BARS) / (result["short_cpu_s"] / SHORT)
        what = f"cost of a bar at {N_BARS:,} against {SHORT:,}, {name}"
        report.figures.append(Figure(f"growth_{kind}", what, ratio, "ratio", 1.1, 1.0))


def test_orders_and_journal(found: dict[tuple[str, str], dict[str, Any]], report: Report) -> None:
    result = found["rule", "B"]
    calib_s = result["calib_s"]
    events = result["records"] / result["cpu_s"]
    what = "order events (intents, verdicts, reports), compiled, job B, bars included"
    report.figures.append(
        Figure("order_events", what, events, "events/CPU-s", 2e5, 1e6, calib_s, is_rate=True)
    )
    rate = result["journal_bytes"] / 1e6 / result["journal_s"]
    what = "journal, written and hashed"
    report.figures.append(Figure("journal", what, rate, "MB/CPU-s", calib_s=calib_s, is_rate=True))


def test_loading_compiled_code(
    found: dict[tuple[str, str], dict[str, Any]], report: Report
) -> None:
    for kind in ("rule", "woken"):
        what = f"loading compiled code in a new process, {KINDS[kind]}"
        result = found[kind, "A"]
        report.figures.append(
            Figure(f"load_{kind}", what, result["load_s"], "CPU-s", calib_s=result["calib_s"])
        )


def test_memory_of_a_run(report: Report) -> None:
    """Bars, strategy, engine and its records: what a run needs before anything is reported."""
    usage = run([sys.executable, ENGINE_CHILD, "A", "rule", "compiled", str(N_BARS), "1"])
    what = "peak memory of a run, 1M bars: bars, strategy, core, journal"
    report.figures.append(Figure("peak_memory_run", what, usage.peak_mb, "MB", 326, 250))


def test_whole_command(bars: Path, report: Report) -> None:
    """The command of a person, with report, baselines and statistics."""
    command: list[str | Path] = [ATHENA, "--home", FOLDER / "home", "backtest", "--data", bars]
    command += ["--symbol", "TEST/USD", "--strategy", "sma_cross", "--param", "fast=10"]
    command += ["--param", "slow=30", "--param", "quantity=1", "--cash", "1000000"]
    command += ["--fee-bps", "10", "--slippage-bps", "0", "--limit-fill", "touch"]
    command += ["--intrabar", "path", "--risk", "open", "--json"]
    run(command)  # compiles what is not cached
    usage = run(command)
    what = "peak memory of `athena backtest` with baselines, statistics and tear sheet, 1M bars"
    peak = Figure("peak_memory", what, usage.peak_mb, "MB", 326, 250)
    took = Figure(
        "whole_command",
        "`athena backtest`, 1M bars, all of it",
        usage.cpu_s,
        "CPU-s",
        calib_s=calibrate(),
    )
    report.figures += [peak, took]
    if not peak.verdict().endswith("met"):
        report.notes += MEMORY_PROFILE
