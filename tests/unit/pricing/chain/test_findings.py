"""Arbitrage in quotes: one planted violation of each kind, and clean twins."""

from __future__ import annotations

import numpy as np
import pytest

from athena.pricing.chain import ChainQuotes, ChainSettings, Finding, analyse_chain
from tests.chain_builder import RATE, SPOT, YIELD, build_chain, moved

DAYS = (91, 182, 365)


def _chain(*, is_american: bool = False) -> ChainQuotes:
    return build_chain(n_strikes=15, days=DAYS, is_american=is_american, half_spread=0.002)


def _find(quotes: ChainQuotes, **settings: float) -> tuple[Finding, ...]:
    given = ChainSettings(rate=RATE, dividend_yield=YIELD, **settings)
    return analyse_chain(quotes, given).findings.found


def _row(quotes: ChainQuotes, day: int, position: int, *, is_call: bool) -> int:
    """The index of a strike, counted from the lowest of an expiry."""
    at = (np.abs(quotes.expiry_ns - quotes.expiry_ns[0]) == (day - DAYS[0]) * 86_400 * 10**9) & (
        quotes.is_call == is_call
    )
    rows = np.flatnonzero(at)
    return int(rows[np.argsort(quotes.strike[rows])][position])


def _only(found: tuple[Finding, ...], kind: str, row: int) -> Finding:
    """The largest executable finding of a kind; every finding must hold the moved row."""
    assert all(row in {leg.row for leg in item.legs} for item in found if item.is_executable)
    items = [item for item in found if item.kind == kind and item.is_executable]
    assert items, kind
    return items[0]


@pytest.mark.parametrize("is_american", [False, True])
def test_a_clean_chain_has_no_finding(is_american: bool) -> None:
    """PR-28, the clean twin."""
    assert not [item for item in _find(_chain(is_american=is_american)) if item.is_executable]


def test_an_ask_under_the_least_value() -> None:
    """PR-28, bounds."""
    quotes = _chain()
    index = _row(quotes, 182, 2, is_call=True)
    years = 182 / 365
    least = SPOT * np.exp(-YIELD * years) - quotes.strike[index] * np.exp(-RATE * years)
    quotes = moved(quotes, index, bid=least - 0.5, ask=least - 0.4)
    found = _only(_find(quotes), "bounds", index + 1)
    assert found.profit == pytest.approx(0.4, abs=1e-6)  # the forward is the chain's own
    assert [(leg.row, leg.side) for leg in found.legs] == [(index + 1, "buy")]
    assert found.half_spreads == pytest.approx(0.4 / 0.05, rel=1e-4)


def test_an_american_ask_under_exercise() -> None:
    """PR-28, bounds: also under the exercise value."""
    quotes = _chain(is_american=True)
    index = _row(quotes, 91, 13, is_call=False)
    payoff = quotes.strike[index] - SPOT
    quotes = moved(quotes, index, bid=payoff - 0.06, ask=payoff - 0.05)
    items = [item for item in _find(quotes) if item.rule == "ask under the exercise value"]
    assert items[0].profit == pytest.approx(0.05, abs=1e-9)


def test_calls_that_rise_with_the_strike() -> None:
    """PR-28, vertical: profit to 1e-9."""
    quotes = _chain()
    low, high = (_row(quotes, 182, position, is_call=True) for position in (9, 10))
    dear = quotes.ask[low] + 0.25
    quotes = moved(quotes, high, bid=dear, ask=dear + 0.004)
    found = _only(_find(quotes), "vertical", high + 1)
    assert found.profit == pytest.approx(0.25, abs=1e-9)
    assert {(leg.row, leg.side) for leg in found.legs} == {(low + 1, "buy"), (high + 1, "sell")}


def test_a_put_spread_dearer_than_its_width() -> None:
    """PR-28, vertical mirrored for puts."""
    quotes = _chain()
    low, high = (_row(quotes, 365, position, is_call=False) for position in (6, 7))
    width = (quotes.strike[high] - quotes.strike[low]) * np.exp(-RATE)
    dear = quotes.ask[low] + width + 0.3
    found = _only(_find(moved(quotes, high, bid=dear, ask=dear + 0.004)), "vertical", high + 1)
    assert found.profit == pytest.approx(0.3, abs=1e-9)


def test_a_strike_over_the_line_between_its_neighbours() -> None:
    """PR-28, butterfly."""
    quotes = _chain()
    left, middle, right = (_row(quotes, 91, position, is_call=True) for position in (6, 7, 8))
    low, mid, high = quotes.strike[[left, middle, right]]
    share = (high - mid) / (high - low)
    line = share * quotes.ask[left] + (1 - share) * quotes.ask[right]
    quotes = moved(quotes, middle, bid=line + 0.01, ask=line + 0.014)
    items = [item for item in _find(quotes) if item.kind == "butterfly" and item.is_executable]
    legs = {(left + 1, "buy"), (middle + 1, "sell"), (right + 1, "buy")}
    found = next(item for item in items if {(leg.row, leg.side) for leg in item.legs} == legs)
    assert found.profit == pytest.approx(0.01, abs=1e-9)
    assert sorted(leg.quantity for leg in found.legs) == pytest.approx(
        sorted([share, 1.0, 1.0 - share])
    )


def test_a_call_and_a_put_that_break_parity() -> None:
    """PR-28, parity."""
    quotes = _chain()
    call, put = (_row(quotes, 182, 7, is_call=is_call) for is_call in (True, False))
    years = 182 / 365
    gap = SPOT * np.exp(-YIELD * years) - quotes.strike[call] * np.exp(-RATE * years)
    dear = quotes.ask[put] + gap + 0.02
    quotes = moved(quotes, call, bid=dear, ask=dear + 0.004)
    found = _only(_find(quotes), "parity", call + 1)
    assert {(leg.row, leg.side) for leg in found.legs} == {(call + 1, "sell"), (put + 1, "buy")}
    assert found.profit == pytest.approx(0.02, abs=1e-4)  # the moved pair moves the forward a bit


@pytest.mark.parametrize("is_american", [True, False])
def test_a_later_expiry_that_is_cheaper(is_american: bool) -> None:
    """PR-28, calendar: the same strike, or the same moneyness for European options."""
    quotes = build_chain(n_strikes=15, days=DAYS, is_american=is_american, half_spread=0.002)
    if is_american:
        # One strike in all expiries.
        quotes.strike[:] = np.where(np.abs(quotes.strike - 100) < 1e-9, 100.0, quotes.strike)
    near = _row(quotes, 91, 7, is_call=True)
    far = np.flatnonzero((quotes.expiry_ns > quotes.expiry_ns[near]) & quotes.is_call)
    if is_american:
        quotes.strike[far[7]] = quotes.strike[near]
    dear = quotes.ask[far].max() + 0.5
    items = [item for item in _find(moved(quotes, near, bid=dear, ask=dear + 0.004))
             if item.kind == "calendar" and item.is_executable]  # fmt: skip
    assert items
    assert all(near + 1 in {leg.row for leg in item.legs} for item in items)


def test_noise_inside_the_spread_cannot_be_executed() -> None:
    """PR-28: mid-only findings are labelled."""
    rng = np.random.default_rng(28)
    quotes = build_chain(n_strikes=30, days=DAYS, half_spread=0.02)
    noise = rng.uniform(-0.019, 0.019, len(quotes))
    noisy = ChainQuotes(
        **{
            **{name: getattr(quotes, name) for name in ChainQuotes.__slots__},
            "bid": quotes.bid + noise,
            "ask": quotes.ask + noise,
        }
    )
    found = _find(noisy)
    assert found
    assert not [item for item in found if item.is_executable]


def test_fees_eat_a_profit() -> None:
    quotes = _chain()
    low, high = (_row(quotes, 182, position, is_call=True) for position in (9, 10))
    dear = quotes.ask[low] + 0.25
    quotes = moved(quotes, high, bid=dear, ask=dear + 0.004)
    found = _only(_find(quotes, fee_per_leg=0.1), "vertical", high + 1)
    assert found.profit == pytest.approx(0.05, abs=1e-9)
    rest = [item for item in _find(quotes, fee_per_leg=0.2) if item.kind == "vertical"]
    assert not [item for item in rest if item.is_executable]


def test_quotes_that_are_not_simultaneous_are_named() -> None:
    """PR-31: more than 1 % of neighbouring strikes."""
    quotes = build_chain(n_strikes=30, days=DAYS, half_spread=0.002)
    rng = np.random.default_rng(31)
    for index in rng.choice(len(quotes), 12, replace=False).tolist():
        shift = 0.03 * SPOT
        quotes = moved(quotes, index, bid=quotes.bid[index] + shift, ask=quotes.ask[index] + shift)
    found = analyse_chain(quotes, ChainSettings(rate=RATE, dividend_yield=YIELD))
    assert found.findings.broken_frac > 0.01
    assert any("not simultaneous" in line for line in found.summary())
    clean = analyse_chain(_chain(), ChainSettings(rate=RATE, dividend_yield=YIELD))
    assert not any("not simultaneous" in line for line in clean.summary())
