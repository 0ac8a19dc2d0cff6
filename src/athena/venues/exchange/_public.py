"""Answers to public requests: clock, rules and market data."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import DAY_NS, SECOND_NS, Side
from athena.venues.exchange._candles import INTERVALS_MIN
from athena.venues.exchange._exact import rounded
from athena.venues.exchange._forms import find_listing, read_whole
from athena.venues.exchange._refusal import refuse_field
from athena.venues.exchange._settings import CURRENCY_DECIMALS, asset_key, asset_name
from athena.venues.exchange._wire import rfc1123, rfc3339, seconds, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from athena.venues.exchange._depth import Books
    from athena.venues.exchange._settings import ExchangeSettings, Listing
    from athena.venues.exchange._state import Candle, Market, State

Result = dict[str, Any]
_DIVIDING = Context(prec=80)
_STATISTICS_MIN = 15  # bars that the day's figures are made of
_DEFAULT_LEVELS = 100
_MAX_LEVELS = 500
_MAX_PRINTS = 1_000


class PublicDesk:
    """Answers for one exchange."""

    __slots__ = ("_books", "_listings", "_settings", "_state")

    def __init__(
        self,
        state: State,
        listings: Mapping[str, Listing],
        settings: ExchangeSettings,
        books: Books,
    ) -> None:
        """Work on a state; `books` as they are shown, the rest as `Matching`."""
        self._state = state
        self._listings = listings
        self._settings = settings
        self._books = books

    def endpoints(self) -> dict[str, Callable[[Mapping[str, str]], Result]]:
        """Return what may be asked, by endpoint."""
        return {
            "AssetPairs": self._asset_pairs,
            "Assets": self._assets,
            "Depth": self._depth,
            "OHLC": self._ohlc,
            "SystemStatus": self._system_status,
            "Ticker": self._ticker,
            "Time": self._time,
            "Trades": self._trades,
        }

    def _time(self, fields: Mapping[str, str]) -> Result:
        del fields
        stamp_ns = self._state.stamp_ns
        return {"unixtime": stamp_ns // SECOND_NS, "rfc1123": rfc1123(stamp_ns)}

    def _system_status(self, fields: Mapping[str, str]) -> Result:
        del fields
        return {"status": self._state.system.value, "timestamp": rfc3339(self._state.stamp_ns)}

    def _assets(self, fields: Mapping[str, str]) -> Result:
        wanted = {name for name in fields.get("asset", "").split(",") if name}
        currencies = currencies_of(self._listings.values())
        return {
            asset_key(currency): {
                "aclass": "currency",
                "altname": asset_name(currency),
                "decimals": CURRENCY_DECIMALS,
                "display_decimals": CURRENCY_DECIMALS,
                "status": "enabled",
            }
            for currency in currencies
            if not wanted or wanted & {currency, asset_key(currency), asset_name(currency)}
        }

    def _asset_pairs(self, fields: Mapping[str, str]) -> Result:
        return {listing.key: self._rules(listing) for listing in self._chosen(fields)}

    def _ticker(self, fields: Mapping[str, str]) -> Result:
        return {
            listing.key: self._figures(listing)
            for listing in self._chosen(fields)
            if self._state.markets[listing.symbol].last
        }

    def _ohlc(self, fields: Mapping[str, str]) -> Result:
        listing = find_listing(self._listings.values(), fields.get("pair", ""))
        minutes = read_whole(fields, "interval") or 1
        if minutes not in INTERVALS_MIN:
            refuse_field("interval")
        since_s = read_whole(fields, "since")
        bars = self._state.markets[listing.symbol].candles.get(minutes, [])
        rows = [_row(bar, listing) for bar in bars if bar.start_s > since_s]
        last = bars[-2].start_s if len(bars) > 1 else since_s
        return {listing.key: rows, "last": last}

    def _depth(self, fields: Mapping[str, str]) -> Result:
        listing = find_listing(self._listings.values(), fields.get("pair", ""))
        n_levels = min(read_whole(fields, "count") or _DEFAULT_LEVELS, _MAX_LEVELS)
        depth = self._books.book(self._state.markets[listing.symbol], listing, n_levels)
        now_s = self._state.stamp_ns // SECOND_NS
        sides = {
            name: [
                [text(price, listing.price_decimals), text(size, 3), now_s]
                for price, size in levels.items()
            ]
            for name, levels in (("asks", depth.asks), ("bids", depth.bids))
        }
        return {listing.key: sides}

    def _trades(self, fields: Mapping[str, str]) -> Result:
        listing = find_listing(self._listings.values(), fields.get("pair", ""))
        since = read_whole(fields, "since")
        # Kraken takes seconds and, as `last` states it, nanoseconds.
        since_ns = since if since > DAY_NS * 365 else since * SECOND_NS
        count = min(read_whole(fields, "count") or _MAX_PRINTS, _MAX_PRINTS)
        prints = self._state.markets[listing.symbol].prints
        if since:
            shown = [item for item in prints if item.stamp_ns > since_ns][:count]
        else:
            shown = prints[-count:]
        rows = [
            [
                text(item.price, listing.price_decimals),
                text(item.quantity),
                seconds(item.stamp_ns),
                "b" if item.side is Side.BUY else "s",
                "m",
                "",
                item.number,
            ]
            for item in shown
        ]
        return {listing.key: rows, "last": str(shown[-1].stamp_ns if shown else since_ns)}

    def _chosen(self, fields: Mapping[str, str]) -> list[Listing]:
        names = [name for name in fields.get("pair", "").split(",") if name]
        every = self._listings.values()
        return [find_listing(every, name) for name in names] if names else list(every)

    def _rules(self, listing: Listing) -> Result:
        instrument = listing.instrument
        return {
            "altname": listing.altname,
            "wsname": listing.wsname,
            "aclass_base": "currency",
            "base": asset_key(instrument.base),
            "aclass_quote": "currency",
            "quote": asset_key(instrument.quote),
            "lot": "unit",
            "cost_decimals": CURRENCY_DECIMALS,
            "pair_decimals": listing.price_decimals,
            "lot_decimals": listing.quantity_decimals,
            "lot_multiplier": 1,
            "leverage_buy": [],
            "leverage_sell": [],
            "fees": [[0, self._settings.taker_fee_bps.scaleb(-2)]],
            "fees_maker": [[0, self._settings.maker_fee_bps.scaleb(-2)]],
            "fee_volume_currency": "ZUSD",
            "margin_call": 80,
            "margin_stop": 40,
            "ordermin": f"{max(instrument.min_quantity, instrument.lot):f}",
            "costmin": f"{instrument.min_notional:f}",
            "tick_size": f"{instrument.tick:f}",
            "status": self._state.system.value,
        }

    def _figures(self, listing: Listing) -> Result:
        market = self._state.markets[listing.symbol]
        best = self._books.book(market, listing, 1)
        decimals = listing.price_decimals
        today_ns = self._state.stamp_ns // DAY_NS * DAY_NS
        days = (day_of(market, since) for since in (today_ns, self._state.stamp_ns - DAY_NS))
        today, whole = days
        quotes = {
            name: [text(price, decimals), str(max(1, int(size))), text(size, 3)]
            for name, side in (("a", best.asks), ("b", best.bids))
            for price, size in side.items()
        }
        return {
            **quotes,
            "c": [text(market.last, decimals), text(market.last_quantity)],
            "v": [text(today.volume), text(whole.volume)],
            "p": [text(vwap(today, listing), decimals), text(vwap(whole, listing), decimals)],
            "t": [today.n_trades, whole.n_trades],
            "l": [text(today.low, decimals), text(whole.low, decimals)],
            "h": [text(today.high, decimals), text(whole.high, decimals)],
            "o": text(today.open, decimals),
        }


def currencies_of(listings: Iterable[Listing]) -> list[str]:
    """Return the currencies of pairs, sorted."""
    instruments = [listing.instrument for listing in listings]
    return sorted({name for item in instruments for name in (item.base, item.quote)})


def day_of(market: Market, since_ns: int) -> Candle:
    """Sum up the market since a time, to a quarter of an hour; at least its newest bar."""
    bars = market.candles[_STATISTICS_MIN]
    recent = [bar for bar in bars if bar.start_s * SECOND_NS >= since_ns] or bars[-1:]
    first, last = recent[0], recent[-1]
    return type(first)(
        start_s=first.start_s,
        open=first.open,
        high=max(bar.high for bar in recent),
        low=min(bar.low for bar in recent),
        close=last.close,
        volume=sum((bar.volume for bar in recent), Decimal(0)),
        turnover=sum((bar.turnover for bar in recent), Decimal(0)),
        n_trades=sum(bar.n_trades for bar in recent),
    )


def vwap(bar: Candle, listing: Listing) -> Decimal:
    """Return a bar's mean price by volume; its close without volume."""
    if not bar.volume:
        return bar.close
    price = _DIVIDING.divide(bar.turnover, bar.volume)
    return rounded(price, listing.price_decimals, ROUND_HALF_UP)


def _row(bar: Candle, listing: Listing) -> list[object]:
    decimals = listing.price_decimals
    shown = (bar.open, bar.high, bar.low, bar.close, vwap(bar, listing))
    return [
        bar.start_s,
        *(text(price, decimals) for price in shown),
        text(bar.volume),
        bar.n_trades,
    ]
