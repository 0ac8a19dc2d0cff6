"""What one waits for before anything happens: imports, `--version`, `--help`, a second demo."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.measure import ATHENA, FOLDER, best, calibrate, run
from benchmarks.table import Figure, Report

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = ("btc-usd-30m", "xrp-usd-30m", "eth-usd-30m")


def test_startup(report: Report) -> None:
    commands: dict[str, tuple[str, list[str | Path], float, float]] = {
        "import": ("`import athena`", [sys.executable, "-c", "import athena"], 0.3, 0.15),
        "version": ("`athena --version`", [ATHENA, "--version"], 0.5, 0.3),
        "help": ("`athena --help`", [ATHENA, "--help"], 0.5, 0.35),
    }
    for key, (what, command, ask, aim) in commands.items():
        usage = best(command, 7)
        calib_s = calibrate()
        report.figures.append(Figure(key, what, usage.cpu_s, "CPU-s", ask, aim, calib_s))


def test_second_demo(report: Report) -> None:
    """The work of `make demo` when everything is there: the samples, then the main backtest."""
    home = FOLDER / "home"
    run([ATHENA, "--home", home, "data", "sample"])
    run([ATHENA, "--home", home, "backtest"])
    usages = [
        run([ATHENA, "--home", home, *words]) for words in (["data", "sample"], ["backtest"])
    ]
    wall_s = sum(usage.wall_s for usage in usages)
    cpu_s = sum(usage.cpu_s for usage in usages)
    what = "second `make demo`, wall time"
    report.figures.append(Figure("demo_wall", what, wall_s, "s", 20, 5, calibrate()))
    what = "second `make demo`"
    report.figures.append(Figure("demo_cpu", what, cpu_s, "CPU-s", calib_s=calibrate()))
