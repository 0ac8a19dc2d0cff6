"""Combinations per CPU second of a sweep beside vectorbt's, and what a second core brings."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.measure import ATHENA, FOLDER, calibrate, run, run_json
from benchmarks.sweep_child import PAIRS
from benchmarks.table import Figure, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

pytest.importorskip("numba", reason="the extra `fast` is not installed")

HERE = Path(__file__).parent
N_BARS = 100_000
N_CORES = 2
SPEED_UP = 1.8
PEER = FOLDER / "v_vectorbt" / "bin" / "python"
GRID = ("fast=2:41:1", "slow=50:290:10")

pytestmark = pytest.mark.usefixtures("bars")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Try all combinations in one process."""
    child = [sys.executable, HERE / "sweep_child.py"]
    run_json([*child, "10000", "1"])  # compiles what is not cached yet
    return run_json([*child, str(N_BARS), "3"])


def test_combinations_per_cpu_second(found: dict[str, Any], report: Report) -> None:
    assert found["combinations"] == len(PAIRS) == 1_000
    what = f"sweep, {len(PAIRS):,} pairs of means over {N_BARS:,} bars, full order states"
    rate = len(PAIRS) / found["cpu_s"]
    report.figures.append(
        Figure("sweep", what, rate, "combinations/CPU-s", calib_s=found["calib_s"], is_rate=True)
    )


def test_beside_vectorbt(found: dict[str, Any], report: Report) -> None:
    """Ask: as fast, with full order states. Every combination ends with the same money."""
    if not PEER.exists():
        pytest.skip("vectorbt is not installed: make bench-peers")
    script = HERE / "peers" / "vectorbt_sweep.py"
    theirs = min(
        (run_json([PEER, script, "A", str(N_BARS), size]) for size in ("10", "25", "100")),
        key=lambda result: result["cpu_s"],
    )
    assert theirs["fills"] == found["fills"]
    gap = np.abs(np.subtract(theirs["final_equity"], found["final_equity"])).max()
    assert gap < 0.005
    ratio = theirs["cpu_s"] / found["cpu_s"]
    what = "sweep: our combinations per CPU-s over vectorbt's"
    report.figures.append(Figure("sweep_peer", what, ratio, "ratio", 1.0, 2.0, is_rate=True))
    report.notes += _table(found, theirs, gap)


def _table(ours: dict[str, Any], theirs: dict[str, Any], gap: float) -> Sequence[str]:
    rows = [
        (name, len(PAIRS) / result["cpu_s"], sum(result["fills"]), has)
        for name, result, has in (
            ("athena", ours, "order states, risk checks, records, daily returns"),
            (theirs["version"], theirs, "orders and final equity"),
        )
    ]
    return [
        "## A sweep, in the same session",
        "",
        f"{len(PAIRS):,} pairs of simple means (fast 2 to 41, slow 50 to 290 by 10) over",
        f"{N_BARS:,} bars, a fill costs 10 bps. CPU seconds of the combinations alone, best of",
        "several; loading and compiling are left out, each mean is computed once for the peer,",
        "and of three sizes of its batches the fastest counts. Fills are equal in all",
        f"combinations, final equity differs by {gap:.1e} at most.",
        "",
        "| engine | combinations/CPU-s | fills | what it works out |",
        "|---|---:|---:|---|",
        *(f"| {name} | {rate:,.0f} | {fills:,} | {has} |" for name, rate, fills, has in rows),
        "",
    ]


@pytest.mark.usefixtures("found")  # else the first sweep would wait for the compiler
def test_what_a_second_core_brings(bars: Path, tmp_path: Path, report: Report) -> None:
    """By the clock: it tells something on a machine with nothing else to do only."""
    assert (os.cpu_count() or 1) >= N_CORES
    one, both = (sweep(bars, tmp_path / str(n_workers), n_workers) for n_workers in (1, N_CORES))
    assert one["rows"] == both["rows"]
    gain = both["combos_per_s"] / one["combos_per_s"]
    what = f"sweep, combinations by the clock on {N_CORES} cores over 1, once they are at work"
    report.figures.append(
        Figure("sweep_cores", what, gain, "ratio", SPEED_UP, float(N_CORES), is_rate=True)
    )
    for n_workers, answer in ((1, one), (N_CORES, both)):
        what = f"`athena sweep --workers {n_workers}`, {len(PAIRS):,} pairs, start and all"
        report.figures.append(
            Figure(f"sweep_wall_{n_workers}", what, answer["wall_s"], "s", calib_s=calibrate())
        )


def sweep(bars: Path, home: Path, n_workers: int) -> dict[str, Any]:
    """Run the command in a home of its own, with the compiled code of all."""
    (home / "cache").mkdir(parents=True)
    (home / "cache" / "compiled").symlink_to(FOLDER / "home" / "cache" / "compiled")
    command: list[str | Path] = [ATHENA, "--home", home, "-q", "sweep", "--data", bars, "--json"]
    command += ["--symbol", "TEST/USD", "--to", "2020-03-10T10:40", "--param", "quantity=1"]
    command += ["--strategy", "sma_cross", "--grid", GRID[0], "--grid", GRID[1]]
    command += ["--cash", "1000000", "--fee-bps", "10", "--slippage-bps", "0"]
    command += ["--risk", "open", "--workers", str(n_workers), "--engine", "compiled"]
    answer: dict[str, Any] = json.loads(run(command).output)
    assert answer["combinations"] == len(PAIRS)
    return answer
