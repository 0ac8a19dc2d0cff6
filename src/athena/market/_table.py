"""A file of columns that are read one at a time, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Table:
    """Hold what is needed to read a file's columns and to name its rows in errors.

    Attributes:
        label: the file, as errors name it.
        names: its columns, in the file's order.
        first_row: 1-based row of the first bar, as an editor or viewer counts.
        read: column name -> (T,) array: float64, an integer type, datetime64[ns] or bytes.
        read_text: column name -> (T,) exact text; None where the file stores binary numbers.
    """

    label: str
    names: tuple[str, ...]
    first_row: int
    read: Callable[[str], NDArray[Any]]
    read_text: Callable[[str], list[str]] | None = None

    def where(self, index: int) -> str:
        """Name the row of bar `index` for an error."""
        return f"{self.label} row {self.first_row + index}"
