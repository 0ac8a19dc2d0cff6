"""A sweep's folder: what was asked, and what has been found so far; it survives any end.

`manifest.json` says what was asked. `found.jsonl` holds one JSON object a combination and
`returns.f8` its returns, as little-endian float64 of one length a combination; both are only
appended to, returns first, so that line `i` belongs to row `i`. What a crash left behind the last
whole pair is cut off when the sweep goes on.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import InputError
from athena.platform import atomic_write_text, ensure_folder, storage_errors
from athena.research.sweep._bench import Found, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MANIFEST_FILE = "manifest.json"
FOUND_FILE = "found.jsonl"
RETURNS_FILE = "returns.f8"
TABLE_FILE = "table.csv"
_WORD = 8


class SweepStore:
    """Append what is found to a sweep's folder, and read what was found before."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any], n_periods: int) -> None:
        """Open the folder of a sweep, or begin one.

        Args:
            folder: of the sweep; the caller holds its lock.
            manifest: what is asked, JSON values.
            n_periods: returns of every combination.

        Raises:
            InputError: the folder cannot be used, or is about something else.
        """
        self.folder = ensure_folder(folder)
        self._row_bytes = n_periods * _WORD
        self._n_periods = n_periods
        text = json.dumps(manifest, indent=2) + "\n"
        path = folder / MANIFEST_FILE
        with storage_errors(path):
            if not path.exists():
                atomic_write_text(path, text)
            elif path.read_text("utf-8") != text:
                message = f"expected {path} as this sweep wrote it, was changed"
                raise InputError(message, hint=f"remove {folder} and begin anew")

    def read(self) -> list[Found]:
        """Return what was found before, in the order it was; cut off what a crash has torn.

        Raises:
            InputError: a whole line cannot be read; the message names it.
        """
        lines_path, returns_path = self.folder / FOUND_FILE, self.folder / RETURNS_FILE
        with storage_errors(self.folder):
            with lines_path.open("a+b") as lines, returns_path.open("a+b") as returns:
                lines.seek(0)
                whole = lines.read().split(b"\n")[:-1]
                n_rows = returns.seek(0, os.SEEK_END) // self._row_bytes
                whole = whole[:n_rows]
                lines.truncate(sum(len(line) + 1 for line in whole))
                returns.truncate(len(whole) * self._row_bytes)
            table = np.fromfile(returns_path, "<f8").reshape(-1, self._n_periods)
        return [
            _parse(line, row, lines_path, number)
            for number, (line, row) in enumerate(zip(whole, table, strict=True), start=1)
        ]

    def append(self, found: Sequence[Found]) -> None:
        """Add what was found; it is on disk before this returns."""
        rows = np.zeros((len(found), self._n_periods), "<f8")
        for row, item in zip(rows, found, strict=True):
            row[: len(item.returns)] = item.returns
        lines = b"".join(_format(item) for item in found)
        self._append(RETURNS_FILE, rows.tobytes())
        self._append(FOUND_FILE, lines)

    def _append(self, name: str, content: bytes) -> None:
        path = self.folder / name
        with storage_errors(path), path.open("ab") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def returns_table(found: Sequence[Found], n_periods: int) -> NDArray[np.float64]:
    """Return (n_periods, N) returns, one column a combination; 0 after ruin."""
    table = np.zeros((n_periods, len(found)))
    for column, item in enumerate(found):
        table[: len(item.returns), column] = item.returns
    return table


def _format(item: Found) -> bytes:
    entry = {
        "number": item.number,
        "status": item.status.value,
        "message": item.message,
        "final_equity": item.final_equity,
        "fees": item.fees,
        "orders": item.n_orders,
        "fills": item.n_fills,
        "digest": item.digest,
        "bars": item.n_bars,
        "returns": len(item.returns),
    }
    return json.dumps(entry).encode() + b"\n"


def _parse(line: bytes, row: NDArray[np.float64], path: Path, number: int) -> Found:
    try:
        entry = json.loads(line)
        return Found(
            number=int(entry["number"]),
            status=Status(entry["status"]),
            message=entry["message"],
            final_equity=int(entry["final_equity"]),
            fees=int(entry["fees"]),
            n_orders=int(entry["orders"]),
            n_fills=int(entry["fills"]),
            digest=entry["digest"],
            n_bars=int(entry["bars"]),
            returns=row[: int(entry["returns"])],
        )
    except (ValueError, KeyError, TypeError) as error:
        message = f"expected what was found in {path}, line {number}, was unreadable: {error}"
        raise InputError(message, hint=f"remove {path.parent} and begin anew") from error
