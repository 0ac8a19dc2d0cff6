"""What depends on how many bars a host keeps: how far each indicator is from a whole history's."""

from __future__ import annotations

import numpy as np
import pytest

from athena.domain import MINUTE_NS, Bars
from athena.market import mock_bars
from athena.market.indicators import INDICATORS, compute_indicators
from athena.research.hosting import WINDOW_BARS
from tests.market_builder import driftless_bars, instrument_of

SHORTEST = WINDOW_BARS - WINDOW_BARS // 8  # after the oldest eighth went
NAMES = [name for indicator in INDICATORS for name in indicator.outputs]
SERIES = {
    "lively": mock_bars(instrument_of("BTC/USD"), 9_000, 3, 30 * MINUTE_NS),
    "calm": driftless_bars(9_000, 5, "BTC/USD", MINUTE_NS),
}


def worst(bars: Bars, n_window: int) -> dict[str, float]:
    """Return the largest difference of each indicator's last value, as a part of its size."""
    whole = compute_indicators(bars)
    found = dict.fromkeys(NAMES, 0.0)
    for end in range(len(bars) - 500, len(bars), 83):
        part = compute_indicators(bars.rows(end - n_window, end))
        for name in NAMES:
            size = float(np.nanmax(np.abs(whole[name][end - n_window : end])))
            difference = abs(float(part[name][-1] - whole[name][end - 1]))
            found[name] = max(found[name], difference / size if size else difference)
    return found


@pytest.mark.parametrize("name", SERIES)
def test_in_a_full_window_every_indicator_but_obv_has_the_value_of_the_whole_history(
    name: str,
) -> None:
    """A sum from the first bar on, as on-balance volume is, has no value of its own."""
    found = worst(SERIES[name], SHORTEST)
    assert {key: value for key, value in found.items() if value > 0} == {"obv": found["obv"]}


def test_in_a_short_window_a_long_exponential_mean_is_off() -> None:
    """The clean twin above proves nothing unless a short window shows."""
    assert worst(SERIES["lively"], 500)["ema_200"] > 1e-4
    assert worst(SERIES["lively"], 1_000)["ema_200"] < 1e-4
