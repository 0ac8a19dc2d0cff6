"""The venue of paper mode: an exchange in this process, behind the wire of the simulation.

Everything happens at its own time on a heap; the loop lets the heap's clock follow the session's.
A machine that is too slow makes the session late, never wrong.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from athena.app.running._engine import TICK_NS
from athena.domain import MINUTE_NS, SECOND_NS
from athena.research.simulation import Client, Heap, Network
from athena.venues.exchange import Exchange
from athena.venues.faults import SWITCHED_FAULTS, ExchangeEvent, strike
from athena.venues.serving import ServedState, write_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from athena.app.running._ending import Ending
    from athena.app.running._engine import Engine
    from athena.venues import Call, Pause
    from athena.venues.exchange import ExchangeSettings, Listing
    from athena.venues.faults import FaultPlan
    from athena.venues.limits import CounterRule
    from athena.venues.serving import MarketTrade, ServedClock

ACCOUNT = "paper"
_KEEP_NS = 10 * MINUTE_NS  # the exchange's clock must not fall far behind the journal's
_FAST = 60.0  # from here on nobody watches single seconds: ticks are coarser
_SETTLE_NS = 90 * SECOND_NS  # beyond the minute after which books and account are compared
_CHUNK_S = 0.03  # then signals and operators are heard, and the journal is written
_PAUSE_S = 0.01
_PRIVATE = ('"executions"', '"balances"')


class TradeFeed(Protocol):
    """The market's trades; see `athena.venues.serving.Feed`."""

    @property
    def is_over(self) -> bool:
        """Tell whether no trade is left."""
        ...

    def take(self, until_ns: int) -> Iterator[tuple[int, MarketTrade]]:
        """Yield the trades up to a time, each with its own."""
        ...


class PushedTrades:
    """Trades that somebody puts in as they become known; they happen when they are taken."""

    is_over = False

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: deque[MarketTrade] = deque()

    def put(self, trade: MarketTrade) -> None:
        """Let the market trade next."""
        self._waiting.append(trade)

    def take(self, until_ns: int) -> Iterator[tuple[int, MarketTrade]]:
        """Yield the trades that were put in."""
        while self._waiting:
            yield until_ns, self._waiting.popleft()


class KeptExchange(Exchange):
    """An exchange that is on disk before anybody hears of what it did.

    A process that is killed takes its venue along; started again, the venue must not have
    forgotten what the session was told. What did not happen to the account need not be kept: the
    market's past is in its data.
    """

    __slots__ = ("_kept", "_kept_ns", "keep")

    keep: Callable[[Exchange], None]

    def __init__(
        self, listings: Sequence[Listing], settings: ExchangeSettings, *, now_ns: int
    ) -> None:
        """Open with empty books; see `Exchange`. Nothing is kept before `keep` is set."""
        super().__init__(listings, settings, now_ns=now_ns)
        self._kept: tuple[int, int] | None = None
        self._kept_ns = now_ns

    def private(self, key: str, endpoint: str, fields: Mapping[str, str]) -> bytes:
        """Answer an account's request; see `Exchange.private`."""
        body = super().private(key, endpoint, fields)
        self.keep_changes()
        return body

    def take_messages(self) -> list[tuple[int, str]]:
        """Return what there is to deliver; see `Exchange.take_messages`."""
        messages = super().take_messages()
        if any(name in text[:40] for _, text in messages for name in _PRIVATE):
            self.keep_changes()
        return messages

    def keep_changes(self) -> None:
        """Keep the exchange where something happened to the account, and now and then besides."""
        revision = self.revision(ACCOUNT)
        if revision != self._kept or self.now_ns - self._kept_ns >= _KEEP_NS:
            self.keep(self)
            self._kept, self._kept_ns = revision, self.now_ns


class LocalVenue:
    """An exchange, its market and the wire to it; they are `Wires` to an engine.

    Attributes:
        exchange: asked directly, it tells what is so without a wire.
        heap: of all that happens, the engine's ticks included.
    """

    def __init__(
        self,
        exchange: KeptExchange,
        feed: TradeFeed,
        plan: FaultPlan,
        rules: Mapping[str, CounterRule],
        clock: ServedClock,
    ) -> None:
        """Take over an exchange; connections of before are gone.

        What the market did since the exchange's clock happens now, before anybody is there.

        Args:
            exchange: of the account.
            feed: its market.
            plan: what goes wrong.
            rules: of the rate limit.
            clock: that time follows, from the exchange's on; a fast one makes ticks coarser.
        """
        self.exchange = exchange
        self._feed = feed
        for number in exchange.connections:
            exchange.disconnect(number)
        self._trade(max(clock.now_ns(), exchange.now_ns))
        exchange.take_messages()  # nobody is there to hear them
        exchange.keep_changes()
        self.heap = Heap(exchange.now_ns)
        self._plan = plan
        self._struck_ns = exchange.now_ns
        self._network = Network(
            heap=self.heap,
            exchange=exchange,
            plan=plan,
            rules=rules,
            key=ACCOUNT,
            reaches=_go_on,
            advance=self._advance,
        )
        self._client: Client | None = None
        self._engine: Engine | None = None
        self._clock = clock
        self._reached = clock.speed
        self._tick_ns = TICK_NS if clock.speed < _FAST else SECOND_NS
        for fault in SWITCHED_FAULTS:
            # What another plan left on would never be switched off.
            if not plan.is_on(fault, exchange.now_ns):
                strike(exchange, ExchangeEvent(exchange.now_ns, fault, is_on=False))

    @property
    def now_ns(self) -> int:
        """Return the time that everything lives in."""
        return self.heap.now_ns

    @property
    def is_over(self) -> bool:
        """Tell whether the market has ended."""
        return self._feed.is_over

    @property
    def speed_reached(self) -> float:
        """Return how many seconds of the heap's clock passed in one of the wall's, so far."""
        return self._reached

    async def run(self, engine: Engine, ending: Ending) -> None:
        """Let an engine trade until the end is asked for or the market ends, then wind down."""
        self._begin(engine)
        began_ns, began_s = self.now_ns, time.monotonic()
        while not ending.is_asked:
            is_in_time = self._run_until(min(self._clock.now_ns(), ending.last_ns))
            engine.flush()
            elapsed_s = max(time.monotonic() - began_s, _PAUSE_S)
            self._reached = (self.now_ns - began_ns) / SECOND_NS / elapsed_s
            if self.is_over:
                ending.ask("the market's data have ended")
            if ending.until_ns is not None and self.now_ns >= ending.until_ns:
                ending.ask("the duration is over")
            await asyncio.sleep(_PAUSE_S if is_in_time else 0)
        engine.wind_down(self.now_ns, ending.reason)
        # Nobody waits for the wall here: what is under way ends as fast as it can be computed.
        until_ns = self.now_ns + _SETTLE_NS
        while not engine.is_quiet and self.heap.step(until_ns):
            pass
        engine.flush()
        self._engine = self._client = None

    def _begin(self, engine: Engine) -> None:
        self._engine = engine
        self._client = Client(
            answered=lambda call, answer: engine.answered(call, answer, self.now_ns),
            opened=lambda: engine.stream_opened(self.now_ns),
            heard=lambda text: engine.heard(text, self.now_ns),
            lost=lambda reason: engine.stream_lost(reason, self.now_ns),
        )
        self._pulse()
        engine.begin(self.now_ns)
        self._tick()

    def _run_until(self, until_ns: int) -> bool:
        """Let everything happen that is due by a time; False when the wall's time ran out."""
        end_s = time.monotonic() + _CHUNK_S
        while self.heap.step(until_ns):
            if time.monotonic() > end_s:
                return False
        return True

    # --- wires ----------------------------------------------------------------------------------

    def send(self, call: Call) -> None:
        """Make a request as soon as the rate limit has room for it."""
        if self._client is not None:
            self._network.send(self._client, call)

    def say(self, text: str) -> None:
        """Say a text on the stream."""
        if self._client is not None:
            self._network.say(self._client, text)

    def want_stream(self, *, is_wanted: bool) -> None:
        """Open the stream, or close it."""
        if self._client is not None:
            self._network.want_stream(self._client, is_wanted=is_wanted)

    def pause(self, pause: Pause) -> None:
        """Hold a counter's requests back."""
        self._network.pause(pause.bucket, pause.until_ns)

    # --- time -----------------------------------------------------------------------------------

    def _pulse(self) -> None:
        self._advance()
        self._network.deliver()
        self.heap.after(self._tick_ns, self._pulse)

    def _tick(self) -> None:
        if self._engine is not None:
            self._engine.tick(self.now_ns)
            self.heap.after(self._tick_ns, self._tick)

    def _advance(self) -> None:
        """Bring the exchange to the present: trades, and faults of its own."""
        now_ns = self.heap.now_ns
        for event in self._plan.exchange_events(self._struck_ns, now_ns):
            self._trade(event.at_ns)
            strike(self.exchange, event)
        self._struck_ns = max(self._struck_ns, now_ns)
        self._trade(now_ns)

    def _trade(self, until_ns: int) -> None:
        for at_ns, trade in self._feed.take(until_ns):
            self.exchange.advance(max(at_ns, self.exchange.now_ns))
            self.exchange.trade(trade.symbol, trade.price, trade.quantity)
        self.exchange.advance(max(until_ns, self.exchange.now_ns))


def keeper(file: Path, market: str, origin_ns: int) -> Callable[[Exchange], None]:
    """Return what keeps an exchange in a file, with the market that it goes with."""

    def keep(exchange: Exchange) -> None:
        write_state(ServedState(exchange.save(), market, origin_ns), file)

    return keep


def _go_on(_endpoint: str, _fields: Mapping[str, str]) -> None:
    """Let every request reach the exchange."""
