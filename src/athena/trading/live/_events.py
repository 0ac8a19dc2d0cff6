"""What reaches a session from outside: evidence of a venue, prices, time, wishes, commands.

Numbers are the core's: ticks, lots, money units of 10^-8, UTC nanoseconds. An adapter converts
exactly or reports an error; nothing here is a guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from athena.domain import Liquidity, OrderState, OrderType, Side
    from athena.trading._intent import Intent
    from athena.trading._records import Command
    from athena.trading.algorithms import Plan

NOT_TRADED = -1  # the instrument of an order in something that the session does not trade


class Request(StrEnum):
    """What was asked of a venue about one order."""

    PLACE = "place"
    CANCEL = "cancel"
    AMEND = "amend"


class Result(StrEnum):
    """What is known of a request that was made.

    `unknown` is a time-out, a lost link, a 5xx or an answer that cannot be read: it may have been
    carried out. `not_sent` needs proof that nothing left.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class Dependency(StrEnum):
    """What a session leans on, and counts the failures of."""

    VENUE = "venue"
    DATA = "data"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Answered:
    """A venue's answer to a request about one order, or the lack of one.

    Attributes:
        client_id: of the order, 32 hex digits.
        venue_id: the venue's id of the order; empty when the answer does not say it.
        reason: why it was refused or is not known; empty when accepted.
        serial: of the amendment that is answered; 0 for another request.
    """

    request: Request
    client_id: str
    result: Result
    ts_ns: int
    venue_id: str = ""
    reason: str = ""
    serial: int = 0


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """One order, as the venue shows it in its stream or in an answer.

    Attributes:
        client_id: ours; empty when the order carries none.
        instrument: index in the session, NOT_TRADED when it is none of its instruments.
        type: None for a kind that we never send.
        state: open, triggered, partially_filled, filled, cancelled, expired or rejected.
        lots, filled_lots: of the order; 0 where its quantity is in quote currency, or not known.
        limit_ticks, trigger_ticks: 0 where the order has none.
        opened_ns, ts_ns: when it was placed, and of this news; the venue's clock.
        is_for_amount: its quantity is an amount of quote currency; only others place such orders.
    """

    venue_id: str
    client_id: str
    instrument: int
    side: Side
    type: OrderType | None
    state: OrderState
    lots: int
    filled_lots: int
    limit_ticks: int
    trigger_ticks: int
    opened_ns: int
    ts_ns: int
    reason: str = ""
    is_for_amount: bool = False


@dataclass(frozen=True, slots=True)
class FillSeen:
    """One fill, as the venue shows it; the same trade id twice is one fill.

    Attributes:
        trade_id: the venue's.
        client_id: of its order; empty when the venue did not say, or the order is not ours.
        fee_units: in quote money, >= 0; rounded up where the venue is finer.
        fee_lots: taken in coins besides, >= 0; rounded up where the venue is finer.
    """

    trade_id: str
    venue_id: str
    client_id: str
    instrument: int
    side: Side
    lots: int
    price_ticks: int
    fee_units: int
    liquidity: Liquidity
    ts_ns: int
    fee_lots: int = 0


@dataclass(frozen=True, slots=True)
class TransferSeen:
    """Money or coins that came or went without an order.

    Attributes:
        ledger_id: the venue's; the same id twice is one transfer.
        amount: signed, in `currency`, fee of the transfer included.
    """

    ledger_id: str
    currency: str
    amount: Decimal
    ts_ns: int


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """The whole account, read by one `QueryAccount`.

    Attributes:
        asked_ns: our clock when the first question left: what was sent before must show.
        venue_ns: the venue's clock at that time.
        since_ns: closed orders, fills and transfers reach back to here, the venue's clock.
        orders: every working order, and those that closed since.
        fills: since.
        transfers: since.
        balances: currency -> everything that the account holds of it, reserved parts included.
        is_complete: every page of every answer was read.
        reason: why it is not complete; empty when it is.
    """

    asked_ns: int
    venue_ns: int
    since_ns: int
    orders: tuple[OrderSeen, ...] = ()
    fills: tuple[FillSeen, ...] = ()
    transfers: tuple[TransferSeen, ...] = ()
    balances: Mapping[str, Decimal] = field(default_factory=dict)
    is_complete: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StreamChanged:
    """The venue's stream of our orders came up, or was lost with whatever it would have said."""

    is_up: bool
    ts_ns: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StreamAlive:
    """The venue's stream said something, if only that it is there."""

    ts_ns: int


@dataclass(frozen=True, slots=True)
class PriceSeen:
    """A price of the one feed that marks, protects and judges.

    Attributes:
        high, low: the extremes since the price before; `last` where nothing else is known.
    """

    instrument: int
    last: int
    high: int
    low: int
    ts_ns: int


@dataclass(frozen=True, slots=True)
class RiskSeen:
    """Risk inputs of one instrument, computed off the path on closed bars; 0 is unknown."""

    instrument: int
    atr: int
    atr_mean: int
    day_volume: int
    bar_volume: int
    volatility_ppm: int
    var_ppm: int
    move_ppm: int


@dataclass(frozen=True, slots=True)
class CorrelationSeen:
    """Correlation of the returns of two instruments, in ppm."""

    first: int
    second: int
    ppm: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed: our clock, and how far the venue's is ahead of it."""

    now_ns: int
    venue_ahead_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A strategy, the desk or a person wants an order.

    Attributes:
        strategy: its slot.
        correlation_id: of the decision, which links data, opinions, verdict, orders and fills.
    """

    strategy: int
    intent: Intent
    ts_ns: int
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Operated:
    """An operator's command, authenticated and with its reason.

    Attributes:
        argument, argument_2: as the core's command takes them.
        correlation_id: of the request; orders that the command leads to carry it.
    """

    command: Command
    ts_ns: int
    by: str
    reason: str
    argument: int = 0
    argument_2: int = 0
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class PlanStarted:
    """A person or the desk wants a plan carried out; the same id twice is one plan."""

    plan: Plan
    ts_ns: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlanStopped:
    """A plan, or a rebalance, is to ask for nothing more; its working order is cancelled."""

    plan_id: str
    ts_ns: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RebalanceAsked:
    """An admin wants a rebalance now, or the next one left out; both only ask the risk engine."""

    is_wanted: bool
    ts_ns: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class PurchaseAsked:
    """An admin wants what is pending for an asset of the bags bought now; `asset` counts them."""

    asset: int
    ts_ns: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class LimitChanged:
    """An operator's new value of a risk limit, within its ceiling."""

    name: str
    value: int
    ts_ns: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A dependency failed once more, or answered again."""

    dependency: Dependency
    has_failed: bool
    ts_ns: int
    reason: str = ""


Event = (
    Answered
    | OrderSeen
    | FillSeen
    | TransferSeen
    | AccountSeen
    | StreamChanged
    | StreamAlive
    | PriceSeen
    | RiskSeen
    | CorrelationSeen
    | Tick
    | Wanted
    | Operated
    | PlanStarted
    | PlanStopped
    | RebalanceAsked
    | PurchaseAsked
    | LimitChanged
    | Outage
)
