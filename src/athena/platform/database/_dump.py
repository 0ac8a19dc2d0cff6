"""The whole content of a database as JSON lines that every database can take in again.

The first line names format and migrations; each table is a line with its columns and then a line a
row; the last line counts the rows, so that a dump cut short is not taken for a whole one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from athena.errors import InputError, RefusedError
from athena.platform.database._catalog import list_columns, list_tables, quote_name
from athena.platform.database._steps import (
    MIGRATIONS_TABLE,
    apply_migration,
    check_applied,
    create_record,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from athena.platform.database._protocol import Database, Row, Transaction, Value
    from athena.platform.database._steps import Migration

_FORMAT = "athena-database-1"
_APPLIED = (
    f"SELECT room, position, name, sha256, applied_at_ns FROM {MIGRATIONS_TABLE} "  # noqa: S608 - a constant
    "ORDER BY applied_at_ns, room, position"
)


class Writable(Protocol):
    """Take bytes."""

    def write(self, data: bytes, /) -> object:
        """Write bytes."""
        ...


def write_dump(transaction: Transaction, target: Writable) -> int:
    """Write everything that a transaction sees; return the number of rows.

    Raises:
        InputError: a column holds a float or another value that not every database keeps.
    """
    tables = list_tables(transaction)
    applied = transaction.query(_APPLIED) if MIGRATIONS_TABLE in tables else []
    _write(target, {"format": _FORMAT, "migrations": applied})
    n_rows = 0
    for table in tables:
        if table == MIGRATIONS_TABLE:
            continue
        columns = list_columns(transaction, table)
        _write(target, {"table": table, "columns": columns})
        names = ", ".join(map(quote_name, columns))
        for row in transaction.stream(f"SELECT {names} FROM {quote_name(table)}"):  # noqa: S608 - from the catalogue
            _write(target, [_plain(value) for value in row])
            n_rows += 1
    _write(target, {"rows": n_rows})
    return n_rows


def load_dump(
    database: Database, rooms: Mapping[str, Sequence[Migration]], lines: Iterable[bytes]
) -> int:
    """Fill an empty database with what a dump holds, all of it or nothing; return the rows.

    The dump may come from another kind of database. The tables are made by the migrations that
    the dump has seen; later ones are left to `migrate`.

    Raises:
        InputError: the dump is damaged; the message names the line.
        RefusedError: the database is not empty, or the dump needs migrations that are not known.
    """
    reader = _Reader(lines)
    header = reader.next_object("format")
    if header["format"] != _FORMAT:
        message = f"expected a dump of format {_FORMAT}, was {header['format']!r}"
        raise InputError(message, hint="a newer Athena wrote it: install that version")
    with database.write() as transaction:
        if list_tables(transaction):
            message = f"expected an empty database at {database.where}, was one with tables"
            raise RefusedError(message, hint="create a new database and set database.url to it")
        _create_tables(transaction, rooms, header["migrations"])
        return _load_rows(transaction, reader)


def _create_tables(
    transaction: Transaction, rooms: Mapping[str, Sequence[Migration]], applied: list[list[Any]]
) -> None:
    create_record(transaction)
    seen: dict[str, list[tuple[str, str]]] = {}
    for room, position, name, sha256, applied_at_ns in applied:
        known = rooms.get(room, ())
        steps = seen.setdefault(room, [])
        steps.append((name, sha256))
        check_applied(room, steps, known)
        apply_migration(transaction, room, position, known[len(steps) - 1], applied_at_ns)
    # Rows that a migration put in are in the dump too, perhaps changed since.
    for table in reversed(list_tables(transaction)):
        if table != MIGRATIONS_TABLE:
            transaction.execute(f"DELETE FROM {quote_name(table)}")  # noqa: S608 - from the catalogue


def _load_rows(transaction: Transaction, reader: _Reader) -> int:
    tables = set(list_tables(transaction))
    insert, width, n_rows = "", 0, 0
    for line in reader:
        if isinstance(line, list) and insert and len(line) == width:
            values = [_value(item) for item in line]
            transaction.execute(insert, {f"v{k}": value for k, value in enumerate(values)})
            n_rows += 1
        elif isinstance(line, dict) and line.get("rows") == n_rows and len(line) == 1:
            reader.expect_end()
            return n_rows
        elif isinstance(line, dict) and line.get("table") in tables:
            insert = _insert(transaction, line, reader)
            width = len(line["columns"])
        else:
            reader.refuse("a table, a row of it or the number of rows")
    return reader.refuse("the number of rows as the last line")


def _insert(transaction: Transaction, line: dict[str, Any], reader: _Reader) -> str:
    """Return the statement for the rows of a table; the names come from the catalogue."""
    table = line["table"]
    columns = list_columns(transaction, table)
    if line.get("columns") != columns:
        reader.refuse(f"the columns {columns} of {table}")
    names = ", ".join(map(quote_name, columns))
    places = ", ".join(f":v{k}" for k in range(len(columns)))
    return f"INSERT INTO {quote_name(table)} ({names}) VALUES ({places})"  # noqa: S608 - see above


class _Reader:
    """Read a dump line by line, and know where it is."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._number = 0

    def __iter__(self) -> Iterator[Any]:
        for line in self._lines:
            self._number += 1
            try:
                yield json.loads(line)
            except ValueError:
                self.refuse("a JSON value")

    def next_object(self, key: str) -> dict[str, Any]:
        line = next(iter(self), None)
        if not (isinstance(line, dict) and key in line):
            self.refuse(f"an object with '{key}'")
        return line

    def expect_end(self) -> None:
        if next(self._lines, None) is not None:
            self.refuse("nothing after the number of rows")

    def refuse(self, expected: str) -> NoReturn:
        message = f"expected {expected} in line {self._number} of the dump, was something else"
        raise InputError(message, hint="take another backup") from None


def _plain(value: Value) -> object:
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def _value(item: object) -> Value:
    if isinstance(item, dict):
        return bytes.fromhex(item["hex"])
    if item is None or isinstance(item, int | str):
        return item
    message = f"expected int, text, bytes or null in the dump, was {type(item).__name__}"
    raise InputError(message, hint="take another backup")


def _write(target: Writable, line: Mapping[str, object] | Sequence[object] | Row) -> None:
    target.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
