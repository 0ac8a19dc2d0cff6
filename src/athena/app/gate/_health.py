"""One line a minute about a session's health, beside its journal: what the live gate reads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from athena.market import FeedSource  # noqa: TC001 - pydantic reads the annotations
from athena.platform import ensure_folder, storage_errors

if TYPE_CHECKING:
    from pathlib import Path

HEALTH_NAME = "health.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthMinute:
    """One minute of a session.

    Attributes:
        ts_ns: the minute's end, our clock.
        is_up: at its end nothing kept the session from taking new risk: the stream was up, the
            account reconciled and every price fresh.
        feed: where the prices came from; only `live` counts for the gate.
        fingerprint: of code, limits and strategies, see `Fingerprint.digest`.
        n_asked, n_failed: how often strategies and agents were asked, and how often one raised.
        order_path_ms: of every order answered within the minute, from the decision to the
            venue's answer.
    """

    ts_ns: int
    is_up: bool
    feed: FeedSource
    fingerprint: str
    n_asked: int = 0
    n_failed: int = 0
    order_path_ms: tuple[float, ...] = ()


def append_health(folder: Path, minute: HealthMinute) -> None:
    """Add one line to the health file of a session's folder.

    A line that a crash cut is closed first, so that it spoils no other.

    Raises:
        InputError: it cannot be written.
        MissingError: the disk is full.
    """
    path = ensure_folder(folder) / HEALTH_NAME
    with storage_errors(path), path.open("a+b") as file:
        if file.seek(0, os.SEEK_END) > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(_ADAPTER.dump_json(minute) + b"\n")


def read_health(folder: Path) -> list[HealthMinute]:
    """Return the minutes of a session, by time; none where there is no file.

    A line that cannot be read is no minute: for whoever counts, the session was down.

    Raises:
        InputError: the file cannot be read.
    """
    path = folder / HEALTH_NAME
    with storage_errors(path):
        if not path.is_file():
            return []
        lines = path.read_bytes().splitlines()
    minutes = {minute.ts_ns: minute for line in lines if (minute := _minute(line)) is not None}
    return [minutes[ts_ns] for ts_ns in sorted(minutes)]


def _minute(line: bytes) -> HealthMinute | None:
    try:
        return _ADAPTER.validate_json(line)
    except ValidationError:
        return None


_ADAPTER: TypeAdapter[HealthMinute] = TypeAdapter(HealthMinute)
