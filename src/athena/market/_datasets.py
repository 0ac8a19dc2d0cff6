"""Data sets in the home: one `.npy` file per column and a manifest, published all at once."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import (
    BAR_COLUMNS,
    Bars,
    Instrument,
    Provenance,
    built_in_instrument,
    content_sha256,
    format_decimal,
    format_interval,
    format_time,
    parse_decimal,
    parse_interval_ns,
    with_steps,
)
from athena.errors import InputError, MissingError
from athena.platform import atomic_write_text, home_folder, staged_folder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")  # no dot: a name never looks like a file
_MANIFEST = "manifest.json"
SYNTHETIC_PREFIX = "mock"


@dataclass(frozen=True, slots=True)
class DataSetInfo:
    """Describe a stored data set; this is its manifest.

    Attributes:
        name: folder name under `datasets`.
        symbol, venue: what was traded where; venue may be empty.
        tick, lot: steps of the columns, decimal text.
        interval: bar length such as `1h`.
        rows: number of bars.
        first, last: open of the first and last bar, ISO-8601 UTC.
        sha256: digest of the six columns' content, hex.
        origin, licence_note, is_synthetic: see `Provenance`.
        imported_at: ISO-8601 UTC.
        column_sha256: column -> digest of its content, to name the file that changed.
    """

    name: str
    symbol: str
    venue: str
    tick: str
    lot: str
    interval: str
    rows: int
    first: str
    last: str
    sha256: str
    origin: str
    licence_note: str
    is_synthetic: bool
    imported_at: str
    column_sha256: dict[str, str]

    def instrument(self) -> Instrument:
        """Return the instrument, with the steps of these columns."""
        tick = parse_decimal(self.tick, what=f"tick of data set {self.name}")
        lot = parse_decimal(self.lot, what=f"lot of data set {self.name}")
        known = built_in_instrument(self.symbol, self.venue)
        return with_steps(known, tick, lot) if known else Instrument(self.symbol, tick, lot)


def store_dataset(bars: Bars, home: Path, *, venue: str, imported_at_ns: int) -> DataSetInfo:
    """Publish bars as the data set that their provenance names; a half-written one is never seen.

    Storing the same bars again under the same name changes nothing.

    Raises:
        InputError: the name is not usable, or holds other bars.
    """
    name = checked_name(bars.provenance.name, is_synthetic=bars.provenance.is_synthetic)
    info = _describe(bars, name, venue, imported_at_ns)
    folder = home_folder(home, "datasets") / name
    if folder.exists():
        return _same_content(read_manifest(home, name), info)
    with staged_folder(folder) as staged:
        for column_name, column in zip(BAR_COLUMNS, bars.columns(), strict=True):
            np.save(staged / f"{column_name}.npy", np.ascontiguousarray(column, dtype="<i8"))
        atomic_write_text(staged / _MANIFEST, json.dumps(asdict(info), indent=2) + "\n")
    return info


def open_dataset(home: Path, name: str) -> Bars:
    """Open a stored data set, memory-mapped and read-only, after checking its content's digest.

    Raises:
        MissingError: no data set has this name.
        InputError: a column is missing, cut or changed; names the file.
    """
    info = read_manifest(home, name)
    folder = home / "datasets" / name
    columns = tuple(_open_column(folder / f"{column}.npy", info.rows) for column in BAR_COLUMNS)
    if content_sha256(columns) != info.sha256:
        raise _changed_column(folder, columns, info)
    provenance = Provenance(
        info.name, info.origin, info.sha256, info.licence_note, info.is_synthetic
    )
    ts_ns, open_, high, low, close, volume = columns
    interval_ns = parse_interval_ns(info.interval)
    return Bars(info.instrument(), interval_ns, ts_ns, open_, high, low, close, volume, provenance)


def list_datasets(home: Path) -> list[DataSetInfo]:
    """List the stored data sets, sorted by name; empty where there is no home yet.

    Raises:
        InputError: a manifest cannot be read; names the file.
    """
    folder = home / "datasets"
    names = [path.parent.name for path in folder.glob(f"*/{_MANIFEST}")]
    return [read_manifest(home, name) for name in sorted(names) if not name.startswith(".")]


def read_manifest(home: Path, name: str) -> DataSetInfo:
    """Read the manifest of a data set.

    Raises:
        MissingError: no data set has this name; lists those that are there.
        InputError: the manifest is damaged; names the file.
    """
    path = home / "datasets" / name / _MANIFEST
    if not _NAME.fullmatch(name) or not path.is_file():
        there = ", ".join(info.name for info in list_datasets(home)) or "none yet"
        message = f"expected the name of a data set ({there}), was {name!r}"
        raise MissingError(message, hint="athena data sample")
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return DataSetInfo(**values)
    except (ValueError, TypeError) as error:
        message = f"expected a manifest in {path}, was damaged: {error}"
        raise InputError(message, hint=_repair(name)) from error


def checked_name(name: str, *, is_synthetic: bool) -> str:
    """Return a data-set name that is safe as a folder; made-up prices say so in theirs (B10).

    Raises:
        InputError: other characters than a-z, 0-9, dash and underscore, or `mock` at the
            start of a name of real prices, or missing there for made-up ones.
    """
    if not _NAME.fullmatch(name):
        message = f"expected a data-set name of a-z, 0-9, '-' and '_', was {name!r}"
        raise InputError(message, hint="choose one with --name")
    if name.startswith(SYNTHETIC_PREFIX) != is_synthetic:
        kind = "synthetic" if is_synthetic else "real"
        message = f"expected names starting with 'mock' for synthetic bars only, was {name!r}"
        raise InputError(message, hint=f"these bars are {kind}; choose another --name")
    return name


def default_name(symbol: str, interval_ns: int) -> str:
    """Name a data set after its content: `btc-usdt-1h`."""
    return f"{symbol.lower().replace('/', '-')}-{format_interval(interval_ns)}"


def _describe(bars: Bars, name: str, venue: str, imported_at_ns: int) -> DataSetInfo:
    if len(bars) == 0:
        message = f"expected at least one bar to store as {name}, was none"
        raise InputError(message)
    digests = {
        column_name: _digest(column)
        for column_name, column in zip(BAR_COLUMNS, bars.columns(), strict=True)
    }
    return DataSetInfo(
        name=name,
        symbol=bars.instrument.symbol,
        venue=venue,
        tick=format_decimal(bars.instrument.tick),
        lot=format_decimal(bars.instrument.lot),
        interval=format_interval(bars.interval_ns),
        rows=len(bars),
        first=format_time(int(bars.ts_ns[0])),
        last=format_time(int(bars.ts_ns[-1])),
        sha256=content_sha256(bars.columns()),
        origin=bars.provenance.origin,
        licence_note=bars.provenance.licence_note,
        is_synthetic=bars.provenance.is_synthetic,
        imported_at=format_time(imported_at_ns),
        column_sha256=digests,
    )


def _same_content(stored: DataSetInfo, new: DataSetInfo) -> DataSetInfo:
    keys = ("sha256", "symbol", "venue", "tick", "lot", "interval")
    if any(getattr(stored, key) != getattr(new, key) for key in keys):
        message = f"expected a new name, was {new.name!r}, which holds other bars"
        raise InputError(message, hint="choose another with --name")
    return stored


def _open_column(path: Path, rows: int) -> NDArray[np.int64]:
    try:
        column = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        message = f"expected {rows} values in {path}, could not be read: {error}"
        raise InputError(message, hint=_repair(path.parent.name)) from error
    if column.dtype != np.dtype("<i8") or column.shape != (rows,):
        message = f"expected {rows} int64 values in {path}, was {column.dtype} {column.shape}"
        raise InputError(message, hint=_repair(path.parent.name))
    return np.asarray(column)


def _changed_column(
    folder: Path, columns: tuple[NDArray[np.int64], ...], info: DataSetInfo
) -> InputError:
    for name, column in zip(BAR_COLUMNS, columns, strict=True):
        if _digest(column) != info.column_sha256.get(name):
            path = folder / f"{name}.npy"
            return InputError(
                f"expected the content of {path} as imported, was changed since (SHA-256 differs)",
                hint=_repair(info.name),
            )
    path = folder / _MANIFEST
    return InputError(
        f"expected sha256 in {path} to be that of the columns, was {info.sha256}",
        hint=_repair(info.name),
    )


def _digest(column: NDArray[np.int64]) -> str:
    return hashlib.sha256(np.ascontiguousarray(column, dtype="<i8").data).hexdigest()


def _repair(name: str) -> str:
    return f"remove the folder of data set {name} and import it again"
