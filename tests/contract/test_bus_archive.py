"""Messages are kept in every database, and found by their decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athena.desk.bus import TABLES, DatabaseArchive, LocalBus, Veto
from athena.desk.contract import Decision
from athena.domain import DAY_NS, MINUTE_NS
from athena.platform import VirtualClock
from athena.platform.database import migrate, open_database
from tests.bus_cases import START_NS, a_message, a_veto, every_message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athena.platform.database import Database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_here = request.param == "sqlite"
    url = "sqlite:///test.db" if is_here else request.getfixturevalue("postgres_url")
    opened = open_database(url, tmp_path, environment={})
    migrate(opened, {"desk_bus": TABLES}, now_ns=1, keep_in=tmp_path / "kept")
    yield opened
    opened.close()


def test_what_is_kept_is_found_equal_by_its_decision(database: Database) -> None:
    """C17: the messages of a decision are rebuilt from its correlation id."""
    archive = DatabaseArchive(database)
    archive.keep(every_message(), START_NS)
    found = archive.find("d-1")  # of equal times the order is that of the ids
    assert {type(message.payload) for message in found} == {Veto, Decision}
    first = a_veto(correlation_id="d-2", ts_ns=START_NS)
    second = a_message(correlation_id="d-2", ts_ns=START_NS + 1)
    archive.keep([second, first], START_NS)
    assert archive.find("d-2") == (first, second)
    assert archive.find("d-3") == ()


def test_the_same_message_twice_is_kept_once(database: Database) -> None:
    archive = DatabaseArchive(database)
    message = a_message(correlation_id="d-1")
    archive.keep([message], START_NS)
    archive.keep([message], START_NS)
    assert archive.find("d-1") == (message,)


def test_what_is_older_than_ninety_days_is_forgotten(database: Database) -> None:
    """A08: a table is bounded, too."""
    archive = DatabaseArchive(database)
    archive.keep([a_message(correlation_id="d-1")], START_NS)
    later_ns = START_NS + 90 * DAY_NS
    archive.keep([a_message(correlation_id="d-2", ts_ns=later_ns)], later_ns)
    assert len(archive.find("d-1")) == 1
    archive.keep([a_message(correlation_id="d-2", ts_ns=later_ns)], later_ns + 1)
    assert archive.find("d-1") == ()
    assert len(archive.find("d-2")) == 2


def test_a_bus_archives_before_it_forgets(database: Database) -> None:
    clock = VirtualClock(START_NS)
    archive = DatabaseArchive(database)
    bus = LocalBus(clock, archive)
    bus.register("system")
    said = tuple(a_message(correlation_id="d-1") for _ in range(3))
    for message in said:
        bus.publish(message)
    clock.advance(6 * MINUTE_NS)
    bus.sweep()
    assert bus.history() == ()
    assert sorted(m.id for m in archive.find("d-1")) == sorted(m.id for m in said)
