"""A run is the fold of its journal: under any hash seed, compiled or not (A05, TR-05, I9)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from athena.research import FileStore, compiler_for, replay_run
from athena.trading import digest_of, pack_snapshot
from tests import journal_builder as build
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_RUN = """
import sys
from pathlib import Path
from athena.research import FileStore, replay_run
from tests import journal_builder as build

store = FileStore(Path(sys.argv[1]))
run = build.start(build.random_columns(200, 7), store, is_open=False, segment_bytes=1 << 14)
build.trade(run, 0, 200, snapshots={50, 150})
build.finish(run)
tables, report = replay_run(FileStore(Path(sys.argv[1])), run.columns)
print(report.digest)
"""


def _run_in_a_process(folder: Path, hash_seed: int) -> tuple[str, dict[str, str]]:
    """Run, replay, and return the digest and the SHA-256 of each file."""
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(  # noqa: S603 - this interpreter on a text of this file
        [sys.executable, "-c", _RUN, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }
    return done.stdout.strip(), files


def test_two_processes_with_different_hash_seeds_write_byte_equal_journals(tmp_path: Path) -> None:
    """A05: PYTHONHASHSEED 0 and 9; and each replays to the digest it was given."""
    first, first_files = _run_in_a_process(tmp_path / "0", 0)
    second, second_files = _run_in_a_process(tmp_path / "9", 9)
    assert first_files == second_files
    assert len(first_files) >= 2
    assert first == second
    assert len(first) == 16


def test_the_compiled_core_replays_what_cpython_ran(compiler_cache: Path) -> None:
    """TR-34, TR-05: the same digest, word for word the same records, the same tables."""
    pytest.importorskip("numba")
    compiler = compiler_for(compiler_cache, None)
    for is_open in (True, False):
        run = build.finished_run(300, is_open=is_open, snapshots={100})
        tables, report = replay_run(run.store, run.columns, compiler=compiler)
        assert report.is_final
        assert report.digest == digest_of(run.tables.arrays)
        assert pack_snapshot(tables) == pack_snapshot(run.tables)
        _, part = replay_run(run.store, run.columns, compiler=compiler, from_snapshot=True)
        assert part.digest == report.digest
        assert 0 < part.n_words < report.n_words


def test_a_journal_in_files_replays_like_one_in_memory(tmp_path: Path) -> None:
    """I9."""
    memory = build.finished_run(150)
    files = build.start(build.random_columns(150, 7), FileStore(tmp_path / "journal"))
    build.trade(files, 0, 150)
    build.finish(files)
    _, report = replay_run(FileStore(tmp_path / "journal"), files.columns)
    assert report.digest == digest_of(memory.tables.arrays)
    for number in memory.store.segments():
        assert memory.store.read(number) == files.store.read(number)
