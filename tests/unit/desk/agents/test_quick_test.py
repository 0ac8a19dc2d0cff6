"""Signals of the desk in the backtest: no skill in fair walks, costs that cost, no future."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.desk.agents import QuickTest, SignalSettings, SignalStrategy, StrategyName, quick_test
from athena.errors import InputError
from athena.research.statistics import holm
from tests.market_builder import HOUR_NS, after, bars_of, driftless_bars, run, setup_of

if TYPE_CHECKING:
    from athena.domain import Bars

N_BARS = 400
_TWO_ERRORS = 2 * NormalDist().cdf(-2.0)
_COSTS = {"taker_fee_bps": Decimal(26), "maker_fee_bps": Decimal(16)}
# What makes rare signals frequent enough to say something within so few bars of 0.15 %.
LIVELY = replace(
    SignalSettings(),
    momentum_frac=0.005,
    momentum_stop_frac=0.004,
    momentum_target_frac=0.008,
    reversion_stop_frac=0.004,
)


def walks(name: StrategyName, seed: int) -> list[Bars]:
    """Draw a fair walk; pairs get a second one that has nothing to do with it."""
    bars = [driftless_bars(N_BARS, seed, interval_ns=HOUR_NS)]
    if name is StrategyName.PAIRS:
        bars.append(driftless_bars(N_BARS, seed + 10_000, "BTC/USD", interval_ns=HOUR_NS))
    return bars


def measured(name: StrategyName, seed: int, **costs: Any) -> QuickTest:
    return quick_test(setup_of(walks(name, seed), is_touch=True, **costs), name, LIVELY)


def sharpe(found: QuickTest) -> float:
    return 0.0 if math.isnan(found.sharpe) else found.sharpe


def assert_no_skill(n_walks: int) -> None:
    """Hold all strategies together within two standard errors of 0, by Holm's correction."""
    errors = {}
    for name in StrategyName:
        values = [sharpe(measured(name, seed)) for seed in range(n_walks)]
        errors[name] = np.mean(values) / (np.std(values, ddof=1) / math.sqrt(n_walks))
    chances = np.array([2 * NormalDist().cdf(-abs(value)) for value in errors.values()])
    assert float(holm(chances).min()) > _TWO_ERRORS, errors


def test_no_signal_finds_skill_in_fair_walks() -> None:
    """DK-12, D01 on 20 walks; the slow suite has 200."""
    assert_no_skill(20)


@pytest.mark.slow
def test_two_hundred_fair_walks_show_no_skill() -> None:
    """DK-12, D01 in full."""
    assert_no_skill(200)


@pytest.mark.parametrize("name", StrategyName)
def test_costs_lower_every_walk_with_a_fill(name: StrategyName) -> None:
    """D01, after costs."""
    n_traded = 0
    for seed in range(8):
        free, paid = measured(name, seed), measured(name, seed, **_COSTS)
        if free.n_trades:
            n_traded += 1
            assert paid.total_return < free.total_return
            assert paid.sharpe < free.sharpe
    assert n_traded >= 2


@pytest.mark.parametrize("name", StrategyName)
def test_another_future_changes_no_decision_before_it(name: StrategyName) -> None:
    """D02."""
    rng = np.random.default_rng(7)
    bars = walks(name, 3)
    whole = run(setup_of(bars), SignalStrategy(name, LIVELY))
    assert len(whole.fills.side) > 0
    for cut in (150, 271, 398):
        other = [after(item, cut, rng) for item in bars]
        changed = run(setup_of(other), SignalStrategy(name, LIVELY))
        assert changed.words_until(cut) == whole.words_until(cut)


def rising_then_falling() -> Bars:
    closes = [20_000] * 30 + [20_000 + 40 * k for k in range(1, 41)] + [21_600] * 40
    open_ = [closes[0], *closes[:-1]]
    rows = zip(open_, closes, strict=True)
    high, low = zip(*((max(row) + 5, min(row) - 5) for row in rows), strict=True)
    times = [1_577_836_800 * 10**9 + HOUR_NS * k for k in range(len(closes))]
    return bars_of((times, open_, high, low, closes, [10**9] * len(closes)), interval_ns=HOUR_NS)


def test_a_quick_test_measures_what_a_trade_came_to() -> None:
    """A momentum entry on the way up ends at its target."""
    settings = replace(SignalSettings(), momentum_target_frac=0.02)
    found = quick_test(setup_of([rising_then_falling()]), StrategyName.MOMENTUM, settings)
    assert found.n_bars == 110
    assert found.n_trades >= 1
    assert found.win_rate.value == 1.0
    assert 0.003 < found.total_return < 0.012
    assert found.sharpe > 0
    assert found.max_drawdown < 0.01


def test_thirty_bars_are_needed() -> None:
    short = driftless_bars(29, 1, interval_ns=HOUR_NS)
    with pytest.raises(InputError, match="expected 30 or more bars, was 29"):
        quick_test(setup_of([short]), StrategyName.MOMENTUM)
    enough = driftless_bars(30, 1, interval_ns=HOUR_NS)
    found = quick_test(setup_of([enough]), StrategyName.MOMENTUM)
    assert (found.n_trades, found.total_return) == (0, 0.0)
    assert math.isnan(found.win_rate.value)
