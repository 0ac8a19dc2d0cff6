"""What it costs to put a floor under a holding of the underlying, at the asks of a chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.pricing.chain._clean import has_status
from athena.pricing.chain._quotes import QuoteStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.pricing.chain._analysis import ChainAnalysis

FLOORS = (0.95, 0.90, 0.80)  # of the spot


@dataclass(frozen=True, slots=True)
class ProtectivePut:
    """One way to protect a holding until an expiry.

    Attributes:
        row: of the put in the file.
        expiry_ns: UTC nanoseconds.
        years: to it.
        floor_frac: floor that was asked for, share of the spot.
        strike: of the put with the highest strike not above the floor.
        contracts: needed for the whole holding.
        cost: at the ask, quote currency.
        cost_frac: cost over the value of the holding.
        cost_frac_year: the same for a year of such puts, in proportion to time.
        worst_frac: most that holding and put together can lose until expiry, share of the
            holding's value, cost included.
        fair_cost: at the surface's value, quote currency; NaN without a surface.
    """

    row: int
    expiry_ns: int
    years: float
    floor_frac: float
    strike: float
    contracts: float
    cost: float
    cost_frac: float
    cost_frac_year: float
    worst_frac: float
    fair_cost: float


def protective_puts(
    analysis: ChainAnalysis, units: float, floors: Sequence[float] = FLOORS
) -> list[ProtectivePut]:
    """Find, for each expiry and floor, the put that holds it, and what it costs.

    Dividends and interest on the holding are left out of the worst case.

    Args:
        analysis: of a chain.
        units: of the underlying that are held, > 0.
        floors: shares of the spot, inside (0, 1].

    Returns:
        by expiry and floor; a floor below every quoted put of an expiry is left out.

    Raises:
        InputError: units or a floor are out of range.
    """
    if not (units > 0.0 and np.isfinite(units)):
        message = f"expected a holding of more than 0 units, was {units}"
        raise InputError(message)
    for floor in floors:
        if not 0.0 < floor <= 1.0:
            message = f"expected a floor inside (0, 1], was {floor}"
            raise InputError(message)
    quotes, terms = analysis.quotes, analysis.terms
    usable = has_status(analysis.status, QuoteStatus.OK, QuoteStatus.WIDE)
    usable &= ~quotes.is_call & terms.is_known
    found = []
    for forward in analysis.forwards:
        rows = np.flatnonzero(usable & (quotes.expiry_ns == forward.expiry_ns))
        for floor in floors:
            below = rows[quotes.strike[rows] <= floor * forward.spot]
            if below.size:
                best = int(below[np.argmax(quotes.strike[below])])
                found.append(_protect(analysis, best, units, floor))
    return found


def _protect(analysis: ChainAnalysis, row: int, units: float, floor: float) -> ProtectivePut:
    quotes, terms = analysis.quotes, analysis.terms
    spot, strike = float(terms.contracts.spot[row]), float(quotes.strike[row])
    years = float(terms.contracts.years[row])
    cost = float(quotes.ask[row] * terms.unit[row]) * units
    cost_frac = cost / (spot * units)
    return ProtectivePut(
        row=int(quotes.row[row]),
        expiry_ns=int(quotes.expiry_ns[row]),
        years=years,
        floor_frac=floor,
        strike=strike,
        contracts=units / float(quotes.multiplier[row]),
        cost=cost,
        cost_frac=cost_frac,
        cost_frac_year=cost_frac / years,
        worst_frac=1.0 - strike / spot + cost_frac,
        fair_cost=float(np.asarray(analysis.fair.price)[row]) * units,
    )
