"""Three recorded option chains from end to end; skipped where the data is not beside us."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.domain import parse_time_ns
from athena.pricing import Contracts, european_greeks, implied_volatility
from athena.pricing.chain import ChainAnalysis, ChainSettings, analyse_chain, read_chain

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("polars", reason="the extra `data` is not installed")


def _analysed(shared_data: Path, name: str, at: str = "") -> ChainAnalysis:
    settings = ChainSettings(at_ns=parse_time_ns(at) if at else None)
    quotes = read_chain(shared_data / "options" / f"{name}.parquet", settings)
    return analyse_chain(quotes, settings)


def test_coin_settled_marks_are_black_76(shared_data: Path) -> None:
    """PR-30."""
    found = _analysed(shared_data, "deribit_eth_2024-01-08")
    quotes, terms = found.quotes, found.terms
    assert quotes.is_coin.all()
    known = np.isfinite(quotes.published_sigma)
    # Each row on its own forward, as the venue computed it.
    rows = Contracts.on_forward(
        forward=quotes.underlying,
        strike=quotes.strike,
        years=terms.contracts.years,
        rate=0.0,
        sigma=np.where(known, quotes.published_sigma, 0.0),
        is_call=quotes.is_call,
    )
    greeks = european_greeks(rows)
    error = np.abs(greeks.price / quotes.underlying - quotes.mark)[known]
    assert np.median(error) <= 1e-5
    assert error.max() <= 3e-4
    assert found.findings.n_executable == 0
    assert found.status_counts == {"OK": 374, "NO_BID": 230, "NO_ASK": 46, "WIDE": 34}


@pytest.mark.parametrize(
    ("name", "at", "dividend_after"),
    [
        ("aapl_2014_daily_chain", "2014-06-06T20:00", "2014-08-07"),
        ("goog_2015_daily_chain", "2015-12-24T21:00", "2099-01-01"),
    ],
)
def test_american_equity_chains(
    shared_data: Path, name: str, at: str, dividend_after: str
) -> None:
    """PR-31: forwards near spot before the next dividend, hardly a finding, premium >= 0."""
    found = _analysed(shared_data, name, at)
    before = [
        item
        for item in found.forwards
        if item.expiry_ns < parse_time_ns(dividend_after) and item.years < 0.15
    ]
    assert len(before) >= 4
    for item in before:
        assert abs(item.forward / item.spot - 1.0) <= 1e-3
    assert found.findings.broken_frac <= 1e-3
    sigma = np.where(np.isfinite(found.sigma), found.sigma, 0.0)
    european = european_greeks(found.terms.contracts.with_sigma(sigma)).price
    priced = np.isfinite(found.fair.price)
    assert priced.sum() > 1_500
    assert np.all(found.fair.price[priced] >= european[priced] - 1e-9)
    assert len(found.slices) >= 11
    assert not any(item.has_arbitrage for item in found.slices)


def test_published_volatilities_and_parity_of_coin_settled_marks(shared_data: Path) -> None:
    """PR-30: the volatilities come back from the marks; calls and puts agree."""
    found = _analysed(shared_data, "deribit_eth_2024-01-08")
    quotes, years = found.quotes, found.terms.contracts.years
    rows = Contracts.on_forward(
        forward=quotes.underlying,
        strike=quotes.strike,
        years=years,
        rate=0.0,
        is_call=quotes.is_call,
    )
    sigma = implied_volatility(rows, quotes.mark * quotes.underlying).sigma
    vega = european_greeks(rows.with_sigma(np.nan_to_num(quotes.published_sigma))).vega
    counted = np.isfinite(quotes.published_sigma) & (vega / quotes.underlying / 100.0 >= 2e-4)
    assert counted.sum() > 200
    near = np.abs(sigma - quotes.published_sigma)[counted] <= 1e-3
    assert np.mean(near) >= 0.95
    residuals = []
    for expiry in np.unique(quotes.expiry_ns):
        calls, puts = (
            np.flatnonzero((quotes.expiry_ns == expiry) & (quotes.is_call == call))
            for call in (True, False)
        )
        strikes, i, j = np.intersect1d(
            quotes.strike[calls], quotes.strike[puts], return_indices=True
        )
        forward = quotes.underlying[calls[i]]
        gap = quotes.mark[calls[i]] - quotes.mark[puts[j]]
        residuals.append(np.abs(gap - (forward - strikes) / forward))
    assert np.median(np.concatenate(residuals)) <= 5e-5
