"""The file: its settings, and what a damaged, foreign, full or unusable one gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athena.errors import DatabaseDamaged, DatabaseDown, InputError, MissingError
from athena.platform.database import SqlitePlace
from athena.platform.database._sqlite import SqliteDatabase
from tests.database_cases import prepared

if TYPE_CHECKING:
    from pathlib import Path

URL = "sqlite:///test.db"


def opened(folder: Path) -> SqliteDatabase:
    return SqliteDatabase(SqlitePlace(folder / "test.db"))


def fill(folder: Path, n_rows: int = 400) -> None:
    database = prepared(URL, folder)
    with database.write() as transaction:
        for k in range(n_rows):
            values = {"id": f"{k:05d}", "amount": "x" * 200}
            transaction.execute("INSERT INTO books (id, amount) VALUES (:id, :amount)", values)
    database.close()


def test_changes_are_written_ahead_synced_and_keep_their_references(tmp_path: Path) -> None:
    database = opened(tmp_path)
    with database.read() as view:
        settings = [
            view.query(f"PRAGMA {name}")[0][0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert settings == ["wal", 2, 1]
    database.close()


def test_a_file_that_was_deleted_or_replaced_under_it_is_not_written_to(tmp_path: Path) -> None:
    """Nobody would ever see it: a connection keeps a file that has no name any more."""
    fill(tmp_path)
    database = opened(tmp_path)
    with database.read() as view:
        assert view.query("SELECT count(*) FROM books") == [(400,)]
    (tmp_path / "test.db").unlink()
    with pytest.raises(DatabaseDown, match="deleted or replaced"), database.write():
        pass
    (tmp_path / "test.db").touch()
    with pytest.raises(DatabaseDown, match="deleted or replaced"), database.read():
        pass
    database.close()
    again = opened(tmp_path)
    with again.read() as view:
        assert view.query("SELECT 1") == [(1,)]
    again.close()


def test_a_closed_database_is_one_file(tmp_path: Path) -> None:
    fill(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test.db"]


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "test.db").write_bytes(b"something else entirely, and long enough to be read")
    with pytest.raises(DatabaseDamaged, match=r"test\.db") as caught:
        opened(tmp_path)
    assert "athena restore" in caught.value.hint


def test_a_damaged_page_is_found_and_a_sound_twin_is_not_accused(tmp_path: Path) -> None:
    fill(tmp_path)
    sound = opened(tmp_path)
    assert sound.check() == ""
    sound.close()
    file = tmp_path / "test.db"
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xa5" * 4096
    file.write_bytes(bytes(content))
    damaged = opened(tmp_path)
    assert damaged.check() != ""
    damaged.close()


def test_a_row_that_points_nowhere_is_found(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    database = opened(tmp_path)
    database._connection.execute("PRAGMA foreign_keys = OFF")
    with database.write() as transaction:
        transaction.execute("INSERT INTO notes (id, book) VALUES ('x', 'nowhere')")
    assert database.check() == "1 rows point to rows that are not there"
    database.close()


def test_a_full_disk_is_a_missing_error_undoes_the_write_and_passes(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    database = opened(tmp_path)
    # SQLite answers a limit on its pages as it answers a full disk.
    ((n_pages,),) = database._connection.execute("PRAGMA page_count").fetchall()
    database._connection.execute(f"PRAGMA max_page_count = {n_pages}")

    def write_much() -> None:
        with database.write() as transaction:
            transaction.execute("DELETE FROM books")
            values = {"id": "big", "amount": "x" * 100_000}
            transaction.execute("INSERT INTO books (id, amount) VALUES (:id, :amount)", values)

    with pytest.raises(MissingError, match="full disk"):
        write_much()
    database._connection.execute("PRAGMA max_page_count = 100000")
    with database.write() as transaction:
        assert transaction.query("SELECT id FROM books") == [("00000",)]
    database.close()


def test_a_folder_in_the_place_of_the_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "test.db").mkdir()
    with pytest.raises(InputError, match=r"test\.db"):
        opened(tmp_path)
