"""When capital is divided, and by what: closed bars of the past, and no others (D02)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import DAY_NS
from athena.errors import InputError
from athena.research import simulate
from athena.research.allocation import Allocation
from athena.research.portfolio import _schedule as schedule
from athena.research.portfolio import allot, contributions
from athena.research.runs import Baseline, run_baseline
from athena.research.strategies import load_strategy
from tests.market_builder import (
    HOUR_NS,
    Simulated,
    after,
    bars_of,
    driftless_bars,
    setup_of,
)

if TYPE_CHECKING:
    from athena.domain import Bars
    from athena.research import Setup
    from athena.research.portfolio import Allotment

Floats = np.ndarray[Any, np.dtype[np.float64]]
METHODS = [method for method in Allocation if method is not Allocation.EQUAL]
N = 1_200
STRATEGIES = (("sma_cross", {"fast": "3", "slow": "9"}), ("momentum", {}), ("hold", {}))


@pytest.fixture(scope="module")
def bars() -> Bars:
    return driftless_bars(N, 11, interval_ns=HOUR_NS)


def curves_of(setup: Setup) -> list[Floats]:
    """Run each strategy alone."""
    return [
        run_baseline(Baseline(name, [load_strategy(name, values)], setup), lambda _: None).equity
        for name, values in STRATEGIES
    ]


def divided(
    setup: Setup, method: Allocation = Allocation.RISK_PARITY, **changed: Any
) -> list[Allotment]:
    terms = {
        "lookback_ns": 10 * DAY_NS,
        "every_ns": 5 * DAY_NS,
        "cost_frac": 0.0036,
        "risk_aversion": 1.0,
    }
    curves = changed.pop("curves", None)
    return allot(setup, curves_of(setup) if curves is None else curves, method, **terms | changed)


# --- when --------------------------------------------------------------------------------------


def test_capital_is_divided_at_each_interval_once_the_look_back_is_whole(bars: Bars) -> None:
    found = divided(setup_of([bars]))
    assert [item.step + 1 for item in found] == list(range(10 * 24, N + 1, 5 * 24))
    assert all(item.ts_ns % DAY_NS == 0 for item in found)


def test_one_step_serves_all_that_fell_due_in_a_gap(bars: Bars) -> None:
    keep = np.r_[0 : 12 * 24, 31 * 24 : N]
    gapped = bars_of([column[keep] for column in bars.columns()], interval_ns=HOUR_NS)
    setup = setup_of([gapped])
    days = [(item.ts_ns - setup.start_ns) / DAY_NS for item in divided(setup)]
    assert days[:4] == [10.0, 31 + 1 / 24, 35.0, 40.0]


def test_before_there_is_a_past_shares_stay_equal(bars: Bars) -> None:
    assert divided(setup_of([bars]), lookback_ns=51 * DAY_NS) == []


def test_equal_shares_are_never_divided_anew(bars: Bars) -> None:
    assert divided(setup_of([bars]), Allocation.EQUAL) == []


def test_shares_are_whole_parts_that_never_come_to_more_than_all(bars: Bars) -> None:
    for method in METHODS:
        for item in divided(setup_of([bars]), method):
            shares = item.change.shares_ppm
            assert sum(shares) <= 1_000_000
            np.testing.assert_allclose(shares, np.array(item.weights) * 1e6, atol=1)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"lookback_ns": 19 * HOUR_NS}, "20 bars"),
        ({"every_ns": HOUR_NS - 1_000_000_000}, "or more between"),
    ],
)
def test_what_is_too_short_is_refused(changed: dict[str, int], words: str, bars: Bars) -> None:
    with pytest.raises(InputError, match=words):
        divided(setup_of([bars]), **changed)


def test_a_strategy_that_lost_everything_alone_has_no_returns(bars: Bars) -> None:
    setup = setup_of([bars])
    curves = [np.full(N, 1e6), np.linspace(1e6, -1e6, N)]
    with pytest.raises(InputError, match="strategy 2"):
        divided(setup, curves=curves, lookback_ns=30 * DAY_NS)


def test_a_short_look_back_is_cut_into_twenty_returns() -> None:
    """Daily returns for 20 days and more; under that a twentieth, on whole bars."""
    window = schedule._window_of
    assert (window(90 * DAY_NS, HOUR_NS).period_ns, window(90 * DAY_NS, HOUR_NS).n_returns) == (
        DAY_NS,
        90,
    )
    assert window(10 * DAY_NS, HOUR_NS).period_ns == 12 * HOUR_NS
    assert window(30 * HOUR_NS, HOUR_NS).n_returns == 30
    assert window(40 * DAY_NS, 2 * DAY_NS).n_returns == 20


def test_returns_are_those_of_the_curves_up_to_now() -> None:
    setup = setup_of([driftless_bars(60, 1, interval_ns=DAY_NS)], cash=100)
    curve = 100.0 * 1.01 ** np.arange(1, 61)
    times = np.insert(setup.columns.close_ns, 0, setup.start_ns)
    marks = np.insert(curve, 0, 100.0)[:, None]
    window = schedule._window_of(20 * DAY_NS, DAY_NS)
    found = schedule._returns(marks, times, int(setup.columns.close_ns[19]), window)
    np.testing.assert_allclose(found, np.full((20, 1), 0.01))


# --- by what -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_no_weight_knows_the_future(
    method: Allocation, bars: Bars, rng: np.random.Generator
) -> None:
    """D02: bars after t changed, every weight up to t the same, bit for bit; cut off there too."""
    whole = divided(setup_of([bars]), method)
    for step in (whole[3].step, 700):
        changed = divided(setup_of([after(bars, step, rng)]), method)
        cut = divided(setup_of([bars.rows(0, step + 1)]), method)
        known = [item for item in whole if item.step <= step]
        assert [item for item in changed if item.step <= step] == known == cut
        assert changed != whole


@pytest.mark.parametrize("method", METHODS)
def test_a_leak_of_one_bar_is_caught(
    method: Allocation, bars: Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: returns that end one bar late."""
    honest = schedule._returns

    def leaking(marks: Floats, times: Any, now_ns: int, window: Any) -> Floats:
        return honest(marks, times, now_ns + HOUR_NS, window)

    monkeypatch.setattr(schedule, "_returns", leaking)
    whole = divided(setup_of([bars]), method, cost_frac=0.0, risk_aversion=30.0)
    step = whole[3].step
    moved = [column.copy() for column in bars.columns()]
    for column in moved[1:5]:
        column[step + 1 :] += 40
    changed = divided(
        setup_of([bars_of(moved, interval_ns=HOUR_NS)]),
        method,
        cost_frac=0.0,
        risk_aversion=30.0,
    )
    assert [item for item in whole if item.step < step] == [
        item for item in changed if item.step < step
    ]
    assert whole[3] != changed[3]


def shared(setup: Setup) -> Simulated:
    """Divide capital between the strategies, and run them on one account."""
    groups: list[Any] = []
    named = [load_strategy(name, values) for name, values in STRATEGIES]
    changes = [item.change for item in divided(setup, Allocation.INVERSE_VOLATILITY)]
    outcome = simulate(
        setup, named, shares=changes, on_records=lambda words: groups.append(words.copy())
    )
    return Simulated(setup, outcome, np.concatenate(groups))


def test_no_order_of_a_portfolio_knows_the_future(bars: Bars, rng: np.random.Generator) -> None:
    """D02: shares, intents and fills up to a bar are the same whatever comes after it."""
    whole = shared(setup_of([bars]))
    for step in (300, 599, 600):
        other = shared(setup_of([after(bars, step, rng)]))
        assert whole.words_until(step) == other.words_until(step)
        assert not np.array_equal(whole.words, other.words)


def test_contributions_of_nothing_are_nothing(bars: Bars) -> None:
    from athena.trading import FillColumns

    empty = FillColumns(*[np.zeros(0, np.int64)] * len(FillColumns._fields))
    assert contributions(setup_of([bars]), 3, empty) == [0, 0, 0]


def test_a_change_of_the_setups_cash_scales_nothing(bars: Bars) -> None:
    """Returns have no unit: ten times the money gives the same weights to rounding of lots."""
    one = divided(setup_of([bars]), Allocation.INVERSE_VOLATILITY)
    ten = divided(
        replace(setup_of([bars]), cash=setup_of([bars]).cash * 10), Allocation.INVERSE_VOLATILITY
    )
    for first, second in zip(one, ten, strict=True):
        np.testing.assert_allclose(first.weights, second.weights, rtol=1e-2)
