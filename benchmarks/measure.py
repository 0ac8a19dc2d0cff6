"""Measure a command in a process of its own: CPU beside wall time, peak memory, machine speed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".bench"  # bars, peers' environments, compiled code; ignored by git
ATHENA = Path(sys.executable).with_name("athena")
ENGINE_CHILD = Path(__file__).with_name("engine_child.py")
KINDS = {"bar": "Python on every bar", "woken": "Python, woken", "rule": "compiled rule"}
REFERENCE_CALIB_S = 0.019  # of the machine that the asks were measured on
_KIB_PER_UNIT = 1 if sys.platform == "linux" else 1024  # macOS counts bytes


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process took.

    Attributes:
        cpu_s: user and system time, its own children included.
        wall_s: from start to end.
        peak_mb: largest resident size, 10^6 bytes.
        output: what it printed.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float
    output: str


def calibrate() -> float:
    """Return the CPU seconds of a fixed Python loop: how slow the machine is at this moment."""
    best_s = float("inf")
    for _ in range(3):
        started_s = time.process_time()
        total = 0
        for i in range(1_000_000):
            total += i & 7
        best_s = min(best_s, time.process_time() - started_s)
    return best_s


def run(command: Sequence[str | Path], **environment: str) -> Usage:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; the message ends with what it said.
    """
    arguments = [str(part) for part in command]
    started_s = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            arguments, stdout=said, stderr=complained, cwd=ROOT, env={**os.environ, **environment}
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started_s
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complained.seek(0)
        output, errors = said.read(), complained.read()
    if process.returncode != 0:
        message = (
            f"expected {' '.join(arguments)} to end with 0, was {process.returncode}\n{errors}"
        )
        raise RuntimeError(message)
    peak_mb = usage.ru_maxrss * 1024 / _KIB_PER_UNIT / 1e6
    return Usage(usage.ru_utime + usage.ru_stime, wall_s, peak_mb, output)


def run_json(command: Sequence[str | Path], **environment: str) -> dict[str, Any]:
    """Run a command that prints one JSON object on its last line, and return it."""
    output = run(command, **environment).output
    result: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return result


def run_engine(job: str, kind: str, engine: str, n_bars: int, n_runs: int) -> dict[str, Any]:
    """Run a job of the benchmark in a fresh process; see `engine_child.py`."""
    return run_json([sys.executable, ENGINE_CHILD, job, kind, engine, str(n_bars), str(n_runs)])


def best(command: Sequence[str | Path], n: int = 3, **environment: str) -> Usage:
    """Run a command several times and return the run that took the least CPU."""
    return min((run(command, **environment) for _ in range(n)), key=lambda usage: usage.cpu_s)
