"""hftbacktest on job A: a peer for the full order book, with a compiled strategy.

It knows no bars: each becomes four changes of the book, which ends with the ask at the close and
the bid a tick under it, and the strategy wakes once a minute. It has no bracket orders.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import peer
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    GTC,
    LOCAL_EVENT,
    MARKET,
    SELL_EVENT,
    BacktestAsset,
    ROIVectorMarketDepthBacktest,
    event_dtype,
)
from numba import njit

TICK, LOT = 0.01, 0.001
HIGHEST_PRICE = 5000.0
FAST, SLOW, MARGIN = peer.FAST, peer.SLOW, peer.MARGIN


@njit
def cross(backtest: Any) -> None:
    ring = np.zeros(SLOW)
    fast_sum = slow_sum = 0.0
    count = n_orders = 0
    while backtest.elapse(60_000_000_000) == 0:
        ticks = np.round(backtest.depth(0).best_ask_tick)
        fast_sum += ticks - ring[(count - FAST) % SLOW]
        slow_sum += ticks - ring[count % SLOW]
        ring[count % SLOW] = ticks
        count += 1
        if count < SLOW:
            continue
        difference = fast_sum / FAST - slow_sum / SLOW
        held = backtest.position(0)
        if difference > MARGIN and held == 0:
            n_orders += 1
            backtest.submit_buy_order(0, n_orders, ticks * 0.01, 1.0, GTC, MARKET, True)
            backtest.clear_inactive_orders(0)
        elif difference < -MARGIN and held > 0:
            n_orders += 1
            backtest.submit_sell_order(0, n_orders, ticks * 0.01, 1.0, GTC, MARKET, True)
            backtest.clear_inactive_orders(0)


def events() -> Any:
    bars = peer.load_bars()
    ts_ns = (bars["ts"] + peer.MINUTE_S) * peer.NS_PER_S
    close = bars["close"]
    before = np.concatenate((close[:1], close[:-1]))
    changes = (
        (BUY_EVENT, before - TICK, 0.0),
        (SELL_EVENT, before, 0.0),
        (BUY_EVENT, close - TICK, 1000.0),
        (SELL_EVENT, close, 1000.0),
    )
    table = np.zeros(len(changes) * len(close), event_dtype)
    for k, (side, price, quantity) in enumerate(changes):
        rows = table[k :: len(changes)]
        rows["ev"] = np.uint64(DEPTH_EVENT | EXCH_EVENT | LOCAL_EVENT | side)
        rows["exch_ts"] = rows["local_ts"] = ts_ns
        rows["px"] = np.round(price, 2)
        rows["qty"] = quantity
    return table


def run(table: Any) -> tuple[int, float]:
    asset = (
        BacktestAsset()
        .data(table)
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(peer.FEE_FRAC, peer.FEE_FRAC)
        .tick_size(TICK)
        .lot_size(LOT)
        .roi_lb(0.0)
        .roi_ub(HIGHEST_PRICE)
    )
    backtest = ROIVectorMarketDepthBacktest([asset])
    cross(backtest)
    state = backtest.state_values(0)
    cash = peer.CASH + state.balance - state.fee
    found = int(state.num_trades), float(cash + state.position * peer.load_bars()["close"][-1])
    backtest.close()
    return found


table = events()
run(table[:4_000])
(n_fills, equity), cpu_s, wall_s = peer.measure(lambda: table, run)
peer.answer(
    f"hftbacktest {version('hftbacktest')}", cpu_s, wall_s, fills=n_fills, final_equity=equity
)
