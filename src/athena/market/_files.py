"""Open a file of bars, whatever its format."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from athena.errors import InputError
from athena.market._csv import csv_table
from athena.market._npz import npz_table
from athena.market._parquet import parquet_table

if TYPE_CHECKING:
    from pathlib import Path

    from athena.market._table import Table


def open_table(path: Path) -> Table:
    """Open a CSV, NPZ or Parquet file by its suffix.

    Raises:
        InputError: the path is missing, a folder, empty, of another kind, or cannot be read.
        MissingExtra: a Parquet file without the extra `data`.
    """
    _check_is_file(path)
    suffix = path.suffix.lower()
    if suffix in {".csv", ".txt", ".tsv"}:
        return csv_table(_read_bytes(path), str(path))
    if suffix == ".npz":
        return npz_table(path)
    if suffix in {".parquet", ".pq"}:
        return parquet_table(path)
    message = f"expected a .csv, .npz or .parquet file, was {path}"
    raise InputError(message)


def _check_is_file(path: Path) -> None:
    try:
        state = path.stat()
    except FileNotFoundError:
        message = f"expected a file of bars, was {path}, which does not exist"
        raise InputError(
            message, hint="athena data list shows the data sets that are here"
        ) from None
    except OSError as error:
        message = f"expected a readable file, was {path}: {error.strerror}"
        raise InputError(message) from error
    if stat.S_ISDIR(state.st_mode):
        message = f"expected a file of bars, was the folder {path}"
        raise InputError(message)
    if state.st_size == 0:
        message = f"expected bars, was {path}, which is empty"
        raise InputError(message)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"expected a readable file, was {path}: {error.strerror}"
        raise InputError(message) from error
