"""What a live session is told and a backtest takes from its columns; each has its own record.

Prices and time, risk inputs, limits that an operator moved, orders and holdings that came into
being elsewhere.
"""

from __future__ import annotations

from athena.trading._core import codes, marks, protection
from athena.trading._core import layout as at
from athena.trading._core import limits as limit
from athena.trading._core.arithmetic import LOTS_MAX, TICKS_MAX, mul_div
from athena.trading._core.layout import State
from athena.trading._core.orders import move, new_row
from athena.trading._core.positions import equity, position_row, worth
from athena.trading._core.records import begin, notice, seal

N_RISK = 7  # risk inputs of an instrument, from ATR on

# fields of an adopted order, in the intent's table
A_STRATEGY = 0
A_INSTRUMENT = 1
A_PURPOSE = 2
A_SIDE = 3
A_TYPE = 4
A_LOTS = 5
A_LIMIT = 6
A_TRIGGER = 7
A_FILLED = 8  # lots of it that are in the opening balances already
A_REFERENCE = 9  # number of the venue's id
N_ADOPT = 10


def apply_price(s: State, instrument: int, last: int, high: int, low: int, now_ns: int) -> None:
    """Take a price of the one feed; one that cannot be is recorded as illegal and not taken."""
    cursor = begin(s, at.R_PRICE, 5)
    s.records[cursor] = instrument
    s.records[cursor + 1] = last
    s.records[cursor + 2] = high
    s.records[cursor + 3] = low
    s.records[cursor + 4] = now_ns
    seal(s, cursor)
    is_known = 0 <= instrument < s.account[at.N_INSTRUMENTS]
    if not is_known or not 0 < low <= last <= high <= TICKS_MAX:
        _refuse(s, instrument)
        return
    marks.set_price(s, instrument, last, high, low, now_ns)


def apply_tick(s: State, now_ns: int, trails: int) -> None:
    """Let time pass: judge the account, run timers and, when asked, move trailing stops.

    A clock that was set back stands still.
    """
    cursor = begin(s, at.R_TICK, 2)
    s.records[cursor] = now_ns
    s.records[cursor + 1] = trails
    seal(s, cursor)
    marks.judge_account(s, max(now_ns, s.account[at.NOW_NS]))
    if trails == 1 and s.account[at.N_TRAILING] > 0:
        protection.trail_stops(s)
    marks.run_timers(s)


def apply_risk(s: State) -> None:
    """Take an instrument's risk inputs: its index and N_RISK values lie in `s.intent`."""
    cursor = begin(s, at.R_RISK, 1 + N_RISK)
    for field in range(1 + N_RISK):
        s.records[cursor + field] = s.intent[field]
    seal(s, cursor)
    instrument = s.intent[0]
    if not 0 <= instrument < s.account[at.N_INSTRUMENTS]:
        _refuse(s, instrument)
        return
    for field in range(N_RISK):
        s.instruments[instrument, at.ATR + field] = s.intent[1 + field]
    marks.watch_market(s, instrument)


def apply_correlation(s: State, first: int, second: int, ppm: int) -> None:
    """Take the correlation of two instruments."""
    cursor = begin(s, at.R_CORRELATION, 3)
    s.records[cursor] = first
    s.records[cursor + 1] = second
    s.records[cursor + 2] = ppm
    seal(s, cursor)
    n = s.account[at.N_INSTRUMENTS]
    if not 0 <= first < n or not 0 <= second < n or abs(ppm) > at.PPM:
        _refuse(s, first)
        return
    s.correlation[first, second] = ppm
    s.correlation[second, first] = ppm


def apply_limit(s: State, column: int, value: int) -> None:
    """Move one limit; whoever asks has checked its ceiling."""
    cursor = begin(s, at.R_LIMIT, 2)
    s.records[cursor] = column
    s.records[cursor + 1] = value
    seal(s, cursor)
    if not 0 <= column < limit.N_LIMIT:
        _refuse(s, column)
        return
    s.limits[column] = value
    marks.set_floor(s)


def apply_adopt(s: State) -> int:
    """Take up an order that the venue has and the core did not send; its terms lie in `s.intent`.

    It counts in exposure from now on. Its fills are reported as those of any order.

    Returns:
        The order's number; 0 when its terms cannot be.
    """
    cursor = begin(s, at.R_ADOPT, N_ADOPT)
    for field in range(N_ADOPT):
        s.records[cursor + field] = s.intent[field]
    seal(s, cursor)
    instrument = s.intent[A_INSTRUMENT]
    if not _is_adoptable(s):
        _refuse(s, instrument)
        return 0
    row = new_row(s)
    number = s.orders[row, at.NUMBER]
    s.orders[row, at.ORDER_STRATEGY] = s.intent[A_STRATEGY]
    s.orders[row, at.ORDER_INSTRUMENT] = instrument
    s.orders[row, at.PURPOSE] = s.intent[A_PURPOSE]
    s.orders[row, at.SIDE] = s.intent[A_SIDE]
    s.orders[row, at.TYPE] = s.intent[A_TYPE]
    s.orders[row, at.LOTS] = s.intent[A_LOTS]
    s.orders[row, at.LIMIT] = s.intent[A_LIMIT]
    s.orders[row, at.TRIGGER] = s.intent[A_TRIGGER]
    s.orders[row, at.FILLED] = s.intent[A_FILLED]
    s.orders[row, at.LEVERAGE] = 1
    price = max(s.intent[A_LIMIT], s.intent[A_TRIGGER])
    s.orders[row, at.RESERVE] = price if price > 0 else s.instruments[instrument, at.LAST]
    s.orders[row, at.FLAGS] = at.FLAG_EXTERNAL
    if s.intent[A_PURPOSE] == codes.LIQUIDATE:
        s.orders[row, at.FLAGS] |= at.FLAG_REDUCE_ONLY
    move(s, row, codes.APPROVE)
    move(s, row, codes.ACCEPT)
    return number


def _is_adoptable(s: State) -> bool:
    return (
        0 <= s.intent[A_STRATEGY] < s.account[at.N_STRATEGIES]
        and 0 <= s.intent[A_INSTRUMENT] < s.account[at.N_INSTRUMENTS]
        and 0 <= s.intent[A_PURPOSE] <= codes.LIQUIDATE
        and (s.intent[A_SIDE] == 1 or s.intent[A_SIDE] == -1)
        and 0 <= s.intent[A_TYPE] <= codes.TRAILING_STOP
        and 0 < s.intent[A_LOTS] <= LOTS_MAX
        and 0 <= s.intent[A_FILLED] < s.intent[A_LOTS]
        and 0 <= s.intent[A_LIMIT] <= TICKS_MAX
        and 0 <= s.intent[A_TRIGGER] <= TICKS_MAX
        and s.account[at.N_ROWS] < len(s.orders)
    )


def apply_holding(
    s: State, strategy: int, instrument: int, lots: int, ticks: int, reference: int
) -> None:
    """Book coins that came or went without an order; neither gain nor loss.

    Args:
        s: the state.
        strategy: whose holding; what leaves is at most what it holds.
        instrument: of which.
        lots: signed, + came.
        ticks: price that arriving coins are booked at, > 0; leaving ones leave at cost.
        reference: number of the venue's entry; 0 for what was there at the start.
    """
    cursor = begin(s, at.R_HOLDING, 5)
    s.records[cursor] = strategy
    s.records[cursor + 1] = instrument
    s.records[cursor + 2] = lots
    s.records[cursor + 3] = ticks
    s.records[cursor + 4] = reference
    seal(s, cursor)
    is_known = (
        0 <= strategy < s.account[at.N_STRATEGIES]
        and 0 <= instrument < s.account[at.N_INSTRUMENTS]
        and 0 < ticks <= TICKS_MAX
        and abs(lots) <= LOTS_MAX
    )
    if not is_known:
        _refuse(s, instrument)
        return
    row = position_row(s, strategy, instrument)
    held = s.positions[row, at.QUANTITY]
    if held < 0 or held + lots < 0:
        _refuse(s, instrument)
        return
    before = equity(s)
    if held == 0:
        s.positions[row, at.OPENED_NS] = s.account[at.NOW_NS]
    if lots >= 0:
        s.positions[row, at.COST] += worth(s, instrument, ticks, lots)
    else:
        s.positions[row, at.COST] += mul_div(s.positions[row, at.COST], lots, held)
    s.positions[row, at.QUANTITY] = held + lots
    if held + lots == 0:
        s.positions[row, at.COST] = 0
        s.positions[row, at.GUARD] = 0
    marks.rebase(s, equity(s) - before)
    protection.trim_protection(s, row, 0)


def _refuse(s: State, argument: int) -> None:
    """Count and record an event that cannot be; it changes nothing."""
    s.account[at.N_ILLEGAL] += 1
    notice(s, codes.NOTICE_ILLEGAL, argument)
