"""What every database promises, whichever it is."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

Dialect = Literal["sqlite", "postgresql"]
# What a column can hold. A decimal is kept as text, since SQLite would make a float of it.
Value = int | str | bytes | None
Row = tuple[Value, ...]
Parameter = Value | Decimal


class Transaction(Protocol):
    """Read and write in one transaction: all of it happens, or nothing.

    The error of a statement ends the transaction, so let it leave the block.

    Statements name their parameters, `WHERE id = :id`; a name is not `sql`, `stream` or `types`.
    A decimal is stored as text with every digit, a bool as 0 or 1. Floats are refused both ways:
    a sum over decimals kept as text would be one in SQLite, so sums of money are made in Python.
    """

    @property
    def dialect(self) -> Dialect:
        """Return which SQL is spoken."""
        ...

    def execute(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> int:
        """Run a statement; return how many rows it changed, 0 for one that changes no rows.

        Raises:
            InputError: a parameter cannot be stored exactly on every database.
            DatabaseConflict: a row breaks a constraint.
            DatabaseDown: the connection broke; nothing of the transaction happened.
        """
        ...

    def query(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> list[Row]:
        """Return the rows of a query; bound their number with `LIMIT`, or use `stream`.

        Raises:
            InputError: a parameter or a value found is none of `Value`.
            DatabaseDown: the connection broke.
        """
        ...

    def stream(self, sql: str) -> Iterator[Row]:
        """Yield the rows of a query without parameters; memory does not depend on their number.

        Run no other statement before the last row was read.
        """
        ...


class Database(Protocol):
    """Hold one connection; it belongs to the thread that opened it.

    After an error that is retryable the same object works again as soon as the server does: a lost
    connection is replaced at the next transaction, never in the middle of one.
    """

    @property
    def dialect(self) -> Dialect:
        """Return which SQL is spoken."""
        ...

    @property
    def where(self) -> str:
        """Return the address, without a password."""
        ...

    def write(self) -> AbstractContextManager[Transaction]:
        """Offer a transaction that may write; writers take turns, in all processes.

        It is committed when the block ends well and undone when it raises. What one writer reads,
        no other writer changes before it has ended.

        Raises:
            DatabaseLocked: another writer did not end in time; nothing was done.
            DatabaseDown: the database cannot be reached; nothing was done.
            CommitUnknown: the connection broke during the commit.
        """
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """Offer a view of one moment; it waits for no writer and cannot change anything.

        Raises:
            DatabaseDown: the database cannot be reached.
        """
        ...

    def check(self) -> str:
        """Return what is wrong with the stored content, or an empty text.

        PostgreSQL checks its own pages; for it this only says whether it answers.
        """
        ...

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        ...
