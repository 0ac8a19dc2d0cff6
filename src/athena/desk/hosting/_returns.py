"""Daily returns of the instruments of a run, from the closes that were seen; memory is bounded."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from athena.desk.inputs import ReturnTable
from athena.domain import DAY_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

N_DAYS = 365


class DailyReturns:
    """Take the closes of each step, and show the returns of the days that are over (UTC).

    A day in which an instrument has no bar has no return for it, nor has the day after.
    """

    def __init__(self, symbols: Sequence[str], n_days: int = N_DAYS) -> None:
        """Begin without a day; the newest `n_days` returns are kept."""
        self._symbols = tuple(symbols)
        self._rows: deque[list[float]] = deque(maxlen=n_days + 1)
        self._day = -1
        self._closes = self._nothing()
        self._table: ReturnTable | None = None

    def take(self, close_ns: int, closes: Sequence[float]) -> None:
        """Take the closes of a step; NaN is no bar.

        Args:
            close_ns: of the step, after the one before.
            closes: (N,) quote units, in the order of the symbols.
        """
        day = (close_ns - 1) // DAY_NS  # a bar that closes at midnight belongs to the day before
        if self._day not in {-1, day}:
            self._end_days(day)
        self._day = day
        for k, close in enumerate(closes):
            if not math.isnan(close):
                self._closes[k] = close
        if close_ns == (day + 1) * DAY_NS:
            self._end_days(day + 1)

    def table(self) -> ReturnTable | None:
        """Return the returns of the days that are over; None while there are none."""
        if self._table is None and len(self._rows) > 1:
            closes = np.array(self._rows)
            returns = closes[1:] / closes[:-1] - 1.0
            returns.flags.writeable = False
            self._table = ReturnTable(self._symbols, returns)
        return self._table

    def _end_days(self, until: int) -> None:
        """End the present day and those without any bar, up to a day that is not over."""
        n_ended = until - self._day
        self._rows.append(self._closes)
        self._closes = self._nothing()
        for _ in range(min(n_ended - 1, self._rows.maxlen or 0)):
            self._rows.append(self._nothing())
        self._day = until
        self._table = None

    def _nothing(self) -> list[float]:
        return [math.nan] * len(self._symbols)
