"""Columns of what a compiled rule is shown and writes, for `RuleStrategy.rule`.

`now` holds NOW_* then, for instrument k, the columns BAR_* and POSITION from
``N_NOW + k * N_NOW_INSTRUMENT``. `intents` holds one intent after the other, N_INTENT columns
each, in the layout of `athena.trading.layout` (I_*); `write_market` writes the common one.
"""

from __future__ import annotations

from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core.arithmetic import lots_worth, mul_div_capped
from athena.trading._core.layout import Table

NOW_STEP = 0
NOW_NS = 1
NOW_WORKING = 2
NOW_CASH = 3
NOW_EQUITY = 4
NOW_FILLS = 5  # of this strategy, since the run began
NOW_BUFFER_PPM = 6  # kept back on a purchase for fee and slippage
N_NOW = 7
BAR_OPEN = 0
BAR_HIGH = 1
BAR_LOW = 2
BAR_CLOSE = 3
BAR_VOLUME = 4
POSITION = 5
VALUE_NUM = 6  # money units per tick x lot, numerator and denominator
VALUE_DEN = 7
N_NOW_INSTRUMENT = 8


def write_market(intents: Table, slot: int, instrument: int, lots: int, purpose: int) -> int:
    """Write a market intent of signed lots into a slot, without protections; return its start."""
    base = slot * at.N_INTENT
    for field in range(at.N_INTENT):
        intents[base + field] = 0
    intents[base + at.I_INSTRUMENT] = instrument
    intents[base + at.I_PURPOSE] = purpose
    intents[base + at.I_SIDE] = 1 if lots > 0 else -1
    intents[base + at.I_LOTS] = abs(lots)
    intents[base + at.I_LEVERAGE] = 1
    intents[base + at.I_CONFIDENCE_PPM] = at.PPM
    intents[base + at.I_REGIME] = codes.REGIME_UNKNOWN
    return base


def lots_for(now: Table, instrument: int, fraction_ppm: int) -> int:
    """Return the lots that a fraction of equity buys at the close, as `View.lots_for` does."""
    base = N_NOW + instrument * N_NOW_INSTRUMENT
    money = mul_div_capped(now[NOW_EQUITY], fraction_ppm, at.PPM + now[NOW_BUFFER_PPM])
    return lots_worth(money, now[base + BAR_CLOSE], now[base + VALUE_NUM], now[base + VALUE_DEN])
