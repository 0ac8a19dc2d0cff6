"""Set up the peers, run both jobs on each engine, and print one table: ours beside theirs.

Usage is `make bench-peers`, or with fewer bars `make bench-peers BENCH_N=20000`. The page of the
reference is written by a whole run only.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.bars import N_BARS, bars_file
from benchmarks.environments import PEERS, NotInstalledError, set_up
from benchmarks.measure import FOLDER, KINDS, ROOT, calibrate, run_engine, run_json
from benchmarks.oracle import SLOW, Result, expected
from benchmarks.table import machine, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.bars import Columns
    from benchmarks.environments import Peer

PAGE = ROOT / "docs" / "reference" / "peers.md"
JOBS = ("A", "B")
_SCRIPTS = ROOT / "benchmarks" / "peers"
_RUNS = 3
_FEWEST_BARS = 10 * SLOW
_UNSTEADY = 1.10
_HEAD = (
    "# Beside other engines",
    "",
    "`make bench-peers` installs the other engines, each in an environment of its own under",
    "`.bench`, runs the same jobs on them and on Athena, and writes this page;",
    "`make bench-peers BENCH_N=20000` prints the same table within minutes.",
    "",
    "Job A holds one unit while the mean of 10 closes is above that of 30. Job B enters on that",
    "cross with a stop 0.2 % under and a target 0.3 % over, one cancelling the other. Market",
    "orders fill at the next open, a fill costs 10 bps, and the bars are a seeded walk of one",
    "minute each. An engine that ends with other money than a reference without an engine",
    "(`benchmarks/oracle.py`) carries a note that says why.",
    "",
    "Each job runs in a fresh process: CPU seconds of the fastest of three runs, of fewer where",
    "they take over 10 s. Preparing the data and compiling are left out; for Athena order states,",
    "risk checks and journal are on. The columns before the notes are Athena's bars per CPU",
    "second over the engine's. `loop` is a fixed Python loop beside each engine, in CPU",
    "milliseconds: where it differs, the machine was faster or slower.",
    "",
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one engine did with one job.

    Attributes:
        engine: with its version.
        bars: how many.
        cpu_s: of the fastest run.
        loop_s: CPU seconds of the fixed loop beside it.
        result: what it ended with.
        notes: what a reader should know.
    """

    engine: str
    job: str
    bars: int
    cpu_s: float
    loop_s: float
    result: Result
    notes: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Return bars per CPU second."""
        return self.bars / self.cpu_s


@dataclass(frozen=True, slots=True)
class Absent:
    """A peer that was not measured, and why."""

    engine: str
    job: str
    reason: str


@dataclass(slots=True)
class Comparison:
    """Everything one run has measured.

    Attributes:
        ours: (kind, job) -> row.
        theirs: in the order of the table.
    """

    ours: dict[tuple[str, str], Row] = field(default_factory=dict)
    theirs: list[Row | Absent] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the table and its notes."""
        notes: dict[str, int] = {}
        rows = [self._line(row, notes) for row in (*self.ours.values(), *self.theirs)]
        figures = ("bars", "bars/CPU-s", "fills", "final equity", "loop", *KINDS.values())
        return [
            _cells("engine", "job", *figures, "notes"),
            f"|---|---|{'---:|' * len(figures)}---|",
            *rows,
            "",
            *(f"{number}. {note}." for note, number in notes.items()),
            "",
        ]

    def _line(self, row: Row | Absent, notes: dict[str, int]) -> str:
        if isinstance(row, Absent):
            nothing = ["-"] * (5 + len(KINDS))
            return _cells(row.engine, row.job, *nothing, _number(notes, (row.reason,)))
        ratios = (f"{self.ours[kind, row.job].rate / row.rate:.2f}" for kind in KINDS)
        return _cells(
            row.engine,
            row.job,
            f"{row.bars:,}",
            f"{row.rate:,.0f}",
            "-" if row.result.fills is None else f"{row.result.fills:,}",
            f"{row.result.equity:,.2f}",
            f"{1e3 * row.loop_s:.1f}",
            *ratios,
            _number(notes, row.notes),
        )

    def measured(self) -> Iterator[Row]:
        """Yield the rows that carry figures."""
        yield from self.ours.values()
        yield from (row for row in self.theirs if isinstance(row, Row))

    def steadiness(self) -> str:
        """Say how much the machine's speed moved while the engines ran."""
        loops = [row.loop_s for row in self.measured()]
        spread = max(loops) / min(loops)
        verdict = "steady" if spread <= _UNSTEADY else "**not steady: repeat it on a quiet one**"
        return f"The slowest loop took {spread:.2f} times the fastest: the machine was {verdict}."


def explain(job: str, bars: Columns, result: Result) -> tuple[str, ...]:
    """Say why a result is not the one of the job as asked; nothing when it is."""
    rules = expected(job, bars)
    for rule, other in rules.items():
        if result.agrees(other):
            return (rule,) if rule else ()
    asked = rules[""]
    fills = "" if result.fills is None else f"{result.fills - (asked.fills or 0):+,} fills, "
    return (f"Differs from job {job} by {fills}{result.equity - asked.equity:+,.2f}",)


def compare(n_bars: int, say: Callable[[str], None]) -> Comparison:
    """Measure ours, then every peer.

    Args:
        n_bars: of a job, at most.
        say: told what is being done.
    """
    with np.load(bars_file(FOLDER)) as columns:
        bars = {name: columns[name][:n_bars] for name in columns.files}
    found = Comparison()
    for kind in KINDS:
        for job in JOBS:
            say(f"Athena, {KINDS[kind]}, job {job}")
            found.ours[kind, job] = _ours(kind, job, bars)
    for peer in PEERS:
        found.theirs += _theirs(peer, bars, say)
    return found


def _ours(kind: str, job: str, bars: Columns) -> Row:
    from athena import __version__

    n_bars = len(bars["ts"])
    name = f"Athena {__version__}, {KINDS[kind]}"
    told, loop_s = _with_loop(lambda: run_engine(job, kind, "compiled", n_bars, _RUNS))
    result = Result(told["fills"], told["final_equity"])
    return Row(name, job, n_bars, told["cpu_s"], loop_s, result, explain(job, bars, result))


def _theirs(peer: Peer, bars: Columns, say: Callable[[str], None]) -> Iterable[Row | Absent]:
    say(f"{peer.packages[0]}: setting up")
    try:
        python = set_up(peer)
    except NotInstalledError as error:
        jobs = ", ".join(peer.jobs)
        return [Absent(peer.packages[0], jobs, f"{peer.name} was not installed: {error}")]
    rows: list[Row | Absent] = []
    for job, most in peer.jobs.items():
        n_bars = min(most, len(bars["ts"]))
        say(f"{peer.packages[0]}, job {job}, {n_bars:,} bars")
        command = [python, _SCRIPTS / f"{peer.name}_py.py", job, str(n_bars)]
        try:
            told, loop_s = _with_loop(lambda command=command: run_json(command))
        except RuntimeError as error:
            last = str(error).strip().splitlines()[-1]
            rows.append(Absent(peer.packages[0], job, f"{peer.name} failed: {last}"))
            continue
        result = Result(told["fills"], told["final_equity"])
        same_bars = {name: column[:n_bars] for name, column in bars.items()}
        notes = (
            peer.why_fewer if n_bars < len(bars["ts"]) else "",
            peer.remarks.get(job, ""),
            *explain(job, same_bars, result),
        )
        rows.append(Row(told["version"], job, n_bars, told["cpu_s"], loop_s, result, notes))
    return rows


def _with_loop(work: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], float]:
    """Do the work; return what it told, and the fixed loop's CPU seconds before or after."""
    before_s = calibrate()
    told = work()
    return told, min(before_s, calibrate())


def _number(notes: dict[str, int], said: tuple[str, ...]) -> str:
    """Return the numbers of notes, counting new ones on."""
    return ", ".join(str(notes.setdefault(note, len(notes) + 1)) for note in said if note)


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _wanted_bars() -> int:
    text = os.environ.get("BENCH_N") or str(N_BARS)
    if not text.isdecimal() or not _FEWEST_BARS <= int(text) <= N_BARS:
        message = f"expected BENCH_N from {_FEWEST_BARS} to {N_BARS}, was {text!r}"
        raise SystemExit(message)
    return int(text)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> int:
    """Compare, print, and store the page of a whole run.

    Returns:
        0, or 1 when Athena did not end with what the job asks for.
    """
    n_bars = _wanted_bars()
    found = compare(n_bars, _say)
    lines = [
        *_HEAD,
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine()}; {versions()}.",
        found.steadiness(),
        "",
        *found.lines(),
    ]
    text = "\n".join(lines)
    print(text)  # noqa: T201 - the table is what was asked for
    if n_bars == N_BARS:
        PAGE.write_text(text, encoding="utf-8")
    return int(any(row.notes for row in found.ours.values()))


if __name__ == "__main__":
    sys.exit(main())
