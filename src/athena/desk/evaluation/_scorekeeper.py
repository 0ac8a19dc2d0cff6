"""Who keeps the score while a desk runs: outcomes as they come, curves and weights every week."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from athena.desk.evaluation._calibration import LearnedCalibration, calibrate
from athena.desk.evaluation._calls import Call, Calls, calls_of
from athena.desk.evaluation._drift import Drift, find_drift
from athena.desk.evaluation._outcomes import OutcomeRules, judge_moves
from athena.desk.evaluation._weights import (
    BY_ROLE,
    LEARNED,
    PastVote,
    WeightReview,
    compare_recounts,
    conclude,
    propose_weights,
    recount,
    week_of,
)
from athena.domain import HOUR_NS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athena.desk.contract import Role
    from athena.desk.cycle import CycleResult
    from athena.desk.evaluation._outcomes import Outcomes

_RECOUNTS = frozenset({LEARNED, BY_ROLE})
MOST_CALLS = 100_000
MOST_COUNTED = 50_000
MOST_REVIEWS = 520


class _Said(NamedTuple):
    call: Call
    price: float


class _Settled(NamedTuple):
    call: Call
    move_frac: float


class _Waiting:
    """Words of one symbol whose horizon is not over, oldest first, and its newest close."""

    def __init__(self) -> None:
        """Begin without a price."""
        self.words: deque[_Said] = deque()
        self.close_ns = -1
        self.close = 0.0


class Scorekeeper:
    """Learn from outcomes while a desk runs; what is not settled yet teaches nothing.

    It is told prices and cycles in order. Memory is bounded: the newest 100,000 settled words,
    50,000 recounted votes, 520 reviews, and what waits for its horizon.
    """

    def __init__(
        self,
        interval_ns: int,
        horizon_ns: int = 4 * HOUR_NS,
        rules: OutcomeRules | None = None,
    ) -> None:
        """Begin without a record.

        Args:
            interval_ns: length of the bars whose closes come; an older close is no price.
            horizon_ns: over which confidences and weights are judged.
            rules: None for the specification's.
        """
        self._interval_ns = interval_ns
        self._horizon_ns = horizon_ns
        self._rules = rules or OutcomeRules()
        self._waiting: dict[str, _Waiting] = {}
        self._settled: deque[_Settled] = deque(maxlen=MOST_CALLS)
        self._counted: deque[_Settled] = deque(maxlen=MOST_COUNTED)
        self._roles: dict[str, Role] = {}
        self._proposed: dict[str, float] = {}
        self._calibration = LearnedCalibration({})
        self._week_ns = -1
        self.reviews: deque[WeightReview] = deque(maxlen=MOST_REVIEWS)
        self.drifts: tuple[Drift, ...] = ()

    def price(self, symbol: str, close_ns: int, close: float) -> None:
        """Take a close; what its time settles is judged now."""
        at = self._waiting.setdefault(symbol, _Waiting())
        while at.words and at.words[0].call.as_of_ns + self._horizon_ns <= close_ns:
            said = at.words.popleft()
            ends_ns = said.call.as_of_ns + self._horizon_ns
            was_ns, was = (close_ns, close) if ends_ns == close_ns else (at.close_ns, at.close)
            if 0 <= ends_ns - was_ns < self._interval_ns:
                self._settle(_Settled(said.call, was / said.price - 1.0))
        at.close_ns, at.close = close_ns, close

    def note(self, result: CycleResult) -> None:
        """Take a cycle: what was said in it waits for its outcome."""
        decision = result.decision
        at = self._waiting.get(decision.symbol)
        if at is None or not 0 <= decision.as_of_ns - at.close_ns < self._interval_ns:
            return  # without a price of that moment nobody can be judged
        self._roles.update((one.agent, one.role) for one in decision.votes)
        said = [
            *calls_of(decision, result.outputs),
            *recount([PastVote.of(decision)], self._proposed),
        ]
        # An output of an earlier cycle was taken then.
        at.words.extend(
            _Said(call, at.close) for call in said if call.as_of_ns == decision.as_of_ns
        )

    def calibrated(self, agent: str, confidence: float) -> float | None:
        """Return how often an agent was right at a confidence; see `Calibration`."""
        return self._calibration.calibrated(agent, confidence)

    def weights(self, now_ns: int) -> dict[str, float]:
        """Return agent -> weight by its record; reviewed at the first question of a week.

        Args:
            now_ns: moment of the decision, UTC.
        """
        week_ns = week_of(now_ns)
        if week_ns > self._week_ns:
            self._week_ns = week_ns
            self._review(now_ns)
        return self.reviews[-1].weights if self.reviews else {}

    def _settle(self, settled: _Settled) -> None:
        is_recount = settled.call.who in _RECOUNTS
        (self._counted if is_recount else self._settled).append(settled)

    def _review(self, now_ns: int) -> None:
        if not self._settled:
            return
        outcomes = self._judged(self._settled)
        self._calibration = calibrate(outcomes, now_ns)
        self.drifts = tuple(
            drift for agent in sorted(self._roles) for drift in find_drift(outcomes, agent, now_ns)
        )
        drifted = {drift.agent for drift in self.drifts if drift.costs_weight}
        moves = propose_weights(outcomes, self._roles, now_ns)
        test = compare_recounts(self._judged(self._counted)) if self._counted else None
        self.reviews.append(conclude(moves, test, now_ns, drifted))
        self._proposed = {move.agent: move.weight for move in moves}

    def _judged(self, settled: Iterable[_Settled]) -> Outcomes:
        kept = list(settled)
        return judge_moves(
            Calls.of(one.call for one in kept),
            np.array([one.move_frac for one in kept]),
            np.ones(len(kept), bool),
            self._horizon_ns,
            self._rules,
        )
