"""A session, the Kraken adapter and the local exchange on a clock that nobody waits for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import SECOND_NS, Instrument
from athena.research.simulation._heap import Heap
from athena.research.simulation._network import Client, Network
from athena.research.simulation._storage import CrashStore
from athena.trading import InstrumentLimits, StrategySlot
from athena.trading.live import (
    PlanRules,
    SessionPlan,
    SessionSettings,
    open_session,
    resume_session,
)
from athena.venues import Driver
from athena.venues.exchange import Exchange, ExchangeSettings, Listing
from athena.venues.faults import NO_FAULTS, FaultPlan, strike
from athena.venues.kraken import KrakenAdapter, Tier
from tests.core_builder import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.trading import Ints
    from athena.trading.live import AccountSeen, Alert, Effect, Event, Session
    from athena.venues import Call, CallFailed, HttpAnswer, Output

_TICK_NS = SECOND_NS
_TRADE_NS = 5 * SECOND_NS
_KEY = "account"
BTC_USD = Instrument(
    "BTC/USD", Decimal("0.1"), Decimal("0.00000001"), Decimal("0.0001"), Decimal("0.5")
)
XRP_USD = Instrument(
    "XRP/USD", Decimal("0.00001"), Decimal("0.00000001"), Decimal(2), Decimal("0.5")
)


@dataclass
class VirtualDesk:
    """One process, one venue; the market trades at `prices`, which a test may move.

    Attributes:
        prices: of the instruments, quote currency.
        alerts: what people were told, over all lives.
        placed: fields of every AddOrder that reached the exchange, in order.
    """

    limits: Ints
    balances: Mapping[str, Decimal]
    prices: list[Decimal]
    slots: list[StrategySlot]
    rules: PlanRules = field(default_factory=PlanRules)
    coins_slot: int | None = None
    instruments: tuple[Instrument, ...] = (BTC_USD, XRP_USD)
    trade_worth: Decimal = Decimal(10_000_000)
    faults: FaultPlan = NO_FAULTS
    wants_dead_man: bool = False
    needs_self_test: bool = False
    heap: Heap = field(default_factory=lambda: Heap(NOON))
    store: CrashStore = field(default_factory=CrashStore)
    driver: Driver | None = None
    alerts: list[Alert] = field(default_factory=list)
    placed: list[Mapping[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._struck_ns = NOON
        listings = [Listing(item) for item in self.instruments]
        settings = ExchangeSettings(seed=7, balances=self.balances, participation_frac=Decimal(1))
        self.exchange = Exchange(listings, settings, now_ns=NOON)
        self.network = Network(
            heap=self.heap,
            exchange=self.exchange,
            plan=self.faults,
            rules=self._adapter().counter_rules,
            key=_KEY,
            reaches=self._reaches,
            advance=self._advance,
        )
        self._client: Client | None = None
        self._trade()
        self.start()

    def _adapter(self) -> KrakenAdapter:
        return KrakenAdapter(
            self.instruments,
            tier=Tier.PRO,
            wants_dead_man=self.wants_dead_man,
            seed=self.heap.now_ns % 10**9,
        )

    # --- the venue ------------------------------------------------------------------------------

    def _advance(self) -> None:
        now_ns = self.heap.now_ns
        for event in self.faults.exchange_events(self._struck_ns, now_ns):
            self.exchange.advance(max(event.at_ns, self.exchange.now_ns))
            strike(self.exchange, event)
        self._struck_ns = now_ns
        self.exchange.advance(max(now_ns, self.exchange.now_ns))

    def _reaches(self, endpoint: str, fields: Mapping[str, str]) -> None:
        if endpoint == "AddOrder":
            self.placed.append(dict(fields))

    def _trade(self) -> None:
        self._advance()
        for item, price in zip(self.instruments, self.prices, strict=True):
            quantity = (self.trade_worth / price).quantize(item.lot)
            self.exchange.trade(item.symbol, price, quantity)
        self.network.deliver()
        self.heap.after(_TRADE_NS, self._trade)

    def ask_venue(self, endpoint: str) -> Any:
        return json.loads(self.exchange.private(_KEY, endpoint, {}))["result"]

    # --- the process ----------------------------------------------------------------------------

    @property
    def has_session(self) -> bool:
        return self.driver is not None and self.driver.session is not None

    @property
    def session(self) -> Session:
        assert self.driver is not None
        assert self.driver.session is not None
        return self.driver.session

    def start(self) -> None:
        """Start the process: a new session, or the one whose journal is there."""
        now_ns = self.heap.now_ns
        session = None
        if self.store.segments():
            session, _ = resume_session(self.store, SessionSettings(), now_ns=now_ns)
        self.driver = Driver(
            self._adapter(),
            len(self.instruments),
            session=session,
            opener=self._open,
            needs_self_test=self.needs_self_test,
        )
        self._client = client = Client(self._answered, self._opened, self._heard, self._lost)
        self._act(lambda driver: driver.begin(now_ns))
        self.heap.after(_TICK_NS, lambda: self._tick(client))

    def _open(
        self, account: AccountSeen, prices: Mapping[int, int], now_ns: int
    ) -> tuple[Session, list[Effect]]:
        plan = SessionPlan(
            session_id=f"{7:032x}",
            mode="paper",
            instruments=self.instruments,
            instrument_limits=[InstrumentLimits(50_000, 10**15) for _ in self.instruments],
            strategies=self.slots,
            limits=self.limits,
            settings=SessionSettings(),
            details={},
            rules=self.rules,
            coins_slot=self.coins_slot,
        )
        return open_session(self.store, plan, account, prices, now_ns=now_ns)

    def kill(self) -> None:
        """Kill the process; what was not synced is lost."""
        assert self._client is not None
        self.network.drop(self._client)
        self.driver = None
        self.store = self.store.after_crash(0)

    def tell(self, event: Event) -> None:
        """Tell the session something that does not come from the venue."""
        self._act(lambda driver: driver.tell(event, self.heap.now_ns))

    def _act(self, do: Callable[[Driver], Output]) -> None:
        client = self._client
        if self.driver is None or client is None:
            return
        output = do(self.driver)
        self.alerts += output.alerts
        for pause in output.pauses:
            self.network.pause(pause.bucket, pause.until_ns)
        for call in output.calls:
            self.network.send(client, call)
        for text in output.messages:
            self.network.say(client, text)
        if output.wants_stream is not None:
            self.network.want_stream(client, is_wanted=output.wants_stream)

    def _tick(self, life: Client) -> None:
        if life.is_alive:
            self._act(lambda driver: driver.tick(self.heap.now_ns))
            if self.has_session:  # so a kill loses up to a second of what was heard
                self.session.flush()
            self.heap.after(_TICK_NS, lambda: self._tick(life))

    def _answered(self, call: Call, answer: HttpAnswer | CallFailed) -> None:
        self._act(lambda driver: driver.answered(call, answer, self.heap.now_ns))

    def _opened(self) -> None:
        self._act(lambda driver: driver.stream_opened(self.heap.now_ns))

    def _heard(self, text: str) -> None:
        self._act(lambda driver: driver.heard(text, self.heap.now_ns))

    def _lost(self, reason: str) -> None:
        self._act(lambda driver: driver.stream_lost(reason, self.heap.now_ns))

    # --- time -----------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until_ns = self.heap.now_ns + round(seconds * SECOND_NS)
        while self.heap.step(until_ns):
            pass

    def run_until(self, is_so: Callable[[], bool], most_s: float) -> None:
        """Let time pass until something is so."""
        until_ns = self.heap.now_ns + round(most_s * SECOND_NS)
        while not is_so():
            assert self.heap.step(until_ns), "it did not come to be so in time"
