"""Collect what was measured, compare it with what was asked and with the stored figures."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.measure import REFERENCE_CALIB_S, ROOT

PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
BASELINE = Path(__file__).with_name("baseline.json")
LARGEST_LOSS_FRAC = 0.10
_PACKAGES = ("athena-desk", "numpy", "numba", "polars")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        key: stable name, for the stored figures.
        what: for a person.
        value: as measured here, in `unit`.
        unit: such as `bars/CPU-s`.
        ask, aim: least and wanted, in the same unit; None where nothing was asked.
        calib_s: the machine's speed while it was measured; 0 where speed does not matter.
        is_rate: True when more is better.
    """

    key: str
    what: str
    value: float
    unit: str
    ask: float | None = None
    aim: float | None = None
    calib_s: float = 0.0
    is_rate: bool = False

    @property
    def at_reference(self) -> float:
        """Return the value at the reference machine's speed."""
        if not self.calib_s:
            return self.value
        slower = self.calib_s / REFERENCE_CALIB_S
        return self.value * slower if self.is_rate else self.value / slower

    def verdict(self) -> str:
        """Say whether ask and aim are met, at the reference machine's speed."""
        if self._reaches(self.aim):
            return "aim met"
        if self._reaches(self.ask):
            return "ask met"
        return "" if self.ask is None else "**ask missed**"

    def _reaches(self, goal: float | None) -> bool:
        if goal is None:
            return False
        return self.at_reference >= goal if self.is_rate else self.at_reference <= goal

    def gain(self, stored: float) -> float:
        """Return how many times better than a stored figure this is."""
        return self.at_reference / stored if self.is_rate else stored / self.at_reference


@dataclass(slots=True)
class Report:
    """Everything one session has measured."""

    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def settle(self) -> None:
        """Take the machine's best moment for all: the figures are the best of their runs too."""
        calib_s = min(figure.calib_s for figure in self.figures if figure.calib_s)
        self.figures = [
            replace(figure, calib_s=calib_s if figure.calib_s else 0.0) for figure in self.figures
        ]

    def losses(self) -> list[str]:
        """Name the figures that are more than a tenth worse than the stored ones (TR-35)."""
        stored = read_baseline()
        return [
            f"{figure.key}: {figure.gain(stored[figure.key]):.2f} of the stored figure"
            for figure in self.figures
            if figure.key in stored and figure.gain(stored[figure.key]) < 1 - LARGEST_LOSS_FRAC
        ]

    def lines(self) -> list[str]:
        """Return the page."""
        stored = read_baseline()
        rows = [_row(figure, stored) for figure in self.figures]
        calibs = [figure.calib_s for figure in self.figures if figure.calib_s]
        return [
            "# Benchmarks",
            "",
            "`make bench` measures these figures and writes this page; `make bench-peers` puts",
            "the engine [beside others](peers.md). CPU seconds, each job in a fresh process, the",
            "best of several runs; order states, risk checks and journal are on.",
            "",
            f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine()}; {versions()}.",
            f"A fixed Python loop took {min(calibs):.4f} CPU seconds here at best, and",
            f"{REFERENCE_CALIB_S} on the machine of the asks; the verdict compares at that speed.",
            f"Load while this was written: {os.getloadavg()[0]:.1f}; above 1 others worked here.",
            "`vs stored` compares with `benchmarks/baseline.json`; above 1 is better.",
            "",
            "| what | unit | ask | aim | measured | at reference speed | verdict | vs stored |",
            "|---|---|---:|---:|---:|---:|---|---:|",
            *rows,
            "",
            *self.notes,
        ]

    def write(self) -> None:
        """Store the page; the stored figures only when `ATHENA_STORE_BASELINE=1` asks for it."""
        PAGE.write_text("\n".join(self.lines()) + "\n", encoding="utf-8")
        if os.environ.get("ATHENA_STORE_BASELINE") == "1":
            values = {figure.key: figure.at_reference for figure in self.figures}
            BASELINE.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read_baseline() -> dict[str, float]:
    """Return the stored figures, at the reference machine's speed; none at the first time."""
    if not BASELINE.exists():
        return {}
    values: dict[str, float] = json.loads(BASELINE.read_text(encoding="utf-8"))
    return values


def machine() -> str:
    """Describe the machine: system, processor, cores."""
    name = platform.processor() or platform.machine()
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        name = subprocess.check_output(command, text=True).strip()  # noqa: S603 - a fixed command
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        lines = cpu_info.read_text(encoding="utf-8").splitlines()
        models = [
            line.partition(":")[2].strip() for line in lines if line.startswith("model name")
        ]
        name = models[0] if models else name
    return f"{platform.system()} {platform.machine()}, {name}, {os.cpu_count()} cores"


def versions() -> str:
    """List Python and the packages that matter."""
    found = [f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"no {package}")
    return ", ".join(found)


def shown(value: float | None) -> str:
    """Show a figure with three digits that matter."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _row(figure: Figure, stored: dict[str, float]) -> str:
    gain = f"{figure.gain(stored[figure.key]):.2f}" if figure.key in stored else "-"
    cells = (
        figure.what,
        figure.unit,
        shown(figure.ask),
        shown(figure.aim),
        shown(figure.value),
        shown(figure.at_reference),
        figure.verdict(),
        gain,
    )
    return f"| {' | '.join(cells)} |"
