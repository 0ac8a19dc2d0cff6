"""SQLite: one file in the home, written ahead, one writer at a time."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from athena.errors import (
    AthenaError,
    DatabaseConflict,
    DatabaseDamaged,
    DatabaseDown,
    DatabaseLocked,
    InputError,
    MissingError,
)
from athena.platform._storage import ensure_folder
from athena.platform.database._misuse import check_not_failed, second_transaction
from athena.platform.database._values import bind, found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from athena.platform.database._protocol import Parameter, Row
    from athena.platform.database._url import SqlitePlace

_BUSY_TIMEOUT_S = 5.0
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNUSABLE = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)


class SqliteDatabase:
    """A database file; see `Database` for what it promises.

    The journal of changes is written ahead (WAL), so readers never wait; `synchronous=FULL` makes
    a commit survive a power cut. The file must not lie on a network file system.
    """

    dialect: Literal["sqlite"] = "sqlite"

    def __init__(self, place: SqlitePlace) -> None:
        """Open the file, or create it.

        Raises:
            InputError: it cannot be used; DatabaseDamaged when it is no database.
            MissingError: the disk is full.
        """
        self._path = place.path
        self.where = place.shown
        self._is_busy = False
        ensure_folder(place.path.parent)
        with sqlite_errors(place.path):
            self._connection = _connect(place.path)
        self._file = _identity(place.path)

    @contextmanager
    def write(self) -> Iterator[SqliteTransaction]:
        """Offer a transaction that holds the only write lock."""
        with self._transaction("BEGIN IMMEDIATE") as transaction:
            yield transaction

    @contextmanager
    def read(self) -> Iterator[SqliteTransaction]:
        """Offer a view of one moment."""
        with sqlite_errors(self._path):
            self._connection.execute("PRAGMA query_only = ON")
        try:
            with self._transaction("BEGIN DEFERRED") as transaction:
                # The view begins with the first read, not with BEGIN.
                transaction.query("SELECT count(*) FROM sqlite_schema")
                yield transaction
        finally:
            with sqlite_errors(self._path):
                self._connection.execute("PRAGMA query_only = OFF")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[SqliteTransaction]:
        if self._is_busy:
            raise second_transaction()
        self._check_there()
        self._is_busy = True
        try:
            with sqlite_errors(self._path):
                self._connection.execute(begin)
            transaction = SqliteTransaction(self._connection, self._path)
            yield transaction
            check_not_failed(has_failed=transaction.has_failed)
            with sqlite_errors(self._path):
                self._connection.execute("COMMIT")
        finally:
            self._is_busy = False
            # After a full disk SQLite has rolled back already.
            if self._connection.in_transaction:
                with sqlite_errors(self._path):
                    self._connection.execute("ROLLBACK")

    def _check_there(self) -> None:
        """Refuse to go on with a file that lost its name: nobody else would see what is written.

        Raises:
            DatabaseDown: it was deleted, or another one was put in its place.
        """
        if _identity(self._path) != self._file:
            message = f"expected the database at {self._path} that was opened, was deleted or "
            message += "replaced meanwhile"
            raise DatabaseDown(message, hint="open it again, or put the file back")

    def check(self) -> str:
        """Return the first findings of SQLite's own examination, constraints included."""
        try:
            with self.read() as transaction:
                findings = [str(row[0]) for row in transaction.query("PRAGMA integrity_check(5)")]
                broken = transaction.query("PRAGMA foreign_key_check")
        except DatabaseDamaged as error:
            return error.message
        findings = [text for text in findings if text != "ok"]
        findings += [f"{len(broken)} rows point to rows that are not there"] if broken else []
        return "; ".join(findings)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._connection.close()


class SqliteTransaction:
    """See `Transaction`."""

    __slots__ = ("_connection", "_path", "dialect", "has_failed")

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Work on a connection on which a transaction has begun."""
        self.dialect: Literal["sqlite"] = "sqlite"
        self._connection = connection
        self._path = path
        self.has_failed = False

    def execute(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> int:
        """Run a statement; return how many rows it changed."""
        bound = bind(parameters)
        with self._errors():
            return max(0, self._connection.execute(sql, bound).rowcount)

    def query(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> list[Row]:
        """Return the rows of a query."""
        bound = bind(parameters)
        with self._errors():
            rows = self._connection.execute(sql, bound).fetchall()
        return [found(row) for row in rows]

    def stream(self, sql: str) -> Iterator[Row]:
        """Yield the rows of a query."""
        with self._errors():
            for row in self._connection.execute(sql):
                yield found(row)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with sqlite_errors(self._path):
                yield
        except AthenaError:
            self.has_failed = True
            raise


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn every SQLite error of the block into one of Athena's."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(error, path) from error


def _translated(error: sqlite3.Error, path: Path) -> AthenaError:
    # Errors that Python's module raises by itself carry no code of SQLite.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says which kind of a kind
    if code in _BUSY:
        message = f"expected to lock {path} within {_BUSY_TIMEOUT_S:g} s, was held by another"
        return DatabaseLocked(message, hint="wait for the other athena to end, or stop it")
    if code == sqlite3.SQLITE_FULL:
        message = f"expected room to write {path}, was a full disk"
        return MissingError(message, hint="free some space; what was not committed was undone")
    if code in _DAMAGED:
        message = f"expected a sound database in {path}, was damaged: {error}"
        return DatabaseDamaged(message, hint="move the file away, then athena restore FILE")
    if code in _UNUSABLE:
        message = f"expected a database that can be used at {path}, was not: {error}"
        return InputError(message, hint="change its permissions, or set database.url")
    if code == sqlite3.SQLITE_CONSTRAINT:
        return DatabaseConflict(f"expected rows that keep the constraints of {path}: {error}")
    return AthenaError(f"expected a statement that {path} can run, was refused: {error}")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from any other that may get its name; None without one."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _connect(path: Path) -> sqlite3.Connection:
    # Autocommit: transactions begin and end where this module says, never by themselves.
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
