"""Public bars and prices as they come, asked by REST at the pace that the house allows."""

from __future__ import annotations

import asyncio
from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.app.running._bars import CheckedBars, Step, bars_of, first_shown
from athena.domain import DAY_NS, SECOND_NS
from athena.errors import AthenaError
from athena.market import FeedSource
from athena.trading import Bar
from athena.venues.serving import MarketTrade

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athena.app.running._local_venue import PushedTrades
    from athena.domain import Bars, Instrument
    from athena.platform import Clock
    from athena.venues.kraken import Candle, PairRules, PublicKraken

GRACE_NS = 2 * SECOND_NS
_AGAIN_NS = 3 * SECOND_NS  # a bar that is not there yet is asked for once more
_TRIES = 3
_WINDOW = 720  # what Kraken serves at most
_N_DAYS = 400  # what risk inputs look back to
_PAUSE_S = 1.0


class PolledBars:
    """Closed bars of a venue's public interface; `keep` asks for them in the background."""

    def __init__(
        self,
        kraken: PublicKraken,
        rules: Sequence[PairRules],
        instruments: Sequence[Instrument],
        interval_ns: int,
        *,
        speed: float = 1.0,
    ) -> None:
        """Prepare; nothing is asked before `keep`.

        Args:
            kraken: the public interface, with a limiter on the session's clock.
            rules: of each instrument, as Kraken states them.
            instruments: of the session.
            interval_ns: one of Kraken's.
            speed: seconds of the clock in one of the wall's.
        """
        self.defects: deque[str] = deque(maxlen=100)
        self._kraken = kraken
        self._rules = tuple(rules)
        self._instruments = tuple(instruments)
        self._interval_ns = interval_ns
        self._speed = speed
        self._rows: list[list[tuple[int, Bar]]] | None = None
        self._days: list[list[tuple[int, Bar]]] = []
        self._pending: dict[int, dict[int, Bar]] = {}
        self._closed: deque[int] = deque()
        self._checked: CheckedBars | None = None

    @property
    def daily(self) -> Sequence[Bars]:
        """Return the daily bars that the venue had before the session, for its risk inputs."""
        origin = "kraken, public bars of days that closed before the session"
        return [
            bars_of(item, DAY_NS, rows, origin)
            for item, rows in zip(self._instruments, self._days, strict=False)
        ]

    def begin(self, decided_ns: int, now_ns: int) -> Sequence[Bars] | None:
        """Return what closed before the first step; None while it is being fetched."""
        if self._rows is None:
            return None
        ends = sorted({ts_ns + self._interval_ns for rows in self._rows for ts_ns, _ in rows})
        first = first_shown(ends, decided_ns, now_ns, self._interval_ns)
        cut_ns = ends[first - 1] if first else 0
        origin = f"kraken, public bars, {len(ends)} closed before the session"
        history = [
            bars_of(item, self._interval_ns, [row for row in rows if row[0] < cut_ns], origin)
            for item, rows in zip(self._instruments, self._rows, strict=True)
        ]
        self._checked = CheckedBars(self._instruments, self._interval_ns, FeedSource.LIVE, history)
        self._checked.defects = self.defects
        for close_ns in ends[first:]:
            opened_ns = close_ns - self._interval_ns
            found = {
                k: bar
                for k, rows in enumerate(self._rows)
                for ts_ns, bar in rows
                if ts_ns == opened_ns
            }
            self._pending.setdefault(close_ns, found)
            self._closed.appendleft(close_ns)
        return history

    def take(self, now_ns: int) -> list[Step]:
        """Return the steps that have closed since, oldest first."""
        steps: list[Step] = []
        while self._checked is not None and self._closed:
            close_ns = self._closed.popleft()
            step = self._checked.step(close_ns, self._pending.pop(close_ns), now_ns)
            steps += [] if step is None else [step]
        return steps

    async def keep(self, clock: Clock, judged: Callable[[str], None]) -> None:
        """Ask for history first, then for each bar once it has closed; never ends.

        Args:
            clock: of the session.
            judged: told after each try why it failed; empty when it did not.
        """
        while self._rows is None:
            try:
                self._days = await asyncio.to_thread(self._closed_days, clock.now_ns())
                self._rows = await asyncio.to_thread(self._history, clock.now_ns())
                judged("")
            except AthenaError as error:
                judged(error.message)
                await asyncio.sleep(_PAUSE_S / self._speed)
        last_ns = self._newest_close(clock.now_ns())
        while True:
            await self._until(last_ns + self._interval_ns + GRACE_NS, clock)
            found = await self._closed_since(last_ns, clock, judged)
            for close_ns in sorted(found):
                self._pending[close_ns] = found[close_ns]
                self._closed.append(close_ns)
            last_ns = max(found, default=last_ns + self._interval_ns)

    def _newest_close(self, now_ns: int) -> int:
        rows = [rows[-1][0] for rows in self._rows or () if rows]
        newest_ns = max(rows, default=now_ns // self._interval_ns * self._interval_ns)
        return newest_ns + self._interval_ns if rows else newest_ns

    def _history(self, now_ns: int) -> list[list[tuple[int, Bar]]]:
        # Kraken's own window, less what would have to be refused at its edge.
        since_ns = now_ns - (_WINDOW - 2) * self._interval_ns
        return [
            [
                (candle.ts_ns, bar_of(item, candle))
                for page in self._kraken.bars(rules, self._interval_ns, since_ns=since_ns)
                for candle in page
            ]
            for rules, item in zip(self._rules, self._instruments, strict=True)
        ]

    def _closed_days(self, now_ns: int) -> list[list[tuple[int, Bar]]]:
        if self._interval_ns >= DAY_NS:
            return []
        since_ns = now_ns // DAY_NS * DAY_NS - _N_DAYS * DAY_NS
        return [
            [
                (candle.ts_ns, day_of(item, candle))
                for page in self._kraken.bars(rules, DAY_NS, since_ns=since_ns)
                for candle in page
            ]
            for rules, item in zip(self._rules, self._instruments, strict=True)
        ]

    async def _closed_since(
        self, last_ns: int, clock: Clock, judged: Callable[[str], None]
    ) -> dict[int, dict[int, Bar]]:
        """Ask for the bars that closed after a time, again where the newest is not there yet."""
        found: dict[int, dict[int, Bar]] = {}
        newest_ns = last_ns + (clock.now_ns() - GRACE_NS - last_ns) // self._interval_ns * (
            self._interval_ns
        )
        failure = ""
        for attempt in range(_TRIES):
            missing = [
                k for k in range(len(self._instruments)) if k not in found.get(newest_ns, {})
            ]
            try:
                for k in missing:
                    rows = await asyncio.to_thread(self._since, k, last_ns)
                    for opened_ns, bar in rows:
                        found.setdefault(opened_ns + self._interval_ns, {})[k] = bar
                failure = ""
            except AthenaError as error:
                failure = error.message
            if len(found.get(newest_ns, {})) == len(self._instruments):
                break
            if attempt + 1 < _TRIES:
                await self._until(clock.now_ns() + _AGAIN_NS, clock)
        judged(failure)
        return found

    def _since(self, k: int, last_ns: int) -> list[tuple[int, Bar]]:
        """Return open and bar of what closed after a time, as far as the venue still knows it."""
        oldest_ns = self._kraken.limiter.clock.now_ns() - (_WINDOW - 2) * self._interval_ns
        have_ns = max(last_ns, oldest_ns) - self._interval_ns
        pages = self._kraken.bars(
            self._rules[k], self._interval_ns, since_ns=have_ns, have_ns=have_ns
        )
        return [
            (candle.ts_ns, bar_of(self._instruments[k], candle))
            for page in pages
            for candle in page
        ]

    async def _until(self, when_ns: int, clock: Clock) -> None:
        await asyncio.sleep(max(0, when_ns - clock.now_ns()) / SECOND_NS / self._speed)


def bar_of(instrument: Instrument, candle: Candle) -> Bar:
    """Return a candle in an instrument's ticks and lots, the volume rounded down.

    Raises:
        InputError: a price is no whole number of ticks.
    """
    return Bar(
        instrument.price_to_ticks(candle.open),
        instrument.price_to_ticks(candle.high),
        instrument.price_to_ticks(candle.low),
        instrument.price_to_ticks(candle.close),
        int(candle.volume // instrument.lot),
    )


def day_of(instrument: Instrument, candle: Candle) -> Bar:
    """Return a day in an instrument's ticks and lots, prices rounded: a venue's tick changes."""
    open_, high, low, close = (
        max(1, round(price / instrument.tick))
        for price in (candle.open, candle.high, candle.low, candle.close)
    )
    return Bar(open_, high, low, close, int(candle.volume // instrument.lot))


class PricePoll:
    """The newest public prices, as trades for an exchange of our own.

    The running bar of a minute is asked for every few seconds: its last price and what its volume
    grew by become a trade, new extremes become trades before it.
    """

    def __init__(
        self,
        ask: Callable[[int], Candle | None],
        instruments: Sequence[Instrument],
        trades: PushedTrades,
        *,
        every_s: float,
    ) -> None:
        """Prepare to ask.

        Args:
            ask: returns the running bar of an instrument, None without one; called in a thread.
            instruments: of the session.
            trades: where prices go.
            every_s: between two questions, seconds of the wall.
        """
        self._ask = ask
        self._instruments = tuple(instruments)
        self._trades = trades
        self._every_s = every_s
        self._seen: dict[int, Candle] = {}

    async def keep(self, judged: Callable[[str], None]) -> None:
        """Ask for prices; never ends."""
        while True:
            for k in range(len(self._instruments)):
                try:
                    candle = await asyncio.to_thread(self._ask, k)
                    judged("")
                except AthenaError as error:
                    judged(error.message)
                    continue
                if candle is not None:
                    self.take(k, candle)
            await asyncio.sleep(self._every_s)

    def take(self, k: int, candle: Candle) -> None:
        """Turn a running bar into the trades that happened since it was seen last."""
        before = self._seen.get(k)
        self._seen[k] = candle
        item = self._instruments[k]
        if before is None:  # what it did before it was looked at is not ours to trade on
            self._trades.put(MarketTrade(0, item.symbol, candle.close, Decimal(0)))
            return
        is_same = before.ts_ns == candle.ts_ns
        grown = candle.volume - before.volume if is_same else candle.volume
        prices: list[Decimal] = []
        if not is_same or candle.low < before.low:
            prices.append(candle.low)
        if not is_same or candle.high > before.high:
            prices.append(candle.high)
        prices.append(candle.close)
        quantity = max(grown, Decimal(0)) / len(prices) // item.lot * item.lot
        for price in prices:
            self._trades.put(MarketTrade(0, item.symbol, price, quantity))
