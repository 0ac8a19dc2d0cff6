"""A session and a venue without a wire: a realistic mix of events, made once, told again often.

A session is deterministic, so that what one session was told while it traded can be told to a
second one of the same id, which then does the same: only `Session.handle` is timed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import (
    MINUTE_NS,
    SECOND_NS,
    Instrument,
    Liquidity,
    OrderState,
    OrderType,
    Purpose,
    Side,
    from_money,
)
from athena.platform import SeededIds
from athena.platform.config import CostsConfig
from athena.research import open_instrument_limits, open_limits
from athena.trading import Intent, StrategySlot
from athena.trading import layout as at
from athena.trading.live import (
    AccountSeen,
    AmendOrder,
    Answered,
    CancelOrder,
    FillSeen,
    OrderSeen,
    PlaceOrder,
    PriceSeen,
    QueryAccount,
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
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from athena.trading import JournalStore
    from athena.trading.live import Effect, Event

START_NS = 1_700_049_600 * SECOND_NS  # 2023-11-15, 12:00 UTC
PRICE = 4_500_000  # ticks of 0.01
CASH = Decimal(100_000_000)
N_STRATEGIES = 2
_BASES = ("BTC", "ETH", "SOL", "XRP")
_TICK_NS = SECOND_NS // 4  # as often as a live session hears of time
_PRICES_PER_NEWS = 2  # 60 % of all events are prices, 30 % news of orders
_NEWS_PER_TICK = 6
_MOVE = 0.0002

INSTRUMENTS = tuple(
    Instrument(f"{base}/USD", Decimal("0.01"), Decimal("0.00000001"), Decimal("0.0001"))
    for base in _BASES
)
SETTINGS = SessionSettings(snapshot_every_ns=MINUTE_NS * 60 * 24 * 365)  # by events only

Told = tuple["Event", int]


def plan_of() -> SessionPlan:
    """Return the session that is measured: four pairs, two strategies, limits that refuse nothing.

    Every check of the risk engine is made all the same.
    """
    return SessionPlan(
        session_id=SeededIds(1).next_id(),
        mode="paper",
        instruments=INSTRUMENTS,
        instrument_limits=[open_instrument_limits() for _ in INSTRUMENTS],
        strategies=[StrategySlot(f"s{k}") for k in range(N_STRATEGIES)],
        limits=open_limits(CostsConfig()),
        settings=SETTINGS,
        details={},
    )


def new_session(store: JournalStore) -> tuple[Session, list[Effect]]:
    """Open it on an account that holds nothing but money."""
    account = AccountSeen(START_NS, START_NS, 0, balances={"USD": CASH})
    prices = dict.fromkeys(range(len(INSTRUMENTS)), PRICE)
    return open_session(store, plan_of(), account, prices, now_ns=START_NS)


@dataclass
class Desk:
    """Trade, and write down all that a session is told.

    Attributes:
        session: that trades.
        now_ns: the time of what happens now.
        n_wanted, n_trades: wishes and fills so far.
    """

    store: JournalStore
    session: Session = field(init=False)
    now_ns: int = START_NS
    n_wanted: int = 0
    n_trades: int = 0

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(1)
        self._news: deque[Event] = deque()
        self._working: dict[str, OrderSeen] = {}
        self._prices = [PRICE] * len(INSTRUMENTS)
        self._told: list[Told] = []
        self.session, effects = new_session(self.store)
        self._follow(effects)
        self._tell(StreamChanged(is_up=True, ts_ns=self.now_ns))

    def trade(self) -> Iterator[Told]:
        """Yield what the session is told, without end: 12 prices, 6 pieces of news, a tick."""
        yield from self._taken()
        while True:
            self.now_ns += _TICK_NS
            self._tell(StreamAlive(self.now_ns))
            self._tell(Tick(self.now_ns, venue_ahead_ns=0))
            for _ in range(_NEWS_PER_TICK):
                if not self._news:
                    self._want()
                if self._news:
                    self._tell(self._news.popleft())
                for _ in range(_PRICES_PER_NEWS):
                    self._price()
            yield from self._taken()

    # --- what happens ---------------------------------------------------------------------------

    def _taken(self) -> list[Told]:
        told, self._told = self._told, []
        return told

    def _tell(self, event: Event) -> None:
        self._told.append((event, self.now_ns))
        self._follow(self.session.handle(event, self.now_ns))

    def _price(self) -> None:
        k = int(self._random.integers(len(INSTRUMENTS)))
        move = 1 + _MOVE * float(self._random.standard_normal())
        last = self._prices[k] = round(self._prices[k] * move)
        self._tell(PriceSeen(k, last, last, last, self.now_ns))

    def _want(self) -> None:
        """Enter where nothing is held, with stop and target; leave where something is.

        Before it comes a wish that is denied after all checks: too small for the venue.
        """
        slot, k = divmod(self.n_wanted % (N_STRATEGIES * len(INSTRUMENTS)), len(INSTRUMENTS))
        self.n_wanted += 1
        small = Intent(side=Side.BUY, lots=1, instrument=k, stop_ticks=self._prices[k] * 9 // 10)
        self._tell(Wanted(slot, small, self.now_ns))
        held = self.session.core.s.positions[slot * len(INSTRUMENTS) + k, at.QUANTITY]
        price = self._prices[k]
        if held > 0:
            intent = Intent(side=Side.SELL, lots=held, instrument=k, purpose=Purpose.EXIT)
        else:
            lots = int(self._random.integers(1_000_000, 10_000_000))
            intent = Intent(
                side=Side.BUY,
                lots=lots,
                instrument=k,
                stop_ticks=price * 9 // 10,
                target_ticks=price * 11 // 10,
            )
        self._tell(Wanted(slot, intent, self.now_ns))

    # --- the venue ------------------------------------------------------------------------------

    def _follow(self, effects: Iterable[Effect]) -> None:
        """Do as a venue does that never fails: accept, fill at market, cancel, amend, show."""
        for effect in effects:
            if isinstance(effect, PlaceOrder):
                self._place(effect)
            elif isinstance(effect, CancelOrder):
                self._end(effect, OrderState.CANCELLED)
            elif isinstance(effect, AmendOrder):
                self._amend(effect)
            elif isinstance(effect, QueryAccount):
                self._news.append(self._view())

    def _place(self, order: PlaceOrder) -> None:
        shown = OrderSeen(
            venue_id=f"O{order.number}",
            client_id=order.client_id,
            instrument=order.instrument,
            side=order.side,
            type=order.type,
            state=OrderState.OPEN,
            lots=order.lots,
            filled_lots=0,
            limit_ticks=order.limit_ticks,
            trigger_ticks=order.trigger_ticks,
            opened_ns=self.now_ns,
            ts_ns=self.now_ns,
        )
        self._working[order.client_id] = shown
        self._news += (self._answer(Request.PLACE, order.client_id), shown)
        if order.type is OrderType.MARKET:
            self._fill(order, order.lots // 2)
            self._fill(order, order.lots - order.lots // 2)
            self._end(order, OrderState.FILLED)

    def _fill(self, order: PlaceOrder, lots: int) -> None:
        self.n_trades += 1
        self._news.append(
            FillSeen(
                trade_id=f"T{self.n_trades}",
                venue_id=f"O{order.number}",
                client_id=order.client_id,
                instrument=order.instrument,
                side=order.side,
                lots=lots,
                price_ticks=self._prices[order.instrument],
                fee_units=1_000_000,
                liquidity=Liquidity.TAKER,
                ts_ns=self.now_ns,
            )
        )

    def _end(self, order: PlaceOrder | CancelOrder, state: OrderState) -> None:
        shown = self._working.pop(order.client_id, None)
        if shown is None:
            return
        filled = shown.lots if state is OrderState.FILLED else 0
        if isinstance(order, CancelOrder):
            self._news.append(self._answer(Request.CANCEL, order.client_id))
        self._news.append(replace(shown, state=state, filled_lots=filled, ts_ns=self.now_ns))

    def _amend(self, order: AmendOrder) -> None:
        shown = self._working.get(order.client_id)
        if shown is None:
            return
        trigger = order.trigger_ticks or shown.trigger_ticks
        shown = replace(shown, lots=order.lots, trigger_ticks=trigger, ts_ns=self.now_ns)
        self._working[order.client_id] = shown
        self._news += (self._answer(Request.AMEND, order.client_id), shown)

    def _answer(self, request: Request, client_id: str) -> Answered:
        return Answered(request, client_id, Result.ACCEPTED, self.now_ns)

    def _view(self) -> AccountSeen:
        """Return a view that agrees with the books; what has not been told yet is not in it."""
        core = self.session.core
        held = {
            item.base: item.lots_to_quantity(core.held_lots(k))
            for k, item in enumerate(INSTRUMENTS)
        }
        balances = {"USD": from_money(core.s.account[at.CASH]), **held}
        told = {event.client_id for event in self._news if isinstance(event, OrderSeen | Answered)}
        orders = tuple(item for key, item in self._working.items() if key not in told)
        return AccountSeen(self.now_ns, self.now_ns, self.now_ns, orders=orders, balances=balances)


def told_of(store: JournalStore, n_events: int) -> list[Told]:
    """Return the first events that a session is told."""
    found: list[Told] = []
    for told in Desk(store).trade():
        found.append(told)
        if len(found) == n_events:
            break
    return found
