"""A desk, a venue and all that goes wrong between them, on a clock that nobody waits for."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import SECOND_NS, Instrument
from athena.errors import MissingError, RefusedError
from athena.research.simulation._checks import Checks
from athena.research.simulation._heap import Heap
from athena.research.simulation._network import Client, Network
from athena.research.simulation._people import People
from athena.research.simulation._protection import LOOK_EVERY_NS
from athena.research.simulation._rules import CORE, plan_rules, slots
from athena.research.simulation._scene import CrashKind, CrashPoint, Scene
from athena.research.simulation._stage import ACCOUNT, START_NS
from athena.research.simulation._storage import CrashStore
from athena.trading import InstrumentLimits
from athena.trading.live import (
    SessionPlan,
    SessionSettings,
    open_session,
    resume_session,
)
from athena.venues import Driver
from athena.venues.exchange import Exchange, ExchangeSettings, Listing
from athena.venues.faults import Fault, FaultPlan, strike
from athena.venues.kraken import KrakenAdapter, Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.trading.live import AccountSeen, Effect, Event, Session
    from athena.venues import Call, CallFailed, HttpAnswer, Output

INSTRUMENTS = (
    Instrument(
        "BTC/USD", Decimal("0.1"), Decimal("0.00000001"), Decimal("0.0001"), Decimal("0.5")
    ),
    Instrument("XRP/USD", Decimal("0.00001"), Decimal("0.00000001"), Decimal(2), Decimal("0.5")),
)
_PRICES = (Decimal(45_000), Decimal("0.6"))
_TICK_NS = SECOND_NS
_TRADE_EVERY_NS = 2 * SECOND_NS
_STILL_NS = 10 * SECOND_NS
_DOWN_NS = 3 * SECOND_NS  # from a crash to the next life
_DISK_FREED_NS = 20 * SECOND_NS


class _Killed(BaseException):
    """Unwind the process: it died."""


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
    core_slot: int = CORE
    driver: Driver | None = None
    guarded: frozenset[int] = frozenset({0, 1})
    opened_ns: int = 0
    n_crashes: int = 0
    passed: dict[CrashKind, int] = field(init=False)

    def __post_init__(self) -> None:
        """Open the venue with a price of everything."""
        self.seed = self.scene.seed
        self.plan = self.scene.plan
        self.heap = Heap(START_NS)
        settings = ExchangeSettings(
            seed=self.scene.seed,
            balances=self.scene.balances,
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
            leaves=self._leaves,
            clock=lambda: self.clock_ns,
        )
        self.passed = dict.fromkeys(CrashKind, 0)
        self.store = self._disk(CrashStore())
        self.checks = Checks(self)
        self.people = People(self)
        self._client: Client | None = None
        self._struck_ns = START_NS
        self._lives = 0
        self._farthest_ns = 0
        self._off_ns = 0
        self._is_market_still = False
        self._advance_market()
        self.heap.after(LOOK_EVERY_NS // 2, self._look)
        self.start()

    # --- the venue ------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Bring the exchange to the present, and strike it with what is due."""
        now_ns = self.heap.now_ns
        for event in self.scene.plan.exchange_events(self._struck_ns, now_ns):
            self.exchange.advance(max(event.at_ns, self.exchange.now_ns))
            strike(self.exchange, event)
            self.network.trouble(now_ns)
            if event.fault is Fault.CLOCK_JUMP:
                self._farthest_ns = max(self._farthest_ns, event.amount)
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

    def troubled_ns(self) -> int:
        """Return until when the line between desk and venue was not whole; now, if it is not."""
        if self.driver is None or not self.network.is_whole(self._client):
            self.network.trouble(self.heap.now_ns)
        return self.network.troubled_ns

    def latest_venue_ns(self) -> int:
        """Return the latest time that the venue's clock may have shown."""
        return self.heap.now_ns + self._farthest_ns

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Return what is traded."""
        return INSTRUMENTS

    def by_hand(self, fields: Mapping[str, str], *, endpoint: str = "AddOrder") -> None:
        """Ask the venue for something past the desk, as the account's owner may."""
        self._advance()
        self.exchange.private(ACCOUNT, endpoint, fields)
        self.network.deliver()

    def _leaves(self, call: Call) -> None:
        self.checks.request_leaves(call)

    def _look(self) -> None:
        """Let the checks look at what works at the venue, now and every second."""
        self.checks.look()
        self.heap.after(LOOK_EVERY_NS, self._look)

    def _reaches(self, endpoint: str, fields: Mapping[str, str]) -> None:
        self.checks.request_reaches(endpoint, fields)

    # --- the process ----------------------------------------------------------------------------

    @property
    def clock_ns(self) -> int:
        """Return what the process takes for the time."""
        return self.heap.now_ns + self._off_ns

    def set_clock(self, off_ns: int) -> None:
        """Set the clock of the process's machine off true time."""
        self.network.trouble(self.heap.now_ns + abs(off_ns - self._off_ns))
        self._off_ns = off_ns

    @property
    def session(self) -> Session | None:
        """Return the session of the life that is on."""
        return None if self.driver is None else self.driver.session

    def start(self) -> None:
        """Start the process: a new session, or the one whose journal is there."""
        now_ns = self.clock_ns
        session = None
        if self.store.segments():
            try:
                session, _ = resume_session(self.store, _SETTINGS, now_ns=now_ns)
            except RefusedError as refused:
                self.checks.refused_to_start(refused)
                return
            except MissingError:  # the disk is full still: it is started again once there is room
                self.n_crashes += 1
                self.store = self._disk(self.store.after_crash(0))
                self.heap.after(_DISK_FREED_NS, self.start)
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
        self.opened_ns = account.venue_ns
        plan = SessionPlan(
            session_id=f"{self.scene.seed:032x}",
            mode="simulation",
            instruments=INSTRUMENTS,
            instrument_limits=[
                InstrumentLimits(max_stop_ppm=50_000, cap_lots=10**15) for _ in INSTRUMENTS
            ],
            strategies=slots(has_plans=self.scene.has_plans),
            limits=self.scene.limits,
            settings=_SETTINGS,
            details={},
            rules=plan_rules(has_plans=self.scene.has_plans),
        )
        return open_session(self.store, plan, account, prices, now_ns=now_ns)

    def tell(self, event: Event) -> None:
        """Tell the session something that does not come from the venue."""
        life = self._client
        self.act(lambda driver: driver.tell(event, self.clock_ns))
        if life is not None and life.is_alive:
            self.checks.told(event)

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
        self.act(lambda driver: driver.tick(self.clock_ns))
        self.people.maybe_crash()
        if life.is_alive:
            self.heap.after(_TICK_NS, lambda: self._tick(life))

    def _answered(self, call: Call, answer: HttpAnswer | CallFailed) -> None:
        self.checks.answered(call, answer)
        self.act(lambda driver: driver.answered(call, answer, self.clock_ns))
        if self._dies(CrashKind.AFTER_ACK):
            self.crash()

    def _opened(self) -> None:
        self.act(lambda driver: driver.stream_opened(self.clock_ns))

    def _heard(self, text: str) -> None:
        self.act(lambda driver: driver.heard(text, self.clock_ns))

    def _lost(self, reason: str) -> None:
        self.act(lambda driver: driver.stream_lost(reason, self.clock_ns))

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
        self._off_ns = 0
        end_ns = START_NS + self.scene.faulty_ns + self.scene.calm_ns
        self._run_until(end_ns - 3 * _STILL_NS)
        if self.session is not None:
            self.session.carries_on = False
        self._run_until(end_ns - _STILL_NS)
        self._is_market_still = True  # what it did last is on its way for a moment
        self._run_until(end_ns)

    def _run_until(self, until_ns: int) -> None:
        while self.heap.step(until_ns):
            pass


_SETTINGS = SessionSettings(snapshot_events=300)
