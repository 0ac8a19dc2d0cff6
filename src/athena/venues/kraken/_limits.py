"""Kraken's counters and the house's, and what each request costs them (C05).

Figures: specification of the trading core, section 9, from Kraken's pages "API rate limits" and
"Spot trading rate limits".
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS
from athena.errors import InputError
from athena.venues.limits import Charge, CounterRule

if TYPE_CHECKING:
    from collections.abc import Mapping

CALLS = "calls"  # the house: 60 a minute, 10 at once
ORDERS = "orders"  # the house: 30 a minute, 5 at once
REST = "rest"  # Kraken: per account
TRADING = "trading"  # Kraken: per account and pair

HOUSE_RULES: Mapping[str, CounterRule] = {
    CALLS: CounterRule.of(10, Decimal(1)),
    ORDERS: CounterRule.of(5, Decimal("0.5")),
}


class Tier(StrEnum):
    """How far Kraken trusts the account."""

    STARTER = "starter"
    INTERMEDIATE = "intermediate"
    PRO = "pro"


class OrderAction(StrEnum):
    """What may be done with an order; each costs the trading counter."""

    ADD = "add"
    AMEND = "amend"
    EDIT = "edit"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class TierLimits:
    """What one tier may do.

    Attributes:
        rest: counter of REST calls.
        trading: counter of order actions, one for each pair.
        max_open_orders: of each pair.
    """

    rest: CounterRule
    trading: CounterRule
    max_open_orders: int

    def rules(self) -> dict[str, CounterRule]:
        """Return all rules of an account of this tier, the house's included."""
        return {**HOUSE_RULES, REST: self.rest, TRADING: self.trading}


TIERS: Mapping[Tier, TierLimits] = {
    Tier.STARTER: TierLimits(
        CounterRule.of(15, Decimal("0.33")), CounterRule.of(60, Decimal(1)), 60
    ),
    Tier.INTERMEDIATE: TierLimits(
        CounterRule.of(20, Decimal("0.5")), CounterRule.of(125, Decimal("2.34")), 80
    ),
    Tier.PRO: TierLimits(
        CounterRule.of(20, Decimal(1)), CounterRule.of(180, Decimal("3.75")), 225
    ),
}

_AGES_S = (5, 10, 15, 45, 90, 300)
_FIXED: Mapping[OrderAction, int] = {
    OrderAction.ADD: 1,
    OrderAction.AMEND: 1,
    OrderAction.EDIT: 1,
    OrderAction.CANCEL: 0,
}
# What comes on top while the order is younger than the age of the same place in `_AGES_S`.
_BY_AGE: Mapping[OrderAction, tuple[int, ...]] = {
    OrderAction.ADD: (0, 0, 0, 0, 0, 0),
    OrderAction.AMEND: (3, 2, 1, 0, 0, 0),
    OrderAction.EDIT: (6, 5, 4, 2, 1, 0),
    OrderAction.CANCEL: (8, 6, 5, 4, 2, 1),
}
_NEW_ORDERS = frozenset({OrderAction.ADD, OrderAction.EDIT})  # an edit replaces the order


def trading_points(action: OrderAction, age_ns: int) -> int:
    """Return what an action on an order of an age costs its pair's trading counter.

    Raises:
        InputError: the age is negative.
    """
    if age_ns < 0:
        message = f"expected the age of an order >= 0, was {age_ns} ns"
        raise InputError(message)
    steps = zip(_AGES_S, _BY_AGE[action], strict=True)
    extra = next((points for age_s, points in steps if age_ns < age_s * SECOND_NS), 0)
    return _FIXED[action] + extra


def order_charges(action: OrderAction, pair: str, age_ns: int = 0) -> tuple[Charge, ...]:
    """Return what an action on an order costs; it does not use the REST counter.

    Args:
        action: what is done.
        pair: Kraken's altname; each pair has its own counter.
        age_ns: of the order, by the venue's clock.
    """
    charges = [Charge(CALLS, 1)]
    if points := trading_points(action, age_ns):
        charges.append(Charge(f"{TRADING}:{pair}", points))
    if action in _NEW_ORDERS:
        charges.append(Charge(ORDERS, 1))
    return tuple(charges)


def read_charges(*, is_history: bool = False) -> tuple[Charge, ...]:
    """Return what a private read costs; ledgers and trade history cost double."""
    return (Charge(CALLS, 1), Charge(REST, 2 if is_history else 1))


def public_charges() -> tuple[Charge, ...]:
    """Return what a public request costs: Kraken counts those by address, we by the house."""
    return (Charge(CALLS, 1),)
