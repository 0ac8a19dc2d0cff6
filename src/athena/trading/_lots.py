"""Lots: what is held, since when and at what cost; and what a disposal gains.

Quantities and money are unbounded integers in units of 10^-8. Cost is split in proportion and the
remainder stays in the lot, so that nothing is ever lost to rounding. A short is a lot of negative
quantity and cost: what was received for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from athena.domain import DAY_NS, LotMethod
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Lot:
    """Hold one acquisition, or what is left of it.

    Attributes:
        fill: id of the fill or transfer that opened it.
        quantity: units of the asset, not 0; negative when it was sold short.
        cost: reporting units paid for it, fee included; negative when received.
        opened_ns: UTC nanoseconds.
    """

    fill: str
    quantity: int
    cost: int
    opened_ns: int


@dataclass(frozen=True, slots=True)
class RealisedGain:
    """Report one lot, or part of one, that was disposed of.

    Attributes:
        asset: what.
        acquired_ns, disposed_ns: UTC nanoseconds; a short is disposed of before it is acquired.
        quantity: units, > 0.
        proceeds: reporting units received, net of fee.
        cost: reporting units paid, fee included.
        acquired_by, disposed_by: ids of the two fills.
    """

    asset: str
    acquired_ns: int
    disposed_ns: int
    quantity: int
    proceeds: int
    cost: int
    acquired_by: str
    disposed_by: str

    @property
    def gain(self) -> int:
        """Return proceeds less cost."""
        return self.proceeds - self.cost

    @property
    def holding_days(self) -> int:
        """Return the whole days between the two fills."""
        return abs(self.disposed_ns - self.acquired_ns) // DAY_NS


def average_lots(lots: Sequence[Lot]) -> list[Lot]:
    """Spread the cost of all lots evenly over their quantity; the sum stays exact."""
    total_cost = sum(lot.cost for lot in lots)
    total_quantity = sum(lot.quantity for lot in lots)
    spread = []
    quantity = cost = 0
    for lot in lots:
        quantity += lot.quantity
        reached = total_cost * quantity // total_quantity
        spread.append(replace(lot, cost=reached - cost))
        cost = reached
    return spread


def consumption_order(
    lots: Sequence[Lot], method: LotMethod, chosen: Sequence[str] = ()
) -> list[int]:
    """Return the indices of the lots in the order in which a disposal consumes them.

    Args:
        lots: oldest first, all of one sign.
        method: FIFO and AVERAGE oldest first, LIFO newest first, HIFO the smallest gain first,
            SPECIFIC_ID as chosen.
        chosen: ids of the fills that opened the lots; for SPECIFIC_ID only.

    Raises:
        InputError: a chosen lot is not there.
    """
    indices = list(range(len(lots)))
    if method is LotMethod.LIFO:
        return indices[::-1]
    if method is LotMethod.HIFO:
        sign = -1 if lots and lots[0].quantity > 0 else 1
        return sorted(indices, key=lambda i: sign * Fraction(lots[i].cost, lots[i].quantity))
    if method is LotMethod.SPECIFIC_ID:
        known = {lot.fill: index for index, lot in enumerate(lots)}
        missing = [name for name in chosen if name not in known]
        if missing:
            message = f"expected an open lot of fill {missing[0]}, was none"
            raise InputError(message, hint=f"open lots: {', '.join(known) or 'none'}")
        return [known[name] for name in dict.fromkeys(chosen)]
    return indices


@dataclass(frozen=True, slots=True)
class Movement:
    """Say that a quantity of an asset came or went at a cost.

    Attributes:
        quantity: signed units, not 0.
        cost: signed reporting units: + paid, - received, fees included.
        chosen: lots to consume, for SPECIFIC_ID.
    """

    asset: str
    quantity: int
    cost: int
    ts_ns: int
    fill: str
    chosen: tuple[str, ...] = ()


def apply_movement(
    lots: Sequence[Lot], movement: Movement, method: LotMethod
) -> tuple[list[Lot], list[RealisedGain]]:
    """Book a movement: close lots of the other sign, then open one with what is left.

    Args:
        lots: of one book and asset, oldest first.
        movement: what came or went.
        method: which lots are closed.

    Returns:
        The lots after it, and a row for every lot that was closed or reduced.

    Raises:
        InputError: the lots that were chosen do not suffice.
    """
    open_lots = list(lots)
    quantity, cost = movement.quantity, movement.cost
    gains: list[RealisedGain] = []
    if open_lots and open_lots[0].quantity * quantity < 0:
        if method is LotMethod.AVERAGE:
            open_lots = average_lots(open_lots)
        for index in consumption_order(open_lots, method, movement.chosen):
            if quantity == 0:
                break
            lot = open_lots[index]
            taken = min(abs(quantity), abs(lot.quantity))
            of_lot = lot.cost * taken // abs(lot.quantity)
            of_movement = cost * taken // abs(quantity)
            gains.append(_gain(lot, movement, taken, of_lot, of_movement))
            sign = 1 if lot.quantity > 0 else -1
            left = lot.quantity - sign * taken
            open_lots[index] = replace(lot, quantity=left, cost=lot.cost - of_lot)
            quantity += sign * taken
            cost -= of_movement
        open_lots = [lot for lot in open_lots if lot.quantity != 0]
    if quantity == 0:
        return open_lots, gains
    if open_lots and open_lots[0].quantity * quantity < 0:
        message = f"expected chosen lots of {abs(movement.quantity)} {movement.asset}, was less"
        raise InputError(message, hint="choose more lots")
    open_lots.append(Lot(movement.fill, quantity, cost, movement.ts_ns))
    return open_lots, gains


def remove_at_cost(
    lots: Sequence[Lot], movement: Movement, method: LotMethod
) -> tuple[list[Lot], int]:
    """Take a quantity out of the lots without a gain, as when it moves to another wallet.

    Returns:
        The lots after it, and what the removed part had cost.
    """
    after, gains = apply_movement(lots, movement, method)
    return after, sum(row.cost for row in gains)


def _gain(
    lot: Lot, movement: Movement, quantity: int, of_lot: int, of_movement: int
) -> RealisedGain:
    is_long = lot.quantity > 0
    return RealisedGain(
        asset=movement.asset,
        acquired_ns=lot.opened_ns if is_long else movement.ts_ns,
        disposed_ns=movement.ts_ns if is_long else lot.opened_ns,
        quantity=quantity,
        proceeds=-(of_movement if is_long else of_lot),
        cost=of_lot if is_long else of_movement,
        acquired_by=lot.fill if is_long else movement.fill,
        disposed_by=movement.fill if is_long else lot.fill,
    )
