"""Columns of a market in files that every worker maps: read-only, and one copy for all."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np

from athena.platform import ensure_folder, staged_folder, storage_errors
from athena.research.engine import Columns

if TYPE_CHECKING:
    from pathlib import Path

_MOST_KEPT = 4


def write_columns(columns: Columns, cache_folder: Path) -> Path:
    """Write columns once, under a name made of their content; the newest four are kept.

    Args:
        columns: of a market.
        cache_folder: the home's cache.

    Returns:
        The folder, for `map_columns`.

    Raises:
        InputError: the cache cannot be written.
        MissingError: the disk is full.
    """
    shelf = ensure_folder(cache_folder / "columns")
    folder = shelf / _digest(columns)
    if not folder.exists():
        with staged_folder(folder) as staged:
            for name, column in columns._asdict().items():
                np.save(staged / f"{name}.npy", column, allow_pickle=False)
    with storage_errors(shelf):
        os.utime(folder)
        # A mapped file that is removed stays with those who have mapped it.
        by_age = sorted(shelf.iterdir(), key=lambda item: item.stat().st_mtime_ns, reverse=True)
        for old in by_age[_MOST_KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def map_columns(folder: Path) -> Columns:
    """Map columns that `write_columns` wrote; nothing is read until it is looked at.

    Raises:
        InputError: the files are not there.
    """
    with storage_errors(folder):
        return Columns(*(_mapped(folder / f"{name}.npy") for name in Columns._fields))


def _mapped(path: Path) -> np.ndarray:
    # A plain array over the mapping: the compiler knows no other, and it is read-only as well.
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _digest(columns: Columns) -> str:
    sha256 = hashlib.sha256()
    for column in columns:
        sha256.update(str(column.shape).encode())
        sha256.update(np.ascontiguousarray(column).data)
    return sha256.hexdigest()[:16]
