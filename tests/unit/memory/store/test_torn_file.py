"""A database file that was torn is refused in words, and a sound one is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athena.errors import DatabaseDamaged
from athena.memory import Note, Question
from tests.memory_builder import prepared, remembering

if TYPE_CHECKING:
    from pathlib import Path


def test_a_torn_database_is_refused_in_words(tmp_path: Path) -> None:
    database = prepared("sqlite:///memory.db", tmp_path)
    remembering(database).add_many([Note(f"note number {k} of many") for k in range(2_000)])
    database.close()
    file = tmp_path / "memory.db"
    whole = file.read_bytes()

    file.write_bytes(whole)
    database = prepared("sqlite:///memory.db", tmp_path)
    assert remembering(database).retrieve(Question("number")).hits
    database.close()

    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + b"\xff" * 65_536 + whole[middle + 65_536 :])
    database = prepared("sqlite:///memory.db", tmp_path)
    with pytest.raises(DatabaseDamaged) as caught:
        remembering(database)
    assert "athena restore" in caught.value.hint
    database.close()
