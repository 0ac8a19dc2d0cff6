"""Intents as objects again, from the columns in which a compiled rule writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.domain import OrderType, Purpose, Regime, Side, TimeInForce
from athena.errors import InputError
from athena.trading import Intent, write_intent
from athena.trading import layout as at

if TYPE_CHECKING:
    from athena.trading import Ints

_SIDES = {1: Side.BUY, -1: Side.SELL}
_TYPES = dict(enumerate(OrderType))
_TIMES_IN_FORCE = dict(enumerate(TimeInForce))
_PURPOSES = dict(enumerate(Purpose))
_REGIMES = dict(enumerate(Regime))


def read_intent(row: Ints) -> Intent:
    """Read an (N_INTENT,) row; nothing that stands in it is left out.

    Raises:
        InputError: a code or a flag that no intent has.
    """
    values = row.tolist()
    try:
        intent = Intent(
            key=values[at.I_KEY],
            instrument=values[at.I_INSTRUMENT],
            purpose=_PURPOSES[values[at.I_PURPOSE]],
            side=_SIDES[values[at.I_SIDE]],
            type=_TYPES[values[at.I_TYPE]],
            time_in_force=_TIMES_IN_FORCE[values[at.I_TIME_IN_FORCE]],
            lots=values[at.I_LOTS],
            quote_amount=values[at.I_QUOTE_AMOUNT],
            limit_ticks=values[at.I_LIMIT],
            trigger_ticks=values[at.I_TRIGGER],
            stop_ticks=values[at.I_STOP],
            target_ticks=values[at.I_TARGET],
            trail_ppm=values[at.I_TRAIL_PPM],
            leverage=values[at.I_LEVERAGE],
            confidence_ppm=values[at.I_CONFIDENCE_PPM],
            regime=_REGIMES[values[at.I_REGIME]],
            post_only=bool(values[at.I_FLAGS] & at.FLAG_POST_ONLY),
            break_even=bool(values[at.I_FLAGS] & at.FLAG_BREAK_EVEN),
            expires_ns=values[at.I_EXPIRES_NS],
            target_ppm=values[at.I_TARGET_PPM],
            sibling=values[at.I_SIBLING],
        )
    except KeyError as error:
        message = f"expected known codes in a rule's intent, was {error} in {values}"
        raise InputError(message) from error
    again = np.zeros(at.N_INTENT, np.int64)
    write_intent(intent, values[at.I_STRATEGY], again.data)
    if not np.array_equal(again, row):
        message = f"expected an intent as `write_intent` writes one, was {values}"
        raise InputError(message)
    return intent
