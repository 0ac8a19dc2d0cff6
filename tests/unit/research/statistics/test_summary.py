"""The summary of a record: sentence, warnings, undefined figures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from athena.errors import InputError
from athena.research import summarise
from tests.record_builder import CASH, build_record, with_equity


def test_sentence_compares_with_holding_btc() -> None:
    record = build_record(n_steps=5_000)
    reordered = replace(record, baselines=record.baselines[::-1])
    sentence = summarise(reordered).sentence
    assert sentence.startswith("After costs it ")
    assert "holding BTC; over 104 days the difference is" in sentence


def test_planted_edge_reads_as_skill_and_equal_curves_do_not() -> None:
    record = build_record(n_steps=5_000)
    hold = record.baselines[0].equity
    edge = with_equity(record, hold * np.exp(np.linspace(0, 3, 5_000)))
    assert summarise(edge).sentence == (
        "After costs it beats holding BTC; over 104 days the difference is distinguishable from "
        "luck."
    )
    twin = with_equity(record, hold)
    assert "equals holding BTC" in summarise(twin).sentence
    assert "not distinguishable from luck" in summarise(twin).sentence


@pytest.mark.parametrize("n_trials", [7, 500])
@pytest.mark.parametrize("beats", [True, False])
def test_one_comparison_says_no_more_than_the_trials_allow(n_trials: int, *, beats: bool) -> None:
    """Rule 6: a small p-value and a deflated Sharpe ratio that is none, told in one sentence."""
    record = build_record(n_steps=5_000)
    hold = record.baselines[0].equity
    equity = hold * np.exp(np.linspace(0, 3, 5_000)) if beats else hold
    noise = 0.5 if n_trials == 500 else 0.02
    sharpes = np.random.default_rng(5).normal(0.0, noise, n_trials)
    summary = summarise(
        replace(with_equity(record, equity), trials=n_trials, trial_sharpes=sharpes)
    )
    assert summary.is_significant == (beats and n_trials == 7)
    assert (
        summary.sentence.partition("the difference")[2]
        == {
            (True, 7): " is distinguishable from luck.",
            (
                True,
                500,
            ): ", taken alone, is distinguishable from luck; after 500 trials on this data "
            "it is not.",
            (False, 7): " is not distinguishable from luck.",
            (False, 500): " is not distinguishable from luck.",
        }[beats, n_trials]
    )


def test_a_single_trial_that_stands_still_while_prices_fall_has_no_ratio_to_show() -> None:
    record = build_record(n_steps=5_000, n_baselines=1, trials=1, trial_sharpes=np.zeros(1))
    noise = np.random.default_rng(3).normal(0, 1e-5, 5_000)
    still = float(CASH) * np.exp(np.cumsum(noise))
    fall = still * np.exp(np.linspace(0, -3, 5_000))
    record = replace(record, baselines=[replace(record.baselines[0], equity=fall)])
    summary = summarise(with_equity(record, still))
    assert not summary.is_significant
    assert summary.sentence.endswith("from luck; its own Sharpe ratio is not.")


def test_a_loss_that_no_luck_explains_is_said_to_be_one() -> None:
    """A choice of the best among many explains a gain, never a loss."""
    record = build_record(n_steps=5_000)
    hold = record.baselines[0].equity
    worse = with_equity(record, hold * np.exp(np.linspace(0, -3, 5_000)))
    summary = summarise(worse)
    assert not summary.is_significant
    assert "trails holding BTC" in summary.sentence
    assert summary.sentence.endswith("the difference is distinguishable from luck.")


def test_few_days_are_said_to_be_few() -> None:
    sentence = summarise(build_record(n_steps=96)).sentence
    assert sentence.endswith("; 2 days is too short to tell skill from luck.")


def test_without_baselines_the_sentence_says_so() -> None:
    summary = summarise(build_record(n_steps=500, n_baselines=0))
    assert summary.benchmark is None
    assert summary.sentence.endswith("there is no baseline beside it.")


def test_first_bar_counts_from_the_cash() -> None:
    record = build_record(n_steps=48 * 3)
    doubled = with_equity(record, np.full(48 * 3, 2.0 * float(CASH)))
    assert summarise(doubled).main.total_return.value == pytest.approx(1.0)


def test_a_record_without_bars_or_trades_is_all_nan() -> None:
    summary = summarise(build_record(n_steps=0, n_fills=0))
    assert math.isnan(summary.main.final_equity)
    assert math.isnan(summary.main.sharpe.value)
    assert math.isnan(summary.deflated_sharpe)
    assert summary.monthly == {}
    assert summary.trades.n_closed == 0


def test_drawdown_is_measured_on_every_bar() -> None:
    record = build_record(n_steps=96)
    equity = np.full(96, 100_000.0)
    equity[60] = 40_000.0  # gone again by midnight
    assert summarise(with_equity(record, equity)).main.max_drawdown.value == pytest.approx(0.6)


def test_suspicious_and_synthetic_runs_carry_warnings() -> None:
    record = build_record(n_steps=5_000)
    rising = np.exp(np.linspace(0, 2, 5_000) + 0.001 * np.sin(np.arange(5_000)))
    texts = " ".join(summarise(with_equity(record, float(CASH) * rising)).warnings)
    assert "look-ahead" in texts
    assert "synthetic" in texts
    real = [replace(source, is_synthetic=False) for source in record.provenance]
    assert summarise(replace(record, provenance=real)).warnings == ()


def test_ruin_is_said() -> None:
    record = build_record(n_steps=1_920)
    summary = summarise(with_equity(record, np.linspace(90_000.0, -5_000.0, 1_920)))
    assert any("zero or below" in warning for warning in summary.warnings)
    assert summary.main.cagr.value == -1.0


def test_nan_in_a_curve_is_refused() -> None:
    record = build_record(n_steps=96)
    equity = record.main.equity.copy()
    equity[7] = np.nan
    with pytest.raises(InputError, match="index 8"):  # the start stands at index 0
        summarise(with_equity(record, equity))
