"""The local exchange: requests in, answers and stream messages out.

Time and the trades of the market are told to it. It does no I/O and reads no clock; the same calls
with the same arguments give the same bytes.
"""

from __future__ import annotations

import heapq
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from athena.errors import InputError
from athena.venues.exchange._depth import Books
from athena.venues.exchange._exact import is_multiple, to_step
from athena.venues.exchange._filling import Filling
from athena.venues.exchange._forms import read_whole
from athena.venues.exchange._funds import Funds
from athena.venues.exchange._intake import Intake
from athena.venues.exchange._matching import Matching, Parts
from athena.venues.exchange._orders import BEAT, DEAD_MAN, EXPIRE, LATE, LIVE, Orders
from athena.venues.exchange._pricing import Pricing
from athena.venues.exchange._private import PrivateDesk
from athena.venues.exchange._public import PublicDesk
from athena.venues.exchange._refusal import Refusal
from athena.venues.exchange._saving import Saved, read_saved, write_saved
from athena.venues.exchange._settings import ExchangeSettings, Listing
from athena.venues.exchange._state import Market, State, Status, System
from athena.venues.exchange._stream import Streams
from athena.venues.exchange._wire import body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.venues.exchange._state import Account

_DOWN = "EService:Unavailable"
_UNKNOWN_METHOD = "EGeneral:Unknown method"
_BAD_NONCE = "EAPI:Invalid nonce"
_ALWAYS = frozenset({"Time", "SystemStatus"})


class Exchange:
    """A spot exchange that speaks Kraken's REST and WebSocket v2."""

    __slots__ = (
        "_funds",
        "_intake",
        "_listings",
        "_matching",
        "_orders",
        "_private",
        "_public",
        "_settings",
        "_state",
        "_streams",
    )

    def __init__(
        self, listings: Sequence[Listing], settings: ExchangeSettings, *, now_ns: int
    ) -> None:
        """Open with empty books.

        Args:
            listings: what is traded; no symbol twice.
            settings: how it charges and fills, and the seed.
            now_ns: UTC nanoseconds.

        Raises:
            InputError: no pair, or one twice.
        """
        state = State(now_ns)
        for listing in listings:
            state.markets[listing.symbol] = Market(listing.symbol)
        if not listings or len(state.markets) != len(listings):
            message = f"expected pairs to list, each once, was {[x.symbol for x in listings]}"
            raise InputError(message)
        self._build(listings, settings, state)

    @property
    def now_ns(self) -> int:
        """Return the time that it was told last, UTC nanoseconds."""
        return self._state.now_ns

    @property
    def connections(self) -> tuple[int, ...]:
        """Return who is connected."""
        return tuple(self._state.connections)

    def advance(self, now_ns: int) -> None:
        """Let time pass; what falls due on the way happens at its time, in order.

        Raises:
            InputError: time would run backwards.
        """
        state = self._state
        if now_ns < state.now_ns:
            message = f"expected a time from {state.now_ns} ns on, was {now_ns}"
            raise InputError(message)
        while state.due and state.due[0][0] <= now_ns:
            at_ns, _, what, whom = heapq.heappop(state.due)
            state.now_ns = max(at_ns, state.now_ns)
            self._happen(what, whom)
        state.now_ns = now_ns

    def next_due_ns(self) -> int | None:
        """Return when something happens by itself next; None when nothing is due."""
        return self._state.due[0][0] if self._state.due else None

    def trade(self, symbol: str, price: Decimal, quantity: Decimal) -> None:
        """Let the market trade now: the price moves, stops trigger, resting orders fill.

        Args:
            symbol: such as `BTC/USD`.
            price: > 0, a whole number of ticks.
            quantity: of the market's trade, base currency, >= 0; 0 moves the price alone.

        Raises:
            InputError: no such pair, or a price or quantity that cannot be.
        """
        listing = self._listings.get(symbol)
        if listing is None:
            message = f"expected one of {', '.join(self._listings)}, was {symbol}"
            raise InputError(message)
        is_price = price.is_finite() and price > 0 and is_multiple(price, listing.instrument.tick)
        if not is_price or not quantity.is_finite() or quantity < 0:
            message = f"expected a price of {symbol} in ticks and a quantity >= 0, "
            message += f"was {price}, {quantity}"
            raise InputError(message)
        self._matching.traded(symbol, price, quantity)

    def public(self, endpoint: str, fields: Mapping[str, str]) -> bytes:
        """Answer a public request with the body as Kraken writes it."""
        answers = self._public.endpoints()
        if endpoint not in answers:
            return body(None, _UNKNOWN_METHOD)
        if self._is_down and endpoint not in _ALWAYS:
            return body(None, _DOWN)
        try:
            return body(answers[endpoint](fields))
        except Refusal as refusal:
            return body(None, refusal.message)

    def private(self, key: str, endpoint: str, fields: Mapping[str, str]) -> bytes:
        """Answer an account's request with the body as Kraken writes it.

        Args:
            key: names the account; a new one opens a funded account.
            endpoint: such as `AddOrder`.
            fields: of the form; a `nonce` is checked where there is one.
        """
        answers = self._private.endpoints()
        if endpoint not in answers:
            return body(None, _UNKNOWN_METHOD)
        if self._is_down:
            return body(None, _DOWN)
        account = self._funds.account(key)
        try:
            if "nonce" in fields:
                nonce = read_whole(fields, "nonce")
                if nonce <= account.nonce:
                    return body(None, _BAD_NONCE)
                account.nonce = nonce
            return body(answers[endpoint](account, fields))
        except Refusal as refusal:
            return body(None, refusal.message)

    def connect(self) -> int:
        """Open a WebSocket connection and return its number."""
        number = self._streams.open()
        self._orders.schedule(self.now_ns + self._settings.heartbeat_ns, BEAT, str(number))
        return number

    def say(self, connection: int, text: str) -> None:
        """Take in what a client says on its connection.

        Raises:
            InputError: there is no such connection.
        """
        if connection not in self._state.connections:
            message = f"expected an open connection, was {connection}"
            raise InputError(message)
        self._streams.hear(connection, text)

    def disconnect(self, connection: int) -> None:
        """Close a connection; what was not delivered is lost."""
        self._streams.close(connection)

    def take_messages(self) -> list[tuple[int, str]]:
        """Return what there is to deliver, (connection, text) in order, and forget it."""
        messages, self._state.outbox = self._state.outbox, []
        return messages

    def revision(self, key: str) -> tuple[int, int]:
        """Return what is equal for two looks at an account between which nothing happened to it.

        Args:
            key: names the account.

        Returns:
            How many orders, changes of orders, fills and ledger lines it has, and when all its
            orders are to be cancelled; zeros without an account.
        """
        account = self._state.accounts.get(key)
        if account is None:
            return 0, 0
        n_versions = sum(map(len, account.orders.values()))
        return n_versions + len(account.fills) + len(account.entries), account.dead_man_ns

    def save(self) -> str:
        """Write the whole state as JSON."""
        listings = tuple(listing.instrument for listing in self._listings.values())
        return write_saved(Saved(listings, self._settings, self._state))

    @classmethod
    def restore(cls, text: str) -> Self:
        """Go on from a saved state, as if nothing had been between.

        Raises:
            InputError: the text was not written by `save`.
        """
        saved = read_saved(text)
        listings = [Listing(item) for item in saved.instruments]
        exchange = cls(listings, saved.settings, now_ns=saved.state.now_ns)
        exchange._build(listings, saved.settings, saved.state)
        return exchange

    def deposit(self, key: str, currency: str, amount: Decimal) -> None:
        """Pay into an account.

        Raises:
            InputError: an amount that no account can hold.
        """
        self._funds.deposit(key, currency, amount)

    def account(self, key: str) -> Account:
        """Return an account as it is now, to be read: what a check compares other books with."""
        return self._funds.account(key)

    def holdings(self) -> list[tuple[str, str, Decimal]]:
        """List what could be sold by force: account, symbol and quantity, in a fixed order."""
        state = self._state
        return [
            (key, symbol, held)
            for key, account in sorted(state.accounts.items())
            for symbol, listing in self._listings.items()
            if (held := account.balances.get(listing.instrument.base))
            and state.markets[symbol].last
        ]

    def liquidate(self, key: str, symbol: str, quantity: Decimal) -> str:
        """Sell an account's holding at the market by force, as far as there is one (F12).

        Returns:
            The id of the sale, which carries no client id; empty when there was nothing to sell.

        Raises:
            InputError: no such pair, or it has no price yet.
        """
        market = self._state.markets.get(symbol)
        if market is None or not market.last:
            message = f"expected a pair that has traded, was {symbol}"
            raise InputError(message)
        instrument = self._listings[symbol].instrument
        account = self._funds.account(key)
        held = account.balances.get(instrument.base, Decimal(0))
        size = to_step(max(min(quantity, held), Decimal(0)), instrument.lot, is_up=False)
        return self._matching.force_sale(account, symbol, size).id if size else ""

    def set_history_limit(self, n_newest: int | None) -> None:
        """Show only the newest closed orders and trades, and count no more (F11); None all."""
        self._state.faults.history_limit = n_newest

    def set_snapshot_lag(self, lag_ns: int) -> None:
        """Show accounts as they were a while ago, while streams go on (F10); 0 as they are."""
        self._state.faults.snapshot_lag_ns = lag_ns

    def set_fill_after_cancel(self, is_on: bool) -> None:  # noqa: FBT001 - a switch
        """Let a cancelled resting order fill once more when the market passes it (F06)."""
        self._state.faults.is_filling_after_cancel = is_on

    def set_clock_offset(self, offset_ns: int) -> None:
        """Set its own clock wrong: every time that it states, and every deadline (F14)."""
        self._state.faults.clock_offset_ns = offset_ns

    def set_rounding(self, fee_decimals: int | None, quantity_decimals: int | None) -> None:
        """Round fees up to, and cut quantities to, fewer decimals (F13); None as usual."""
        self._state.faults.fee_decimals = fee_decimals
        self._state.faults.quantity_decimals = quantity_decimals

    def set_status(self, status: str) -> None:
        """Set how it is: online, maintenance, cancel_only or post_only.

        Raises:
            InputError: none of these.
        """
        known = [item.value for item in System]
        if status not in known:
            message = f"expected one of {', '.join(known)}, was {status}"
            raise InputError(message)
        self._state.system = System(status)
        self._streams.switched(self._state.system)

    def _build(
        self, listings: Sequence[Listing], settings: ExchangeSettings, state: State
    ) -> None:
        by_symbol = {listing.symbol: listing for listing in listings}
        pricing = Pricing(by_symbol, settings)
        books = Books(pricing, settings.seed or 0)
        self._listings = by_symbol
        self._settings = settings
        self._state = state
        self._streams = Streams(state, by_symbol, books)
        self._funds = Funds(state, by_symbol, settings, self._streams)
        self._orders = Orders(state, settings, pricing, self._streams)
        filling = Filling(state, by_symbol, settings, self._orders, self._funds, self._streams)
        parts = Parts(self._orders, filling, self._funds, pricing, self._streams)
        self._matching = Matching(state, by_symbol, settings, parts)
        self._intake = Intake(state, by_symbol, settings, parts, self._matching)
        self._private = PrivateDesk(state, by_symbol, settings, self._funds, self._intake)
        self._public = PublicDesk(state, by_symbol, settings, books)

    def _happen(self, what: str, whom: str) -> None:
        """Do what was scheduled, unless it has become moot since."""
        state = self._state
        if what == BEAT:
            if self._streams.beat(int(whom)):
                at_ns = state.now_ns + self._settings.heartbeat_ns
                self._orders.schedule(at_ns, BEAT, whom)
            return
        if what == LATE:
            state.late = [item for item in state.late if item != whom]
            return
        if what == DEAD_MAN:
            account = state.accounts[whom]
            if account.dead_man_ns == state.now_ns:
                account.dead_man_ns = 0
                self._intake.cancel_all(account, reason="Cancel all orders after timeout")
            return
        owner = state.owner(whom)
        order = owner.orders[whom][-1] if owner else None
        if order is None or not order.is_working:
            return
        if what == LIVE:
            self._matching.go_live(order)
        elif what == EXPIRE:
            self._orders.end(order, Status.EXPIRED, "Order expired")

    @property
    def _is_down(self) -> bool:
        return self._state.system is System.MAINTENANCE
