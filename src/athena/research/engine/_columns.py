"""The market as the loop reads it: aligned columns of all instruments, one row an instrument."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Columns(NamedTuple):
    """Bars of S instruments on one time line of T steps.

    Attributes:
        close_ns: (T,) close time of each step; the bar covers the interval before it.
        open, high, low, close: (S, T) ticks; a missing bar repeats the last close, 0 before the
            first bar.
        volume: (S, T) lots; NO_BAR marks a missing bar, which fills and marks nothing.
        risk: (S, N_RISK, T) risk inputs known at the step's close; T is 0 when nothing asks.
        day: (T,) row of `correlation` that is known at the step; empty without risk inputs.
        correlation: (D, S, S) ppm.
    """

    close_ns: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    risk: Ints
    day: Ints
    correlation: Ints


RISK_ATR = 0
RISK_ATR_MEAN = 1
RISK_DAY_VOLUME = 2
RISK_BAR_VOLUME = 3
RISK_VOLATILITY = 4
RISK_VAR = 5
RISK_MOVE = 6
N_RISK = 7
