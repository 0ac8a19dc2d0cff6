"""Sampling of account curves."""

from __future__ import annotations

import numpy as np
import pytest

from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS, parse_time_ns
from athena.errors import InputError
from athena.research.statistics import (
    monthly_returns,
    period_returns,
    rolling_sharpe,
    sample_returns,
    underwater,
    with_start,
)

MIDNIGHT = parse_time_ns("2018-03-01")


def test_intraday_curve_is_sampled_at_utc_midnights() -> None:
    ts_ns = MIDNIGHT + 12 * HOUR_NS * np.arange(5, dtype=np.int64)
    series = sample_returns(np.array([100.0, 150.0, 110.0, 90.0, 121.0]), ts_ns, 12 * HOUR_NS)
    assert series.returns == pytest.approx([0.1, 0.1])
    assert series.periods_per_year == 365
    assert series.years == pytest.approx(2 / 365)
    assert series.ts_ns.tolist() == [MIDNIGHT + DAY_NS, MIDNIGHT + 2 * DAY_NS]


def test_partial_last_day_counts() -> None:
    ts_ns = MIDNIGHT + 6 * HOUR_NS * np.arange(6, dtype=np.int64)
    series = sample_returns(np.array([100.0, 100.0, 100.0, 100.0, 110.0, 121.0]), ts_ns, HOUR_NS)
    assert series.returns == pytest.approx([0.1, 0.1])


def test_day_without_a_bar_repeats_the_last_mark() -> None:
    ts_ns = np.array([MIDNIGHT, MIDNIGHT + DAY_NS, MIDNIGHT + 3 * DAY_NS])
    series = sample_returns(np.array([100.0, 110.0, 121.0]), ts_ns, HOUR_NS)
    assert series.returns == pytest.approx([0.1, 0.0, 0.1])


def test_weekly_bars_are_their_own_periods() -> None:
    ts_ns = MIDNIGHT + 7 * DAY_NS * np.arange(3, dtype=np.int64)
    series = sample_returns(np.array([100.0, 110.0, 99.0]), ts_ns, 7 * DAY_NS)
    assert series.returns == pytest.approx([0.1, -0.1])
    assert series.periods_per_year == pytest.approx(365 / 7)


@pytest.mark.parametrize("length", [0, 1])
def test_too_short_a_curve_has_no_return(length: int) -> None:
    ts_ns = MIDNIGHT + np.arange(length, dtype=np.int64)
    series = sample_returns(np.full(length, 100.0), ts_ns, MINUTE_NS)
    assert len(series.returns) == 0
    assert not series.is_ruined


def test_nan_equity_is_refused_with_its_index() -> None:
    with pytest.raises(InputError, match="was nan at index 2"):
        sample_returns(np.array([1.0, 2.0, np.nan]), np.arange(3, dtype=np.int64), DAY_NS)


def test_start_at_zero_is_refused() -> None:
    with pytest.raises(InputError, match="expected equity > 0 at the start"):
        underwater(np.array([0.0, 1.0]))


def test_shapes_must_agree() -> None:
    with pytest.raises(InputError, match="one shape"):
        sample_returns(np.ones(2), np.arange(3, dtype=np.int64), DAY_NS)


def test_returns_end_at_ruin() -> None:
    returns = period_returns(np.array([100.0, 50.0, -10.0, 40.0]))
    assert returns == pytest.approx([-0.5, -1.2])


def test_underwater_sees_only_the_past() -> None:
    equity = np.array([100.0, 120.0, 90.0, 150.0])
    fall = underwater(equity)
    assert fall == pytest.approx([0.0, 0.0, -0.25, 0.0])
    assert underwater(equity[:3]) == pytest.approx(fall[:3])
    assert len(underwater(equity[:0])) == 0


def test_start_is_put_one_bar_before_the_first_close() -> None:
    equity, ts_ns = with_start(np.array([110.0]), np.array([MIDNIGHT]), 100.0, HOUR_NS)
    assert equity.tolist() == [100.0, 110.0]
    assert ts_ns.tolist() == [MIDNIGHT - HOUR_NS, MIDNIGHT]
    assert len(with_start(np.empty(0), np.empty(0, dtype=np.int64), 100.0, HOUR_NS)[0]) == 0


def test_mark_at_month_end_midnight_belongs_to_the_month_that_ends() -> None:
    ts_ns = np.array([MIDNIGHT - DAY_NS, MIDNIGHT, MIDNIGHT + DAY_NS])
    assert monthly_returns(np.array([100.0, 110.0, 99.0]), ts_ns) == pytest.approx(
        {(2018, 2): 0.1, (2018, 3): -0.1}
    )
    assert monthly_returns(np.array([1.0]), ts_ns[:1]) == {}


def test_rolling_sharpe_of_a_flat_stretch_is_nan() -> None:
    ts_ns = MIDNIGHT + DAY_NS * np.arange(61, dtype=np.int64)
    wiggle = np.where(np.arange(60) < 20, 0.01 * (-1.0) ** np.arange(60), 0.0)
    series = sample_returns(np.cumprod(np.concatenate([[1.0], 1 + wiggle])), ts_ns, DAY_NS)
    rolling = rolling_sharpe(series, window=10)
    assert np.isfinite(rolling[9:20]).all()
    assert np.isnan(rolling[40:]).all()
    assert np.isnan(rolling_sharpe(series, window=100)).all()
