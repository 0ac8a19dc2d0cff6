"""Make plans: equal slices over time, slices by a volume profile, batches of money."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from athena.domain import HOUR_NS, MINUTE_NS
from athena.errors import InputError
from athena.trading.algorithms._plan import Measure, Plan, PlanKind
from athena.trading.algorithms._splits import equal_parts, money_parts, sendable_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.trading._intent import Intent

TWAP_SLICES = 10
TWAP_WINDOW_NS = HOUR_NS
VWAP_INTERVAL_NS = 10 * MINUTE_NS
CENT = 1_000_000  # money units
DCA_BATCHES = 6
DCA_INTERVAL_NS = 4 * HOUR_NS
DCA_FROM = 500 * 100 * CENT
DCA_SMALLEST = 10 * 100 * CENT
_CATCH_UP = 2
_PATIENCE = 2  # asks and time, as multiples of what was planned


def twap_plan(  # noqa: PLR0913 - what the schedule is made of
    plan_id: str,
    strategy: int,
    order: Intent,
    lots: int,
    *,
    start_ns: int,
    smallest_lots: int,
    slices: int = TWAP_SLICES,
    window_ns: int = TWAP_WINDOW_NS,
) -> Plan:
    """Plan equal slices over a window; the last takes the rounding remainder (TR-12).

    Missed slices make the later ones larger, up to twice their size; what is still left goes on
    after the window, until a second window is over.

    Args:
        plan_id: unique among all plans of the account.
        strategy: slot of the strategy.
        order: what each slice asks for, less size and key.
        lots: total.
        start_ns: of the first slice.
        smallest_lots: least that the venue takes; where slices would be smaller, there are fewer
            of them over the same window, and the plan's remark says so.
        slices: wanted, >= 1.
        window_ns: > 0; a slot is this divided by the number of slices.

    Raises:
        InputError: the total is below the smallest order, or slices or window are not positive.
    """
    if slices < 1 or smallest_lots < 1 or lots < smallest_lots:
        message = (
            f"expected slices and a smallest order >= 1, and a total of at least that order, "
            f"was {slices} slices of {lots} lots, smallest {smallest_lots}"
        )
        raise InputError(message)
    n = min(slices, lots // smallest_lots)
    return Plan(
        kind=PlanKind.TWAP,
        id=plan_id,
        strategy=strategy,
        order=order,
        measure=Measure.LOTS,
        parts=equal_parts(lots, n),
        step=1,
        smallest=smallest_lots,
        start_ns=start_ns,
        interval_ns=window_ns // n,
        lasts_ns=_PATIENCE * window_ns,
        growth=_CATCH_UP,
        asks_max=_PATIENCE * n,
        remark=_fewer(n, slices),
    )


def vwap_plan(  # noqa: PLR0913 - what the schedule is made of
    plan_id: str,
    strategy: int,
    order: Intent,
    lots: int,
    profile: Sequence[int],
    *,
    start_ns: int,
    smallest_lots: int,
) -> Plan:
    """Plan slices in proportion to a volume profile, 10 minutes apart; their sum is exact.

    Args:
        plan_id: unique among all plans of the account.
        strategy: slot of the strategy.
        order: what each slice asks for, less size and key.
        lots: total.
        profile: (N,) volume expected in each slot, any unit, >= 0. Empty (not known) or all 0
            gives a TWAP, and the remark says so.
        start_ns: of the first slice.
        smallest_lots: least that the venue takes; slots that would get less get none, and their
            lots go to the others.

    Raises:
        InputError: a volume is negative, or the total is below the smallest order.
    """
    if any(volume < 0 for volume in profile):
        message = f"expected volumes >= 0, was {list(profile)}"
        raise InputError(message)
    if sum(profile) == 0:
        return _twap_instead(plan_id, strategy, order, lots, len(profile), start_ns, smallest_lots)
    if smallest_lots < 1 or lots < smallest_lots:
        message = f"expected a total of at least {smallest_lots} lots, was {lots}"
        raise InputError(message)
    n = len(profile)
    parts = sendable_parts(lots, profile, smallest_lots)
    return Plan(
        kind=PlanKind.VWAP,
        id=plan_id,
        strategy=strategy,
        order=order,
        measure=Measure.LOTS,
        parts=parts,
        step=1,
        smallest=smallest_lots,
        start_ns=start_ns,
        interval_ns=VWAP_INTERVAL_NS,
        lasts_ns=_PATIENCE * n * VWAP_INTERVAL_NS,
        growth=_CATCH_UP,
        asks_max=_PATIENCE * n,
        remark=_fewer(_n_used(parts), _n_used(profile)),
    )


def _twap_instead(  # noqa: PLR0913, PLR0917 - handed on
    plan_id: str,
    strategy: int,
    order: Intent,
    lots: int,
    n: int,
    start_ns: int,
    smallest_lots: int,
) -> Plan:
    plan = twap_plan(
        plan_id,
        strategy,
        order,
        lots,
        start_ns=start_ns,
        smallest_lots=smallest_lots,
        slices=n or TWAP_SLICES,
        window_ns=n * VWAP_INTERVAL_NS or TWAP_WINDOW_NS,
    )
    remark = "TWAP instead of VWAP: the volume profile is not known"
    return replace(plan, remark="; ".join(part for part in (remark, plan.remark) if part))


def dca_plan(  # noqa: PLR0913 - what the schedule is made of
    plan_id: str,
    strategy: int,
    order: Intent,
    money: int,
    *,
    start_ns: int,
    batches: int = DCA_BATCHES,
    interval_ns: int = DCA_INTERVAL_NS,
    smallest: int = DCA_SMALLEST,
    split_from: int = DCA_FROM,
) -> Plan:
    """Plan batches of money, whole cents each, the rounding remainder in the first (C19).

    A batch is never larger than planned: what was missed goes on after the last, 4 hours apart,
    without a limit in time, until the total is spent, twice the batches were asked for, or the
    plan is stopped.

    Args:
        plan_id: unique among all plans of the account.
        strategy: slot of the strategy.
        order: what each batch asks for, less size and key.
        money: total to spend, units of 10^-8.
        start_ns: of the first batch.
        batches: wanted, >= 1.
        interval_ns: between them.
        smallest: a batch below it is none; there are fewer.
        split_from: a total below it is one batch.

    Raises:
        InputError: the total is below the smallest batch, or a number is not positive.
    """
    if batches < 1 or smallest < 1 or money < smallest:
        message = f"expected batches >= 1 and a total of at least {smallest}, was {money}"
        raise InputError(message)
    wanted = batches if money >= split_from else 1
    n = dca_batches(money, wanted, smallest)
    return Plan(
        kind=PlanKind.DCA,
        id=plan_id,
        strategy=strategy,
        order=order,
        measure=Measure.MONEY,
        parts=money_parts(money, n, CENT),
        step=CENT,
        smallest=smallest,
        start_ns=start_ns,
        interval_ns=interval_ns,
        lasts_ns=0,
        growth=1,
        asks_max=_PATIENCE * n,
        remark=_fewer(n, wanted),
    )


def dca_batches(money: int, wanted: int, smallest: int) -> int:
    """Return the largest number of batches, 1..wanted, none of which falls below `smallest`."""
    n = wanted
    while n > 1 and min(money_parts(money, n, CENT)) < smallest:
        n -= 1
    return n


def _n_used(parts: Sequence[int]) -> int:
    return sum(part > 0 for part in parts)


def _fewer(n: int, wanted: int) -> str:
    if n == wanted:
        return ""
    return f"{n} slices instead of {wanted}: smaller ones would be below the least order"
