"""What strategies would do on an account that is assumed: judged by the core, sent nowhere.

The parts are those of paper and live: the host of the strategies, the session with its core and
risk engine. Only the account is made up, and every order is withdrawn as soon as it was judged, so
that each suggestion stands for itself: nobody has acted on the ones before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import (
    DAY_NS,
    Action,
    OrderState,
    Purpose,
    Side,
    format_decimal,
    format_time,
    from_money,
)
from athena.platform import derive_id
from athena.research.engine import strategy_slots
from athena.research.hosting import RiskFeed, StrategyHost
from athena.trading import Bar, MemoryStore
from athena.trading import layout as at
from athena.trading.live import (
    AccountSeen,
    OrderSeen,
    PlaceOrder,
    PriceSeen,
    SessionPlan,
    SessionSettings,
    StreamAlive,
    StreamChanged,
    Tick,
    Wanted,
    open_session,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from athena.domain import Bars, DenialCode, Instrument, RunMode
    from athena.research.hosting import Decision
    from athena.trading import InstrumentLimits, Intent, Ints, Strategy
    from athena.trading.live import Effect, Event, Session

_ID_DIGITS = 32
_NEVER_NS = 3_650 * DAY_NS  # the journal lives in memory and is thrown away: no snapshots
_CLOSING = frozenset({Purpose.EXIT, Purpose.PROTECT, Purpose.LIQUIDATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """Say for whom advice is given.

    Attributes:
        mode: `advise` or `dry-run`.
        strategies: (name, strategy), on one account; an instance serves one adviser.
        instruments, instrument_limits, limits: as the core takes them.
        cash: assumed to be all that the account holds, in quote currency, > 0.
        root: digest of strategies, parameters and data; the trace ids come from it.
    """

    mode: RunMode
    strategies: Sequence[tuple[str, Strategy]]
    instruments: Sequence[Instrument]
    instrument_limits: Sequence[InstrumentLimits]
    limits: Ints
    cash: Decimal
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What one strategy wants at a close, and what the risk engine makes of it.

    Attributes:
        closed_ns: close of the bar that it was decided on.
        wanted: base units asked for; None when an amount of money or the risk decides the size.
        quantity: base units suggested; 0 when it was refused.
        code: why it was refused; None when it was not.
        limit_price, stop_price, target_price: None where there is none.
        evidence: figures that it rests on; None where one is not known.
        trace_id: the same for the same strategy, parameters, data and bar.
        order: what would have been sent; None when it was refused.
    """

    closed_ns: int
    strategy: str
    symbol: str
    action: Action
    purpose: Purpose
    wanted: Decimal | None
    quantity: Decimal
    code: DenialCode | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    target_price: Decimal | None
    rationale: str
    evidence: Mapping[str, object]
    trace_id: str
    order: PlaceOrder | None

    def to_values(self) -> dict[str, object]:
        """Return it as JSON values, money as decimals."""
        order = self.order
        return {
            "time": format_time(self.closed_ns),
            "strategy": self.strategy,
            "symbol": self.symbol,
            "action": self.action.value,
            "purpose": self.purpose.value,
            "type": None if order is None else order.type.value,
            "wanted": self.wanted,
            "quantity": self.quantity,
            "code": None if self.code is None else self.code.value,
            "meaning": "" if self.code is None else self.code.meaning,
            "limit_price": self.limit_price,
            "stop_price": self.stop_price,
            "target_price": self.target_price,
            "rationale": self.rationale,
            "evidence": dict(self.evidence),
            "trace_id": self.trace_id,
        }


class Adviser:
    """Strategies beside an assumed account: shown each closed step, they make suggestions.

    Attributes:
        session: on the assumed account; its journal is in memory.
        store: of the journal.
    """

    def __init__(
        self, assumption: Assumption, history: Sequence[Bars], *, started_ns: int
    ) -> None:
        """Assume an account and put the strategies beside it.

        Args:
            assumption: for whom.
            history: one per instrument: closed bars before the first step; may be empty ones.
            started_ns: before the close of the first step.

        Raises:
            InputError: cash, instruments, strategies and history do not fit each other.
            StrategyError: a strategy raised.
        """
        self._assumption = assumption
        self._now_ns = started_ns
        self.store = MemoryStore()
        self.session = self._open()
        state = self.session.core.s
        self._host = StrategyHost(assumption.strategies, history, state)
        self._risk = RiskFeed(history)

    def _open(self) -> Session:
        assumption, now_ns = self._assumption, self._now_ns
        plan = SessionPlan(
            session_id=derive_id(assumption.root, "advice", 0)[:_ID_DIGITS],
            mode=assumption.mode.value,
            # As paper and live do: whatever a venue lends, a sale never goes beyond the holding.
            instruments=[replace(item, is_margin=False) for item in assumption.instruments],
            instrument_limits=assumption.instrument_limits,
            strategies=strategy_slots(assumption.strategies),
            limits=assumption.limits,
            settings=SessionSettings(snapshot_events=_NEVER_NS, snapshot_every_ns=_NEVER_NS),
            details={"account": "assumed"},
        )
        account = AccountSeen(
            asked_ns=now_ns,
            venue_ns=now_ns,
            since_ns=0,
            balances={assumption.instruments[0].quote: assumption.cash},
        )
        session, _ = open_session(self.store, plan, account, {}, now_ns=now_ns)
        session.handle(StreamChanged(is_up=True, ts_ns=now_ns), now_ns)
        return session

    def on_bars(self, close_ns: int, bars: Mapping[int, Bar]) -> list[Suggestion]:
        """Take the bars of one closed step and return what is wanted at its close.

        Raises:
            InputError: the step is not after the last one.
            StrategyError: a strategy raised; names it and the bar.
        """
        self._now_ns = close_ns
        for k, bar in bars.items():
            self._tell(PriceSeen(k, bar.close, bar.high, bar.low, close_ns))
        for seen in self._risk.on_bars(close_ns, bars):
            self._tell(seen)
        self._tell(StreamAlive(close_ns))
        self._tell(Tick(close_ns, venue_ahead_ns=0))
        return [
            self._judged(decision, number, intent)
            for decision in self._host.on_bars(close_ns, bars)
            for number, intent in enumerate(_intents(decision))
        ]

    def _tell(self, event: Event) -> list[Effect]:
        return self.session.handle(event, self._now_ns)

    def _judged(self, decision: Decision, number: int, intent: Intent) -> Suggestion:
        """Let the risk engine judge an intent, and withdraw what it would send."""
        parent = f"{self._assumption.root}/{decision.name}/{decision.close_ns}"
        trace_id = derive_id(parent, "suggestion", number)[:_ID_DIGITS]
        effects = self._tell(Wanted(decision.slot, intent, self._now_ns, trace_id))
        orders = [effect for effect in effects if isinstance(effect, PlaceOrder)]
        suggestion = self._suggestion(decision, intent, trace_id, orders)
        for order in orders:
            self._tell(_withdrawn(order, self._now_ns))
        return suggestion

    def _suggestion(
        self, decision: Decision, intent: Intent, trace_id: str, orders: Sequence[PlaceOrder]
    ) -> Suggestion:
        instrument = self._assumption.instruments[intent.instrument]
        verdict = self.session.core.s.verdict
        _, code = self.session.last_verdict
        lots = 0 if code is not None else verdict[at.APPROVED]
        stop = intent.stop_ticks if code is not None else verdict[at.APPROVED_STOP]
        wanted = instrument.lots_to_quantity(intent.lots) if intent.lots else None
        quantity = instrument.lots_to_quantity(lots)
        return Suggestion(
            closed_ns=decision.close_ns,
            strategy=decision.name,
            symbol=instrument.symbol,
            action=_action(intent),
            purpose=intent.purpose,
            wanted=wanted,
            quantity=quantity,
            code=code,
            limit_price=_price(instrument, intent.limit_ticks),
            stop_price=_price(instrument, stop),
            target_price=_price(instrument, intent.target_ticks),
            rationale=_rationale(decision.name, intent, instrument, wanted, quantity, code),
            evidence=self._evidence(intent, instrument),
            trace_id=trace_id,
            order=orders[0] if orders else None,
        )

    def _evidence(self, intent: Intent, instrument: Instrument) -> dict[str, object]:
        s = self.session.core.s
        row = intent.instrument

        def known(column: int) -> int | None:
            return s.instruments[row, column] or None

        atr, volume, volatility = known(at.ATR), known(at.DAY_VOLUME), known(at.VOLATILITY_PPM)
        last_ns = s.instruments[row, at.LAST_NS]
        return {
            "price": _price(instrument, s.instruments[row, at.LAST]),
            "priced_at": format_time(last_ns) if last_ns else None,
            "atr": None if atr is None else _price(instrument, atr),
            "mean_daily_volume": None if volume is None else instrument.lots_to_quantity(volume),
            "volatility_frac": None if volatility is None else volatility / at.PPM,
            "confidence": intent.confidence_ppm / at.PPM,
            "regime": intent.regime.value,
            "assumed_equity": from_money(s.account[at.EQUITY]),
        }


def closed_steps(bars: Sequence[Bars], since_ns: int) -> Iterator[tuple[int, dict[int, Bar]]]:
    """Yield close and bars of each step that opens at a time or after it, oldest first.

    Args:
        bars: one per instrument, of one interval.
        since_ns: UTC nanoseconds.
    """
    firsts = [int(np.searchsorted(item.ts_ns, since_ns)) for item in bars]
    times = [item.ts_ns[first:] for item, first in zip(bars, firsts, strict=True)]
    for ts_ns in np.unique(np.concatenate(times)).tolist():
        found = {}
        for k, item in enumerate(bars):
            row = int(np.searchsorted(item.ts_ns, ts_ns))
            if row < len(item) and item.ts_ns[row] == ts_ns:
                found[k] = Bar(*(int(column[row]) for column in item.columns()[1:]))
        yield ts_ns + bars[0].interval_ns, found


def _intents(decision: Decision) -> tuple[Intent, ...]:
    if decision.error is not None:
        raise decision.error
    return decision.keyed()


def _withdrawn(order: PlaceOrder, now_ns: int) -> OrderSeen:
    return OrderSeen(
        venue_id="",
        client_id=order.client_id,
        instrument=order.instrument,
        side=order.side,
        type=order.type,
        state=OrderState.CANCELLED,
        lots=order.lots,
        filled_lots=0,
        limit_ticks=order.limit_ticks,
        trigger_ticks=order.trigger_ticks,
        opened_ns=now_ns,
        ts_ns=now_ns,
        reason="a suggestion",
    )


def _action(intent: Intent) -> Action:
    if intent.purpose in _CLOSING:
        return Action.CLOSE_LONG if intent.side is Side.SELL else Action.CLOSE_SHORT
    return Action.BUY if intent.side is Side.BUY else Action.SELL


def _price(instrument: Instrument, ticks: int) -> Decimal | None:
    return instrument.ticks_to_price(ticks) if ticks else None


def _rationale(  # noqa: PLR0913, PLR0917 - what there is to say
    strategy: str,
    intent: Intent,
    instrument: Instrument,
    wanted: Decimal | None,
    quantity: Decimal,
    code: DenialCode | None,
) -> str:
    """Say in words what is wanted and what the risk engine says."""
    size = "a size that the risk decides"
    if wanted is not None:
        size = f"{format_decimal(wanted)} {instrument.base}"
    elif intent.quote_amount:
        size = f"{format_decimal(from_money(intent.quote_amount))} {instrument.quote}"
    kind = intent.type.value.replace("_", " ")
    asked = f"{strategy} wants {intent.purpose.value}: {intent.side.value} {size} by {kind} order"
    if code is not None:
        return f"{asked}; the risk engine refuses, {code.value}: {code.meaning}"
    given = f"{format_decimal(quantity)} {instrument.base}"
    shrunk = wanted is not None and quantity < wanted
    return f"{asked}; the risk engine {'allows only' if shrunk else 'agrees to'} {given}"
