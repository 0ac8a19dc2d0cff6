"""Open the database that an address names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from athena.platform.database._url import SqlitePlace, parse_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from athena.platform.database._protocol import Database

DATABASE_NAME = "athena.db"
_PASSWORD_VARIABLE = "PGPASSWORD"  # noqa: S105 - the name of a variable, known to every client


def database_url(configured: str) -> str:
    """Return the address of the home's database: `database.url`, else SQLite in the home."""
    return configured or f"sqlite:///{DATABASE_NAME}"


def open_database(
    url: str, home: Path, *, environment: Mapping[str, str] = os.environ
) -> Database:
    """Open a database; SQLite creates the file, PostgreSQL connects at the first transaction.

    Args:
        url: see `parse_url`.
        home: data home, for relative SQLite paths.
        environment: `PGPASSWORD` is used when the address has no password.

    Raises:
        ConfigError: the address is not valid.
        MissingExtra: PostgreSQL is asked for and its driver is not installed.
        InputError: the file cannot be used; DatabaseDamaged when it is no database.
    """
    place = parse_url(url, home, password=environment.get(_PASSWORD_VARIABLE, ""))
    if isinstance(place, SqlitePlace):
        from athena.platform.database._sqlite import SqliteDatabase

        return SqliteDatabase(place)
    from athena.platform.database._postgres import PostgresDatabase

    return PostgresDatabase(place)
