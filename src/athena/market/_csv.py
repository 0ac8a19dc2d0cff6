"""Comma-separated bars: strict about encoding and layout, fast through numpy's reader."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import InputError
from athena.market._table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DELIMITERS = (",", ";", "\t", "|")
_INTEGER = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?")
_TEXT_WIDTH = 48  # longest cell read as text: an ISO time with nanoseconds and offset has 35


@dataclass(frozen=True, slots=True)
class _Layout:
    label: str
    text: str
    delimiter: str
    header_row: int  # 1-based row of the header; bars start on the next
    names: tuple[str, ...]


def csv_table(data: bytes, label: str) -> Table:
    """Open CSV text: `#` lines, one header, then one bar a row.

    Args:
        data: the file's bytes, UTF-8.
        label: the file, as errors name it.

    Raises:
        InputError: another encoding, no header, no rows, or a row of another width.
    """
    layout = _find_layout(_decode(data, label), label)
    _check_widths(layout)

    def read(name: str) -> NDArray[Any]:
        return _read_column(layout, layout.names.index(name))

    def read_text(name: str) -> list[str]:
        index = layout.names.index(name)
        return [row[index] for row in _rows(layout)]

    return Table(label, layout.names, layout.header_row + 1, read, read_text)


def _decode(data: bytes, label: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        message = f"expected UTF-8 text, was byte 0x{data[error.start]:02x} in {label} row {row}"
        raise InputError(message, hint="save the file as UTF-8") from None
    text = text.replace("\r\n", "\n")
    for sign, hint in (("\0", "save the file as UTF-8 (it may be UTF-16)"), ("\r", "")):
        if sign in text:
            row = text.count("\n", 0, text.index(sign)) + 1
            message = f"expected plain lines of UTF-8 text, was {sign!r} in {label} row {row}"
            raise InputError(message, hint=hint or "end lines with \\n or \\r\\n")
    # Trailing blank lines are not bars; blank lines elsewhere are refused by their width.
    return text.rstrip("\n \t")


def _find_layout(text: str, label: str) -> _Layout:
    start, row = 0, 1
    while text.startswith(("#", "\n"), start):
        end = text.find("\n", start)
        if end < 0:
            break
        start, row = end + 1, row + 1
    end = text.find("\n", start)
    header = text[start : end if end >= 0 else len(text)]
    if not header or header.startswith("#"):
        message = f"expected a header and bars, was {label}, which holds neither"
        raise InputError(message)
    delimiter = max(_DELIMITERS, key=header.count)
    names = tuple(name.strip() for name in next(csv.reader([header], delimiter=delimiter)))
    if all(_NUMBER.fullmatch(name) or not name for name in names):
        message = f"expected column names in {label} row {row}, was {header[:60]!r}"
        raise InputError(message, hint="add a header such as ts,open,high,low,close,volume")
    if end < 0:
        message = f"expected at least one bar, was {label} with a header only"
        raise InputError(message)
    return _Layout(label, text[end + 1 :], delimiter, row, names)


def _check_widths(layout: _Layout) -> None:
    """Refuse a row with more or fewer cells than the header: its cells may have shifted."""
    expected = len(layout.names)
    if '"' in layout.text:
        widths = np.array([len(row) for row in _rows(layout)])
    else:
        raw = np.frombuffer(layout.text.encode(), dtype=np.uint8)
        ends = np.append(np.flatnonzero(raw == ord("\n")), len(raw))
        cells = np.flatnonzero(raw == ord(layout.delimiter))
        widths = np.diff(np.searchsorted(cells, ends), prepend=0) + 1
    wrong = np.flatnonzero(widths != expected)
    if wrong.size:
        index = int(wrong[0])
        row = layout.header_row + 1 + index
        message = f"expected {expected} cells in {layout.label} row {row}, was {widths[index]}"
        raise InputError(message)


def _read_column(layout: _Layout, index: int) -> NDArray[Any]:
    first = next(_rows(layout))[index].strip()
    if _INTEGER.fullmatch(first):
        kind: Any = np.int64
    elif first and _NUMBER.fullmatch(first):
        kind = np.float64
    else:
        kind = f"S{_TEXT_WIDTH}"
    try:
        return _load(layout, index, kind)
    except ValueError:
        if kind is np.int64:
            # A first cell such as `4371` may stand above `4371.5`.
            return _read_numbers(layout, index)
        raise _blame(layout, index) from None


def _read_numbers(layout: _Layout, index: int) -> NDArray[Any]:
    try:
        return _load(layout, index, np.float64)
    except ValueError:
        raise _blame(layout, index) from None


def _load(layout: _Layout, index: int, kind: Any) -> NDArray[Any]:  # noqa: ANN401 (a numpy dtype)
    return np.loadtxt(
        io.StringIO(layout.text),
        dtype=kind,
        delimiter=layout.delimiter,
        comments=None,
        quotechar='"',
        usecols=[index],
        ndmin=1,
    )


def _blame(layout: _Layout, index: int) -> InputError:
    """Find the cell that is not a number, walking the file slowly: it is refused anyway."""
    for number, row in enumerate(_rows(layout), start=layout.header_row + 1):
        cell = row[index].strip()
        if not cell or not _NUMBER.fullmatch(cell):
            name = layout.names[index]
            return InputError(
                f"expected a number in {layout.label} row {number}, column {name}, was {cell!r}"
            )
    return InputError(f"expected numbers in {layout.label}, column {layout.names[index]}")


def _rows(layout: _Layout) -> Any:  # noqa: ANN401 (csv's own reader type is private)
    return csv.reader(io.StringIO(layout.text), delimiter=layout.delimiter)
