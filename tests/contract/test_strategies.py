"""What every built-in strategy keeps; they are found by registry, so a new one cannot forget."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.market import correlations
from athena.research.statistics import holm
from athena.research.strategies import BUILT_IN, load_strategy, parameters_of
from tests.market_builder import HOUR_NS, Simulated, after, driftless_bars, run, setup_of
from tests.planted_strategies import Honest, Leaking, Peeking

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.domain import Bars
    from athena.research import Setup
    from athena.trading import Strategy

CASES = [(name, kind) for name, info in BUILT_IN.items() for kind in info.kinds]
N_BARS = 1_500
_COSTS = {"taker_fee_bps": Decimal(26), "maker_fee_bps": Decimal(16)}
# What makes rare signals frequent enough to say something within so few bars.
_LIVELY: dict[str, dict[str, str]] = {
    "hold": {"fraction": "0.5"},
    "sma_bracket": {"stop": "0.005", "target": "0.008"},
    "momentum": {"length": "5", "threshold": "0.005"},
    "mean_reversion": {"threshold": "1.5"},
    "breakout": {"within": "20"},
    "rebalance": {"weights": "0.5", "tolerance": "0.005"},
    "monthly": {"weights": "0.5"},
}
# Both act by the calendar: on minutes they would never be asked.
_BY_CALENDAR = {"rebalance", "monthly"}


def made(name: str, kind: str = "woken") -> Strategy:
    return load_strategy(name, _LIVELY.get(name, {}), kind=kind)[1]


def walk(name: str, seed: int) -> Bars:
    interval_ns = HOUR_NS if name in _BY_CALENDAR else 60 * 10**9
    return driftless_bars(N_BARS, seed, interval_ns=interval_ns)


def sharpe(simulated: Simulated) -> float:
    """Return the mean over the deviation of the account's steps; 0 when it never moved."""
    closes = simulated.setup.columns.close[0]
    fills = simulated.fills
    lots = np.zeros(len(closes), np.int64)
    np.add.at(lots, fills.marks, fills.lots * fills.side)
    value = float(simulated.setup.instruments[0].tick)
    paid = np.zeros(len(closes))
    amount = fills.lots * fills.side * fills.price_ticks * value + fills.fee / 1e8
    np.add.at(paid, fills.marks, amount)
    equity = np.cumsum(lots) * closes * value - np.cumsum(paid)
    steps = np.diff(equity, prepend=0.0)
    return float(steps.mean() / steps.std()) if steps.std() > 0 else 0.0


def errors_from_zero(make: Callable[[], Strategy], name: str, n_walks: int) -> float:
    """Return the mean Sharpe on fair walks in standard errors (D01).

    Limits fill when touched: asking for a tick more gives that tick away at each target.
    """
    found = [
        sharpe(run(setup_of([walk(name, seed)], is_touch=True), make())) for seed in range(n_walks)
    ]
    return float(np.mean(found)) / (float(np.std(found, ddof=1)) / math.sqrt(n_walks))


def p_value(errors: float) -> float:
    """Return the two-sided probability of so many standard errors."""
    return 2 * NormalDist().cdf(-abs(errors))


def assert_costs_cost(name: str, n_walks: int) -> int:
    """Hold every walk with a fill lower after costs; return how many walks had one."""
    n_traded = 0
    for seed in range(n_walks):
        bars = walk(name, seed)
        free = run(setup_of([bars]), made(name))
        paid = run(setup_of([bars], **_COSTS), made(name))
        if len(free.fills.side):
            n_traded += 1
            assert paid.equity < free.equity
            assert sharpe(paid) < sharpe(free)
    return n_traded


# Two standard errors: what a single strategy would be held to.
_TWO_ERRORS = p_value(2.0)


def assert_no_skill_in_any(n_walks: int) -> None:
    """Hold all strategies together within two standard errors of 0, by Holm's correction."""
    errors = {name: errors_from_zero(lambda: made(name), name, n_walks) for name in BUILT_IN}  # noqa: B023 - called at once
    adjusted = holm(np.array([p_value(value) for value in errors.values()]))
    assert float(adjusted.min()) > _TWO_ERRORS, errors


def test_no_strategy_finds_skill_in_fair_walks() -> None:
    """D01 on 25 walks; the slow suite has 200."""
    assert_no_skill_in_any(25)


@pytest.mark.parametrize("name", BUILT_IN)
def test_costs_lower_the_result_of_every_walk_with_a_fill(name: str) -> None:
    """D01, after costs."""
    assert assert_costs_cost(name, 6) >= 3


@pytest.mark.slow
def test_two_hundred_fair_walks_show_no_skill() -> None:
    """D01 in full: the walks of seeds 0 to 199.

    They fall themselves (hold stands 1.7 errors below 0 on them), so that single strategies come
    out up to 2.4 errors low: what the correction for ten of them allows, and one would not.
    """
    assert_no_skill_in_any(200)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT_IN)
def test_costs_lower_the_result_of_two_hundred_walks(name: str) -> None:
    """D01 in full, after costs."""
    assert assert_costs_cost(name, 200) > 100


# --- the future is invisible -------------------------------------------------------------------


def first_difference(make: Callable[[], Strategy], setup: Callable[[Bars], Setup]) -> int:
    """Return the first cut behind which another future changed a decision before it; -1 if none.

    Records up to the close of the cut are compared, so a leak of one bar shows as well.
    """
    rng = np.random.default_rng(7)
    bars = driftless_bars(600, 3, interval_ns=HOUR_NS)
    whole = run(setup(bars), make())
    for cut in [*range(120, 600, 37), 597, 598]:
        other = run(setup(after(bars, cut, rng)), make())
        if other.words_until(cut) != whole.words_until(cut):
            return cut
    assert len(whole.words_until(599)) > 0
    return -1


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "default"])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_another_future_changes_no_decision_before_it(name: str, kind: str, is_open: bool) -> None:
    """D02: signals, risk inputs, correlations, fills, verdicts: word for word."""
    found = first_difference(
        lambda: made(name, kind), lambda bars: setup_of([bars], is_open=is_open)
    )
    assert found == -1


@pytest.mark.parametrize("leak", [Leaking, Peeking])
def test_a_strategy_that_knows_the_next_bar_is_caught(leak: type[Strategy]) -> None:
    """D01, D02: planted faults; one bar ahead is enough for both checks."""
    assert first_difference(leak, lambda bars: setup_of([bars])) >= 0
    assert errors_from_zero(leak, "planted", 10) > 10


def test_its_clean_twin_is_not_accused() -> None:
    assert first_difference(Honest, lambda bars: setup_of([bars])) == -1
    assert abs(errors_from_zero(Honest, "honest", 50)) < 2


def test_fills_at_the_bar_of_the_signal_would_be_caught() -> None:
    """D01's pitfall, planted: bars whose close stands where their open was."""

    def shifted(bars: Bars) -> Bars:
        # Each open becomes the close before the signal: what filling on bar i would pay.
        columns = list(bars.columns())
        before = np.append(columns[4][:1], columns[4][:-2])
        columns[1] = np.append(columns[1][:1], before)
        columns[2] = np.maximum(columns[2], columns[1])
        columns[3] = np.minimum(columns[3], columns[1])
        return replace(bars, open_ticks=columns[1], high_ticks=columns[2], low_ticks=columns[3])

    found = [
        sharpe(run(setup_of([shifted(walk("honest", seed))]), Honest())) for seed in range(10)
    ]
    error = float(np.std(found, ddof=1)) / math.sqrt(len(found))
    assert abs(float(np.mean(found))) > 2 * error


def test_correlations_of_two_walks_do_not_see_ahead() -> None:
    """D02 for what the risk engine is told of several instruments."""
    rng = np.random.default_rng(9)
    symbols = ("BTC/USD", "ETH/USD")
    bars = [driftless_bars(600, seed, symbols[seed], HOUR_NS) for seed in range(2)]
    cut = 400
    others = [after(item, cut, rng) for item in bars]
    times = bars[0].ts_ns + HOUR_NS
    one, two = correlations(bars, times), correlations(others, times)
    for step in (0, 100, cut):
        assert np.array_equal(one.matrices_ppm[one.day[step]], two.matrices_ppm[two.day[step]])


# --- and the rest of the contract --------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_same_strategy_on_the_same_bars_does_the_same(name: str, kind: str) -> None:
    bars = walk(name, 5)
    first, second = (run(setup_of([bars], **_COSTS), made(name, kind)) for _ in range(2))
    assert np.array_equal(first.words, second.words)
    assert first.digest == second.digest


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_strategy_trades_on_lively_bars(name: str) -> None:
    """Else every other check here would pass for a strategy that does nothing."""
    assert len(run(setup_of([walk(name, 1)]), made(name)).fills.side) >= 1


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_strategy_that_is_never_shown_enough_bars_does_nothing_wrong(name: str) -> None:
    for n in (1, 2, 5):
        bars = walk(name, 1).rows(0, n)
        assert run(setup_of([bars]), made(name)).n_denied == 0


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_strategy_has_a_summary_and_typed_parameters(name: str) -> None:
    info = BUILT_IN[name]
    assert info.summary
    assert "woken" in info.kinds
    for strategy_class in info.kinds.values():
        assert (strategy_class.__doc__ or "").strip()
        assert parameters_of(strategy_class) == parameters_of(info.kinds["woken"])
