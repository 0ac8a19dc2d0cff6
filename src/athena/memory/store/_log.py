"""The event log in the database: the only place that knows its SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.errors import DatabaseDamaged, RefusedError
from athena.memory.entries import Event, EventKind, damaged, read_note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from athena.memory.recall import Embedder
    from athena.platform.database import Parameter, Row, Transaction

_ROWS_AT_ONCE = 2_000
_WRITTEN_AT_ONCE = 500  # rows of one statement; SQLite takes 32,766 parameters
_READ = """
    SELECT e.position, e.at_ns, e.kind, e.entry, e.body, c.text, c.source, v.levels
    FROM memory_events e
    LEFT JOIN memory_contents c ON c.entry = e.entry AND e.kind = 'added'
    LEFT JOIN memory_vectors v ON v.entry = e.entry AND v.embedder = :embedder
        AND e.kind = 'added'
    WHERE e.position > :after ORDER BY e.position LIMIT :n
"""
_LACKING = """
    SELECT c.entry, c.text FROM memory_contents c
    WHERE NOT EXISTS (
        SELECT 1 FROM memory_vectors v WHERE v.entry = c.entry AND v.embedder = :embedder
    ) ORDER BY c.entry LIMIT :n
"""
_COUNT_LACKING = """
    SELECT count(*) FROM memory_contents c
    WHERE NOT EXISTS (
        SELECT 1 FROM memory_vectors v WHERE v.entry = c.entry AND v.embedder = :embedder
    )
"""
_ERASE = (
    "DELETE FROM memory_contents WHERE entry = :entry",
    "DELETE FROM memory_vectors WHERE entry = :entry",
)


def read_events(
    transaction: Transaction, after: int, embedder: Embedder
) -> Iterator[tuple[Event, NDArray[np.int16] | None]]:
    """Yield the events after a position, each with the vector of the entry that it adds.

    The note of an added entry that was erased since is one without words.

    Raises:
        DatabaseDamaged: a line is not as it was written, or a vector has another length.
        RefusedError: a newer version of Athena wrote it.
    """
    while True:
        given: dict[str, Parameter] = {
            "after": after, "n": _ROWS_AT_ONCE, "embedder": embedder.name
        }  # fmt: skip
        rows = transaction.query(_READ, given)
        for row in rows:
            yield _event(row), _levels(row, embedder)
        if len(rows) < _ROWS_AT_ONCE:
            return
        after = int(rows[-1][0] or 0)


def _event(row: Row) -> Event:
    position, at_ns, kind, entry, body, text, source, _ = row
    number = int(position or 0)
    if kind not in set(EventKind):
        message = f"expected a kind of event that this version knows, was {kind!r}"
        raise RefusedError(message, hint="a newer Athena wrote it: install that version")
    note, replaces = None, ""
    if kind == EventKind.ADDED:
        note, replaces = read_note(str(body), str(text or ""), str(source or ""), number)
    return Event(
        number, int(at_ns or 0), EventKind(str(kind)), str(entry), note, replaces, str(body)
    )


def _levels(row: Row, embedder: Embedder) -> NDArray[np.int16] | None:
    data = row[-1]
    if data is None:
        return None
    if not isinstance(data, bytes) or len(data) != 2 * embedder.n_dims:
        was = f"a vector of {len(str(data)) if isinstance(data, str) else len(bytes(data)) // 2}"
        raise damaged(int(row[0] or 0), f"{was} numbers, not {embedder.n_dims} ({embedder.name})")
    return np.frombuffer(data, dtype="<i2").astype(np.int16)


def write_events(
    transaction: Transaction,
    events: Sequence[Event],
    levels: Mapping[str, NDArray[np.int16]],
    embedder: str,
) -> None:
    """Append events, with the words and the vectors (by entry) of those that add one."""
    _insert(
        transaction,
        "memory_events",
        [
            {
                "position": event.position, "at_ns": event.at_ns, "kind": event.kind,
                "entry": event.entry, "body": event.body,
            }
            for event in events
        ],
    )  # fmt: skip
    _insert(
        transaction,
        "memory_contents",
        [
            {"entry": event.entry, "text": event.note.text, "source": event.note.source}
            for event in events
            if event.note is not None
        ],
    )
    write_vectors(transaction, levels, embedder)
    for event in events:
        if event.kind is EventKind.ERASED:
            _erase(transaction, event.entry)


def write_vectors(
    transaction: Transaction, levels: Mapping[str, NDArray[np.int16]], embedder: str
) -> None:
    """Keep vectors by entry."""
    rows: list[dict[str, Parameter]] = [
        {"entry": entry, "embedder": embedder, "levels": row.astype("<i2").tobytes()}
        for entry, row in levels.items()
    ]
    _insert(transaction, "memory_vectors", rows)


def entries_without_vector(
    transaction: Transaction, embedder: str, n: int
) -> list[tuple[str, str]]:
    """List (entry, text) of some entries that an embedder has not seen."""
    rows = transaction.query(_LACKING, {"embedder": embedder, "n": n})
    return [(str(entry), str(text)) for entry, text in rows]


def count_without_vector(transaction: Transaction, embedder: str) -> int:
    """Count the entries that an embedder has not seen."""
    ((n,),) = transaction.query(_COUNT_LACKING, {"embedder": embedder})
    return int(n or 0)


def check_contents(entries_without_words: Sequence[str]) -> None:
    """Refuse a log whose entries lost their words without an erasure.

    Raises:
        DatabaseDamaged: some did; the message names the first.
    """
    if entries_without_words:
        message = (
            f"expected the words of {entries_without_words[0]}, was none and no record of an "
            f"erasure ({len(entries_without_words)} entries)"
        )
        raise DatabaseDamaged(message, hint="move the database away, then athena restore FILE")


def _erase(transaction: Transaction, entry: str) -> None:
    if transaction.dialect == "sqlite":
        # What is deleted is overwritten in the file.
        transaction.query("PRAGMA secure_delete = ON")
    for statement in _ERASE:
        transaction.execute(statement, {"entry": entry})


def _insert(transaction: Transaction, table: str, rows: Sequence[Mapping[str, Parameter]]) -> None:
    """Insert rows with the same columns, hundreds in one statement."""
    for start in range(0, len(rows), _WRITTEN_AT_ONCE):
        some = rows[start : start + _WRITTEN_AT_ONCE]
        names = list(some[0])
        values = ", ".join(
            "(" + ", ".join(f":{name}{k}" for name in names) + ")" for k in range(len(some))
        )
        given = {f"{name}{k}": value for k, row in enumerate(some) for name, value in row.items()}
        columns = ", ".join(names)
        transaction.execute(f"INSERT INTO {table} ({columns}) VALUES {values}", given)  # noqa: S608 - constants of this module
