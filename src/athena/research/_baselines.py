"""What a run is compared with: the plain alternatives, on the same bars, at the same costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.research._record import Curve
from athena.research._results import follow_account, make_curve
from athena.research._simulation import simulate
from athena.research.statistics import random_baseline
from athena.research.strategies import load_strategy
from athena.trading import fill_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from athena.research._record import Trade
    from athena.research._session import ProgressSink
    from athena.research._setup import Setup
    from athena.trading import Ints, Strategy

_RANDOM_SEEDS = 1_000
_RANDOM_SEEDS_LEAST = 20
_RANDOM_TRIPS = 1_000_000  # dealt in all, at most: a second's work


@dataclass(frozen=True, slots=True)
class Baseline:
    """One alternative.

    Attributes:
        name: as shown.
        strategy: name and instance.
        setup: what it runs on; limits as its name says.
    """

    name: str
    strategy: tuple[str, Strategy]
    setup: Setup


def list_baselines(open_setup: Setup) -> list[Baseline]:
    """List the alternatives: hold each instrument, monthly equal weight, EMA 9/21 on 4 hours.

    They run without limits, which would make them something else than their name says.
    """
    baselines = [
        Baseline(f"hold {instrument.base}", load_strategy("hold", {}), _only(open_setup, k))
        for k, instrument in enumerate(open_setup.instruments)
    ]
    if len(open_setup.instruments) > 1:
        equal = load_strategy("monthly", {})
        baselines.append(Baseline("monthly equal weight", equal, open_setup))
    frame = load_strategy("ema_cross", {"frame": "4h", "fraction": "1"})
    first = open_setup.instruments[0].base
    baselines.append(Baseline(f"EMA 9/21 on 4 h, {first}", frame, _only(open_setup, 0)))
    return baselines


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
        [baseline.strategy],
        on_records=lambda words: groups.append(words.copy()),
        on_progress=on_progress,
    )
    fills = fill_columns(groups)
    book = follow_account(baseline.setup, fills)
    return make_curve(baseline.name, outcome, book.equity, groups)


def run_random(
    setup: Setup, closes: NDArray[np.float64], trades: Sequence[Trade], cost_frac: float
) -> Curve | None:
    """Deal the run's round trips at random times, many times over; the median one is the curve.

    Args:
        setup: of the run.
        closes: (T, S) in quote currency.
        trades: the run's round trips.
        cost_frac: cost per side.

    Returns:
        The curve, or None when the run has no round trip to deal.
    """
    if not trades:
        return None
    held = [
        max(1, round((trade.closed_at_ns - trade.opened_at_ns) / setup.interval_ns))
        for trade in trades
    ]
    mean_bars = max(1, min(len(closes) - 2, round(sum(held) / len(held))))
    n_seeds = max(_RANDOM_SEEDS_LEAST, min(_RANDOM_SEEDS, _RANDOM_TRIPS // len(trades)))
    dealt = random_baseline(
        closes,
        n_round_trips=len(trades),
        cost_frac=cost_frac,
        mean_holding_bars=mean_bars,
        n_seeds=n_seeds,
    )
    cash = float(setup.cash)
    return Curve(
        name=f"random, median of {n_seeds} seeds",
        equity=dealt.growth * cash,
        fees=Decimal(0),
        n_fills=2 * len(trades),
        n_orders=2 * len(trades),
    )
