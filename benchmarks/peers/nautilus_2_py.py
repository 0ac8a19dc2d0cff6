"""NautilusTrader 2 on the benchmark's jobs: the most complete event-driven peer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import nautilus_trader
import peer
from nautilus_trader import model
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.trading import Strategy, StrategyConfig

SYMBOL = "BTCUSDT.SIM"
BAR_TYPE = f"{SYMBOL}-1-MINUTE-LAST-EXTERNAL"


class Cross(Strategy):
    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self.instrument_id = model.InstrumentId.from_str(SYMBOL)
        self.bar_type = model.BarType.from_str(BAR_TYPE)
        self.quantity = model.Quantity.from_str("1.000")
        self.fast = SimpleMovingAverage(peer.FAST)
        self.slow = SimpleMovingAverage(peer.SLOW)

    def on_start(self) -> None:
        for average in (self.fast, self.slow):
            self.register_indicator_for_bars(self.bar_type, average)
        self.subscribe_bars(self.bar_type)

    def difference(self) -> float:
        return self.fast.value - self.slow.value if self.slow.initialized else 0.0

    def on_bar(self, bar: Any) -> None:  # noqa: ARG002 - the peer's signature
        difference = self.difference()
        if difference > peer.MARGIN and self.portfolio.is_net_flat(self.instrument_id):
            self.market(model.OrderSide.BUY)
        elif difference < -peer.MARGIN and self.portfolio.is_net_long(self.instrument_id):
            self.market(model.OrderSide.SELL)

    def market(self, side: Any) -> None:
        self.submit_order(self.order_factory.market(self.instrument_id, side, self.quantity))


class Bracket(Cross):
    def on_bar(self, bar: Any) -> None:
        if self.difference() > peer.MARGIN and self.portfolio.is_net_flat(self.instrument_id):
            stop, target = peer.protections(float(bar.close))
            self.submit_order_list(
                self.order_factory.bracket(
                    instrument_id=self.instrument_id,
                    order_side=model.OrderSide.BUY,
                    quantity=self.quantity,
                    sl_trigger_price=model.Price(stop, 2),
                    tp_price=model.Price(target, 2),
                )
            )


def new_engine() -> Any:
    quote, base = model.Currency.from_str("USDT"), model.Currency.from_str("BTC")
    fee = Decimal(str(peer.FEE_FRAC))
    engine = BacktestEngine(BacktestEngineConfig(bypass_logging=True, run_analysis=False))
    engine.add_venue(
        venue=model.Venue("SIM"),
        oms_type=model.OmsType.NETTING,
        account_type=model.AccountType.CASH,
        starting_balances=[model.Money(peer.CASH, quote), model.Money(0.0, base)],
        fee_model=MakerTakerFeeModel(fee, fee),
    )
    engine.add_instrument(
        model.CurrencyPair(
            instrument_id=model.InstrumentId.from_str(SYMBOL),
            raw_symbol=model.Symbol("BTCUSDT"),
            base_currency=base,
            quote_currency=quote,
            price_precision=2,
            size_precision=3,
            price_increment=model.Price(0.01, 2),
            size_increment=model.Quantity(0.001, 3),
            ts_event=0,
            ts_init=0,
        )
    )
    return engine


def bar_objects() -> list[Any]:
    bars = peer.load_bars()
    bar_type = model.BarType.from_str(BAR_TYPE)
    close_ns = ((bars["ts"] + peer.MINUTE_S) * peer.NS_PER_S).tolist()
    prices = [bars[name].tolist() for name in peer.PRICES]
    return [
        model.Bar(bar_type, *(model.Price(p, 2) for p in row[:4]), model.Quantity(row[4], 3), t, t)
        for t, row in zip(
            close_ns, zip(*prices, bars["volume"].tolist(), strict=True), strict=True
        )
    ]


def prepare() -> Any:
    engine = new_engine()
    engine.add_data(bar_objects())
    engine.add_strategy((Bracket if peer.job() == "B" else Cross)(StrategyConfig()))
    return engine


def run(engine: Any) -> Any:
    engine.run()
    return engine


def equity(engine: Any) -> float:
    """Return cash, and the base currency at the last close."""
    summary = engine.get_result().summary
    totals = {
        name: float(value.split()[0])
        for name, value in summary.items()
        if name.endswith(("balance.USDT.total", "balance.BTC.total"))
    }
    price = {"USDT": 1.0, "BTC": float(peer.load_bars()["close"][-1])}
    return sum(total * price[name.split(".")[-2]] for name, total in totals.items())


engine, cpu_s, wall_s = peer.measure(prepare, run)
peer.answer(
    f"nautilus_trader {nautilus_trader.__version__}",
    cpu_s,
    wall_s,
    fills=None,
    final_equity=equity(engine),
)
