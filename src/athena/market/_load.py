"""The two ways bars come in: read for one run, or imported and kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from athena.errors import InputError
from athena.market._datasets import default_name, open_dataset, store_dataset
from athena.market._files import open_table
from athena.market._instrument import find_instrument, symbol_from_name
from athena.market._quality import Defect, check_bars, first_severe
from athena.market._read import read_bars

if TYPE_CHECKING:
    from decimal import Decimal

    from athena.domain import Bars
    from athena.market._datasets import DataSetInfo
    from athena.market._table import Table

_SUFFIXES = {".csv", ".txt", ".tsv", ".npz", ".parquet", ".pq"}


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Say how a file is to be read and kept.

    Attributes:
        symbol: ``BASE/QUOTE``.
        interval_ns: length of a bar; None takes the most common distance between two bars.
        venue: where the bars were traded; empty when unknown.
        name: of the data set; empty makes one of symbol and interval.
        tick, lot: steps; None takes the built-in table's.
        origin: package or venue; empty names the file.
        licence_note: what its owner says about using it.
    """

    symbol: str
    interval_ns: int | None = None
    venue: str = ""
    name: str = ""
    tick: Decimal | None = None
    lot: Decimal | None = None
    origin: str = ""
    licence_note: str = ""


def is_path(source: str | Path) -> bool:
    """Tell a file from the name of a data set: by its type, a separator or a known suffix."""
    text = str(source)
    return isinstance(source, Path) or "/" in text or Path(text).suffix.lower() in _SUFFIXES


def load_bars(  # noqa: PLR0913 (each is an option of the command line)
    source: str | Path,
    home: Path,
    *,
    symbol: str | None = None,
    interval_ns: int | None = None,
    venue: str = "",
    tick: Decimal | None = None,
    lot: Decimal | None = None,
) -> Bars:
    """Open a stored data set by name, or read a file without storing it.

    Args:
        source: name of a data set, or path of a CSV, NPZ or Parquet file.
        home: the data home.
        symbol: of a file; None reads it from the file's name. For a data set it must agree.
        interval_ns: length of a bar; None takes the most common distance between two bars.
        venue: chooses the profile of steps in the built-in table.
        tick: price step of a file that the table does not know.
        lot: quantity step of it.

    Raises:
        InputError: the file or data set is not what it should be; names file and row.
        MissingError: no data set has this name.
        MissingExtra: a Parquet file without the extra `data`.
    """
    if not is_path(source):
        bars = open_dataset(home, str(source))
        _check_agrees(bars, str(source), symbol, interval_ns)
        return bars
    path = Path(source)
    table = open_table(path)
    instrument = find_instrument(symbol or symbol_from_name(path), venue, tick=tick, lot=lot)
    return read_bars(table, instrument, interval_ns, name=path.name)


def import_file(
    path: Path, home: Path, request: ImportRequest, *, imported_at_ns: int
) -> tuple[DataSetInfo, list[Defect]]:
    """Read a file, check its quality and keep it as a data set.

    Returns:
        The manifest, and the mild defects (gaps, zero volume, outliers ...).

    Raises:
        InputError: the file is refused, or has a severe defect; nothing is stored.
        MissingExtra: a Parquet file without the extra `data`.
    """
    return import_table(open_table(path), home, request, imported_at_ns=imported_at_ns)


def import_table(
    table: Table, home: Path, request: ImportRequest, *, imported_at_ns: int
) -> tuple[DataSetInfo, list[Defect]]:
    """Do what `import_file` does, for a table that is already open."""
    instrument = find_instrument(request.symbol, request.venue, tick=request.tick, lot=request.lot)
    bars = read_bars(table, instrument, request.interval_ns, name="", origin=request.origin)
    defects = check_bars(bars)
    severe = first_severe(defects)
    if severe is not None:
        message = f"expected bars fit to trade on in {table.label}, was {severe.kind} at "
        message += f"{severe.first}: {severe.detail}"
        raise InputError(message, hint=f"athena data check {table.label}")
    named = replace(
        bars.provenance,
        name=request.name or default_name(request.symbol, bars.interval_ns),
        licence_note=request.licence_note,
    )
    info = store_dataset(
        replace(bars, provenance=named), home, venue=request.venue, imported_at_ns=imported_at_ns
    )
    return info, defects


def _check_agrees(bars: Bars, name: str, symbol: str | None, interval_ns: int | None) -> None:
    if symbol is not None and symbol != bars.instrument.symbol:
        message = f"expected {symbol} in data set {name}, was {bars.instrument.symbol}"
        raise InputError(message)
    if interval_ns is not None and interval_ns != bars.interval_ns:
        message = f"expected {interval_ns} ns bars in data set {name}, was {bars.interval_ns} ns"
        raise InputError(message)
