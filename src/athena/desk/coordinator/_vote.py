"""Who wants what, and what the desk makes of it (desk specification 6)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from athena.desk.contract import Role, Vote, digest
from athena.desk.coordinator._directions import Direction, direction
from athena.domain import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from athena.desk.contract import Output

Method = Literal["unanimous", "majority", "conflict", "tie", "none"]

# The forecast agent votes once it is promoted.
ROLE_WEIGHTS: Mapping[Role, float] = {
    Role.RISK: 3.0,
    Role.STRATEGY: 2.0,
    Role.TECHNICAL: 1.0,
    Role.REGIME: 1.0,
    Role.SENTIMENT: 1.0,
    Role.EXECUTION: 1.0,
    Role.FORECAST: 0.0,
}
_UNKNOWN_WEIGHT = 1.0


@dataclass(frozen=True, slots=True)
class Ballot:
    """The votes of a decision.

    Attributes:
        votes: in the order of the agents' names; those of weight 0 are shown, not counted.
        notes: sentences about voices that were left out or weighed by default.
    """

    votes: tuple[Vote, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What a vote came to.

    Attributes:
        action: hold where nobody voted, or nobody won.
        confidence: 0..1; the winner's share in a conflict, the mean of its voters otherwise, 0
            without a winner.
        method: how it came about.
        winner: heaviest voter for the action; empty without one.
        reason: a sentence.
    """

    action: Action
    confidence: float
    method: Method
    winner: str
    reason: str


def cast_votes(
    outputs: Iterable[Output],
    symbol: str,
    now_ns: int,
    weights: Mapping[str, float] | None = None,
    identify: Callable[[Output], str] = digest,
) -> Ballot:
    """Turn opinions into votes; only what is valid now, about the symbol or the account, counts.

    Args:
        outputs: opinions, in any order; of several by one agent the newest counts.
        symbol: what is decided about.
        now_ns: moment of the decision, UTC.
        weights: agent -> weight by its record; the weight of the role for others.
        identify: gives the digest of an opinion.
    """
    newest: dict[str, Output] = {}
    notes: list[str] = []
    for output in sorted(outputs, key=lambda one: (one.agent, one.as_of_ns)):
        if output.symbol not in {symbol, ""}:
            continue
        if not output.is_valid_at(now_ns):
            notes.append(f"{output.agent} did not vote: its opinion is not valid now")
        elif output.abstains:
            notes.append(f"{output.agent} abstains: {output.reasons[0]}")
        else:
            newest[output.agent] = output
    votes = []
    for output in newest.values():
        weight = (weights or {}).get(output.agent)
        if weight is None:
            weight = ROLE_WEIGHTS.get(output.role, _UNKNOWN_WEIGHT)
            if output.role not in ROLE_WEIGHTS:
                notes.append(f"{output.agent} weighs 1: the role {output.role} has no weight")
        votes.append(
            Vote(
                output.agent,
                output.role,
                output.action,
                output.confidence,
                weight,
                identify(output),
            )
        )
    return Ballot(tuple(votes), tuple(notes))


def count_votes(votes: Sequence[Vote]) -> Result:
    """Find what the desk wants: by weight where votes oppose each other, else by number.

    Votes of one direction stand together, `sell` and `close_long` say; inside it the action with
    more of them is taken, and of two equal ones that which reduces.
    """
    counted = [vote for vote in votes if vote.weight > 0]
    if not counted:
        return Result(Action.HOLD, 0.0, "none", "", "nobody recommends anything")
    directions = {direction(vote.action) for vote in counted}
    if {Direction.UP, Direction.DOWN} <= directions:
        return _by_weight(counted)
    return _by_number(counted)


def _by_weight(votes: Sequence[Vote]) -> Result:
    sums = _sums(votes, _strength)
    side = _largest(sums)
    shown = ", ".join(f"{name} {total:.4g}" for name, total in sorted(sums.items()))
    if side is None:
        return Result(Action.HOLD, 0.0, "tie", "", f"votes oppose each other equally: {shown}")
    confidence = sums[side] / sum(sums.values())
    voters = [vote for vote in votes if direction(vote.action) is side]
    reason = f"votes oppose each other: {shown}"
    return _won(voters, confidence, "conflict", reason, _strength)


def _by_number(votes: Sequence[Vote]) -> Result:
    counts = _sums(votes, lambda _: 1.0)
    side = _largest(counts)
    shown = ", ".join(f"{name} {n:.0f}" for name, n in sorted(counts.items()))
    if side is None:
        return Result(Action.HOLD, 0.0, "tie", "", f"as many for one as for another: {shown}")
    voters = [vote for vote in votes if direction(vote.action) is side]
    confidence = sum(vote.confidence for vote in voters) / len(voters)
    method: Method = "unanimous" if len(counts) == 1 else "majority"
    return _won(voters, confidence, method, f"votes: {shown}", lambda _: 1.0)


def _won(
    voters: Sequence[Vote],
    confidence: float,
    method: Method,
    reason: str,
    measure: Callable[[Vote], float],
) -> Result:
    by_action: dict[Action, float] = defaultdict(float)
    for vote in voters:
        by_action[vote.action] += measure(vote)
    closing = (Action.CLOSE_LONG, Action.CLOSE_SHORT)
    action = max(by_action, key=lambda one: (by_action[one], one in closing))
    # Of equally heavy voters the first by name.
    heaviest = max((vote for vote in voters if vote.action is action), key=_strength)
    return Result(action, min(confidence, 1.0), method, heaviest.agent, reason)


def _strength(vote: Vote) -> float:
    return vote.weight * vote.confidence


def _sums(votes: Sequence[Vote], measure: Callable[[Vote], float]) -> dict[Direction, float]:
    sums: dict[Direction, float] = defaultdict(float)
    for vote in votes:
        sums[direction(vote.action)] += measure(vote)
    return dict(sums)


def _largest(sums: Mapping[Direction, float]) -> Direction | None:
    """Return the direction with the largest sum; None for a tie."""
    most = max(sums.values())
    leaders = [side for side, total in sums.items() if total == most]
    return leaders[0] if len(leaders) == 1 else None
