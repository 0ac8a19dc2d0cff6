"""A local exchange for tests, and random flows of requests and trades through it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import SECOND_NS, built_in_instrument
from athena.venues.exchange import Exchange, ExchangeSettings, Listing
from athena.venues.kraken import Fields, HttpAnswer, read_result

if TYPE_CHECKING:
    import numpy as np

START_NS = 1_700_000_000 * SECOND_NS
SYMBOLS = ("BTC/USD", "XRP/USD", "XRP/BTC")
PAIRS = {"BTC/USD": "XBTUSD", "XRP/USD": "XRPUSD", "XRP/BTC": "XRPXBT"}
BALANCES = {"USD": Decimal(10_000), "BTC": Decimal("0.5"), "XRP": Decimal(5_000)}
_FIRST = {"BTC/USD": "30000.00", "XRP/USD": "0.50000", "XRP/BTC": "0.00001667"}


def listings(*symbols: str) -> list[Listing]:
    found = [built_in_instrument(symbol) for symbol in symbols or SYMBOLS]
    return [Listing(instrument) for instrument in found if instrument is not None]


def new_exchange(*symbols: str, **settings: Any) -> Exchange:
    """Open an exchange without latency and with prices, so that a test says only what it means."""
    asked: dict[str, Any] = {"seed": 0, "latency_ns": 0, "balances": BALANCES}
    exchange = Exchange(
        listings(*symbols), ExchangeSettings(**(asked | settings)), now_ns=START_NS
    )
    for symbol in symbols or SYMBOLS:
        exchange.trade(symbol, Decimal(_FIRST[symbol]), Decimal(1_000_000))
    return exchange


@dataclass
class Customer:
    """An account and its stream."""

    exchange: Exchange
    key: str = "me"
    connection: int = 0
    texts: list[str] = field(default_factory=list)

    def ask(self, endpoint: str, **fields: str) -> dict[str, Any]:
        """Ask, wait until latency is over, and return the answer."""
        fields = {
            name.replace("__", "[", 1) + "]" * ("__" in name): v for name, v in fields.items()
        }
        answer = json.loads(self.exchange.private(self.key, endpoint, fields))
        self.exchange.advance(self.exchange.now_ns)
        assert isinstance(answer, dict)
        return answer

    def get(self, endpoint: str, **fields: str) -> Any:
        answer = self.ask(endpoint, **fields)
        assert answer["error"] == [], answer
        return answer["result"]

    def code(self, endpoint: str, **fields: str) -> str:
        errors = self.ask(endpoint, **fields)["error"]
        assert len(errors) == 1
        return str(errors[0])

    def read(self, endpoint: str, **fields: str) -> Fields:
        """Ask as our translators do."""
        answer = HttpAnswer(200, self.exchange.private(self.key, endpoint, fields))
        return read_result(answer, endpoint)

    def order(self, side: str, volume: str, kind: str = "market", **fields: str) -> str:
        """Place an order of BTC/USD and return its id."""
        asked = {"pair": "XBTUSD", "oflags": "fciq"} | fields
        result = self.get("AddOrder", type=side, volume=volume, ordertype=kind, **asked)
        return str(result["txid"][0])

    def shown(self, order_id: str) -> dict[str, Any]:
        return dict(self.get("QueryOrders", txid=order_id, trades="true")[order_id])

    def balance(self, currency: str) -> Decimal:
        return Decimal(self.get("Balance").get(currency, "0"))

    def listen(self, *channels: str, symbols: tuple[str, ...] = (), **more: Any) -> None:
        """Subscribe, connecting first where needed."""
        if not self.connection:
            self.connection = self.exchange.connect()
        token = self.get("GetWebSocketsToken")["token"]
        for channel in channels:
            params: dict[str, Any] = {"channel": channel, "token": token, **more}
            if symbols:
                params["symbol"] = list(symbols)
            self.say({"method": "subscribe", "params": params})

    def say(self, message: dict[str, Any]) -> None:
        self.exchange.say(self.connection, json.dumps(message))

    def hear(self) -> list[dict[str, Any]]:
        """Take what the stream says to this connection."""
        texts = [
            text for number, text in self.exchange.take_messages() if number == self.connection
        ]
        self.texts += texts
        return [json.loads(text, parse_float=Decimal) for text in texts]

    def events(self, channel: str = "executions") -> list[dict[str, Any]]:
        """Take the entries of a channel's updates."""
        messages = [item for item in self.hear() if item.get("channel") == channel]
        return [entry for item in messages if item["type"] == "update" for entry in item["data"]]


def price_near(rng: np.random.Generator, exchange: Exchange, symbol: str) -> Decimal:
    """Draw a price within 2 % of the last, in ticks."""
    (listing,) = listings(symbol)
    answer = json.loads(exchange.public("Ticker", {"pair": PAIRS[symbol]}))
    last = Decimal(next(iter(answer["result"].values()))["c"][0])
    ticks = int(last / listing.instrument.tick * Decimal(str(round(rng.uniform(0.98, 1.02), 6))))
    return max(ticks, 1) * listing.instrument.tick


def random_step(rng: np.random.Generator, exchange: Exchange, keys: tuple[str, ...]) -> None:
    """Do one thing that a market or a customer might do."""
    symbol = str(rng.choice(SYMBOLS))
    (listing,) = listings(symbol)
    roll = rng.random()
    if roll < 0.35:
        size = Decimal(int(rng.integers(1, 20_000)))
        size = size / 1000 if symbol == "BTC/USD" else size
        exchange.trade(symbol, price_near(rng, exchange, symbol), size)
    elif roll < 0.5:
        exchange.advance(exchange.now_ns + int(rng.integers(0, 3 * SECOND_NS)))
    elif roll < 0.9:
        _random_order(rng, exchange, str(rng.choice(keys)), symbol)
    else:
        _random_change(rng, exchange, str(rng.choice(keys)), listing)


def _random_order(rng: np.random.Generator, exchange: Exchange, key: str, symbol: str) -> None:
    kind = str(
        rng.choice(
            ["market", "limit", "limit", "stop-loss", "stop-loss-limit", "take-profit",
             "take-profit-limit"]
        )
    )  # fmt: skip
    volume = Decimal(int(rng.integers(1, 200)))
    volume = volume / 1000 if symbol == "BTC/USD" else volume * 10
    fields = {
        "pair": PAIRS[symbol],
        "type": str(rng.choice(["buy", "sell"])),
        "ordertype": kind,
        "volume": f"{volume:f}",
        "cl_ord_id": f"{int(rng.integers(0, 1 << 60)):032x}",
        "oflags": str(rng.choice(["fciq", "fcib", "fciq,post", ""]))
        if kind == "limit"
        else "fciq",
    }
    if kind != "market":
        fields["price"] = f"{price_near(rng, exchange, symbol):f}"
        fields["timeinforce"] = str(rng.choice(["GTC", "GTC", "IOC", "FOK"]))
    if kind.startswith(("stop", "take")) and kind.endswith("limit"):
        fields["price2"] = f"{price_near(rng, exchange, symbol):f}"
    if rng.random() < 0.2:
        close = {"close[ordertype]": "stop-loss", "close[price]": fields.get("price", "1")}
        fields |= close if kind != "market" else {}
    exchange.private(key, "AddOrder", fields)


def _random_change(
    rng: np.random.Generator, exchange: Exchange, key: str, listing: Listing
) -> None:
    orders = json.loads(exchange.private(key, "OpenOrders", {}))["result"]["open"]
    if not orders:
        return
    name = sorted(orders)[int(rng.integers(len(orders)))]
    if rng.random() < 0.5:
        exchange.private(key, "CancelOrder", {"txid": name})
        return
    size = Decimal(orders[name]["vol"]) + int(rng.integers(-5, 6)) * listing.instrument.lot
    exchange.private(key, "AmendOrder", {"txid": name, "order_qty": f"{size:f}"})
