"""WebSocket v2 messages: executions, balances, ticker and instrument; the book is a module."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import Liquidity, OrderState
from athena.venues.kraken._fields import Fields, malformed
from athena.venues.kraken._json import parse_json
from athena.venues.kraken._names import our_currency
from athena.venues.kraken._orders import ALL_TYPES, SIDES
from athena.venues.kraken._trades import TradeReport, check_fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.domain import OrderType, Side

_MAX_DECIMALS = 18
_STATES: Mapping[str, OrderState] = {
    "pending_new": OrderState.OPEN,  # the venue has it, the book not yet
    "new": OrderState.OPEN,
    "partially_filled": OrderState.PARTIALLY_FILLED,
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
    "expired": OrderState.EXPIRED,
}
_LIQUIDITY: Mapping[str, Liquidity] = {"m": Liquidity.MAKER, "t": Liquidity.TAKER}
_TRADE = "trade"
_EVENTS: Mapping[str, str] = {
    name: name
    for name in (
        "pending_new", "new", _TRADE, "filled", "canceled", "expired", "amended", "restated",
        "status", "iceberg_refill",
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """One message of a channel.

    Attributes:
        channel: such as `executions`.
        is_snapshot: the state as it is; else a change of it.
        sequence: the channel's counter, from 1, or None where it has none. A step other than one
            means that messages were lost.
        data: what it carries.
    """

    channel: str
    is_snapshot: bool
    sequence: int | None
    data: tuple[Fields, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to something that was said on the stream.

    Attributes:
        method: such as `subscribe`.
        channel: that it is about, or empty.
        is_success: it was done.
        error: why not, or empty.
    """

    method: str
    channel: str
    is_success: bool
    error: str


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """What the venue says of itself; `online` is the one that trades."""

    system: str


@dataclass(frozen=True, slots=True)
class Execution:
    """One event of an order.

    The state is the order's *after* the event. Kraken calls an order `partially_filled` in the
    trade that completes it and sends `filled` next, so the state of a trade is a lower bound.

    Attributes:
        order_id: Kraken's.
        client_id: ours, or None where the event does not carry it.
        event: `new`, `trade`, `canceled`, `amended`, ...
        state: see above.
        symbol, side, quantity: of the order, or None where the event does not carry them.
        type: None where the event does not carry it, or for a kind that we never send.
        limit_price, trigger_price: as the order has them now, or None.
        is_triggered: its trigger was reached.
        filled: in all, or None where the event does not carry it.
        fill: what this event traded, or None.
        reason: why it ended or changed, or empty.
        at_ns: the venue's time, UTC nanoseconds.
    """

    order_id: str
    client_id: str | None
    event: str
    state: OrderState
    symbol: str | None
    side: Side | None
    quantity: Decimal | None
    type: OrderType | None
    limit_price: Decimal | None
    trigger_price: Decimal | None
    is_triggered: bool
    filled: Decimal | None
    fill: TradeReport | None
    reason: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """A balance after one entry of the ledger, or as a snapshot shows it.

    Attributes:
        currency: our spelling.
        balance: in all wallets together (a snapshot), or of the wallet that changed.
        amount, fee: of the entry; 0 in a snapshot.
        ledger_id: Kraken's id of the entry, or empty in a snapshot.
        reference_id: of what caused it, such as a trade, or empty.
        kind: `trade`, `deposit`, ...; empty in a snapshot.
        wallet: `spot`, `earn`, ...; empty where the message does not say it.
        at_ns: or None in a snapshot.
    """

    currency: str
    balance: Decimal
    amount: Decimal
    fee: Decimal
    ledger_id: str
    reference_id: str
    kind: str
    wallet: str
    at_ns: int | None


@dataclass(frozen=True, slots=True)
class StreamPrice:
    """What was traded last in one pair.

    Attributes:
        symbol: ours and theirs (`BTC/USD`).
        last: quote currency, > 0.
        day_high, day_low: of the last 24 hours, in which nothing may have been traded.
        at_ns: the venue's time, or None where the message does not say it.
    """

    symbol: str
    last: Decimal
    day_high: Decimal
    day_low: Decimal
    at_ns: int | None


@dataclass(frozen=True, slots=True)
class StreamPair:
    """The rules of one pair, as the instrument channel states them.

    Attributes:
        symbol: ours and theirs (`BTC/USD`).
        price_decimals, quantity_decimals: as the book's checksum writes numbers.
        tick, lot: smallest steps.
        min_quantity, min_cost: smallest order.
        status: `online`, or why not.
    """

    symbol: str
    price_decimals: int
    quantity_decimals: int
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    min_cost: Decimal
    status: str


def read_text(body: bytes) -> ChannelMessage | Reply | SystemStatus | None:
    """Read one WebSocket message of any kind; None for a heartbeat or a pong.

    Raises:
        VenueError: not JSON, a channel's message without data, or a reply that says nothing.
    """
    message = Fields.of(parse_json(body, "a WebSocket message"), "message")
    if "channel" not in message.values:
        return _reply(message)
    channel = message.text("channel")
    if channel == "heartbeat":
        return None
    message = Fields(message.values, channel)
    kind = message.one_of("type", {"snapshot": True, "update": False})
    found = message.values.get("data")
    # The instrument channel sends one object, the others a list of them.
    is_one = isinstance(found, dict)
    data = (Fields.of(found, channel),) if is_one else tuple(message.objects("data"))
    if channel == "status":
        system = data[0].maybe_text("system") if data else None
        return SystemStatus(system) if system else None
    sequence = message.whole("sequence") if "sequence" in message.values else None
    return ChannelMessage(channel, kind, sequence, data)


def read_message(body: bytes) -> ChannelMessage | None:
    """Read one message of a channel; None for a heartbeat, a status or the answer to a request.

    Raises:
        VenueError: not JSON, or a channel's message without data.
    """
    message = read_text(body)
    return message if isinstance(message, ChannelMessage) else None


def read_executions(message: ChannelMessage) -> tuple[Execution, ...]:
    """Translate a message of the executions channel.

    Raises:
        VenueError: a field is missing, or a fill contradicts itself.
    """
    return tuple(_execution(event) for event in message.data)


def read_balance_changes(message: ChannelMessage) -> tuple[BalanceChange, ...]:
    """Translate a message of the balances channel.

    Raises:
        VenueError: a field is missing.
    """
    if message.is_snapshot:
        return tuple(_balance(entry) for entry in message.data)
    return tuple(_ledger_entry(entry) for entry in message.data)


def read_prices(message: ChannelMessage) -> tuple[StreamPrice, ...]:
    """Translate a message of the ticker channel.

    Raises:
        VenueError: a field is missing, or a price that cannot be.
    """
    return tuple(_price(entry) for entry in message.data)


def read_stream_pairs(message: ChannelMessage) -> tuple[StreamPair, ...]:
    """Translate a message of the instrument channel.

    Raises:
        VenueError: a rule is missing or cannot be.
    """
    return tuple(_pair(pair) for data in message.data for pair in data.objects("pairs"))


def _reply(message: Fields) -> Reply | None:
    if "method" not in message.values:
        return None
    method = message.text("method")
    if method == "pong":
        return None
    result = message.inner("result") if "result" in message.values else Fields({}, "result")
    return Reply(
        method=method,
        channel=result.maybe_text("channel") or "",
        is_success=message.flag("success"),
        error=message.maybe_text("error") or "",
    )


def _execution(event: Fields) -> Execution:
    kind = event.one_of("exec_type", _EVENTS)
    trigger = event.inner("triggers") if "triggers" in event.values else Fields({}, event.path)
    return Execution(
        order_id=event.text("order_id"),
        client_id=event.maybe_text("cl_ord_id"),
        event=kind,
        state=event.one_of("order_status", _STATES),
        symbol=event.maybe_text("symbol"),
        side=event.one_of("side", SIDES) if "side" in event.values else None,
        quantity=event.maybe_amount("order_qty"),
        type=ALL_TYPES.get(event.maybe_text("order_type") or ""),
        limit_price=event.maybe_amount("limit_price"),
        trigger_price=trigger.maybe_amount("price"),
        is_triggered=trigger.maybe_text("status") == "triggered",
        filled=event.maybe_amount("cum_qty"),
        fill=_fill(event) if kind == _TRADE else None,
        reason=event.maybe_text("reason") or "",
        at_ns=event.iso_ns("timestamp"),
    )


def _fill(event: Fields) -> TradeReport:
    fees = event.objects("fees")
    if len(fees) > 1:
        malformed(f"{event.path}.fees", "a fee in one currency", len(fees))
    fill = TradeReport(
        trade_id=event.text("exec_id"),
        order_id=event.text("order_id"),
        pair=event.text("symbol"),
        side=event.one_of("side", SIDES),
        price=event.amount("last_price"),
        quantity=event.amount("last_qty"),
        cost=event.amount("cost"),
        fee=fees[0].decimal("qty") if fees else Decimal(0),
        fee_currency=our_currency(fees[0].text("asset")) if fees else "",
        liquidity=event.one_of("liquidity_ind", _LIQUIDITY),
        at_ns=event.iso_ns("timestamp"),
    )
    return check_fill(fill, event.path)


def _balance(entry: Fields) -> BalanceChange:
    currency = our_currency(entry.text("asset"))
    zero = Decimal(0)
    return BalanceChange(currency, entry.decimal("balance"), zero, zero, "", "", "", "", None)


def _ledger_entry(entry: Fields) -> BalanceChange:
    return BalanceChange(
        currency=our_currency(entry.text("asset")),
        balance=entry.decimal("balance"),
        amount=entry.decimal("amount"),
        fee=entry.decimal("fee"),
        ledger_id=entry.text("ledger_id"),
        reference_id=entry.maybe_text("ref_id") or "",
        kind=entry.text("type"),
        wallet=entry.maybe_text("wallet_type") or "",
        at_ns=entry.iso_ns("timestamp"),
    )


def _price(entry: Fields) -> StreamPrice:
    price = StreamPrice(
        symbol=entry.text("symbol"),
        last=entry.amount("last"),
        day_high=entry.amount("high"),
        day_low=entry.amount("low"),
        at_ns=entry.iso_ns("timestamp") if "timestamp" in entry.values else None,
    )
    if price.last <= 0 or price.day_low > price.day_high:
        malformed(entry.path, "a last price > 0, and low <= high", entry.values)
    return price


def _pair(pair: Fields) -> StreamPair:
    return StreamPair(
        symbol=pair.text("symbol"),
        price_decimals=_decimals(pair, "price_precision"),
        quantity_decimals=_decimals(pair, "qty_precision"),
        tick=_step(pair, "price_increment"),
        lot=_step(pair, "qty_increment"),
        min_quantity=pair.amount("qty_min"),
        min_cost=pair.amount("cost_min"),
        status=pair.text("status"),
    )


def _decimals(pair: Fields, name: str) -> int:
    value = pair.whole(name)
    if not 0 <= value <= _MAX_DECIMALS:
        malformed(f"{pair.path}.{name}", f"0 to {_MAX_DECIMALS} decimals", value)
    return value


def _step(pair: Fields, name: str) -> Decimal:
    value = pair.decimal(name)
    if value <= 0:
        malformed(f"{pair.path}.{name}", "a step > 0", value)
    return value
