"""Fills on bars, in the core's restricted subset: rules 1 to 7 of the specification.

The bar is all that is known of the market, so every doubt is settled against the trader: a limit
needs a price beyond it, a stop comes before a target, cost is always adverse, and no more than a
share of the bar's volume is filled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.trading import State, codes
from athena.trading import arithmetic as exact
from athena.trading import layout as at
from athena.trading import step as core
from athena.venues import _table as vt

if TYPE_CHECKING:
    from athena.venues._table import Venue

_FAR = 2**62


# --- orders come and go -----------------------------------------------------------------------


def drain(s: State, v: Venue) -> None:
    """Carry out every effect the core has queued, and those that follow from them."""
    done = 0
    while done < s.account[at.N_EFFECTS]:
        kind = s.effects[done, at.E_KIND]
        row = s.effects[done, at.E_ROW]
        number = s.effects[done, at.E_NUMBER]
        if s.orders[row, at.NUMBER] == number:
            if kind == at.SEND:
                _place(s, v, row)
            elif kind == at.CANCEL:
                _cancel(s, v, row, number)
            elif kind == at.AMEND and s.orders[row, at.PENDING] == codes.PENDING_AMEND:
                _amend(s, v, row, number)
        done += 1
    s.account[at.N_EFFECTS] = 0


def _place(s: State, v: Venue, row: int) -> None:
    """Take an order into the book and acknowledge it."""
    n_book = v.settings[vt.N_BOOK]
    slot = 0
    while slot < n_book and v.book[slot, vt.V_NUMBER] != 0:
        slot += 1
    if slot == len(v.book):
        raise OverflowError("expected room in the venue's book, was full")
    if slot == n_book:
        v.settings[vt.N_BOOK] = slot + 1
    number = s.orders[row, at.NUMBER]
    instrument = s.orders[row, at.ORDER_INSTRUMENT]
    phase = v.settings[vt.PHASE]
    v.book[slot, vt.V_NUMBER] = number
    v.book[slot, vt.V_INSTRUMENT] = instrument
    v.book[slot, vt.V_SIDE] = s.orders[row, at.SIDE]
    v.book[slot, vt.V_TYPE] = s.orders[row, at.TYPE]
    v.book[slot, vt.V_TIME_IN_FORCE] = s.orders[row, at.TIME_IN_FORCE]
    v.book[slot, vt.V_LEFT] = s.orders[row, at.LOTS]
    v.book[slot, vt.V_FILLED] = 0
    v.book[slot, vt.V_LIMIT] = s.orders[row, at.LIMIT]
    v.book[slot, vt.V_TRIGGER] = s.orders[row, at.TRIGGER]
    v.book[slot, vt.V_POST_ONLY] = s.orders[row, at.FLAGS] & at.FLAG_POST_ONLY
    v.book[slot, vt.V_BORN] = phase
    v.book[slot, vt.V_FILLS] = 0
    # Only a protection born with its entry's fill can act in the same bar.
    is_child = s.orders[row, at.PARENT] != 0
    now = v.settings[vt.STEP]
    v.book[slot, vt.V_LIVE_STEP] = now if phase != vt.PHASE_CLOSED and is_child else now + 1
    core.apply_report(s, codes.ACCEPTED, number, 0, 0, 0, 0, 0)
    _watch_slot(v, slot)


def _find(v: Venue, number: int) -> int:
    for slot in range(v.settings[vt.N_BOOK]):
        if v.book[slot, vt.V_NUMBER] == number:
            return slot
    return at.NONE


def _remove(v: Venue, slot: int) -> None:
    v.book[slot, vt.V_NUMBER] = 0
    if v.settings[vt.PHASE] == vt.PHASE_CLOSED:
        _close_gaps(v)


def _close_gaps(v: Venue) -> None:
    """Move the orders up into free rows, so that rows stay in the order of arrival.

    Inside a bar rows stay where they are, because the match walks over them.
    """
    n_book = 0
    for slot in range(v.settings[vt.N_BOOK]):
        if v.book[slot, vt.V_NUMBER] == 0:
            continue
        if slot > n_book:
            for column in range(vt.N_VENUE_ORDER):
                v.book[n_book, column] = v.book[slot, column]
            v.book[slot, vt.V_NUMBER] = 0
        n_book += 1
    v.settings[vt.N_BOOK] = n_book


def _end(s: State, v: Venue, slot: int, report: int) -> None:
    """Take an order out of the book and say so."""
    number = v.book[slot, vt.V_NUMBER]
    instrument = v.book[slot, vt.V_INSTRUMENT]
    _remove(v, slot)
    if v.settings[vt.PHASE] == vt.PHASE_CLOSED:
        watch(v, instrument)
    core.apply_report(s, report, number, 0, 0, 0, 0, 0)


def _cancel(s: State, v: Venue, row: int, number: int) -> None:
    """Cancel an order; one whose own date has come has expired."""
    slot = _find(v, number)
    is_due = 0 < s.orders[row, at.EXPIRES_NS] <= s.account[at.NOW_NS]
    if slot >= 0 and is_due and v.book[slot, vt.V_TIME_IN_FORCE] == codes.GTD:
        _end(s, v, slot, codes.EXPIRED_REPORT)
    elif slot >= 0:
        _end(s, v, slot, codes.CANCELLED_REPORT)
    else:
        core.apply_report(s, codes.CANCEL_REFUSED, number, 0, 0, 0, 0, 0)


def _amend(s: State, v: Venue, row: int, number: int) -> None:
    slot = _find(v, number)
    lots = s.orders[row, at.AMEND_LOTS]
    if slot < 0 or lots <= v.book[slot, vt.V_FILLED]:
        core.apply_report(s, codes.AMEND_REFUSED, number, 0, 0, 0, 0, 0)
        return
    trigger = s.orders[row, at.AMEND_TRIGGER]
    is_larger = lots > s.orders[row, at.LOTS]
    if is_larger and v.settings[vt.PHASE] == vt.PHASE_INSIDE:
        v.book[slot, vt.V_BORN] = vt.PHASE_INSIDE  # as a child of the part that was entered now
    v.book[slot, vt.V_LEFT] = lots - v.book[slot, vt.V_FILLED]
    if v.book[slot, vt.V_TRIGGER] > 0:
        v.book[slot, vt.V_TRIGGER] = trigger
    if v.settings[vt.PHASE] == vt.PHASE_CLOSED:
        watch(v, v.book[slot, vt.V_INSTRUMENT])
    core.apply_report(s, codes.AMENDED, number, lots, trigger, 0, 0, 0)


# --- the cheap exact test ---------------------------------------------------------------------


def watch(v: Venue, instrument: int) -> None:
    """Set the prices that a bar must reach before anything of the instrument can happen."""
    v.market[instrument, vt.WATCH_LOW] = -1
    v.market[instrument, vt.WATCH_HIGH] = _FAR
    v.market[instrument, vt.N_AT_OPEN] = 0
    for slot in range(v.settings[vt.N_BOOK]):
        if v.book[slot, vt.V_NUMBER] != 0 and v.book[slot, vt.V_INSTRUMENT] == instrument:
            _watch_slot(v, slot)


def _watch_slot(v: Venue, slot: int) -> None:
    instrument = v.book[slot, vt.V_INSTRUMENT]
    kind = v.book[slot, vt.V_TYPE]
    acts_at_open = (
        kind == codes.MARKET
        or v.book[slot, vt.V_POST_ONLY] != 0
        or v.book[slot, vt.V_TIME_IN_FORCE] in (codes.IOC, codes.FOK)
    )
    if acts_at_open:
        v.market[instrument, vt.N_AT_OPEN] += 1
        return
    price = v.book[slot, vt.V_LIMIT] if kind == codes.LIMIT else v.book[slot, vt.V_TRIGGER]
    if _is_hit_by_low(v, slot):
        v.market[instrument, vt.WATCH_LOW] = max(v.market[instrument, vt.WATCH_LOW], price)
    else:
        v.market[instrument, vt.WATCH_HIGH] = min(v.market[instrument, vt.WATCH_HIGH], price)


def _waits_for_adverse(kind: int) -> bool:
    return kind in (codes.STOP, codes.STOP_LIMIT, codes.TRAILING_STOP)


def _is_hit_by_low(v: Venue, slot: int) -> bool:
    """Tell whether falling prices fill it: a buy that waits for better, or a stop that sells."""
    is_buy = v.book[slot, vt.V_SIDE] > 0
    return is_buy != _waits_for_adverse(v.book[slot, vt.V_TYPE])


# --- one fill ---------------------------------------------------------------------------------


def keyed_draw(seed: int, number: int, fill: int, below: int) -> int:
    """Draw from 0..below - 1, keyed by (seed, order, fill): the same key, the same draw."""
    word = (
        (seed & 0xFFFFFFFF) * 2_654_435 + number * 40_503 + fill * 69_069 + 12_345
    ) & 0xFFFFFFFF
    for _ in range(3):
        word = ((word ^ (word >> 16)) * 73_244_475) & 0xFFFFFFFF
    word ^= word >> 16
    return word % below


def _with_cost(s: State, v: Venue, slot: int, price: int, lots: int) -> int:
    """Return the price after adverse cost, clipped at the order's limit."""
    if v.settings[vt.HAS_COST] == 0:
        return price
    instrument = v.book[slot, vt.V_INSTRUMENT]
    cost = v.settings[vt.COST_PPM] + exact.impact_ppm(
        s.instruments[instrument, at.VOLATILITY_PPM],
        lots,
        s.instruments[instrument, at.BAR_VOLUME],
        v.settings[vt.IMPACT_CAP_PPM],
        v.settings[vt.IMPACT_UNKNOWN_PPM],
    )
    draw = v.settings[vt.DRAW_MIN_PPM] + keyed_draw(
        v.settings[vt.SEED],
        v.book[slot, vt.V_NUMBER],
        v.book[slot, vt.V_FILLS],
        v.settings[vt.DRAW_MAX_PPM] - v.settings[vt.DRAW_MIN_PPM] + 1,
    )
    move = -exact.mul_div(-price, cost * draw // at.PPM, at.PPM)  # rounded up
    side = v.book[slot, vt.V_SIDE]
    worse = max(1, price + side * move)
    limit = v.book[slot, vt.V_LIMIT]
    if limit > 0 and side * (worse - limit) > 0:
        return limit
    return worse


def _affordable(s: State, v: Venue, slot: int, price: int, lots: int, fee_ppm: int) -> int:
    """Return the lots a spot purchase can pay for, fee included; an exchange lends nothing."""
    instrument = v.book[slot, vt.V_INSTRUMENT]
    if v.book[slot, vt.V_SIDE] < 0 or s.instruments[instrument, at.IS_MARGIN] == 1:
        return lots
    cash = v.settings[vt.CASH]
    if cash <= 0:
        return 0
    net = exact.mul_div(cash, at.PPM, at.PPM + fee_ppm)
    most = exact.lots_worth(
        net,
        price,
        s.instruments[instrument, at.VALUE_NUM],
        s.instruments[instrument, at.VALUE_DEN],
    )
    return min(lots, most)


def _fill(s: State, v: Venue, slot: int, price: int, liquidity: int) -> None:
    """Fill an order at a price, as far as volume and cash go."""
    instrument = v.book[slot, vt.V_INSTRUMENT]
    side = v.book[slot, vt.V_SIDE]
    lots = min(v.book[slot, vt.V_LEFT], v.market[instrument, vt.LEFT])
    if lots == 0:
        return  # it works on in the next bar
    asked = price
    rate = v.settings[vt.MAKER_PPM]
    if liquidity == codes.TAKER:
        rate = v.settings[vt.TAKER_PPM]
        price = _with_cost(s, v, slot, price, lots)
    payable = _affordable(s, v, slot, price, lots, rate)
    is_whole = payable == v.book[slot, vt.V_LEFT]
    if payable > 0 and (is_whole or v.book[slot, vt.V_TIME_IN_FORCE] != codes.FOK):
        number = v.book[slot, vt.V_NUMBER]
        worth = _worth(s, instrument, price, payable)
        fee = (exact.mul_div(worth, 2 * rate, at.PPM) + 1) // 2
        v.settings[vt.SLIPPAGE] += side * (worth - _worth(s, instrument, asked, payable))
        v.settings[vt.CASH] -= side * worth + fee
        v.market[instrument, vt.HOLDING] += side * payable
        v.market[instrument, vt.LEFT] -= payable
        v.settings[vt.N_TRADES] += 1
        v.book[slot, vt.V_FILLS] += 1
        v.book[slot, vt.V_FILLED] += payable
        v.book[slot, vt.V_LEFT] -= payable
        if v.book[slot, vt.V_LEFT] == 0:
            _remove(v, slot)
        core.apply_report(
            s, codes.FILLED_REPORT, number, payable, price, fee, liquidity, v.settings[vt.N_TRADES]
        )
        drain(s, v)
        if payable < lots and v.book[slot, vt.V_NUMBER] == number:
            _end(s, v, slot, codes.CANCELLED_REPORT)
            drain(s, v)
    else:
        _end(s, v, slot, codes.CANCELLED_REPORT)
        drain(s, v)


def _worth(s: State, instrument: int, ticks: int, lots: int) -> int:
    return exact.value(
        ticks,
        lots,
        s.instruments[instrument, at.VALUE_NUM],
        s.instruments[instrument, at.VALUE_DEN],
    )


def _execute(s: State, v: Venue, slot: int, price: int, liquidity: int) -> None:
    """Act on an order whose price was met: trigger what has a trigger, then fill."""
    kind = v.book[slot, vt.V_TYPE]
    if kind in (codes.MARKET, codes.LIMIT):
        _fill(s, v, slot, price, liquidity)
        return
    core.apply_report(s, codes.TRIGGERED_REPORT, v.book[slot, vt.V_NUMBER], 0, price, 0, 0, 0)
    if kind in (codes.STOP_LIMIT, codes.TAKE_PROFIT_LIMIT):
        v.book[slot, vt.V_TYPE] = codes.LIMIT
        if v.book[slot, vt.V_SIDE] * (price - v.book[slot, vt.V_LIMIT]) > 0:
            # It rests. Prices that would fill a stop's limit may lie before its trigger, as those
            # of a target before its entry; a take profit's limit lies on the way ahead.
            if kind == codes.STOP_LIMIT:
                v.book[slot, vt.V_BORN] = v.settings[vt.PHASE]
            return
    else:
        v.book[slot, vt.V_TYPE] = codes.MARKET
    _fill(s, v, slot, price, codes.TAKER)


# --- one bar ----------------------------------------------------------------------------------


def match_bar(s: State, v: Venue, instrument: int) -> None:
    """Fill what the loaded bar of an instrument fills; a bar without volume fills nothing.

    Triggers need no room: a stop that was reached is triggered, and fills when there is room.
    """
    open_ = v.market[instrument, vt.OPEN]
    high = v.market[instrument, vt.HIGH]
    low = v.market[instrument, vt.LOW]
    volume = v.market[instrument, vt.VOLUME]
    v.market[instrument, vt.LEFT] = exact.part(volume, v.settings[vt.PARTICIPATION_PPM])
    if volume > 0:
        v.settings[vt.PHASE] = vt.PHASE_OPEN
        _at_open(s, v, instrument, open_)
        v.settings[vt.PHASE] = vt.PHASE_INSIDE
        if v.settings[vt.IS_PATH] == 1:
            is_up_first = high - open_ < open_ - low
            first = high if is_up_first else low
            second = low if is_up_first else high
            _walk(s, v, instrument, open_, first)
            _walk(s, v, instrument, first, second)
            _walk(s, v, instrument, second, v.market[instrument, vt.CLOSE])
        else:
            _stops_first(s, v, instrument)
        v.settings[vt.PHASE] = vt.PHASE_CLOSED
        _close_gaps(v)
        for slot in range(v.settings[vt.N_BOOK]):
            v.book[slot, vt.V_BORN] = vt.PHASE_CLOSED
    watch(v, instrument)


def _is_live(v: Venue, slot: int, instrument: int) -> bool:
    return (
        v.book[slot, vt.V_NUMBER] != 0
        and v.book[slot, vt.V_INSTRUMENT] == instrument
        and v.book[slot, vt.V_LIVE_STEP] <= v.settings[vt.STEP]
    )


def _is_met(v: Venue, slot: int, price: int) -> bool:
    """Tell whether an order would act at a price: marketable limit, triggered stop, market."""
    kind = v.book[slot, vt.V_TYPE]
    side = v.book[slot, vt.V_SIDE]
    if kind == codes.MARKET:
        return True
    if kind == codes.LIMIT:
        return side * (price - v.book[slot, vt.V_LIMIT]) <= 0
    if _waits_for_adverse(kind):
        return side * (price - v.book[slot, vt.V_TRIGGER]) >= 0
    return side * (price - v.book[slot, vt.V_TRIGGER]) <= 0


def _at_open(s: State, v: Venue, instrument: int, open_: int) -> None:
    """Act on everything that the open itself meets; what is immediate or nothing ends here."""
    step = v.settings[vt.STEP]
    for slot in range(v.settings[vt.N_BOOK]):
        if not _is_live(v, slot, instrument) or v.book[slot, vt.V_BORN] != vt.PHASE_CLOSED:
            continue
        number = v.book[slot, vt.V_NUMBER]
        is_new = v.book[slot, vt.V_LIVE_STEP] == step
        is_immediate = v.book[slot, vt.V_TIME_IN_FORCE] in (codes.IOC, codes.FOK)
        if _is_met(v, slot, open_) and (is_new or not is_immediate):
            if v.book[slot, vt.V_POST_ONLY] != 0 and is_new:
                _end(s, v, slot, codes.REFUSED)
                drain(s, v)
            else:
                rests = v.book[slot, vt.V_TYPE] == codes.LIMIT and not is_new
                _execute(s, v, slot, open_, codes.MAKER if rests else codes.TAKER)
        if v.book[slot, vt.V_NUMBER] == number:
            v.book[slot, vt.V_POST_ONLY] = 0
            if is_immediate:
                _end(s, v, slot, codes.CANCELLED_REPORT)
                drain(s, v)


def _reach(v: Venue, slot: int, low: int, high: int) -> int:
    """Return the price at which a bar's range fills an order; 0 when it does not."""
    kind = v.book[slot, vt.V_TYPE]
    if kind == codes.MARKET:
        return 0
    price = v.book[slot, vt.V_LIMIT] if kind == codes.LIMIT else v.book[slot, vt.V_TRIGGER]
    # A limit needs a price beyond it, unless a touch is enough; a trigger needs a touch.
    slack = 1 if kind == codes.LIMIT and v.settings[vt.IS_TOUCH] == 0 else 0
    if _is_hit_by_low(v, slot):
        return price if low <= price - slack else 0
    return price if high >= price + slack else 0


def _stops_first(s: State, v: Venue, instrument: int) -> None:
    """Default inside a bar: stops, then the rest, then the stops of entries made inside it.

    The rest has two turns: in the second come the limits that a take profit of the first left.
    """
    open_ = v.market[instrument, vt.OPEN]
    high = v.market[instrument, vt.HIGH]
    low = v.market[instrument, vt.LOW]
    for turn in range(4):
        is_stops_turn = turn in (0, 3)
        for slot in range(v.settings[vt.N_BOOK]):
            if not _is_live(v, slot, instrument):
                continue
            is_stop = _waits_for_adverse(v.book[slot, vt.V_TYPE])
            born = v.book[slot, vt.V_BORN]
            if is_stop != is_stops_turn or (born == vt.PHASE_INSIDE) != (turn == 3):  # noqa: PLR2004
                continue
            if born == vt.PHASE_OPEN and _is_met(v, slot, open_):
                _execute(s, v, slot, open_, codes.TAKER)
                continue
            price = _reach(v, slot, low, high)
            if price > 0:
                _execute(s, v, slot, price, codes.MAKER)


def _walk(s: State, v: Venue, instrument: int, start: int, end: int) -> None:
    """Walk the path from one price to the next, acting on orders in the order they are met."""
    here = start
    while True:
        nearest = at.NONE
        price = 0
        for slot in range(v.settings[vt.N_BOOK]):
            if not _is_live(v, slot, instrument):
                continue
            met = _met_on_path(v, slot, here, end)
            if met > 0 and (nearest < 0 or abs(met - here) < abs(price - here)):
                nearest = slot
                price = met
        if nearest < 0:
            return
        is_taken = _takes_at(v, nearest, here)
        _execute(s, v, nearest, price, codes.TAKER if is_taken else codes.MAKER)
        here = price


def _takes_at(v: Venue, slot: int, here: int) -> bool:
    """Tell whether an order of this bar's own acts at once where the path stands."""
    return v.book[slot, vt.V_BORN] != vt.PHASE_CLOSED and _is_met(v, slot, here)


def _met_on_path(v: Venue, slot: int, here: int, end: int) -> int:
    """Return the first price on the way from `here` to `end` that meets an order; 0 if none."""
    kind = v.book[slot, vt.V_TYPE]
    has_room = v.market[v.book[slot, vt.V_INSTRUMENT], vt.LEFT] > 0
    if kind == codes.MARKET or (kind == codes.LIMIT and not has_room):
        return 0
    if _takes_at(v, slot, here):
        return here
    price = _reach(v, slot, min(here, end), max(here, end))
    if price <= 0:
        return 0
    is_on_way = min(here, end) <= price <= max(here, end)
    return price if is_on_way else 0
