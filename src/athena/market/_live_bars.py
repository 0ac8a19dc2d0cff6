"""Closed bars from trades as they come; nothing is invented where trades are missing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from athena.domain import SECOND_NS
from athena.errors import InputError
from athena.market._grid import grid_origin_ns

GRACE_NS = 2 * SECOND_NS
_NEVER_NS = 2**62


class FeedSource(StrEnum):
    """Where the bars of a run that is under way come from; every record carries it."""

    LIVE = "live"
    MOCK = "mock"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class LiveBar:
    """One closed bar and where it came from.

    Attributes:
        ts_ns: its open, UTC nanoseconds; it covers [ts_ns, ts_ns + interval_ns).
        open, high, low, close: ticks.
        volume: lots.
        source: of the trades or of the bar itself.
    """

    ts_ns: int
    interval_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    source: FeedSource

    @property
    def close_ns(self) -> int:
        """Return when it closed."""
        return self.ts_ns + self.interval_ns


class TradeFate(StrEnum):
    """What became of a trade."""

    TAKEN = "taken"
    LATE = "late"  # of a bar that was closed without it
    OUT_OF_ORDER = "out_of_order"  # older than the trade before it
    AHEAD = "ahead"  # stamped after the venue's clock
    IMPOSSIBLE = "impossible"  # no price or no quantity


@dataclass(slots=True)
class _Growing:
    """A bar that is not closed yet."""

    ts_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int


class BarBuilder:
    """Make closed bars of trades, on the UTC grid (weeks from Monday).

    A bar is closed once the venue's clock is past its end plus a grace. An interval without a
    trade has no bar. An interval of which a part was not listened to has none either, because
    its extremes and its volume are not known: the one in which listening began, and every one
    between `lost` and `resumed`.

    Attributes:
        n_refused: trades that were not taken, by their fate.
        n_incomplete: intervals with trades that became no bar, because a part was not heard.
    """

    def __init__(
        self, interval_ns: int, source: FeedSource, *, heard_ns: int, grace_ns: int = GRACE_NS
    ) -> None:
        """Begin to listen.

        Args:
            interval_ns: length of a bar, > 0.
            source: of the trades.
            heard_ns: since when every trade is heard, the venue's clock.
            grace_ns: how long after its end a bar waits for late trades, >= 0.

        Raises:
            InputError: an interval or a grace that is none.
        """
        if interval_ns <= 0 or grace_ns < 0:
            message = f"expected interval > 0 and grace >= 0, was {interval_ns} and {grace_ns} ns"
            raise InputError(message)
        self.n_refused = {fate: 0 for fate in TradeFate if fate is not TradeFate.TAKEN}
        self.n_incomplete = 0
        self._interval_ns = interval_ns
        self._source = source
        self._grace_ns = grace_ns
        self._origin_ns = grid_origin_ns(interval_ns)
        self._growing: deque[_Growing] = deque()
        self._last_trade_ns = 0
        self._closed_ns = 0  # no bar that opened before it is made any more
        self._heard_ns = heard_ns  # a bar that opened before it is not complete

    def trade(self, ts_ns: int, price: int, lots: int, venue_now_ns: int) -> TradeFate:
        """Take one trade.

        Args:
            ts_ns: when it happened, the venue's clock.
            price: in ticks, > 0.
            lots: > 0.
            venue_now_ns: the venue's clock now; a trade may be ahead of it by the grace.

        Returns:
            Whether it was taken, or why not; what is not taken is counted and changes nothing.
        """
        fate = self._fate(ts_ns, price, lots, venue_now_ns)
        if fate is not TradeFate.TAKEN:
            self.n_refused[fate] += 1
            return fate
        self._last_trade_ns = ts_ns
        opened_ns = self._open_of(ts_ns)
        if not self._growing or self._growing[-1].ts_ns != opened_ns:
            self._growing.append(_Growing(opened_ns, price, price, price, price, 0))
        bar = self._growing[-1]
        bar.high = max(bar.high, price)
        bar.low = min(bar.low, price)
        bar.close = price
        bar.volume += lots
        return fate

    def advance(self, venue_now_ns: int) -> tuple[LiveBar, ...]:
        """Close the bars whose end and grace are past by the venue's clock, the oldest first."""
        return self._close(venue_now_ns - self._grace_ns)

    def lost(self, heard_ns: int) -> tuple[LiveBar, ...]:
        """Stop to make bars, because the feed was lost.

        Args:
            heard_ns: up to when every trade was heard, the venue's clock.

        Returns:
            The bars that had ended by then.
        """
        closed = self._close(heard_ns)
        self._heard_ns = _NEVER_NS
        return closed

    def resumed(self, heard_ns: int) -> None:
        """Make bars again; the first one opens when everything is heard.

        Args:
            heard_ns: since when every trade is heard again, the venue's clock.
        """
        self._heard_ns = heard_ns

    def _fate(self, ts_ns: int, price: int, lots: int, venue_now_ns: int) -> TradeFate:
        if price <= 0 or lots <= 0:
            return TradeFate.IMPOSSIBLE
        if ts_ns > venue_now_ns + self._grace_ns:
            return TradeFate.AHEAD
        if ts_ns < self._closed_ns:
            return TradeFate.LATE
        return TradeFate.OUT_OF_ORDER if ts_ns < self._last_trade_ns else TradeFate.TAKEN

    def _open_of(self, ts_ns: int) -> int:
        return ts_ns - (ts_ns - self._origin_ns) % self._interval_ns

    def _close(self, end_ns: int) -> tuple[LiveBar, ...]:
        self._closed_ns = max(self._closed_ns, self._open_of(end_ns))
        closed = []
        while self._growing and self._growing[0].ts_ns < self._closed_ns:
            bar = self._growing.popleft()
            if bar.ts_ns < self._heard_ns:
                self.n_incomplete += 1
                continue
            prices = (bar.open, bar.high, bar.low, bar.close)
            closed.append(LiveBar(bar.ts_ns, self._interval_ns, *prices, bar.volume, self._source))
        return tuple(closed)
