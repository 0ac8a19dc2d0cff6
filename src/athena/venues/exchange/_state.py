"""All that the exchange knows, as plain values: it is saved as JSON and restored whole.

Times that start with `stamp` are the exchange's own clock, as its messages say it; the others are
true time. The two differ while a fault has set the clock wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from athena.domain import Liquidity, OrderType, Side, TimeInForce

TRIGGERED = frozenset(
    {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
)
LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


class Status(StrEnum):
    """Where an order is; Kraken's words."""

    PENDING = "pending"
    OPEN = "open"
    CLOSED = "closed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class System(StrEnum):
    """How the exchange is; Kraken's words."""

    ONLINE = "online"
    MAINTENANCE = "maintenance"
    CANCEL_ONLY = "cancel_only"
    POST_ONLY = "post_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The kind of an order and its prices.

    Attributes:
        limit, trigger: None where the type has none.
    """

    type: OrderType
    limit: Decimal | None = None
    trigger: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An order as it was asked for.

    Attributes:
        client_id: empty without.
        expires_stamp_ns: 0, or when it ends.
        close: of what is placed for each fill, or None.
    """

    symbol: str
    side: Side
    terms: Terms
    quantity: Decimal
    client_id: str = ""
    userref: int = 0
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_stamp_ns: int = 0
    is_post_only: bool = False
    is_fee_in_quote: bool = True
    close: Terms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One version of an order; a change makes the next.

    Attributes:
        account: key of its owner.
        parent_id: of the order whose fill placed it, or empty.
        sequence: its place in time; the earlier goes first at one price.
        reserve_price: what its funds are reserved at; 0 until it is triggered.
        cost, fee: of its fills so far; the fee in the currency that it is paid in.
        trade_ids: of its fills.
        reason: why it ended, or empty.
        changed_ns: of this version.
    """

    id: str
    account: str
    request: Request
    quantity: Decimal
    terms: Terms
    sequence: int
    opened_stamp_ns: int
    changed_ns: int
    status: Status = Status.PENDING
    is_triggered: bool = False
    reserve_price: Decimal = Decimal(0)
    filled: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    closed_stamp_ns: int = 0
    trade_ids: tuple[str, ...] = ()
    parent_id: str = ""
    reason: str = ""
    misc: str = ""

    @property
    def is_working(self) -> bool:
        """Tell whether it may still trade."""
        return self.status in {Status.PENDING, Status.OPEN}

    @property
    def is_waiting(self) -> bool:
        """Tell whether it waits for its trigger."""
        return self.terms.type in TRIGGERED and not self.is_triggered

    @property
    def left(self) -> Decimal:
        """Return what is not filled."""
        return self.quantity - self.filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade of an account."""

    id: str
    number: int
    order_id: str
    account: str
    symbol: str
    side: Side
    type: OrderType
    price: Decimal
    quantity: Decimal
    cost: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity
    misc: str
    at_ns: int
    stamp_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of an account's ledger.

    Attributes:
        amount: signed, before the fee.
        balance: after it.
    """

    id: str
    reference_id: str
    kind: str
    currency: str
    amount: Decimal
    fee: Decimal
    balance: Decimal
    at_ns: int
    stamp_ns: int


@dataclass(slots=True)
class Account:
    """One customer.

    Attributes:
        orders: every order by id, each with all its versions, oldest first.
        working: ids of the orders that may still trade, oldest first.
        dead_man_ns: when everything is cancelled, or 0.
        nonce: the highest so far.
    """

    key: str
    balances: dict[str, Decimal] = field(default_factory=dict)
    orders: dict[str, list[Order]] = field(default_factory=dict)
    working: list[str] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    dead_man_ns: int = 0
    nonce: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """One trade of the market, as everybody sees it."""

    number: int
    price: Decimal
    quantity: Decimal
    side: Side
    stamp_ns: int


@dataclass(slots=True, kw_only=True)
class Candle:
    """One bar; `start_s` is its open in seconds."""

    start_s: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    turnover: Decimal
    n_trades: int


@dataclass(slots=True)
class Market:
    """What is known of one pair's market.

    Attributes:
        last: price of the newest trade; 0 before the first.
        left: what may still be filled at it.
        book_step: distance of the book's levels, set by the first trade.
        candles: by minutes of the interval, oldest first, at most 721.
    """

    symbol: str
    last: Decimal = Decimal(0)
    last_quantity: Decimal = Decimal(0)
    left: Decimal = Decimal(0)
    book_step: Decimal = Decimal(0)
    n_prints: int = 0
    prints: list[Print] = field(default_factory=list)
    candles: dict[int, list[Candle]] = field(default_factory=dict)


@dataclass(slots=True)
class Faults:
    """What has been set wrong on purpose."""

    history_limit: int | None = None
    snapshot_lag_ns: int = 0
    is_filling_after_cancel: bool = False
    clock_offset_ns: int = 0
    fee_decimals: int | None = None
    quantity_decimals: int | None = None


@dataclass(slots=True)
class Subscription:
    """One channel of one connection.

    Attributes:
        account: of a private channel, or empty.
        detail: depth of a book, minutes of a bar, else 0.
    """

    channel: str
    symbol: str = ""
    account: str = ""
    detail: int = 0


@dataclass(slots=True)
class Connection:
    """One stream; `sequences` counts the messages of each private channel."""

    number: int
    subscriptions: list[Subscription] = field(default_factory=list)
    sequences: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Token:
    """Leave to open private channels."""

    account: str
    expires_ns: int


@dataclass(slots=True)
class State:
    """Everything.

    Attributes:
        counters: of ids, by their letter.
        market_money: what the market outside holds against the accounts, by currency.
        fees: that the exchange has kept, by currency.
        paid_in: by currency; equals accounts + market + fees, always.
        due: heap of what happens when: (true time, number, what, to whom).
        late: cancelled orders that may still fill once.
        outbox: (connection, text), not yet fetched.
    """

    now_ns: int
    system: System = System.ONLINE
    counters: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    markets: dict[str, Market] = field(default_factory=dict)
    market_money: dict[str, Decimal] = field(default_factory=dict)
    fees: dict[str, Decimal] = field(default_factory=dict)
    paid_in: dict[str, Decimal] = field(default_factory=dict)
    due: list[tuple[int, int, str, str]] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    connections: dict[int, Connection] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    outbox: list[tuple[int, str]] = field(default_factory=list)

    @property
    def stamp_ns(self) -> int:
        """Return what the exchange's own clock says, in whole microseconds."""
        return (self.now_ns + self.faults.clock_offset_ns) // 1000 * 1000

    def count(self, letter: str) -> int:
        """Return the next number of a counter, from 1."""
        self.counters[letter] = self.counters.get(letter, 0) + 1
        return self.counters[letter]

    def find_order(self, order_id: str, account: Account) -> Order | None:
        """Return the newest version of an account's order."""
        versions = account.orders.get(order_id)
        return versions[-1] if versions else None

    def owner(self, order_id: str) -> Account | None:
        """Return the account of an order."""
        owners = (item for item in self.accounts.values() if order_id in item.orders)
        return next(owners, None)
