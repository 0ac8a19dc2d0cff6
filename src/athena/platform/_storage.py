"""Write to disk all or nothing: a reader sees the old content or the new, never a half."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from athena.errors import AthenaError, InputError, MissingError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def storage_error(error: OSError, path: Path) -> AthenaError:
    """Turn an operating-system error about a path into one that says what to do."""
    if error.errno in _FULL:
        return MissingError(
            f"expected room to write {path}, was a full disk",
            hint="free some space, or choose another place with --home DIR",
        )
    if error.errno in _FORBIDDEN:
        return InputError(
            f"expected to be allowed to use {path}, was: {error.strerror}",
            hint="change its permissions, or choose another place with --home DIR",
        )
    return InputError(f"expected a usable path, was {path}: {error.strerror}")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn every `OSError` of the block into the error that `storage_error` makes of it."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


def ensure_folder(path: Path) -> Path:
    """Create a folder, its parents included, and return it.

    Raises:
        InputError: it cannot be created or written; the message names it.
        MissingError: the disk is full.
    """
    with storage_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK | os.X_OK):
        message = f"expected a writable folder, was {path}"
        raise InputError(
            message, hint="change its permissions, or choose another place with --home DIR"
        )
    return path


def sync_file(descriptor: int) -> None:
    """Wait until a file's content has reached the disk."""
    if sys.platform == "darwin":
        # On macOS fsync stops at the drive's cache; only this command goes through it.
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)


def sync_folder(path: Path) -> None:
    """Wait until a folder's entries (creations, renames) have reached the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Replace a file's content durably; on any failure the old content stays (F19).

    Raises:
        InputError: the path cannot be written.
        MissingError: the disk is full.
    """
    temporary = _hidden_sibling(path)
    with storage_errors(path):
        try:
            _write_new(temporary, data)
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def atomic_write_text(path: Path, text: str) -> None:
    """Replace a text file's content durably, as UTF-8; see `atomic_write_bytes`."""
    atomic_write_bytes(path, text.encode())


@contextmanager
def staged_file(final: Path) -> Iterator[BinaryIO]:
    """Offer an empty file to write; it replaces `final`, durably, when the block ends well.

    When the block raises, it is removed and `final` is untouched. A process that is killed leaves
    it beside `final`, under a name that starts with a dot.

    Raises:
        InputError: `final` cannot be written.
        MissingError: the disk is full.
    """
    temporary = _hidden_sibling(final)
    ensure_folder(final.parent)
    with storage_errors(final):
        try:
            with temporary.open("x+b") as file:
                yield file
                file.flush()
                sync_file(file.fileno())
            temporary.replace(final)
            sync_folder(final.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def staged_folder(final: Path, *, replace: bool = False) -> Iterator[Path]:
    """Offer an empty folder to fill; publish it as `final` when the block ends well.

    When the block raises, the folder is removed and `final` is untouched.

    Raises:
        InputError: `final` exists and `replace` is False, or cannot be written.
        MissingError: the disk is full.
    """
    temporary = _hidden_sibling(final)
    ensure_folder(final.parent)
    with storage_errors(final):
        try:
            temporary.mkdir()
            yield temporary
            publish_folder(temporary, final, replace=replace)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def publish_folder(temporary: Path, final: Path, *, replace: bool = False) -> None:
    """Rename a finished folder to its public name; both must share one parent.

    With `replace`, the old folder is moved aside first and removed last. A crash exactly between
    the two renames leaves the old folder beside, under a name that starts with a dot.

    Raises:
        InputError: `final` exists and `replace` is False.
    """
    if final.exists() and not replace:
        message = f"expected a new name, was {final}, which exists"
        raise InputError(message, hint="choose another name, or remove the old one first")
    with storage_errors(final):
        for file in sorted(temporary.rglob("*")):
            _sync_path(file)
        if final.exists():
            _swap_folders(temporary, final)
        else:
            temporary.rename(final)
        sync_folder(final.parent)


@contextmanager
def file_lock(path: Path, *, timeout_s: float = 10.0) -> Iterator[None]:
    """Hold an exclusive lock between processes while the block runs.

    Args:
        path: the lock file; it is created and stays.
        timeout_s: how long to wait for another holder, >= 0.

    Raises:
        RefusedError: another process still holds it.
    """
    from filelock import FileLock, Timeout

    ensure_folder(path.parent)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=timeout_s)
    except Timeout:
        message = f"expected to lock {path} within {timeout_s:g} s, was held by another process"
        raise RefusedError(message, hint="wait for the other athena to end, or stop it") from None
    except OSError as error:
        raise storage_error(error, path) from error
    try:
        yield
    finally:
        lock.release()


def _hidden_sibling(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        sync_file(file.fileno())


def _sync_path(path: Path) -> None:
    if path.is_dir():
        sync_folder(path)
        return
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _swap_folders(temporary: Path, final: Path) -> None:
    aside = _hidden_sibling(final)
    final.rename(aside)
    try:
        temporary.rename(final)
    except OSError:
        aside.rename(final)
        raise
    shutil.rmtree(aside)
