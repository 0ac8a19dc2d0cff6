"""A sweep tells luck from skill: found where it was planted, not where the bars are shuffled."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS
from athena.research.sweep import run_sweep
from tests.conftest import IS_FULL
from tests.market_builder import START_NS, bars_of
from tests.sweep_builder import config_of, store, sweep_request

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from athena.domain import Bars
    from athena.research.sweep import SweepResult

N_DAYS = 800
N_SEEDS = 40 if IS_FULL else 12
# Without costs: with them, what trades least is best everywhere, and choosing it is no luck.
FREE = config_of(taker_fee_bps=Decimal(0), maker_fee_bps=Decimal(0), base_cost_bps=Decimal(0))


def trending_returns() -> NDArray[np.float64]:
    """Draw days of 2 % deviation whose drift turns every thirty days."""
    rng = np.random.Generator(np.random.PCG64(7))
    drift = np.where(np.arange(N_DAYS) // 30 % 2 == 0, 0.012, -0.012)
    return drift + 0.02 * rng.standard_normal(N_DAYS)


def bars_from(returns: NDArray[np.float64]) -> Bars:
    """Build daily bars without a range, each opening at the close before."""
    close = np.round(100_000 * np.exp(np.cumsum(returns - returns.mean()))).astype(np.int64)
    open_ = np.concatenate(([100_000], close[:-1]))
    times = START_NS + DAY_NS * np.arange(len(returns))
    volume = np.full(len(returns), 10**9)
    return bars_of(
        (times, open_, np.maximum(open_, close), np.minimum(open_, close), close, volume),
        interval_ns=DAY_NS,
    )


def swept(returns: NDArray[np.float64], home: Path) -> SweepResult:
    store(bars_from(returns), home)
    request = sweep_request("fast=1,2,4,8", "slow=10,20,40,80", parameters={"fraction": "1"})
    return run_sweep(request, FREE, home, now_ns=START_NS, n_workers=1)


def test_a_planted_trend_is_found_and_is_not_luck(tmp_path: Path) -> None:
    result = swept(trending_returns(), tmp_path)
    best = result.best
    assert best is not None
    assert int(best.parameters["slow"]) <= 20
    assert best.out_of_sample_sharpe > 2
    assert result.deflated_sharpe > 0.95
    assert result.overfitting.pbo < 0.1
    (warning,) = result.warnings  # a planted ratio is too good to be true, and that is told
    assert "annual Sharpe ratio of" in warning


def test_shuffled_bars_give_the_base_rate(tmp_path: Path) -> None:
    """The same returns in another order: choosing is worth nothing, and the sweep says so."""
    results = []
    for seed in range(N_SEEDS):
        rng = np.random.Generator(np.random.PCG64(seed))
        results.append(swept(rng.permutation(trending_returns()), tmp_path / str(seed)))
    chances = np.array([result.overfitting.pbo for result in results])
    standard_error = chances.std(ddof=1) / np.sqrt(len(chances))
    assert abs(chances.mean() - 0.5) < 3 * standard_error
    assert standard_error < 0.1
    n_significant = sum(result.deflated_sharpe > 0.95 for result in results)
    assert n_significant <= max(1, round(0.1 * len(results)))
