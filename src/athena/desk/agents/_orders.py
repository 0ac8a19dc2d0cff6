"""From a plan to what the core takes: an intent, or slices over time. Exact, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from athena.desk.contract import PlanStyle
from athena.domain import Purpose
from athena.errors import InputError
from athena.trading import Intent
from athena.trading.algorithms import intent_key, twap_plan, vwap_plan

if TYPE_CHECKING:
    from decimal import Decimal

    from athena.desk.contract import Decision, Plan, PlannedOrder
    from athena.domain import Instrument
    from athena.trading.algorithms import Plan as Slices

_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where an order goes: the instrument, its index in the run, and the strategy's slot."""

    instrument: Instrument
    index: int
    strategy: int


def intents_of(
    decision: Decision, place: Place, *, expires_ns: int = 0, is_coarse: bool = False
) -> tuple[Intent, ...]:
    """Return what a decision asks of the core at once; the risk engine has the last word.

    The key of each follows from the decision's id, so that asking again cannot double it. A plan
    in slices is no intent: see `slices_of`.

    Args:
        decision: of the symbol of the place.
        place: where it goes.
        expires_ns: when an entry with a limit is withdrawn, UTC; 0 leaves it to the core.
        is_coarse: True makes one order of a plan in slices, where bars are coarser than slices.

    Raises:
        InputError: a price or a quantity is not on a step, or the symbol is another.
    """
    plan = decision.plan
    if plan is None or (is_sliced(plan) and not is_coarse):
        return ()
    return tuple(
        replace(
            _intent(order, decision, place),
            lots=place.instrument.quantity_to_lots(order.quantity),
            expires_ns=0 if order.is_exit or order.limit_price is None else expires_ns,
            key=intent_key(decision.id, "order", number),
        )
        for number, order in enumerate(plan.orders)
    )


def slices_of(
    decision: Decision, place: Place, *, start_ns: int, volume_profile: tuple[int, ...] = ()
) -> tuple[Slices, ...]:
    """Return a decision's TWAP or VWAP as plans of the core; none for other styles.

    Args:
        decision: of the symbol of the place.
        place: where it goes.
        start_ns: of the first slice.
        volume_profile: relative volume of the slots to come, for VWAP.

    Raises:
        InputError: a price or a quantity is not on a step, or the symbol is another.
    """
    plan = decision.plan
    if plan is None or not is_sliced(plan):
        return ()
    instrument = place.instrument
    made = []
    for number, order in enumerate(plan.orders):
        plan_id = f"{decision.id}/{number}"
        intent = _intent(order, decision, place)
        lots = instrument.quantity_to_lots(order.quantity)
        when = {"start_ns": start_ns, "smallest_lots": instrument.min_lots}
        if plan.style is PlanStyle.VWAP:
            made.append(vwap_plan(plan_id, place.strategy, intent, lots, volume_profile, **when))
        else:
            made.append(twap_plan(plan_id, place.strategy, intent, lots, **when))
    return tuple(made)


def is_sliced(plan: Plan) -> bool:
    """Tell whether a plan trades in slices over time."""
    return plan.style in {PlanStyle.TWAP, PlanStyle.VWAP}


def _intent(order: PlannedOrder, decision: Decision, place: Place) -> Intent:
    """Return the order in ticks, without size and key."""
    instrument = place.instrument
    if order.symbol != instrument.symbol:
        message = f"expected an order of {instrument.symbol}, was {order.symbol}"
        raise InputError(message)

    def ticks(price: Decimal | None) -> int:
        return 0 if price is None else instrument.price_to_ticks(price)

    proposal = decision.proposal
    return Intent(
        side=order.side,
        instrument=place.index,
        purpose=Purpose.EXIT if order.is_exit else Purpose.ENTRY,
        type=order.type,
        limit_ticks=ticks(order.limit_price),
        stop_ticks=ticks(order.stop_price),
        target_ticks=ticks(order.target_price),
        leverage=1 if proposal is None else proposal.leverage,
        confidence_ppm=int(decision.confidence * _PPM),
        regime=decision.regime,
    )
