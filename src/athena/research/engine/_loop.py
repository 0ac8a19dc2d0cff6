"""The backtest's hot loop, in the core's restricted subset: venue, core and strategy on bars.

One step is: the venue fills what the bar fills, the core marks the account at the close, then a
strategy may decide; its orders are live from the next bar (rule 1).
"""

from __future__ import annotations

from athena.research.engine import _columns as cols
from athena.research.engine._columns import Columns
from athena.trading import State, Table, marks, positions, rules
from athena.trading import layout as at
from athena.trading import step as core
from athena.venues import Venue, matching
from athena.venues import table as vt

# control
C_FROM = 0  # first step to process
C_TO = 1  # one past the last
C_RECORDS = 2  # 1 = stopped because the record buffer needs emptying
C_WAKES_ON_FILL = 3
C_HAS_INTENT = 4  # 1 = submit the intent in the state first
C_HORIZON = 5  # how far to look for quiet steps
C_IS_FRESH = 6  # 1 = the step after those seen was processed, because it was not quiet
N_CONTROL = 7


def step_bar(s: State, v: Venue, t: int, now: int) -> None:
    """Process the step whose bars are loaded: fills, marks, and what follows from them."""
    v.settings[vt.STEP] = t
    n_instruments = s.account[at.N_INSTRUMENTS]
    for k in range(n_instruments):
        if is_touched(v, k):
            matching.match_bar(s, v, k)
    for k in range(n_instruments):
        if v.market[k, vt.VOLUME] >= 0:
            marks.set_price(
                s, k, v.market[k, vt.CLOSE], v.market[k, vt.HIGH], v.market[k, vt.LOW], now
            )
    s.account[at.ACCOUNT_NS] = now
    marks.mark(s, now)
    if s.account[at.N_EFFECTS] > 0:
        matching.drain(s, v)


def load_bar(v: Venue, k: int, open_: int, high: int, low: int, close: int, volume: int) -> None:
    """Show the venue one instrument's bar."""
    v.market[k, vt.OPEN] = open_
    v.market[k, vt.HIGH] = high
    v.market[k, vt.LOW] = low
    v.market[k, vt.CLOSE] = close
    v.market[k, vt.VOLUME] = volume


def is_touched(v: Venue, k: int) -> bool:
    """Tell, exactly and cheaply, whether the loaded bar can reach any working order."""
    return v.market[k, vt.VOLUME] >= 0 and (
        v.market[k, vt.LOW] <= v.market[k, vt.WATCH_LOW]
        or v.market[k, vt.HIGH] >= v.market[k, vt.WATCH_HIGH]
        or v.market[k, vt.N_AT_OPEN] > 0
    )


def post_risk(s: State, c: Columns, t: int) -> None:
    """Hand the core the risk inputs that are known at the step's close."""
    for k in range(s.account[at.N_INSTRUMENTS]):
        for field in range(cols.N_RISK):
            s.instruments[k, at.ATR + field] = c.risk[k, field, t]
        marks.watch_market(s, k)
    day = c.day[t]
    if t == 0 or c.day[t - 1] != day:
        for k in range(s.account[at.N_INSTRUMENTS]):
            for other in range(s.account[at.N_INSTRUMENTS]):
                s.correlation[k, other] = c.correlation[day, k, other]


def submit_one(s: State, v: Venue) -> int:
    """Hand the core the intent in `s.intent` and carry out what it approves; return its number."""
    number = core.apply_intent(s)
    if s.account[at.N_EFFECTS] > 0:
        matching.drain(s, v)
    return number


def submit(s: State, v: Venue, intents: Table, n: int) -> None:
    """Hand a strategy's intents to the core and carry out what it approves."""
    for i in range(n):
        for field in range(at.N_INTENT):
            s.intent[field] = intents[i * at.N_INTENT + field]
        submit_one(s, v)


def advance(s: State, v: Venue, c: Columns, wakes: Table, levels: Table, control: Table) -> int:
    """Process steps until one wakes a strategy.

    Args:
        s: the state.
        v: the venue.
        c: the market.
        wakes: (T,) uint8, 1 where a signal, a timer or the user asks to be woken.
        levels: (S, 2) prices that wake: at or under the first, at or over the second.
        control: where to begin and end, whether an intent waits; says whether the record buffer
            needs emptying.

    Returns:
        The step that was processed last and wakes, or the end when no step did.
    """
    close_ns, opens, highs, lows, closes, volumes = c[:6]
    has_risk = len(c.day) > 0
    t = control[C_FROM]
    end = control[C_TO]
    control[C_RECORDS] = 0
    if control[C_HAS_INTENT] == 1:
        submit_one(s, v)
    fills = s.account[at.N_FILLS]
    while t < end:
        for k in range(s.account[at.N_INSTRUMENTS]):
            load_bar(v, k, opens[k, t], highs[k, t], lows[k, t], closes[k, t], volumes[k, t])
        step_bar(s, v, t, close_ns[t])
        if has_risk:
            post_risk(s, c, t)
        if wakes[t] == 1 or _wakes(s, v, levels):
            return t
        if s.account[at.N_FILLS] != fills:
            if control[C_WAKES_ON_FILL] == 1:
                return t
            fills = s.account[at.N_FILLS]
        if s.account[at.N_WORDS] >= at.RECORD_RESERVE:
            control[C_RECORDS] = 1
            return t
        t += 1
    return t


def _wakes(s: State, v: Venue, levels: Table) -> bool:
    """Tell whether a close reached a price that wakes."""
    for k in range(s.account[at.N_INSTRUMENTS]):
        close = v.market[k, vt.CLOSE]
        if close <= levels[k, 0] or close >= levels[k, 1]:
            return True
    return False


def quiet_until(s: State, v: Venue, c: Columns, first: int, last: int) -> int:
    """Find the first step in [first, last) that may change more than the account's marks.

    Nothing but the loaded bar is changed: positions and cash are constant until then, so that
    strategies can be called on the steps before it without the core.
    """
    if s.account[at.N_TRAILING] > 0:
        return first
    close_ns, opens, highs, lows, closes, volumes = c[:6]
    peak = s.account[at.PEAK]
    floor = s.account[at.FLOOR]
    next_day_ns = (s.account[at.DAY] + 1) * at.NS_PER_DAY
    stop_ns = min(next_day_ns, s.account[at.NEXT_TIMER_NS])
    for t in range(first, last):
        if close_ns[t] >= stop_ns:
            return t
        total = s.account[at.CASH]
        for k in range(s.account[at.N_INSTRUMENTS]):
            load_bar(v, k, opens[k, t], highs[k, t], lows[k, t], closes[k, t], volumes[k, t])
            if is_touched(v, k):
                return t
            total += positions.instrument_value(s, k, closes[k, t])
        if total > peak:
            peak = total
            floor = marks.floor_at(s, peak)
        if total <= floor:
            return t
    return last


def turn(s: State, v: Venue, c: Columns, control: Table) -> int:
    """Catch up with a strategy that has seen the steps before C_TO, and look ahead for it.

    The steps [C_FROM, C_TO) were quiet and are processed now. An intent that waits is submitted
    at their end. If the next step is not quiet it is processed too and C_IS_FRESH says so. In one
    call, because a call from CPython costs more than a hundred bars.

    Returns:
        The end of the quiet steps that follow; the strategy may be called on them at once.
    """
    close_ns, opens, highs, lows, closes, volumes = c[:6]
    has_risk = len(c.day) > 0
    seen = control[C_TO]
    end = len(close_ns)
    control[C_IS_FRESH] = 0
    t = control[C_FROM]
    while t < end:
        if t == seen:
            if control[C_HAS_INTENT] == 1:
                submit_one(s, v)
            quiet = quiet_until(s, v, c, t, min(end, t + control[C_HORIZON]))
            if quiet > t:
                return quiet
            control[C_IS_FRESH] = 1
        for k in range(s.account[at.N_INSTRUMENTS]):
            load_bar(v, k, opens[k, t], highs[k, t], lows[k, t], closes[k, t], volumes[k, t])
        step_bar(s, v, t, close_ns[t])
        if has_risk:
            post_risk(s, c, t)
        t += 1
        if t > seen:
            return quiet_until(s, v, c, t, min(end, t + control[C_HORIZON]))
    return end


def rule(now: Table, memory: Table, parameters: Table, intents: Table) -> int:  # noqa: ARG001 - the form of a rule
    """Want nothing; a compiled strategy's rule is bound in this one's place."""
    return 0


def run_rule(
    s: State,
    v: Venue,
    c: Columns,
    now: Table,
    memory: Table,
    parameters: Table,
    intents: Table,
    control: Table,
) -> int:
    """Process steps with the bound `rule` called on every one; return the next step.

    Args:
        s: the state.
        v: the venue.
        c: the market.
        now: (N_NOW + 6 S,) scratch: what the rule may see of this step.
        memory: (M,) the rule's own state.
        parameters: (P,) its parameters.
        intents: (I * N_INTENT,) where it writes what it wants, one after the other.
        control: where to begin and end.
    """
    close_ns, opens, highs, lows, closes, volumes = c[:6]
    has_risk = len(c.day) > 0
    t = control[C_FROM]
    end = control[C_TO]
    while t < end and s.account[at.N_WORDS] < at.RECORD_RESERVE:
        for k in range(s.account[at.N_INSTRUMENTS]):
            load_bar(v, k, opens[k, t], highs[k, t], lows[k, t], closes[k, t], volumes[k, t])
        step_bar(s, v, t, close_ns[t])
        if has_risk:
            post_risk(s, c, t)
        show(s, v, t, now)
        n = rule(now, memory, parameters, intents)
        if n > 0:
            submit(s, v, intents, n)
        t += 1
    return t


def show(s: State, v: Venue, t: int, now: Table) -> None:
    """Show a rule this step and nothing after it: bars, account, own positions."""
    now[rules.NOW_STEP] = t
    now[rules.NOW_NS] = s.account[at.NOW_NS]
    now[rules.NOW_WORKING] = s.account[at.N_ROWS]
    now[rules.NOW_CASH] = s.account[at.CASH]
    now[rules.NOW_EQUITY] = s.account[at.EQUITY]
    now[rules.NOW_FILLS] = s.strategies[0, at.STRATEGY_FILLS]
    for k in range(s.account[at.N_INSTRUMENTS]):
        base = rules.N_NOW + k * rules.N_NOW_INSTRUMENT
        now[base + rules.BAR_OPEN] = v.market[k, vt.OPEN]
        now[base + rules.BAR_HIGH] = v.market[k, vt.HIGH]
        now[base + rules.BAR_LOW] = v.market[k, vt.LOW]
        now[base + rules.BAR_CLOSE] = v.market[k, vt.CLOSE]
        now[base + rules.BAR_VOLUME] = v.market[k, vt.VOLUME]
        now[base + rules.POSITION] = s.positions[k, at.QUANTITY]
