"""Validity: what an intent says must be numbers the core can judge, before any venue call.

Also the prices an intent is judged at, and the notes of a verdict, which every check uses.
"""

from __future__ import annotations

from athena.trading._core import codes
from athena.trading._core import exposure as stake
from athena.trading._core import layout as at
from athena.trading._core import limits as limit
from athena.trading._core.arithmetic import LOTS_MAX, TICKS_MAX, lots_worth, mul_div_capped
from athena.trading._core.layout import State
from athena.trading._core.orders import is_stop, needs_limit, needs_trigger
from athena.trading._core.positions import position_row


def fail(s: State, code: int) -> None:
    """Note a failed check; the first one decides."""
    s.verdict[at.MASK] |= 1 << code
    if s.verdict[at.CODE] == 0:
        s.verdict[at.CODE] = code


def shrink(s: State, lots: int, code: int) -> None:
    """Allow at most `lots`; none left is a failure of the check."""
    if lots <= 0:
        fail(s, code)
    elif lots < s.verdict[at.APPROVED]:
        s.verdict[at.APPROVED] = lots


def reference_price(s: State) -> int:
    """Return the price in ticks that an intent is judged at; 0 when none is known."""
    if needs_limit(s.intent[at.I_TYPE]):
        return s.intent[at.I_LIMIT]
    last = s.instruments[s.intent[at.I_INSTRUMENT], at.LAST]
    if needs_trigger(s.intent[at.I_TYPE]):
        trigger = s.intent[at.I_TRIGGER]
        # A stop that the market is beyond already fills at the market, not at its trigger.
        is_met = is_stop(s.intent[at.I_TYPE]) and s.intent[at.I_SIDE] * (last - trigger) >= 0
        return last if is_met and last > 0 else trigger
    return last


def worst_price(s: State, price: int) -> int:
    """Return the price that exposure is counted at: the highest a fill may have, or start from.

    A purchase with a limit pays no more than it. Anything else may fill at the market, even where
    the intent names a lower price.
    """
    if s.intent[at.I_SIDE] > 0 and needs_limit(s.intent[at.I_TYPE]):
        return price
    return max(price, s.instruments[s.intent[at.I_INSTRUMENT], at.LAST])


def lots_for(s: State, instrument: int, money: int, price: int) -> int:
    """Return the most lots of an instrument that `money` buys at a price, rounded down."""
    return lots_worth(
        money,
        price,
        s.instruments[instrument, at.VALUE_NUM],
        s.instruments[instrument, at.VALUE_DEN],
    )


def is_addressed(s: State) -> bool:
    """Tell whether instrument, strategy and codes exist, so that nothing is read out of bounds."""
    return (
        0 <= s.intent[at.I_INSTRUMENT] < s.account[at.N_INSTRUMENTS]
        and 0 <= s.intent[at.I_STRATEGY] < s.account[at.N_STRATEGIES]
        and 0 <= s.intent[at.I_PURPOSE] <= codes.LIQUIDATE
        and (s.intent[at.I_SIDE] == 1 or s.intent[at.I_SIDE] == -1)
        and 0 <= s.intent[at.I_TYPE] <= codes.TRAILING_STOP
        and 0 <= s.intent[at.I_TIME_IN_FORCE] <= codes.GTD
        and 0 <= s.intent[at.I_REGIME] < codes.N_REGIMES
    )


def ask_lots(s: State, price: int) -> None:
    """Start the approved size from the quantity asked for, or from a quote amount."""
    lots = s.intent[at.I_LOTS]
    instrument = s.intent[at.I_INSTRUMENT]
    if lots == 0 and s.intent[at.I_QUOTE_AMOUNT] > 0 and price > 0:
        lots = lots_for(s, instrument, s.intent[at.I_QUOTE_AMOUNT], price)
    s.verdict[at.APPROVED] = lots


def check_validity(s: State, price: int) -> None:
    """Check numbers, precision, minimum, caps, duplicates and mode: no venue call was made."""
    instrument = s.intent[at.I_INSTRUMENT]
    lots = s.verdict[at.APPROVED]
    if _has_bad_number(s, lots):
        fail(s, codes.INVALID_VALUE)
        return
    leverage = s.intent[at.I_LEVERAGE]
    if leverage < 1 or leverage > s.limits[limit.MAX_LEVERAGE]:
        fail(s, codes.LEVERAGE)
    if s.account[at.MODE_FORBIDS] != 0:
        fail(s, codes.MODE_FORBIDS)
    if _is_duplicate(s, s.intent[at.I_KEY]):
        fail(s, codes.DUPLICATE_INTENT)
    is_exit = (s.intent[at.I_FLAGS] & at.FLAG_REDUCE_ONLY) != 0
    if price <= 0:
        if not is_exit:
            fail(s, codes.DATA_STALE)
        return
    worst = worst_price(s, price)
    if not is_exit and (
        lots > s.instruments[instrument, at.CAP_LOTS]
        or lots > lots_for(s, instrument, s.limits[limit.ORDER_CAP_MONEY], worst)
    ):
        fail(s, codes.SIZE_CAP)
        return
    check_minimum(s, instrument, lots, price)


def check_minimum(s: State, instrument: int, lots: int, price: int) -> None:
    """Refuse a size under the venue's minimum; it is never rounded up."""
    # Capped, because an exit may ask for any size; it is cut to the position later.
    worth = mul_div_capped(
        price * s.instruments[instrument, at.VALUE_NUM],
        lots,
        s.instruments[instrument, at.VALUE_DEN],
    )
    if (
        lots < s.instruments[instrument, at.MIN_LOTS]
        or worth < s.instruments[instrument, at.MIN_NOTIONAL]
    ):
        fail(s, codes.BELOW_MINIMUM)


def _has_bad_number(s: State, lots: int) -> bool:
    """Tell whether a number is missing, zero or negative where it must not be."""
    kind = s.intent[at.I_TYPE]
    if lots <= 0 and not (s.intent[at.I_LOTS] == 0 and s.intent[at.I_QUOTE_AMOUNT] > 0):
        return True
    if s.intent[at.I_LOTS] < 0 or s.intent[at.I_QUOTE_AMOUNT] < 0:
        return True
    if _has_bad_price(s, kind) or lots > LOTS_MAX:
        return True
    if not 0 <= s.intent[at.I_CONFIDENCE_PPM] <= at.PPM:
        return True
    if _is_over(s):
        return True
    return _is_out_of_book(s) or _is_short_on_spot(s, lots)


def _has_bad_price(s: State, kind: int) -> bool:
    """Tell whether a price is missing, negative or beyond exact products; entries do not trail."""
    if needs_limit(kind) and s.intent[at.I_LIMIT] <= 0:
        return True
    if needs_trigger(kind) and s.intent[at.I_TRIGGER] <= 0:
        return True
    if kind == codes.TRAILING_STOP and (s.intent[at.I_FLAGS] & at.FLAG_REDUCE_ONLY) == 0:
        return True
    for column in (at.I_LIMIT, at.I_TRIGGER, at.I_STOP, at.I_TARGET):
        if not 0 <= s.intent[column] <= TICKS_MAX:
            return True
    return s.intent[at.I_TRAIL_PPM] < 0


def _is_over(s: State) -> bool:
    is_dated = s.intent[at.I_TIME_IN_FORCE] == codes.GTD
    return is_dated and s.intent[at.I_EXPIRES_NS] <= s.account[at.NOW_NS]


def _is_out_of_book(s: State) -> bool:
    """Tell whether the purpose belongs to another book: no strategy picks its own rule set."""
    if s.intent[at.I_FLAGS] & at.FLAG_REDUCE_ONLY:
        return False
    is_holding = s.intent[at.I_PURPOSE] in (codes.REBALANCE, codes.DCA, codes.HODL)
    return is_holding == stake.in_trading_book(s, s.intent[at.I_STRATEGY])


def _is_short_on_spot(s: State, lots: int) -> bool:
    """Tell whether a spot sale goes beyond the holding; so it is in every mode (TR-14)."""
    instrument = s.intent[at.I_INSTRUMENT]
    if s.intent[at.I_SIDE] > 0 or s.instruments[instrument, at.IS_MARGIN] == 1:
        return False
    if s.intent[at.I_FLAGS] & at.FLAG_REDUCE_ONLY:
        return False
    row = position_row(s, s.intent[at.I_STRATEGY], instrument)
    return lots > stake.sellable(s, row)


def _is_duplicate(s: State, key: int) -> bool:
    if key == 0:
        return False
    for slot in range(min(s.account[at.N_KEYS], len(s.keys))):
        if s.keys[slot] == key:
            return True
    return False
