"""Kraken's public data, asked at the pace that the house allows, and again where that may help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS, format_time
from athena.errors import AthenaError, InputError, VenueError, VenueRefused
from athena.venues.kraken._answers import read_result, slow_down_until_ns
from athena.venues.kraken._limits import CALLS, public_charges
from athena.venues.kraken._market import (
    OHLC_WINDOW,
    interval_minutes,
    read_ohlc,
    read_server_time,
)
from athena.venues.kraken._names import rest_pair
from athena.venues.kraken._pairs import find_pair, read_asset_pairs
from athena.venues.limits import Priority

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from athena.venues._contract import HttpAnswer
    from athena.venues.kraken._fields import Fields
    from athena.venues.kraken._market import Candle
    from athena.venues.kraken._pairs import PairRules
    from athena.venues.kraken._transport import PublicTransport
    from athena.venues.limits import RateLimiter

_TRIES = 4
_UNKNOWN_PAIR = "Unknown asset pair"
_FIRST_WAIT_NS = SECOND_NS  # doubled after each try
_PATIENCE_NS = 600 * SECOND_NS


@dataclass(frozen=True, slots=True)
class PublicKraken:
    """Ask for public data.

    Attributes:
        transport: how a request gets there.
        limiter: its counter `calls` is booked; its clock and sleep are used for waiting.
    """

    transport: PublicTransport
    limiter: RateLimiter

    def server_time_ns(self) -> int:
        """Return Kraken's time, UTC nanoseconds, in whole seconds; errors as `pair_rules`."""
        return read_server_time(self._ask("Time", {}))

    def pair_rules(self, symbol: str) -> PairRules:
        """Return the rules of a pair.

        Raises:
            InputError: Kraken does not know it.
            VenueRefused: it answers with another refusal.
            VenueBusy: it still asks to slow down after four tries.
            ServiceDown: it did not answer four times.
            VenueError: an answer that is none.
        """
        try:
            result = self._ask("AssetPairs", {"pair": rest_pair(symbol)})
        except VenueRefused as error:
            if _UNKNOWN_PAIR not in error.message:
                raise
            message = f"expected a pair that Kraken trades, was {symbol}: {error.message}"
            raise InputError(message, hint="check the symbol, such as BTC/USD") from error
        return find_pair(read_asset_pairs(result), symbol)

    def bars(
        self, rules: PairRules, interval_ns: int, *, since_ns: int, have_ns: int | None = None
    ) -> Iterator[tuple[Candle, ...]]:
        """Yield the finished bars page by page, oldest first; the running bar is left out.

        Kraken serves its newest 720 bars whatever is asked, so what lies before them is refused
        rather than left out; a bar that is missing in between is an outage and stays one.

        Args:
            rules: of the pair.
            interval_ns: one of Kraken's.
            since_ns: open of the first bar that is wanted, or a time before it.
            have_ns: open of the last bar that is here already; None when none is.

        Raises:
            InputError: no such interval; Kraken's window starts after the bars that are wanted.
            VenueError: a page repeats what was there, or as `pair_rules`.
        """
        minutes = interval_minutes(interval_ns)
        now_ns = self.server_time_ns()
        cursor_ns = since_ns - SECOND_NS if have_ns is None else have_ns
        # A bar that opens after the cursor can only have finished an interval later.
        while cursor_ns + interval_ns < now_ns:
            page = self._page(rules, minutes, cursor_ns)
            fresh = tuple(bar for bar in page if bar.ts_ns > cursor_ns)
            finished = tuple(bar for bar in fresh if bar.ts_ns + interval_ns <= now_ns)
            is_newest = len(finished) < len(fresh)
            _check_progress(page, fresh, cursor_ns)
            if not finished:
                return
            if is_newest and len(page) >= OHLC_WINDOW:
                _check_reaches(fresh[0].ts_ns, cursor_ns, interval_ns)
            yield finished
            cursor_ns = finished[-1].ts_ns
            if is_newest:
                return

    def newest_bar(self, rules: PairRules, interval_ns: int) -> Candle | None:
        """Return the running bar, or the last finished one; None when nothing was traded lately.

        Raises:
            InputError: no such interval.
            VenueError: as `pair_rules`.
        """
        after_ns = self.limiter.clock.now_ns() - 2 * interval_ns
        page = self._page(rules, interval_minutes(interval_ns), after_ns)
        return page[-1] if page else None

    def _page(self, rules: PairRules, minutes: int, after_ns: int) -> tuple[Candle, ...]:
        since = max(0, after_ns // SECOND_NS)
        query = {"pair": rules.altname, "interval": str(minutes), "since": str(since)}
        return read_ohlc(self._ask("OHLC", query), rules.key)

    def _ask(self, endpoint: str, query: Mapping[str, str]) -> Fields:
        """Ask up to four times: a read changes nothing, so it may be asked again."""
        for attempt in range(_TRIES - 1):
            try:
                return read_result(self._get(endpoint, query), endpoint)
            except AthenaError as error:
                if not error.retryable:
                    raise
            self.limiter.sleep((_FIRST_WAIT_NS << attempt) / SECOND_NS)
        return read_result(self._get(endpoint, query), endpoint)

    def _get(self, endpoint: str, query: Mapping[str, str]) -> HttpAnswer:
        clock = self.limiter.clock
        deadline_ns = clock.now_ns() + _PATIENCE_NS
        self.limiter.acquire(public_charges(), priority=Priority.READ, deadline_ns=deadline_ns)
        answer = self.transport.get(endpoint, query)
        until_ns = slow_down_until_ns(answer, clock.now_ns())
        if until_ns is not None:
            self.limiter.pause([CALLS], until_ns)
        return answer


def _check_progress(page: tuple[Candle, ...], fresh: tuple[Candle, ...], cursor_ns: int) -> None:
    """Refuse a page that only shows what was there: a reader that went on would never end."""
    if page and not fresh and page[0].ts_ns < cursor_ns:
        first, last = format_time(page[0].ts_ns), format_time(page[-1].ts_ns)
        message = f"expected bars after {format_time(cursor_ns)}, was {first} to {last} again"
        raise VenueError(message, hint="what was fetched is kept; try again later")


def _check_reaches(first_ns: int, cursor_ns: int, interval_ns: int) -> None:
    if first_ns - cursor_ns <= interval_ns:
        return
    first = format_time(first_ns)
    message = (
        f"expected bars after {format_time(cursor_ns)}, was from {first} on: "
        f"Kraken serves only its newest {OHLC_WINDOW}"
    )
    hint = (
        f"start later: --since {first}; for older bars download Kraken's OHLCVT files "
        "and run: athena data import FILE"
    )
    raise InputError(message, hint=hint)
