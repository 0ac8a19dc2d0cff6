"""The random baseline on columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from athena.errors import InputError
from athena.research.statistics import random_baseline
from athena.research.statistics._random_baseline import _positions


def test_flat_prices_cost_exactly_the_costs() -> None:
    closes = np.full((500, 1), 100.0)
    result = random_baseline(closes, n_round_trips=10, cost_frac=0.001, mean_holding_bars=5)
    assert result.n_seeds == 1_000
    assert result.final_returns == pytest.approx(np.full(1_000, 0.999**20 - 1))
    assert result.growth[-1] == pytest.approx(0.999**20)


def test_curve_of_the_median_seed_ends_at_its_final_return(rng: np.random.Generator) -> None:
    closes = np.exp(np.cumsum(rng.normal(0, 0.01, (2_000, 3)), axis=0))
    result = random_baseline(
        closes, n_round_trips=50, cost_frac=0.0036, mean_holding_bars=20, n_seeds=101
    )
    assert result.final_returns[result.median_seed] == np.median(result.final_returns)
    assert result.growth[-1] - 1 == pytest.approx(result.final_returns[result.median_seed])
    assert result.n_round_trips == 50


def test_a_trip_moves_and_costs_its_fraction_only() -> None:
    """A fifth of the sleeve, ten times, at 0.1 % a side; the account is charged for that fifth."""
    closes = np.full((500, 1), 100.0)
    result = random_baseline(
        closes, n_round_trips=10, cost_frac=0.001, mean_holding_bars=5, n_seeds=20, fraction=0.2
    )
    a_trip = 1 - 0.2 + 0.2 * 0.999**2
    assert result.growth[-1] == pytest.approx(a_trip**10)
    assert result.final_returns == pytest.approx(np.full(20, a_trip**10 - 1))
    before = a_trip ** np.arange(10)
    assert result.turnover == pytest.approx(float(np.sum(before * 0.2 * (1 + 0.999))))


def test_a_doubling_earns_the_fraction_of_it() -> None:
    closes = np.array([[100.0], [150.0], [200.0]])
    result = random_baseline(
        closes, n_round_trips=1, cost_frac=0, mean_holding_bars=2, n_seeds=3, fraction=0.25
    )
    assert result.growth == pytest.approx([1.0, 1.125, 1.25])
    assert result.turnover == pytest.approx(0.25 * 3)


@pytest.mark.parametrize("fraction", [0.1, 0.7, 1.0])
def test_the_curve_costs_what_it_turned_over(fraction: float, rng: np.random.Generator) -> None:
    """On one path: what is missing against no cost is the cost of the turnover, to first order."""
    closes = np.exp(np.cumsum(rng.normal(0, 0.001, (300, 2)), axis=0))
    options: dict[str, Any] = {"n_round_trips": 8, "mean_holding_bars": 9, "n_seeds": 1}
    free = random_baseline(closes, cost_frac=0, fraction=fraction, **options)
    paid = random_baseline(closes, cost_frac=1e-6, fraction=fraction, **options)
    assert paid.growth[-1] == pytest.approx(1 + paid.final_returns[0])
    lost = free.growth[-1] - paid.growth[-1]
    assert lost == pytest.approx(paid.turnover * 1e-6, rel=0.05)


def test_same_seeds_give_the_same_result(rng: np.random.Generator) -> None:
    closes = np.exp(np.cumsum(rng.normal(0, 0.01, (300, 2)), axis=0))
    options = {"n_round_trips": 7, "cost_frac": 0.001, "mean_holding_bars": 9, "n_seeds": 20}
    first, second = random_baseline(closes, **options), random_baseline(closes, **options)
    assert first.final_returns.tolist() == second.final_returns.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_round_trips_of_a_sleeve_never_overlap(seed: int) -> None:
    [(entries, exits)] = _positions(seed, [12], 200, 10)
    assert (exits - entries == 10).all()
    assert (entries[1:] >= exits[:-1]).all()
    assert entries[0] >= 0
    assert exits[-1] <= 199


def test_trips_that_do_not_fit_are_shortened_then_left_out() -> None:
    closes = np.full((11, 1), 1.0)
    short = random_baseline(closes, n_round_trips=5, cost_frac=0, mean_holding_bars=90, n_seeds=2)
    assert short.n_round_trips == 5
    full = random_baseline(closes, n_round_trips=99, cost_frac=0, mean_holding_bars=3, n_seeds=2)
    assert full.n_round_trips == 10
    single = random_baseline(closes[:1], n_round_trips=5, cost_frac=0, mean_holding_bars=3)
    assert single.n_round_trips == 0
    assert single.growth.tolist() == [1.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"closes": np.array([[1.0], [np.nan]])}, "was nan at row 1, column 0"),
        ({"closes": np.empty((0, 1))}, "of shape"),
        ({"cost_frac": 1.0}, "cost_frac"),
        ({"fraction": 0.0}, "fraction in"),
        ({"fraction": 1.01}, "fraction in"),
        ({"n_seeds": 0}, "n_seeds"),
        ({"mean_holding_bars": 0}, "mean_holding_bars"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    options: dict[str, Any] = {
        "closes": np.ones((5, 1)),
        "n_round_trips": 1,
        "cost_frac": 0.0,
        "mean_holding_bars": 1,
    }
    with pytest.raises(InputError, match=message):
        random_baseline(**(options | change))
