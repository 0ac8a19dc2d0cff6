"""How tables come about and change: ordered steps, each applied once, none ever edited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.platform._storage import staged_file
from athena.platform.database._dump import write_dump
from athena.platform.database._steps import (
    apply_migration,
    check_applied,
    create_record,
    read_applied,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from athena.platform.database._protocol import Database, Transaction
    from athena.platform.database._steps import Migration


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """How far the tables of a room are.

    Attributes:
        room: who owns them.
        n_applied: number of migrations.
        last: name of the newest one.
    """

    room: str
    n_applied: int
    last: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a call of `migrate` did.

    Attributes:
        applied: `room/name` of each step, in order; empty when there was nothing to do.
        kept: the dump of what was there before; None when nothing was.
    """

    applied: tuple[str, ...]
    kept: Path | None


def migrate(
    database: Database, rooms: Mapping[str, Sequence[Migration]], *, now_ns: int, keep_in: Path
) -> Migrated:
    """Bring the tables of rooms to what this program expects.

    All steps happen in one transaction, while other writers wait: programs that start together
    apply each step once, and a step that fails leaves everything as it was. A database that has
    tables already is written to a dump first. Rooms that are not named are left alone.

    Args:
        database: to be changed.
        rooms: room -> its steps, in order.
        now_ns: UTC nanoseconds.
        keep_in: folder for the dump.

    Raises:
        RefusedError: a step that was applied is not known, or was changed since.
    """
    with database.read() as transaction:
        if not _pending(transaction, rooms):
            return Migrated((), None)
    with database.write() as transaction:
        create_record(transaction)
        # Another program may have been faster.
        pending = _pending(transaction, rooms)
        kept = _keep(transaction, keep_in, now_ns) if pending else None
        for room, position, migration in pending:
            apply_migration(transaction, room, position, migration, now_ns)
    return Migrated(tuple(f"{room}/{migration.name}" for room, _, migration in pending), kept)


def schema_versions(transaction: Transaction) -> list[SchemaVersion]:
    """Tell how far each room's tables are; empty for a database without any."""
    return [
        SchemaVersion(room, len(steps), steps[-1][0])
        for room, steps in read_applied(transaction).items()
    ]


def _pending(
    transaction: Transaction, rooms: Mapping[str, Sequence[Migration]]
) -> list[tuple[str, int, Migration]]:
    applied = read_applied(transaction)
    pending: list[tuple[str, int, Migration]] = []
    for room, known in rooms.items():
        done = applied.get(room, [])
        check_applied(room, done, known)
        pending += [(room, k + 1, known[k]) for k in range(len(done), len(known))]
    return pending


def _keep(transaction: Transaction, folder: Path, now_ns: int) -> Path | None:
    """Write a dump of a database that holds tables already."""
    if not read_applied(transaction):
        return None
    file = folder / f"database-{now_ns}.jsonl"
    with staged_file(file) as target:
        write_dump(transaction, target)
    return file
