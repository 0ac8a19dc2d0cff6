"""Which code a result came from: results of different code are not put into one table."""

from __future__ import annotations

import hashlib
import inspect
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import athena

if TYPE_CHECKING:
    from athena.trading import Strategy

# What a simulation's result may depend on.
_ROOMS = ("domain", "market", "platform", "trading", "venues", "research")
_INSTALLED = frozenset({"site-packages", "dist-packages"})


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


@cache
def _real_path(file: str) -> Path:
    return Path(file).resolve()


def source_sha256(strategy_class: type[Strategy]) -> str:
    """Digest the file that a strategy is written in, and what was imported from its folder.

    Of what is installed it is the file alone: its neighbours are not loaded anew with it.
    """
    source = inspect.getsourcefile(strategy_class)
    if source is None:
        return hashlib.sha256(b"").hexdigest()
    own = _real_path(source)
    files = {own}
    if not _INSTALLED.intersection(own.parts):
        origins = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        places = {_real_path(origin) for origin in origins if origin}
        files |= {place for place in places if place.parent == own.parent}
    sha256 = hashlib.sha256()
    for file in sorted(files):
        sha256.update(f"{file.name}\0".encode())
        sha256.update(file.read_bytes())
    return sha256.hexdigest()
