"""What tables there are: the one thing that each database tells in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from athena.platform.database._protocol import Dialect, Transaction

# In the order of their creation, so that a table comes after those that it points to.
_TABLES: dict[Dialect, str] = {
    "sqlite": (
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' "
        "ORDER BY rowid"
    ),
    "postgresql": (
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind = 'r' AND n.nspname = current_schema() ORDER BY c.oid"
    ),
}
_COLUMNS: dict[Dialect, str] = {
    "sqlite": "SELECT name FROM pragma_table_info(:table) ORDER BY cid",
    "postgresql": (
        "SELECT column_name FROM information_schema.columns WHERE table_name = :table "
        "AND table_schema = current_schema() ORDER BY ordinal_position"
    ),
}


def list_tables(transaction: Transaction) -> list[str]:
    """List the tables, oldest first."""
    return [str(name) for (name,) in transaction.query(_TABLES[transaction.dialect])]


def list_columns(transaction: Transaction, table: str) -> list[str]:
    """List the columns of a table in their order."""
    rows = transaction.query(_COLUMNS[transaction.dialect], {"table": table})
    return [str(name) for (name,) in rows]


def quote_name(name: str) -> str:
    """Return a name as SQL writes it."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
