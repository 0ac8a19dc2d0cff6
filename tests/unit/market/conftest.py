"""A small honest file of bars that tests spoil in one place at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "ts,open,high,low,close,volume"
ROWS = (
    "2018-01-01T00:00:00Z,100.00,101.50,99.50,101.00,10.5",
    "2018-01-01T01:00:00Z,101.00,102.00,100.25,100.50,11.25",
    "2018-01-01T02:00:00Z,100.50,100.75,98.00,98.25,20",
    "2018-01-01T03:00:00Z,98.25,99.00,98.00,98.75,0.00000001",
    "2018-01-01T05:00:00Z,98.75,99.25,98.50,99.00,7",
)


@dataclass
class CsvFile:
    """A CSV file that can be changed before it is written."""

    folder: Path
    header: str = HEADER
    rows: list[str] = field(default_factory=lambda: list(ROWS))
    name: str = "BTCUSDT_1h.csv"

    def write(self) -> Path:
        path = self.folder / self.name
        path.write_text("\n".join([self.header, *self.rows]) + "\n")
        return path


@pytest.fixture
def csv_file(tmp_path: Path) -> CsvFile:
    return CsvFile(tmp_path)
