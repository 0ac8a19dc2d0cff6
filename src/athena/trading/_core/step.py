"""The step functions: an event goes in, the state moves, effects are queued.

One function an event. Each records its input first, so that the journal can replay it.
"""

from __future__ import annotations

from athena.trading._core import codes, exposure, marks, protection, risk
from athena.trading._core import layout as at
from athena.trading._core import limits as limit
from athena.trading._core.arithmetic import mul_div_capped, same_sign
from athena.trading._core.layout import State, Table
from athena.trading._core.orders import (
    adds_risk,
    find_row,
    free_row,
    move,
    needs_trigger,
    new_row,
    set_timer,
    wanted_lots,
)
from athena.trading._core.positions import (
    add_cash,
    book_fill,
    count_execution_error,
    position_row,
    worth,
)
from athena.trading._core.records import (
    notice,
    pack_order,
    record_cash,
    record_command,
    record_health,
    record_intent,
    record_report,
    record_share,
    record_verdict,
)
from athena.trading._core.validity import fail, reference_price, worst_price


def apply_intent(s: State) -> int:
    """Judge an intent; send it, hold it, or deny it.

    Returns:
        The order's number; `s.verdict` says what the risk engine decided.
    """
    purpose = s.intent[at.I_PURPOSE]
    if purpose in (codes.EXIT, codes.PROTECT, codes.LIQUIDATE):
        s.intent[at.I_FLAGS] |= at.FLAG_REDUCE_ONLY
    record_intent(s)
    _refill_rate(s)
    risk.judge(s)
    if not _can_pair(s):
        fail(s, codes.INVALID_VALUE)
    if _is_table_full(s):
        fail(s, codes.ORDER_RATE)
    if s.verdict[at.CODE] != 0:
        s.verdict[at.APPROVED] = 0
    s.account[at.N_INTENTS] += 1
    _remember_key(s, s.intent[at.I_KEY])
    row = new_row(s)
    number = s.orders[row, at.NUMBER]
    record_verdict(s, number)
    _write_order(s, row)
    if s.verdict[at.CODE] != 0:
        s.account[at.N_DENIED] += 1
        move(s, row, codes.DENY)
        free_row(s, row)
        return number
    if adds_risk(s, row):
        s.account[at.RATE_TOKENS] -= at.PPM
    _approve(s, row)
    return number


def _is_table_full(s: State) -> bool:
    """Tell whether an intent would take a row that others need more.

    The reserve is for exits and protections; the last row numbers what is denied.
    """
    is_exit = (s.intent[at.I_FLAGS] & at.FLAG_REDUCE_ONLY) != 0
    reserve = 2 if is_exit else at.ORDER_RESERVE
    return s.account[at.N_ROWS] > at.MAX_ORDERS - reserve


def _refill_rate(s: State) -> None:
    """Refill the order-rate bucket by the time gone by, up to the burst."""
    now = s.account[at.NOW_NS]
    gone = now - s.account[at.RATE_NS]
    if gone > 0:
        fresh = mul_div_capped(gone, s.limits[limit.ORDERS_PER_MINUTE] * at.PPM, at.NS_PER_MINUTE)
        tokens = s.account[at.RATE_TOKENS] + fresh
        s.account[at.RATE_TOKENS] = min(tokens, s.limits[limit.ORDER_BURST] * at.PPM)
        s.account[at.RATE_NS] = now


def _remember_key(s: State, key: int) -> None:
    """Remember the newest intent keys; a duplicate keeps its first place."""
    if key == 0 or (s.verdict[at.MASK] >> codes.DUPLICATE_INTENT) & 1:
        return
    s.keys[s.account[at.N_KEYS] % len(s.keys)] = key
    s.account[at.N_KEYS] += 1


def _write_order(s: State, row: int) -> None:
    """Write an intent's terms, as approved, into its order."""
    if s.verdict[at.CODE] == codes.INVALID_VALUE:
        return  # its numbers are not to be trusted, and a denied order needs none
    instrument = s.intent[at.I_INSTRUMENT]
    s.orders[row, at.ORDER_INSTRUMENT] = instrument
    s.orders[row, at.ORDER_STRATEGY] = s.intent[at.I_STRATEGY]
    s.orders[row, at.PURPOSE] = s.intent[at.I_PURPOSE]
    s.orders[row, at.SIDE] = s.intent[at.I_SIDE]
    s.orders[row, at.TYPE] = s.intent[at.I_TYPE]
    s.orders[row, at.TIME_IN_FORCE] = s.intent[at.I_TIME_IN_FORCE]
    s.orders[row, at.LOTS] = s.verdict[at.APPROVED]
    s.orders[row, at.LIMIT] = s.intent[at.I_LIMIT]
    s.orders[row, at.TRIGGER] = s.intent[at.I_TRIGGER]
    s.orders[row, at.STOP] = s.verdict[at.APPROVED_STOP]
    s.orders[row, at.TARGET] = s.intent[at.I_TARGET]
    s.orders[row, at.TRAIL_PPM] = s.intent[at.I_TRAIL_PPM]
    s.orders[row, at.FLAGS] = s.intent[at.I_FLAGS]
    s.orders[row, at.EXPIRES_NS] = s.intent[at.I_EXPIRES_NS]
    s.orders[row, at.LEVERAGE] = s.verdict[at.APPROVED_LEVERAGE]
    s.orders[row, at.RESERVE] = worst_price(s, reference_price(s))


def _approve(s: State, row: int) -> None:
    """Send an approved order, or hold a trailing stop until it is armed."""
    expires = s.orders[row, at.EXPIRES_NS]
    if adds_risk(s, row) and s.orders[row, at.TYPE] == codes.LIMIT:
        now = s.account[at.NOW_NS]
        if expires == 0:
            expires = now + s.limits[limit.ENTRY_LIMIT_NS]
        expires = min(expires, now + s.limits[limit.ENTRY_LIMIT_MAX_NS])
        s.orders[row, at.EXPIRES_NS] = expires
    if expires > 0:
        set_timer(s, expires)
    _pair(s, row, s.intent[at.I_SIBLING])
    if s.orders[row, at.TYPE] == codes.TRAILING_STOP:
        _start_trailing(s, row)
        if s.orders[row, at.TRIGGER] == 0:
            move(s, row, codes.HOLD)
            return
    elif not adds_risk(s, row):
        s.orders[row, at.TRAIL_PPM] = 0
    protection.send(s, row)


def _can_pair(s: State) -> bool:
    """Tell whether the order to pair with lives, free, in the same position.

    One that filled meanwhile refuses the intent: alone it would be an order too many. So does a
    protection: what cancels it would leave the position without its stop.
    """
    sibling = s.intent[at.I_SIBLING]
    if sibling == 0:
        return True
    other = find_row(s, sibling)
    if other < 0:
        return False
    partner = s.orders[other, at.SIBLING]
    return (
        s.orders[other, at.ORDER_INSTRUMENT] == s.intent[at.I_INSTRUMENT]
        and s.orders[other, at.ORDER_STRATEGY] == s.intent[at.I_STRATEGY]
        and s.orders[other, at.PARENT] == 0
        and (partner == 0 or find_row(s, partner) < 0)
    )


def _pair(s: State, row: int, sibling: int) -> None:
    """Pair two live orders: one cancels the other (OCO)."""
    if sibling > 0:
        s.orders[row, at.SIBLING] = sibling
        s.orders[find_row(s, sibling), at.SIBLING] = s.orders[row, at.NUMBER]


def _start_trailing(s: State, row: int) -> None:
    """Give a trailing stop its entry price, distance and arming profit."""
    instrument = s.orders[row, at.ORDER_INSTRUMENT]
    position = position_row(s, s.orders[row, at.ORDER_STRATEGY], instrument)
    quantity = s.positions[position, at.QUANTITY]
    s.orders[row, at.ENTRY] = mul_div_capped(
        s.positions[position, at.COST],
        s.instruments[instrument, at.VALUE_DEN],
        quantity * s.instruments[instrument, at.VALUE_NUM],
    )
    if s.orders[row, at.TRAIL_PPM] == 0:
        s.orders[row, at.TRAIL_PPM] = s.limits[limit.TRAIL_PPM]
    s.orders[row, at.ARM_PPM] = s.limits[limit.TRAIL_ARM_PPM]
    s.account[at.N_TRAILING] += 1


# --- venue reports ----------------------------------------------------------------------------


def apply_report(
    s: State, what: int, number: int, lots: int, price: int, fee: int, liquidity: int, trade: int
) -> None:
    """Apply what a venue reported of one order.

    Args:
        s: the state.
        what: a report code of `codes`.
        number: the order's number.
        lots: filled lots, or the confirmed size of an amendment.
        price: fill price, or the confirmed trigger, in ticks.
        fee: in quote money.
        liquidity: taker or maker.
        trade: the venue's number of the fill; 0 when it has none.
    """
    row = find_row(s, number)
    order = _terms(s, row, number)
    record_report(s, what, number, lots, price, fee, liquidity, trade, order)
    if what == codes.FILLED_REPORT and (lots <= 0 or price <= 0):
        _refuse_report(s, number)
    elif what == codes.FILLED_REPORT and _is_booked(s, trade):
        notice(s, codes.NOTICE_DUPLICATE_FILL, number)
    elif row < 0:
        _report_on_closed(s, what, number, lots, price, fee)
    elif what == codes.FILLED_REPORT:
        _apply_fill(s, row, lots, price, fee)
    else:
        _apply_news(s, row, what, lots, price)


def _is_booked(s: State, trade: int) -> bool:
    """Tell whether a fill was booked before, and remember it: one trade id is one fill.

    A venue that numbers no fills reports 0, and nothing can be told.
    """
    if trade == 0:
        return False
    slot = trade % len(s.trades)
    if s.trades[slot] == trade:
        return True
    s.trades[slot] = trade
    return False


def _apply_news(s: State, row: int, what: int, lots: int, price: int) -> None:
    """Apply a report on a live order that is no fill."""
    state = s.orders[row, at.STATE]
    if what == codes.ACCEPTED:
        # Fill, trigger and an earlier acknowledgement imply it.
        if not codes.OPEN <= state <= codes.PARTIALLY_FILLED:
            move(s, row, codes.ACCEPT)
    elif what == codes.TRIGGERED_REPORT:
        move(s, row, codes.TRIGGER)
        protection.stop_entering(s, row)
    elif what == codes.AMENDED:
        _apply_amendment(s, row, lots, price)
    elif what in (codes.AMEND_REFUSED, codes.CANCEL_REFUSED):
        asked = codes.PENDING_AMEND if what == codes.AMEND_REFUSED else codes.PENDING_CANCEL
        if s.orders[row, at.PENDING] == asked:  # a cancel may have followed the amendment
            s.orders[row, at.PENDING] = codes.PENDING_NONE
        count_execution_error(s)
        _end_if_whole(s, row)
    elif what == codes.AMBIGUOUS:
        # An unknown outcome of a cancel or an amendment leaves the state, and the request pending.
        if s.orders[row, at.PENDING] == codes.PENDING_NONE or state == codes.SUBMITTING:
            move(s, row, codes.LOSE)
    else:
        _end_order(s, row, what)


def _terms(s: State, row: int, number: int) -> int:
    """Return an order's packed terms, live or closed; NONE when it is known no more."""
    if row >= 0:
        return pack_order(
            s.orders[row, at.ORDER_INSTRUMENT],
            s.orders[row, at.ORDER_STRATEGY],
            s.orders[row, at.PURPOSE],
            s.orders[row, at.SIDE],
        )
    slot = number % len(s.closed)
    if s.closed[slot, at.NUMBER] != number:
        return at.NONE
    return pack_order(
        s.closed[slot, at.ORDER_INSTRUMENT],
        s.closed[slot, at.ORDER_STRATEGY],
        s.closed[slot, at.PURPOSE],
        s.closed[slot, at.SIDE],
    )


def _refuse_report(s: State, number: int) -> None:
    """Count and record a report that cannot be true; it changes nothing."""
    s.account[at.N_ILLEGAL] += 1
    notice(s, codes.NOTICE_ILLEGAL, number)


def _end_order(s: State, row: int, what: int) -> None:
    """End an order that will fill no more: cancelled, expired, refused, never there."""
    event = codes.CANCEL
    if what == codes.EXPIRED_REPORT:
        event = codes.EXPIRE
    elif what == codes.REFUSED:
        event = codes.REFUSE
    elif what == codes.NOT_SENT:
        event = codes.PROVE_UNSENT
    elif what == codes.ABSENT_PROVEN:
        event = codes.PROVE_ABSENT
    # What was taken back before it left went as it was wanted.
    is_cancelling = s.orders[row, at.PENDING] == codes.PENDING_CANCEL
    is_withdrawn = event == codes.PROVE_UNSENT and is_cancelling
    if move(s, row, event):
        if event not in (codes.CANCEL, codes.EXPIRE) and not is_withdrawn:
            count_execution_error(s)
        free_row(s, row)


def _apply_amendment(s: State, row: int, lots: int, trigger: int) -> None:
    """Take the size and trigger that the venue confirmed; a newer request stays pending."""
    if (
        s.orders[row, at.PENDING] == codes.PENDING_AMEND
        and lots == s.orders[row, at.AMEND_LOTS]
        and trigger == s.orders[row, at.AMEND_TRIGGER]
    ):
        s.orders[row, at.PENDING] = codes.PENDING_NONE
    s.orders[row, at.LOTS] = lots
    if needs_trigger(s.orders[row, at.TYPE]) or s.orders[row, at.TYPE] == codes.TRAILING_STOP:
        s.orders[row, at.TRIGGER] = trigger
    _end_if_whole(s, row)


def _end_if_whole(s: State, row: int) -> None:
    """End an order whose filled part turns out to be all of it, once its amendment is settled."""
    is_open = s.orders[row, at.PENDING] != codes.PENDING_AMEND
    if is_open and 0 < s.orders[row, at.LOTS] <= s.orders[row, at.FILLED]:
        move(s, row, codes.FILL_REST)
        free_row(s, row)


def _apply_fill(s: State, row: int, lots: int, price: int, fee: int) -> None:
    """Book a fill and bring the order, its children and its sibling in line."""
    instrument = s.orders[row, at.ORDER_INSTRUMENT]
    strategy = s.orders[row, at.ORDER_STRATEGY]
    filled = s.orders[row, at.FILLED] + lots
    # The venue may have carried out an amendment that it has not confirmed yet.
    whole = max(s.orders[row, at.LOTS], wanted_lots(s, row))
    event = codes.FILL_REST if filled >= whole else codes.FILL_PART
    if not move(s, row, event):
        return
    s.orders[row, at.FILLED] = filled
    s.orders[row, at.FILL_COST] += worth(s, instrument, price, lots)
    s.account[at.ERROR_STREAK] = 0
    position = position_row(s, strategy, instrument)
    before = s.positions[position, at.QUANTITY]
    _book(s, strategy, instrument, s.orders[row, at.SIDE] * lots, price, fee)
    if filled > whole:
        notice(s, codes.NOTICE_OVERFILL, s.orders[row, at.NUMBER])
        marks.latch(s, at.HALT_FAULT)
    if adds_risk(s, row):
        _after_entry(s, s.orders, row, position, before)
        protection.after_entry_fill(s, s.orders, row, lots, before)
    else:
        protection.after_exit_fill(s, row, lots)
    if s.orders[row, at.STATE] == codes.FILLED:
        free_row(s, row)


def _book(s: State, strategy: int, instrument: int, lots: int, price: int, fee: int) -> None:
    """Book a fill of signed lots; what the hodl book buys leaves equity, and that is no loss."""
    cash = s.account[at.CASH]
    book_fill(s, strategy, instrument, lots, price, fee)
    if s.strategies[strategy, at.BOOK] == codes.HODL_BOOK:
        marks.rebase(s, s.account[at.CASH] - cash)


def _after_entry(s: State, orders: Table, row: int, position: int, before: int) -> None:
    """Set leverage, holding timer and the cool-down of the book that traded."""
    if orders[row, at.PURPOSE] == codes.REBALANCE:
        until = s.account[at.NOW_NS] + s.limits[limit.COOLDOWN_REBALANCE_NS]
        s.account[at.TRADING_COOLDOWN_NS] = max(s.account[at.TRADING_COOLDOWN_NS], until)
    after = s.positions[position, at.QUANTITY]
    if after == 0:
        return
    leverage = orders[row, at.LEVERAGE]
    if same_sign(before, after):
        if abs(after) > abs(before):
            held = s.positions[position, at.POSITION_LEVERAGE]
            s.positions[position, at.POSITION_LEVERAGE] = _joined(after, held, leverage)
        return
    s.positions[position, at.POSITION_LEVERAGE] = leverage
    if s.limits[limit.HOLDING_NS] < at.NEVER_NS // 2:
        set_timer(s, s.account[at.NOW_NS] + s.limits[limit.HOLDING_NS])


def _joined(quantity: int, held: int, added: int) -> int:
    """Return the leverage of a position that was added to, so that its margin is never too low.

    The lower of two binds more margin; but a long at leverage 1 binds none, so there the other.
    """
    if quantity > 0 and min(held, added) <= 1:
        return max(held, added)
    return max(1, min(held, added))


def _report_on_closed(s: State, what: int, number: int, lots: int, price: int, fee: int) -> None:
    """Book a fill that came after the end; anything else about a closed order is illegal."""
    slot = number % len(s.closed)
    if what != codes.FILLED_REPORT or s.closed[slot, at.NUMBER] != number:
        _refuse_report(s, number)
        return
    notice(s, codes.NOTICE_LATE_FILL, number)
    instrument = s.closed[slot, at.ORDER_INSTRUMENT]
    strategy = s.closed[slot, at.ORDER_STRATEGY]
    s.closed[slot, at.FILLED] += lots
    s.closed[slot, at.FILL_COST] += worth(s, instrument, price, lots)
    position = position_row(s, strategy, instrument)
    before = s.positions[position, at.QUANTITY]
    _book(s, strategy, instrument, s.closed[slot, at.SIDE] * lots, price, fee)
    if (s.closed[slot, at.FLAGS] & at.FLAG_REDUCE_ONLY) == 0:
        _after_entry(s, s.closed, slot, position, before)
        protection.after_entry_fill(s, s.closed, slot, lots, before)
    elif s.positions[position, at.QUANTITY] == 0:
        protection.close_contingents(s, position, number)
    else:
        protection.trim_protection(s, position, number)
    if s.closed[slot, at.FILLED] > s.closed[slot, at.LOTS]:
        notice(s, codes.NOTICE_OVERFILL, number)
        marks.latch(s, at.HALT_FAULT)


# --- commands, cash, shares, health -----------------------------------------------------------


def apply_command(s: State, command: int, argument: int, argument_2: int) -> None:
    """Apply an operator's command; those that reduce risk always work."""
    record_command(s, command, argument, argument_2)
    if command == codes.COMMAND_PAUSE:
        marks.latch(s, at.HALT_PAUSED)
    elif command == codes.COMMAND_RESUME:
        _unlatch(s, at.HALT_PAUSED)
    elif command == codes.COMMAND_HALT:
        marks.latch(s, at.HALT_OPERATOR)
    elif command == codes.COMMAND_KILL:
        marks.latch(s, at.HALT_KILL)
        protection.flatten(s)
    elif command == codes.COMMAND_FLATTEN:
        protection.flatten(s)
    elif command == codes.COMMAND_CANCEL_ALL:
        _cancel_all(s)
    elif command == codes.COMMAND_CANCEL:
        row = find_row(s, argument)
        if row >= 0:
            protection.request_cancel(s, row)
    elif command == codes.COMMAND_CLOSE:
        _close_instrument(s, argument)
    elif command == codes.COMMAND_TIGHTEN:
        protection.tighten_stops(s, argument)
    elif command == codes.COMMAND_STOP_STRATEGY:
        if 0 <= argument < s.account[at.N_STRATEGIES]:
            s.strategies[argument, at.IS_STOPPED] = 1
    elif command == codes.COMMAND_ADMIN_RESUME:
        _resume_by_admin(s)
    elif command == codes.COMMAND_REDUCE and 0 <= argument < s.account[at.N_POSITIONS]:
        protection.liquidate(s, argument, argument_2)


def _resume_by_admin(s: State) -> None:
    """End the latched halts.

    After the drawdown stop the peak stays, and with it the leverage caps of the fall and the
    drawdown limit; the stop is armed again by a new peak. After the limit the account starts anew,
    at leverage 1.
    """
    if s.account[at.HALT] & at.HALT_LIMIT:
        s.account[at.PEAK] = s.account[at.EQUITY]
        s.account[at.DRAWDOWN_RESUMED] = 0
    elif s.account[at.HALT] & at.HALT_DRAWDOWN:
        s.account[at.DRAWDOWN_RESUMED] = 1
    for bit in (at.HALT_DRAWDOWN, at.HALT_LIMIT, at.HALT_KILL, at.HALT_OPERATOR, at.HALT_FAULT):
        _unlatch(s, bit)
    s.account[at.HALTED_AT_NS] = 0
    marks.set_floor(s)


def _unlatch(s: State, bit: int) -> None:
    if s.account[at.HALT] & bit:
        s.account[at.HALT] -= bit
        notice(s, codes.NOTICE_RESET, bit)


def _cancel_all(s: State) -> None:
    """Cancel every order but the protections."""
    for row in range(s.account[at.N_ROWS]):
        if s.orders[row, at.NUMBER] != 0 and s.orders[row, at.PURPOSE] != codes.PROTECT:
            protection.request_cancel(s, row)


def _close_instrument(s: State, instrument: int) -> None:
    """Close every trading position in one instrument at market."""
    n_instruments = s.account[at.N_INSTRUMENTS]
    for position in range(s.account[at.N_POSITIONS]):
        is_trading = s.strategies[position // n_instruments, at.BOOK] == codes.TRADING_BOOK
        if position % n_instruments == instrument and is_trading:
            protection.liquidate(s, position, abs(s.positions[position, at.QUANTITY]))


def apply_cash(s: State, amount: int, is_transfer: int, reference: int) -> None:
    """Book money that came or went without an order; a transfer is neither gain nor loss.

    Args:
        s: the state.
        amount: signed money.
        is_transfer: 1 for a deposit or withdrawal, 0 for funding and interest.
        reference: number of the venue's entry, so that it is booked once; 0 when it has none.
    """
    record_cash(s, amount, is_transfer, reference)
    add_cash(s, amount)
    if is_transfer == 1:
        marks.transfer(s, amount)
    else:
        s.account[at.REALISED] += amount


def apply_share(s: State, strategy: int, share_ppm: int) -> None:
    """Give a strategy another share of the equity; nothing is bought or sold for it.

    One that has more at stake than its new share takes no new risk until it has less: the risk
    engine sees to its intents, its working entries are cancelled here. A share outside 0..10^6, or
    that would make all shares together more than the whole, is refused; less is always taken.
    """
    record_share(s, strategy, share_ppm)
    if not _is_share(s, strategy, share_ppm):
        notice(s, codes.NOTICE_SHARE_REFUSED, strategy)
        return
    s.strategies[strategy, at.SHARE_PPM] = share_ppm
    if risk.is_beyond_share(s, strategy):
        for row in range(s.account[at.N_ROWS]):
            if s.orders[row, at.ORDER_STRATEGY] == strategy and exposure.may_enlarge(s, row):
                protection.request_cancel(s, row)


def _is_share(s: State, strategy: int, share_ppm: int) -> bool:
    """Tell whether a strategy can be given a share beside those of the others."""
    if not 0 <= strategy < s.account[at.N_STRATEGIES] or not 0 <= share_ppm <= at.PPM:
        return False
    total = share_ppm
    for other in range(s.account[at.N_STRATEGIES]):
        if other != strategy:
            total += s.strategies[other, at.SHARE_PPM]
    return total <= at.PPM or share_ppm <= s.strategies[strategy, at.SHARE_PPM]


def apply_health(s: State, health: int, account_ns: int) -> None:
    """Take what is known of venue, clock and reconciliation, and when equity was confirmed."""
    record_health(s, health, account_ns)
    s.account[at.HEALTH] = health
    s.account[at.ACCOUNT_NS] = account_ns
