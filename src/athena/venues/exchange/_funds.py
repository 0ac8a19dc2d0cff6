"""Who has what, and how much of it open orders reserve; every booking has its counterpart."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Protocol

from athena.domain import Liquidity, Side
from athena.errors import CoreError
from athena.venues.exchange._exact import fee_of, new_id, rounded, worth_at_most
from athena.venues.exchange._settings import CURRENCY_DECIMALS, check_amount
from athena.venues.exchange._state import Account, Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.venues.exchange._settings import ExchangeSettings, Listing
    from athena.venues.exchange._state import Fill, Order, Print, State, System

ZERO = Decimal(0)


class News(Protocol):
    """Who wants to hear what happens: the streams."""

    def ordered(self, order: Order, event: str) -> None:
        """Hear of an order that changed; `event` in the stream's words."""
        ...

    def filled(self, order: Order, fill: Fill) -> None:
        """Hear of a fill; `order` is as it is after it."""
        ...

    def booked(self, account: str, entries: tuple[Entry, ...]) -> None:
        """Hear of what was booked at once."""
        ...

    def printed(self, symbol: str, trade: Print) -> None:
        """Hear of a trade of the market."""
        ...

    def switched(self, system: System) -> None:
        """Hear that the exchange opened or closed."""
        ...


class Funds:
    """Accounts, reservations and bookings."""

    __slots__ = ("_listings", "_news", "_settings", "_state")

    def __init__(
        self,
        state: State,
        listings: Mapping[str, Listing],
        settings: ExchangeSettings,
        news: News,
    ) -> None:
        """Work on a state.

        Args:
            state: of the exchange.
            listings: by symbol.
            settings: of the exchange.
            news: is told of bookings.
        """
        self._state = state
        self._listings = listings
        self._settings = settings
        self._news = news

    def account(self, key: str) -> Account:
        """Return the account of a key; a new key opens one with the settings' balances."""
        account = self._state.accounts.get(key)
        if account is None:
            account = self._state.accounts[key] = Account(key)
            for currency, amount in self._settings.balances.items():
                self.deposit(key, currency, amount)
        return account

    def deposit(self, key: str, currency: str, amount: Decimal) -> None:
        """Pay in.

        Raises:
            InputError: an amount that no account can hold.
        """
        check_amount(amount, currency)
        account = self.account(key)
        _add(self._state.paid_in, currency, amount)
        reference = new_id(self._seed, "R", self._state.count("R"))
        entry = self._book(account, "deposit", reference, currency, amount, ZERO)
        self._news.booked(key, (entry,))

    def settle(self, fill: Fill) -> None:
        """Book a fill: both legs, the fee, and the market's side of it.

        Raises:
            CoreError: a balance would be negative: a bug of the matching.
        """
        instrument = self._listings[fill.symbol].instrument
        sign = 1 if fill.side is Side.BUY else -1
        legs = ((instrument.base, sign * fill.quantity), (instrument.quote, -sign * fill.cost))
        account = self._state.accounts[fill.account]
        entries = []
        for currency, amount in legs:
            fee = fill.fee if currency == fill.fee_currency else ZERO
            entries.append(self._book(account, "trade", fill.id, currency, amount, fee))
            _add(self._state.market_money, currency, -amount)
            _add(self._state.fees, currency, fee)
        self._news.booked(account.key, tuple(entries))

    def fee(self, order: Order, quantity: Decimal, cost: Decimal, liquidity: Liquidity) -> Decimal:
        """Return what a fill costs, in the currency that the order pays its fees in."""
        settings = self._settings
        is_taker = liquidity is Liquidity.TAKER
        bps = settings.taker_fee_bps if is_taker else settings.maker_fee_bps
        decimals = self._state.faults.fee_decimals
        amount = cost if order.request.is_fee_in_quote else quantity
        fee = fee_of(amount, bps, CURRENCY_DECIMALS if decimals is None else decimals)
        return rounded(fee, CURRENCY_DECIMALS, ROUND_UP)

    def fee_currency(self, order: Order) -> str:
        """Return the currency that an order pays its fees in."""
        instrument = self._listings[order.request.symbol].instrument
        return instrument.quote if order.request.is_fee_in_quote else instrument.base

    def reserved(self, order: Order) -> tuple[str, Decimal]:
        """Return what a working order holds back; nothing while it waits for its trigger."""
        instrument = self._listings[order.request.symbol].instrument
        is_buy = order.request.side is Side.BUY
        currency = instrument.quote if is_buy else instrument.base
        if order.is_waiting or order.left <= 0:
            return currency, ZERO
        amount = order.left
        if is_buy:
            amount = worth_at_most(order.reserve_price, order.left)
        if self.fee_currency(order) == currency:
            amount += self._worst_fee(order, order.left, amount)
        return currency, amount

    def held(self, account: Account, currency: str, *, but: str = "") -> Decimal:
        """Return what an account's orders reserve of a currency.

        Args:
            account: whose.
            currency: in our spelling.
            but: id of an order that does not count.
        """
        orders = (account.orders[item][-1] for item in account.working if item != but)
        holds = (self.reserved(order) for order in orders)
        return sum((amount for name, amount in holds if name == currency), ZERO)

    def free(self, account: Account, currency: str, *, but: str = "") -> Decimal:
        """Return what an account has of a currency beside what is reserved."""
        balance = account.balances.get(currency, ZERO)
        return balance - self.held(account, currency, but=but)

    def covers(self, order: Order) -> bool:
        """Tell whether an account has what an order reserves."""
        account = self._state.accounts[order.account]
        currency, amount = self.reserved(order)
        return amount <= self.free(account, currency, but=order.id)

    def _worst_fee(self, order: Order, quantity: Decimal, cost: Decimal) -> Decimal:
        return max(self.fee(order, quantity, cost, liquidity) for liquidity in Liquidity)

    def _book(  # noqa: PLR0913, PLR0917 - one line of a ledger has that many columns
        self,
        account: Account,
        kind: str,
        reference: str,
        currency: str,
        amount: Decimal,
        fee: Decimal,
    ) -> Entry:
        balance = account.balances.get(currency, ZERO) + amount - fee
        if balance < 0:
            message = f"expected a balance of {currency} >= 0, was {balance}"
            raise CoreError(message)
        account.balances[currency] = balance
        entry = Entry(
            id=new_id(self._seed, "L", self._state.count("L")),
            reference_id=reference,
            kind=kind,
            currency=currency,
            amount=amount,
            fee=fee,
            balance=balance,
            at_ns=self._state.now_ns,
            stamp_ns=self._state.stamp_ns,
        )
        account.entries.append(entry)
        return entry

    @property
    def _seed(self) -> int:
        return self._settings.seed or 0


def _add(totals: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    totals[currency] = totals.get(currency, ZERO) + amount
