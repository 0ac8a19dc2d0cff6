"""Which column of a file is which, by the names people and venues give them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError

if TYPE_CHECKING:
    from athena.market._table import Table

FIELDS = ("ts", "open", "high", "low", "close", "volume")
_NAMES = {
    "ts": {"ts", "t", "time", "timestamp", "date", "datetime", "open_time", "opentime"}
    | {"open_timestamp", "start", "start_time", "bar_open", "unix", "unix_time"}
    | {"unix_timestamp", "time_utc", "date_utc", "datetime_utc", "timestamp_utc"},
    "open": {"open", "o", "open_price"},
    "high": {"high", "h", "high_price"},
    "low": {"low", "l", "low_price"},
    "close": {"close", "c", "close_price"},
    "volume": {"volume", "v", "vol", "base_volume", "volume_base"},
}
_SYMBOL_NAMES = {"symbol", "pair", "ticker"}
_UNIT_SUFFIX = re.compile(r"(.+)_(s|ms|us|ns)")


def find_columns(table: Table, symbol: str) -> dict[str, str]:
    """Match a file's columns to `FIELDS`.

    A name may carry a prefix that names the symbol (`BTC.open`, `BTCUSDT:close`).

    Args:
        table: the file.
        symbol: ``BASE/QUOTE`` that the bars are meant to be.

    Returns:
        Field -> column name in the file.

    Raises:
        InputError: a field has no column or several, or the file is of another symbol.
    """
    _check_symbol_column(table, symbol)
    candidates: dict[str, list[str]] = {field: [] for field in FIELDS}
    foreign: list[str] = []
    for name in table.names:
        prefix, bare = _split_prefix(name)
        field = _field_of(bare)
        if field is None:
            continue
        if prefix and not _names_symbol(prefix, symbol):
            foreign.append(name)
        else:
            candidates[field].append(name)
    return {field: _only(field, found, foreign, table) for field, found in candidates.items()}


def stated_unit(name: str) -> str:
    """Return the time unit that a column's name states (`ts_ms` -> `ms`), or an empty text."""
    match = _UNIT_SUFFIX.fullmatch(_split_prefix(name)[1])
    return match[2] if match else ""


def _field_of(bare: str) -> str | None:
    match = _UNIT_SUFFIX.fullmatch(bare)
    if match and match[1] in _NAMES["ts"]:
        return "ts"
    return next((field for field, names in _NAMES.items() if bare in names), None)


def _split_prefix(name: str) -> tuple[str, str]:
    prefix, _, bare = re.sub(r"[\s-]+", "_", name.strip().lower()).rpartition(".")
    if not prefix:
        prefix, _, bare = bare.rpartition(":")
    return prefix, bare


def _names_symbol(prefix: str, symbol: str) -> bool:
    base, _, quote = symbol.lower().partition("/")
    return re.sub(r"[^a-z0-9]", "", prefix) in {base, base + quote}


def _only(field: str, found: list[str], foreign: list[str], table: Table) -> str:
    if len(found) == 1:
        return found[0]
    if found:
        message = f"expected one column for {field} in {table.label}, was {', '.join(found)}"
        raise InputError(message, hint="remove or rename the others")
    if foreign:
        message = f"expected columns of the asked symbol in {table.label}, was {foreign[0]}"
        raise InputError(message, hint="name the file's own symbol with --symbol")
    columns = ", ".join(table.names)
    message = f"expected a column for {field} in {table.label}, was {columns}"
    raise InputError(message, hint="name the columns ts,open,high,low,close,volume")


def _check_symbol_column(table: Table, symbol: str) -> None:
    for name in table.names:
        if name.strip().lower() not in _SYMBOL_NAMES:
            continue
        column = table.read(name)
        values, first = np.unique(column, return_index=True)
        for value, index in zip(values.tolist(), first.tolist(), strict=True):
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            if not _names_symbol(text.lower(), symbol):
                message = f"expected {symbol} in {table.where(index)}, column {name}, was {text!r}"
                raise InputError(message)
