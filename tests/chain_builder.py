"""Synthetic chains whose surface is known, as quotes and as files."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import DAY_NS, format_time, parse_time_ns
from athena.pricing import Contracts, european_price
from athena.pricing.chain import ChainQuotes, Slice
from athena.pricing.engines import american_price

if TYPE_CHECKING:
    from pathlib import Path

AT_NS = parse_time_ns("2024-03-01T21:00:00")
DAYS = (14, 30, 60, 91, 182, 273, 365, 730)
SPOT, RATE, YIELD = 100.0, 0.03, 0.01


def true_slice(years: float) -> Slice:
    """A smile whose variance grows in time at every moneyness: no arbitrage."""
    return Slice(0.03 * years, 0.04 * np.sqrt(years), -0.4, 0.01, 0.2)


def build_chain(
    *,
    n_strikes: int = 60,
    half_spread: float = 0.005,
    is_american: bool = False,
    days: tuple[int, ...] = DAYS,
) -> ChainQuotes:
    """Quote calls and puts at the true value, half a spread to each side."""
    expiry_ns = AT_NS + np.array(days, dtype=np.int64) * DAY_NS
    rows = []
    for expiry, day in zip(expiry_ns.tolist(), days, strict=True):
        years = day / 365
        forward = SPOT * np.exp((RATE - YIELD) * years)
        reach = 2.0 * np.sqrt(true_slice(years).variance(np.zeros(1))[0])
        for strike in np.round(forward * np.exp(np.linspace(-reach, reach, n_strikes)), 4):
            k = np.array([np.log(strike / forward)])
            sigma = float(np.sqrt(true_slice(years).variance(k)[0] / years))
            rows += [(expiry, strike, years, sigma, call) for call in (True, False)]
    expiries, strike, years, sigma, is_call = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    terms = Contracts.of(
        spot=SPOT,
        strike=strike,
        years=years,
        rate=RATE,
        dividend_yield=YIELD,
        sigma=sigma,
        is_call=is_call,
    )
    value = (american_price if is_american else european_price)(terms).value
    n = len(rows)
    return ChainQuotes(
        row=np.arange(1, n + 1),
        quoted_ns=np.full(n, AT_NS),
        expiry_ns=expiries.astype(np.int64),
        strike=strike.astype(np.float64),
        is_call=is_call.astype(np.bool_),
        bid=value - half_spread,
        ask=value + half_spread,
        mark=value,
        published_sigma=sigma.astype(np.float64),
        underlying=np.full(n, SPOT),
        is_american=np.full(n, is_american),
        is_coin=np.zeros(n, dtype=np.bool_),
        quantity=np.zeros(n),
        multiplier=np.ones(n),
        is_readable=np.ones(n, dtype=np.bool_),
        symbol=np.full(n, "", dtype=object),
        problems=(),
    )


def moved(quotes: ChainQuotes, index: int, **values: float) -> ChainQuotes:
    """Return the chain with some cells of one row changed."""
    columns = {name: getattr(quotes, name).copy() for name in values}
    for name, value in values.items():
        columns[name][index] = value
    return replace(quotes, **columns)


def chain_rows(quotes: ChainQuotes) -> list[dict[str, Any]]:
    """Return the quotes as cells of a file."""
    return [
        {
            "quote_time": format_time(int(quotes.quoted_ns[i])),
            "underlying_price": repr(float(quotes.underlying[i])),
            "expiry": format_time(int(quotes.expiry_ns[i])),
            "strike": repr(float(quotes.strike[i])),
            "type": "C" if quotes.is_call[i] else "P",
            "bid": repr(float(quotes.bid[i])),
            "ask": repr(float(quotes.ask[i])),
            "style": "american" if quotes.is_american[i] else "european",
        }
        for i in range(len(quotes))
    ]


def write_rows(rows: list[dict[str, Any]], path: Path) -> Path:
    """Write cells as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
