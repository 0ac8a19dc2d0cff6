"""Build the simulated venue's tables."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import to_money
from athena.errors import InputError
from athena.trading import Tables
from athena.trading import layout as at
from athena.venues import _table as vt
from athena.venues._table import Venue, VenueArrays

if TYPE_CHECKING:
    from athena.trading import StateArrays

VenueTables = Tables[Venue, VenueArrays]

_BPS_TO_PPM = 100
VENUE_DTYPE = np.dtype(
    [
        ("settings", np.int64, (vt.N_SETTING,)),
        ("book", np.int64, (at.MAX_ORDERS, vt.N_VENUE_ORDER)),
        ("market", np.int64, (at.MAX_INSTRUMENTS, vt.N_MARKET)),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettings:
    """Say how the simulated venue charges and fills.

    Attributes:
        seed: of every random draw; 0 is a seed, None is an error.
        taker_fee_bps, maker_fee_bps: >= 0.
        base_cost_bps: slippage before impact; 0 switches the whole cost model off.
        participation_frac: largest fill as a share of a bar's volume, 0..1.
        is_touch: a limit fills when its price is touched, not only when it is crossed.
        is_path: a bar is walked open, nearer extreme, farther extreme, close; else stops come
            before targets.
        cost_factor_min, cost_factor_max: range of the random factor of cost.
        impact_cap_frac, impact_unknown_frac: most that impact adds; what it is without volume.
    """

    seed: int | None
    taker_fee_bps: Decimal = Decimal(26)
    maker_fee_bps: Decimal = Decimal(16)
    base_cost_bps: Decimal = Decimal(10)
    participation_frac: Decimal = Decimal("0.10")
    is_touch: bool = False
    is_path: bool = False
    cost_factor_min: Decimal = Decimal("0.5")
    cost_factor_max: Decimal = Decimal("1.5")
    impact_cap_frac: Decimal = Decimal("0.05")
    impact_unknown_frac: Decimal = Decimal("0.01")


def _ppm(name: str, value: Decimal, scale: int) -> int:
    """Convert a fraction (scale 10^6) or basis points (scale 100) to whole ppm.

    Raises:
        InputError: negative, not finite, or finer than a millionth.
    """
    ppm = value * scale
    if not value.is_finite() or value < 0 or ppm != int(ppm):
        message = f"expected {name} >= 0 in whole millionths, was {value}"
        raise InputError(message)
    return int(ppm)


def new_venue(settings: VenueSettings, cash: Decimal) -> VenueTables:
    """Build a simulated venue with cash and an empty book.

    Raises:
        InputError: no seed (A06), or a fee or cost that is negative or too fine.
    """
    if settings.seed is None:
        message = "expected a seed for the simulated venue, was none"
        raise InputError(message, hint="set run.seed or --seed; 0 is a seed")
    tables = Tables(Venue, VenueArrays, VENUE_DTYPE)
    venue = tables.arrays
    row = venue.settings
    row[vt.SEED] = settings.seed
    row[vt.TAKER_PPM] = _ppm("taker_fee_bps", settings.taker_fee_bps, _BPS_TO_PPM)
    row[vt.MAKER_PPM] = _ppm("maker_fee_bps", settings.maker_fee_bps, _BPS_TO_PPM)
    row[vt.COST_PPM] = _ppm("base_cost_bps", settings.base_cost_bps, _BPS_TO_PPM)
    row[vt.HAS_COST] = int(settings.base_cost_bps > 0)
    row[vt.PARTICIPATION_PPM] = _ppm("participation_frac", settings.participation_frac, 10**6)
    row[vt.IS_TOUCH] = int(settings.is_touch)
    row[vt.IS_PATH] = int(settings.is_path)
    row[vt.DRAW_MIN_PPM] = _ppm("cost_factor_min", settings.cost_factor_min, 10**6)
    row[vt.DRAW_MAX_PPM] = _ppm("cost_factor_max", settings.cost_factor_max, 10**6)
    row[vt.IMPACT_CAP_PPM] = _ppm("impact_cap_frac", settings.impact_cap_frac, 10**6)
    row[vt.IMPACT_UNKNOWN_PPM] = _ppm("impact_unknown_frac", settings.impact_unknown_frac, 10**6)
    row[vt.CASH] = to_money(cash)
    venue.market[:, vt.WATCH_LOW] = -1
    venue.market[:, vt.WATCH_HIGH] = 2**62
    return tables


def books_agree(venue: VenueArrays, state: StateArrays) -> bool:
    """Tell whether the venue's own cash and holdings equal the core's (I1, I2)."""
    n_strategies = int(state.account[at.N_STRATEGIES])
    n_instruments = int(state.account[at.N_INSTRUMENTS])
    quantities = state.positions[: n_strategies * n_instruments, at.QUANTITY]
    held = quantities.reshape(n_strategies, n_instruments).sum(axis=0)
    same_cash = venue.settings[vt.CASH] == state.account[at.CASH]
    return bool(same_cash and np.array_equal(held, venue.market[:n_instruments, vt.HOLDING]))
