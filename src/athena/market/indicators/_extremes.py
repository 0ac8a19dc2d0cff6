"""Lowest and highest of the last values, one value at a time."""

from __future__ import annotations

from collections import deque

from athena.market.indicators._averages import NAN


class RollingExtremes:
    """Follow the lowest low and highest high of the last `length` bars.

    Two queues hold only values that can still become the extreme: amortised O(1) a bar.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._n_seen = 0
        self._lows: deque[tuple[int, float]] = deque()
        self._highs: deque[tuple[int, float]] = deque()

    def update(self, low: float, high: float) -> tuple[float, float]:
        """Take the next bar; (NaN, NaN) until there are `length`."""
        lows, highs, now = self._lows, self._highs, self._n_seen
        self._n_seen += 1
        while lows and lows[-1][1] >= low:
            lows.pop()
        lows.append((now, low))
        while highs and highs[-1][1] <= high:
            highs.pop()
        highs.append((now, high))
        oldest = now - self._length
        if lows[0][0] <= oldest:
            lows.popleft()
        if highs[0][0] <= oldest:
            highs.popleft()
        if self._n_seen < self._length:
            return NAN, NAN
        return lows[0][1], highs[0][1]
