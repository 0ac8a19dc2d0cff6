"""Times of bars as UTC nanoseconds, from integers, text or time columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import SECOND_NS, parse_time_ns
from athena.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.market._table import Table

_UNIT_NS = {"s": SECOND_NS, "ms": 1_000_000, "us": 1_000, "ns": 1}
# 1990-01-01 and 2100-01-01 in seconds. Counted in two units, no moment of this window falls into
# it twice (the window spans a factor of 6.5, units lie a factor of 1,000 apart): no guessing.
_EARLIEST_S = 631_152_000
_LATEST_S = 4_102_444_800
_ISO = re.compile(rb"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?")
_ISO_WITH_OFFSET = re.compile(_ISO.pattern + rb"(Z|[+-]\d{2}(:?\d{2})?)?")
_UTC_SUFFIXES = (b"Z", b"+00:00", b" UTC")


def times_to_ns(column: NDArray[Any], unit: str, table: Table) -> NDArray[np.int64]:
    """Convert a time column to UTC nanoseconds.

    Args:
        column: (T,) integers or whole floats since 1970, datetime64[ns], or ISO-8601 bytes; a text
            without offset is UTC.
        unit: `s`, `ms`, `us` or `ns` when the column's name states it, else empty: then all values
            must lie in 1990..2100 in one and the same unit.
        table: names the file and its rows in errors.

    Raises:
        InputError: a value is not a time, or the unit is unclear or changes; names the row.
    """
    if column.dtype.kind == "M":
        return _known_times(column.astype("datetime64[ns]"), table)
    if column.dtype.kind in "iuf":
        return _integers_to_ns(_whole(column, table), unit, table)
    if column.dtype.kind == "S":
        return _text_to_ns(column, table)
    if column.dtype.kind == "U":
        return _text_to_ns(np.char.encode(column, "utf-8"), table)
    message = f"expected times as integers or ISO text in {table.label}, was {column.dtype}"
    raise InputError(message)


def _whole(column: NDArray[Any], table: Table) -> NDArray[np.int64]:
    if column.dtype.kind == "f":
        wrong = np.flatnonzero(~(np.isfinite(column) & (column == np.rint(column))))
        if wrong.size:
            index = int(wrong[0])
            message = f"expected a whole time in {table.where(index)}, was {column[index]}"
            raise InputError(message)
    return column.astype(np.int64)


def _integers_to_ns(values: NDArray[np.int64], unit: str, table: Table) -> NDArray[np.int64]:
    unit = unit or _unit_of(int(values[0]), 0, table)
    factor = SECOND_NS // _UNIT_NS[unit]
    low, high = _EARLIEST_S * factor, _LATEST_S * factor
    wrong = np.flatnonzero((values < low) | (values >= high))
    if wrong.size:
        index = int(wrong[0])
        message = (
            f"expected a time between 1990 and 2100 in {unit} in {table.where(index)}, "
            f"was {values[index]}"
        )
        raise InputError(message, hint="use one unit in the whole file: s, ms, us or ns")
    return values * np.int64(_UNIT_NS[unit])


def _unit_of(value: int, index: int, table: Table) -> str:
    for unit, unit_ns in _UNIT_NS.items():
        factor = SECOND_NS // unit_ns
        if _EARLIEST_S * factor <= value < _LATEST_S * factor:
            return unit
    message = (
        f"expected a time since 1970 in s, ms, us or ns in {table.where(index)}, was {value}, "
        "which is between 1990 and 2100 in none of them"
    )
    raise InputError(message, hint="name the column ts_s, ts_ms, ts_us or ts_ns if it is right")


def _text_to_ns(column: NDArray[Any], table: Table) -> NDArray[np.int64]:
    text = np.char.strip(column)
    suffix = next((end for end in _UTC_SUFFIXES if np.char.endswith(text, end).all()), b"")
    bare = np.char.replace(text, suffix, b"") if suffix else text
    if _ISO.fullmatch(bare[0]) and _are_alike(bare):
        try:
            return _known_times(bare.astype("datetime64[ns]"), table)
        except ValueError:
            pass  # some row is not a plain ISO time: the careful way below names it
    return np.array(
        [_one_time(value, index, table) for index, value in enumerate(text.tolist())],
        dtype=np.int64,
    )


def _are_alike(text: NDArray[Any]) -> bool:
    """Tell whether all cells have digits, and the same other characters, in the same places."""
    length = len(text[0])
    if not (np.char.str_len(text) == length).all():
        return False
    codes = text.astype(f"S{length}").view(np.uint8).reshape(len(text), length)
    is_digit = (codes >= ord("0")) & (codes <= ord("9"))
    signs = codes[:, ~is_digit[0]]
    return bool((is_digit == is_digit[0]).all() and (signs == signs[0]).all())


def _one_time(value: bytes, index: int, table: Table) -> int:
    text = value.decode("latin-1").removesuffix(" UTC")
    if not _ISO_WITH_OFFSET.fullmatch(value.removesuffix(b" UTC")):
        message = f"expected an ISO-8601 time in {table.where(index)}, was {text!r}"
        raise InputError(message)
    try:
        return parse_time_ns(text)
    except InputError:
        message = f"expected an ISO-8601 time in {table.where(index)}, was {text!r}"
        raise InputError(message) from None


def _known_times(times: NDArray[Any], table: Table) -> NDArray[np.int64]:
    missing = np.flatnonzero(np.isnat(times))
    if missing.size:
        message = f"expected a time in {table.where(int(missing[0]))}, was none"
        raise InputError(message)
    nanoseconds: NDArray[np.int64] = times.view(np.int64)
    return nanoseconds
