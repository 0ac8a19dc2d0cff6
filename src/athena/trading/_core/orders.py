"""The life of an order: the state table is data, and the only way to change a state."""

from __future__ import annotations

from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core.arithmetic import mul_div, value
from athena.trading._core.layout import State, Table
from athena.trading._core.records import fold, notice


def is_terminal(state: int) -> bool:
    """Tell whether a state is final."""
    return state >= codes.FILLED or state == codes.DENIED


def is_working(state: int) -> bool:
    """Tell whether an order counts in exposure: it is, or may be, at the venue."""
    return codes.SUBMITTING <= state <= codes.PARTIALLY_FILLED


def find_row(s: State, number: int) -> int:
    """Return the row of a live order, NONE when it is not in the table."""
    for row in range(s.account[at.N_ROWS]):
        if s.orders[row, at.NUMBER] == number:
            return row
    return at.NONE


def new_row(s: State) -> int:
    """Take a free row, number the order and clear its columns.

    Raises:
        OverflowError: the table of live orders is full.
    """
    n_rows = s.account[at.N_ROWS]
    row = 0
    while row < n_rows and s.orders[row, at.NUMBER] != 0:
        row += 1
    if row == len(s.orders):
        raise OverflowError("expected a free row for an order, was a full table")
    if row == n_rows:
        s.account[at.N_ROWS] = row + 1
    for column in range(at.N_ORDER):
        s.orders[row, column] = 0
    number = s.account[at.NEXT_NUMBER]
    s.account[at.NEXT_NUMBER] = number + 1
    s.orders[row, at.NUMBER] = number
    s.orders[row, at.STATE] = codes.CREATED
    s.orders[row, at.CREATED_NS] = s.account[at.NOW_NS]
    return row


def free_row(s: State, row: int) -> None:
    """Let a closed order leave hot state; a ring keeps the newest, the journal all."""
    slot = s.orders[row, at.NUMBER] % len(s.closed)
    for column in range(at.N_ORDER):
        s.closed[slot, column] = s.orders[row, column]
    if is_trailing(s, row) and s.orders[row, at.STATE] != codes.DENIED:
        s.account[at.N_TRAILING] -= 1
    s.orders[row, at.NUMBER] = 0
    n_rows = s.account[at.N_ROWS]
    while n_rows > 0 and s.orders[n_rows - 1, at.NUMBER] == 0:
        n_rows -= 1
    s.account[at.N_ROWS] = n_rows


def is_trailing(s: State, row: int) -> bool:
    """Tell whether an order's trigger moves; an entry only hands its trail to its stop."""
    return not adds_risk(s, row) and (
        s.orders[row, at.TRAIL_PPM] > 0 or s.orders[row, at.BREAK_EVEN] > 0
    )


def next_state(s: State, state: int, event: int) -> int:
    """Return the state that the table gives, NONE when the pair is illegal."""
    return s.transitions[state, event]


def move(s: State, row: int, event: int) -> bool:
    """Move an order by the table; an illegal pair changes nothing, is counted and recorded."""
    state = s.orders[row, at.STATE]
    after = next_state(s, state, event)
    if after < 0:
        s.account[at.N_ILLEGAL] += 1
        notice(s, codes.NOTICE_ILLEGAL, s.orders[row, at.NUMBER] * 65536 + state * 256 + event)
        return False
    s.orders[row, at.STATE] = after
    fold(s, at.D_TRANSITION)
    fold(s, s.orders[row, at.NUMBER])
    fold(s, state * 256 + after)
    return True


def remaining(s: State, row: int) -> int:
    """Return the lots of an order that are not filled; the worse of old and new while amending."""
    lots = s.orders[row, at.LOTS]
    if s.orders[row, at.PENDING] == codes.PENDING_AMEND:
        lots = max(lots, s.orders[row, at.AMEND_LOTS])
    return lots - s.orders[row, at.FILLED]


def wanted_lots(s: State, row: int) -> int:
    """Return the size an order shall have: what the newest amendment under way asks for."""
    if s.orders[row, at.PENDING] == codes.PENDING_AMEND:
        return s.orders[row, at.AMEND_LOTS]
    return s.orders[row, at.LOTS]


def wanted_trigger(s: State, row: int) -> int:
    """Return the trigger an order shall have: what the newest amendment under way asks for."""
    if s.orders[row, at.PENDING] == codes.PENDING_AMEND:
        return s.orders[row, at.AMEND_TRIGGER]
    return s.orders[row, at.TRIGGER]


def reserved_value(s: State, row: int) -> int:
    """Return the money a working order may still move, at its worst price."""
    instrument = s.orders[row, at.ORDER_INSTRUMENT]
    return value(
        s.orders[row, at.RESERVE],
        remaining(s, row),
        s.instruments[instrument, at.VALUE_NUM],
        s.instruments[instrument, at.VALUE_DEN],
    )


def adds_risk(s: State, row: int) -> bool:
    """Tell whether a live order can enlarge a position."""
    return (s.orders[row, at.FLAGS] & at.FLAG_REDUCE_ONLY) == 0


def is_stop(order_type: int) -> bool:
    """Tell whether a type waits for an adverse price."""
    return order_type in (codes.STOP, codes.STOP_LIMIT, codes.TRAILING_STOP)


def needs_limit(order_type: int) -> bool:
    """Tell whether a type carries a limit price."""
    return order_type in (codes.LIMIT, codes.STOP_LIMIT, codes.TAKE_PROFIT_LIMIT)


def needs_trigger(order_type: int) -> bool:
    """Tell whether a type carries a trigger price."""
    return codes.STOP <= order_type <= codes.TAKE_PROFIT_LIMIT


def average_price(s: State, orders: Table, row: int) -> int:
    """Return the average fill price of an order in ticks, rounded down; 0 when unfilled."""
    filled = orders[row, at.FILLED]
    if filled == 0:
        return 0
    instrument = orders[row, at.ORDER_INSTRUMENT]
    return mul_div(
        orders[row, at.FILL_COST],
        s.instruments[instrument, at.VALUE_DEN],
        filled * s.instruments[instrument, at.VALUE_NUM],
    )


def set_timer(s: State, when_ns: int) -> None:
    """Make sure the core looks at its clocks not later than `when_ns`."""
    s.account[at.NEXT_TIMER_NS] = min(s.account[at.NEXT_TIMER_NS], when_ns)


def record_child(s: State, row: int) -> None:
    """Fold a derived order's terms into the digest; replay derives it again."""
    fold(s, at.D_CHILD)
    fold(s, s.orders[row, at.NUMBER])
    fold(s, s.orders[row, at.PARENT])
    fold(s, s.orders[row, at.TYPE] * 4 + s.orders[row, at.SIDE] + 1)
    fold(s, s.orders[row, at.LOTS])
    fold(s, s.orders[row, at.LIMIT])
    fold(s, s.orders[row, at.TRIGGER])


__all__ = [
    "adds_risk",
    "average_price",
    "find_row",
    "free_row",
    "is_stop",
    "is_terminal",
    "is_trailing",
    "is_working",
    "move",
    "needs_limit",
    "needs_trigger",
    "new_row",
    "next_state",
    "record_child",
    "remaining",
    "reserved_value",
    "set_timer",
    "wanted_lots",
    "wanted_trigger",
]
