"""Risk inputs equal their definitions, computed here the slow way, and never see the future."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS, WEEK_NS, Bars, Instrument
from athena.market import correlations, mock_bars, risk_inputs
from athena.market._risk_inputs import RiskInputs
from athena.market.indicators import Atr

BTC = Instrument("BTC/USDT", Decimal("0.01"), Decimal("1e-8"))
XRP = Instrument("XRP/USDT", Decimal("0.01"), Decimal("1e-8"))
DAYS_BARS = mock_bars(BTC, 24 * 80, 11, HOUR_NS)
MINUTES_BARS = mock_bars(BTC, 400, 12, MINUTE_NS)


def gappy(bars: Bars) -> Bars:
    keep = np.ones(len(bars), dtype=bool)
    keep[500:590] = keep[700:701] = False
    columns = (column[keep] for column in bars.columns())
    return Bars(bars.instrument, bars.interval_ns, *columns, bars.provenance)  # type: ignore[misc]


def value_at(bars: Bars, index: int) -> dict[str, int]:
    """Compute every risk input at one bar from its definition."""
    head = bars.rows(0, index + 1)
    ts, _, high, low, close, volume = (column.tolist() for column in head.columns())
    now = ts[-1] + bars.interval_ns
    stream = Atr(14)
    atr = [stream.update(*bar) for bar in zip(high, low, close, strict=True)]
    atr = [value for value in atr if value == value]  # noqa: PLR0124 (not NaN)
    returns = [b / a - 1 for a, b in pairwise(close)][-20:]
    span = min(now - ts[0], 30 * DAY_NS)
    traded = sum(v for t, v in zip(ts, volume, strict=True) if t >= now - 30 * DAY_NS)
    reach = max(5 * MINUTE_NS, bars.interval_ns)
    before = [c for t, c in zip(ts, close, strict=True) if t <= ts[-1] - reach]
    if bars.interval_ns >= 5 * MINUTE_NS:
        before = close[:-1]
    reference = before[-1] if before else int(head.open_ticks[0])
    daily = {(t + bars.interval_ns - 1) // DAY_NS: c for t, c in zip(ts, close, strict=True)}
    over = now // DAY_NS - 1
    last_year = [
        daily[day] / daily[day - 1] - 1
        for day in daily
        if day - 1 in daily and over - 365 < day <= over
    ]
    var = -np.percentile(last_year, 5) if len(last_year) >= 30 else 0
    return {
        "atr_ticks": round(atr[-1]) if atr else 0,
        "atr_mean_ticks": round(sum(atr[-20:]) / 20) if len(atr) >= 20 else 0,
        "daily_volume_lots": int(traded * (DAY_NS / span)) if span >= DAY_NS else 0,
        "volatility_ppm": round(float(np.std(returns)) * 1e6) if len(returns) == 20 else 0,
        "var_ppm": max(0, round(var * 1e6)),
        "move_ppm": round(abs(close[-1] - reference) / reference * 1e6),
    }


@pytest.mark.parametrize("bars", [gappy(DAYS_BARS), MINUTES_BARS], ids=["hours", "minutes"])
def test_every_value_equals_its_definition(bars: Bars) -> None:
    inputs = risk_inputs(bars)
    for index in (0, 1, 5, 13, 14, 19, 20, 33, 34, 100, 399, *range(480, len(bars), 97)):
        if index >= len(bars):
            continue
        for name, expected in value_at(bars, index).items():
            # The slow way rounds sums in another order: the last unit may differ.
            assert abs(int(getattr(inputs, name)[index]) - expected) <= 1, (name, index)


def test_what_is_not_known_yet_is_zero() -> None:
    inputs = risk_inputs(DAYS_BARS)
    first_known = {
        field.name: int(np.flatnonzero(getattr(inputs, field.name))[0])
        for field in fields(RiskInputs)
    }
    assert first_known == {
        "atr_ticks": 14,
        "atr_mean_ticks": 33,
        "daily_volume_lots": 23,
        "volatility_ppm": 20,
        "var_ppm": 31 * 24 - 1,
        "move_ppm": 0,
    }


def test_the_last_stretch_alone_gives_the_same_integers() -> None:
    bars = DAYS_BARS
    whole, tail = risk_inputs(bars), risk_inputs(bars.rows(400, len(bars)))
    for name in ("atr_ticks", "atr_mean_ticks", "volatility_ppm", "move_ppm"):
        np.testing.assert_array_equal(getattr(whole, name)[-100:], getattr(tail, name)[-100:])


def test_cutting_the_future_changes_no_bit() -> None:
    """D02: truncated at every bar, the last value is that of the whole."""
    bars = gappy(mock_bars(BTC, 24 * 33, 4, HOUR_NS))
    whole = risk_inputs(bars)
    for cut in range(1, len(bars) + 1):
        head = risk_inputs(bars.rows(0, cut))
        for field in fields(RiskInputs):
            column = getattr(whole, field.name)
            assert getattr(head, field.name)[-1] == column[cut - 1], (field.name, cut)


def test_changing_the_future_changes_nothing_before_it() -> None:
    """D02: one bar later than t, perturbed, leaves every value at or before t."""
    bars = DAYS_BARS
    whole = risk_inputs(bars)
    for t in (30, 719, 1000, 1511):
        columns = [column.copy() for column in bars.columns()]
        for column in columns[1:]:
            column[t + 1 :] *= 3
        changed = risk_inputs(Bars(BTC, HOUR_NS, *columns, bars.provenance))  # type: ignore[misc]
        for field in fields(RiskInputs):
            ours, theirs = getattr(whole, field.name), getattr(changed, field.name)
            np.testing.assert_array_equal(ours[: t + 1], theirs[: t + 1])


def test_a_flat_price_has_no_risk_and_no_bars_have_no_values() -> None:
    n = 24 * 40
    flat = np.full(n, 100)
    ts_ns = DAYS_BARS.ts_ns[:n]
    bars = Bars(BTC, HOUR_NS, ts_ns, flat, flat, flat, flat, flat, DAYS_BARS.provenance)
    inputs = risk_inputs(bars)
    assert inputs.daily_volume_lots[-1] == 2400
    for name in ("atr_ticks", "atr_mean_ticks", "volatility_ppm", "var_ppm", "move_ppm"):
        assert not getattr(inputs, name).any()
    for n_bars in (0, 1, 2):
        assert len(risk_inputs(bars.rows(0, n_bars)).move_ppm) == n_bars


def test_volumes_whose_total_exceeds_64_bits_are_averaged_right() -> None:
    huge = np.full(len(DAYS_BARS), 10**16)
    inputs = risk_inputs(replace(DAYS_BARS, volume_lots=huge))
    assert inputs.daily_volume_lots[-1] == 24 * 10**16


def test_bars_longer_than_a_day_have_no_one_day_risk() -> None:
    assert not risk_inputs(mock_bars(BTC, 100, 1, WEEK_NS)).var_ppm.any()


def pair(days: int) -> tuple[Bars, Bars]:
    first = mock_bars(BTC, 24 * days, 21, HOUR_NS)
    second = mock_bars(XRP, 24 * days, 22, HOUR_NS)
    close = (first.close_ticks + second.close_ticks) // 2
    return first, replace(second, close_ticks=close)


def test_the_correlation_is_pearson_s_over_90_days() -> None:
    bars = pair(120)
    close_ns = bars[0].ts_ns + HOUR_NS
    result = correlations(bars, close_ns)
    closes = np.stack([item.close_ticks[23::24] for item in bars])
    returns = closes[:, 1:] / closes[:, :-1] - 1
    for day in (61, 75, 90, 91, 119):
        step = 24 * (day + 1) - 1  # the bar that closes at the midnight after `day`
        expected = np.corrcoef(returns[:, max(0, day - 90) : day])[0, 1] * 1e6
        matrix = result.matrices_ppm[result.day[step]]
        assert matrix[0, 1] == matrix[1, 0] == round(expected)
        assert matrix[0, 0] == matrix[1, 1] == 1_000_000


def test_the_correlation_changes_only_at_midnight() -> None:
    bars = pair(70)
    close_ns = bars[0].ts_ns + HOUR_NS
    result = correlations(bars, close_ns)
    changes = np.flatnonzero(np.diff(result.day)) + 1
    assert (close_ns[changes] % DAY_NS == 0).all()


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("BTC/USDT", "XRP/USDT", 750_000),
        ("BTC/USDT", "XRP/BTC", 600_000),
        ("XRP/USDT", "XRP/BTC", 850_000),
        ("XRP/USD", "XRP/BTC", 850_000),
        ("BTC/USD", "ETH/USD", 750_000),
    ],
)
def test_below_60_days_the_defaults_hold(first: str, second: str, expected: int) -> None:
    bars = [
        replace(item, instrument=replace(BTC, symbol=symbol))
        for item, symbol in zip(pair(60), (first, second), strict=True)
    ]
    result = correlations(bars, bars[0].ts_ns + HOUR_NS)
    assert (result.matrices_ppm[:, 0, 1] == expected).all()


def test_a_price_that_does_not_move_has_the_default_correlation() -> None:
    first, second = pair(90)
    flat = replace(second, close_ticks=np.full(len(second), 100))
    result = correlations((first, flat), first.ts_ns + HOUR_NS)
    assert (result.matrices_ppm[:, 0, 1] == 750_000).all()


def test_cutting_the_future_changes_no_correlation() -> None:
    """D02 for the daily matrices."""
    bars = pair(100)
    close_ns = bars[0].ts_ns + HOUR_NS
    whole = correlations(bars, close_ns)
    for cut in (24 * 62, 24 * 80 + 7, 24 * 99 + 23):
        head = correlations([item.rows(0, cut) for item in bars], close_ns[:cut])
        np.testing.assert_array_equal(
            head.matrices_ppm[head.day], whole.matrices_ppm[whole.day[:cut]]
        )


def test_instruments_with_other_first_days_are_aligned() -> None:
    bars = pair(150)
    late = bars[1].rows(24 * 80, 24 * 150)
    close_ns = bars[0].ts_ns + HOUR_NS
    result = correlations((bars[0], late), close_ns)
    known = result.matrices_ppm[result.day][:, 0, 1] != 750_000
    assert int(np.flatnonzero(known)[0]) == 24 * (80 + 61) - 1
