"""A session to drive by hand in tests: its journal in memory, its venue the test itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from athena.domain import Liquidity, OrderState, OrderType, Side
from athena.platform import SeededIds
from athena.platform.config import RiskConfig
from athena.research.engine._limits import instrument_limits, open_instrument_limits
from athena.trading import Intent, MemoryStore, StrategySlot
from athena.trading import layout as at
from athena.trading.live import (
    AccountSeen,
    Alert,
    AmendOrder,
    Answered,
    FillSeen,
    OrderSeen,
    PlaceOrder,
    PlanRules,
    PriceSeen,
    Request,
    Result,
    Session,
    SessionPlan,
    SessionSettings,
    StreamAlive,
    StreamChanged,
    Tick,
    Wanted,
    open_session,
    resume_session,
)
from tests.core_builder import BTC, MONEY, NOON, cheap_limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athena.domain import Instrument
    from athena.trading.live import Effect, Event

SECOND = 10**9
PRICE = 4_500_000  # ticks of 0.01
EffectT = TypeVar("EffectT")


@dataclass
class Desk:
    """A session, and what it asked for so far."""

    instruments: list[Instrument] = field(default_factory=lambda: [BTC])
    cash: Decimal = Decimal(100_000)
    is_open: bool = True
    settings: SessionSettings = field(default_factory=SessionSettings)
    strategies: list[StrategySlot] = field(default_factory=lambda: [StrategySlot("a")])
    rules: PlanRules = field(default_factory=PlanRules)
    coins_slot: int | None = None
    opening: AccountSeen | None = None
    store: MemoryStore = field(default_factory=MemoryStore)
    now_ns: int = NOON
    effects: list[Effect] = field(default_factory=list)
    session: Session = field(init=False)
    n_trades: int = 0

    def __post_init__(self) -> None:
        own = (
            [open_instrument_limits() for _ in self.instruments]
            if self.is_open
            else [instrument_limits(item, RiskConfig()) for item in self.instruments]
        )
        plan = SessionPlan(
            session_id=SeededIds(7).next_id(),
            mode="paper",
            instruments=self.instruments,
            instrument_limits=own,
            strategies=self.strategies,
            limits=cheap_limits(is_open=self.is_open),
            settings=self.settings,
            details={"versions": {}},
            rules=self.rules,
            coins_slot=self.coins_slot,
        )
        account = self.opening or self.account()
        prices = dict.fromkeys(range(len(self.instruments)), PRICE)
        self.session, effects = open_session(self.store, plan, account, prices, now_ns=self.now_ns)
        self.effects.extend(effects)
        self.tell(StreamChanged(is_up=True, ts_ns=self.now_ns))

    # --- what happens ---------------------------------------------------------------------------

    def tell(self, *events: Event) -> list[Effect]:
        """Hand events to the session and return what it wants done."""
        wanted = [effect for event in events for effect in self.session.handle(event, self.now_ns)]
        self.effects.extend(wanted)
        return wanted

    def wait(self, seconds: float, *, step_s: float = 0.5, price: int = PRICE) -> list[Effect]:
        """Let time pass, with the stream alive and a price."""
        wanted: list[Effect] = []
        end_ns = self.now_ns + round(seconds * SECOND)
        while self.now_ns < end_ns:
            self.now_ns = min(end_ns, self.now_ns + round(step_s * SECOND))
            wanted += self.tell(StreamAlive(self.now_ns))
            for k in range(len(self.instruments)):
                wanted += self.tell(PriceSeen(k, price, price, price, self.now_ns))
            wanted += self.tell(Tick(self.now_ns, venue_ahead_ns=0))
        return wanted

    def want(self, intent: Intent, strategy: int = 0) -> list[PlaceOrder]:
        """Want an order and return what is placed."""
        return only(PlaceOrder, self.tell(Wanted(strategy, intent, self.now_ns)))

    def answer(
        self, order: PlaceOrder, result: Result = Result.ACCEPTED, request: Request = Request.PLACE
    ) -> list[Effect]:
        """Answer a request about an order, the newest of its kind."""
        asked = [item for item in only(AmendOrder, self.effects) if item.number == order.number]
        serial = asked[-1].serial if request is Request.AMEND else 0
        return self.tell(
            Answered(
                request, order.client_id, result, self.now_ns, f"O{order.number}",
                reason="tested", serial=serial,
            )
        )  # fmt: skip

    def fill(self, order: PlaceOrder, lots: int, price: int = PRICE) -> list[Effect]:
        """Fill an order, as the stream shows it."""
        return self.tell(self.a_fill(order, lots, price))

    def a_fill(self, order: PlaceOrder, lots: int, price: int = PRICE) -> FillSeen:
        """Return a fill with a trade id of its own."""
        self.n_trades += 1
        return FillSeen(
            trade_id=f"T{self.n_trades}",
            venue_id=f"O{order.number}",
            client_id=order.client_id,
            instrument=order.instrument,
            side=order.side,
            lots=lots,
            price_ticks=price,
            fee_units=0,
            liquidity=Liquidity.TAKER,
            ts_ns=self.now_ns,
        )

    def shown(self, order: PlaceOrder, state: OrderState, filled: int = 0) -> OrderSeen:
        """Return an order as the venue shows it."""
        return OrderSeen(
            venue_id=f"O{order.number}",
            client_id=order.client_id,
            instrument=order.instrument,
            side=order.side,
            type=order.type,
            state=state,
            lots=order.lots,
            filled_lots=filled,
            limit_ticks=order.limit_ticks,
            trigger_ticks=order.trigger_ticks,
            opened_ns=self.now_ns,
            ts_ns=self.now_ns,
        )

    def account(
        self, orders: Iterable[OrderSeen] = (), fills: Iterable[FillSeen] = (), **changes: object
    ) -> AccountSeen:
        """Return a complete view whose balances are the books', unless changed."""
        view = AccountSeen(
            asked_ns=self.now_ns,
            venue_ns=self.now_ns,
            since_ns=0,
            orders=tuple(orders),
            fills=tuple(fills),
            balances=self.balances(),
        )
        return replace(view, **changes)  # type: ignore[arg-type] # fields of the view

    def balances(self) -> dict[str, Decimal]:
        """Return what the books say the account holds."""
        if not hasattr(self, "session"):
            return {self.instruments[0].quote: self.cash}
        core = self.session.core
        held = {
            item.base: item.lots_to_quantity(core.held_lots(k))
            for k, item in enumerate(self.instruments)
        }
        cash = Decimal(core.s.account[at.CASH]) / MONEY
        return {self.instruments[0].quote: cash, **held}

    def restart(self) -> None:
        """Kill the session and take it up again from what its journal holds."""
        self.session, _ = resume_session(self.store, self.settings, now_ns=self.now_ns)
        self.tell(StreamChanged(is_up=True, ts_ns=self.now_ns))

    # --- what is so -----------------------------------------------------------------------------

    def state_of(self, order: PlaceOrder) -> OrderState:
        """Return an order's state, live or closed."""
        s = self.session.core.s
        row = self.session.core.row_of(order.number)
        if row >= 0:
            return list(OrderState)[s.orders[row, at.STATE]]
        return list(OrderState)[s.closed[order.number % len(s.closed), at.STATE]]

    def held(self, instrument: int = 0) -> int:
        """Return the lots held in all."""
        return self.session.core.held_lots(instrument)

    def alerts(self) -> list[str]:
        """Return the codes of the alerts so far."""
        return [effect.code for effect in self.effects if isinstance(effect, Alert)]


def only(kind: type[EffectT], effects: Iterable[object]) -> list[EffectT]:
    """Return the effects of one kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


def buy(lots: int = 100_000_000, **changes: object) -> Intent:
    """Return an intent to buy at market, one bitcoin unless said otherwise."""
    return Intent(side=Side.BUY, lots=lots, **changes)  # type: ignore[arg-type] # its fields


def resting(lots: int = 100_000_000, limit: int = PRICE - 100) -> Intent:
    """Return an intent to buy below the market."""
    return buy(lots, type=OrderType.LIMIT, limit_ticks=limit)
