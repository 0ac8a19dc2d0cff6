"""Files and folders appear whole or not at all (F19)."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from athena.errors import AthenaError, InputError, MissingError, RefusedError
from athena.platform import _storage as storage
from athena.platform import (
    atomic_write_bytes,
    atomic_write_text,
    ensure_folder,
    file_lock,
    publish_folder,
    staged_folder,
    storage_errors,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOLDER = """
import pathlib, sys
from athena.platform import file_lock
with file_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _failing(code: int) -> Callable[[int], None]:
    def fail(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_a_written_file_holds_the_content_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    atomic_write_text(file, "old")
    atomic_write_text(file, "né")
    assert file.read_bytes() == "né".encode()
    assert _names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, MissingError),
        (errno.EDQUOT, MissingError),
        (errno.EROFS, InputError),
        (errno.EACCES, InputError),
        (errno.EIO, InputError),
    ],
)
def test_a_failed_write_keeps_the_old_content_and_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[AthenaError]
) -> None:
    file = tmp_path / "a.bin"
    atomic_write_bytes(file, b"old")
    monkeypatch.setattr(storage, "sync_file", _failing(code))
    with pytest.raises(kind, match=r"a\.bin") as caught:
        atomic_write_bytes(file, b"new")
    assert type(caught.value) is kind
    assert file.read_bytes() == b"old"
    assert _names(tmp_path) == ["a.bin"]


def test_a_write_into_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        atomic_write_bytes(tmp_path / "nowhere" / "a", b"")


def test_a_staged_folder_is_invisible_until_it_is_finished(tmp_path: Path) -> None:
    final = tmp_path / "runs" / "one"
    with staged_folder(final) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "data").write_bytes(b"1")
        assert not final.exists()
    assert (final / "inner" / "data").read_bytes() == b"1"
    assert _names(final.parent) == ["one"]


def test_a_staged_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fill() -> None:
        with staged_folder(tmp_path / "one") as folder:
            (folder / "data").write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fill()
    assert _names(tmp_path) == []


def test_a_full_disk_while_staging_is_a_missing_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="full disk"), staged_folder(tmp_path / "one"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert _names(tmp_path) == []


def test_an_existing_folder_is_replaced_only_when_asked(tmp_path: Path) -> None:
    final = tmp_path / "one"
    with staged_folder(final) as folder:
        (folder / "old").touch()
    with pytest.raises(InputError, match="exists"), staged_folder(final):
        pass
    assert _names(final) == ["old"]
    with staged_folder(final, replace=True) as folder:
        (folder / "new").touch()
    assert _names(final) == ["new"]
    assert _names(tmp_path) == ["one"]


def test_a_failed_replacement_puts_the_old_folder_back(tmp_path: Path) -> None:
    final = tmp_path / "one"
    final.mkdir()
    (final / "old").touch()
    with pytest.raises(InputError):
        publish_folder(tmp_path / "absent", final, replace=True)
    assert _names(final) == ["old"]


def test_a_folder_is_created_with_its_parents(tmp_path: Path) -> None:
    assert ensure_folder(tmp_path / "a" / "b").is_dir()


def test_a_file_in_the_place_of_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(InputError, match=str(tmp_path / "a")):
        ensure_folder(tmp_path / "a" / "b")


def test_a_folder_that_cannot_be_written_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write anywhere, so the answer of the system is stood in for.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match=f"writable folder, was {tmp_path}"):
        ensure_folder(tmp_path)


def test_other_errors_pass_unchanged(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), storage_errors(tmp_path):
        _ = 1 // 0


def test_a_lock_held_by_another_process_is_refused_and_free_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "account.lock"
    # Holds the lock from the moment it says so until its input is closed.
    holder = subprocess.Popen(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RefusedError, match=r"account\.lock"), file_lock(path, timeout_s=0):
            pass
        assert holder.stdin is not None
        holder.stdin.close()
    assert holder.returncode == 0
    with file_lock(path, timeout_s=0):
        pass
