from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from athena.desk.contract import Role, Vote
from athena.desk.evaluation import (
    Call,
    PastVote,
    WeightReview,
    conclude,
    propose_weights,
    review_weights,
    weigh,
)
from athena.domain import HOUR_NS
from athena.errors import InputError
from tests.evaluation_cases import BTC, START_NS, a_speaker, a_walk, settled

N = 2_000
LINE = a_walk(N, move=0.02)
END_NS = START_NS + (N + 1) * HOUR_NS
ROLES = {"good": Role.TECHNICAL, "bad": Role.SENTIMENT, "worse": Role.REGIME}


def votes_of(*speakers: list[Call]) -> list[PastVote]:
    return [
        PastVote(
            BTC,
            said[0].as_of_ns,
            tuple(
                Vote(one.who, ROLES[one.who], one.action, one.confidence, 1.0, "a" * 64)
                for one in said
            ),
        )
        for said in zip(*speakers, strict=True)
    ]


def reviewed(*speakers: list[Call], **kwargs: Any) -> WeightReview:
    found = settled([one for said in speakers for one in said], LINE)
    return review_weights(found, votes_of(*speakers), {BTC: LINE}, END_NS, **kwargs)


def test_the_formula_of_the_specification() -> None:
    assert weigh(2.0, 0.16, 1_000) == pytest.approx(2.0 * (1 + 0.16 * 1_000 / 1_100))
    assert weigh(1.0, 5.0, 10_000) == 1.5
    assert weigh(1.0, -5.0, 10_000) == 0.5
    assert weigh(1.0, 0.3, 0) == 1.0
    for base, skill, n in ((-1.0, 0.0, 1), (1.0, float("nan"), 1), (1.0, 0.0, -1)):
        with pytest.raises(InputError):
            weigh(base, skill, n)


def test_a_coin_stays_near_its_base_and_who_knows_rises() -> None:
    """DK-23."""
    line = a_walk(1_000)
    coin = a_speaker(line, 0.5, 0.52, seed=1, who="bad")
    good = a_speaker(line, 0.7, 0.7, seed=2, who="good")
    known_ns = START_NS + 2_000 * HOUR_NS
    bad, knows, unheard = propose_weights(settled([*coin, *good], line), ROLES, known_ns)
    assert (bad.agent, knows.agent, unheard.agent) == ("bad", "good", "worse")
    assert bad.weight == bad.base == 1.0
    assert knows.weight == pytest.approx(1 + 0.16 * 1_000 / 1_100, abs=0.05)
    assert knows.p_value < 0.001
    assert unheard.weight == 1.0
    assert "too few" in unheard.reason


def test_the_weight_of_risk_never_falls() -> None:
    line = a_walk(1_000)
    wrong = a_speaker(line, 0.2, 0.9, seed=1, who="risk")
    known_ns = START_NS + 2_000 * HOUR_NS
    (move,) = propose_weights(settled(wrong, line), {"risk": Role.RISK}, known_ns)
    assert move.weight == move.base == 3.0
    (kept,) = conclude((move,), None, known_ns, {"risk"}).moves
    assert kept.weight == 3.0
    (other,) = propose_weights(settled(wrong, line), {"risk": Role.TECHNICAL}, known_ns)
    assert other.weight == 0.5


def test_a_role_of_weight_0_waits_for_its_promotion() -> None:
    """DK-36."""
    line = a_walk(1_000)
    good = a_speaker(line, 0.9, 0.9, seed=1, who="forecast")
    known_ns = START_NS + 2_000 * HOUR_NS
    (move,) = propose_weights(settled(good, line), {"forecast": Role.FORECAST}, known_ns)
    assert move.weight == 0.0
    assert move.skill > 0.3


def test_weights_that_earn_more_out_of_sample_are_followed() -> None:
    """One that knows, outvoted by one that is surer and no better than a coin."""
    review = reviewed(
        a_speaker(LINE, 0.75, 0.75, seed=1, who="good"),
        a_speaker(LINE, 0.5, 0.9, seed=2, who="bad"),
    )
    assert review.is_followed
    assert review.test is not None
    assert review.test.p_first_better < 0.05
    assert review.weights["good"] > 1.0 > review.weights["bad"]
    assert "out of sample" in review.reason


def test_weights_that_change_no_decision_stay_equal() -> None:
    review = reviewed(a_speaker(LINE, 0.75, 0.75, seed=1, who="good"))
    assert not review.is_followed
    assert review.weights == {}
    assert all(move.weight == move.base for move in review.moves)
    assert review.test is not None
    assert "as they did" in review.reason


def test_three_coins_stay_equal() -> None:
    review = reviewed(*(a_speaker(LINE, 0.5, 0.5, seed=k, who=who) for k, who in enumerate(ROLES)))
    assert review.weights == {}


def test_no_votes_no_moves() -> None:
    found = settled(a_speaker(LINE, 0.75, 0.75, seed=1, who="good"), LINE)
    review = review_weights(found, [], {BTC: LINE}, END_NS)
    assert review.moves == ()
    assert review.weights == {}


def test_an_agent_that_drifts_goes_to_its_floor() -> None:
    speakers = [a_speaker(LINE, 0.5, 0.5, seed=k, who=who) for k, who in enumerate(ROLES)]
    review = reviewed(*speakers, drifted={"bad"})
    assert review.weights["bad"] == 0.5
    assert review.weights["good"] == 1.0


def test_what_is_settled_later_moves_no_weight() -> None:
    """Out of sample: the review of a moment reads nothing after it."""
    said = a_speaker(LINE, 0.7, 0.7, seed=1, who="good")
    known_ns = START_NS + 1_000 * HOUR_NS
    whole = propose_weights(settled(said, LINE), {"good": Role.TECHNICAL}, known_ns)
    prefix = propose_weights(settled(said[:1_000], LINE), {"good": Role.TECHNICAL}, known_ns)
    assert whole == prefix


def test_several_agents_are_tested_together() -> None:
    """Holm: of many coins, none is taken for one that knows."""
    line = a_walk(400)
    names = [f"coin {k}" for k in range(30)]
    said = [one for k, who in enumerate(names) for one in a_speaker(line, 0.5, 0.5, k, who=who)]
    roles = dict.fromkeys(names, Role.TECHNICAL)
    moves = propose_weights(settled(said, line), roles, START_NS + 500 * HOUR_NS)
    assert all(move.weight == 1.0 for move in moves)
    assert [a.agent < b.agent for a, b in pairwise(moves)] == [True] * 29
    assert np.isfinite([move.skill for move in moves]).all()
