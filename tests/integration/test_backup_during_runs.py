"""A backup that is taken while others write holds whole runs, and sweeps that can go on."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from athena.research import RUN_FILE, read_trials
from tests.conftest import ROOT
from tests.market_builder import HOUR_NS, driftless_bars
from tests.sweep_builder import DATASET, store

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # another process has to run meanwhile

N_RUNS = 12
RUNS = f"""
import sys
from athena.app import run
for k in range({N_RUNS}):
    code = run(["--home", sys.argv[1], "backtest", "--strategy", "sma_cross", "--engine", "python",
                "--data", "{DATASET}", "--risk", "open", "--param", f"fast={{k + 2}}", "--json"])
    assert code == 0
"""


def test_every_backup_holds_whole_runs_and_their_trials(
    cli: Any, home: Path, tmp_path: Path
) -> None:
    store(driftless_bars(2_000, 5, interval_ns=HOUR_NS), home)
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", RUNS, str(home)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    counts = []
    while process.poll() is None:
        file, there = tmp_path / f"{len(counts)}.zip", tmp_path / f"{len(counts)}"
        assert cli("backup", file).exit_code == 0
        assert cli("--home", there, "restore", file).exit_code == 0
        runs = {path.parent.name for path in there.glob(f"runs/*/{RUN_FILE}")}
        assert runs == {path.name for path in there.glob("runs/*")}
        assert runs <= {trial.run_id for trial in read_trials(there).trials}
        for run_id in runs:
            assert cli("--home", there, "journal", "verify", run_id).exit_code == 0
        counts.append(len(runs))
    assert process.returncode == 0
    assert any(0 < count < N_RUNS for count in counts)


SWEEP = [
    "sweep", "--strategy", "sma_cross", "--kind", "bar", "--engine", "python", "--data", DATASET,
    "--risk", "open", "--param", "quantity=10", "--grid", "fast=2:9:1", "--grid", "slow=10:43:3",
    "--json",
]  # fmt: skip


def found(home: Path) -> int:
    return sum(len(file.read_bytes().splitlines()) for file in home.glob("sweeps/*/found.jsonl"))


def wait_until_some_are_found(process: subprocess.Popen[bytes], home: Path) -> None:
    for _ in range(1_200):
        if found(home):
            return
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    assert found(home)


def table(home: Path) -> bytes:
    (file,) = home.glob("sweeps/*/table.csv")
    return file.read_bytes()


def test_a_sweep_that_is_backed_up_half_way_goes_on_to_the_same_table(
    cli: Any, home: Path, tmp_path: Path
) -> None:
    store(driftless_bars(2_000, 5, interval_ns=HOUR_NS), home)
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "athena", "--home", str(home), *SWEEP],
        stdout=subprocess.DEVNULL,
    )
    wait_until_some_are_found(process, home)
    file, there = tmp_path / "b.zip", tmp_path / "there"
    assert cli("backup", file).exit_code == 0
    assert process.wait(120) == 0
    assert cli("--home", there, "restore", file).exit_code == 0
    assert 0 < found(there) <= found(home)
    assert cli("--home", there, *SWEEP).exit_code == 0
    assert table(there) == table(home)
    assert len(read_trials(there).trials) == len(read_trials(home).trials)
