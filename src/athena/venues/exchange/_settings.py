"""What the local exchange lists, and how it charges and fills."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from dataclasses import dataclass, field
from decimal import Decimal

from athena.domain import MINUTE_NS, SECOND_NS, Instrument
from athena.errors import InputError
from athena.venues.kraken import our_currency, rest_pair

CURRENCY_DECIMALS = 8  # of every balance, cost and fee: the money unit of the trading core
_MAX_BALANCE = Decimal(10) ** 15  # with 8 decimals, sums stay well within 28 digits
_LATENCY_NS = SECOND_NS // 10


@dataclass(frozen=True, slots=True)
class Listing:
    """One pair that is traded.

    Attributes:
        instrument: with its steps and minima; the lot has to be a power of ten.
    """

    instrument: Instrument

    def __post_init__(self) -> None:
        """Refuse a pair that cannot be described in Kraken's words.

        Raises:
            InputError: the lot is no power of ten of at most 1.
        """
        lot = self.instrument.lot
        if lot != Decimal((0, (1,), -self.quantity_decimals)):
            message = f"expected a lot of {self.symbol} such as 1 or 0.01, was {lot}"
            raise InputError(message)

    @property
    def symbol(self) -> str:
        """Return our name, which is the stream's too: `BTC/USD`."""
        return self.instrument.symbol

    @property
    def altname(self) -> str:
        """Return the name that requests take: `XBTUSD`."""
        return rest_pair(self.symbol)

    @property
    def key(self) -> str:
        """Return the name that answers stand under: `XXBTZUSD`, but `XBTUSDT`."""
        keys = [asset_key(self.instrument.base), asset_key(self.instrument.quote)]
        is_old = all(key != asset_name(our_currency(key)) for key in keys)
        return "".join(keys) if is_old else self.altname

    @property
    def wsname(self) -> str:
        """Return the old stream's name: `XBT/USD`."""
        return f"{asset_name(self.instrument.base)}/{asset_name(self.instrument.quote)}"

    @property
    def price_decimals(self) -> int:
        """Return how many decimals a price has."""
        return _decimals(self.instrument.tick)

    @property
    def quantity_decimals(self) -> int:
        """Return how many decimals a quantity has."""
        return _decimals(self.instrument.lot)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSettings:
    """Say how the local exchange charges and fills; the defaults are those of paper mode.

    Attributes:
        seed: of every id and draw; 0 is a seed, None is an error (A06).
        balances: of a new account, by currency in our spelling.
        taker_fee_bps, maker_fee_bps: of the cost, >= 0.
        half_spread_bps: how far bid and ask are from the last price; what taking costs.
        cost_factor_min, cost_factor_max: taking costs the half spread times a draw from here.
        participation_frac: largest fill as a share of a trade of the market, in (0, 1].
        is_touch: a resting limit fills when its price is touched, not only when it is crossed.
        latency_ns: from accepting an order to its place in the book.
        heartbeat_ns: between two signs of life on a stream.
        late_fill_ns: how long a cancelled order may still fill while that fault is on.
        max_open_orders: of an account, per pair.
    """

    seed: int | None
    balances: Mapping[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(10_000)})
    taker_fee_bps: Decimal = Decimal(26)
    maker_fee_bps: Decimal = Decimal(16)
    half_spread_bps: Decimal = Decimal(10)
    cost_factor_min: Decimal = Decimal("0.5")
    cost_factor_max: Decimal = Decimal("1.5")
    participation_frac: Decimal = Decimal("0.10")
    is_touch: bool = False
    latency_ns: int = _LATENCY_NS
    heartbeat_ns: int = SECOND_NS
    late_fill_ns: int = MINUTE_NS
    max_open_orders: int = 60

    def __post_init__(self) -> None:
        """Refuse settings that make no exchange.

        Raises:
            InputError: no seed, or a value out of its range.
        """
        if self.seed is None:
            message = "expected a seed for the local exchange, was none"
            raise InputError(message, hint="set run.seed or --seed; 0 is a seed")
        for name in ("taker_fee_bps", "maker_fee_bps", "half_spread_bps"):
            value = getattr(self, name)
            if not (value.is_finite() and 0 <= value < 10_000):  # noqa: PLR2004 - the whole cost
                message = f"expected {name} from 0 to 10,000, was {value}"
                raise InputError(message)
        if not 0 < self.participation_frac <= 1:
            message = f"expected participation_frac in (0, 1], was {self.participation_frac}"
            raise InputError(message)
        if not 0 <= self.cost_factor_min <= self.cost_factor_max:
            message = f"expected 0 <= cost_factor_min <= cost_factor_max, was {self}"
            raise InputError(message)
        if self.latency_ns < 0 or self.heartbeat_ns <= 0 or self.late_fill_ns < 0:
            message = f"expected times >= 0 and a heartbeat > 0, was {self}"
            raise InputError(message)
        for currency, amount in self.balances.items():
            check_amount(amount, currency)


def check_amount(amount: Decimal, currency: str) -> None:
    """Refuse an amount that no account can hold.

    Raises:
        InputError: negative, not finite, above 10^15, or finer than 8 decimals.
    """
    is_sane = amount.is_finite() and 0 <= amount <= _MAX_BALANCE
    if not is_sane or _decimals(amount) > CURRENCY_DECIMALS:
        message = f"expected an amount of {currency} from 0 to 10^15 with at most 8 decimals, "
        message += f"was {amount}"
        raise InputError(message)


def asset_name(currency: str) -> str:
    """Translate our currency to Kraken's short name: `BTC` -> `XBT`."""
    return {"BTC": "XBT", "DOGE": "XDG"}.get(currency, currency)


def asset_key(currency: str) -> str:
    """Translate our currency to Kraken's account name: `BTC` -> `XXBT`, `USDT` -> `USDT`."""
    name = asset_name(currency)
    old = (f"{letter}{name}" for letter in "XZ")
    return next((key for key in old if our_currency(key) == currency), name)


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
