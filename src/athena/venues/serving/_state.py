"""A served exchange in a file, so that it goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from athena.errors import InputError
from athena.platform import atomic_write_text, storage_errors

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class ServedState:
    """What has to be kept.

    Attributes:
        exchange: as `Exchange.save` wrote it.
        market: what it was fed with; the state goes with no other.
        origin_ns: served time at which that market began.
    """

    exchange: str
    market: str
    origin_ns: int


def write_state(state: ServedState, file: Path) -> None:
    """Write a state whole or not at all.

    Raises:
        MissingError: the file cannot be written.
    """
    atomic_write_text(file, json.dumps({"format": _FORMAT, **asdict(state)}))


def read_state(file: Path, market: str) -> ServedState | None:
    """Read a state; None when there is no file yet.

    Args:
        file: where it was written.
        market: what the exchange is going to be fed with.

    Raises:
        InputError: no state of a served exchange, or one that goes with another market.
    """
    with storage_errors(file):
        if not file.exists():
            return None
        text = file.read_text(encoding="utf-8")
    state = _parse(text)
    if state is None:
        message = f"expected the state of a served exchange of format {_FORMAT} in {file}, "
        message += "was something else"
        raise InputError(message, hint="name another file with --state")
    if state.market != market:
        message = f"expected {file} to go with {market}, was {state.market}"
        raise InputError(message, hint="serve the same data, or name another file with --state")
    return state


def _parse(text: str) -> ServedState | None:
    try:
        values = json.loads(text)
    except ValueError:
        return None
    names = {"format", "exchange", "market", "origin_ns"}
    if not isinstance(values, dict) or set(values) != names or values.pop("format") != _FORMAT:
        return None
    return ServedState(**values)
