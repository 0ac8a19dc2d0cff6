"""Publishing survives `kill -9` at any line, many writers, a full disk and a read-only home.

A reader finds the old model or the new one, whole.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from athena.errors import AthenaError, InputError, MissingError, RefusedError
from athena.platform import _storage as storage
from athena.platform.artifacts import (
    Bundle,
    BundleKind,
    Status,
    load_bundle,
    promote_bundle,
    read_record,
    verify_bundles,
)
from athena.platform.artifacts import _publish as publishing
from athena.platform.artifacts._place import locked_bundle
from tests.artifact_builder import NAME, NOW_NS, pass_shadow, publish, serve
from tests.conftest import IS_FULL, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

N_KILLS = 1_000 if IS_FULL else 50
N_WRITERS, N_WRITES = (10, 100) if IS_FULL else (3, 4)
OWN_FILES = {"record", "lock", "holder"}


def load(home: Path) -> Bundle:
    return load_bundle(home, NAME, kind=BundleKind.FORECASTER)


def assert_whole(home: Path) -> None:
    """What serves agrees with itself, and so does every version."""
    bundle = load(home)
    assert (bundle.weights["w"] == bundle.card.metrics["value"]).all()
    assert [item.reason for item in verify_bundles(home) if item.status is None] == []


def leftovers(home: Path) -> set[str]:
    kept = {version.id for version in read_record(home, NAME).versions}
    return {path.name for path in (home / "artifacts" / NAME).iterdir()} - kept - OWN_FILES


@pytest.fixture
def killer(home: Path) -> Iterator[Callable[[int], str]]:
    """Start the process that dies where it is told, and is forked anew each time."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "tests.artifact_killer", str(home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    def run(last_line: int) -> str:
        stdin.write(f"{last_line}\n")
        stdin.flush()
        return stdout.readline().strip()

    yield run
    stdin.close()
    assert process.wait(60) == 0
    stdout.close()


@pytest.mark.slow
def test_a_kill_at_any_line_leaves_the_old_model_or_the_new_one(
    home: Path, killer: Callable[[int], str]
) -> None:
    """P0-3, FC-48: never neither, the lock released, and the next publication works."""
    serve(home, 0.5)
    word, _, lines = killer(0).partition(" ")
    assert word == "whole"
    n_lines = int(lines)
    assert load(home).card.metrics["value"] == 1.0
    n_died, served = 0, set()
    for attempt in range(2, N_KILLS + 2):
        before = load(home).card.metrics["value"]
        n_died += killer(1 + (attempt - 2) * n_lines // N_KILLS) == "killed"
        assert_whole(home)
        after = load(home).card.metrics["value"]
        assert after in {before, float(attempt)}
        served.add(after)
    assert n_died == N_KILLS
    assert len(served) < N_KILLS // 2  # most kills come before the last swap
    assert killer(0).startswith("whole")
    assert load(home).card.metrics["value"] == N_KILLS + 2
    assert leftovers(home) == set()


def _write(home: Path, writer: int) -> None:
    for k in range(N_WRITES):
        # Unequal times, so that no two bundles have the same manifest.
        value = float(1 + writer * N_WRITES + k)
        version = publish(home, value, at_ns=NOW_NS + 1 + int(value))
        try:
            promote_bundle(home, NAME, to=Status.SHADOW, version=version, now_ns=NOW_NS)
            pass_shadow(home, version)
            promote_bundle(home, NAME, to=Status.PROMOTED, version=version, now_ns=NOW_NS)
        except RefusedError:
            continue  # another writer took its place in the shadow meanwhile
        except MissingError:
            continue  # it became one of too many old versions


@pytest.mark.slow
def test_many_writers_and_promoters_never_show_a_reader_half_a_model(home: Path) -> None:
    """P0-3: with a checksum reader beside them."""
    serve(home, 0.5)
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(home, k)) for k in range(N_WRITERS)]
    for writer in writers:
        writer.start()
    n_reads = 0
    while any(writer.is_alive() for writer in writers):
        bundle = load(home)
        assert (bundle.weights["w"] == bundle.card.metrics["value"]).all()
        n_reads += 1
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * N_WRITERS
    assert n_reads > N_WRITERS
    assert_whole(home)
    assert leftovers(home) == set()
    record = read_record(home, NAME)
    n_published = sum(move.before is None for move in record.history) + record.n_forgotten
    assert n_published >= 1 + N_WRITERS * N_WRITES
    standing = [version.status for version in record.versions]
    assert standing.count(Status.PROMOTED) == 1
    assert standing.count(Status.SHADOW) <= 1


def _hold(home: Path, is_held: Any, stop: Any) -> None:
    with locked_bundle(home, NAME):
        is_held.set()
        stop.wait(30)


def test_a_lock_that_is_held_names_path_and_holder_and_dies_with_its_process(home: Path) -> None:
    """P0-3."""
    serve(home)
    spawn = multiprocessing.get_context("spawn")
    is_held, stop = spawn.Event(), spawn.Event()
    holder = spawn.Process(target=_hold, args=(home, is_held, stop))
    holder.start()
    assert is_held.wait(30)
    expected = f"{NAME}/lock within 0.2 s, was held by process {holder.pid} on "
    with pytest.raises(RefusedError, match=expected), locked_bundle(home, NAME, timeout_s=0.2):
        pass
    assert_whole(home)  # readers wait for nobody
    holder.kill()
    holder.join(30)
    publish(home, 2.0, at_ns=NOW_NS + 1)


def test_errors_of_the_guarded_code_pass_unchanged(home: Path) -> None:
    """P0-3."""
    with pytest.raises(ZeroDivisionError), locked_bundle(home, NAME):
        _ = 1 // 0
    publish(home)


FAILING = [
    (Path, "mkdir"), (Path, "write_bytes"), (Path, "rename"), (Path, "replace"),
    (storage, "sync_file"), (storage, "sync_folder"), (os, "fsync"),
]  # fmt: skip


@pytest.mark.parametrize(("owner", "name"), FAILING, ids=[name for _, name in FAILING])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_at_any_call_keeps_the_old_model_and_no_litter(
    home: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, code: int
) -> None:
    """P0-6: the nth call fails, for every n until none is left to fail."""
    serve(home, 0.5)
    real = getattr(owner, name)
    n_failed = 0
    for last in range(1, 30):
        n_calls = 0

        def fail(*arguments: Any, at: int = last, **options: Any) -> Any:
            nonlocal n_calls
            n_calls += 1
            if n_calls == at:
                raise OSError(code, os.strerror(code))
            return real(*arguments, **options)

        before = {version.id for version in read_record(home, NAME).versions}
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fail)
            try:
                publish(home, float(last), at_ns=NOW_NS + last)
            except AthenaError as error:
                n_failed += 1
                kind = MissingError if code == errno.ENOSPC else InputError
                assert isinstance(error, kind)  # noqa: PT017 - most calls do not fail
            else:
                break
        assert load(home).card.metrics["value"] == 0.5
        assert leftovers(home) == set()
        after = {version.id for version in read_record(home, NAME).versions}
        # A swap that was made and could not be synced stays made: then it is whole.
        assert len(after - before) <= (name in {"sync_folder", "fsync"})
        assert_whole(home)
    assert n_failed > 0
    publish(home, 99.0, at_ns=NOW_NS + 99)


def test_a_full_disk_is_told_before_anything_is_written_with_the_bytes_needed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P0-6."""
    serve(home)
    usage = type("Usage", (), {"free": 100})
    with monkeypatch.context() as patch:
        patch.setattr(publishing.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(MissingError, match=r"expected \d,\d{3} bytes free to publish"):
            publish(home, 2.0, at_ns=NOW_NS + 1)
    assert leftovers(home) == set()
    publish(home, 2.0, at_ns=NOW_NS + 1)


def test_a_home_that_cannot_be_written_serves_and_publishes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(home)
    # Root may write anywhere, so the answer of the system is stood in for.
    monkeypatch.setattr(os, "access", lambda *_: False)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    assert_whole(home)
    with pytest.raises(InputError, match="writable folder"):
        publish(home, 2.0, at_ns=NOW_NS + 1)
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before
