"""What the positions in a chain are worth together, now and if spot and volatility move."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from athena.pricing.chain._volatilities import RowTerms, values_at

if TYPE_CHECKING:
    from athena.pricing._contracts import Floats
    from athena.pricing.chain._quotes import ChainQuotes
    from athena.pricing.closed import Greeks

SPOT_MOVES = tuple(np.linspace(-0.20, 0.20, 9).round(4).tolist())
SIGMA_MOVES = (-0.10, -0.05, 0.0, 0.05, 0.10)
_LEAST_SIGMA = 0.01
_NAMES = ("value", "delta", "gamma", "vega", "theta", "rho")


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """Totals of the positions, quote currency and natural units.

    Attributes:
        totals: value, delta, gamma, vega, theta, rho of all.
        by_expiry: expiry in UTC nanoseconds -> the same.
        scenarios: (9, 5) change of value for each move of spot (rows) and volatility (columns).
        n_unpriced: positions without a fair value; they are in no total.
    """

    totals: dict[str, float]
    by_expiry: dict[int, dict[str, float]]
    scenarios: Floats
    n_unpriced: int


def value_holdings(
    quotes: ChainQuotes, terms: RowTerms, sigma: Floats, fair: Greeks
) -> Holdings | None:
    """Add the positions up, and revalue them in full on the grid of scenarios.

    Args:
        quotes: with quantities.
        terms: of the rows.
        sigma: (N,) volatility of the surface at each row.
        fair: values at these.

    Returns:
        Holdings; None where nothing is held. Volatility moves by whole points on every strike.
    """
    held = np.flatnonzero(quotes.quantity != 0.0)
    if held.size == 0:
        return None
    priced = held[np.isfinite(fair.price[held])]
    size = quotes.quantity[priced] * quotes.multiplier[priced]
    columns = (fair.price, fair.delta, fair.gamma, fair.vega, fair.theta, fair.rho)
    table = np.array([np.asarray(column)[priced] * size for column in columns])
    by_expiry = {
        int(expiry): _named(table[:, quotes.expiry_ns[priced] == expiry].sum(axis=1))
        for expiry in np.unique(quotes.expiry_ns[priced])
    }
    some = RowTerms(
        contracts=terms.contracts.take(priced),
        is_american=terms.is_american[priced],
        forward=terms.forward[priced],
        discount=terms.discount[priced],
        unit=terms.unit[priced],
        is_known=terms.is_known[priced],
    )
    scenarios = np.empty((len(SPOT_MOVES), len(SIGMA_MOVES)))
    for i, spot_move in enumerate(SPOT_MOVES):
        moved = replace(
            some,
            contracts=replace(some.contracts, spot=some.contracts.spot * (1.0 + spot_move)),
        )
        for j, sigma_move in enumerate(SIGMA_MOVES):
            other = np.maximum(sigma[priced] + sigma_move, _LEAST_SIGMA)
            scenarios[i, j] = float((values_at(moved, other).price * size).sum()) - table[0].sum()
    return Holdings(_named(table.sum(axis=1)), by_expiry, scenarios, len(held) - len(priced))


def _named(values: Floats) -> dict[str, float]:
    return dict(zip(_NAMES, (float(value) for value in values), strict=True))
