"""How fast a session's clock runs: set by what a served exchange says, or as fast as it can."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS
from athena.errors import AthenaError, ServiceDown
from athena.venues.kraken import read_result, read_server_time
from athena.venues.serving import ServedClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.app.running._loop import Ground
    from athena.venues.kraken import PublicTransport

_LISTEN_NS = 70 * SECOND_NS  # a clock that jumps is off for a third of a minute at most (F14)
_LISTEN_MAX_S = 5.0
_SAMPLES_MIN = 20
_PAUSE_S = 0.005
_BEHIND = 0.9
_SETTLED_S = 3.0


def clock_of_venue(transport: PublicTransport, speed: float) -> ServedClock:
    """Set a clock by a venue's, which runs `speed` times as fast as the wall's.

    The venue states whole seconds, and its clock may jump while it is asked: each answer bounds
    the difference, and the bounds around the middle one count.

    Args:
        transport: to the venue.
        speed: seconds of the venue in one of the wall's, > 0.

    Raises:
        ServiceDown: it did not answer often enough.
    """
    bounds: list[tuple[int, int]] = []
    started_ns = time.monotonic_ns()
    until_s = min(_LISTEN_MAX_S, _LISTEN_NS / speed / SECOND_NS)
    failure = ""
    while True:
        elapsed_s = (time.monotonic_ns() - started_ns) / SECOND_NS
        if elapsed_s > until_s and (len(bounds) >= _SAMPLES_MIN or elapsed_s > _LISTEN_MAX_S):
            break
        asked_ns = _scaled(started_ns, speed)
        try:
            venue_ns = read_server_time(read_result(transport.get("Time", {}), "Time"))
        except AthenaError as error:
            failure = error.message
            continue
        bounds.append((venue_ns - _scaled(started_ns, speed), venue_ns + SECOND_NS - asked_ns))
        time.sleep(_PAUSE_S)
    if not bounds:
        message = f"expected the time of the venue, was none: {failure}"
        raise ServiceDown(message, hint="is the exchange running? athena venue serve")
    return ServedClock(middle_of(bounds), started_ns, speed)


def is_behind(reached: float, asked: float) -> bool:
    """Tell whether a session is clearly slower than it was asked to be."""
    return reached < _BEHIND * asked


async def tell_when_behind(ground: Ground, asked: float, say: Callable[[str], None]) -> None:
    """Say it once when the machine cannot keep the speed that was asked for; ends with that.

    Args:
        ground: of the session.
        asked: seconds of the session in one of the wall's.
        say: told.
    """
    await asyncio.sleep(_SETTLED_S)
    while not is_behind(ground.speed_reached, asked):  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(_SETTLED_S)
    say(behind_text(ground.speed_reached, asked))


def behind_text(reached: float, asked: float) -> str:
    """Say that a session is slower than it was asked to be, and that nothing else is wrong."""
    return (
        f"this machine reaches --speed {reached:.3g}, not {asked:g}: the session takes longer, "
        "and does the same"
    )


def middle_of(bounds: list[tuple[int, int]]) -> int:
    """Return the value that most bounds agree on.

    Args:
        bounds: (least, most) of one value, nearly all of them true.
    """
    middles = sorted((least + most) // 2 for least, most in bounds)
    middle = middles[len(middles) // 2]
    true = [(least, most) for least, most in bounds if least <= middle <= most]
    return (max(least for least, _ in true) + min(most for _, most in true)) // 2


def _scaled(started_ns: int, speed: float) -> int:
    return int((time.monotonic_ns() - started_ns) * speed)
