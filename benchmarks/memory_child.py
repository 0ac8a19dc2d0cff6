"""Measure a memory in this process and print one JSON object; see `bench_memory.py`."""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.memory import Memory, Note, Question, Ranking
from athena.memory.store import TABLES
from athena.platform import VirtualClock
from athena.platform.database import migrate, open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

N_DIMS = 384
N_WORDS = 20
VOCABULARY = 20_000
BATCH = 1_000
REPEATS = 30
QUERIES = 20
NOW_NS = 1_700_000_000_000_000_000
VECTORS_ALONE = Ranking(word_weight=0.0, vector_weight=1.0, neighbour_share=0.0)


class RandomVectors:
    """Hand out random unit vectors, drawn beforehand: embedding is not what is measured."""

    name = "random-384"
    n_dims = N_DIMS
    weight = 0.5

    def __init__(self, n: int) -> None:
        drawn = np.random.default_rng(42).standard_normal((n, N_DIMS)).astype(np.float32)
        self.vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        self._n_given = 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        first = self._n_given % len(self.vectors)
        self._n_given += len(texts)
        return self.vectors[first : first + len(texts)]


def best_ms(act: Callable[[], Any]) -> float:
    """Return the CPU milliseconds of the quickest of many calls."""
    spent = []
    for _ in range(REPEATS):
        began_s = time.process_time()
        act()
        spent.append(time.process_time() - began_s)
    return 1_000 * min(spent)


def measure(n: int, home: Path) -> dict[str, float]:
    draw = random.Random(42)  # noqa: S311 - texts for a benchmark
    vectors, clock = RandomVectors(n), VirtualClock(NOW_NS)
    database = open_database("sqlite:///memory.db", home)
    migrate(database, {"memory": TABLES}, now_ns=1, keep_in=home)
    memory = Memory(database, vectors, clock, max_open=n)
    notes = [
        Note(" ".join(f"w{int(draw.paretovariate(0.6)) % VOCABULARY}" for _ in range(N_WORDS)))
        for _ in range(n)
    ]
    began_s = time.process_time()
    n_added = sum(
        item.is_new for k in range(0, n, BATCH) for item in memory.add_many(notes[k : k + BATCH])
    )
    add_s = time.process_time() - began_s
    began_s = time.process_time()
    memory = Memory(database, vectors, clock)
    open_s = time.process_time() - began_s
    as_of_ns = NOW_NS + n  # every entry, by a filter on time
    words = "w7 w80 w900 w1234 w19999"
    table = vectors.vectors.copy()
    shares = []
    for _ in range(QUERIES):
        (query,) = vectors.embed(["next"])
        vectors._n_given -= 1  # the question is embedded once more by the memory
        hits = memory.retrieve(Question("x", 10, as_of_ns, ranking=VECTORS_ALONE)).hits
        exact = np.argsort(-(table @ query))[:10] + 1
        shares.append(len({hit.id for hit in hits} & {f"fact-{k}" for k in exact}) / 10)
    found = {
        "add_rows_per_cpu_s": n_added / add_s,
        "open_cpu_s": open_s,
        "retrieve_cpu_ms": best_ms(lambda: memory.retrieve(Question(words, 10, as_of_ns))),
        "bare_scan_cpu_ms": best_ms(lambda: table @ table[0]),
        "recall": float(np.mean(shares)),
    }
    database.close()
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="athena-memory-") as folder:
        sys.stdout.write(json.dumps(measure(int(sys.argv[1]), Path(folder))))
