"""The risk engine: it may only shrink or refuse, and it lists every reason.

Order of checks: validity, halt and breakers, cool-down, stop, confidence, size, volatility,
leverage, exposure, correlation, margin, health. The first failure decides, all are listed.
"""

from __future__ import annotations

from athena.trading._core import codes
from athena.trading._core import exposure as stake
from athena.trading._core import layout as at
from athena.trading._core import limits as limit
from athena.trading._core.arithmetic import (
    impact_ppm,
    mul_div,
    mul_div_capped,
    part,
    part_up,
)
from athena.trading._core.layout import State
from athena.trading._core.orders import is_stop, is_working
from athena.trading._core.positions import equity, is_in_equity, position_row, position_value
from athena.trading._core.validity import (
    ask_lots,
    check_minimum,
    check_validity,
    fail,
    is_addressed,
    lots_for,
    reference_price,
    shrink,
    worst_price,
)


def judge(s: State) -> None:
    """Judge an intent into `s.verdict`, by the rule set of its purpose."""
    for field in range(at.N_VERDICT):
        s.verdict[field] = 0
    s.verdict[at.APPROVED_LEVERAGE] = 1
    if not is_addressed(s):
        fail(s, codes.INVALID_VALUE)
        return
    price = reference_price(s)
    ask_lots(s, price)
    check_validity(s, price)
    if (s.verdict[at.MASK] >> codes.INVALID_VALUE) & 1:
        s.verdict[at.APPROVED] = 0
        return
    purpose = s.intent[at.I_PURPOSE]
    if s.intent[at.I_FLAGS] & at.FLAG_REDUCE_ONLY:
        _check_reduce_only(s)
    elif purpose in (codes.REBALANCE, codes.DCA, codes.HODL):
        _judge_holding(s, price)
    else:
        _judge_entry(s, price)
    if s.verdict[at.CODE] != 0:
        s.verdict[at.APPROVED] = 0


def _check_reduce_only(s: State) -> None:
    """Cap an exit at the position it closes; its side comes from the position (D06)."""
    row = position_row(s, s.intent[at.I_STRATEGY], s.intent[at.I_INSTRUMENT])
    quantity = s.positions[row, at.QUANTITY]
    if quantity * s.intent[at.I_SIDE] >= 0:
        fail(s, codes.REDUCE_ONLY)
        return
    free = abs(quantity) - stake.exiting(s, row)
    rests = s.intent[at.I_TYPE] != codes.MARKET and s.intent[at.I_PURPOSE] != codes.PROTECT
    if rests and s.account[at.TARGETS_TRIGGER] == 1:
        free -= stake.resting_exits(s, row)  # a venue fills them all in one jump of the price
    shrink(s, free, codes.REDUCE_ONLY)


# --- entries of the trading book --------------------------------------------------------------


def _judge_entry(s: State, price: int) -> None:
    """Judge a risk-increasing intent of the trading book by every check, in the fixed order."""
    instrument = s.intent[at.I_INSTRUMENT]
    total = equity(s)
    has_equity = total > 0 and _is_account_fresh(s) and _has_prices(s)
    _check_halts(s, s.intent[at.I_STRATEGY])
    _check_cooldowns(s, instrument)
    stop = _check_stop(s, price)
    tier = _check_confidence(s)
    if has_equity and price > 0:
        leverage = _leverage_cap(s, total)
        s.verdict[at.APPROVED_LEVERAGE] = leverage
        worst = worst_price(s, price)
        stake.weigh(s)
        _check_risk_budget(s, price, stop, tier, total)
        _check_size(s, worst, tier, total)
        _check_slippage(s, instrument)
        _check_exposure(s, worst, total)
        _check_correlation(s, instrument, worst, total)
        _check_margin(s, worst, total, leverage)
        if s.verdict[at.CODE] == 0:
            check_minimum(s, instrument, s.verdict[at.APPROVED], price)
    _check_health(s, instrument, has_equity)
    s.verdict[at.APPROVED_STOP] = stop


def _check_halts(s: State, strategy: int) -> None:
    halt = s.account[at.HALT]
    if (halt & at.HALT_STOPS) != 0 or s.strategies[strategy, at.IS_STOPPED] != 0:
        fail(s, codes.HALTED)
    if (halt & at.HALT_BREAKERS) != 0 or s.account[at.NOW_NS] < s.account[at.PAUSE_UNTIL_NS]:
        fail(s, codes.BREAKER)


def _check_cooldowns(s: State, instrument: int) -> None:
    now = s.account[at.NOW_NS]
    if (
        now < s.account[at.ACCOUNT_COOLDOWN_NS]
        or now < s.account[at.TRADING_COOLDOWN_NS]
        or now < s.instruments[instrument, at.SYMBOL_COOLDOWN_NS]
    ):
        fail(s, codes.COOLDOWN)
    start = s.limits[limit.WINDOW_START_NS]
    end = s.limits[limit.WINDOW_END_NS]
    time_of_day = now % at.NS_PER_DAY
    if start < end and start <= time_of_day < end:
        fail(s, codes.WINDOW_CLOSED)
    if start > end and (time_of_day >= start or time_of_day < end):
        fail(s, codes.WINDOW_CLOSED)


def default_stop(s: State, price: int) -> int:
    """Return the default stop in ticks: ATR x the regime's factor, clamped; 0 without an ATR."""
    instrument = s.intent[at.I_INSTRUMENT]
    atr = s.instruments[instrument, at.ATR]
    if atr <= 0 or price <= 0:
        return 0
    distance = part(atr, s.limits[limit.REGIME_ATR_PPM + s.intent[at.I_REGIME]])
    nearest = max(1, part_up(price, s.limits[limit.STOP_MIN_PPM]))
    farthest = part(price, s.instruments[instrument, at.MAX_STOP_PPM])
    distance = max(nearest, min(distance, farthest))
    return price - s.intent[at.I_SIDE] * distance


def _check_stop(s: State, price: int) -> int:
    """Check the stop's side, distance and reward; return it (0 = none)."""
    side = s.intent[at.I_SIDE]
    stop = s.intent[at.I_STOP]
    needs_stop = s.limits[limit.NEEDS_STOP] == 1
    if stop == 0 and needs_stop:
        stop = default_stop(s, price)
    if stop <= 0:
        if needs_stop:
            fail(s, codes.STOP_MISSING)
        return 0
    distance = side * (price - stop)
    if distance <= 0:
        fail(s, codes.STOP_DISTANCE)
        return stop
    if needs_stop:
        farthest = s.instruments[s.intent[at.I_INSTRUMENT], at.MAX_STOP_PPM]
        nearest = part_up(price, s.limits[limit.STOP_MIN_PPM])
        if distance < nearest or distance > part(price, farthest):
            fail(s, codes.STOP_DISTANCE)
    target = s.intent[at.I_TARGET]
    if target > 0:
        reward = side * (target - price)
        if reward <= 0 or (
            needs_stop and reward < part_up(distance, s.limits[limit.REWARD_RISK_PPM])
        ):
            fail(s, codes.REWARD_RISK)
    return stop


def confidence_floor(s: State, regime: int) -> int:
    """Return the least confidence that may trade, in ppm: regime, losses in a row, strictness."""
    floor = s.limits[limit.REGIME_FLOOR_PPM + regime] + s.limits[limit.STRICTNESS_PPM]
    streak = s.account[at.LOSS_STREAK]
    if streak >= s.limits[limit.LONG_STREAK]:
        return floor + s.limits[limit.LONG_STREAK_FLOOR_PPM]
    if streak >= s.limits[limit.SHORT_STREAK]:
        return floor + s.limits[limit.SHORT_STREAK_FLOOR_PPM]
    return floor


def confidence_tier(s: State, confidence_ppm: int) -> int:
    """Return the tier 0..3 of a confidence, NONE below the lowest."""
    for tier in range(4):
        if confidence_ppm >= s.limits[limit.TIER_1_PPM + tier]:
            return tier
    return at.NONE


def _check_confidence(s: State) -> int:
    """Check floor and tier; return the tier (NONE = no trade, or not asked for)."""
    if s.limits[limit.NEEDS_CONFIDENCE] == 0:
        return at.NONE
    confidence = s.intent[at.I_CONFIDENCE_PPM]
    tier = confidence_tier(s, confidence)
    if tier == at.NONE or confidence < confidence_floor(s, s.intent[at.I_REGIME]):
        fail(s, codes.CONFIDENCE)
    return tier


def size_factor_ppm(s: State, tier: int) -> int:
    """Return tier x regime x volatility x loss factors in ppm, each product rounded down."""
    factor = at.PPM if tier == at.NONE else s.limits[limit.TIER_1_SIZE_PPM + tier]
    factor = factor * s.limits[limit.REGIME_SIZE_PPM + s.intent[at.I_REGIME]] // at.PPM
    if _is_spiking(s, s.intent[at.I_INSTRUMENT]):
        factor = factor * s.limits[limit.VOLATILITY_SIZE_PPM] // at.PPM
    if s.account[at.HALF_SIZE] == 1:
        factor = factor * s.limits[limit.LOSS_SIZE_PPM] // at.PPM
    return factor


def _is_spiking(s: State, instrument: int) -> bool:
    mean = s.instruments[instrument, at.ATR_MEAN]
    return mean > 0 and s.instruments[instrument, at.ATR] > part(
        mean, s.limits[limit.VOLATILITY_SPIKE_PPM]
    )


def _check_risk_budget(s: State, price: int, stop: int, tier: int, total: int) -> None:
    """Shrink to the size whose loss at the stop is the risk per trade, times the factors."""
    instrument = s.intent[at.I_INSTRUMENT]
    distance = abs(price - stop)
    if s.limits[limit.SIZES_BY_RISK] == 1 and stop > 0 and distance > 0:
        budget = mul_div_capped(part(total, s.limits[limit.RISK_PER_TRADE_PPM]), price, distance)
        budget = part(budget, size_factor_ppm(s, tier))
        shrink(s, lots_for(s, instrument, budget, price), codes.POSITION)


def _check_size(s: State, price: int, tier: int, total: int) -> None:
    """Shrink to the position cap, the tier's cap and the strategy's share."""
    instrument = s.intent[at.I_INSTRUMENT]
    strategy = s.intent[at.I_STRATEGY]
    held = stake.instrument_exposure(s, instrument)
    cap = part(total, s.limits[limit.POSITION_PPM])
    if tier != at.NONE:
        cap = min(cap, part(total, s.limits[limit.TIER_1_CAP_PPM + tier]))
    shrink(s, lots_for(s, instrument, cap - held, price), codes.POSITION)
    free = free_of_share(s, strategy, total, s.limits[limit.GROSS_PPM])
    shrink(s, lots_for(s, instrument, free, price), codes.GROSS)
    _check_count(s)


def free_of_share(s: State, strategy: int, total: int, limit_ppm: int) -> int:
    """Return what a strategy may still put at stake; < 0 when its share has become too small.

    A limit that allows all strategies a part of the equity allows each that part of its share.
    """
    share = part(total, s.strategies[strategy, at.SHARE_PPM])
    return part(share, limit_ppm) - stake.strategy_exposure(s, strategy)


def is_beyond_share(s: State, strategy: int) -> bool:
    """Tell whether a strategy has more at stake than its share allows its book."""
    most_ppm = s.limits[limit.ACCOUNT_LEVERAGE_PPM]
    if stake.in_trading_book(s, strategy):
        most_ppm = s.limits[limit.GROSS_PPM]
    return free_of_share(s, strategy, equity(s), most_ppm) < 0


def _check_count(s: State) -> None:
    """Check the number of positions; adding to one's own position is not a new one."""
    instrument = s.intent[at.I_INSTRUMENT]
    row = position_row(s, s.intent[at.I_STRATEGY], instrument)
    if s.positions[row, at.QUANTITY] != 0:
        return
    most = s.limits[limit.MAX_POSITIONS]
    most_here = s.limits[limit.MAX_POSITIONS_PER_SYMBOL]
    if (
        stake.open_positions(s, at.NONE, most) >= most
        or stake.open_positions(s, instrument, most_here) >= most_here
    ):
        fail(s, codes.COUNT)


def _check_slippage(s: State, instrument: int) -> None:
    """Refuse an entry whose estimated slippage at the size so far is above the limit."""
    estimate = s.limits[limit.BASE_COST_PPM] + impact_ppm(
        s.instruments[instrument, at.VOLATILITY_PPM],
        s.verdict[at.APPROVED],
        s.instruments[instrument, at.BAR_VOLUME],
        s.limits[limit.IMPACT_CAP_PPM],
        s.limits[limit.IMPACT_UNKNOWN_PPM],
    )
    if estimate > s.limits[limit.SLIPPAGE_PPM]:
        fail(s, codes.SLIPPAGE)


def drawdown_ppm(s: State, total: int) -> int:
    """Return the fall of equity from its peak in ppm, rounded down; 0 without a peak."""
    peak = s.account[at.PEAK]
    if peak <= 0 or total >= peak:
        return 0
    return mul_div(peak - total, at.PPM, peak)


def _leverage_cap(s: State, total: int) -> int:
    """Return the leverage judged at: the least of request, regime, tier, drawdown and losses."""
    cap = min(s.intent[at.I_LEVERAGE], s.limits[limit.MAX_LEVERAGE])
    cap = min(cap, s.limits[limit.REGIME_LEVERAGE + s.intent[at.I_REGIME]])
    tier = confidence_tier(s, s.intent[at.I_CONFIDENCE_PPM])
    if s.limits[limit.NEEDS_CONFIDENCE] == 1 and tier != at.NONE:
        cap = min(cap, s.limits[limit.TIER_1_LEVERAGE + tier])
    fall = drawdown_ppm(s, total)
    for step in range(3):
        if fall >= s.limits[limit.DRAWDOWN_1_PPM + step]:
            cap = min(cap, s.limits[limit.DRAWDOWN_1_LEVERAGE + step])
    streak = s.account[at.LOSS_STREAK]
    if streak >= s.limits[limit.SHORT_STREAK]:
        cap = min(cap, s.limits[limit.SHORT_STREAK_LEVERAGE])
    if streak >= s.limits[limit.LONG_STREAK]:
        cap = min(cap, s.limits[limit.LONG_STREAK_LEVERAGE])
    return max(1, min(cap, s.account[at.LEVERAGE_CAP]))


def _check_exposure(s: State, price: int, total: int) -> None:
    """Shrink to the free gross, net and sector exposure, and the caps over all books."""
    instrument = s.intent[at.I_INSTRUMENT]
    side = s.intent[at.I_SIDE]
    free = part(total, s.limits[limit.GROSS_PPM]) - stake.gross_exposure(s)
    whole = part(total, s.limits[limit.ACCOUNT_LEVERAGE_PPM])
    whole = min(whole, s.limits[limit.TOTAL_GROSS_MONEY]) - stake.all_books_exposure(s)
    shrink(s, lots_for(s, instrument, min(free, whole), price), codes.GROSS)
    room = part(total, s.limits[limit.NET_PPM]) - side * stake.net_exposure(s, side)
    shrink(s, lots_for(s, instrument, room, price), codes.NET)
    sector = s.instruments[instrument, at.SECTOR]
    if sector > 0:
        room = part(total, s.limits[limit.SECTOR_PPM]) - stake.sector_exposure(s, sector)
        shrink(s, lots_for(s, instrument, room, price), codes.SECTOR)


def _check_correlation(s: State, instrument: int, price: int, total: int) -> None:
    """Shrink to the free exposure of the group that moves together."""
    threshold = s.limits[limit.CORRELATION_PPM]
    room = part(total, s.limits[limit.CORRELATED_PPM])
    room -= stake.correlated_exposure(s, instrument, threshold)
    shrink(s, lots_for(s, instrument, room, price), codes.CORRELATED)


def _check_margin(s: State, price: int, total: int, leverage: int) -> None:
    """Shrink to free margin or cash, value at risk and liquidity."""
    instrument = s.intent[at.I_INSTRUMENT]
    if stake.uses_margin(s, instrument, s.intent[at.I_SIDE], leverage):
        free = part(total, s.limits[limit.MARGIN_PPM]) - stake.margin_in_use(s)
        room = mul_div_capped(free, leverage, 1)
        shrink(s, lots_for(s, instrument, room, price), codes.MARGIN)
    elif s.instruments[instrument, at.IS_MARGIN] == 0 and s.intent[at.I_SIDE] > 0:
        shrink(s, lots_for(s, instrument, spendable_cash(s), price), codes.MARGIN)
    var_ppm = s.instruments[instrument, at.VAR_PPM]
    if var_ppm > 0:
        free = part(total, s.limits[limit.VAR_PPM]) - stake.value_at_risk(s)
        room = mul_div_capped(free, at.PPM, var_ppm)
        shrink(s, lots_for(s, instrument, room, price), codes.VAR)
    volume = s.instruments[instrument, at.DAY_VOLUME]
    if volume > 0:
        room = part(volume, s.limits[limit.LIQUIDITY_PPM])
        shrink(s, room - stake.instrument_lots(s, instrument), codes.LIQUIDITY)


def spendable_cash(s: State) -> int:
    """Return the cash a spot purchase may use: free cash less the buffer for fee and slippage."""
    free = s.account[at.CASH] - stake.reserved_cash(s) - stake.short_proceeds(s)
    if free <= 0:
        return 0
    return mul_div(free, at.PPM, at.PPM + s.limits[limit.CASH_BUFFER_PPM])


def _is_account_fresh(s: State) -> bool:
    confirmed = s.account[at.ACCOUNT_NS]
    age = s.account[at.NOW_NS] - confirmed
    return confirmed > 0 and age < s.limits[limit.ACCOUNT_AGE_NS]


def _has_prices(s: State) -> bool:
    """Tell whether every position that counts in equity has a fresh price; else it is unknown."""
    for instrument in range(s.account[at.N_INSTRUMENTS]):
        if not _is_price_fresh(s, instrument) and _is_held(s, instrument):
            return False
    return True


def _is_held(s: State, instrument: int) -> bool:
    """Tell whether a position in an instrument counts in equity."""
    for strategy in range(s.account[at.N_STRATEGIES]):
        row = position_row(s, strategy, instrument)
        if s.positions[row, at.QUANTITY] != 0 and is_in_equity(s, strategy):
            return True
    return False


def _is_price_fresh(s: State, instrument: int) -> bool:
    age = s.account[at.NOW_NS] - s.instruments[instrument, at.LAST_NS]
    return s.instruments[instrument, at.LAST] > 0 and age < s.limits[limit.QUOTE_AGE_NS]


def _check_health(s: State, instrument: int, has_equity: bool) -> None:
    """Refuse what cannot be judged: unknown equity, stale price, venue, clock, reconciliation."""
    if not has_equity:
        fail(s, codes.EQUITY_UNKNOWN)
    if not _is_price_fresh(s, instrument):
        fail(s, codes.DATA_STALE)
    health = s.account[at.HEALTH]
    if health & at.HEALTH_VENUE:
        fail(s, codes.VENUE_DOWN)
    if health & at.HEALTH_CLOCK:
        fail(s, codes.CLOCK)
    if health & at.HEALTH_UNRECONCILED:
        fail(s, codes.UNRECONCILED)
    if health & at.HEALTH_LIMITED:
        fail(s, codes.HALTED)
    if s.account[at.RATE_TOKENS] < at.PPM:
        fail(s, codes.ORDER_RATE)


# --- the core book: rebalancing, DCA, hodl ----------------------------------------------------


def _judge_holding(s: State, price: int) -> None:
    """Judge a spot holding's trade: no stop, no leverage, no short; never past its target.

    A target is a weight in the strategy's share of the equity.
    """
    instrument = s.intent[at.I_INSTRUMENT]
    strategy = s.intent[at.I_STRATEGY]
    side = s.intent[at.I_SIDE]
    total = equity(s)
    has_equity = total > 0 and _is_account_fresh(s) and _has_prices(s)
    _check_halts(s, strategy)
    if s.intent[at.I_PURPOSE] == codes.REBALANCE and _is_in_flight(s, instrument):
        fail(s, codes.COOLDOWN)
    if s.intent[at.I_LEVERAGE] != 1:
        fail(s, codes.LEVERAGE)
    if has_equity and price > 0:
        if s.intent[at.I_PURPOSE] == codes.REBALANCE:
            held = position_value(s, position_row(s, strategy, instrument))
            share = part(total, s.strategies[strategy, at.SHARE_PPM])
            excess = side * (part(share, s.intent[at.I_TARGET_PPM]) - held)
            shrink(s, lots_for(s, instrument, excess, price), codes.POSITION)
        if side > 0:
            worst = worst_price(s, price)
            stake.weigh(s)
            whole = part(total, s.limits[limit.ACCOUNT_LEVERAGE_PPM])
            free = min(whole, s.limits[limit.TOTAL_GROSS_MONEY]) - stake.all_books_exposure(s)
            own = free_of_share(s, strategy, total, s.limits[limit.ACCOUNT_LEVERAGE_PPM])
            free = min(free, own)
            shrink(s, lots_for(s, instrument, free, worst), codes.GROSS)
            shrink(s, lots_for(s, instrument, spendable_cash(s), worst), codes.MARGIN)
        else:
            row = position_row(s, strategy, instrument)
            shrink(s, stake.sellable(s, row), codes.REDUCE_ONLY)
        if s.verdict[at.CODE] == 0:
            check_minimum(s, instrument, s.verdict[at.APPROVED], price)
    _check_health(s, instrument, has_equity)


def _is_in_flight(s: State, instrument: int) -> bool:
    """Tell whether any order in the same asset works: the rebalance waits (TR-21)."""
    for row in range(s.account[at.N_ROWS]):
        if (
            s.orders[row, at.NUMBER] != 0
            and s.orders[row, at.ORDER_INSTRUMENT] == instrument
            and is_working(s.orders[row, at.STATE])
            and not is_stop(s.orders[row, at.TYPE])
        ):
            return True
    return False
