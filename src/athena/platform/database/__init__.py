"""The database: SQLite in the home, PostgreSQL by configuration, one synchronous protocol.

Who owns tables declares `Migration`s and hands them to `migrate`; everything else is
`open_database` and the `Transaction` that `Database.write` or `Database.read` offers.
"""

from athena.platform.database._dump import load_dump, write_dump
from athena.platform.database._migrations import (
    Migrated,
    SchemaVersion,
    migrate,
    schema_versions,
)
from athena.platform.database._open import DATABASE_NAME, database_url, open_database
from athena.platform.database._protocol import (
    Database,
    Dialect,
    Parameter,
    Row,
    Transaction,
    Value,
)
from athena.platform.database._steps import Migration
from athena.platform.database._url import PostgresPlace, SqlitePlace, has_password, parse_url

__all__ = [
    "DATABASE_NAME",
    "Database",
    "Dialect",
    "Migrated",
    "Migration",
    "Parameter",
    "PostgresPlace",
    "Row",
    "SchemaVersion",
    "SqlitePlace",
    "Transaction",
    "Value",
    "database_url",
    "has_password",
    "load_dump",
    "migrate",
    "open_database",
    "parse_url",
    "schema_versions",
    "write_dump",
]
