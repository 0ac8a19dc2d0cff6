"""When opinions collide so closely that somebody has to judge, and what a judge may change.

A judge can stop a trade or shrink it. Whatever else it says is no answer, and no answer stops it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn, Protocol

from athena.desk.contract import Role, Unavailable
from athena.desk.coordinator._directions import Direction, are_opposed, direction
from athena.domain import SECOND_NS, Action, Regime
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.desk.contract import Output, Proposal
    from athena.desk.coordinator._case import Case

ANSWER_NS = 10 * SECOND_NS
_NARROW_GAP = 0.2
_DIGITS = 9
_LEVERAGE_MAX = 5
_ALL_PCT = 100.0
_TOO_LARGE = 10**15
_SHIFT_CEILING_FRAC = 0.5
_KEYS = frozenset({"answer", "reason", "size_cut_pct", "leverage", "entry_shift_frac"})
_CHANGES = ("size_cut_pct", "leverage", "entry_shift_frac")


class ConflictKind(StrEnum):
    """Why somebody has to judge."""

    OPPOSED = "opposed"
    CHOPPY = "choppy"


class Outcome(StrEnum):
    """What a judge may answer."""

    PROCEED = "proceed"
    WAIT = "wait"
    ABORT = "abort"
    MODIFY = "modify"


# What happens without an answer that counts.
_DEFAULTS: Mapping[ConflictKind, Outcome] = {
    ConflictKind.OPPOSED: Outcome.WAIT,
    ConflictKind.CHOPPY: Outcome.ABORT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """What is to be judged.

    Attributes:
        kind: why.
        decision_id: of the decision that waits for it.
        asked_ns: moment of the decision, UTC.
        symbol: instrument.
        action: what the desk wants.
        confidence: 0..1, with which it wants it.
        regime: label in force.
        proposal: what would be traded.
        opinions: about the symbol, that count now.
        reason: a sentence.
    """

    kind: ConflictKind
    decision_id: str
    asked_ns: int
    symbol: str
    action: Action
    confidence: float
    regime: Regime
    proposal: Proposal
    opinions: tuple[Output, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a judge said.

    Attributes:
        said: its answer, not looked at yet; `Unavailable` when there is none.
        answered_ns: when it came, UTC.
    """

    said: Mapping[str, object] | Unavailable
    answered_ns: int


class Judge(Protocol):
    """Judge a conflict: a model with its fallback, a recording, or a person."""

    def __call__(self, conflict: Conflict, deadline_ns: int) -> Answer:
        """Return an answer; one that comes after the deadline is not read."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """What a judge wants changed, inside what it may.

    Attributes:
        size_cut_pct: 0..100, how much smaller.
        leverage: 1..5; None leaves it.
        entry_shift_frac: signed, of the entry price; 0 leaves it.
    """

    size_cut_pct: float = 0.0
    leverage: int | None = None
    entry_shift_frac: float = 0.0


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a conflict ends.

    Attributes:
        outcome: proceed and modify lead on, wait and abort to hold.
        reason: a sentence.
        change: of a modification; None otherwise.
    """

    outcome: Outcome
    reason: str
    change: Change | None = None


def find_conflict(
    case: Case, regime: Regime, proposal: Proposal, confidence: float
) -> Conflict | None:
    """Find what somebody has to judge before a proposal that can raise risk goes on.

    Technical and sentiment are opposed with confidences less than 0.2 apart, or the regime is
    choppy, which goes first, being the graver one.

    Args:
        case: whose opinions count, unless they are of other symbols, expired or abstaining.
        regime: label in force.
        proposal: what is wanted.
        confidence: 0..1.
    """
    opinions = tuple(
        one
        for one in case.outputs
        if one.symbol == proposal.symbol and one.is_valid_at(case.now_ns) and not one.abstains
    )
    kind, reason = ConflictKind.OPPOSED, _opposition(opinions)
    if regime is Regime.CHOPPY:
        kind, reason = ConflictKind.CHOPPY, f"{proposal.action} in a choppy market"
    if not reason:
        return None
    return Conflict(
        kind=kind,
        decision_id=case.id,
        asked_ns=case.now_ns,
        symbol=proposal.symbol,
        action=proposal.action,
        confidence=confidence,
        regime=regime,
        proposal=proposal,
        opinions=opinions,
        reason=reason,
    )


def _opposition(opinions: Sequence[Output]) -> str:
    """Say who opposes whom so closely that somebody has to judge; empty for nobody."""
    for technical in (one for one in opinions if one.role is Role.TECHNICAL):
        for sentiment in (one for one in opinions if one.role is Role.SENTIMENT):
            # 0.7 and 0.5 are 0.2 apart, whatever binary fractions make of it.
            gap = round(abs(technical.confidence - sentiment.confidence), _DIGITS)
            if are_opposed(technical.action, sentiment.action) and gap < _NARROW_GAP:
                return (
                    f"{technical.agent} says {technical.action}, {sentiment.agent} says "
                    f"{sentiment.action}, confidences {gap:.2f} apart"
                )
    return ""


def resolve_unasked(conflict: Conflict, why: str) -> Resolution:
    """Resolve a conflict that nobody judges: wait where views oppose, abort where it is choppy."""
    return Resolution(_DEFAULTS[conflict.kind], f"{conflict.reason}; {why}")


def resolve(
    conflict: Conflict, answer: Answer, deadline_ns: int, *, shift_max_frac: float = 0.01
) -> Resolution:
    """Read a judge's answer, strictly; one that is late or not in order resolves as none does.

    Args:
        conflict: what was asked about.
        answer: what came back.
        deadline_ns: until when it counts, UTC.
        shift_max_frac: how far an entry may be shifted, at most 0.5.

    Raises:
        InputError: the configured shift is outside [0, 0.5].
    """
    if not 0 <= shift_max_frac <= _SHIFT_CEILING_FRAC:
        message = (
            f"expected a shift of the entry in [0, {_SHIFT_CEILING_FRAC}], was {shift_max_frac}"
        )
        raise InputError(message)
    said = answer.said
    if isinstance(said, Unavailable):
        return resolve_unasked(conflict, f"no answer: {said.reason}")
    if answer.answered_ns > deadline_ns:
        return resolve_unasked(conflict, "the answer came too late")
    try:
        return _read(conflict, said, shift_max_frac)
    except _NotAnAnswerError as error:
        return resolve_unasked(conflict, f"the answer is refused: {error}")


def apply_change(proposal: Proposal, change: Change, tick: Decimal) -> Proposal | str:
    """Return the proposal as changed, or in a sentence why nothing can be left of it.

    Size and leverage never grow (C02, C13). An entry that moves away from its stop cuts the size
    in proportion, so that the loss at the stop does not grow either.

    Args:
        proposal: what was proposed.
        change: see `resolve`.
        tick: smallest step of the price, > 0.
    """
    size_frac = proposal.size_frac * (1 - change.size_cut_pct / _ALL_PCT)
    if size_frac <= 0:
        return "nothing is left of its size"
    leverage = proposal.leverage
    if change.leverage is not None:
        leverage = min(leverage, change.leverage)
    entry = proposal.entry_price
    if change.entry_shift_frac:
        if entry is None:
            return "it has no entry to be shifted"
        entry = _shifted(entry, change.entry_shift_frac, tick)
        fault = _misplaced(proposal, entry)
        if fault:
            return fault
        size_frac *= _no_more_risk(proposal, entry)
    return replace(
        proposal,
        size_frac=min(size_frac, proposal.size_frac),
        leverage=leverage,
        entry_price=entry,
    )


class _NotAnAnswerError(Exception):
    """What a judge said cannot be used."""


def _read(conflict: Conflict, said: Mapping[str, object], shift_max_frac: float) -> Resolution:
    unknown = sorted(set(map(str, said)) - _KEYS)
    if unknown:
        _refuse("no other fields", ", ".join(unknown))
    word, reason = said.get("answer"), said.get("reason", "")
    if not isinstance(word, str) or word not in set(Outcome):
        _refuse(f"one of {', '.join(Outcome)}", word)
    if not isinstance(reason, str):
        _refuse("a reason in words", reason)
    outcome = Outcome(word)
    changes = {name: said[name] for name in _CHANGES if said.get(name) is not None}
    if (outcome is Outcome.MODIFY) != bool(changes):
        _refuse("a change with modify and with nothing else", f"{word} with {len(changes)}")
    text = f"{conflict.reason}; judged: {outcome}" + (f", {reason}" if reason else "")
    if outcome is not Outcome.MODIFY:
        return Resolution(outcome, text)
    change = Change(
        size_cut_pct=min(max(_number(changes.get("size_cut_pct", 0.0)), 0.0), _ALL_PCT),
        leverage=_leverage(changes["leverage"]) if "leverage" in changes else None,
        entry_shift_frac=_number(changes.get("entry_shift_frac", 0.0)),
    )
    if abs(change.entry_shift_frac) > shift_max_frac:
        _refuse(f"a shift of at most {shift_max_frac}", change.entry_shift_frac)
    return Resolution(outcome, text, change)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse("a finite number", value)
    if not abs(value) < _TOO_LARGE:  # NaN is not smaller either
        _refuse("a finite number", value)
    return float(value)


def _leverage(value: object) -> int:
    number = _number(value)
    if not (number.is_integer() and 1 <= number <= _LEVERAGE_MAX):
        _refuse(f"leverage as a whole number from 1 to {_LEVERAGE_MAX}", value)
    return int(number)


def _refuse(expected: str, was: object) -> NoReturn:
    message = f"expected {expected}, was {str(was)[:100]!r}"
    raise _NotAnAnswerError(message)


def _shifted(entry: Decimal, shift_frac: float, tick: Decimal) -> Decimal:
    moved = entry * (1 + Decimal(str(shift_frac)))
    return (moved / tick).quantize(Decimal(1), ROUND_HALF_EVEN) * tick


def _misplaced(proposal: Proposal, entry: Decimal) -> str:
    """Say what is wrong with a new entry; empty when stop and target still fit."""
    sign = -1 if direction(proposal.action) is Direction.DOWN else 1
    if entry <= 0:
        return "the shifted entry is no price"
    if proposal.stop_price is not None and sign * (entry - proposal.stop_price) <= 0:
        return "the shifted entry lies beyond the stop"
    if proposal.target_price is not None and sign * (proposal.target_price - entry) <= 0:
        return "the shifted entry lies beyond the target"
    return ""


def _no_more_risk(proposal: Proposal, entry: Decimal) -> float:
    """Return the factor of the size that keeps the loss at the stop from growing, 0..1."""
    before, stop = proposal.entry_price, proposal.stop_price
    if before is None or stop is None:
        return 1.0
    was, now = abs(before - stop) / before, abs(entry - stop) / entry
    return min(1.0, float(was / now))
