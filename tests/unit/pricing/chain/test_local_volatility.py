"""Local volatility: a surface must reprice itself."""

from __future__ import annotations

import numpy as np
import pytest

from athena.errors import InputError
from athena.pricing.chain import (
    ChainSettings,
    Forward,
    Slice,
    SurfaceSlice,
    analyse_chain,
    local_volatility,
    reprice_by_local_volatility,
)
from tests.chain_builder import build_chain

pytest.importorskip("scipy", reason="the extra `pricing` is not installed")


def _flat(years: float, sigma: float) -> SurfaceSlice:
    forward = Forward(0, years, 100.0, 1.0, 0.0, 0.0, 100.0, 5, "parity")
    return SurfaceSlice(
        forward,
        Slice(sigma * sigma * years, 0.0, 0.0, 0.0, 0.1),
        -0.3,
        0.3,
        np.zeros(0, np.intp),
        np.zeros(0),
        0.0,
        1.0,
        1.0,
        1.0,
        1.0,
        0.0,
        is_repaired=False,
    )


def test_a_flat_surface_has_its_own_volatility() -> None:
    slices = [_flat(0.5, 0.2), _flat(1.0, 0.2)]
    k = np.linspace(-0.3, 0.3, 7)
    for years in (0.1, 0.5, 0.75, 2.0):
        assert local_volatility(slices, k, years) == pytest.approx(0.2, rel=1e-12)


def test_volatility_that_rises_in_time_is_read_between_expiries() -> None:
    """Forward variance: (0.3^2 1 - 0.2^2 0.5) / 0.5."""
    slices = [_flat(0.5, 0.2), _flat(1.0, 0.3)]
    expected = np.sqrt((0.09 - 0.02) / 0.5)
    assert local_volatility(slices, np.zeros(1), 0.75)[0] == pytest.approx(expected)


def test_a_surface_reprices_itself() -> None:
    """Section 5: the round trip; within 0.03 volatility points inside the quotes."""
    slices = analyse_chain(build_chain(n_strikes=21), ChainSettings()).slices
    found = reprice_by_local_volatility(slices)
    assert len(found) == 8
    for item in found:
        assert len(item.k) > 50
        assert np.max(np.abs(item.error_points)) <= 0.03
        assert np.all(np.diff(item.calls) < 0)


def test_the_round_trip_has_second_order() -> None:
    """PR-17: at least 1.8 on doubling."""
    slices = [_flat(0.5, 0.2), _flat(1.0, 0.25)]
    coarse, fine = (
        reprice_by_local_volatility(slices, n_space, n_time)[1]
        for n_space, n_time in ((200, 40), (400, 80))
    )
    errors = [np.max(np.abs(item.error_points)) for item in (coarse, fine)]
    assert np.log2(errors[0] / errors[1]) >= 1.8


def test_no_surface_is_refused() -> None:
    with pytest.raises(InputError, match="without a slice"):
        reprice_by_local_volatility([])
    with pytest.raises(InputError, match="without a slice"):
        local_volatility([], np.zeros(1), 1.0)
