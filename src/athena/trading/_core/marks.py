"""What time and prices do to the account: equity, periods, breakers, timers, trailing stops."""

from __future__ import annotations

from athena.trading._core import codes, protection
from athena.trading._core import layout as at
from athena.trading._core import limits as limit
from athena.trading._core.arithmetic import mul_div_capped, part
from athena.trading._core.exposure import in_trading_book
from athena.trading._core.layout import State
from athena.trading._core.orders import is_terminal
from athena.trading._core.positions import equity
from athena.trading._core.records import notice


def set_price(s: State, instrument: int, last: int, high: int, low: int, now_ns: int) -> None:
    """Set an instrument's newest closed bar."""
    s.instruments[instrument, at.LAST] = last
    s.instruments[instrument, at.HIGH] = high
    s.instruments[instrument, at.LOW] = low
    s.instruments[instrument, at.LAST_NS] = now_ns


def mark(s: State, now_ns: int) -> None:
    """Advance the clock to a bar's close, judge the account at its prices and move stops."""
    judge_account(s, now_ns)
    if s.account[at.N_TRAILING] > 0:
        protection.trail_stops(s)
    run_timers(s)


def judge_account(s: State, now_ns: int) -> None:
    """Advance the clock and judge the account at the newest prices: periods, peak, breakers."""
    before = s.account[at.EQUITY]
    total = equity(s)
    s.account[at.NOW_NS] = now_ns
    s.account[at.MARKS] += 1
    s.account[at.EQUITY] = total
    if now_ns >= (s.account[at.DAY] + 1) * at.NS_PER_DAY:
        _roll_periods(s, now_ns, before, total)
    if total > s.account[at.PEAK]:
        s.account[at.PEAK] = total
        s.account[at.DRAWDOWN_RESUMED] = 0
        set_floor(s)
    if total <= s.account[at.FLOOR]:
        _fire_breakers(s, total)


def day_of(now_ns: int) -> int:
    """Return the UTC day's number."""
    return now_ns // at.NS_PER_DAY


def week_of(now_ns: int) -> int:
    """Return the number of the week, which begins on Monday 00:00 UTC."""
    return (now_ns + at.MONDAY_OFFSET_NS) // at.NS_PER_WEEK


def _roll_periods(s: State, now_ns: int, before: int, total: int) -> None:
    """Start a new day, and week; the opening equity is the last one known at 00:00."""
    opening = total if now_ns % at.NS_PER_DAY == 0 else before
    s.account[at.DAY] = day_of(now_ns)
    s.account[at.DAY_OPEN] = opening
    _reset(s, at.HALT_DAY)
    week = week_of(now_ns)
    if week != s.account[at.WEEK]:
        s.account[at.WEEK] = week
        s.account[at.WEEK_OPEN] = opening
        _reset(s, at.HALT_WEEK)
    set_floor(s)


def _reset(s: State, bit: int) -> None:
    if s.account[at.HALT] & bit:
        s.account[at.HALT] -= bit
        notice(s, codes.NOTICE_RESET, bit)


def _level(base: int, loss_ppm: int) -> int:
    """Return the equity at which a loss from `base` is reached."""
    return base - part(base, loss_ppm)


def set_floor(s: State) -> None:
    """Set the highest equity at which a breaker that has not fired would fire."""
    s.account[at.FLOOR] = floor_at(s, s.account[at.PEAK])


def floor_at(s: State, peak: int) -> int:
    """Return the highest equity at which a breaker that has not fired would fire, at a peak."""
    halt = s.account[at.HALT]
    floor = -at.NEVER_NS
    if (halt & at.HALT_DAY) == 0:
        floor = max(floor, _level(s.account[at.DAY_OPEN], s.limits[limit.DAY_LOSS_PPM]))
    if (halt & at.HALT_WEEK) == 0:
        floor = max(floor, _level(s.account[at.WEEK_OPEN], s.limits[limit.WEEK_LOSS_PPM]))
    if (halt & at.HALT_DRAWDOWN) == 0 and (
        s.account[at.DRAWDOWN_RESUMED] == 0 or peak > s.account[at.PEAK]
    ):
        floor = max(floor, _level(peak, s.limits[limit.DRAWDOWN_STOP_PPM]))
    if (halt & at.HALT_LIMIT) == 0:
        floor = max(floor, _level(peak, s.limits[limit.DRAWDOWN_LIMIT_PPM]))
    return floor


def _fire_breakers(s: State, total: int) -> None:
    """Fire every breaker whose level is reached; each latches its own halt bit."""
    day_level = _level(s.account[at.DAY_OPEN], s.limits[limit.DAY_LOSS_PPM])
    if total <= day_level and latch(s, at.HALT_DAY):
        protection.tighten_stops(s, s.limits[limit.DAY_TIGHTEN_PPM])
    week_level = _level(s.account[at.WEEK_OPEN], s.limits[limit.WEEK_LOSS_PPM])
    if total <= week_level and latch(s, at.HALT_WEEK):
        _cut_positions(s)
    stop_level = _level(s.account[at.PEAK], s.limits[limit.DRAWDOWN_STOP_PPM])
    if total <= stop_level and s.account[at.DRAWDOWN_RESUMED] == 0:
        latch(s, at.HALT_DRAWDOWN)
    limit_level = _level(s.account[at.PEAK], s.limits[limit.DRAWDOWN_LIMIT_PPM])
    if total <= limit_level and latch(s, at.HALT_LIMIT):
        s.account[at.LEVERAGE_CAP] = 1
        protection.flatten(s)
    set_floor(s)


def latch(s: State, bit: int) -> bool:
    """Latch a halt bit, cancel what could add risk; False when it was latched before."""
    if s.account[at.HALT] & bit:
        return False
    s.account[at.HALT] += bit
    if s.account[at.HALTED_AT_NS] == 0:
        s.account[at.HALTED_AT_NS] = s.account[at.NOW_NS]
    notice(s, codes.NOTICE_HALT, bit)
    protection.cancel_entries(s)
    return True


def _cut_positions(s: State) -> None:
    """Close a share of every trading position, rounded up to the lot."""
    for position in range(s.account[at.N_POSITIONS]):
        if in_trading_book(s, position // s.account[at.N_INSTRUMENTS]):
            held = abs(s.positions[position, at.QUANTITY])
            kept = part(held, at.PPM - s.limits[limit.WEEK_CUT_PPM])
            protection.liquidate(s, position, held - kept)


def run_timers(s: State) -> None:
    """When one is due: cancel expired orders, close positions held too long, set the next."""
    now = s.account[at.NOW_NS]
    if now < s.account[at.NEXT_TIMER_NS]:
        return
    following = at.NEVER_NS
    for row in range(s.account[at.N_ROWS]):
        if s.orders[row, at.NUMBER] == 0 or is_terminal(s.orders[row, at.STATE]):
            continue
        expires = s.orders[row, at.EXPIRES_NS]
        if expires == 0:
            continue
        if expires <= now:
            protection.request_cancel(s, row)
        following = min(following, _look_again(now, expires))
    for position in range(s.account[at.N_POSITIONS]):
        if s.positions[position, at.QUANTITY] == 0:
            continue
        if not in_trading_book(s, position // s.account[at.N_INSTRUMENTS]):
            continue
        leaves = s.positions[position, at.OPENED_NS] + s.limits[limit.HOLDING_NS]
        if leaves <= now:
            notice(s, codes.NOTICE_TIME_EXIT, position)
            protection.liquidate(s, position, abs(s.positions[position, at.QUANTITY]))
        following = min(following, _look_again(now, leaves))
    s.account[at.NEXT_TIMER_NS] = following


def _look_again(now: int, due_ns: int) -> int:
    """Return when to look at a timer next: what is overdue is tried again until it is gone."""
    return due_ns if due_ns > now else now + at.NS_PER_MINUTE


def watch_market(s: State, instrument: int) -> None:
    """Start the symbol's cool-downs after a volatility spike or a fast move."""
    now = s.account[at.NOW_NS]
    mean = s.instruments[instrument, at.ATR_MEAN]
    until = s.instruments[instrument, at.SYMBOL_COOLDOWN_NS]
    spike = part(mean, s.limits[limit.VOLATILITY_SPIKE_PPM])
    if mean > 0 and s.instruments[instrument, at.ATR] > spike:
        until = max(until, now + s.limits[limit.COOLDOWN_VOLATILITY_NS])
    if abs(s.instruments[instrument, at.MOVE_PPM]) > s.limits[limit.MOVE_PPM]:
        until = max(until, now + s.limits[limit.COOLDOWN_MOVE_NS])
    s.instruments[instrument, at.SYMBOL_COOLDOWN_NS] = until


def transfer(s: State, amount: int) -> None:
    """Take note of an external transfer, booked already; it is neither gain nor loss."""
    s.account[at.TRANSFERS] += amount
    rebase(s, amount)


def rebase(s: State, amount: int) -> None:
    """Scale peak and period openings by equity that came or went without a gain or loss.

    Every loss stays the same share of its base, so that a withdrawal alone fires no breaker and a
    deposit hides no drawdown.
    """
    after = equity(s)
    before = after - amount
    s.account[at.PEAK] = _scaled(s.account[at.PEAK], before, after)
    s.account[at.DAY_OPEN] = _scaled(s.account[at.DAY_OPEN], before, after)
    s.account[at.WEEK_OPEN] = _scaled(s.account[at.WEEK_OPEN], before, after)
    s.account[at.EQUITY] += amount
    set_floor(s)


def _scaled(base: int, before: int, after: int) -> int:
    if before > 0 and after > 0:
        return mul_div_capped(base, after, before)
    return base + after - before
