"""Booking: cash, positions and realised results follow from fills, to the unit (D07)."""

from __future__ import annotations

from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core import limits as limit
from athena.trading._core.arithmetic import MONEY_MAX, mul_div, same_sign, value
from athena.trading._core.layout import State
from athena.trading._core.records import fold, notice


def position_row(s: State, strategy: int, instrument: int) -> int:
    """Return the row of a strategy's position in an instrument."""
    return strategy * s.account[at.N_INSTRUMENTS] + instrument


def worth(s: State, instrument: int, ticks: int, lots: int) -> int:
    """Return the money that `lots` of an instrument are worth at `ticks`; sign of lots."""
    return value(
        ticks,
        lots,
        s.instruments[instrument, at.VALUE_NUM],
        s.instruments[instrument, at.VALUE_DEN],
    )


def add_cash(s: State, amount: int) -> None:
    """Move cash by an amount.

    Raises:
        OverflowError: cash would leave 2^62 units.
    """
    cash = s.account[at.CASH] + amount
    if cash > MONEY_MAX or cash < -MONEY_MAX:
        raise OverflowError("expected cash within 2^62 units, was beyond")
    s.account[at.CASH] = cash


def book_fill(s: State, strategy: int, instrument: int, lots: int, ticks: int, fee: int) -> None:
    """Book a fill: cash, fee, position, realised result, and the end of a trade.

    Args:
        s: the state.
        strategy: whose position.
        instrument: of what.
        lots: signed, + bought.
        ticks: fill price.
        fee: in quote money, >= 0.
    """
    row = position_row(s, strategy, instrument)
    total = worth(s, instrument, ticks, lots)
    add_cash(s, -total - fee)
    s.account[at.FEES] += fee
    s.account[at.N_FILLS] += 1
    s.strategies[strategy, at.STRATEGY_FILLS] += 1
    quantity = s.positions[row, at.QUANTITY]
    opposite = same_sign(quantity, -lots)
    closing = -_smaller(quantity, lots) if opposite else 0
    s.positions[row, at.TRADE_NET] -= fee
    if closing != 0:
        _close_part(s, row, instrument, closing, ticks)
    opening = lots - closing
    if opening != 0:
        if s.positions[row, at.QUANTITY] == 0:
            s.positions[row, at.OPENED_NS] = s.account[at.NOW_NS]
        # What is left of the whole worth, so that a crossing fill loses no unit to rounding.
        s.positions[row, at.COST] += total - worth(s, instrument, ticks, closing)
        s.positions[row, at.QUANTITY] += opening
    fold(s, at.D_BOOKING)
    fold(s, s.account[at.CASH])
    fold(s, s.positions[row, at.QUANTITY])
    fold(s, s.positions[row, at.COST])


def _smaller(quantity: int, lots: int) -> int:
    """Return the part of `quantity` that `lots` of the other sign can close, sign of quantity."""
    if abs(lots) >= abs(quantity):
        return quantity
    return -lots


def _close_part(s: State, row: int, instrument: int, closing: int, ticks: int) -> None:
    """Close `closing` lots (sign of the fill); cost leaves in proportion, the rest stays exact."""
    quantity = s.positions[row, at.QUANTITY]
    cost = s.positions[row, at.COST]
    released = cost if closing == -quantity else mul_div(cost, -closing, quantity)
    realised = -worth(s, instrument, ticks, closing) - released
    s.positions[row, at.COST] = cost - released
    s.positions[row, at.QUANTITY] = quantity + closing
    s.positions[row, at.TRADE_NET] += realised
    s.account[at.REALISED] += realised
    if s.positions[row, at.QUANTITY] == 0:
        _end_trade(s, row, instrument)


def _end_trade(s: State, row: int, instrument: int) -> None:
    """Count the finished trade and start its cool-downs; the core book has no streaks."""
    net = s.positions[row, at.TRADE_NET]
    s.positions[row, at.TRADE_NET] = 0
    s.positions[row, at.POSITION_LEVERAGE] = 0
    s.positions[row, at.GUARD] = 0
    if s.strategies[row // s.account[at.N_INSTRUMENTS], at.BOOK] != codes.TRADING_BOOK:
        return
    now = s.account[at.NOW_NS]
    until = now + s.limits[limit.COOLDOWN_TRADE_NS]
    extend(s.instruments, instrument, at.SYMBOL_COOLDOWN_NS, until)
    if net >= 0:
        s.account[at.LOSS_STREAK] = 0
        if net > 0:
            s.account[at.HALF_SIZE] = 0  # only a win ends it
        return
    streak = s.account[at.LOSS_STREAK] + 1
    s.account[at.LOSS_STREAK] = streak
    wait = s.limits[limit.COOLDOWN_LOSS_NS]
    if streak >= s.limits[limit.SHORT_STREAK]:
        wait = s.limits[limit.COOLDOWN_SHORT_STREAK_NS]
    if streak >= s.limits[limit.LONG_STREAK]:
        wait = s.limits[limit.COOLDOWN_LONG_STREAK_NS]
        s.account[at.HALF_SIZE] = 1
        _pause(s, now + s.limits[limit.STREAK_PAUSE_NS])
    until = now + wait
    s.account[at.ACCOUNT_COOLDOWN_NS] = max(s.account[at.ACCOUNT_COOLDOWN_NS], until)


def _pause(s: State, until_ns: int) -> None:
    """Pause new risk; a pause only extends."""
    if until_ns > s.account[at.PAUSE_UNTIL_NS]:
        s.account[at.PAUSE_UNTIL_NS] = until_ns
        notice(s, codes.NOTICE_PAUSE, until_ns)


def extend(table: at.Table, row: int, column: int, until_ns: int) -> None:
    """Extend a cool-down: `until = max(until, new)` (D04)."""
    table[row, column] = max(table[row, column], until_ns)


def count_execution_error(s: State) -> None:
    """Count an execution error; three in a row pause new risk."""
    s.account[at.ERROR_STREAK] += 1
    if s.account[at.ERROR_STREAK] >= s.limits[limit.ERROR_PAUSE]:
        s.account[at.ERROR_STREAK] = 0
        _pause(s, s.account[at.NOW_NS] + s.limits[limit.ERROR_PAUSE_NS])


def position_value(s: State, row: int) -> int:
    """Return a position's signed value at the last price of its instrument."""
    quantity = s.positions[row, at.QUANTITY]
    if quantity == 0:
        return 0
    instrument = row % s.account[at.N_INSTRUMENTS]
    return worth(s, instrument, s.instruments[instrument, at.LAST], quantity)


def equity(s: State) -> int:
    """Return cash plus every position of the trading and core books at its last price."""
    total = s.account[at.CASH]
    for strategy in range(s.account[at.N_STRATEGIES]):
        if not is_in_equity(s, strategy):
            continue
        for instrument in range(s.account[at.N_INSTRUMENTS]):
            quantity = s.positions[position_row(s, strategy, instrument), at.QUANTITY]
            if quantity != 0:
                total += worth(s, instrument, s.instruments[instrument, at.LAST], quantity)
    return total


def is_in_equity(s: State, strategy: int) -> bool:
    """Tell whether a strategy's positions count in equity: the hodl book is set aside."""
    return s.strategies[strategy, at.BOOK] != codes.HODL_BOOK


def instrument_value(s: State, instrument: int, ticks: int) -> int:
    """Return what the positions in an instrument that count in equity are worth at a price."""
    total = 0
    for strategy in range(s.account[at.N_STRATEGIES]):
        row = position_row(s, strategy, instrument)
        quantity = s.positions[row, at.QUANTITY]
        if quantity != 0 and is_in_equity(s, strategy):
            total += worth(s, instrument, ticks, quantity)
    return total
