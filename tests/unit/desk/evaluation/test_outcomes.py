import numpy as np
import pytest

from athena.desk.contract import Role
from athena.desk.evaluation import Calls, Kind, ModelWord, PriceLine, calls_of, settle
from athena.domain import HOUR_NS, Action
from athena.errors import InputError
from tests.desk_cases import NOW_NS, a_case, an_opinion, outputs
from tests.evaluation_cases import BTC, BUY, HOLD, SELL, START_NS, a_call, a_line, settled


@pytest.mark.parametrize(
    ("action", "move", "is_right"),
    [
        (HOLD, 0.012, False),
        (HOLD, -0.012, False),
        (HOLD, 0.008, True),
        (HOLD, -0.008, True),
        (BUY, 0.0001, True),
        (BUY, -0.0001, False),
        (BUY, 0.0, False),
        (SELL, -0.0001, True),
        (SELL, 0.0001, False),
        (Action.CLOSE_LONG, -0.01, True),
        (Action.CLOSE_SHORT, 0.01, True),
    ],
)
def test_the_move_says_who_was_right(action: Action, move: float, is_right: bool) -> None:
    """DK-24."""
    found = settled([a_call(action)], a_line([100.0, 100.0 * (1 + move)]))
    assert found.is_settled.tolist() == [True]
    assert found.is_right.tolist() == [is_right]
    assert found.move_frac == pytest.approx([move])


def test_what_is_not_over_is_pending_and_not_counted() -> None:
    """DK-24: the horizon is not over."""
    line = a_line([100.0, 102.0, 104.0])
    calls = Calls.of([a_call(BUY, hour=hour) for hour in range(3)])
    found = settle(calls, {BTC: line}, HOUR_NS)
    assert found.is_pending.tolist() == [False, False, True]
    assert found.is_settled.tolist() == [True, True, False]
    early = settle(calls, {BTC: line}, HOUR_NS, now_ns=START_NS + HOUR_NS)
    assert early.is_pending.tolist() == [False, True, True]
    assert settle(calls, {}, HOUR_NS).is_pending.all()


def test_a_gap_where_the_price_should_be_is_never_filled() -> None:
    hours = np.array([0, 1, 2, 6, 7])
    line = PriceLine(START_NS + hours * HOUR_NS, np.full(5, 100.0), HOUR_NS)
    found = settled([a_call(BUY, hour=hour) for hour in (0, 2, 3)], line, 2 * HOUR_NS)
    assert found.is_unpriced.tolist() == [False, True, True]
    assert not found.is_pending.any()


def test_a_trade_pays_its_costs_and_a_hold_none() -> None:
    said = [a_call(action) for action in (BUY, SELL, HOLD)]
    found = settled(said, a_line([100.0, 102.0]))
    assert found.net_frac == pytest.approx([0.02 - 0.0072, -0.02 - 0.0072, 0.0])


def test_base_rates_count_each_occasion_once() -> None:
    line = a_line([100.0, 102.0, 101.9, 101.8])
    said = [a_call(BUY, hour=0, who=who) for who in "abcde"] + [
        a_call(BUY, hour=hour) for hour in (1, 2)
    ]
    found = settled(said, line)
    assert found.base_rates(np.ones(7, bool)) == pytest.approx((1 / 3, 2 / 3, 2 / 3))
    assert np.isnan(found.base_rates(np.zeros(7, bool))).all()


def test_what_later_prices_do_changes_nothing_before() -> None:
    """D02."""
    calls = Calls.of([a_call(BUY, hour=hour) for hour in range(4)])
    long = settle(calls, {BTC: a_line([100.0, 101, 99, 103, 50, 200])}, HOUR_NS)
    short = settle(calls, {BTC: a_line([100.0, 101, 99, 103])}, HOUR_NS)
    known = short.is_settled
    assert np.array_equal(long.move_frac[known], short.move_frac[known])


def test_bad_prices_horizons_and_confidences_are_refused() -> None:
    for times, closes in (
        ([1, 1], [1.0, 1.0]),
        ([1, 2], [1.0, np.nan]),
        ([1, 2], [1.0, 0.0]),
        ([1], [1.0, 1.0]),
    ):
        with pytest.raises(InputError):
            PriceLine(np.array(times), np.array(closes), 1)
    with pytest.raises(InputError, match="horizon"):
        settled([], a_line([1.0]), 0)
    with pytest.raises(InputError, match="confidences"):
        Calls.of([a_call(BUY, float("nan"))])


def test_everybody_who_spoke_is_listed_and_nobody_who_abstained() -> None:
    from athena.desk.coordinator import deliberate

    portfolio = an_opinion(Role.PORTFOLIO, HOLD, detail=None)
    elsewhere = an_opinion(Role.TECHNICAL, agent="other", symbol="XRP/USDT")
    decision = deliberate(a_case((*outputs(), portfolio, elsewhere)))
    words = [ModelWord("m", SELL, 0.9, latency_ms=12.0)]
    listed = list(calls_of(decision, (*outputs(), portfolio, elsewhere), words))
    assert [(one.kind, one.who) for one in listed] == [
        (Kind.AGENT, "technical"),
        (Kind.AGENT, "regime"),
        (Kind.AGENT, "sentiment"),
        (Kind.AGENT, "strategy"),
        (Kind.MODEL, "m"),
        (Kind.DECISION, "desk"),
    ]
    assert {one.symbol for one in listed} == {decision.symbol}
    assert {one.as_of_ns for one in listed} == {NOW_NS}
    assert listed[3].strategy == listed[5].strategy == "momentum"
    assert np.isnan(Calls.of(listed).cost_usd).all()
