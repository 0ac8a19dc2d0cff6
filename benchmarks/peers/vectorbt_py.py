"""vectorbt on the benchmark's jobs: the best vectorised peer.

It has no order states, no risk checks and no journal. The first run, which compiles, does
not count.
"""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd
import peer

warnings.filterwarnings("ignore")

import vectorbt as vbt  # noqa: E402 - it warns when it is imported


def prepare() -> Any:
    bars = peer.load_bars()
    times = pd.to_datetime(bars.pop("ts"), unit="s")
    return pd.DataFrame(bars, index=times)


def simulate(frame: Any) -> tuple[Any, int]:
    fast = vbt.MA.run(frame["close"], peer.FAST).ma
    slow = vbt.MA.run(frame["close"], peer.SLOW).ma
    enter = (fast > slow + peer.MARGIN).shift(1, fill_value=False)
    leave = (fast < slow - peer.MARGIN).shift(1, fill_value=False)
    options: dict[str, Any] = {
        "init_cash": peer.CASH,
        "fees": peer.FEE_FRAC,
        "size": 1.0,
        "freq": "1min",
        "price": frame["open"],
    }
    if peer.job() == "B":
        leave = None
        options |= {name: frame[name] for name in ("open", "high", "low")}
        options |= {"sl_stop": peer.STOP_FRAC, "tp_stop": peer.TARGET_FRAC}
        options["stop_entry_price"] = "fillprice"
    portfolio = vbt.Portfolio.from_signals(frame["close"], enter, leave, **options)
    return portfolio, len(portfolio.orders.records)


simulate(prepare())
(portfolio, n_fills), cpu_s, wall_s = peer.measure(prepare, simulate)
peer.answer(
    f"vectorbt {vbt.__version__}",
    cpu_s,
    wall_s,
    fills=n_fills,
    final_equity=float(portfolio.final_value()),
)
