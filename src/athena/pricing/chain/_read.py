"""A chain from a CSV or Parquet file; a cell that cannot be read marks its row, never the file."""

from __future__ import annotations

import csv
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import InputError, MissingError, MissingExtra
from athena.pricing.chain._names import match_columns
from athena.pricing.chain._quotes import MOST_PROBLEMS, ChainQuotes, ChainSettings
from athena.pricing.chain._times import COIN_EXPIRY, NEW_YORK_CLOSE, to_times_ns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from athena.pricing._contracts import Flags, Floats

_ROWS_AT_A_TIME = 50_000
_EMPTY = {"", "nan", "null", "none", "na", "n/a", "-"}
_CALLS, _PUTS = {"c", "call", "calls"}, {"p", "put", "puts"}
_AMERICAN, _EUROPEAN = {"a", "american"}, {"e", "european"}
_PRICE_FIELDS = {"strike", "bid", "ask", "underlying"}
_LEAST_PRICE, _LARGEST_PRICE = 1e-12, 1e12  # what is smaller, but not 0, or larger is no price
_DELIMITERS = (",", ";", "\t", "|")
# Root, day of expiry, right, strike in thousandths.
_OCC = re.compile(r"([A-Z0-9.]{1,6}) *([0-9]{6})([CP])([0-9]{8})")

Columns = dict[str, "NDArray[Any]"]


def read_chain(path: Path, settings: ChainSettings) -> ChainQuotes:
    """Read the quotes of a file.

    Args:
        path: `.parquet` (extra `data`), anything else is read as CSV text in UTF-8.
        settings: gives what the file does not state.

    Raises:
        InputError: not a readable file, a required column is missing or ambiguous, no price of
            the underlying, or no time of the quotes; the message names the column.
        MissingError: the file does not exist.
        MissingExtra: polars is not installed.
    """
    if not path.is_file():
        message = f"expected a file of quotes, was nothing at {path}"
        raise MissingError(message)
    is_parquet = path.suffix.lower() in {".parquet", ".pq"}
    parts = _parquet_parts(path) if is_parquet else _csv_parts(path)
    quotes = []
    first_row = 1
    for names, columns, n_rows in parts:
        fields = match_columns(names, settings.columns, str(path))
        known = {field: columns[name] for field, name in fields.items()}
        _check_context(known, settings, path)
        quotes.append(_to_quotes(known, n_rows, first_row, settings))
        first_row += n_rows
    if first_row == 1:
        message = f"expected at least one quote, was {path} without rows"
        raise InputError(message)
    return ChainQuotes.join(quotes)


def _check_context(known: Columns, settings: ChainSettings, path: Path) -> None:
    """Refuse a file that says neither where the underlying is nor when."""
    for field, given, option in (
        ("underlying", settings.underlying, "--underlying"),
        ("quoted", settings.at_ns, "--at"),
    ):
        if field not in known and given is None:
            what = "a price of the underlying" if field == "underlying" else "a time of the quotes"
            message = f"expected {what} in {path}, was no such column"
            raise InputError(message, hint=f"state it with {option}")


def _csv_parts(path: Path) -> Iterator[tuple[list[str], Columns, int]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            delimiter = max(_DELIMITERS, key=head.count)
            names = [name.strip() for name in next(csv.reader([head], delimiter=delimiter), [])]
            reader = csv.reader(file, delimiter=delimiter)
            n_read = 0
            while rows := list(islice(reader, _ROWS_AT_A_TIME)):
                rows = [row for row in rows if row]
                _check_widths(rows, names, path, n_read)
                table = np.array(rows, dtype=object).reshape(len(rows), len(names))
                yield names, {name: table[:, i] for i, name in enumerate(names)}, len(rows)
                n_read += len(rows)
    except UnicodeDecodeError as error:
        message = f"expected UTF-8 text, was byte 0x{error.object[error.start]:02x} in {path}"
        raise InputError(message, hint="save the file as UTF-8") from None


def _check_widths(rows: list[list[str]], names: list[str], path: Path, n_read: int) -> None:
    for number, row in enumerate(rows, start=n_read + 1):
        if len(row) != len(names):
            message = f"expected {len(names)} cells in {path} row {number}, was {len(row)}"
            raise InputError(message)


def _parquet_parts(path: Path) -> Iterator[tuple[list[str], Columns, int]]:
    try:
        import polars as pl
    except ImportError as error:
        needed_for = f"reading {path}"
        raise MissingExtra(extra="data", package="polars", needed_for=needed_for) from error
    # Damage inside a page makes polars panic instead of raising one of its own errors.
    unreadable = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
    try:
        frame = pl.read_parquet(path, use_pyarrow=False)
    except unreadable as error:
        message = f"expected a Parquet file, was {path}: {error}"
        raise InputError(message) from error
    for part in frame.iter_slices(_ROWS_AT_A_TIME):
        columns = {name: _from_polars(part[name]) for name in part.columns}
        yield list(part.columns), columns, part.height


def _from_polars(column: Any) -> NDArray[Any]:  # noqa: ANN401 - polars stays inside
    """Return numbers as float64 or int64, everything else as texts."""
    import polars as pl

    if column.dtype == pl.Datetime:
        column = column.dt.epoch("ns")
    if column.dtype.is_integer() and column.null_count() == 0:
        return np.asarray(column.cast(pl.Int64).to_numpy())
    if column.dtype.is_numeric():
        return np.asarray(column.cast(pl.Float64).to_numpy())
    texts = column.cast(pl.String).fill_null("")
    return np.array(texts.to_list(), dtype=object)


def _to_quotes(
    known: Columns, n_rows: int, first_row: int, settings: ChainSettings
) -> ChainQuotes:
    problems = _Problems(n_rows, first_row)
    is_coin = _is_coin(known, n_rows)
    close = COIN_EXPIRY if is_coin.all() else NEW_YORK_CLOSE
    expiry_ns, readable = to_times_ns(known["expiry"], close)
    problems.note(~readable, "expiry", known["expiry"])
    if "quoted" in known:
        quoted_ns, readable = to_times_ns(known["quoted"], NEW_YORK_CLOSE)
        problems.note(~readable, "quoted", known["quoted"])
    else:
        quoted_ns = np.full(n_rows, settings.at_ns, dtype=np.int64)
    is_call = _words(known["type"], _CALLS)
    problems.note(~(is_call | _words(known["type"], _PUTS)), "type", known["type"])
    strike = problems.numbers(known, "strike")
    problems.note(~(strike > 0.0), "strike", known["strike"])
    stated = settings.underlying
    if stated is None:
        underlying = problems.numbers(known, "underlying")
        problems.note(~(underlying > 0.0), "underlying", known["underlying"])
    else:
        underlying = np.full(n_rows, stated)
    symbol = known.get("symbol", np.full(n_rows, "", dtype=object)).astype(object)
    problems.note(_contradicts(symbol, expiry_ns, strike, is_call), "symbol", symbol)
    quantity = problems.numbers(known, "quantity")
    multiplier = problems.numbers(known, "multiplier")
    return ChainQuotes(
        row=np.arange(first_row, first_row + n_rows, dtype=np.int64),
        quoted_ns=quoted_ns,
        expiry_ns=expiry_ns,
        strike=strike,
        is_call=is_call,
        bid=problems.numbers(known, "bid"),
        ask=problems.numbers(known, "ask"),
        mark=problems.numbers(known, "mark"),
        published_sigma=problems.numbers(known, "published_sigma"),
        underlying=underlying,
        is_american=_is_american(known, is_coin, settings),
        is_coin=is_coin,
        quantity=np.where(np.isnan(quantity), 0.0, quantity),
        multiplier=np.where(np.isnan(multiplier), 1.0, multiplier),
        is_readable=~problems.is_bad,
        symbol=symbol,
        problems=tuple(problems.texts),
    )


class _Problems:
    """Collect the rows that could not be read."""

    def __init__(self, n_rows: int, first_row: int) -> None:
        self.is_bad: Flags = np.zeros(n_rows, dtype=np.bool_)
        self.texts: list[str] = []
        self._first_row = first_row

    def note(self, is_bad: Flags, field: str, cells: NDArray[Any]) -> None:
        """Mark rows, and say in words what stands in the first of them."""
        for index in np.flatnonzero(is_bad & ~self.is_bad)[: MOST_PROBLEMS - len(self.texts)]:
            row = self._first_row + int(index)
            self.texts.append(f"row {row}: {field} was {str(cells[index])!r}")
        self.is_bad |= is_bad

    def numbers(self, known: Columns, field: str) -> Floats:
        """Read numbers; NaN where a cell is empty or the column absent."""
        cells = known.get(field)
        if cells is None:
            return np.full(len(self.is_bad), np.nan)
        if cells.dtype != object:
            return self._sized(cells.astype(np.float64), field, cells)
        values = np.full(len(cells), np.nan)
        is_text = np.zeros(len(cells), dtype=np.bool_)
        for index, cell in enumerate(cells.tolist()):
            text = cell.strip().replace(",", "")
            if text.lower() in _EMPTY:
                continue
            try:
                values[index] = float(text)
            except ValueError:
                is_text[index] = True
        self.note(is_text, field, cells)
        return self._sized(values, field, cells)

    def _sized(self, values: Floats, field: str, cells: NDArray[Any]) -> Floats:
        """Mark rows whose price is infinite, or of a size that no price has."""
        if field not in _PRICE_FIELDS:
            return np.where(np.isinf(values), np.nan, values)
        size = np.abs(values)
        is_odd = (size > _LARGEST_PRICE) | ((size < _LEAST_PRICE) & (size > 0.0))
        self.note(is_odd, field, cells)
        return np.where(is_odd, np.nan, values)


def _words(cells: NDArray[Any], meant: set[str]) -> Flags:
    texts, inverse = np.unique(cells.astype(str), return_inverse=True)
    return np.array([text.strip().lower() in meant for text in texts.tolist()])[inverse]


def _is_coin(known: Columns, n_rows: int) -> Flags:
    """Tell which rows are quoted in units of the underlying itself."""
    if "settlement" in known:
        return _words(known["settlement"], {"coin", "inverse"})
    if "unit" in known and "asset" in known:
        unit, asset = known["unit"].astype(str), known["asset"].astype(str)
        return np.asarray(unit == asset)
    return np.zeros(n_rows, dtype=np.bool_)


def _is_american(known: Columns, is_coin: Flags, settings: ChainSettings) -> Flags:
    default = np.where(is_coin, False, settings.is_american)  # noqa: FBT003 - the value of a cell
    if "style" not in known:
        return default
    american, european = (_words(known["style"], meant) for meant in (_AMERICAN, _EUROPEAN))
    return np.where(american, True, np.where(european, False, default))  # noqa: FBT003 - likewise


def _contradicts(
    symbol: NDArray[Any], expiry_ns: NDArray[np.int64], strike: Floats, is_call: Flags
) -> Flags:
    """Tell where a symbol in OCC form says something else than the columns."""
    wrong = np.zeros(len(symbol), dtype=np.bool_)
    days = (expiry_ns // 86_400_000_000_000).astype("datetime64[D]")
    for index, text in enumerate(symbol.tolist()):
        match = _OCC.fullmatch(str(text).strip())
        if match is None:
            continue
        day = np.datetime64(f"20{match[2][:2]}-{match[2][2:4]}-{match[2][4:]}")
        wrong[index] = (
            abs(int((days[index] - day).astype(int))) > 1  # the zone may shift it by one
            or (match[3] == "C") != is_call[index]
            or abs(int(match[4]) / 1000.0 - strike[index]) > 5e-4  # noqa: PLR2004 - half a step
        )
    return wrong
