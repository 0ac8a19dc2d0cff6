"""Bull and bear argue over a proposal; what comes of it can shrink the proposal and no more.

Each claim has to cite facts that are on the table. One that cites anything else is struck out: it
is neither shown to the other side nor to whoever rules, and the record says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from athena.desk.models._exhibits import proposal_facts
from athena.desk.models._prompt import Countdown, gives_away, quoted, why_not
from athena.errors import InputError
from athena.language import Answer, AnswerT, ModelRole, Question, Unanswered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.desk.contract import Proposal
    from athena.desk.models._exhibits import Exhibit
    from athena.language import Asker, Fact

_ROUNDS_MAX = 5
_CLAIMS_MAX = 4
_ALL_PCT = 100.0
_RULES = """You are given the proposal, the facts that both of you see, and what was said so far.
Make at most four claims, each in one sentence and with the ids of the facts that it rests on. A
claim that rests on anything else is struck out. Answer what the other side said."""
_TASKS = {
    "bull": "You are the bull of a trading desk: you argue that the proposal should be made.",
    "bear": "You are the bear of a trading desk: you argue that the proposal should not be made.",
}
_RULING_TASK = """You close a debate of a trading desk over a proposal. You say by how many percent
the proposal should be made smaller: 0 leaves it, 100 gives it up. You cannot make it larger, and
you cannot change anything else. Judge by what was shown, not by how often it was said."""


class Stance(StrEnum):
    """Who argues."""

    BULL = "bull"
    BEAR = "bear"


class Claim(Answer):
    """One sentence, and what it rests on."""

    says: str = Field(min_length=1, max_length=300)
    cites: Annotated[list[Annotated[str, Field(max_length=8)]], Field(max_length=6)]


class Argument(Answer):
    """What a researcher answers in a round."""

    claims: Annotated[list[Claim], Field(max_length=_CLAIMS_MAX)]


class Ruling(Answer):
    """What closes a debate; there is no way to say that the proposal should be larger."""

    size_cut_pct: float = Field(ge=0, le=100)
    reason: str = Field(max_length=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class DebateSettings:
    """How long is argued.

    Attributes:
        n_rounds: in each of which both sides speak once, 1..5.
        deadline_s: for the whole debate; each question has its share of what is left.
        is_blind: hide names, dates and price levels.
    """

    n_rounds: int = 2
    deadline_s: float = 30.0
    is_blind: bool = False

    def __post_init__(self) -> None:
        """Refuse a debate that could not be held."""
        if not (1 <= self.n_rounds <= _ROUNDS_MAX and 0 < self.deadline_s <= 600):  # noqa: PLR2004
            message = (
                f"expected 1..{_ROUNDS_MAX} rounds in up to 600 s, "
                f"was {self.n_rounds} in {self.deadline_s} s"
            )
            raise InputError(message)


@dataclass(frozen=True, slots=True)
class Point:
    """A claim as it was made.

    Attributes:
        round: from 1.
        stance: whose it is.
        says: one sentence.
        cites: ids of exhibits.
        struck: why it does not count; empty when it stands.
    """

    round: int
    stance: Stance
    says: str
    cites: tuple[str, ...]
    struck: str = ""


@dataclass(frozen=True, slots=True)
class Debate:
    """A debate as it ended.

    Attributes:
        points: all that was said, in order.
        ended: why it ended before its last round or without a ruling; empty otherwise.
        ruling: None when nobody ruled, and then the proposal stays as it is.
    """

    points: tuple[Point, ...]
    ended: str
    ruling: Ruling | None

    @property
    def kept_frac(self) -> float:
        """Return what is left of the size, 0..1; never more than there was."""
        cut_pct = 0.0 if self.ruling is None else self.ruling.size_cut_pct
        return min(1.0, max(0.0, 1.0 - cut_pct / _ALL_PCT))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return the record in sentences, for the trace."""
        said = tuple(map(_sentence, self.points))
        ended = (f"the debate ends as it stands: {self.ended}",) if self.ended else ()
        if self.ruling is None:
            return (*said, *ended)
        size = f"the debate cuts the size by {self.ruling.size_cut_pct:g} %"
        return (*said, *ended, f"{size}: {self.ruling.reason}")


def hold_debate(  # noqa: PLR0913 - who argues, about what, and who pays
    asker: Asker,
    proposal: Proposal,
    exhibits: Sequence[Exhibit],
    as_of_ns: int,
    settings: DebateSettings,
    *,
    decision_id: str,
) -> Debate:
    """Let bull and bear argue, then have somebody rule.

    Both sides of a round see what was said in the rounds before, so that neither has the last
    word. A side that does not answer, or a round that adds nothing, ends the debate after that
    round; what stands is ruled upon while there is time.

    Args:
        asker: asks live models, or replays what they said.
        proposal: what is argued about.
        exhibits: all that a claim may rest on.
        as_of_ns: moment of the decision, UTC.
        settings: rounds, time, blindness.
        decision_id: whose budget pays.

    Raises:
        RecordingMissing: it is to be replayed and was never recorded.
    """
    floor = _Floor(asker, proposal, exhibits, as_of_ns, settings, decision_id)
    points: tuple[Point, ...] = ()
    ended = ""
    for number in range(1, settings.n_rounds + 1):
        heard, silent = floor.hear_both(number, points)
        points += heard
        if silent or all(point.struck for point in heard):
            ended = silent or f"no claim of round {number} stands"
            break
    if all(point.struck for point in points):
        return Debate(points, ended, None)
    ruling = floor.rule(points)
    if isinstance(ruling, Ruling):
        return Debate(points, ended, ruling)
    return Debate(points, "; ".join(filter(None, [ended, ruling])), None)


class _Floor:
    """Where a debate takes place: the facts of everybody and the time that is left."""

    def __init__(  # noqa: PLR0913, PLR0917 - as `hold_debate`
        self,
        asker: Asker,
        proposal: Proposal,
        exhibits: Sequence[Exhibit],
        as_of_ns: int,
        settings: DebateSettings,
        decision_id: str,
    ) -> None:
        self._asker = asker
        self._symbol = proposal.symbol
        self._ids = frozenset(exhibit.id for exhibit in exhibits)
        self._facts: dict[str, Fact] = {
            "proposal": proposal_facts(proposal),
            "facts": [exhibit.fact(proposal.symbol) for exhibit in exhibits],
        }
        self._as_of_ns = as_of_ns
        self._is_blind = settings.is_blind
        self._decision_id = decision_id
        self._time = Countdown(settings.deadline_s)
        self._n_left = 2 * settings.n_rounds + 1

    def hear_both(self, number: int, before: tuple[Point, ...]) -> tuple[tuple[Point, ...], str]:
        """Return what both sides say in a round, and who was silent and why."""
        heard: tuple[Point, ...] = ()
        silent = []
        for stance in Stance:
            task = f"{_TASKS[stance]} {_RULES}"
            said = self._ask(Argument, task, before)
            if isinstance(said, str):
                silent.append(f"the {stance} did not answer in round {number} ({said})")
            else:
                heard += tuple(self._point(number, stance, claim) for claim in said.claims)
        return heard, "; ".join(silent)

    def rule(self, points: tuple[Point, ...]) -> Ruling | str:
        """Return the ruling, or why there is none."""
        self._n_left = 1
        said = self._ask(Ruling, _RULING_TASK, points)
        return f"nobody ruled ({said})" if isinstance(said, str) else said

    def _ask(self, form: type[AnswerT], task: str, points: tuple[Point, ...]) -> AnswerT | str:
        """Ask for one answer within its share of the time; a text says why there is none."""
        if self._time.is_over:
            return "no time is left"
        said: list[Fact] = [
            {"round": one.round, "side": one.stance.value, "says": one.says, "cites": one.cites}
            for one in points
            if not one.struck
        ]
        facts: dict[str, Fact] = {**self._facts, "said": said}
        reply = self._asker.ask(
            Question(
                role=ModelRole.RESEARCHERS,
                task=task,
                material=quoted("debate", facts, self._as_of_ns, is_blind=self._is_blind),
                answer=form,
                deadline_s=self._time.left_s / self._n_left,
                decision_id=self._decision_id,
                as_of_ns=self._as_of_ns,
            )
        )
        self._time.take(reply)
        self._n_left -= 1
        return why_not(reply) if isinstance(reply, Unanswered) else reply.answer

    def _point(self, number: int, stance: Stance, claim: Claim) -> Point:
        """Take a claim down, struck out where it rests on nothing that is on the table."""
        unknown = [name for name in claim.cites if name not in self._ids]
        struck = ""
        if not claim.cites:
            struck = "it cites nothing"
        elif unknown:
            struck = f"it cites {', '.join(unknown)}, which is no evidence"
        elif self._is_blind and gives_away(self._symbol, claim.says, self._as_of_ns, self._facts):
            struck = "it names the market or the time"
        return Point(number, stance, claim.says, tuple(claim.cites), struck)


def _sentence(point: Point) -> str:
    who = f"{point.stance} {point.round}"
    if point.struck:
        return f"{who}, struck out because {point.struck}: {point.says}"
    return f"{who}: {point.says} [{', '.join(point.cites)}]"
