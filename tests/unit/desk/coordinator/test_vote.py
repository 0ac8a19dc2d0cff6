"""The vote: by weight where votes oppose each other, else by number."""

from __future__ import annotations

import pytest

from athena.desk.contract import Role
from athena.desk.coordinator import Direction, can_reduce, cast_votes, count_votes, direction
from athena.domain import Action, PositionSide
from tests.desk_cases import BTC, BUY, HOLD, NOW_NS, SELL, XRP, a_vote, an_opinion

CLOSE_LONG, CLOSE_SHORT = Action.CLOSE_LONG, Action.CLOSE_SHORT


def test_a_conflict_is_won_by_weight() -> None:
    """DK-39."""
    votes = [
        a_vote(Role.STRATEGY, BUY, 0.6, 2),
        a_vote(Role.TECHNICAL, BUY, 0.7, 1),
        a_vote(Role.SENTIMENT, SELL, 0.9, 1),
    ]
    found = count_votes(votes)
    assert (found.action, found.method, found.winner) == (BUY, "conflict", "strategy")
    assert found.confidence == pytest.approx(1.9 / 2.8)
    assert round(found.confidence, 3) == 0.679
    assert "down 0.9, up 1.9" in found.reason


def test_without_a_conflict_the_most_frequent_action_wins() -> None:
    """DK-40."""
    votes = [
        a_vote(Role.TECHNICAL, BUY, 0.8),
        a_vote(Role.REGIME, BUY, 0.6),
        a_vote(Role.SENTIMENT, HOLD, 0.9),
    ]
    found = count_votes(votes)
    assert (found.action, found.method, found.winner) == (BUY, "majority", "technical")
    assert found.confidence == pytest.approx(0.7)


def test_one_for_each_is_a_tie_and_holds() -> None:
    """DK-40."""
    found = count_votes([a_vote(Role.TECHNICAL, BUY, 0.8), a_vote(Role.REGIME, HOLD, 0.9)])
    assert (found.action, found.method, found.winner, found.confidence) == (HOLD, "tie", "", 0)


def test_all_for_one_is_unanimous() -> None:
    found = count_votes([a_vote(Role.TECHNICAL, SELL, 0.8), a_vote(Role.REGIME, SELL, 0.4)])
    assert (found.action, found.method) == (SELL, "unanimous")
    assert found.confidence == pytest.approx(0.6)


def test_nobody_is_no_recommendation() -> None:
    """DK-17."""
    found = count_votes([])
    assert (found.action, found.method, found.confidence) == (HOLD, "none", 0)
    assert found.reason == "nobody recommends anything"


def test_equal_weights_against_each_other_hold() -> None:
    found = count_votes([a_vote(Role.TECHNICAL, BUY, 0.5), a_vote(Role.REGIME, SELL, 0.5)])
    assert (found.action, found.method) == (HOLD, "tie")


def test_opposed_votes_without_any_confidence_hold() -> None:
    found = count_votes([a_vote(Role.TECHNICAL, BUY, 0), a_vote(Role.REGIME, SELL, 0)])
    assert (found.action, found.method) == (HOLD, "tie")


def test_hold_can_win_a_conflict() -> None:
    votes = [
        a_vote(Role.TECHNICAL, BUY, 0.5),
        a_vote(Role.REGIME, SELL, 0.6),
        a_vote(Role.RISK, HOLD, 0.9, 3),
    ]
    found = count_votes(votes)
    assert (found.action, found.method, found.winner) == (HOLD, "conflict", "risk")


def test_selling_and_closing_stand_together_and_closing_wins_between_equals() -> None:
    votes = [
        a_vote(Role.TECHNICAL, BUY, 0.9),
        a_vote(Role.REGIME, SELL, 0.6),
        a_vote(Role.SENTIMENT, CLOSE_LONG, 0.6),
    ]
    found = count_votes(votes)
    assert (found.action, found.winner) == (CLOSE_LONG, "sentiment")
    assert found.confidence == pytest.approx(1.2 / 2.1)
    together = count_votes([*votes[1:], a_vote(Role.EXECUTION, HOLD, 1.0)])
    assert (together.action, together.method) == (CLOSE_LONG, "majority")


def test_a_weight_of_zero_is_shown_and_not_counted() -> None:
    """DK-36: a forecast without a record starts no conflict and makes no majority."""
    votes = [
        a_vote(Role.TECHNICAL, BUY, 0.8),
        a_vote(Role.FORECAST, SELL, 1.0, 0.0),
        a_vote(Role.FORECAST, SELL, 1.0, 0.0, agent="second"),
    ]
    assert count_votes(votes).method == "unanimous"
    assert count_votes(votes[1:]).method == "none"
    ballot = cast_votes([an_opinion(Role.FORECAST)], BTC, NOW_NS)
    assert [vote.weight for vote in ballot.votes] == [0.0]


def test_only_what_is_valid_now_and_about_the_symbol_or_the_account_votes() -> None:
    opinions = [
        an_opinion(Role.TECHNICAL),
        an_opinion(Role.REGIME, symbol=XRP),
        an_opinion(Role.RISK, HOLD, symbol=""),
        an_opinion(Role.SENTIMENT, as_of_ns=NOW_NS - 10, valid_until_ns=NOW_NS - 1),
        an_opinion(Role.STRATEGY, as_of_ns=NOW_NS + 1),
        an_opinion(Role.EXECUTION, HOLD, abstains=True, reasons=("it is feasible",)),
    ]
    ballot = cast_votes(opinions, BTC, NOW_NS)
    assert [vote.agent for vote in ballot.votes] == ["risk", "technical"]
    assert [vote.weight for vote in ballot.votes] == [3, 1]
    assert ballot.notes == (
        "execution abstains: it is feasible",
        "sentiment did not vote: its opinion is not valid now",
        "strategy did not vote: its opinion is not valid now",
    )


def test_the_newest_opinion_of_an_agent_counts_and_agents_of_a_role_vote_apart() -> None:
    opinions = [
        an_opinion(Role.TECHNICAL, SELL),
        an_opinion(Role.TECHNICAL, BUY, as_of_ns=NOW_NS - 1),
        an_opinion(Role.TECHNICAL, HOLD, agent="second"),
    ]
    votes = cast_votes(opinions, BTC, NOW_NS).votes
    assert [(vote.agent, vote.action) for vote in votes] == [("second", HOLD), ("technical", SELL)]


def test_a_role_without_a_weight_weighs_one_and_says_so() -> None:
    ballot = cast_votes([an_opinion(Role.PORTFOLIO)], BTC, NOW_NS)
    assert [vote.weight for vote in ballot.votes] == [1]
    assert ballot.notes == ("portfolio weighs 1: the role portfolio has no weight",)


def test_a_record_changes_the_weight_of_one_agent() -> None:
    opinions = [an_opinion(Role.TECHNICAL), an_opinion(Role.TECHNICAL, agent="second")]
    votes = cast_votes(opinions, BTC, NOW_NS, {"second": 1.4}).votes
    assert {vote.agent: vote.weight for vote in votes} == {"technical": 1.0, "second": 1.4}


def test_the_order_of_the_opinions_changes_nothing() -> None:
    opinions = [
        an_opinion(role, action) for role, action in zip(Role, [BUY, SELL] * 4, strict=True)
    ]
    forth, back = (cast_votes(order, BTC, NOW_NS) for order in (opinions, opinions[::-1]))
    assert forth == back
    assert count_votes(forth.votes) == count_votes(back.votes)


def test_every_action_has_a_direction() -> None:
    assert {direction(action) for action in Action} == set(Direction)


@pytest.mark.parametrize(
    ("action", "flat", "long", "short"),
    [
        (BUY, False, False, True),
        (SELL, False, True, False),
        (HOLD, True, True, True),
        (CLOSE_LONG, True, True, True),
        (CLOSE_SHORT, True, True, True),
    ],
)
def test_what_can_reduce_depends_on_what_is_held(
    action: Action, flat: bool, long: bool, short: bool
) -> None:
    sides = (None, PositionSide.LONG, PositionSide.SHORT)
    assert [can_reduce(action, side) for side in sides] == [flat, long, short]
