"""Whatever is changed in the record of attempts is found, and where (C17)."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.app.live import Entry, find_break
from athena.app.live._audit import append_entry
from tests.operator_cases import SQLITE, prepared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.platform.database import Database

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
TIMES = st.integers(0, 2**62)
ENTRIES = st.lists(
    st.builds(
        Entry, TIMES, *[TEXTS] * 10, st.none() | TEXTS, st.none() | TEXTS
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip
COLUMNS = [field.name for field in fields(Entry) if field.name != "at_ns"]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Open a database without the guards, as its owner could make it."""
    opened = prepared(SQLITE, tmp_path_factory.mktemp("audit"))
    with opened.write() as transaction:
        transaction.execute("DROP TRIGGER app_audit_no_update")
        transaction.execute("DROP TRIGGER app_audit_no_delete")
    yield opened
    opened.close()


def fill(database: Database, entries: list[Entry]) -> None:
    with database.write() as transaction:
        transaction.execute("DELETE FROM app_audit")
        for entry in entries:
            append_entry(transaction, entry)


def broken(database: Database) -> int | None:
    with database.read() as transaction:
        return find_break(transaction)


@given(ENTRIES, st.data())
def test_any_change_of_any_column_breaks_the_chain_at_its_entry(
    database: Database, entries: list[Entry], data: st.DataObject
) -> None:
    position = data.draw(st.integers(1, len(entries)))
    column = data.draw(st.sampled_from(COLUMNS))
    kept = getattr(entries[position - 1], column)
    text = data.draw(TEXTS.filter(lambda drawn: drawn != kept))
    fill(database, entries)
    assert broken(database) is None
    with database.write() as transaction:
        transaction.execute(
            f"UPDATE app_audit SET {column} = :text WHERE position = :position",  # noqa: S608 - a field's name
            {"text": text, "position": position},
        )
    assert broken(database) == position


@given(ENTRIES.filter(lambda entries: len(entries) > 1), st.data())
def test_an_entry_that_is_missing_breaks_the_chain_there(
    database: Database, entries: list[Entry], data: st.DataObject
) -> None:
    """But for the last: nothing follows that would say so."""
    position = data.draw(st.integers(1, len(entries) - 1))
    fill(database, entries)
    with database.write() as transaction:
        transaction.execute(
            "DELETE FROM app_audit WHERE position = :position", {"position": position}
        )
    assert broken(database) == position
