"""NPZ bars: one array per column, read one member at a time."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import InputError
from athena.market._table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# What a cut or foreign file makes numpy raise; ValueError also stands for a refused pickle.
_UNREADABLE = (
    ValueError,
    EOFError,
    OSError,
    KeyError,
    RuntimeError,  # an encrypted member, or a zip version that does not exist
    zipfile.BadZipFile,
    zlib.error,
)


def npz_table(path: Path) -> Table:
    """Open an NPZ file; arrays must be one-dimensional and of one length.

    Raises:
        InputError: not an NPZ file, truncated, or holding Python objects.
    """
    # The file is opened here: on a broken archive numpy would leave its own open.
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            names = tuple(archive.files)
    except (*_UNREADABLE, AttributeError, TypeError) as error:
        # A bare .npy array has no `files` and is no context manager.
        message = f"expected an NPZ file with one array per column, was {path}: {error}"
        raise InputError(message) from error

    def read(name: str) -> NDArray[Any]:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                column: NDArray[Any] = archive[name]
        except _UNREADABLE as error:
            message = f"expected array {name} in {path}, could not be read: {error}"
            raise InputError(message) from error
        if column.ndim != 1:
            message = f"expected array {name} in {path} of shape (T,), was {column.shape}"
            raise InputError(message)
        return column

    return Table(str(path), names, 1, read)
