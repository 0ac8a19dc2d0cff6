"""Stops and targets: born with each fill of an entry, resized with it, gone with the position."""

from __future__ import annotations

from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core import limits as limit
from athena.trading._core.arithmetic import part, same_sign
from athena.trading._core.exposure import exiting, in_trading_book
from athena.trading._core.layout import State, Table
from athena.trading._core.orders import (
    adds_risk,
    average_price,
    find_row,
    free_row,
    is_stop,
    is_terminal,
    is_trailing,
    is_working,
    move,
    needs_trigger,
    new_row,
    record_child,
    wanted_lots,
    wanted_trigger,
)
from athena.trading._core.positions import position_row, worth
from athena.trading._core.records import fold, push_effect


def send(s: State, row: int) -> None:
    """Approve a created order and queue it for the venue."""
    move(s, row, codes.APPROVE)
    push_effect(s, at.SEND, row)


def request_cancel(s: State, row: int) -> None:
    """Ask for a cancel: a held order ends here, a working one at the venue, another's never."""
    if s.orders[row, at.FLAGS] & at.FLAG_EXTERNAL:
        return
    if s.orders[row, at.STATE] == codes.HELD:
        move(s, row, codes.CANCEL)
        free_row(s, row)
    elif is_working(s.orders[row, at.STATE]) and s.orders[row, at.PENDING] != codes.PENDING_CANCEL:
        s.orders[row, at.PENDING] = codes.PENDING_CANCEL
        push_effect(s, at.CANCEL, row)


def request_amend(s: State, row: int, lots: int, trigger: int) -> None:
    """Ask for another size or trigger; the old ones hold until the venue confirms.

    A newer amendment takes the place of one under way, so that no resizing is lost.
    """
    if s.orders[row, at.PENDING] == codes.PENDING_CANCEL or is_terminal(s.orders[row, at.STATE]):
        return
    if s.orders[row, at.FLAGS] & at.FLAG_EXTERNAL:
        return
    fold(s, at.D_AMEND)
    fold(s, s.orders[row, at.NUMBER])
    fold(s, lots)
    fold(s, trigger)
    if s.orders[row, at.STATE] == codes.HELD:
        s.orders[row, at.LOTS] = lots
        s.orders[row, at.TRIGGER] = trigger
        if s.orders[row, at.PURPOSE] == codes.PROTECT and not _is_too_small(s, row):
            move(s, row, codes.RELEASE)
            push_effect(s, at.SEND, row)
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
    if needs_trigger(kind) or kind == codes.TRAILING_STOP:
        s.orders[row, at.TRIGGER] = price
    elif kind != codes.MARKET:
        s.orders[row, at.LIMIT] = price
    return row


def protect_fill(s: State, orders: Table, entry: int, lots: int) -> None:
    """After each fill of an entry, size its stop and target to what is filled (TR-10).

    Where one of the two is gone or going, the new part gets a pair of its own.
    """
    if orders[entry, at.STOP] > 0:
        position = position_row(
            s, orders[entry, at.ORDER_STRATEGY], orders[entry, at.ORDER_INSTRUMENT]
        )
        s.positions[position, at.GUARD] = orders[entry, at.STOP]
    stop = _child(s, orders[entry, at.NUMBER], codes.STOP)
    target = _child(s, orders[entry, at.NUMBER], _target_type(s))
    if (stop < 0 and orders[entry, at.STOP] > 0) or (target < 0 and orders[entry, at.TARGET] > 0):
        _create_protection(s, orders, entry, lots)
        return
    if stop >= 0:
        s.orders[stop, at.ENTRY] = average_price(s, orders, entry)
        request_amend(s, stop, wanted_lots(s, stop) + lots, wanted_trigger(s, stop))
    if target >= 0:
        request_amend(s, target, wanted_lots(s, target) + lots, wanted_trigger(s, target))


def _target_type(s: State) -> int:
    """Return the type of a target: a limit, or a trigger where a limit would starve the stop."""
    return codes.LIMIT if s.account[at.TARGETS_TRIGGER] == 0 else codes.TAKE_PROFIT


def _child(s: State, entry: int, kind: int) -> int:
    """Return the row of an entry's newest stop or target that can be resized, NONE without one.

    A stop that was triggered is on its way out and takes no more on.
    """
    found = at.NONE
    for row in range(s.account[at.N_ROWS]):
        if (
            s.orders[row, at.NUMBER] != 0
            and s.orders[row, at.PARENT] == entry
            and s.orders[row, at.TYPE] == kind
            and s.orders[row, at.PENDING] != codes.PENDING_CANCEL
            and not is_terminal(s.orders[row, at.STATE])
            and (kind == codes.LIMIT or s.orders[row, at.STATE] < codes.TRIGGERED)
            and (found < 0 or s.orders[row, at.NUMBER] > s.orders[found, at.NUMBER])
        ):
            found = row
    return found


def _create_protection(s: State, orders: Table, entry: int, lots: int) -> None:
    """Create stop and target of an entry's first fill, each the other's sibling."""
    stop = orders[entry, at.STOP]
    target = orders[entry, at.TARGET]
    stop_row = at.NONE
    if stop > 0:
        stop_row = _create_child(s, orders, entry, lots, codes.STOP, stop)
        s.orders[stop_row, at.TRAIL_PPM] = orders[entry, at.TRAIL_PPM]
        s.orders[stop_row, at.ARM_PPM] = s.limits[limit.TRAIL_ARM_PPM]
        s.orders[stop_row, at.ENTRY] = average_price(s, orders, entry)
        if orders[entry, at.TYPE] != codes.MARKET:  # which fills at a bar's open, so before them
            s.orders[stop_row, at.FLAGS] |= at.FLAG_BORN_INSIDE
        if orders[entry, at.FLAGS] & at.FLAG_BREAK_EVEN:
            s.orders[stop_row, at.BREAK_EVEN] = 1
        if s.orders[stop_row, at.TRAIL_PPM] > 0 or s.orders[stop_row, at.BREAK_EVEN] > 0:
            s.account[at.N_TRAILING] += 1
    if target > 0:
        target_row = _create_child(s, orders, entry, lots, _target_type(s), target)
        if stop_row >= 0:
            s.orders[target_row, at.SIBLING] = s.orders[stop_row, at.NUMBER]
            s.orders[stop_row, at.SIBLING] = s.orders[target_row, at.NUMBER]
        send_child(s, stop_row)
        send_child(s, target_row)
    else:
        send_child(s, stop_row)


def _create_child(s: State, orders: Table, entry: int, lots: int, kind: int, price: int) -> int:
    row = create_exit(
        s,
        orders[entry, at.ORDER_STRATEGY],
        orders[entry, at.ORDER_INSTRUMENT],
        lots * orders[entry, at.SIDE],
        kind,
        codes.PROTECT,
        price,
    )
    s.orders[row, at.PARENT] = orders[entry, at.NUMBER]
    return row


def send_child(s: State, row: int) -> None:
    """Record and send a derived order; NONE is no order."""
    if row < 0:
        return
    record_child(s, row)
    if _is_too_small(s, row):
        move(s, row, codes.HOLD)
    else:
        send(s, row)


def _is_too_small(s: State, row: int) -> bool:
    """Tell whether a real venue would refuse an order for its size; it waits for the next fill."""
    price = max(s.orders[row, at.TRIGGER], s.orders[row, at.LIMIT])
    return is_dust(s, s.orders[row, at.ORDER_INSTRUMENT], s.orders[row, at.LOTS], price)


def is_dust(s: State, instrument: int, lots: int, price: int) -> bool:
    """Tell whether lots are fewer than a real venue takes in one order; a price of 0 is unknown.

    A simulated venue on bars has no smallest exit, and its runs stay as they were.
    """
    if s.account[at.TARGETS_TRIGGER] == 0:
        return False
    is_cheap = price > 0 and (
        worth(s, instrument, price, lots) < s.instruments[instrument, at.MIN_NOTIONAL]
    )
    return is_cheap or lots < s.instruments[instrument, at.MIN_LOTS]


def reduce_sibling(s: State, orders: Table, row: int, lots: int) -> None:
    """When one half of a pair fills, reduce the other by as much, or cancel it."""
    sibling = orders[row, at.SIBLING]
    if sibling == 0:
        return
    other = find_row(s, sibling)
    if other < 0 or is_terminal(s.orders[other, at.STATE]):
        return
    left = wanted_lots(s, other) - lots
    # Of two entries the first whole one is enough; of two exits each closes its own part.
    is_enough = adds_risk(s, other) and orders[row, at.STATE] == codes.FILLED
    if left <= s.orders[other, at.FILLED] or is_enough:
        request_cancel(s, other)
    else:
        _shrink(s, other, left)


def _shrink(s: State, row: int, lots: int) -> None:
    """Make an exit smaller; what a venue would not take any more is cancelled, not left too large.

    One that is held is not at the venue: it may wait for the next fill at any size.
    """
    instrument = s.orders[row, at.ORDER_INSTRUMENT]
    price = max(s.orders[row, at.TRIGGER], s.orders[row, at.LIMIT])
    left = lots - s.orders[row, at.FILLED]
    if s.orders[row, at.STATE] != codes.HELD and is_dust(s, instrument, left, price):
        request_cancel(s, row)
    else:
        request_amend(s, row, lots, wanted_trigger(s, row))


def trim_protection(s: State, position: int, but_number: int) -> None:
    """Keep the position's stops, its targets, and its other exits, within what is still held.

    A stop that the venue has shown comes before one that may never have reached it.
    """
    held = abs(s.positions[position, at.QUANTITY])
    shown = held
    hoped = max(0, held - _shown_stops(s, position, but_number))
    targets = held
    exits = held
    for row in range(s.account[at.N_ROWS]):
        if not _is_trimmed(s, row, position, but_number):
            continue
        left = wanted_lots(s, row) - s.orders[row, at.FILLED]
        if s.orders[row, at.PURPOSE] != codes.PROTECT:
            allowed = min(left, exits)
            exits -= allowed
        elif not is_stop(s.orders[row, at.TYPE]):
            allowed = min(left, targets)
            targets -= allowed
        elif _is_hoped_for(s, row):
            allowed = min(left, hoped)
            hoped -= allowed
        else:
            allowed = min(left, shown)
            shown -= allowed
        if allowed == 0:
            request_cancel(s, row)
        elif allowed < left:
            _shrink(s, row, s.orders[row, at.FILLED] + allowed)


def _shown_stops(s: State, position: int, but_number: int) -> int:
    """Return the lots that stops which are surely there ask for."""
    total = 0
    for row in range(s.account[at.N_ROWS]):
        if (
            _is_trimmed(s, row, position, but_number)
            and s.orders[row, at.PURPOSE] == codes.PROTECT
            and is_stop(s.orders[row, at.TYPE])
            and not _is_hoped_for(s, row)
        ):
            total += wanted_lots(s, row) - s.orders[row, at.FILLED]
    return total


def _is_hoped_for(s: State, row: int) -> bool:
    """Tell whether an order was sent and the venue has not shown it."""
    state = s.orders[row, at.STATE]
    return state == codes.SUBMITTING or state == codes.UNKNOWN


def _is_trimmed(s: State, row: int, position: int, but_number: int) -> bool:
    """Tell whether a row is an order whose size the position's bounds, and that stays."""
    number = s.orders[row, at.NUMBER]
    return (
        number != 0
        and number != but_number
        and position_row(s, s.orders[row, at.ORDER_STRATEGY], s.orders[row, at.ORDER_INSTRUMENT])
        == position
        and _only_reduces(s, row)
        and not is_terminal(s.orders[row, at.STATE])
        and s.orders[row, at.PENDING] != codes.PENDING_CANCEL
    )


def _only_reduces(s: State, row: int) -> bool:
    """Tell whether an order has no use without its position: an exit, or any sale on spot."""
    is_spot = s.instruments[s.orders[row, at.ORDER_INSTRUMENT], at.IS_MARGIN] == 0
    return not adds_risk(s, row) or (is_spot and s.orders[row, at.SIDE] < 0)


def liquidate(s: State, position: int, lots: int) -> None:
    """Close up to `lots` of a position at market, less what working exits already close."""
    quantity = s.positions[position, at.QUANTITY]
    free = min(lots, abs(quantity) - exiting(s, position))
    n_instruments = s.account[at.N_INSTRUMENTS]
    instrument = position % n_instruments
    if free <= 0 or is_dust(s, instrument, free, s.instruments[instrument, at.LAST]):
        return
    _cancel_resting_exits(s, position)
    row = create_exit(
        s,
        position // n_instruments,
        instrument,
        free if quantity > 0 else -free,
        codes.MARKET,
        codes.LIQUIDATE,
        0,
    )
    record_child(s, row)
    send(s, row)


def _cancel_resting_exits(s: State, position: int) -> None:
    """Cancel exits that wait for a price: one far away must not keep a position from closing."""
    for row in range(s.account[at.N_ROWS]):
        own = position_row(s, s.orders[row, at.ORDER_STRATEGY], s.orders[row, at.ORDER_INSTRUMENT])
        if (
            s.orders[row, at.NUMBER] != 0
            and own == position
            and not adds_risk(s, row)
            and s.orders[row, at.PURPOSE] != codes.PROTECT
            and s.orders[row, at.TYPE] != codes.MARKET
        ):
            request_cancel(s, row)


def cancel_entries(s: State) -> None:
    """Cancel every working order that could add risk, in all books."""
    for row in range(s.account[at.N_ROWS]):
        if s.orders[row, at.NUMBER] != 0 and adds_risk(s, row):
            request_cancel(s, row)


def flatten(s: State) -> None:
    """Cancel entries, then close the trading book; a stop stays until its position is gone."""
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
    old = wanted_trigger(s, row)
    side = s.orders[row, at.SIDE]
    if trigger > 0 and (old == 0 or side * (trigger - old) < 0):
        request_amend(s, row, wanted_lots(s, row), trigger)


def trail_stops(s: State) -> None:
    """Arm and move trailing and break-even stops by the newest bar's extremes."""
    for row in range(s.account[at.N_ROWS]):
        if s.orders[row, at.NUMBER] == 0 or not is_trailing(s, row):
            continue
        if s.orders[row, at.BREAK_EVEN] == 1:
            _break_even(s, row)
        if s.orders[row, at.TRAIL_PPM] > 0:
            _trail(s, row)
        if s.orders[row, at.FLAGS] & at.FLAG_BORN_INSIDE:
            s.orders[row, at.FLAGS] -= at.FLAG_BORN_INSIDE


def _best_of_bar(s: State, row: int) -> int:
    """Return the price since the entry that is best for the position a stop protects.

    Of the bar of an entry that filled inside it, only the close is known to come after.
    """
    column = at.HIGH if s.orders[row, at.SIDE] < 0 else at.LOW
    if s.orders[row, at.FLAGS] & at.FLAG_BORN_INSIDE:
        column = at.LAST
    return s.instruments[s.orders[row, at.ORDER_INSTRUMENT], column]


def _profit(s: State, row: int, price: int) -> int:
    """Return the profit in ticks of the protected position at a price."""
    return -s.orders[row, at.SIDE] * (price - s.orders[row, at.ENTRY])


def _part_up(amount: int, ppm: int) -> int:
    """Return a share rounded up: no stop arms early, and its level rounds towards the market."""
    return -part(-amount, ppm)


def _break_even(s: State, row: int) -> None:
    entry = s.orders[row, at.ENTRY]
    if _profit(s, row, _best_of_bar(s, row)) >= _part_up(
        entry, s.limits[limit.BREAK_EVEN_ARM_PPM]
    ):
        s.orders[row, at.BREAK_EVEN] = 2
        lift = _part_up(entry, s.limits[limit.BREAK_EVEN_PPM])
        move_trigger(s, row, entry - s.orders[row, at.SIDE] * lift)


def _trail(s: State, row: int) -> None:
    best = _best_of_bar(s, row)
    if s.orders[row, at.BEST] == 0:
        if _profit(s, row, best) < _part_up(s.orders[row, at.ENTRY], s.orders[row, at.ARM_PPM]):
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
    """Cancel every order that could only reduce a position that is gone."""
    n_instruments = s.account[at.N_INSTRUMENTS]
    for row in range(s.account[at.N_ROWS]):
        number = s.orders[row, at.NUMBER]
        own = s.orders[row, at.ORDER_STRATEGY] * n_instruments + s.orders[row, at.ORDER_INSTRUMENT]
        if number != 0 and number != but_number and own == position and _only_reduces(s, row):
            request_cancel(s, row)


def after_entry_fill(s: State, orders: Table, row: int, lots: int, before: int) -> None:
    """Protect what an entry's fill opened, and let go what protected a position it closed.

    Args:
        s: the state.
        orders: `s.orders`, or `s.closed` for a fill that came after the order's end.
        row: the entry's row in `orders`.
        lots: filled now, > 0.
        before: signed lots of the position before the fill.
    """
    number = orders[row, at.NUMBER]
    side = orders[row, at.SIDE]
    position = position_row(s, orders[row, at.ORDER_STRATEGY], orders[row, at.ORDER_INSTRUMENT])
    after = s.positions[position, at.QUANTITY]
    reduce_sibling(s, orders, row, lots)
    if before * side < 0:
        if same_sign(after, before):
            trim_protection(s, position, number)
        else:
            close_contingents(s, position, number)
    opened = min(lots, side * after)
    if opened > 0 and (orders[row, at.STOP] > 0 or orders[row, at.TARGET] > 0):
        protect_fill(s, orders, row, opened)


def after_exit_fill(s: State, row: int, lots: int) -> None:
    """Bring sibling and contingents in line after a fill of a reduce-only order."""
    number = s.orders[row, at.NUMBER]
    position = position_row(
        s, s.orders[row, at.ORDER_STRATEGY], s.orders[row, at.ORDER_INSTRUMENT]
    )
    reduce_sibling(s, s.orders, row, lots)
    stop_entering(s, row)
    if s.positions[position, at.QUANTITY] == 0:
        close_contingents(s, position, number)
    else:
        trim_protection(s, position, number)


def stop_entering(s: State, row: int) -> None:
    """Cancel the rest of an entry whose protection acts: it would only be bought to be sold."""
    parent = s.orders[row, at.PARENT]
    if parent == 0:
        return
    entry = find_row(s, parent)
    if entry >= 0 and adds_risk(s, entry) and not is_terminal(s.orders[entry, at.STATE]):
        request_cancel(s, entry)
