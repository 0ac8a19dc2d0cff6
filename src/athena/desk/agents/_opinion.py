"""What a rule says, and the agent that says it at the desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from athena.desk.contract import (
    ActionRecord,
    Evidence,
    Output,
    Thought,
    digest,
)
from athena.domain import Action
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from athena.desk.contract import Context, Detail, Role

InputsT = TypeVar("InputsT")

_VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a rule says about its inputs.

    Attributes:
        action, label, reasons, evidence, abstains, detail: as in `Output`.
        confidence: 0..1, before calibration.
        confidence_cap: holds after calibration too: weak data make a weak opinion.
    """

    action: Action
    confidence: float
    reasons: tuple[str, ...]
    label: str = ""
    evidence: tuple[Evidence, ...] = ()
    abstains: bool = False
    detail: Detail | None = None
    confidence_cap: float = 1.0


def hold(*reasons: str, label: str = "", detail: Detail | None = None) -> Opinion:
    """Say hold without confidence: there is nothing to base an opinion on."""
    return Opinion(action=Action.HOLD, confidence=0.0, reasons=reasons, label=label, detail=detail)


def abstain(*reasons: str, label: str = "", detail: Detail | None = None) -> Opinion:
    """Take no part in the vote."""
    return Opinion(
        action=Action.HOLD,
        confidence=0.0,
        reasons=reasons,
        label=label,
        abstains=True,
        detail=detail,
    )


def evidence_of(
    values: Iterable[tuple[str, float | None]], unit: str, source: str
) -> tuple[Evidence, ...]:
    """Return the numbers that are known as evidence; None is left out."""
    return tuple(
        Evidence(name, float(value), unit, source) for name, value in values if value is not None
    )


class Calibration(Protocol):
    """What past outcomes say about an agent's confidence; it is learned elsewhere."""

    def calibrated(self, agent: str, confidence: float) -> float | None:
        """Return how often it was right at this confidence, 0..1; None below 100 outcomes."""


class Rule(Protocol[InputsT]):
    """What an agent's mind is made of.

    A rule is a function of the context: it reads no clock, draws no number and asks nobody. What
    it remembers from cycle to cycle it says in its own documentation.
    """

    def judge(self, context: Context[InputsT]) -> Opinion:
        """Form an opinion; inputs that are missing or bad make it hold or abstain."""

    def input_ids(self, inputs: InputsT) -> tuple[str, ...]:
        """Return the digests of what it reads."""


class RuleAgent(Generic[InputsT]):
    """An agent that thinks by a rule: done after one thought, and says it once."""

    def __init__(  # noqa: PLR0913 - who it is, what it thinks with, whom it tells
        self,
        name: str,
        role: Role,
        rule: Rule[InputsT],
        publish: Callable[[Output], None],
        *,
        version: str,
        valid_for_ns: int,
        calibration: Calibration | None = None,
    ) -> None:
        """Take a seat.

        Args:
            name: unique at the desk.
            role: what it is asked for.
            rule: what it thinks with.
            publish: takes each output, once.
            version: of rule and settings, see `version_of`.
            valid_for_ns: how long an output counts, >= 0.
            calibration: None leaves confidences as they are.

        Raises:
            InputError: no name, or a time below 0.
        """
        if not name or valid_for_ns < 0:
            message = f"expected a name and a time >= 0, was {name!r} and {valid_for_ns} ns"
            raise InputError(message)
        self.name = name
        self.role = role
        self.version = version
        self._rule = rule
        self._publish = publish
        self._valid_for_ns = valid_for_ns
        self._calibration = calibration

    def think(self, context: Context[InputsT]) -> Thought:
        """Form an opinion about a context; it is always done."""
        said = self._rule.judge(context)
        confidence = said.confidence
        if self._calibration is not None and confidence > 0:  # 0 is no opinion at all
            learned = self._calibration.calibrated(self.name, confidence)
            confidence = confidence if learned is None else learned
        output = Output(
            agent=self.name,
            role=self.role,
            symbol=context.symbol,
            as_of_ns=context.as_of_ns,
            action=said.action,
            label=said.label,
            confidence=min(confidence, said.confidence_cap),
            raw_confidence=said.confidence,
            reasons=said.reasons,
            evidence=said.evidence,
            input_ids=self._rule.input_ids(context.inputs),
            version=self.version,
            valid_until_ns=context.as_of_ns + self._valid_for_ns,
            abstains=said.abstains,
            detail=said.detail,
        )
        return Thought(done=True, output=output)

    def act(self, thought: Thought) -> ActionRecord:
        """Publish the result of a thought.

        Raises:
            InputError: the thought is not done; this agent's always are.
        """
        if thought.output is None:
            message = f"expected a thought of {self.name} that is done, was {thought.note!r}"
            raise InputError(message)
        self._publish(thought.output)
        said = f"{thought.output.action} {thought.output.confidence:.2f}"
        return ActionRecord(
            type="publish",
            parameters=(("role", self.role.value),),
            result=said,
            success=True,
            error="",
            duration_s=0.0,
        )


class NewestDigest:
    """Take the digest of what is read, once while it is the same object: it is frozen."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._value: object = None
        self._digest = ""

    def of(self, value: object) -> str:
        """Return the digest of a value.

        Raises:
            InputError: see `digest`.
        """
        if value is not self._value or not self._digest:
            self._digest = digest(value)
            self._value = value
        return self._digest


def version_of(rule: str, settings: object) -> str:
    """Name a rule with its settings: a changed number is another version."""
    return f"{rule}/{digest(settings)[:_VERSION_DIGITS]}"
