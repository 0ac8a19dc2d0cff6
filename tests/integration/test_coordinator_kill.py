"""C09: a coordinator is killed with `kill -9` and goes on as if it had only slept."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from athena.desk.bus import LocalBus
from athena.desk.coordinator import TABLES, Coordinator, DatabaseStore, DeskState, Ended
from athena.domain import HOUR_NS, SECOND_NS
from athena.platform import SeededIds, VirtualClock
from athena.platform.database import migrate, open_database
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

START_NS = 1_700_000_000_000_000_000
# It disables a task, begins a decision, says so, and never comes to an end of its own.
_VICTIM = """
import sys
from pathlib import Path
from athena.desk.bus import Command, LocalBus, Verb
from athena.desk.coordinator import TABLES, Coordinator, DatabaseStore, Ended
from athena.platform import SeededIds, VirtualClock
from athena.platform.database import migrate, open_database

url, home, start_ns = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
database = open_database(url, home, environment={})
migrate(database, {"desk_coordinator": TABLES}, now_ns=1, keep_in=home / "kept")
clock = VirtualClock(start_ns)
desk = Coordinator(LocalBus(clock), DatabaseStore(database, "paper"), SeededIds(1), start_ns)
for run in desk.tick(start_ns):
    desk.end(run, Ended.DONE, start_ns)
desk.command(Command(verb=Verb.DISABLE, task="technical", by="anna", reason="test"), start_ns)
clock.advance(3_600 * 10**9)
begun = []
while "trading_decision" not in begun:
    for run in desk.tick(clock.now_ns()):
        begun.append(run.task)
        if run.task != "trading_decision":
            desk.end(run, Ended.DONE, clock.now_ns())
print("in flight", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def test_a_killed_coordinator_goes_on(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """C09: still disabled, one (not three) decision run, counters kept."""
    is_here = kind == "sqlite"
    url = "sqlite:///test.db" if is_here else request.getfixturevalue("postgres_url")
    victim = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", _VICTIM, url, str(tmp_path), str(START_NS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert victim.stdout is not None
    assert victim.stdout.readline() == b"in flight\n"
    victim.kill()
    victim.communicate()
    assert victim.returncode == -9
    restart_ns = START_NS + 4 * HOUR_NS
    database = open_database(url, tmp_path, environment={})
    migrate(database, {"desk_coordinator": TABLES}, now_ns=2, keep_in=tmp_path / "kept")
    clock = VirtualClock(restart_ns)
    store = DatabaseStore(database, "paper")
    desk = Coordinator(LocalBus(clock), store, SeededIds(2), restart_ns)
    assert desk.state is DeskState.RUNNING
    begun = []
    for _ in range(1_800):
        for run in desk.tick(clock.now_ns()):
            begun.append(run.task)
            desk.end(run, Ended.DONE, clock.now_ns())
        clock.advance(SECOND_NS)
    records = {record.name: record for record in desk.record.tasks}
    assert begun.count("trading_decision") == 1
    assert begun.count("portfolio") == 1
    assert "technical" not in begun
    assert not records["technical"].is_enabled
    assert records["technical"].n_runs == 1
    assert records["trading_decision"].n_runs == 2
    assert records["trading_decision"].n_missed == 2
    database.close()
