"""Weights that follow the record, where the record says more than luck (desk specification 9).

Two questions stand before any move. Of each agent: does it know more than the base rate of what
it says? Of all moves together: would the votes of the past, weighed each week by what was known
then, have earned more than with the weights of the roles? A no to either leaves the weight.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from athena.desk.contract import Role
from athena.desk.coordinator import ROLE_WEIGHTS, count_votes
from athena.desk.evaluation._calibration import known_trades
from athena.desk.evaluation._calls import Call, Calls, Kind
from athena.desk.evaluation._outcomes import settle
from athena.desk.evaluation._score import brier_losses, by_date, dates_of
from athena.domain import DAY_NS
from athena.errors import InputError
from athena.research.statistics import DieboldMariano, diebold_mariano, holm

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from athena.desk.contract import Decision, Vote
    from athena.desk.evaluation._calls import Floats
    from athena.desk.evaluation._outcomes import OutcomeRules, Outcomes, PriceLine

WEEK_NS = 7 * DAY_NS
FLOOR, CEILING = 0.5, 1.5
LEARNED, BY_ROLE = "learned", "by role"
_HALF_TRUST = 100
_P_MAX = 0.05
_LEAST_SAMPLES = 30
_UNKNOWN = 1.0
_RISK_STAYS = "the weight of risk never falls"
# 1970-01-01 was a Thursday: weeks begin on Monday.
_MONDAY_NS = 4 * DAY_NS


class PastVote(NamedTuple):
    """One vote of the past: what was decided about, when, and who wanted what."""

    symbol: str
    as_of_ns: int
    votes: tuple[Vote, ...]

    @classmethod
    def of(cls, decision: Decision) -> PastVote:
        """Take the votes of a decision."""
        return cls(decision.symbol, decision.as_of_ns, decision.votes)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightMove:
    """What the record of an agent asks for, and the test of it.

    Attributes:
        agent: who.
        role: what it is asked for.
        base: weight of that.
        weight: what the record asks for; the base where the test does not hold.
        skill: 1 - Brier loss / that of the base rate; NaN without enough outcomes.
        n: outcomes that do not overlap, about.
        p_value: that its losses differ from the base rate's by luck alone, after Holm over the
            agents; NaN where it could not be tested.
        reason: a sentence.
    """

    agent: str
    role: Role
    base: float
    weight: float
    skill: float
    n: int
    p_value: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightReview:
    """One weekly review: what each record asks for, and whether it is followed.

    Attributes:
        at_ns: when, UTC; nothing that was settled later was read.
        moves: of all agents that vote, by name.
        test: of the returns with weights that followed the record against those of the roles,
            week by week out of sample; losses are returns with their sign turned. None when there
            was too little to test.
        is_followed: False leaves every weight as its role has it.
        reason: a sentence.
    """

    at_ns: int
    moves: tuple[WeightMove, ...]
    test: DieboldMariano | None
    is_followed: bool
    reason: str

    @property
    def weights(self) -> dict[str, float]:
        """Return agent -> weight, as the coordinator takes it; empty where nothing moved."""
        return {one.agent: one.weight for one in self.moves} if self.is_followed else {}


def weigh(base: float, skill: float, n: int) -> float:
    """Return base x clip(1 + skill x n / (n + 100), 0.5, 1.5).

    Raises:
        InputError: the base or n is below 0, or the skill is not a number.
    """
    if base < 0 or n < 0 or math.isnan(skill):
        message = f"expected a weight and n >= 0 and a skill, was {base}, {n} and {skill}"
        raise InputError(message)
    return base * min(max(1.0 + skill * n / (n + _HALF_TRUST), FLOOR), CEILING)


def propose_weights(
    outcomes: Outcomes, roles: Mapping[str, Role], known_ns: int
) -> tuple[WeightMove, ...]:
    """Say what the record of each agent asks for.

    Confidences were said before their outcomes, calibrated on older ones: all of it is out of
    sample. The weight of risk never falls; a role of weight 0 stays at 0 until it is promoted.

    Args:
        outcomes: of calls over one horizon; what was settled after `known_ns` is not read.
        roles: of the agents that vote.
        known_ns: moment of the review, UTC.
    """
    rates = outcomes.base_rates(outcomes.settled_ns <= known_ns)
    tests = {agent: _test(outcomes, agent, known_ns, rates) for agent in sorted(roles)}
    known = [agent for agent, test in tests.items() if not math.isnan(test.p_value)]
    adjusted = holm(np.array([tests[agent].p_value for agent in known]))
    p_values = dict(zip(known, adjusted.tolist(), strict=True))
    return tuple(
        _move(agent, roles[agent], test, p_values.get(agent, math.nan))
        for agent, test in tests.items()
    )


def review_weights(  # noqa: PLR0913 - what was said, what became of it, and when that is asked
    outcomes: Outcomes,
    votes: Iterable[PastVote],
    lines: Mapping[str, PriceLine],
    known_ns: int,
    *,
    drifted: Collection[str] = (),
    rules: OutcomeRules | None = None,
) -> WeightReview:
    """Review the weights of all agents that voted, at a moment.

    Args:
        outcomes: of calls over one horizon.
        votes: of past decisions, in any order; later ones than `known_ns` are not read.
        lines: closes by symbol.
        known_ns: moment of the review, UTC.
        drifted: agents whose inputs or results drift: they get the floor.
        rules: None for the specification's.
    """
    past = [vote for vote in votes if vote.as_of_ns + outcomes.horizon_ns <= known_ns]
    roles = {one.agent: one.role for vote in past for one in vote.votes}
    moves = propose_weights(outcomes, roles, known_ns)
    test = walk_forward(outcomes, past, roles, lines, rules)
    return conclude(moves, test, known_ns, drifted)


def conclude(
    moves: tuple[WeightMove, ...],
    test: DieboldMariano | None,
    known_ns: int,
    drifted: Collection[str] = (),
) -> WeightReview:
    """Decide whether moves are followed: they earned more out of sample, or the roles' stay.

    The floor of an agent that drifts needs no such test: the drift is its test.
    """
    is_better = test is not None and test.p_first_better < _P_MAX
    if test is None:
        reason = "too few votes to test weights that follow the record: the roles' stay"
    elif math.isnan(test.p_first_better):
        reason = "votes would have come out as they did: the roles' weights stay"
    elif is_better:
        reason = f"earned more out of sample (p {test.p_first_better:.3g}, {test.n} dates)"
    else:
        reason = f"did not earn more out of sample (p {test.p_first_better:.3g}): the roles' stay"
    if not is_better:
        moves = tuple(replace(one, weight=one.base) for one in moves)
    moves = tuple(_floored(one) if one.agent in drifted else one for one in moves)
    return WeightReview(
        at_ns=known_ns,
        moves=moves,
        test=test,
        is_followed=any(one.weight != one.base for one in moves),
        reason=reason,
    )


def walk_forward(
    outcomes: Outcomes,
    past: Sequence[PastVote],
    roles: Mapping[str, Role],
    lines: Mapping[str, PriceLine],
    rules: OutcomeRules | None = None,
) -> DieboldMariano | None:
    """Count past votes again, each week with the weights that were known at its beginning.

    Returns:
        The test of what both ways earned after costs, first the one that follows the record; None
        with too few votes.
    """
    weeks: dict[int, list[PastVote]] = defaultdict(list)
    for vote in past:
        weeks[week_of(vote.as_of_ns)].append(vote)
    counted: list[Call] = []
    for start_ns, votes in sorted(weeks.items()):
        moves = propose_weights(outcomes, roles, start_ns)
        counted += recount(votes, {move.agent: move.weight for move in moves})
    found = settle(Calls.of(counted), lines, outcomes.horizon_ns, rules=rules)
    return compare_recounts(found)


def recount(votes: Iterable[PastVote], weights: Mapping[str, float]) -> list[Call]:
    """Count votes twice: with weights that follow the record, and with those of the roles."""
    return [
        _count(vote, name, used)
        for vote in votes
        for name, used in ((LEARNED, weights), (BY_ROLE, {}))
    ]


def compare_recounts(outcomes: Outcomes) -> DieboldMariano | None:
    """Compare what both ways of counting earned after costs; None with too few dates."""
    calls = outcomes.calls
    learned, by_role = (
        np.flatnonzero(outcomes.is_settled & calls.said_by(Kind.DECISION, name))
        for name in (LEARNED, BY_ROLE)
    )
    if not len(learned):
        return None
    _, reach = dates_of(outcomes, learned)
    losses = [by_date(outcomes, rows, -outcomes.net_frac[rows]) for rows in (learned, by_role)]
    return _compare(losses[0], losses[1], reach)


def week_of(ts_ns: int) -> int:
    """Return the Monday 00:00 UTC at or before a moment."""
    return ts_ns - (ts_ns - _MONDAY_NS) % WEEK_NS


class _Test(NamedTuple):
    skill: float
    n: int
    p_value: float


def _test(
    outcomes: Outcomes, agent: str, known_ns: int, rates: tuple[float, float, float]
) -> _Test:
    rows = known_trades(outcomes, outcomes.calls.said_by(Kind.AGENT, agent), known_ns)
    if len(rows) < _LEAST_SAMPLES:
        return _Test(math.nan, len(rows), math.nan)
    own, base = brier_losses(outcomes, rows, rates)
    _, reach = dates_of(outcomes, rows)
    test = _compare(by_date(outcomes, rows, own), by_date(outcomes, rows, base), reach)
    skill = 1.0 - float(own.sum()) / float(base.sum()) if base.any() else math.nan
    n = len(rows) // reach
    return _Test(skill, n, math.nan if test is None else test.p_two_sided)


def _compare(first: Floats, second: Floats, reach: int) -> DieboldMariano | None:
    try:
        return diebold_mariano(first, second, reach)
    except InputError:
        return None  # fewer dates than the test needs


def _move(agent: str, role: Role, test: _Test, p_value: float) -> WeightMove:
    base = ROLE_WEIGHTS.get(role, _UNKNOWN)
    weight = base
    if math.isnan(p_value) or math.isnan(test.skill):
        reason = f"{test.n} outcomes are too few to test"
    elif p_value >= _P_MAX:
        reason = f"no more than the base rate, or luck: skill {test.skill:+.3f}, p {p_value:.3g}"
    else:
        weight = weigh(base, test.skill, test.n)
        reason = f"skill {test.skill:+.3f} over {test.n}, p {p_value:.3g}"
    if role is Role.RISK and weight < base:
        weight, reason = base, f"{reason}; {_RISK_STAYS}"
    return WeightMove(
        agent=agent,
        role=role,
        base=base,
        weight=weight,
        skill=test.skill,
        n=test.n,
        p_value=p_value,
        reason=reason,
    )


def _floored(move: WeightMove) -> WeightMove:
    if move.role is Role.RISK:
        return replace(move, reason=f"{move.reason}; drifts; {_RISK_STAYS}")
    weight = min(move.weight, move.base * FLOOR)
    return replace(move, weight=weight, reason=f"{move.reason}; drifts: to its floor")


def _count(vote: PastVote, name: str, weights: Mapping[str, float]) -> Call:
    votes = [
        replace(one, weight=weights.get(one.agent, ROLE_WEIGHTS.get(one.role, _UNKNOWN)))
        for one in vote.votes
    ]
    result = count_votes(votes)
    confidence = result.confidence
    return Call(
        Kind.DECISION, name, vote.symbol, vote.as_of_ns, result.action, confidence, confidence
    )
