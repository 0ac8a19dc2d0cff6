"""Parquet bars through polars (extra `data`), read one column at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import InputError, MissingExtra
from athena.market._table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def parquet_table(path: Path) -> Table:
    """Open a Parquet file.

    Raises:
        MissingExtra: polars is not installed.
        InputError: not a Parquet file, or truncated.
    """
    try:
        import polars as pl
    except ImportError as error:
        needed_for = f"reading {path}"
        raise MissingExtra(extra="data", package="polars", needed_for=needed_for) from error
    # Damage inside a page makes polars panic instead of raising one of its own errors.
    unreadable = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
    try:
        names = tuple(pl.read_parquet_schema(path))
    except unreadable as error:
        message = f"expected a Parquet file, was {path}: {error}"
        raise InputError(message) from error

    def read(name: str) -> NDArray[Any]:
        try:
            column = pl.read_parquet(path, columns=[name], use_pyarrow=False).to_series()
        except unreadable as error:
            message = f"expected column {name} in {path}, could not be read: {error}"
            raise InputError(message) from error
        return _to_numpy(column, f"{path}, column {name}")

    return Table(str(path), names, 1, read)


def _to_numpy(column: Any, where: str) -> NDArray[Any]:  # noqa: ANN401 (polars stays inside)
    import polars as pl

    empty = column.is_null()
    if empty.any():
        row = int(empty.arg_true()[0]) + 1
        message = f"expected a value in {where}, row {row}, was empty"
        raise InputError(message)
    if column.dtype == pl.Date:
        column = column.cast(pl.Datetime("ns"))
    if column.dtype == pl.Datetime:
        # Both an aware and a naive column are stored as UTC: naive means UTC here.
        nanoseconds: NDArray[Any] = column.dt.epoch("ns").to_numpy()
        return nanoseconds.view("datetime64[ns]")
    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        return np.array([str(text).encode() for text in column.to_list()])
    if column.dtype.is_numeric() and not column.dtype.is_decimal():
        numbers: NDArray[Any] = column.to_numpy()
        return numbers
    if column.dtype.is_decimal():
        decimals: NDArray[Any] = column.cast(pl.Float64).to_numpy()
        return decimals
    message = f"expected numbers, times or text in {where}, was {column.dtype}"
    raise InputError(message)
