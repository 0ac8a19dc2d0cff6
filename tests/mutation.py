"""Mutation testing of the order table, the risk engine and the accounting (TR-32).

    python -m tests.mutation                             every mutant
    python -m tests.mutation --sample 200 --seed 1       a sample
    python -m tests.mutation --only _core.risk --all     one module, those held equivalent too
    python -m tests.mutation --again figures.json        the survivors of an earlier run

The tests are collected once, in one warm process. A copy of it, which is thrown away, runs them
all and tells which test reaches which line; then each mutant is put into force in a copy of its
own, and only tests that reach its line judge it, the quick ones first. A mutant is killed by the
first test that fails or that takes far longer than before. What no test can kill stands in
`tests/mutation_equivalents.toml`, each with the reason; a name there that no longer occurs is an
error. With `--out` the figures so far are written after every mutant.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from athena.errors import CheckFailed, InputError
from athena.research.statistics import wilson_interval
from tests.mutants import Mutant, list_mutants, put_in_force

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from tests.mutants import Change

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENTS = ROOT / "tests" / "mutation_equivalents.toml"
_TARGET = 0.95  # TR-32
_CORE = (
    "unit/trading/test_order_life.py", "unit/trading/test_risk.py", "unit/trading/test_shares.py",
    "unit/trading/test_breakers.py", "unit/trading/test_protection.py",
    "unit/trading/test_ways_around.py",
    "unit/trading/test_mutants.py", "unit/trading/test_records.py",
    "unit/trading/live/test_foreign.py",
    "property/test_booking.py", "property/test_exposure_sums.py", "property/test_risk_engine.py",
    "property/test_modifications.py", "property/test_newest_stop.py",
    "property/test_core_invariants.py", "golden/test_orders.py",
)  # fmt: skip
_LEDGER = (
    "unit/trading/test_lots.py", "unit/trading/test_ledger.py", "property/test_ledger_laws.py",
)  # fmt: skip
# Which tests may judge a module. Not those of other processes or of compiled code: a mutant lives
# in one interpreted process.
MODULES = {
    "athena.trading._order_table": _CORE,
    "athena.trading._core.orders": _CORE,
    "athena.trading._core.risk": _CORE,
    "athena.trading._core.exposure": _CORE,
    "athena.trading._core.validity": _CORE,
    "athena.trading._core.positions": _CORE,
    "athena.trading._ledger": _LEDGER,
    "athena.trading._lots": _LEDGER,
}
# Tests of test tools, which are slow and judge no product code that others do not.
_LEFT_OUT = ("planted", "hash_seeds", "an_update_says", "cases_reach")
_SLOWER = 10  # times; a test that takes this much longer, and some seconds, does not end
_PATIENCE_S = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """Say what became of a mutant.

    Attributes:
        test: that killed it; empty when it survived.
        how: `failed`, `endless`, `survived`, or `unreached`: no test runs that line.
    """

    mutant: Mutant
    test: str
    how: str


@dataclass
class Baseline:
    """What the tests do with the untouched code.

    Attributes:
        seconds: CPU seconds by test.
        tests_of: tests by module and line.
        red: tests that fail.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    tests_of: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    red: list[str] = field(default_factory=list)

    def judges(self, mutant: Mutant, killers: Sequence[str]) -> list[str]:
        """Return the tests that reach a mutant: those that killed its neighbours, then by time."""
        first, last = mutant.lines
        found = set[str]()
        for line in range(first, last + 1):
            found |= self.tests_of.get((mutant.module, line), set())
        if not mutant.is_in_function:
            found = set(self.seconds)
        rank = {test: index for index, test in enumerate(reversed(killers))}
        return sorted(found, key=lambda test: (rank.get(test, len(rank)), self.seconds[test]))


@dataclass
class Judge:
    """Judge mutants within a session of pytest, whose loop it replaces."""

    mutants: Sequence[tuple[Mutant, Change]]
    budget_s: float
    tell: Callable[[Verdict], None]
    baseline: Baseline = field(default_factory=Baseline)
    _has_failed: bool = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Let properties stop at the first counterexample instead of making it small."""
        from hypothesis import Phase, settings  # pytest wants to load its plugins first

        settings.register_profile(
            "mutation", settings.default, phases=(Phase.explicit, Phase.generate),
            database=None,
        )  # fmt: skip
        settings.load_profile("mutation")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what judges no product code."""
        items[:] = [item for item in items if not any(word in item.name for word in _LEFT_OUT)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        self._has_failed = self._has_failed or report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests once untouched, then against each mutant."""
        items = {item.nodeid: item for item in session.items}
        for line in _in_a_copy(lambda say: self._measure(session, say)):
            self._read_baseline(line)
        if self.baseline.red:
            message = f"expected green tests before any change, was red: {self.baseline.red[0]}"
            raise CheckFailed(message)
        killers: dict[tuple[str, str], list[str]] = defaultdict(list)
        for mutant, change in self.mutants:
            if _spent_s() > self.budget_s:
                break
            known = killers[mutant.module, mutant.place]
            judges = [items[test] for test in self.baseline.judges(mutant, known)]
            verdict = self._judge(mutant, change, judges)
            if verdict.test and verdict.test not in known:
                known.append(verdict.test)
            self.tell(verdict)
        return True

    def _judge(self, mutant: Mutant, change: Change, judges: Sequence[pytest.Item]) -> Verdict:
        if not judges:
            return Verdict(mutant, "", "unreached")
        test, how = "", "endless"

        def run(say: Callable[[Any], None]) -> None:
            put_in_force(mutant, change)
            _hush(judges[0].config)
            for item in judges:
                say(item.nodeid)
                self._limit(item)
                if self._fails(item):
                    say("failed")
                    return
            say("survived")

        for line in _in_a_copy(run):
            if line in {"failed", "survived"}:
                how = line
            else:
                test = line
        if not test:
            message = f"expected a mutant that can be put into force, was {mutant.name}"
            raise CheckFailed(message)
        return Verdict(mutant, "" if how == "survived" else test, how)

    def _limit(self, item: pytest.Item) -> None:
        """End this process when a test takes far longer than before."""
        usual_s = self.baseline.seconds[item.nodeid]
        end_s = int(time.process_time() + _PATIENCE_S + _SLOWER * usual_s) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (end_s, resource.RLIM_INFINITY))

    def _fails(self, item: pytest.Item) -> bool:
        self._has_failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return self._has_failed

    def _measure(self, session: pytest.Session, say: Callable[[Any], None]) -> None:
        """Run every test; tell its seconds and the lines of the modules that it reaches."""
        modules = {sys.modules[name].__file__: name for name in MODULES}
        reached: set[tuple[str, int]] = set()

        def on_call(frame: FrameType, _event: str, _argument: Any) -> Any:
            return on_line if frame.f_code.co_filename in modules else None

        def on_line(frame: FrameType, event: str, _argument: Any) -> Any:
            if event == "line":
                reached.add((modules[frame.f_code.co_filename], frame.f_lineno))
            return on_line

        _hush(session.config)
        for item in session.items:
            reached.clear()
            started_s = time.process_time()
            sys.settrace(on_call)
            has_failed = self._fails(item)
            sys.settrace(None)
            spent_s = time.process_time() - started_s
            say([item.nodeid, round(spent_s, 3), has_failed, sorted(reached)])

    def _read_baseline(self, row: Any) -> None:
        test, seconds, has_failed, reached = row
        self.baseline.seconds[test] = seconds
        for module, line in reached:
            self.baseline.tests_of[module, line].add(test)
        if has_failed:
            self.baseline.red.append(test)


def _hush(config: pytest.Config) -> None:
    """Print nothing of single tests: a mutant is told in one line."""
    config.pluginmanager.unregister(name="terminalreporter")


def _in_a_copy(run: Callable[[Callable[[Any], None]], None]) -> Iterator[Any]:
    """Run a function in a copy of this process; yield what it says until it ends."""
    inner, outer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(inner)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(nothing, stream)
        status = 1
        try:
            with os.fdopen(outer, "w") as pipe:

                def say(value: Any) -> None:
                    pipe.write(json.dumps(value) + "\n")
                    pipe.flush()

                run(say)
            status = 0
        finally:
            os._exit(status)
    os.close(outer)
    with os.fdopen(inner) as pipe:
        for line in pipe:
            yield json.loads(line)
    os.waitpid(child, 0)


def _spent_s() -> float:
    """Return the CPU seconds of this process and of the copies that have ended."""
    own, copies = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + copies.ru_utime + copies.ru_stime


def read_equivalents(path: Path = EQUIVALENTS) -> dict[str, str]:
    """Return the reason by the name of a mutant that no test can kill."""
    rows = tomllib.loads(path.read_text())["equivalent"]
    return {row["mutant"]: row["reason"] for row in rows}


def choose(
    only: str, sample: int | None, seed: int, *, with_equivalents: bool = False
) -> tuple[list[tuple[Mutant, Change]], dict[str, int]]:
    """List the mutants to judge, and how many there are of each kind.

    Raises:
        InputError: an equivalent is listed that is no mutant of these modules.
    """
    found = [pair for module in MODULES for pair in list_mutants(module)]
    equivalents = read_equivalents()
    stale = equivalents.keys() - {mutant.name for mutant, _ in found}
    if stale:
        message = f"expected a mutant of today's source in {EQUIVALENTS.name}, was {min(stale)!r}"
        raise InputError(message)
    found = [pair for pair in found if pair[0].module.endswith(only)]
    left = [pair for pair in found if with_equivalents or pair[0].name not in equivalents]
    counts = {"mutants": len(found), "equivalent": len(found) - len(left)}
    if sample is not None and sample < len(left):
        left = random.Random(seed).sample(left, sample)  # noqa: S311 - a sample, not a secret
    return left, counts


@dataclass
class Figures:
    """What came of the mutants so far."""

    out: Path | None
    values: dict[str, Any]
    n_by: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    killed_by: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    survivors: list[str] = field(default_factory=list)
    by_module: dict[str, list[int]] = field(default_factory=dict)

    def add(self, verdict: Verdict) -> None:
        """Add a verdict, print it and write what there is."""
        self.n_by[verdict.how] += 1
        row = self.by_module.setdefault(verdict.mutant.module, [0, 0])
        row[1] += 1
        if verdict.test:
            row[0] += 1
            self.killed_by[verdict.test.partition("::")[0]] += 1
        else:
            self.survivors.append(verdict.mutant.name)
        sys.stdout.write(f"{verdict.how:9} {verdict.mutant.name}  {verdict.test}\n")
        sys.stdout.flush()
        self.write()

    @property
    def killed(self) -> int:
        """Return how many were killed."""
        return self.n_by["failed"] + self.n_by["endless"]

    @property
    def judged(self) -> int:
        """Return how many were judged."""
        return sum(self.n_by.values())

    def write(self) -> None:
        """Put the figures together, and write them."""
        low, high = wilson_interval(self.killed, self.judged)
        self.values |= {
            "judged": self.judged,
            "killed": self.killed,
            "killed_frac": round(self.killed / self.judged, 4),
            "interval": [round(low, 4), round(high, 4)],
            "by_outcome": dict(self.n_by),
            "killed_of_judged_by_module": self.by_module,
            "killers": dict(sorted(self.killed_by.items(), key=lambda row: -row[1])),
            "survivors": self.survivors,
            "cpu_s": round(_spent_s(), 1),
        }
        if self.out is not None:
            self.out.write_text(json.dumps(self.values, indent=2) + "\n")


def main() -> None:
    """Judge mutants, print what became of each; exit 1 when fewer are killed than TR-32 asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, help="how many, drawn at random; without it all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="end of a module's name")
    parser.add_argument("--all", action="store_true", help="judge those held equivalent too")
    parser.add_argument("--again", type=Path, help="judge the survivors in these figures")
    parser.add_argument("--cpu-s", type=float, default=float("inf"), help="begin none after this")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    mutants, counts = choose(asked.only, asked.sample, asked.seed, with_equivalents=asked.all)
    if asked.again is not None:
        names = set(json.loads(asked.again.read_text())["survivors"])
        mutants = [pair for pair in mutants if pair[0].name in names]
    now = datetime.now(UTC)
    machine = f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores"
    figures = Figures(
        asked.out,
        {
            "when": f"{now:%Y-%m-%dT%H:%MZ}",
            "machine": f"{machine}, Python {platform.python_version()}",
            "only": asked.only,
            "sample": asked.sample,
            "seed": asked.seed,
            "is_whole": False,
            **counts,
        },
    )
    files = dict.fromkeys(
        str(ROOT / "tests" / name)
        for module in dict.fromkeys(mutant.module for mutant, _ in mutants)
        for name in MODULES[module]
    )
    with tempfile.TemporaryDirectory() as folder:
        code = pytest.main(
            ["-q", "-q", "-n", "0", "-p", "no:cacheprovider", "--basetemp", f"{folder}/t", *files],
            plugins=[Judge(mutants, asked.cpu_s, figures.add)],
        )
    if code != pytest.ExitCode.OK or not figures.judged:
        raise SystemExit(code or 1)
    figures.values["is_whole"] = figures.judged == counts["mutants"] - counts["equivalent"]
    figures.write()
    low, high = figures.values["interval"]
    sys.stdout.write(
        f"{figures.killed} of {figures.judged} killed, {figures.killed / figures.judged:.1%} "
        f"({low:.1%} to {high:.1%}); {counts['equivalent']} more are held equivalent\n"
    )
    raise SystemExit(0 if figures.killed >= _TARGET * figures.judged else 1)


if __name__ == "__main__":
    main()
