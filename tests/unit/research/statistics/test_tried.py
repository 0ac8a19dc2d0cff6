"""The trial ledger by data set."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from athena.errors import InputError
from athena.research import Trial
from athena.research._trials import TrialLedger
from athena.research.statistics import (
    expected_maximum_sharpe,
    minimum_track_record,
    noise_sharpe,
    sharpe_needed,
    summarise_trials,
)

TRIAL = Trial(
    1_500_000_000_000_000_000,
    "backtest",
    "run-1",
    "aa",
    "sma_cross",
    {"data": ["btc"], "interval": "30m", "fast": 10},
    0.05,
    730,
)


def tried(fast: int, sharpe: float, command: str = "sweep") -> Trial:
    return replace(
        TRIAL, parameters={**TRIAL.parameters, "fast": fast}, sharpe=sharpe, command=command
    )


def test_one_data_set_by_hand() -> None:
    trials = [TRIAL, tried(11, 0.01), tried(12, -0.03), tried(13, math.nan), tried(11, 0.02)]
    (found,) = summarise_trials(trials)
    known = [0.05, 0.02, -0.03]  # a repetition counts once, its latest ratio stands
    assert (found.n_trials, found.n_recorded) == (4, 5)
    assert found.commands == {"backtest": 1, "sweep": 3}
    assert found.best == TRIAL
    assert found.best_sharpe == pytest.approx(0.05 * math.sqrt(365))
    assert found.spread == pytest.approx(np.std(known, ddof=1) * math.sqrt(365))
    assert found.years == 2.0
    assert found.noise_sharpe == pytest.approx(noise_sharpe(4, 2.0))
    deflation = expected_maximum_sharpe(4, max(float(np.var(known, ddof=1)), 1 / 730))
    assert found.deflation_sharpe == pytest.approx(deflation * math.sqrt(365))
    assert found.needed_sharpe == pytest.approx(sharpe_needed(730, deflation) * math.sqrt(365))
    assert (found.sources, found.interval) == (("btc",), "30m")


def test_data_sets_come_in_the_order_of_their_first_trial() -> None:
    other = replace(TRIAL, data_sha256="bb", parameters={"data": ["eth"], "interval": "1w"}, n=52)
    first, second = summarise_trials([TRIAL, other, tried(11, 0.01)])
    assert (first.data_sha256, first.n_trials) == ("aa", 2)
    assert (second.data_sha256, second.n_trials) == ("bb", 1)
    assert second.years == pytest.approx(52 * 7 / 365)
    assert second.best_sharpe == pytest.approx(0.05 * math.sqrt(365 / 7))


def test_a_source_that_two_data_sets_share_counts_on_both() -> None:
    """As a backtest counts them: three on the pair, three on the one that two of them share."""
    pair = replace(
        TRIAL, data_sha256="ab", sources_sha256=("a", "b"), parameters={"data": ["btc", "eth"]}
    )
    pairs = [replace(pair, digest=f"{k}") for k in range(2)]
    alone = replace(TRIAL, data_sha256="a", sources_sha256=("a",), digest="3")
    other = replace(TRIAL, data_sha256="c", sources_sha256=("c",), digest="3")
    ledger = TrialLedger((*pairs, alone, other), "")
    found = summarise_trials(ledger.trials)
    assert [(item.sources, item.n_trials) for item in found] == [
        (("btc", "eth"), 3), (("btc",), 3), (("btc",), 1),
    ]  # fmt: skip
    for item, trial in zip(found, (pair, alone, other), strict=True):
        assert item.n_trials == ledger.tried_on(trial, 730)[0]


def test_one_trial_has_no_spread_and_nothing_is_taken_off() -> None:
    (found,) = summarise_trials([TRIAL])
    assert math.isnan(found.spread)
    assert found.noise_sharpe == found.deflation_sharpe == 0.0
    assert found.needed_sharpe == pytest.approx(1.645 / math.sqrt(2), rel=0.01)


def test_what_is_not_known_is_nan() -> None:
    flat = replace(TRIAL, sharpe=math.nan, n=0)
    (found,) = summarise_trials([flat])
    assert found.best is None
    assert math.isnan(found.best_sharpe)
    assert math.isnan(found.noise_sharpe)
    assert math.isnan(found.needed_sharpe)
    (bare,) = summarise_trials([replace(TRIAL, parameters={})])
    assert (bare.sources, bare.interval) == ((), "")
    assert math.isnan(bare.best_sharpe)
    assert math.isnan(bare.years)
    assert summarise_trials([]) == []


def test_an_interval_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="expected an interval"):
        summarise_trials([replace(TRIAL, parameters={"interval": "often"})])


@pytest.mark.parametrize("benchmark_sharpe", [0.0, 0.03, 0.1])
def test_the_ratio_needed_is_the_track_record_turned_round(benchmark_sharpe: float) -> None:
    needed = sharpe_needed(730, benchmark_sharpe)
    assert needed > benchmark_sharpe
    assert minimum_track_record(needed, benchmark_sharpe) == pytest.approx(730)


def test_too_few_returns_can_show_nothing() -> None:
    assert math.isnan(sharpe_needed(2))
    assert sharpe_needed(3) > 2
    with pytest.raises(InputError, match="confidence"):
        sharpe_needed(100, confidence=0.2)
