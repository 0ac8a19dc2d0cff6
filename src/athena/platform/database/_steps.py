"""One step of a room's tables, and the record of the steps that a database has seen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.errors import RefusedError
from athena.platform.database._catalog import list_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from athena.platform.database._protocol import Dialect, Transaction

MIGRATIONS_TABLE = "athena_migrations"
_CREATE = (
    f"CREATE TABLE IF NOT EXISTS {MIGRATIONS_TABLE} (room TEXT NOT NULL, position BIGINT NOT NULL,"
    " name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at_ns BIGINT NOT NULL,"
    " PRIMARY KEY (room, position))"
)
_READ = f"SELECT room, name, sha256 FROM {MIGRATIONS_TABLE} ORDER BY room, position"  # noqa: S608 - a constant
_RECORD = (
    f"INSERT INTO {MIGRATIONS_TABLE} (room, position, name, sha256, applied_at_ns) "  # noqa: S608 - a constant
    "VALUES (:room, :position, :name, :sha256, :applied_at_ns)"
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a room's tables; once released it is never changed, a new one follows it.

    Attributes:
        name: what it does, as `0001-backups`; unique in its room.
        statements: SQL that both databases understand, without transactions. `BIGINT` for
            integers and times, `TEXT` for texts and decimals; ids are texts.
        postgresql: statements for PostgreSQL instead, such as `BYTEA` for `BLOB`; empty for none.
    """

    name: str
    statements: tuple[str, ...]
    postgresql: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Return the digest of everything that it says, for every database."""
        text = json.dumps([self.name, self.statements, self.postgresql])
        return hashlib.sha256(text.encode()).hexdigest()

    def spoken(self, dialect: Dialect) -> tuple[str, ...]:
        """Return the statements for a database."""
        return self.postgresql if self.postgresql and dialect == "postgresql" else self.statements


def create_record(transaction: Transaction) -> None:
    """Create the table that records what was applied."""
    transaction.execute(_CREATE)


def read_applied(transaction: Transaction) -> dict[str, list[tuple[str, str]]]:
    """Map each room to (name, SHA-256) of the steps that the database has seen, in order."""
    applied: dict[str, list[tuple[str, str]]] = {}
    if MIGRATIONS_TABLE in list_tables(transaction):
        for room, name, sha256 in transaction.query(_READ):
            applied.setdefault(str(room), []).append((str(name), str(sha256)))
    return applied


def apply_migration(
    transaction: Transaction, room: str, position: int, migration: Migration, now_ns: int
) -> None:
    """Run one step and record it."""
    for statement in migration.spoken(transaction.dialect):
        transaction.execute(statement)
    transaction.execute(
        _RECORD,
        {
            "room": room,
            "position": position,
            "name": migration.name,
            "sha256": migration.sha256,
            "applied_at_ns": now_ns,
        },
    )


def check_applied(
    room: str, applied: Iterable[tuple[str, str]], known: Sequence[Migration]
) -> None:
    """Compare the steps that a database has seen with those that this program has.

    Args:
        room: who owns them.
        applied: (name, SHA-256) of each, in order.
        known: this program's.

    Raises:
        RefusedError: they differ; the message names the first one that does.
    """
    for position, (name, sha256) in enumerate(applied):
        if position >= len(known) or known[position].name != name:
            has = known[position].name if position < len(known) else "none"
            message = (
                f"expected migration {position + 1} of {room} to be {name}, which the database "
                f"has seen, was {has}"
            )
            raise RefusedError(message, hint="a newer Athena wrote it: install that version")
        if known[position].sha256 != sha256:
            message = f"expected migration {room}/{name} as it was applied, was changed since"
            raise RefusedError(
                message, hint="undo the change and add a new migration, or install its version"
            )
