"""Errors of whoever uses a transaction wrongly, the same for every database."""

from __future__ import annotations

from athena.errors import AthenaError


def second_transaction() -> AthenaError:
    """Build the error for a transaction inside another one."""
    return AthenaError("expected one transaction at a time on a connection, was a second one")


def check_not_failed(*, has_failed: bool) -> None:
    """Refuse to commit after a statement has failed.

    PostgreSQL undoes such a transaction and SQLite would keep its other half: nobody keeps it.

    Raises:
        AthenaError: a statement failed, and its error was caught inside the block.
    """
    if has_failed:
        message = "expected the error of a statement to leave its block, was caught in it"
        raise AthenaError(message)
