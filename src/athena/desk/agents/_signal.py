"""What a strategy asks for, before it is a proposal."""

from __future__ import annotations

from typing import NamedTuple


class Signal(NamedTuple):
    """What a strategy asks for.

    Attributes:
        side: 1 long, -1 short, 0 nothing.
        strength: 0..1.
        stop, target: prices, not yet on whole ticks; NaN for nothing.
        reason: what it saw.
    """

    side: int
    strength: float
    stop: float
    target: float
    reason: str


NOTHING = Signal(0, 0.0, float("nan"), float("nan"), "")
