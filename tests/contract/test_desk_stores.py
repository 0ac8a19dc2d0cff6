"""Every store of a desk's state keeps the promises of `DeskStore`, in every database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athena.desk.coordinator import (
    TABLES,
    DatabaseStore,
    DeskRecord,
    DeskState,
    MemoryStore,
    TaskRecord,
)
from athena.errors import InputError, RefusedError
from athena.platform.database import migrate, open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athena.desk.coordinator import DeskStore
    from athena.platform.database import Database

RECORD = DeskRecord(
    state=DeskState.PAUSED,
    reason="breaker daily_loss: -5 % today, «Ende»",
    tasks=(
        TaskRecord(name="technical", is_enabled=False, since_ns=2**62, ended_ns=2**61, n_runs=7),
        TaskRecord(name="decision", running_until_ns=2**62, is_wanted=True, n_missed=2),
    ),
    paused_until_ns=2**62,
    n_decisions=12,
)


SQLITE, POSTGRESQL = "sqlite", pytest.param("postgresql", marks=pytest.mark.service)


def opened(request: pytest.FixtureRequest, home: Path) -> Database:
    """Open a database of the kind that a fixture is asked for, with the tables of the desk."""
    is_here = request.param == SQLITE
    url = "sqlite:///test.db" if is_here else request.getfixturevalue("postgres_url")
    database = open_database(url, home, environment={})
    migrate(database, {"desk_coordinator": TABLES}, now_ns=1, keep_in=home / "kept")
    return database


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    found = opened(request, tmp_path)
    yield found
    found.close()


@pytest.fixture(params=["memory", SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DeskStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    found = opened(request, tmp_path)
    yield DatabaseStore(found, "paper")
    found.close()


def test_the_first_load_finds_nothing_and_the_next_what_was_saved_last(store: DeskStore) -> None:
    """C09."""
    assert store.load() is None
    store.save(RECORD, 1)
    assert store.load() == RECORD
    changed = DeskRecord(state=DeskState.HALTED, reason="", tasks=())
    store.save(changed, 2)
    store.save(RECORD, 3)
    store.save(changed, 4)
    assert store.load() == changed


def test_desks_of_other_names_are_apart(database: Database) -> None:
    paper, live = DatabaseStore(database, "paper"), DatabaseStore(database, "live")
    paper.load()
    paper.save(RECORD, 1)
    assert live.load() is None


def test_who_loads_last_is_the_only_one_who_saves(database: Database) -> None:
    """Two processes never coordinate one desk."""
    old, new = DatabaseStore(database, "paper"), DatabaseStore(database, "paper")
    for store in (old, new):
        assert store.load() is None
    old.save(RECORD, 1)
    with pytest.raises(RefusedError, match="expected to be the only process of the desk paper"):
        new.save(RECORD, 2)
    assert new.load() == RECORD
    with pytest.raises(RefusedError, match="only process"):
        old.save(RECORD, 3)
    new.save(RECORD, 4)
    assert old.load() == RECORD


def test_what_another_version_wrote_is_refused(database: Database) -> None:
    store = DatabaseStore(database, "paper")
    store.load()
    store.save(RECORD, 1)
    with database.write() as transaction:
        transaction.execute("UPDATE desk_coordinator SET record = '{}'")
    with pytest.raises(InputError, match="expected the form of a DeskRecord"):
        store.load()
