"""What a run is compared with: the plain alternatives, on the same bars, at the same costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import HOUR_NS, format_interval
from athena.research._record import Curve
from athena.research.engine import simulate
from athena.research.runs._candles import closes_of
from athena.research.runs._results import follow_account, make_curve
from athena.research.statistics import random_baseline
from athena.research.strategies import load_strategy
from athena.trading import fill_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from athena.research._record import Trade
    from athena.research.engine import ProgressSink, Setup, ShareChange
    from athena.trading import Ints, Strategy

_FRAME_NS = 4 * HOUR_NS
_FEE_DIGITS = 2  # it is a float's
_SMALLEST_FRACTION = 1e-6
_RANDOM_SEEDS = 1_000
_RANDOM_SEEDS_LEAST = 20
_RANDOM_TRIPS = 1_000_000  # dealt in all, at most: a second's work


@dataclass(frozen=True, slots=True)
class Baseline:
    """One alternative.

    Attributes:
        name: as shown.
        strategies: names and instances.
        setup: what it runs on; limits as its name says.
        shares: what their shares of the equity change to.
    """

    name: str
    strategies: Sequence[tuple[str, Strategy]]
    setup: Setup
    shares: Sequence[ShareChange] = ()


def list_baselines(open_setup: Setup) -> list[Baseline]:
    """List the alternatives: hold each instrument, monthly equal weight, EMA 9/21 on 4 hours.

    On bars that are no part of 4 hours, the last one looks at the run's own, and says so.

    They run without limits, which would make them something else than their name says.
    """
    baselines = [
        Baseline(f"hold {instrument.base}", [load_strategy("hold", {})], _only(open_setup, k))
        for k, instrument in enumerate(open_setup.instruments)
    ]
    if len(open_setup.instruments) > 1:
        equal = load_strategy("monthly", {})
        baselines.append(Baseline("monthly equal weight", [equal], open_setup))
    return [*baselines, _exponential(_only(open_setup, 0))]


def _exponential(setup: Setup) -> Baseline:
    """Follow EMA 9/21 on 4 hours, or on the run's own bars where they do not add up to that."""
    is_within = setup.interval_ns < _FRAME_NS and _FRAME_NS % setup.interval_ns == 0
    parameters = {"fraction": "1"}
    length = format_interval(setup.interval_ns)
    if is_within:
        length = format_interval(_FRAME_NS)
        parameters["frame"] = length
    name = f"EMA 9/21 on {length[:-1]} {length[-1]}, {setup.instruments[0].base}"
    return Baseline(name, [load_strategy("ema_cross", parameters)], setup)


def _only(setup: Setup, k: int) -> Setup:
    """Narrow a setup to one instrument, on the same time line."""
    columns = setup.columns
    one = slice(k, k + 1)
    narrowed = columns._replace(
        open=columns.open[one],
        high=columns.high[one],
        low=columns.low[one],
        close=columns.close[one],
        volume=columns.volume[one],
        risk=columns.risk[one],
        correlation=columns.correlation[:, one, one].copy(),
    )
    return replace(
        setup,
        instruments=setup.instruments[one],
        instrument_limits=setup.instrument_limits[one],
        columns=narrowed,
    )


def run_baseline(baseline: Baseline, on_progress: ProgressSink) -> Curve:
    """Run one alternative; its records are read and dropped."""
    groups: list[Ints] = []
    outcome = simulate(
        baseline.setup,
        baseline.strategies,
        shares=baseline.shares,
        on_records=lambda words: groups.append(words.copy()),
        on_progress=on_progress,
    )
    fills = fill_columns(groups)
    book = follow_account(baseline.setup, fills)
    return make_curve(baseline.name, outcome, book.equity, groups)


def run_random(
    setup: Setup,
    equity: NDArray[np.float64],
    trades: Sequence[Trade],
    *,
    fee_frac: float,
    slippage_frac: float,
) -> Curve | None:
    """Deal the run's round trips at random times, many times over; the median one is the curve.

    The trips are of the run's mean length and of its mean size in parts of the account. Fees are
    those of the median seed's turnover.

    Args:
        setup: of the run.
        equity: (T,) account value of the run at each close.
        trades: the run's round trips.
        fee_frac: fee per side.
        slippage_frac: what else a side costs.

    Returns:
        The curve, or None when the run has no round trip to deal, or a side costs all there is.
    """
    cost_frac = fee_frac + slippage_frac
    if not trades or cost_frac >= 1:
        return None
    closes = closes_of(setup)
    held = [
        max(1, round((trade.closed_at_ns - trade.opened_at_ns) / setup.interval_ns))
        for trade in trades
    ]
    mean_bars = max(1, min(len(closes) - 2, round(sum(held) / len(held))))
    n_seeds = max(_RANDOM_SEEDS_LEAST, min(_RANDOM_SEEDS, _RANDOM_TRIPS // len(trades)))
    size = mean_size(setup, equity, trades)
    dealt = random_baseline(
        closes,
        n_round_trips=len(trades),
        cost_frac=cost_frac,
        mean_holding_bars=mean_bars,
        n_seeds=n_seeds,
        # A sleeve holds one part in S of the account, so the same trade is S times as large in it.
        fraction=min(1.0, max(_SMALLEST_FRACTION, size * closes.shape[1])),
    )
    if dealt.n_round_trips == 0:
        return None
    cash = float(setup.cash)
    return Curve(
        name=f"random, median of {n_seeds} seeds",
        equity=dealt.growth * cash,
        fees=Decimal(repr(round(dealt.turnover * fee_frac * cash, _FEE_DIGITS))),
        n_fills=2 * dealt.n_round_trips,
        n_orders=2 * dealt.n_round_trips,
    )


def mean_size(setup: Setup, equity: NDArray[np.float64], trades: Sequence[Trade]) -> float:
    """Return the mean of what trades were entered for, in parts of the account before each.

    A trade on an account of nothing counts as all of it.
    """
    opened_ns = np.array([trade.opened_at_ns for trade in trades])
    steps = np.searchsorted(setup.columns.close_ns, opened_ns, side="right")
    before = np.concatenate(([float(setup.cash)], equity))[steps]
    entered = np.array([float(trade.quantity * trade.entry_price) for trade in trades])
    parts = np.ones(len(trades))
    np.divide(entered, before, out=parts, where=before > 0)
    return float(parts.mean())
