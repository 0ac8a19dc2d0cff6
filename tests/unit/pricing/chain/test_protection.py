"""Protective puts: what a floor costs at the ask."""

from __future__ import annotations

import numpy as np
import pytest

from athena.errors import InputError
from athena.pricing.chain import ChainAnalysis, ChainSettings, analyse_chain, protective_puts
from tests.chain_builder import SPOT, build_chain, moved


@pytest.fixture(scope="module")
def analysis() -> ChainAnalysis:
    """A clean chain."""
    return analyse_chain(build_chain(n_strikes=21, days=(91, 365)), ChainSettings())


def test_the_highest_strike_under_the_floor_is_taken_at_its_ask(analysis: ChainAnalysis) -> None:
    found = protective_puts(analysis, 250.0, [0.95])
    assert len(found) == 2
    for item in found:
        quotes = analysis.quotes
        index = item.row - 1
        assert not quotes.is_call[index]
        same = (quotes.expiry_ns == item.expiry_ns) & ~quotes.is_call
        assert item.strike == quotes.strike[same & (quotes.strike <= 95.0)].max()
        assert item.cost == pytest.approx(250.0 * quotes.ask[index])
        assert item.cost_frac == pytest.approx(quotes.ask[index] / SPOT)
        assert item.cost_frac_year == pytest.approx(item.cost_frac / item.years)
        assert item.fair_cost < item.cost
        assert item.contracts == 250.0


def test_the_worst_case_holds_for_any_price_at_expiry(analysis: ChainAnalysis) -> None:
    for item in protective_puts(analysis, 10.0):
        prices = np.linspace(0, 300, 601)
        value = 10.0 * (prices + np.maximum(item.strike - prices, 0.0)) - item.cost
        assert value.min() == pytest.approx(10.0 * SPOT * (1.0 - item.worst_frac))


def test_a_floor_nobody_quotes_and_a_quote_that_is_not_clean_are_left_out(
    analysis: ChainAnalysis,
) -> None:
    assert protective_puts(analysis, 1.0, [0.01]) == []
    best = protective_puts(analysis, 1.0, [0.95])[0]
    crossed = moved(analysis.quotes, best.row - 1, bid=9.0, ask=8.0)
    other = protective_puts(analyse_chain(crossed, ChainSettings()), 1.0, [0.95])[0]
    assert other.strike < best.strike


@pytest.mark.parametrize(("units", "floors"), [(0.0, [0.9]), (np.nan, [0.9]), (1.0, [1.2])])
def test_what_makes_no_sense_is_refused(
    analysis: ChainAnalysis, units: float, floors: list[float]
) -> None:
    with pytest.raises(InputError, match="expected a"):
        protective_puts(analysis, units, floors)
