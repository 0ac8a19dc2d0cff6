"""What the coordinator does when a loss breaker of the core has acted."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from athena.domain import RiskLevel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.desk.bus import BreakerAlert


class Response(StrEnum):
    """How the desk follows; the core has acted already."""

    NOTE = "note"
    PAUSE = "pause"
    CUT = "cut"  # positions by half, which the core does; the desk pauses
    HALT = "halt"  # and close everything, which the core does


# Named as the limits of `risk.breakers` are.
_BY_BREAKER: Mapping[str, Response] = {
    "daily_loss": Response.PAUSE,
    "weekly_loss": Response.CUT,
    "drawdown_stop": Response.PAUSE,
    "drawdown_limit": Response.HALT,
}
_BY_LEVEL: Mapping[RiskLevel, Response] = {
    RiskLevel.LOW: Response.NOTE,
    RiskLevel.MEDIUM: Response.NOTE,
    RiskLevel.HIGH: Response.PAUSE,
    RiskLevel.CRITICAL: Response.HALT,
}


def respond(alert: BreakerAlert) -> Response:
    """Return how the desk follows a breaker: by its name, an unknown one by its severity."""
    return _BY_BREAKER.get(alert.breaker, _BY_LEVEL[alert.level])
