"""A desk, a venue and all that goes wrong between them, on a clock that nobody waits for."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import MINUTE_NS, SECOND_NS, Instrument
from athena.errors import MissingError, RefusedError
from athena.research.simulation._checks import Checks
from athena.research.simulation._heap import Heap
from athena.research.simulation._network import Client, Network
from athena.research.simulation._people import People
from athena.research.simulation._stage import ACCOUNT, START_NS
from athena.research.simulation._storage import CrashStore
from athena.trading import InstrumentLimits, StrategySlot
from athena.trading.live import (
    SessionPlan,
    SessionSettings,
    open_session,
    resume_session,
)
from athena.venues import Driver
from athena.venues.exchange import Exchange, ExchangeSettings, Listing
from athena.venues.faults import FaultPlan, strike
from athena.venues.kraken import KrakenAdapter, Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.trading import Ints
    from athena.trading.live import AccountSeen, Effect, Event, Session
    from athena.venues import Call, CallFailed, HttpAnswer, Output

INSTRUMENTS = (
    Instrument(
        "BTC/USD", Decimal("0.1"), Decimal("0.00000001"), Decimal("0.0001"), Decimal("0.5")
    ),
    Instrument("XRP/USD", Decimal("0.00001"), Decimal("0.00000001"), Decimal(2), Decimal("0.5")),
)
_PRICES = (Decimal(45_000), Decimal("0.6"))
_BALANCES = {"USD": Decimal(100_000)}
_TICK_NS = SECOND_NS
_TRADE_EVERY_NS = 2 * SECOND_NS
_STILL_NS = 10 * SECOND_NS
_DOWN_NS = 3 * SECOND_NS  # from a crash to the next life
_DISK_FREED_NS = 20 * SECOND_NS


class CrashKind(StrEnum):
    """Where in its work the process dies."""

    BEFORE_WRITE = "before_write"  # of bytes of the journal
    AFTER_WRITE = "after_write"  # when they are safe, before anything leaves
    AFTER_SEND = "after_send"  # of a request, before the next one
    AFTER_ACK = "after_ack"  # when an answer has been heard


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """The `index`-th time, from 0, that the process comes by such a place."""

    kind: CrashKind
    index: int


class _Killed(BaseException):
    """Unwind the process: it died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Say what a world is like.

    Attributes:
        seed: of everything random in it.
        plan: what goes wrong at the venue and on the wire.
        limits: risk limits.
        has_people: whether others act: a trader with random wishes, an operator, the venue's user.
        script: what happens besides, by seconds after the start.
        volatility_frac: of the market's step.
        crash_at: where the process dies once; None does not.
        faulty_ns, calm_ns: how long things go wrong, and how long they do not afterwards.
    """

    seed: int
    plan: FaultPlan
    limits: Ints
    has_people: bool = True
    script: tuple[tuple[float, Callable[[World], None]], ...] = ()
    volatility_frac: float = 0.0015
    crash_at: CrashPoint | None = None
    faulty_ns: int = 3 * MINUTE_NS
    calm_ns: int = 5 * MINUTE_NS


@dataclass
class World:
    """Everything there is in one simulation.

    Attributes:
        driver: of the life that is on; None while the process is down.
        store: its disk.
        n_crashes: how often the process died.
        passed: how often it came by each kind of place to die at.
    """

    scene: Scene
    heap: Heap = field(init=False)
    exchange: Exchange = field(init=False)
    network: Network = field(init=False)
    checks: Checks = field(init=False)
    people: People = field(init=False)
    store: CrashStore = field(init=False)
    seed: int = field(init=False)
    plan: FaultPlan = field(init=False)
    driver: Driver | None = None
    n_crashes: int = 0
    passed: dict[CrashKind, int] = field(init=False)

    def __post_init__(self) -> None:
        """Open the venue with a price of everything."""
        self.seed = self.scene.seed
        self.plan = self.scene.plan
        self.heap = Heap(START_NS)
        settings = ExchangeSettings(
            seed=self.scene.seed,
            balances=_BALANCES,
            participation_frac=Decimal("0.3"),
            half_spread_bps=Decimal(2),
        )
        listings = [Listing(instrument) for instrument in INSTRUMENTS]
        self.exchange = Exchange(listings, settings, now_ns=START_NS)
        self._random = np.random.default_rng(self.scene.seed)
        self._prices = list(_PRICES)
        for k in range(len(INSTRUMENTS)):
            self._trade(k)
        adapter = KrakenAdapter(INSTRUMENTS, tier=Tier.PRO, seed=self.scene.seed)
        self.network = Network(
            heap=self.heap,
            exchange=self.exchange,
            plan=self.scene.plan,
            rules=adapter.counter_rules,
            key=ACCOUNT,
            reaches=self._reaches,
            advance=self._advance,
        )
        self.passed = dict.fromkeys(CrashKind, 0)
        self.store = self._disk(CrashStore())
        self.checks = Checks(self)
        self.people = People(self)
        self._client: Client | None = None
        self._struck_ns = START_NS
        self._lives = 0
        self._is_market_still = False
        self._advance_market()
        self.start()

    # --- the venue ------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Bring the exchange to the present, and strike it with what is due."""
        now_ns = self.heap.now_ns
        for event in self.scene.plan.exchange_events(self._struck_ns, now_ns):
            self.exchange.advance(max(event.at_ns, self.exchange.now_ns))
            strike(self.exchange, event)
        self._struck_ns = max(self._struck_ns, now_ns)
        self.exchange.advance(max(now_ns, self.exchange.now_ns))

    def _advance_market(self) -> None:
        if self._is_market_still:
            return
        self._advance()
        for k in range(len(INSTRUMENTS)):
            self._trade(k)
        self.network.deliver()
        self.heap.after(_TRADE_EVERY_NS, self._advance_market)

    def _trade(self, k: int) -> None:
        """Let the market trade once: a random walk on the tick grid."""
        instrument = INSTRUMENTS[k]
        move = 1 + self.scene.volatility_frac * float(self._random.standard_normal())
        tick = instrument.tick
        price = max(tick, (self._prices[k] * Decimal(move) // tick) * tick)
        self._prices[k] = price
        worth = Decimal(int(self._random.integers(2_000, 60_000)))
        quantity = (worth / price).quantize(Decimal("0.00000001"))
        self.exchange.trade(instrument.symbol, price, quantity)

    def move_price(self, k: int, factor: Decimal) -> None:
        """Let the market jump, and trade there."""
        self._advance()
        self._prices[k] *= factor
        self._trade(k)
        self.network.deliver()

    def price(self, k: int) -> Decimal:
        """Return the market's price of an instrument."""
        return self._prices[k]

    def wished(self) -> None:
        """Take note that a wish was told."""
        self.checks.after_wish()

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Return what is traded."""
        return INSTRUMENTS

    def by_hand(self, fields: Mapping[str, str]) -> None:
        """Place an order at the venue past the desk, as the account's owner may."""
        self._advance()
        self.exchange.private(ACCOUNT, "AddOrder", fields)
        self.network.deliver()

    def _reaches(self, endpoint: str, fields: Mapping[str, str]) -> None:
        self.checks.request_reaches(endpoint, fields)

    # --- the process ----------------------------------------------------------------------------

    @property
    def session(self) -> Session | None:
        """Return the session of the life that is on."""
        return None if self.driver is None else self.driver.session

    def start(self) -> None:
        """Start the process: a new session, or the one whose journal is there."""
        now_ns = self.heap.now_ns
        session = None
        if self.store.segments():
            try:
                session, _ = resume_session(self.store, _SETTINGS, now_ns=now_ns)
            except RefusedError as refused:
                self.checks.refused_to_start(refused)
                return
        self._lives += 1
        adapter = KrakenAdapter(
            INSTRUMENTS, tier=Tier.PRO, seed=self.scene.seed * 1_000 + self._lives
        )
        self.driver = Driver(adapter, len(INSTRUMENTS), session=session, opener=self._open)
        self._client = Client(self._answered, self._opened, self._heard, self._lost)
        self.checks.started()
        self.act(lambda driver: driver.begin(now_ns))
        life = self._client
        self.heap.after(_TICK_NS, lambda: self._tick(life))

    def _open(
        self, account: AccountSeen, prices: Mapping[int, int], now_ns: int
    ) -> tuple[Session, list[Effect]]:
        if self.store.segments():
            # A journal without a session: the first life died early.
            self.store = self._disk(CrashStore())
        plan = SessionPlan(
            session_id=f"{self.scene.seed:032x}",
            mode="simulation",
            instruments=INSTRUMENTS,
            instrument_limits=[
                InstrumentLimits(max_stop_ppm=50_000, cap_lots=10**15) for _ in INSTRUMENTS
            ],
            strategies=[
                StrategySlot("one", share_ppm=500_000),
                StrategySlot("two", share_ppm=500_000),
            ],
            limits=self.scene.limits,
            settings=_SETTINGS,
            details={},
        )
        return open_session(self.store, plan, account, prices, now_ns=now_ns)

    def tell(self, event: Event) -> None:
        """Tell the session something that does not come from the venue."""
        self.act(lambda driver: driver.tell(event, self.heap.now_ns))

    def act(self, do: Callable[[Driver], Output]) -> None:
        """Let the process do one thing, and carry out what it wants."""
        client = self._client
        if self.driver is None or client is None or not client.is_alive:
            return
        try:
            output = do(self.driver)
        except MissingError:  # the disk is full: nothing may leave, the process ends
            self.crash(down_ns=_DISK_FREED_NS)
            return
        except _Killed:
            self.crash()
            return
        self.checks.after_step(output)
        for pause in output.pauses:
            self.network.pause(pause.bucket, pause.until_ns)
        for call in output.calls:
            self.network.send(client, call)
            if self._dies(CrashKind.AFTER_SEND):
                self.crash()
                return
        for text in output.messages:
            self.network.say(client, text)
        if output.wants_stream is not None:
            self.network.want_stream(client, is_wanted=output.wants_stream)

    def _disk(self, store: CrashStore) -> CrashStore:
        """Return a disk at which the process may die."""
        store.before_write = lambda: self._die(CrashKind.BEFORE_WRITE)
        store.after_sync = lambda: self._die(CrashKind.AFTER_WRITE)
        return store

    def _dies(self, kind: CrashKind) -> bool:
        """Count a place to die at, and tell whether this is the one."""
        index = self.passed[kind]
        self.passed[kind] += 1
        return self.scene.crash_at == CrashPoint(kind, index)

    def _die(self, kind: CrashKind) -> None:
        if self._dies(kind):
            raise _Killed

    def _tick(self, life: Client) -> None:
        if not life.is_alive:
            return
        self.act(lambda driver: driver.tick(self.heap.now_ns))
        self.people.maybe_crash()
        if life.is_alive:
            self.heap.after(_TICK_NS, lambda: self._tick(life))

    def _answered(self, call: Call, answer: HttpAnswer | CallFailed) -> None:
        self.act(lambda driver: driver.answered(call, answer, self.heap.now_ns))
        if self._dies(CrashKind.AFTER_ACK):
            self.crash()

    def _opened(self) -> None:
        self.act(lambda driver: driver.stream_opened(self.heap.now_ns))

    def _heard(self, text: str) -> None:
        self.act(lambda driver: driver.heard(text, self.heap.now_ns))

    def _lost(self, reason: str) -> None:
        self.act(lambda driver: driver.stream_lost(reason, self.heap.now_ns))

    def crash(self, *, torn_ppm: int = 0, down_ns: int = _DOWN_NS) -> None:
        """Kill the process; what was not synced is lost or torn."""
        if self.driver is None or self._client is None:
            return
        self.n_crashes += 1
        self.network.drop(self._client)
        self.driver = None
        self.store = self._disk(self.store.after_crash(torn_ppm))
        self.heap.after(down_ns, self.start)

    # --- the run --------------------------------------------------------------------------------

    def run(self) -> None:
        """Let things go wrong for a while, then let them settle."""
        if self.scene.has_people:
            self.people.begin()
        for at_s, act in self.scene.script:
            self.heap.at(START_NS + round(at_s * SECOND_NS), partial(act, self))
        self._run_until(START_NS + self.scene.faulty_ns)
        self.people.leave()
        self.store.is_full = False
        end_ns = START_NS + self.scene.faulty_ns + self.scene.calm_ns
        self._run_until(end_ns - _STILL_NS)
        self._is_market_still = True  # what it did last is on its way for a moment
        self._run_until(end_ns)

    def _run_until(self, until_ns: int) -> None:
        while self.heap.step(until_ns):
            pass


_SETTINGS = SessionSettings(snapshot_events=300)
