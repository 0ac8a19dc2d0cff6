"""What a plan asks for now: at most one slice, and never before the last one is final."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from athena.domain import OrderType
from athena.trading.algorithms._plan import Measure, Plan
from athena.trading.algorithms._progress import Progress, left

if TYPE_CHECKING:
    from athena.trading._intent import Intent


@dataclass(frozen=True, slots=True)
class Due:
    """A slice to be asked for now.

    Attributes:
        number: of the slice, from 0.
        amount: in the plan's measure.
        intent: with size, key and, unless it is a market order, an expiry before the next slice.
    """

    number: int
    amount: int
    intent: Intent


def due(
    plan: Plan, progress: Progress, now_ns: int, *, may_trade: bool = True, limit_ticks: int = 0
) -> Due | None:
    """Return the slice to ask for now, if any; asking after a crash gives the same key.

    One slice per slot, at least nine tenths of a slot apart, and none while the outcome of an
    earlier one is open: two slices can never add up to more than the total.

    Args:
        plan: what was decided.
        progress: folded from the journal.
        now_ns: UTC; times before the last question give nothing.
        may_trade: False while trading is paused or the market halted; the slot passes.
        limit_ticks: > 0 replaces the limit of the plan's order.
    """
    slot = plan.slot(now_ns)
    if not may_trade or slot < 0 or progress.is_working or is_over(plan, progress, now_ns):
        return None
    if progress.slices:
        asked_ns = progress.slices[-1].asked_ns
        if slot <= plan.slot(asked_ns) or now_ns - asked_ns < plan.spacing_ns:
            return None
    amount = _amount(plan, left(plan, progress), slot)
    if amount == 0:
        return None
    number = len(progress.slices)
    return Due(number, amount, _intent(plan, number, amount, now_ns, limit_ticks))


def is_over(plan: Plan, progress: Progress, now_ns: int) -> bool:
    """Tell whether nothing works and nothing will be asked for any more."""
    if progress.is_working:
        return False
    is_late = 0 < plan.lasts_ns <= now_ns - plan.start_ns
    is_spent = len(progress.slices) >= plan.asks_max
    return bool(progress.stop) or is_late or is_spent or left(plan, progress) < plan.smallest


def _amount(plan: Plan, rest: int, slot: int) -> int:
    """Return the amount of a slot's slice when `rest` is left; 0 when it is too small to send."""
    if slot < len(plan.parts):
        amount = _planned_amount(plan, rest, slot)
    else:
        amount = _late_amount(plan, rest)
    if rest - amount < plan.smallest:
        amount = rest  # a tail too small to be sent alone goes along
    return amount if amount >= plan.smallest else 0


def _planned_amount(plan: Plan, rest: int, slot: int) -> int:
    """Return a slot's share of what is left, in proportion to the parts to come."""
    planned = plan.parts[slot]
    if planned == 0:
        return 0
    share = rest * planned // sum(plan.parts[slot:])
    if share == planned:
        return planned  # the first part may be finer than a step
    return min(share // plan.step * plan.step, plan.growth * planned)


def _late_amount(plan: Plan, rest: int) -> int:
    """Return an equal part of what the slots of the plan left, as few as its growth allows.

    Where such parts would be too small to send there are fewer, up to twice the smallest.
    """
    if rest < plan.smallest:
        return 0
    n = min(-(-rest // (plan.growth * max(plan.parts))), rest // plan.smallest)
    if n == 1:
        return rest
    return max(plan.smallest, rest // n // plan.step * plan.step)


def _intent(plan: Plan, number: int, amount: int, now_ns: int, limit_ticks: int) -> Intent:
    is_market = plan.order.type is OrderType.MARKET
    return replace(
        plan.order,
        key=plan.key(number),
        lots=amount if plan.measure is Measure.LOTS else 0,
        quote_amount=amount if plan.measure is Measure.MONEY else 0,
        limit_ticks=limit_ticks or plan.order.limit_ticks,
        expires_ns=0 if is_market else now_ns + plan.spacing_ns,
    )
