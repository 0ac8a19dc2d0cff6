"""What an order of a symbol would meet, as its own bars tell."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS

if TYPE_CHECKING:
    from decimal import Decimal

    from athena.desk.inputs._frames import Frame
    from athena.desk.inputs._snapshot import Snapshot

VOLATILITY_BARS = 20
PROFILE_SLOTS = 12
SLOT_NS = 10 * MINUTE_NS  # of the core's VWAP
_HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketConditions:
    """What an order of one symbol would meet.

    Attributes:
        price: last price, quote currency; None when there is none.
        quoted_at_ns: when it was quoted, UTC.
        daily_volume: mean base volume a day; None when unknown.
        volatility: deviation of bar returns, fraction; None when unknown.
        volume_profile: (N,) relative volume expected in the 10-minute slots to come; empty when
            unknown.
    """

    price: Decimal | None
    quoted_at_ns: int
    daily_volume: float | None = None
    volatility: float | None = None
    volume_profile: tuple[int, ...] = field(default=())


def bar_volatility(frame: Frame, n_bars: int = VOLATILITY_BARS) -> float:
    """Return the population deviation of the last bar returns; NaN with fewer bars."""
    if len(frame) <= n_bars:
        return math.nan
    close = frame.close[-n_bars - 1 :]
    return float((np.diff(close) / close[:-1]).std())


def conditions_of(snapshot: Snapshot) -> MarketConditions:
    """Read the conditions off a snapshot: what its bars do not tell is unknown.

    The mean daily volume is that of the daily frame's closed days, the profile that of the hours
    of the day over the hourly frame, once each hour has been seen.
    """
    volatility = bar_volatility(snapshot.working)
    days = snapshot.frame(DAY_NS)
    hours = snapshot.frame(HOUR_NS)
    has_days = days is not None and len(days) > 0
    return MarketConditions(
        price=snapshot.price,
        quoted_at_ns=snapshot.last_close_ns,
        daily_volume=float(days.volume.mean()) if days is not None and has_days else None,
        volatility=None if math.isnan(volatility) else volatility,
        volume_profile=() if hours is None else _profile(hours, snapshot.as_of_ns),
    )


def _profile(hours: Frame, as_of_ns: int) -> tuple[int, ...]:
    """Return the mean volume of the hour of the day that each coming slot falls into."""
    if len(hours) < _HOURS:
        return ()
    hour = (hours.ts_ns // HOUR_NS) % _HOURS
    counts = np.bincount(hour, minlength=_HOURS)
    if not counts.all():
        return ()
    means = np.bincount(hour, weights=hours.volume, minlength=_HOURS) / counts
    largest = float(means.max())
    if largest <= 0:
        return (0,) * PROFILE_SLOTS
    slots = (as_of_ns + SLOT_NS * np.arange(PROFILE_SLOTS)) // HOUR_NS % _HOURS
    scaled = np.rint(means[slots] / largest * 1_000_000)
    return tuple(int(value) for value in scaled)
