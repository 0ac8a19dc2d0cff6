"""Where bundles lie: `HOME/artifacts/NAME/` holds a record and one folder a version."""

from __future__ import annotations

import os
import re
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from athena.errors import InputError, RefusedError
from athena.platform._home import home_folder
from athena.platform._storage import (
    atomic_write_text,
    ensure_folder,
    storage_error,
    storage_errors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARTIFACTS_FOLDER: Literal["artifacts"] = "artifacts"
_LOCK_NAME = "lock"
_HOLDER_NAME = "holder"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_LOCK_TIMEOUT_S = 30.0
_RETRY_S = 0.1


def bundle_folder(home: Path, name: str) -> Path:
    """Return the folder of a bundle's versions; nothing is created.

    Raises:
        InputError: the name is not plain, so that it could lead elsewhere.
        RefusedError: the folder is a link.
    """
    if not _NAME.fullmatch(name):
        message = f"expected lowercase letters, digits, '.', '_' and '-' as bundle, was {name!r}"
        raise InputError(message, hint="athena artifacts list")
    folder = home / ARTIFACTS_FOLDER / name
    if folder.is_symlink():
        message = f"expected a folder of this home, was a link: {folder}"
        raise RefusedError(message, hint="remove the link")
    return folder


def bundle_names(home: Path) -> list[str]:
    """List the names that something was published under, sorted; links are left in, to be refused.

    Raises:
        InputError: the folder cannot be read.
    """
    folder = home / ARTIFACTS_FOLDER
    with storage_errors(folder):
        if not folder.is_dir():
            return []
        return sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name))


@contextmanager
def locked_bundle(home: Path, name: str, *, timeout_s: float = _LOCK_TIMEOUT_S) -> Iterator[Path]:
    """Hold the lock of a bundle's record between processes; yield the bundle's folder.

    The lock is the system's: it goes with its process, however that ends. Readers need none.

    Raises:
        InputError: the home cannot be written.
        RefusedError: another process held it for the whole time; the message names it.
    """
    from filelock import FileLock, Timeout

    home_folder(home, ARTIFACTS_FOLDER)
    folder = ensure_folder(bundle_folder(home, name))
    path, holder = folder / _LOCK_NAME, folder / _HOLDER_NAME
    lock = FileLock(path)
    try:
        lock.acquire(timeout=timeout_s, poll_interval=_RETRY_S)
    except Timeout:
        message = f"expected to lock {path} within {timeout_s:g} s, was held by {_read(holder)}"
        raise RefusedError(message, hint="wait for the other athena to end, or stop it") from None
    except OSError as error:
        raise storage_error(error, path) from error
    try:
        atomic_write_text(holder, f"process {os.getpid()} on {socket.gethostname()}")
        yield folder
    finally:
        lock.release()


def _read(holder: Path) -> str:
    with storage_errors(holder):
        return holder.read_text("utf-8") if holder.is_file() else "a process that just began"
