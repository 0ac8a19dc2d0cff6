"""Run the jobs of `child.py`, each in its own process, and say what was asked of each figure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import run_json
from benchmarks.table import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHILD = Path(__file__).with_name("child.py")
# job -> size and runs, whole and quick
SIZES = {
    "events": ((200_000, 5), (20_000, 2)),
    "decisions": ((200_000, 5), (20_000, 2)),
    "risk": ((1_000, 3), (100, 2)),
    "risk_compiled": ((10_000, 3), (1_000, 2)),
    "recovery": ((1_000_000, 3), (50_000, 1)),
    "reaction": ((200, 1), (10, 1)),
    "seeds": ((60, 3), (5, 1)),
}


def measure(job: str, *, is_quick: bool = False) -> dict[str, Any]:
    """Run a job and return what it printed."""
    size, runs = SIZES[job][is_quick]
    return run_json([sys.executable, CHILD, job, str(size), str(runs)])


def figures(job: str, found: dict[str, Any]) -> list[Figure]:
    """Return the lines of the table that a job gives."""
    return list(_FIGURES[job](found))


def _events(found: dict[str, Any]) -> Iterator[Figure]:
    for kind, words in (("memory", "in memory"), ("file", "in files, not synced")):
        yield Figure(
            key=f"live_events_{kind}",
            what=f"live core, events of a realistic mix, journal {words}",
            value=found["events"] / found[f"{kind}_cpu_s"],
            unit="events/CPU-s",
            ask=20_000,
            aim=50_000,
            calib_s=found["calib_s"],
            is_rate=True,
        )


def _decisions(found: dict[str, Any]) -> Iterator[Figure]:
    what = "live core, from a wish to its order, p99, journal in files, not synced"
    yield _cpu_ms("live_decision", what, found, 1, None)


def _risk(found: dict[str, Any]) -> Iterator[Figure]:
    what = (
        f"risk check in a full book ({found['positions']:,} positions, {found['orders']} orders)"
    )
    yield _cpu_ms("risk_check", f"{what}, p99, CPython", found, 10, 0.2)


def _risk_compiled(found: dict[str, Any]) -> Iterator[Figure]:
    yield _cpu_ms("risk_check_compiled", "the same, compiled", found, 10, 0.2)


def _cpu_ms(key: str, what: str, found: dict[str, Any], ask: float, aim: float | None) -> Figure:
    return Figure(key, what, 1e3 * found["p99_s"], "CPU-ms", ask, aim, found["calib_s"])


def _recovery(found: dict[str, Any]) -> Iterator[Figure]:
    words = f"a session of {found['events']:,} events taken up again"
    for kind, how, ask, aim in (
        ("snapshot", "from its last snapshots", 20, 5),
        ("beginning", "replayed from the beginning", None, None),
    ):
        yield Figure(
            key=f"recovery_{kind}",
            what=f"{words}, {how}",
            value=found[f"{kind}_cpu_s"],
            unit="CPU-s",
            ask=ask,
            aim=aim,
            calib_s=found["calib_s"],
        )


def _reaction(found: dict[str, Any]) -> Iterator[Figure]:
    what = f"from a fill to its stop at the local exchange, p99 of {found['reactions']}, sockets"
    yield Figure("reaction", what, found["p99_ms"], "wall ms", 250)


def _seeds(found: dict[str, Any]) -> Iterator[Figure]:
    what = f"one seed of the simulation, mean of {found['seeds']}"
    yield Figure("seed", what, found["cpu_s_per_seed"], "CPU-s", calib_s=found["calib_s"])


_FIGURES: dict[str, Callable[[dict[str, Any]], Iterator[Figure]]] = {
    "events": _events,
    "decisions": _decisions,
    "risk": _risk,
    "risk_compiled": _risk_compiled,
    "recovery": _recovery,
    "reaction": _reaction,
    "seeds": _seeds,
}
