"""The peers, and an environment of its own for each: a peer never meets Athena's packages.

Some of them are under licences that Athena cannot depend on; they are measured, never imported.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bars import N_BARS
from benchmarks.measure import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ALL_BARS = {"A": N_BARS, "B": N_BARS}
FEWER_BARS = {"A": 200_000, "B": 200_000}
_SLOW = "On fewer bars: a million take it minutes"
_STAMP = "installed.txt"
_PLAIN = ("3.11", "3.12", "3.13")


class NotInstalledError(RuntimeError):
    """A peer cannot be installed here; the message says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another engine.

    Attributes:
        name: of its script, `peers/NAME_py.py`, and of its environment.
        packages: what pip installs, pinned.
        pythons: versions that it runs on, the preferred one first.
        jobs: job -> most bars; fewer where a job takes more than its share of time.
        why_fewer: said of a job that ran on fewer bars than the others.
        remarks: job -> what a reader should know.
    """

    name: str
    packages: tuple[str, ...]
    pythons: tuple[str, ...] = _PLAIN
    jobs: Mapping[str, int] = field(default_factory=lambda: ALL_BARS)
    why_fewer: str = ""
    remarks: Mapping[str, str] = field(default_factory=dict)


PEERS = (
    Peer(
        "vectorbt",
        ("vectorbt==1.2.0",),
        remarks=dict.fromkeys("AB", "Vectorised: no order states, no risk checks, no journal"),
    ),
    Peer(
        "hftbacktest",
        ("hftbacktest==2.4.4",),
        jobs={"A": N_BARS},
        remarks={"A": "Knows no bars: a bar is four changes of an order book; no brackets"},
    ),
    Peer("backtesting", ("backtesting==0.6.6",)),
    Peer("nautilus_2", ("nautilus_trader==2.0.0rc7", "numpy==2.5.5"), ("3.13",)),
    Peer(
        "nautilus_1",
        ("nautilus_trader==1.231.0", "pandas==2.3.3", "numpy==2.4.6"),
        ("3.12", "3.13"),
        jobs=FEWER_BARS,
        why_fewer=_SLOW,
        remarks={"B": "The cost of a bracket grows with those before it"},
    ),
    Peer("jesse", ("jesse==3.5.3",), jobs=FEWER_BARS, why_fewer=_SLOW),
    Peer(
        "freqtrade",
        ("freqtrade==2026.9",),
        jobs=FEWER_BARS,
        why_fewer=_SLOW,
        remarks={"B": "Rounds its stops up; its target is a profit after fees, between ticks"},
    ),
    Peer(
        "backtrader",
        ("backtrader==1.9.78.123", "pandas==3.1.1"),
        jobs=FEWER_BARS,
        why_fewer=_SLOW,
    ),
)


def set_up(peer: Peer) -> Path:
    """Install a peer unless it is there, and return its Python.

    Raises:
        NotInstalledError: no fitting Python, or pip could not.
    """
    folder = FOLDER / f"v_{peer.name}"
    python = folder / "bin" / "python"
    stamp = folder / _STAMP
    wanted = "\n".join(peer.packages)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    FOLDER.mkdir(exist_ok=True)
    if not python.exists():
        _do([find_python(peer.pythons), "-m", "venv", folder])
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _do([*pip, *peer.packages])
    stamp.write_text(wanted, encoding="utf-8")
    return python


def find_python(versions: tuple[str, ...]) -> Path:
    """Return the first Python of these versions that runs.

    Raises:
        NotInstalledError: none does.
    """
    for version in versions:
        for candidate in _candidates(version):
            if _version_of(candidate) == version:
                return candidate
    message = f"needs Python {' or '.join(versions)}, which is not here"
    raise NotInstalledError(message)


def _candidates(version: str) -> Iterator[Path]:
    """Look at this Python, on the path, and among pyenv's, whose shims may lead nowhere."""
    yield Path(sys.executable)
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"))


def _version_of(python: Path) -> str:
    """Return a Python's version as 3.11, nothing when it does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own line
    return found.stdout.strip() if found.returncode == 0 else ""


def _do(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own commands
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        message = said[-1] if said else f"{command[0]} ended with {done.returncode}"
        raise NotInstalledError(message)
