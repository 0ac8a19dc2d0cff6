"""Laws of the desk's evaluation: calibration, weights, scores, for whatever was said."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from athena.desk.contract import Role, Vote
from athena.desk.coordinator import ROLE_WEIGHTS
from athena.desk.evaluation import (
    CEILING,
    FLOOR,
    Call,
    PastVote,
    calibrate,
    fit_curve,
    fit_isotonic,
    propose_weights,
    review_weights,
    score,
    weigh,
)
from athena.domain import HOUR_NS, Action
from tests.evaluation_cases import BTC, START_NS, a_call, a_walk, settled

LINE = a_walk(200)
END_NS = START_NS + 300 * HOUR_NS
shares = st.floats(0, 1)
calls = st.lists(
    st.builds(
        lambda action, confidence, hour, who: a_call(action, confidence, hour, who=who),
        st.sampled_from(Action),
        shares,
        st.integers(0, 210),
        st.sampled_from(["technical", "risk"]),
    ),
    max_size=120,
)


@given(st.lists(st.tuples(shares, st.booleans()), min_size=100, max_size=200))
def test_a_curve_never_falls_and_stays_a_probability(said: list[tuple[float, bool]]) -> None:
    confidences = np.array([one for one, _ in said])
    curve = fit_curve(confidences, np.array([float(right) for _, right in said]), 0)
    assert curve is not None
    values = [curve(confidence) for confidence in np.linspace(0, 1, 41)]
    assert np.all(np.diff(values) >= -1e-12)
    assert 0.0 <= values[0] <= values[-1] <= 1.0


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=60))
def test_pooling_is_the_best_rising_function(said: list[tuple[int, bool]]) -> None:
    """No other never falling function is nearer; each pool has the mean of its outcomes."""
    x = np.array([float(one) for one, _ in said])
    y = np.array([float(right) for _, right in said])
    at, came = fit_isotonic(x, y)
    fitted = np.interp(x, at, came)
    assert np.all(np.diff(came) >= 0)
    assert np.isclose(fitted.sum(), y.sum())
    loss = np.sum((fitted - y) ** 2)
    generator = np.random.default_rng(len(said))
    for _ in range(20):
        other = np.sort(generator.random(10))[x.astype(int)]
        assert loss <= np.sum((other - y) ** 2) + 1e-9


@given(calls, st.integers(100, 200))
@settings(max_examples=50)
def test_what_comes_later_changes_no_curve_and_no_weight(said: list[Call], hours: int) -> None:
    """D02: both are functions of what was settled before."""
    known_ns = START_NS + hours * HOUR_NS
    past = [one for one in said if one.as_of_ns + HOUR_NS <= known_ns]
    many = [one._replace(symbol=BTC) for one in past for _ in range(3)]
    later = [one for one in said if one.as_of_ns + HOUR_NS > known_ns]
    whole, prefix = settled([*many, *later], LINE), settled(many, LINE)
    assert calibrate(whole, known_ns) == calibrate(prefix, known_ns)
    roles = {"technical": Role.TECHNICAL, "risk": Role.RISK}
    assert repr(propose_weights(whole, roles, known_ns)) == repr(
        propose_weights(prefix, roles, known_ns)
    )


@given(st.floats(0, 5), st.floats(-1e6, 1e6), st.integers(0, 10**9))
def test_a_weight_stays_between_half_and_one_and_a_half_of_its_base(
    base: float, skill: float, n: int
) -> None:
    assert FLOOR * base <= weigh(base, skill, n) <= CEILING * base


@given(calls, st.sets(st.sampled_from(["technical", "risk"])))
@settings(max_examples=50)
def test_no_review_leaves_the_bounds_and_none_lowers_risk(
    said: list[Call], drifted: set[str]
) -> None:
    roles = {"technical": Role.TECHNICAL, "risk": Role.RISK}
    votes = [
        PastVote(
            BTC,
            one.as_of_ns,
            (Vote(one.who, roles[one.who], one.action, one.confidence, 1.0, "a" * 64),),
        )
        for one in said
    ]
    review = review_weights(settled(said, LINE), votes, {BTC: LINE}, END_NS, drifted=drifted)
    for move in review.moves:
        base = ROLE_WEIGHTS[roles[move.agent]]
        assert FLOOR * base <= move.weight <= CEILING * base
        assert move.agent != "risk" or move.weight >= base
        assert move.reason
    assert set(review.weights) <= set(roles)


@given(calls)
@settings(max_examples=50)
def test_a_score_counts_each_word_once(said: list[Call]) -> None:
    outcomes = settled(said, LINE)
    n_settled = int(outcomes.is_settled.sum())
    assert n_settled + int(outcomes.is_pending.sum()) + int(outcomes.is_unpriced.sum()) == len(
        said
    )
    if n_settled:
        found = score(outcomes)
        assert found.accuracy.n == n_settled
        assert found.accuracy.low <= found.accuracy.value <= found.accuracy.high
        if found.trades is not None:
            assert 0 <= found.trades.ece.value <= 1
            assert sum(item.came.n for item in found.trades.curve) == found.trades.accuracy.n
