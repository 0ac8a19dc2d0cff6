"""A process that holds a lock; in a module of its own, so that `spawn` finds it by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.platform import file_lock

if TYPE_CHECKING:
    import multiprocessing.synchronize
    from pathlib import Path


def hold(path: Path, is_held: multiprocessing.synchronize.Event, stop: object) -> None:
    with file_lock(path):
        is_held.set()
        stop.wait(30)  # type: ignore[attr-defined]
