"""freqtrade's backtester on the benchmark's jobs, off-line: only its list of markets is made up.

Timed are indicators, signals and the loop over the bars; the report is not.
"""

from __future__ import annotations

import logging
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, PropertyMock, patch

import freqtrade
import pandas as pd
import peer
from freqtrade.data.history import get_timerange
from freqtrade.enums import CandleType, RunMode
from freqtrade.optimize.backtesting import Backtesting

PAIR = "BTC/USDT"
TICK_SIZE_MODE = 4  # how its exchange library says that precisions are sizes
BOUNDS = {"min": None, "max": None}
MARKET = {
    "id": "BTCUSDT",
    "symbol": PAIR,
    "base": "BTC",
    "quote": "USDT",
    "active": True,
    "type": "spot",
    "spot": True,
    **dict.fromkeys(("margin", "swap", "future", "option", "contract"), False),
    "linear": None,
    "maker": peer.FEE_FRAC,
    "taker": peer.FEE_FRAC,
    "percentage": True,
    "precision": {"price": 0.01, "amount": 1e-8},
    "limits": {
        "amount": {"min": 1e-8, "max": 1e9},
        "price": BOUNDS,
        "cost": BOUNDS,
        "leverage": BOUNDS,
    },
    "info": {},
}
# what it would ask the exchange -> what it is told
ANSWERS = {
    "_load_async_markets": MagicMock(return_value={}),
    "reload_markets": MagicMock(),
    "validate_config": MagicMock(),
    "validate_timeframes": MagicMock(),
    "markets": PropertyMock(return_value={PAIR: MARKET}),
    "precisionMode": PropertyMock(return_value=TICK_SIZE_MODE),
    "precision_mode_price": PropertyMock(return_value=TICK_SIZE_MODE),
}


def configuration(folder: Path) -> dict[str, Any]:
    pricing = {"price_side": "other", "use_order_book": False}
    return {
        "strategy": "FreqtradeBracket" if peer.job() == "B" else "FreqtradeCross",
        "strategy_path": str(Path(__file__).parent),
        "user_data_dir": folder,
        "datadir": folder,
        "exportdirectory": folder,
        "exportfilename": folder / "none",
        "export": "none",
        "backtest_cache": "none",
        "runmode": RunMode.BACKTEST,
        "timeframe": "1m",
        "dry_run": True,
        "dry_run_wallet": peer.CASH,
        "stake_currency": "USDT",
        "stake_amount": 1000.0,
        "tradable_balance_ratio": 1.0,
        "max_open_trades": 1,
        "fee": peer.FEE_FRAC,
        "trading_mode": "spot",
        "margin_mode": "",
        "candle_type_def": CandleType.SPOT,
        "dataformat_ohlcv": "feather",
        "exchange": {
            "name": "binance",
            "key": "",
            "secret": "",
            "pair_whitelist": [PAIR],
            "pair_blacklist": [],
        },
        "pairlists": [{"method": "StaticPairList"}],
        "entry_pricing": pricing,
        "exit_pricing": pricing,
        "unfilledtimeout": {"entry": 10, "exit": 10, "unit": "minutes"},
        "order_types": {
            "entry": "market",
            "exit": "market",
            "stoploss": "market",
            "stoploss_on_exchange": False,
        },
        "internals": {},
    }


def prepare() -> tuple[Any, Any]:
    bars = peer.load_bars()
    frame = pd.DataFrame({"date": pd.to_datetime(bars.pop("ts"), unit="s", utc=True), **bars})
    backtesting = Backtesting(configuration(Path(tempfile.mkdtemp())))
    backtesting._set_strategy(backtesting.strategylist[0])
    return backtesting, frame


def run(prepared: tuple[Any, Any]) -> Any:
    backtesting, frame = prepared
    processed = backtesting.strategy.advise_all_indicators({PAIR: frame})
    start, end = get_timerange(processed)
    found = backtesting.backtest(processed=processed, start_date=start, end_date=end)
    return found["results"]


logging.disable(logging.CRITICAL)
with ExitStack() as patches:
    for name, told in ANSWERS.items():
        patches.enter_context(patch(f"freqtrade.exchange.exchange.Exchange.{name}", told))
    trades, cpu_s, wall_s = peer.measure(prepare, run)
peer.answer(
    f"freqtrade {freqtrade.__version__}",
    cpu_s,
    wall_s,
    fills=2 * len(trades),
    final_equity=peer.CASH + float(trades["profit_abs"].sum()),
)
