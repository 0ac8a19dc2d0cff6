"""A chain from a known surface: everything must come back."""

from __future__ import annotations

import numpy as np
import pytest

from athena.errors import InputError
from athena.pricing.chain import (
    ChainAnalysis,
    ChainSettings,
    Forward,
    Slice,
    SurfaceSlice,
    analyse_chain,
    surface_sigma,
)
from tests.chain_builder import RATE, SPOT, YIELD, build_chain, moved, true_slice

SETTINGS = ChainSettings()


@pytest.fixture(scope="module")
def clean() -> ChainAnalysis:
    """The European chain of PR-27, analysed once."""
    return analyse_chain(build_chain(), SETTINGS)


def test_rate_and_forwards_come_back(clean: ChainAnalysis) -> None:
    """PR-27: within 1e-6."""
    assert clean.rate == pytest.approx(RATE, abs=1e-9)
    for item in clean.forwards:
        forward = SPOT * np.exp((RATE - YIELD) * item.years)
        assert item.forward == pytest.approx(forward, rel=1e-9)
        assert item.dividend_yield == pytest.approx(YIELD, abs=1e-7)
        assert item.source == "parity"


def test_implied_volatilities_come_back(clean: ChainAnalysis) -> None:
    """PR-27: within 1e-8 for the rows out of the money."""
    used = clean.volatility.is_used
    assert used.sum() == 8 * 60
    error = np.abs(clean.volatility.mid - clean.quotes.published_sigma)[used]
    assert error.max() <= 1e-8

    """PR-27: 1e-4 volatility points; density 1 and F; no finding, executable or mid-only."""


def test_the_surface_comes_back_without_arbitrage(clean: ChainAnalysis) -> None:
    """PR-27: 1e-4 volatility points; density 1 and F; no finding, executable or mid-only."""
    for item in clean.slices:
        k = np.linspace(item.low, item.high, 101)
        true = np.sqrt(true_slice(item.forward.years).variance(k) / item.forward.years)
        fitted = np.sqrt(item.slice.variance(k) / item.forward.years)
        assert 100 * np.max(np.abs(fitted - true)) <= 1e-4
        assert item.mass == pytest.approx(1.0, abs=1e-3)
        assert item.mean == pytest.approx(1.0, abs=1e-3)
        assert not item.has_arbitrage
        assert not item.is_repaired
        assert item.inside_frac == 1.0
    assert clean.findings.found == ()
    assert clean.findings.broken_frac == 0.0


def test_fair_values_are_the_mids(clean: ChainAnalysis) -> None:
    assert np.nanmax(np.abs(clean.rich)) < 1e-3
    assert np.nanmax(np.abs(clean.fair.price - clean.quotes.mark)) < 1e-6


def test_an_american_chain_gives_its_forwards_and_volatilities() -> None:
    """Section 9.2: European equivalents until no forward moves."""
    found = analyse_chain(build_chain(n_strikes=21, is_american=True), SETTINGS)
    assert found.rate == pytest.approx(RATE, abs=2e-4)
    for item in found.forwards:
        forward = SPOT * np.exp((RATE - YIELD) * item.years)
        assert item.forward == pytest.approx(forward, rel=3e-4)
    used = found.volatility.is_used
    assert np.median(np.abs(found.volatility.mid - found.quotes.published_sigma)[used]) < 1e-3
    assert found.findings.n_executable == 0


def test_a_given_rate_is_used() -> None:
    found = analyse_chain(build_chain(n_strikes=11), ChainSettings(rate=0.05))
    assert found.rate == 0.05
    assert {item.rate for item in found.forwards} == {0.05}


def test_short_expiries_alone_do_not_fit_a_rate() -> None:
    """Section 9.2, the pitfall: the slope of a short expiry is noise."""
    found = analyse_chain(build_chain(n_strikes=11, days=(14, 30)), SETTINGS)
    assert found.rate == 0.0


def test_an_expiry_without_pairs_is_refused_or_takes_what_is_given() -> None:
    quotes = build_chain(n_strikes=11)
    only_calls = quotes.take(np.flatnonzero(quotes.is_call))
    refused = analyse_chain(only_calls, SETTINGS)
    assert {item.source for item in refused.forwards} == {"refused"}
    assert np.isnan(refused.sigma).all()
    given = analyse_chain(only_calls, ChainSettings(rate=RATE, dividend_yield=YIELD))
    assert {item.source for item in given.forwards} == {"given"}
    assert given.forwards[0].forward == pytest.approx(
        SPOT * np.exp((RATE - YIELD) * given.forwards[0].years)
    )
    assert given.volatility.is_used.any()


def test_a_moved_quote_is_rich_and_its_neighbours_are_not() -> None:
    """PR-35: moved by three half-spreads; leave-one-out does not let it price itself."""
    quotes = build_chain()
    clean = analyse_chain(quotes, SETTINGS)
    index = int(np.flatnonzero(clean.volatility.is_used & (quotes.quoted_ns > 0))[200])
    shift = 3 * 0.005
    shifted = moved(quotes, index, bid=quotes.bid[index] + shift, ask=quotes.ask[index] + shift)
    found = analyse_chain(shifted, ChainSettings(leave_one_out=True))
    assert found.rich[index] > 2.5
    same = np.flatnonzero((quotes.expiry_ns == quotes.expiry_ns[index]) & clean.volatility.is_used)
    others = same[same != index]
    assert np.max(np.abs(found.rich[others])) < 1.0


def test_positions_are_added_up_and_revalued() -> None:
    quotes = build_chain(n_strikes=11)
    near = np.flatnonzero(quotes.is_call & (np.abs(quotes.strike - 100) < 3))[:2]
    quotes = moved(moved(quotes, near[0], quantity=10.0, multiplier=100.0), near[1], quantity=-5.0)
    found = analyse_chain(quotes, SETTINGS)
    size = {near[0]: 1000.0, near[1]: -5.0}
    value = sum(found.fair.price[row] * count for row, count in size.items())
    assert found.holdings is not None
    assert found.holdings.totals["value"] == pytest.approx(value)
    assert found.holdings.totals["delta"] == pytest.approx(
        sum(found.fair.delta[row] * count for row, count in size.items())
    )
    assert found.holdings.scenarios.shape == (9, 5)
    assert found.holdings.scenarios[4, 2] == pytest.approx(0.0, abs=1e-9)
    up = found.holdings.scenarios[5, 2]  # spot + 5 %
    delta, gamma = found.holdings.totals["delta"], found.holdings.totals["gamma"]
    assert up == pytest.approx(delta * 5 + 0.5 * gamma * 25, rel=0.05)
    assert analyse_chain(build_chain(n_strikes=11), SETTINGS).holdings is None


def test_a_chain_without_a_usable_row_is_refused() -> None:
    quotes = build_chain(n_strikes=5)
    late = ChainSettings(at_ns=int(quotes.expiry_ns.max()) + 1)
    with pytest.raises(InputError, match="EXPIRED"):
        analyse_chain(quotes, late)


def test_the_slice_of_the_specification() -> None:
    """PR-34."""
    example = Slice(0.01, 0.1, -0.4, 0.02, 0.15)
    least = example.butterfly(np.linspace(-4, 4, 401)).min()
    assert least == pytest.approx(0.25203, abs=2e-5)
    mass, mean = example.integral_and_mean()
    assert mass == pytest.approx(1.0, abs=1e-6)
    assert mean == pytest.approx(1.0, abs=1e-6)


def test_between_expiries_variance_is_linear_and_extrapolation_is_flagged() -> None:
    def item(years: float) -> SurfaceSlice:
        forward = Forward(0, years, 100.0, 1.0, 0.0, 0.0, 100.0, 5, "parity")
        return SurfaceSlice(
            forward, Slice(0.04 * years, 0.0, 0.0, 0.0, 0.1), -0.2, 0.2, np.zeros(0, np.intp),
            np.zeros(0), 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, is_repaired=False,
        )  # fmt: skip

    k, years = np.array([0.0, 0.0, 0.3, 0.0]), np.array([0.75, 2.0, 0.75, 0.25])
    sigma, outside = surface_sigma([item(0.5), item(1.0)], k, years)
    assert sigma == pytest.approx([0.2] * 4)
    assert outside.tolist() == [False, True, True, True]
    assert np.isnan(surface_sigma([], k, years)[0]).all()
