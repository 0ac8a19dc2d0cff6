"""What may be traded and how finely: AssetPairs; what trading costs: TradeVolume."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import Instrument
from athena.errors import VenueError
from athena.venues.kraken._fields import Fields, malformed, read_decimal
from athena.venues.kraken._names import our_currency, our_symbol

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_DECIMALS = 18
_MAX_LEVERAGE = 100
_PERCENT = Decimal(100)
_BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class FeeTier:
    """One step of a fee schedule.

    Attributes:
        from_volume: 30-day volume from which it holds, in the fee currency.
        fee_bps: of the order's value.
    """

    from_volume: Decimal
    fee_bps: Decimal


@dataclass(frozen=True, slots=True)
class PairRules:
    """The rules of one pair, as AssetPairs states them.

    Attributes:
        key: Kraken's own name, under which answers stand (`XXBTZUSD`).
        altname: the name that requests take (`XBTUSD`).
        symbol: ours (`BTC/USD`).
        base, quote: currencies, our spelling.
        price_decimals, quantity_decimals: most decimals of a price; of a quantity.
        tick, lot: smallest steps; the tick may be coarser than its decimals.
        min_quantity: smallest order, base currency; None when Kraken states none: not tradable.
        min_cost: smallest order value, quote currency; 0 when Kraken states none.
        leverage_buy, leverage_sell: factors allowed beside 1; empty without margin.
        fees_taker, fees_maker: from the lowest volume up; maker equals taker where none stands.
        status: `online`, or why not.
    """

    key: str
    altname: str
    symbol: str
    base: str
    quote: str
    price_decimals: int
    quantity_decimals: int
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal | None
    min_cost: Decimal
    leverage_buy: tuple[int, ...]
    leverage_sell: tuple[int, ...]
    fees_taker: tuple[FeeTier, ...]
    fees_maker: tuple[FeeTier, ...]
    status: str

    def instrument(self) -> Instrument:
        """Return the instrument with Kraken's steps and minima.

        Raises:
            VenueError: Kraken states no smallest order; without it no trading.
        """
        if self.min_quantity is None:
            message = f"expected a smallest order of {self.symbol} in AssetPairs, was none"
            raise VenueError(message)
        return Instrument(
            self.symbol,
            self.tick,
            self.lot,
            self.min_quantity,
            self.min_cost,
            is_margin=bool(self.leverage_sell),
        )


@dataclass(frozen=True, slots=True)
class AccountFees:
    """What the account pays now, as TradeVolume states it.

    Attributes:
        currency: of the volume, our spelling.
        volume: traded in 30 days.
        taker_bps, maker_bps: by Kraken's pair key; a pair without maker fee pays the taker's.
    """

    currency: str
    volume: Decimal
    taker_bps: Mapping[str, Decimal]
    maker_bps: Mapping[str, Decimal]


def read_asset_pairs(result: Fields) -> tuple[PairRules, ...]:
    """Translate AssetPairs; dark pools (no WebSocket name) are left out.

    Raises:
        VenueError: a pair lacks a rule or states one that cannot be; without it no trading.
    """
    rules = (_pair(key, pair) for key, pair in result.entries() if "wsname" in pair.values)
    found = tuple(rules)
    if not found:
        malformed(result.path, "at least one pair", result.values)
    return found


def find_pair(pairs: tuple[PairRules, ...], symbol: str) -> PairRules:
    """Return the rules of a symbol.

    Raises:
        VenueError: no pair or more than one has it.
    """
    found = [pair for pair in pairs if pair.symbol == symbol]
    if len(found) != 1:
        message = f"expected one pair {symbol} at Kraken, was {len(found)}"
        raise VenueError(message, hint="athena data fetch --symbol BTC/USD ...")
    return found[0]


def read_trade_volume(result: Fields) -> AccountFees:
    """Translate TradeVolume.

    Raises:
        VenueError: a fee is missing or cannot be.
    """
    takers = {key: _percent(pair) for key, pair in result.inner("fees").entries()}
    makers: dict[str, Decimal] = {}
    if "fees_maker" in result.values:
        makers = {key: _percent(pair) for key, pair in result.inner("fees_maker").entries()}
    return AccountFees(
        currency=our_currency(result.text("currency")),
        volume=result.amount("volume"),
        taker_bps=takers,
        maker_bps=takers | makers,
    )


def _pair(key: str, pair: Fields) -> PairRules:
    price_decimals = _decimals(pair, "pair_decimals")
    quantity_decimals = _decimals(pair, "lot_decimals")
    tick = pair.maybe_amount("tick_size") or Decimal((0, (1,), -price_decimals))
    takers = _tiers(pair, "fees")
    return PairRules(
        key=key,
        altname=pair.text("altname"),
        symbol=_symbol(pair),
        base=our_currency(pair.text("base")),
        quote=our_currency(pair.text("quote")),
        price_decimals=price_decimals,
        quantity_decimals=quantity_decimals,
        tick=tick,
        lot=Decimal((0, (1,), -quantity_decimals)),
        min_quantity=pair.maybe_amount("ordermin"),
        min_cost=pair.maybe_amount("costmin") or Decimal(0),
        leverage_buy=_leverages(pair, "leverage_buy"),
        leverage_sell=_leverages(pair, "leverage_sell"),
        fees_taker=takers,
        fees_maker=_tiers(pair, "fees_maker") if "fees_maker" in pair.values else takers,
        status=pair.maybe_text("status") or "online",
    )


def _symbol(pair: Fields) -> str:
    symbol = our_symbol(pair.text("wsname")).upper()
    base, _, quote = symbol.partition("/")
    if not base or not quote:
        malformed(f"{pair.path}.wsname", "BASE/QUOTE", symbol)
    return symbol


def _decimals(pair: Fields, name: str) -> int:
    value = pair.whole(name)
    if not 0 <= value <= _MAX_DECIMALS:
        malformed(f"{pair.path}.{name}", f"0 to {_MAX_DECIMALS} decimals", value)
    return value


def _leverages(pair: Fields, name: str) -> tuple[int, ...]:
    path = f"{pair.path}.{name}"
    factors = tuple(pair.items(name))
    if not all(isinstance(item, int) and 1 < item <= _MAX_LEVERAGE for item in factors):
        malformed(path, "whole factors above 1", factors)
    return factors


def _tiers(pair: Fields, name: str) -> tuple[FeeTier, ...]:
    path = f"{pair.path}.{name}"
    tiers = []
    for index, item in enumerate(pair.items(name)):
        match item:
            case [volume, percent]:
                where = f"{path}[{index}]"
                bps = _to_bps(read_decimal(percent, where), where)
                tiers.append(FeeTier(read_decimal(volume, where), bps))
            case _:
                malformed(path, "pairs of volume and percent", item)
    volumes = [tier.from_volume for tier in tiers]
    if not volumes or volumes[0] != 0 or volumes != sorted(set(volumes)):
        malformed(path, "volumes that rise from 0", volumes)
    return tuple(tiers)


def _percent(pair: Fields) -> Decimal:
    return _to_bps(pair.decimal("fee"), f"{pair.path}.fee")


def _to_bps(percent: Decimal, path: str) -> Decimal:
    # A maker may be paid: a fee of down to -1 % is no mistake.
    if not -1 <= percent <= _PERCENT:
        malformed(path, "a fee in percent", percent)
    return percent * _BPS / _PERCENT
