"""Market conditions as bars tell them; what they do not tell is unknown."""

from __future__ import annotations

import math

import numpy as np
import pytest

from athena.desk.inputs import PROFILE_SLOTS, bar_volatility, conditions_of
from athena.domain import HOUR_NS
from tests.desk_builder import START_NS, bars_of, feed_of, snapshot_of, walk


def test_price_volume_and_volatility_come_from_closed_bars() -> None:
    snapshot = snapshot_of(walk(75, 1))
    found = conditions_of(snapshot)
    returns = np.diff(snapshot.working.close) / snapshot.working.close[:-1]
    assert found.price == snapshot.price
    assert found.quoted_at_ns == snapshot.as_of_ns
    assert found.daily_volume == pytest.approx(24 * 100.0)
    assert found.volatility == pytest.approx(float(returns[-20:].std()))


def test_what_is_not_known_is_not_invented() -> None:
    """D03."""
    found = conditions_of(snapshot_of(walk(20, 1)))
    assert (found.daily_volume, found.volatility, found.volume_profile) == (None, None, ())
    assert math.isnan(bar_volatility(snapshot_of(walk(20, 1)).working))


def test_the_profile_is_that_of_the_hours_to_come() -> None:
    """Slots of ten minutes, from a volume that grows through the day."""
    bars = [
        bar._replace(volume=10**8 * ((bar.ts_ns - START_NS) // HOUR_NS % 24 + 1))
        for bar in bars_of(walk(48 + 22, 1))
    ]
    profile = conditions_of(feed_of(bars).at(bars[-1].ts_ns + HOUR_NS)).volume_profile
    assert len(profile) == PROFILE_SLOTS
    assert profile == (*[round(23e6 / 24)] * 6, *[1_000_000] * 6)


def test_hours_that_were_never_seen_make_no_profile() -> None:
    bars = bars_of(walk(30, 1))
    del bars[10:20]
    found = conditions_of(feed_of(bars).at(bars[-1].ts_ns + HOUR_NS))
    assert found.volume_profile == ()


def test_a_market_without_volume_has_an_empty_profile() -> None:
    bars = [bar._replace(volume=0) for bar in bars_of(walk(60, 1))]
    found = conditions_of(feed_of(bars).at(bars[-1].ts_ns + HOUR_NS))
    assert sum(found.volume_profile) == 0
    assert found.daily_volume == 0.0
