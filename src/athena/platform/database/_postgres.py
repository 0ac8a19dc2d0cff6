"""PostgreSQL through pg8000: the same promises as the file, kept by a server."""

from __future__ import annotations

import struct
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

from athena.errors import (
    AthenaError,
    CommitUnknown,
    DatabaseConflict,
    DatabaseDamaged,
    DatabaseDown,
    DatabaseLocked,
    MissingError,
    MissingExtra,
)
from athena.platform.database._misuse import check_not_failed, second_transaction
from athena.platform.database._values import bind, found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from athena.platform.database._protocol import Parameter, Row
    from athena.platform.database._url import PostgresPlace

_EXTRA = "postgres"
_TIMEOUT_S = 30.0  # a server that says nothing for so long is gone; longer than any wait below
_LOCK_TIMEOUT_MS = 5_000
# A process that hangs in the middle of a transaction must not stop all others for ever.
_IDLE_TIMEOUT_MS = 60_000
_ROWS_AT_ONCE = 500
_WRONG_PASSWORD = "the password was not accepted"  # noqa: S105 - says so, is none
# Writers take turns by this lock. Its number is arbitrary, but must never change.
_WRITER_LOCK = 4_172_656_661
_BEGIN_WRITE = (
    f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({_WRITER_LOCK})"
)
_BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1"
# SQLSTATE codes or classes, by what a person or a loop may do about them.
_DOWN = ("08", "57P", "53300", "25P03")
_NO_ENTRY = ("28", "3D000", "42501")
_REFUSALS: tuple[tuple[tuple[str, ...], type[AthenaError], str, str], ...] = (
    (
        ("55P03", "40001", "40P01", "57014"),
        DatabaseLocked,
        "a turn to write",
        "wait for the other athena to end, or stop it",
    ),
    (("53100",), MissingError, "room to write", "free some space on the server"),
    (("XX001", "XX002"), DatabaseDamaged, "a sound database", "restore the server's own backup"),
    (("23",), DatabaseConflict, "rows that keep the constraints", ""),
)
# The driver's words for a lost connection; its other words are about how it was called.
_BROKEN = frozenset({"network error", "connection is closed"})
# What the driver lets through when the other side speaks no PostgreSQL, or breaks off.
_NONSENSE = (AttributeError, IndexError, KeyError, OSError, ValueError, struct.error)


class PostgresDatabase:
    """A database of a server; see `Database` for what it promises."""

    dialect: Literal["postgresql"] = "postgresql"

    def __init__(self, place: PostgresPlace) -> None:
        """Remember where the server is; it is called at the first transaction.

        Raises:
            MissingExtra: the driver is not installed.
        """
        _driver()
        self._place = place
        self.where = place.shown
        self._link: _Link | None = None
        self._is_busy = False

    @contextmanager
    def write(self) -> Iterator[PostgresTransaction]:
        """Offer a transaction that holds the writers' lock."""
        with self._transaction(_BEGIN_WRITE) as transaction:
            yield transaction

    @contextmanager
    def read(self) -> Iterator[PostgresTransaction]:
        """Offer a view of one moment."""
        with self._transaction(_BEGIN_READ) as transaction:
            yield transaction

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[PostgresTransaction]:
        if self._is_busy:
            raise second_transaction()
        self._is_busy = True
        try:
            link = self._begin(begin)
            transaction = PostgresTransaction(link)
            try:
                yield transaction
                check_not_failed(has_failed=transaction.has_failed)
            except BaseException:
                self._undo(link)
                raise
            self._commit(link)
        finally:
            self._is_busy = False

    def _begin(self, begin: str) -> _Link:
        if self._link is not None:
            # The server may have been restarted since: nothing was asked yet, so ask anew.
            try:
                self._link.run(begin)
            except DatabaseDown:
                self._drop()
            except BaseException:
                self._undo(self._link)
                raise
            else:
                return self._link
        self._link = link = _Link(self._place)
        try:
            link.run(begin)
        except BaseException:
            self._undo(link)
            raise
        return link

    def _commit(self, link: _Link) -> None:
        try:
            link.run("COMMIT")
        except DatabaseDown as error:
            self._drop()
            message = f"expected {self.where} to confirm a commit, was gone: {error.message}"
            hint = "read what the database holds before you write it again"
            raise CommitUnknown(message, hint=hint) from error
        except BaseException:
            self._undo(link)
            raise

    def _undo(self, link: _Link) -> None:
        # When even that fails, closing the connection undoes it. The first error is shown.
        try:
            if link.is_sound:
                link.run("ROLLBACK")
        except AthenaError:
            link.is_sound = False
        if not link.is_sound:
            self._drop()

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def check(self) -> str:
        """Return why the server does not answer, or an empty text."""
        try:
            with self.read() as transaction:
                transaction.query("SELECT 1")
        except AthenaError as error:
            return error.message
        return ""

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._drop()


class PostgresTransaction:
    """See `Transaction`."""

    __slots__ = ("_link", "dialect", "has_failed")

    def __init__(self, link: _Link) -> None:
        """Work on a connection on which a transaction has begun."""
        self.dialect: Literal["postgresql"] = "postgresql"
        self._link = link
        self.has_failed = False

    def execute(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> int:
        """Run a statement; return how many rows it changed."""
        _, n_rows = self._run(sql, bind(parameters))
        return max(0, n_rows)

    def query(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> list[Row]:
        """Return the rows of a query."""
        rows, _ = self._run(sql, bind(parameters))
        return [found(row) for row in rows]

    def stream(self, sql: str) -> Iterator[Row]:
        """Yield the rows of a query, a few hundred at a time."""
        self._run(f"DECLARE athena_stream NO SCROLL CURSOR FOR {sql}")
        while rows := self._run(f"FETCH {_ROWS_AT_ONCE} FROM athena_stream")[0]:
            for row in rows:
                yield found(row)
        self._run("CLOSE athena_stream")

    def _run(
        self, sql: str, parameters: Mapping[str, object] | None = None
    ) -> tuple[list[Any], int]:
        try:
            return self._link.run(sql, parameters)
        except AthenaError:
            self.has_failed = True
            raise


class _Link:
    """One connection; whatever the driver raises leaves it as an error of Athena's.

    Attributes:
        is_sound: False once an answer was not read to its end (a time-out, a signal): the next
            question would get the last one's answer.
    """

    def __init__(self, place: PostgresPlace) -> None:
        self.is_sound = True
        self._where = place.shown
        self._native = _driver()
        try:
            self._connection = self._connect(place)
            self.run(
                f"SET lock_timeout = {_LOCK_TIMEOUT_MS}; "
                f"SET idle_in_transaction_session_timeout = {_IDLE_TIMEOUT_MS}"
            )
        except _NONSENSE as error:
            raise self._down(type(error).__name__) from error

    def _connect(self, place: PostgresPlace) -> Any:  # noqa: ANN401 - the driver has no types
        import ssl

        from scramp import ScramException  # type: ignore[import-untyped]  # it has no types

        is_socket = place.host.startswith("/")
        try:
            return self._native.Connection(
                place.user,
                host=None if is_socket else place.host,
                unix_sock=f"{place.host}/.s.PGSQL.{place.port}" if is_socket else None,
                port=place.port,
                database=place.database,
                password=place.password,
                ssl_context=ssl.create_default_context() if place.is_encrypted else False,
                timeout=_TIMEOUT_S,
                application_name="athena",
            )
        except self._native.DatabaseError as error:
            raise self._translated(error) from error
        except self._native.InterfaceError as error:
            raise self._down(str(error)) from error
        except ScramException as error:
            # Its text is not shown: it may quote what was exchanged.
            raise self._no_entry(_WRONG_PASSWORD) from error

    def run(
        self, sql: str, parameters: Mapping[str, object] | None = None
    ) -> tuple[list[Any], int]:
        """Run a statement; return its rows and how many it touched, 0 where that means nothing."""
        self.is_sound = False
        try:
            rows = self._connection.run(sql, **(parameters or {}))
        except self._native.DatabaseError as error:
            self.is_sound = True
            raise self._translated(error) from error
        except self._native.InterfaceError as error:
            if str(error) in _BROKEN:
                raise self._down(str(error)) from error
            message = f"expected a statement that can be sent, was: {error}"
            raise AthenaError(message) from error
        except _NONSENSE as error:
            raise self._down(type(error).__name__) from error
        self.is_sound = True
        return rows or [], self._connection.row_count

    def close(self) -> None:
        """Close; the other side may be gone already."""
        with suppress(self._native.InterfaceError, OSError):
            self._connection.close()

    def _translated(self, error: Exception) -> AthenaError:
        details = error.args[0]
        code, text = str(details.get("C", "")), str(details.get("M", ""))
        if not code or code.startswith(_DOWN):
            return self._down(text or "an error without a code")
        if code.startswith(_NO_ENTRY):
            return self._no_entry(text)
        for codes, kind, expected, hint in _REFUSALS:
            if code.startswith(codes):
                return kind(f"expected {expected} at {self._where}, was: {text}", hint=hint)
        return AthenaError(f"expected a statement that {self._where} can run, was: {code} {text}")

    def _down(self, reason: str) -> DatabaseDown:
        message = f"expected {self._where} to answer, was: {reason}"
        return DatabaseDown(message, hint="start the server, or set database.url; then try again")

    def _no_entry(self, reason: str) -> MissingError:
        message = f"expected {self._where} to let us in, was: {reason}"
        return MissingError(message, hint="export PGPASSWORD=...; the database must exist")


def _driver() -> Any:  # noqa: ANN401 - the driver has no types
    try:
        import pg8000.native  # type: ignore[import-untyped]  # it has no types
    except ImportError as error:
        raise MissingExtra(_EXTRA, package="pg8000", needed_for="a postgresql database") from error
    return pg8000.native
