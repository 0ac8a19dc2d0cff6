"""What a tear sheet takes, and how large it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.measure import ATHENA, FOLDER, best, calibrate, run
from benchmarks.table import Figure, Report

if TYPE_CHECKING:
    from pathlib import Path


def test_tear_sheet_of_a_million_bars(bars: Path, report: Report) -> None:
    athena: list[str | Path] = [ATHENA, "--home", FOLDER / "home"]
    command = [*athena, "backtest", "--data", bars, "--symbol", "TEST/USD"]
    command += ["--strategy", "sma_cross", "--param", "quantity=1", "--risk", "open", "--json"]
    made = json.loads(run(command).output)
    usage = best([*athena, "report", made["run_id"], "--json"])
    page = json.loads(usage.output)
    what = "`athena report`, a run of 1M bars"
    report.figures.append(Figure("report", what, usage.cpu_s, "CPU-s", calib_s=calibrate()))
    size_mb = FOLDER.joinpath(page.get("html", made["report"])).stat().st_size / 1e6
    what = "size of the tear sheet"
    report.figures.append(Figure("report_size", what, size_mb, "MB", 1.0, 1.0))
