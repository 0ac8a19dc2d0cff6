"""NautilusTrader 1 on the benchmark's jobs: the most used release of the event-driven peer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import nautilus_trader
import pandas as pd
import peer
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model import currencies
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy

VENUE = Venue("SIM")
INSTRUMENT_ID = InstrumentId(Symbol("BTCUSDT"), VENUE)
BAR_TYPE = BarType.from_str(f"{INSTRUMENT_ID}-1-MINUTE-LAST-EXTERNAL")


class Cross(Strategy):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.quantity = Quantity(1.0, 3)
        self.fast = SimpleMovingAverage(peer.FAST)
        self.slow = SimpleMovingAverage(peer.SLOW)

    def on_start(self) -> None:
        for average in (self.fast, self.slow):
            self.register_indicator_for_bars(BAR_TYPE, average)
        self.subscribe_bars(BAR_TYPE)

    def difference(self) -> float:
        return self.fast.value - self.slow.value if self.slow.initialized else 0.0

    def on_bar(self, bar: Any) -> None:  # noqa: ARG002 - the peer's signature
        difference = self.difference()
        if difference > peer.MARGIN and self.portfolio.is_flat(INSTRUMENT_ID):
            self.market(OrderSide.BUY)
        elif difference < -peer.MARGIN and self.portfolio.is_net_long(INSTRUMENT_ID):
            self.market(OrderSide.SELL)

    def market(self, side: Any) -> None:
        self.submit_order(self.order_factory.market(INSTRUMENT_ID, side, self.quantity))


class Bracket(Cross):
    def on_bar(self, bar: Any) -> None:
        if self.difference() > peer.MARGIN and self.portfolio.is_flat(INSTRUMENT_ID):
            stop, target = peer.protections(float(bar.close))
            self.submit_order_list(
                self.order_factory.bracket(
                    instrument_id=INSTRUMENT_ID,
                    order_side=OrderSide.BUY,
                    quantity=self.quantity,
                    time_in_force=TimeInForce.GTC,
                    sl_trigger_price=Price(stop, 2),
                    tp_price=Price(target, 2),
                )
            )


def new_instrument() -> Any:
    fee = Decimal(str(peer.FEE_FRAC))
    return CurrencyPair(
        instrument_id=INSTRUMENT_ID,
        raw_symbol=INSTRUMENT_ID.symbol,
        base_currency=currencies.BTC,
        quote_currency=currencies.USDT,
        price_precision=2,
        size_precision=3,
        price_increment=Price(0.01, 2),
        size_increment=Quantity(0.001, 3),
        maker_fee=fee,
        taker_fee=fee,
        ts_event=0,
        ts_init=0,
    )


def prepare() -> Any:
    instrument = new_instrument()
    bars = peer.load_bars()
    close_times = pd.to_datetime(bars.pop("ts") + peer.MINUTE_S, unit="s", utc=True)
    frame = pd.DataFrame(bars, index=close_times)
    logging = LoggingConfig(bypass_logging=True)
    engine = BacktestEngine(BacktestEngineConfig(logging=logging, run_analysis=False))
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        base_currency=None,
        starting_balances=[Money(peer.CASH, currencies.USDT), Money(0, currencies.BTC)],
        bar_execution=True,
    )
    engine.add_instrument(instrument)
    engine.add_data(BarDataWrangler(BAR_TYPE, instrument).process(frame))
    engine.add_strategy((Bracket if peer.job() == "B" else Cross)(StrategyConfig()))
    return engine


def run(engine: Any) -> Any:
    engine.run()
    return engine


def equity(engine: Any) -> float:
    """Return cash, and the base currency at the last close."""
    account = engine.kernel.portfolio.account(VENUE)
    held = account.balance_total(currencies.BTC)
    price = float(peer.load_bars()["close"][-1])
    cash = account.balance_total(currencies.USDT).as_double()
    return float(cash + (held.as_double() * price if held else 0.0))


engine, cpu_s, wall_s = peer.measure(prepare, run)
peer.answer(
    f"nautilus_trader {nautilus_trader.__version__}",
    cpu_s,
    wall_s,
    fills=sum(float(order.filled_qty) > 0 for order in engine.kernel.cache.orders()),
    final_equity=equity(engine),
)
