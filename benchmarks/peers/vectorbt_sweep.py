"""vectorbt on the benchmark's sweep: 1,000 pairs of simple means over 100,000 bars.

It is asked for orders and final equity only, no Sharpe ratio; each mean is computed once for all
pairs, and some pairs at a time keep its tables within memory. It has no order states, no risk
checks and no records. The first pass, which compiles, does not count. Usage is SCRIPT A N_BARS
AT_ONCE.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd
import peer

warnings.filterwarnings("ignore")

import vectorbt as vbt  # noqa: E402 - it warns when it is imported

AT_ONCE = int(sys.argv[3])

bars = peer.load_bars()
times = pd.to_datetime(bars.pop("ts"), unit="s")
frame = pd.DataFrame(bars, index=times)
pairs = [(fast, slow) for fast in range(2, 42) for slow in range(50, 300, 10)]


def simulate(pairs: list[tuple[int, int]] = pairs) -> list[tuple[int, float]]:
    windows = sorted({window for pair in pairs for window in pair})
    means = vbt.MA.run(frame["close"], windows).ma.to_numpy()
    column = {window: k for k, window in enumerate(windows)}
    found = []
    for first in range(0, len(pairs), AT_ONCE):
        chunk = pairs[first : first + AT_ONCE]
        fast = means[:, [column[pair[0]] for pair in chunk]]
        slow = means[:, [column[pair[1]] for pair in chunk]]
        enter = np.zeros(fast.shape, np.bool_)
        leave = np.zeros(fast.shape, np.bool_)
        enter[1:] = (fast > slow + peer.MARGIN)[:-1]
        leave[1:] = (fast < slow - peer.MARGIN)[:-1]
        portfolio = vbt.Portfolio.from_signals(
            frame["close"],
            enter,
            leave,
            init_cash=peer.CASH,
            fees=peer.FEE_FRAC,
            size=1.0,
            freq="1min",
            price=frame["open"].to_numpy()[:, None],
        )
        counts = portfolio.orders.count()
        found += list(zip(counts.tolist(), portfolio.final_value().tolist(), strict=True))
    return found


peer.timed(lambda: simulate(pairs[:AT_ONCE]))
found, cpu_s, wall_s = min((peer.timed(simulate) for _ in range(2)), key=lambda run: run[1])
peer.answer(
    f"vectorbt {vbt.__version__}",
    cpu_s,
    wall_s,
    combinations=len(pairs),
    fills=[n for n, _ in found],
    final_equity=[value for _, value in found],
)
