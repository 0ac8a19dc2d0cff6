"""Soak: many seeds, every crash point, live processes that are killed again and again (TR-31).

    python -m tests.soak --seeds 20000 --kills 500 --out figures.json
    python -m tests.soak --seeds 0 --crash-every 0 --kills 200 --out kills.json
    python -m tests.soak --merge figures.json kills.json --out all.json

Prints one table. With `--out` the figures so far are written after every part, with date and
machine, so that a soak that is interrupted is not lost (`is_whole` is false then).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from athena.research.simulation import run_crash_points, run_seeds, summarise
from athena.venues.faults import DEFAULT_RATES
from tests.soak_kills import soak_by_kills

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from athena.research.simulation import CrashResult, SeedResult

_CHUNK = 200
_ADDED = (
    "wall_s", "seeds", "crash_points", "crashes", "kills", "stops", "orders", "fills_of_kills",
    "lost", "doubled", "limit_breaches", "unprotected_s",
)  # fmt: skip


@dataclass
class Figures:
    """What came of a soak so far.

    Attributes:
        out: where it is written; None nowhere.
        values: by name; those of `_ADDED` are sums.
    """

    out: Path | None
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self._started_s = time.monotonic()
        self.values = {
            "when": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
            "machine": f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores, "
            f"Python {platform.python_version()}",
            "is_whole": False,
            **dict.fromkeys(_ADDED, 0),
            "violations": [],
        }

    def add(self, more: Mapping[str, Any]) -> None:
        """Add figures, and write what there is."""
        for name in _ADDED:
            self.values[name] = round(self.values[name] + more.get(name, 0), 1)
        self.values["violations"] += more["violations"]
        self.write()

    def add_results(self, results: list[SeedResult | CrashResult]) -> None:
        """Add what came of seeds and crash points."""
        summary = summarise(results)
        self.add(
            {
                "seeds": summary.seeds,
                "crash_points": summary.crash_points,
                "crashes": summary.crashes,
                "orders": summary.orders,
                "lost": summary.lost,
                "doubled": summary.doubled,
                "limit_breaches": summary.breaches,
                "unprotected_s": summary.unprotected_s,
                "violations": [
                    f"{_name(result)}: {violation}" for result, violation in summary.failing
                ],
            }
        )

    def pass_time(self) -> None:
        """Add the time since this was called last."""
        now_s = time.monotonic()
        self.values["wall_s"] = round(self.values["wall_s"] + now_s - self._started_s, 1)
        self._started_s = now_s

    def write(self) -> None:
        """Write what there is."""
        if self.out is not None:
            self.out.write_text(json.dumps(self.values, indent=2) + "\n")


def main() -> None:
    """Run it, or merge what ran before, and print the table; exit 1 when anything did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20_000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--crash-every", type=int, default=1)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--lines", type=int, default=4, help="accounts that are killed at once")
    parser.add_argument("--per-round", type=int, default=25, help="kills of one account")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--merge", type=Path, nargs="+", default=[])
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    figures = Figures(asked.out)
    if asked.merge:
        parts = [json.loads(path.read_text()) for path in asked.merge]
        for part in parts:
            figures.add(part)
        figures.values["when"] = min(part["when"] for part in parts)
        figures.values["is_whole"] = all(part["is_whole"] for part in parts)
    else:
        _soak(asked, figures)
    figures.write()
    for name, value in figures.values.items():
        sys.stdout.write(f"{name:16} {value}\n")
    raise SystemExit(1 if figures.values["violations"] else 0)


def _soak(asked: argparse.Namespace, figures: Figures) -> None:
    for chunk in _chunks(_simulated(asked)):
        figures.pass_time()
        figures.add_results(chunk)
    with tempfile.TemporaryDirectory() as folder:
        for killed in soak_by_kills(
            asked.kills, Path(folder), asked.first, lines=asked.lines, per_round=asked.per_round
        ):
            figures.pass_time()
            figures.add(
                {
                    "kills": killed.kills,
                    "stops": killed.stops,
                    "orders": killed.orders,
                    "fills_of_kills": killed.fills,
                    "lost": killed.lost,
                    "doubled": killed.doubled,
                    "violations": list(killed.violations),
                }
            )
    figures.values["is_whole"] = True


def _simulated(asked: argparse.Namespace) -> Iterator[SeedResult | CrashResult]:
    seeds = range(asked.first, asked.first + asked.seeds)
    yield from run_seeds(seeds, DEFAULT_RATES, workers=asked.workers)
    if asked.crash_every:
        yield from run_crash_points(every=asked.crash_every, workers=asked.workers)


def _chunks(
    results: Iterator[SeedResult | CrashResult],
) -> Iterator[list[SeedResult | CrashResult]]:
    while chunk := list(islice(results, _CHUNK)):
        yield chunk


def _name(result: SeedResult | CrashResult) -> str:
    from athena.research.simulation import SeedResult

    if isinstance(result, SeedResult):
        return f"seed {result.seed}"
    return f"{result.scenario}, {result.point.kind.value} {result.point.index}"


if __name__ == "__main__":
    main()
