"""Thinning keeps what a reader looks for."""

from __future__ import annotations

import numpy as np
import pytest

from athena.reporting._thinning import merge_candles, shared_points
from tests.record_builder import build_record


def test_short_curves_are_kept_whole() -> None:
    assert shared_points(np.ones((2, 50)), 100).tolist() == list(range(50))
    assert shared_points(np.empty((1, 0)), 100).tolist() == []


@pytest.mark.parametrize("n_curves", [1, 3, 8])
def test_extremes_of_every_curve_and_both_ends_survive(
    n_curves: int, rng: np.random.Generator
) -> None:
    curves = np.cumsum(rng.normal(size=(n_curves, 35_000)), axis=1)
    points = shared_points(curves, 2_000)
    assert len(points) <= 2_000
    assert (np.diff(points) > 0).all()
    assert (points[0], points[-1]) == (0, 34_999)
    for curve in curves:
        assert curve[points].min() == curve.min()
        assert curve[points].max() == curve.max()


def test_points_are_spread_evenly_over_time(rng: np.random.Generator) -> None:
    points = shared_points(np.cumsum(rng.normal(size=(6, 35_000)), axis=1), 2_000)
    per_tenth = np.histogram(points, 10, (0, 35_000))[0]
    assert per_tenth.max() - per_tenth.min() <= 24


def test_curve_with_nan_is_thinned_by_its_known_values() -> None:
    curve = np.sin(np.arange(5_000.0))
    curve[:100] = np.nan
    points = shared_points(curve[None, :], 200)
    assert np.nanmax(curve[points]) == np.nanmax(curve)


def test_merged_candles_keep_highs_lows_and_ends() -> None:
    [candles] = build_record(n_steps=2_000, symbols=("BTC/USD",)).candles
    merged = merge_candles(candles, 300)
    assert len(merged.ts_ns) <= 300
    assert merged.high.max() == candles.high.max()
    assert merged.low.min() == candles.low.min()
    assert (merged.open[0], merged.close[-1]) == (candles.open[0], candles.close[-1])
    assert merged.interval_ns == 7 * candles.interval_ns
    assert merge_candles(candles, 2_000) is candles
