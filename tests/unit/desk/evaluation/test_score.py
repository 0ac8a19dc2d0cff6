import math

import numpy as np
import pytest

from athena.desk.evaluation import Calls, Kind, Score, TradeScore, score
from athena.domain import HOUR_NS
from athena.errors import InputError
from athena.research.statistics import Estimate, exact, proportion
from tests.evaluation_cases import BUY, HOLD, SELL, a_call, a_line, a_speaker, a_walk, settled

LINE = a_walk(1_000)


def test_a_coin_is_scored_as_a_coin() -> None:
    """DK-23: the interval holds 0.5."""
    found = score(settled(a_speaker(LINE, 0.5, 0.6, seed=1), LINE))
    assert found.accuracy.n == 1_000
    assert found.accuracy.low < 0.5 < found.accuracy.high
    trades = found.trades
    assert trades is not None
    assert trades.brier is not None
    assert trades.brier.skill.value < 0.0
    assert trades.mean_net_frac.value == pytest.approx(-0.0072, abs=0.001)


def test_who_is_right_as_often_as_it_says_is_calibrated_and_has_skill() -> None:
    """DK-23: right 70 % at stated 70 %."""
    found = score(settled(a_speaker(LINE, 0.7, 0.7, seed=1), LINE))
    trades = found.trades
    assert trades is not None
    assert trades.ece.value < 0.10
    assert trades.ece.n == 1_000
    assert trades.ece.has_interval
    assert trades.brier is not None
    assert trades.brier.skill.low > 0.0
    assert trades.brier.skill.value == pytest.approx(1 - 0.21 / 0.25, abs=0.05)
    (only,) = trades.curve
    assert (only.low, only.high) == (0.7, 0.8)
    assert only.came == proportion(round(found.accuracy.value * 1_000), 1_000)


def test_an_overconfident_speaker_is_found_out() -> None:
    trades = score(settled(a_speaker(LINE, 0.5, 0.95, seed=2), LINE)).trades
    assert trades is not None
    assert trades.ece.low > 0.20


def test_always_holding_is_as_good_as_its_base_rate() -> None:
    found = score(settled([a_call(HOLD, hour=hour) for hour in range(1_000)], LINE))
    assert found.accuracy.value == found.base_rate == 1.0
    assert found.base_word == "hold"
    assert found.trades is None


def test_a_report_says_what_is_not_counted() -> None:
    said = [a_call(BUY, hour=hour) for hour in range(60)]
    found = score(settled(said, a_line(np.arange(100.0, 150.0)), 4 * HOUR_NS))
    assert (found.accuracy.n, found.n_pending, found.n_unpriced) == (46, 14, 0)
    assert found.n_effective == 46 / 4


def test_no_score_without_sample_size_and_interval() -> None:
    """D10."""
    nothing = settled([a_call(BUY, hour=9)], a_line([100.0, 101.0]))
    with pytest.raises(InputError, match="sample size"):
        score(nothing)
    with pytest.raises(InputError):
        Score(exact(0.5, 10), 0.5, "up", 0, 0, 1.0, None)
    with pytest.raises(InputError):
        Score(proportion(1, 2), math.nan, "up", 0, 0, 1.0, None)
    bare = Estimate(0.1, math.nan, math.nan, 0, "none")
    with pytest.raises(InputError):
        TradeScore(proportion(1, 2), 0.5, None, bare, (), bare, 0.0)


def test_with_few_dates_there_is_no_skill_rather_than_a_guess() -> None:
    trades = score(settled([a_call(BUY, hour=hour) for hour in range(10)], LINE)).trades
    assert trades is not None
    assert trades.brier is None
    assert not trades.ece.has_interval


def test_part_of_the_calls_is_scored_alone() -> None:
    both = [*a_speaker(LINE, 0.9, 0.9, 1, who="good"), *a_speaker(LINE, 0.1, 0.9, 2, who="bad")]
    found = settled(both, LINE)
    good, bad = (score(found, found.calls.said_by(Kind.AGENT, who)) for who in ("good", "bad"))
    assert good.accuracy.low > 0.85
    assert bad.accuracy.high < 0.15
    assert found.calls.names(Kind.AGENT) == ("bad", "good")
    assert not found.calls.said_by(Kind.MODEL, "good").any()


def test_latency_and_cost_come_from_what_was_measured() -> None:
    said = [
        a_call(BUY if hour % 2 else SELL, hour=hour, latency_ms=float(hour), cost_usd=0.01)
        for hour in range(101)
    ]
    found = score(settled([*said, a_call(BUY, hour=1)], a_line([100.0] * 50 + [110.0] * 60)))
    assert found.latency_ms == (50.0, 95.0, 99.0)
    assert found.cost_per_right_usd == pytest.approx(1.01 / 1)


def test_calls_of_several_symbols_at_one_date_are_one_date() -> None:
    from athena.desk.evaluation import settle

    said = [
        one
        for hour in range(200)
        for one in (a_call(BUY, hour=hour), a_call(BUY, hour=hour, symbol="XRP/USDT"))
    ]
    found = settle(Calls.of(said), {"BTC/USDT": LINE, "XRP/USDT": LINE}, HOUR_NS)
    result = score(found)
    assert result.accuracy.n == 400
    assert result.n_effective == 200
