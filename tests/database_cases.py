"""What tests of databases share, and what their child processes run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from athena.platform.database import Migration, migrate, open_database

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.platform.database import Database

BOOKS = Migration(
    "0001-books",
    (
        "CREATE TABLE books (id TEXT PRIMARY KEY, amount TEXT, n BIGINT, proof BLOB)",
        "CREATE TABLE notes (id TEXT PRIMARY KEY, book TEXT NOT NULL REFERENCES books (id))",
    ),
    (
        "CREATE TABLE books (id TEXT PRIMARY KEY, amount TEXT, n BIGINT, proof BYTEA)",
        "CREATE TABLE notes (id TEXT PRIMARY KEY, book TEXT NOT NULL REFERENCES books (id))",
    ),
)
COUNTER = Migration(
    "0002-counter",
    ("CREATE TABLE counter (n BIGINT NOT NULL)", "INSERT INTO counter (n) VALUES (0)"),
)
ROOMS: Mapping[str, Sequence[Migration]] = {"shop": (BOOKS, COUNTER)}


def prepared(url: str, home: Path) -> Database:
    """Open a database and bring its tables up to date."""
    database = open_database(url, home, environment={})
    migrate(database, ROOMS, now_ns=1, keep_in=home / "kept")
    return database


def count_up(url: str, home: Path, times: int) -> None:
    """Read and then write, many times: lost updates would show."""
    database = prepared(url, home)
    for _ in range(times):
        with database.write() as transaction:
            ((n,),) = transaction.query("SELECT n FROM counter")
            transaction.execute("UPDATE counter SET n = :n", {"n": int(n or 0) + 1})
    database.close()


def stand_still(url: str, home: Path) -> None:
    """Write half of something, say so, and wait to be killed."""
    with prepared(url, home).write() as transaction:
        transaction.execute("UPDATE counter SET n = 99")
        transaction.execute("INSERT INTO books (id) VALUES ('half')")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    what, address, folder = sys.argv[1:4]
    if what == "count":
        count_up(address, Path(folder), int(sys.argv[4]))
    else:
        stand_still(address, Path(folder))
