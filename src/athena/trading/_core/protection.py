"""Stops and targets: born with each fill of an entry, resized with it, gone with the position."""

from __future__ import annotations

from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core import limits as limit
from athena.trading._core.arithmetic import part
from athena.trading._core.exposure import exiting, in_trading_book
from athena.trading._core.layout import State
from athena.trading._core.orders import (
    adds_risk,
    average_price,
    find_row,
    free_row,
    is_stop,
    is_terminal,
    is_working,
    move,
    new_row,
    record_child,
)
from athena.trading._core.positions import position_row
from athena.trading._core.records import fold, push_effect


def send(s: State, row: int) -> None:
    """Approve a created order and queue it for the venue."""
    move(s, row, codes.APPROVE)
    push_effect(s, at.SEND, row)


def request_cancel(s: State, row: int) -> None:
    """Ask for a cancel: a held order ends here, a working one at the venue."""
    if s.orders[row, at.STATE] == codes.HELD:
        move(s, row, codes.CANCEL)
        free_row(s, row)
    elif is_working(s.orders[row, at.STATE]) and s.orders[row, at.PENDING] != codes.PENDING_CANCEL:
        s.orders[row, at.PENDING] = codes.PENDING_CANCEL
        push_effect(s, at.CANCEL, row)


def request_amend(s: State, row: int, lots: int, trigger: int) -> None:
    """Ask for another size or trigger; the old ones hold until the venue confirms."""
    if s.orders[row, at.PENDING] != codes.PENDING_NONE or is_terminal(s.orders[row, at.STATE]):
        return
    fold(s, at.D_AMEND)
    fold(s, s.orders[row, at.NUMBER])
    fold(s, lots)
    fold(s, trigger)
    if s.orders[row, at.STATE] == codes.HELD:
        s.orders[row, at.LOTS] = lots
        s.orders[row, at.TRIGGER] = trigger
        return
    s.orders[row, at.AMEND_LOTS] = lots
    s.orders[row, at.AMEND_TRIGGER] = trigger
    s.orders[row, at.PENDING] = codes.PENDING_AMEND
    push_effect(s, at.AMEND, row)


def create_exit(
    s: State, strategy: int, instrument: int, lots: int, kind: int, purpose: int, price: int
) -> int:
    """Create a reduce-only order against a position; lots carry the position's sign.

    Returns:
        The row; the caller links and sends it.
    """
    row = new_row(s)
    s.orders[row, at.ORDER_STRATEGY] = strategy
    s.orders[row, at.ORDER_INSTRUMENT] = instrument
    s.orders[row, at.PURPOSE] = purpose
    s.orders[row, at.SIDE] = -1 if lots > 0 else 1
    s.orders[row, at.TYPE] = kind
    s.orders[row, at.LOTS] = abs(lots)
    s.orders[row, at.FLAGS] = at.FLAG_REDUCE_ONLY
    s.orders[row, at.LEVERAGE] = 1
    s.orders[row, at.RESERVE] = price if price > 0 else s.instruments[instrument, at.LAST]
    if is_stop(kind):
        s.orders[row, at.TRIGGER] = price
    elif kind != codes.MARKET:
        s.orders[row, at.LIMIT] = price
    return row


def protect_fill(s: State, entry: int, lots: int) -> None:
    """After each fill of an entry, size its stop and target to what is filled (TR-10)."""
    number = s.orders[entry, at.NUMBER]
    is_new = True
    for row in range(s.account[at.N_ROWS]):
        if s.orders[row, at.NUMBER] != 0 and s.orders[row, at.PARENT] == number:
            is_new = False
            if not is_terminal(s.orders[row, at.STATE]):
                request_amend(
                    s, row, s.orders[row, at.LOTS] + lots, s.orders[row, at.TRIGGER]
                )
    if is_new:
        _create_protection(s, entry, lots)


def _create_protection(s: State, entry: int, lots: int) -> None:
    """Create stop and target of an entry's first fill, each the other's sibling."""
    stop = s.orders[entry, at.STOP]
    target = s.orders[entry, at.TARGET]
    stop_row = at.NONE
    if stop > 0:
        stop_row = _create_child(s, entry, lots, codes.STOP, stop)
        s.orders[stop_row, at.TRAIL_PPM] = s.orders[entry, at.TRAIL_PPM]
        s.orders[stop_row, at.ARM_PPM] = s.limits[limit.TRAIL_ARM_PPM]
        s.orders[stop_row, at.ENTRY] = average_price(s, entry)
        if s.orders[entry, at.FLAGS] & at.FLAG_BREAK_EVEN:
            s.orders[stop_row, at.BREAK_EVEN] = 1
        if s.orders[stop_row, at.TRAIL_PPM] > 0 or s.orders[stop_row, at.BREAK_EVEN] > 0:
            s.account[at.N_TRAILING] += 1
    if target > 0:
        target_row = _create_child(s, entry, lots, codes.LIMIT, target)
        if stop_row >= 0:
            s.orders[target_row, at.SIBLING] = s.orders[stop_row, at.NUMBER]
            s.orders[stop_row, at.SIBLING] = s.orders[target_row, at.NUMBER]
        send_child(s, stop_row)
        send_child(s, target_row)
    else:
        send_child(s, stop_row)


def _create_child(s: State, entry: int, lots: int, kind: int, price: int) -> int:
    row = create_exit(
        s,
        s.orders[entry, at.ORDER_STRATEGY],
        s.orders[entry, at.ORDER_INSTRUMENT],
        lots * s.orders[entry, at.SIDE],
        kind,
        codes.PROTECT,
        price,
    )
    s.orders[row, at.PARENT] = s.orders[entry, at.NUMBER]
    return row


def send_child(s: State, row: int) -> None:
    """Record and send a derived order; NONE is no order."""
    if row >= 0:
        record_child(s, row)
        send(s, row)


def reduce_sibling(s: State, row: int, lots: int) -> None:
    """When one half of a pair fills, reduce the other by as much, or cancel it."""
    sibling = s.orders[row, at.SIBLING]
    if sibling == 0:
        return
    other = find_row(s, sibling)
    if other < 0 or is_terminal(s.orders[other, at.STATE]):
        return
    left = s.orders[other, at.LOTS] - lots
    if left <= s.orders[other, at.FILLED] or s.orders[row, at.STATE] == codes.FILLED:
        request_cancel(s, other)
    else:
        request_amend(s, other, left, s.orders[other, at.TRIGGER])


def trim_protection(s: State, position: int, but_number: int) -> None:
    """Keep the position's stops, and its targets, within what is still held."""
    held = abs(s.positions[position, at.QUANTITY])
    stops = held
    targets = held
    n_instruments = s.account[at.N_INSTRUMENTS]
    for row in range(s.account[at.N_ROWS]):
        number = s.orders[row, at.NUMBER]
        own = s.orders[row, at.ORDER_STRATEGY] * n_instruments + s.orders[row, at.ORDER_INSTRUMENT]
        if number == 0 or number == but_number or own != position:  # noqa: PLR1714 - not in the subset
            continue
        if adds_risk(s, row) or is_terminal(s.orders[row, at.STATE]):
            continue
        left = s.orders[row, at.LOTS] - s.orders[row, at.FILLED]
        room = stops if is_stop(s.orders[row, at.TYPE]) else targets
        allowed = min(left, room)
        if is_stop(s.orders[row, at.TYPE]):
            stops -= allowed
        else:
            targets -= allowed
        if allowed == 0:
            request_cancel(s, row)
        elif allowed < left:
            request_amend(
                s, row, s.orders[row, at.FILLED] + allowed, s.orders[row, at.TRIGGER]
            )


def liquidate(s: State, position: int, lots: int) -> None:
    """Close up to `lots` of a position at market, less what working exits already close."""
    quantity = s.positions[position, at.QUANTITY]
    free = min(lots, abs(quantity) - exiting(s, position))
    if free <= 0:
        return
    n_instruments = s.account[at.N_INSTRUMENTS]
    row = create_exit(
        s,
        position // n_instruments,
        position % n_instruments,
        free if quantity > 0 else -free,
        codes.MARKET,
        codes.LIQUIDATE,
        0,
    )
    record_child(s, row)
    send(s, row)


def cancel_entries(s: State) -> None:
    """Cancel every working order that could add risk, in all books."""
    for row in range(s.account[at.N_ROWS]):
        if s.orders[row, at.NUMBER] != 0 and adds_risk(s, row):
            request_cancel(s, row)


def flatten(s: State) -> None:
    """Cancel entries, then close every position of the trading book; stops stay until it is gone."""
    cancel_entries(s)
    for position in range(s.account[at.N_POSITIONS]):
        if in_trading_book(s, position // s.account[at.N_INSTRUMENTS]):
            liquidate(s, position, abs(s.positions[position, at.QUANTITY]))


def tighten_stops(s: State, distance_ppm: int) -> None:
    """Move every working protective stop to within a fraction of the last price; never away."""
    for row in range(s.account[at.N_ROWS]):
        if s.orders[row, at.NUMBER] == 0 or adds_risk(s, row):
            continue
        if not is_stop(s.orders[row, at.TYPE]) or not is_working(s.orders[row, at.STATE]):
            continue
        last = s.instruments[s.orders[row, at.ORDER_INSTRUMENT], at.LAST]
        move_trigger(s, row, last + s.orders[row, at.SIDE] * part(last, distance_ppm))


def move_trigger(s: State, row: int, trigger: int) -> None:
    """Move a stop's trigger, only in the protective direction (C18)."""
    old = s.orders[row, at.TRIGGER]
    side = s.orders[row, at.SIDE]
    if trigger > 0 and (old == 0 or side * (trigger - old) < 0):
        request_amend(s, row, s.orders[row, at.LOTS], trigger)


def trail_stops(s: State) -> None:
    """Arm and move trailing and break-even stops by the newest bar's extremes."""
    for row in range(s.account[at.N_ROWS]):
        if s.orders[row, at.NUMBER] == 0 or is_terminal(s.orders[row, at.STATE]):
            continue
        if s.orders[row, at.BREAK_EVEN] == 1:
            _break_even(s, row)
        if s.orders[row, at.TRAIL_PPM] > 0:
            _trail(s, row)


def _best_of_bar(s: State, row: int) -> int:
    """Return the bar's price that is best for the position a stop protects."""
    instrument = s.orders[row, at.ORDER_INSTRUMENT]
    column = at.HIGH if s.orders[row, at.SIDE] < 0 else at.LOW
    return s.instruments[instrument, column]


def _profit(s: State, row: int, price: int) -> int:
    """Return the profit in ticks of the protected position at a price."""
    return -s.orders[row, at.SIDE] * (price - s.orders[row, at.ENTRY])


def _break_even(s: State, row: int) -> None:
    entry = s.orders[row, at.ENTRY]
    if _profit(s, row, _best_of_bar(s, row)) >= part(entry, s.limits[limit.BREAK_EVEN_ARM_PPM]):
        s.orders[row, at.BREAK_EVEN] = 2
        lift = part(entry, s.limits[limit.BREAK_EVEN_PPM])
        move_trigger(s, row, entry - s.orders[row, at.SIDE] * lift)


def _trail(s: State, row: int) -> None:
    best = _best_of_bar(s, row)
    if s.orders[row, at.BEST] == 0:
        if _profit(s, row, best) < part(s.orders[row, at.ENTRY], s.orders[row, at.ARM_PPM]):
            return
        s.orders[row, at.BEST] = best
    elif s.orders[row, at.SIDE] * (best - s.orders[row, at.BEST]) < 0:
        s.orders[row, at.BEST] = best
    best = s.orders[row, at.BEST]
    atr = s.instruments[s.orders[row, at.ORDER_INSTRUMENT], at.ATR]
    distance = part(best, s.orders[row, at.TRAIL_PPM])
    if atr > 0 and s.limits[limit.TRAIL_ATR_PPM] > 0:
        distance = part(atr, s.limits[limit.TRAIL_ATR_PPM])
    move_trigger(s, row, best + s.orders[row, at.SIDE] * distance)
    if s.orders[row, at.STATE] == codes.HELD:
        move(s, row, codes.RELEASE)
        push_effect(s, at.SEND, row)


def close_contingents(s: State, position: int, but_number: int) -> None:
    """Cancel every reduce-only order of a position that is gone."""
    n_instruments = s.account[at.N_INSTRUMENTS]
    for row in range(s.account[at.N_ROWS]):
        number = s.orders[row, at.NUMBER]
        own = s.orders[row, at.ORDER_STRATEGY] * n_instruments + s.orders[row, at.ORDER_INSTRUMENT]
        if number != 0 and number != but_number and own == position and not adds_risk(s, row):  # noqa: PLR1714
            request_cancel(s, row)


def after_fill(s: State, row: int, lots: int) -> None:
    """Bring protections in line after a fill: children, sibling, contingents."""
    number = s.orders[row, at.NUMBER]
    position = position_row(
        s, s.orders[row, at.ORDER_STRATEGY], s.orders[row, at.ORDER_INSTRUMENT]
    )
    if adds_risk(s, row):
        if s.orders[row, at.STOP] > 0 or s.orders[row, at.TARGET] > 0:
            protect_fill(s, row, lots)
        return
    reduce_sibling(s, row, lots)
    if s.positions[position, at.QUANTITY] == 0:
        close_contingents(s, position, number)
    elif s.orders[row, at.SIBLING] == 0:
        trim_protection(s, position, number)
