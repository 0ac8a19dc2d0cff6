"""What tests of the memory share, and what their child processes run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from athena.memory import TABLES, HashedEmbedder, Memory, Note
from athena.platform import SystemClock, VirtualClock
from athena.platform.database import migrate, open_database

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from athena.memory import Embedder
    from athena.platform import Clock
    from athena.platform.database import Database

NOW_NS = 1_700_000_000_000_000_000


class SmallEmbedder:
    """Count letters: small vectors for tests."""

    name = "letters-26"
    n_dims = 26
    weight = 0.5

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.n_dims), dtype=np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                if "a" <= letter <= "z":
                    vectors[row, ord(letter) - ord("a")] += 1
        return vectors


def prepared(url: str, home: Path) -> Database:
    """Open a database with the memory's tables."""
    database = open_database(url, home, environment={})
    migrate(database, {"memory": TABLES}, now_ns=1, keep_in=home / "kept")
    return database


def remembering(
    database: Database,
    *,
    embedder: Embedder | None = None,
    clock: Clock | None = None,
    needs_as_of: bool = False,
    max_open: int = 100_000,
) -> Memory:
    """Open the memory of a database."""
    return Memory(
        database,
        embedder or SmallEmbedder(),
        clock or VirtualClock(NOW_NS),
        needs_as_of=needs_as_of,
        max_open=max_open,
    )


def write_for_ever(url: str, home: Path, name: str) -> None:
    """Add entries one after the other, and tell the id of each once it is kept."""
    memory = Memory(prepared(url, home), HashedEmbedder(), SystemClock())
    number = 0
    while True:
        number += 1
        added = memory.add(Note(f"note {number} of the writer {name}"))
        sys.stdout.write(f"{added.id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    address, folder, who = sys.argv[1:4]
    write_for_ever(address, Path(folder), who)
