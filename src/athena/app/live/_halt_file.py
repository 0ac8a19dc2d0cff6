"""The kill switch that needs no database: a file named HALT in the home of the engine.

Any file of that name, an empty one too, means halt and flatten. One whose first line is
`keep positions` means halt alone. The rest is the reason, for a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.platform import atomic_write_text, ensure_folder, storage_errors

if TYPE_CHECKING:
    from pathlib import Path

HALT_NAME = "HALT"
_KEEP = "keep positions"
_LONGEST = 2_000  # characters of a reason; the file may be anything


@dataclass(frozen=True, slots=True)
class HaltFile:
    """What the file asks for.

    Attributes:
        keeps_positions: halt alone; else every position is closed too.
        reason: why, and who says so; may be empty.
    """

    keeps_positions: bool
    reason: str


def read_halt(home: Path) -> HaltFile | None:
    """Return what the HALT file of a home says; None when there is none.

    A file that is there and cannot be read is a kill switch all the same.
    """
    file = home / HALT_NAME
    try:
        text = file.read_bytes().decode("utf-8", "replace")[:_LONGEST]
    except FileNotFoundError:
        return None
    except OSError as error:
        return HaltFile(keeps_positions=False, reason=f"{file} cannot be read: {error.strerror}")
    first, _, rest = text.partition("\n")
    keeps = first.strip() == _KEEP
    return HaltFile(keeps, (rest if keeps else text).strip())


def write_halt(home: Path, reason: str, *, keeps_positions: bool) -> Path:
    """Write the file and return it; a kill switch that lies there is never weakened.

    Raises:
        InputError: the home cannot be written.
        MissingError: the disk is full.
    """
    file = ensure_folder(home) / HALT_NAME
    there = read_halt(home)
    if there is None or there.keeps_positions:
        atomic_write_text(file, f"{_KEEP}\n{reason}\n" if keeps_positions else f"{reason}\n")
    return file


def clear_halt(home: Path) -> bool:
    """Remove the file; tell whether there was one.

    Raises:
        InputError: it cannot be removed.
    """
    file = home / HALT_NAME
    with storage_errors(file):
        is_there = file.exists()
        file.unlink(missing_ok=True)
    return is_there
