"""The home's database: its tables of the doors, and how it is opened."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from athena.app._live_tables import OPERATIONS
from athena.errors import DatabaseDamaged
from athena.language.spending import TABLES as LANGUAGE_TABLES
from athena.memory import TABLES as MEMORY_TABLES
from athena.platform.database import (
    Migration,
    SqlitePlace,
    database_url,
    migrate,
    open_database,
    parse_url,
    schema_versions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from athena.platform.database import Database, Parameter, Transaction

# Dumps that a migration leaves behind; they are part of no backup.
KEPT_FOLDER = "kept"
# Every room that owns tables, with its steps in order; a released step is never changed.
ROOMS: Mapping[str, Sequence[Migration]] = {
    "app": (
        Migration(
            "0001-backups",
            (
                """CREATE TABLE app_backups (
                    id TEXT PRIMARY KEY,
                    taken_at_ns BIGINT NOT NULL,
                    file TEXT NOT NULL,
                    n_members BIGINT NOT NULL,
                    size_bytes BIGINT NOT NULL
                )""",
            ),
        ),
        OPERATIONS,
    ),
    "language": LANGUAGE_TABLES,
    "memory": MEMORY_TABLES,
}
_DAMAGED_HINT = "move the file away, then athena restore FILE"
_LAST_BACKUP = "SELECT max(taken_at_ns) FROM app_backups"
_ADD_BACKUP = (
    "INSERT INTO app_backups (id, taken_at_ns, file, n_members, size_bytes) "
    "VALUES (:id, :taken_at_ns, :file, :n_members, :size_bytes)"
)


def is_there(url: str, home: Path) -> bool:
    """Tell whether a database can be asked without creating it: a server always can."""
    place = parse_url(database_url(url), home)
    return not isinstance(place, SqlitePlace) or place.path.is_file()


@contextmanager
def opened(url: str, home: Path) -> Iterator[Database]:
    """Offer the database of a home as it is, without touching its tables.

    Args:
        url: `database.url` of the configuration.
        home: data home.
    """
    database = open_database(database_url(url), home)
    try:
        yield database
    finally:
        database.close()


def bring_up_to_date(database: Database, home: Path, now_ns: int) -> None:
    """Bring the tables of all rooms to what this version expects.

    Raises:
        RefusedError: they are those of another version.
    """
    migrate(database, ROOMS, now_ns=now_ns, keep_in=home / KEPT_FOLDER)


def record_backup(database: Database, columns: Mapping[str, Parameter]) -> None:
    """Remember a backup; the columns are those of `app_backups`."""
    with database.write() as transaction:
        transaction.execute(_ADD_BACKUP, columns)


def describe_database(url: str, home: Path) -> str:
    """Say where the database is, how far its tables are and when it was last backed up.

    Raises:
        DatabaseDown: it cannot be reached.
        DatabaseDamaged: its content is not sound.
    """
    if not is_there(url, home):
        return "sqlite, none yet: it is made on first use"
    with opened(url, home) as database:
        with database.read():  # who is not reached says so itself, and is not damaged
            pass
        fault = database.check()
        if fault:
            raise DatabaseDamaged(fault, hint=_DAMAGED_HINT)
        with database.read() as transaction:
            versions = schema_versions(transaction)
            has_backups = any(item.room == "app" for item in versions)
            backed_up = _last_backup(transaction) if has_backups else "never"
        tables = ", ".join(f"{item.room} {item.last}" for item in versions) or "no tables"
        return f"{database.where}, {tables}, last backup {backed_up}"


def _last_backup(transaction: Transaction) -> str:
    from athena.domain import format_time

    ((at_ns,),) = transaction.query(_LAST_BACKUP)
    return "never" if at_ns is None else format_time(int(at_ns))
