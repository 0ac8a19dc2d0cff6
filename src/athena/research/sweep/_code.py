"""Which code a result came from: results of different code are not put into one table."""

from __future__ import annotations

import hashlib
import inspect
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import athena

if TYPE_CHECKING:
    from athena.trading import Strategy

# What a simulation's result may depend on.
_ROOMS = ("domain", "market", "platform", "trading", "venues", "research")


@cache
def code_sha256() -> str:
    """Digest the source of every room that a simulation runs through."""
    root = Path(athena.__file__).parent
    sha256 = hashlib.sha256()
    for room in _ROOMS:
        for file in sorted((root / room).rglob("*.py")):
            sha256.update(f"{file.relative_to(root).as_posix()}\0".encode())
            sha256.update(file.read_bytes())
    return sha256.hexdigest()


def source_sha256(strategy_class: type[Strategy]) -> str:
    """Digest the file that a strategy is written in."""
    file = inspect.getsourcefile(strategy_class)
    return hashlib.sha256(Path(file).read_bytes() if file else b"").hexdigest()
