"""A decision on its way: each step may take something away, none can give it back (C02)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from athena.desk.coordinator._directions import can_reduce
from athena.domain import Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.desk.contract import Output, Plan, Proposal
    from athena.desk.coordinator._case import Case, HoldCode
    from athena.desk.coordinator._vote import Ballot, Result
    from athena.domain import Regime, RiskLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is decided so far.

    Attributes:
        case: what is known.
        identify: gives the digest of one of its opinions.
        ballot, result: the vote.
        regime: label in force.
        risk_level: None when nobody knows it.
        action, confidence: what is still wanted.
        multiplier: of agreement.
        proposal, plan: what is still to be traded; None for nothing.
        hold_code: why nothing is traded; None while something may be.
        reasons: sentences, in the order of the steps.
    """

    case: Case
    identify: Callable[[Output], str]
    ballot: Ballot
    result: Result
    regime: Regime
    risk_level: RiskLevel | None
    action: Action
    confidence: float
    multiplier: float = 1.0
    proposal: Proposal | None = None
    plan: Plan | None = None
    hold_code: HoldCode | None = None
    reasons: tuple[str, ...] = ()

    @property
    def can_raise_risk(self) -> bool:
        """Tell whether more is at stake afterwards than before."""
        return not can_reduce(self.action, self.case.position)

    def note(self, *reasons: str) -> Draft:
        """Add sentences."""
        return replace(self, reasons=(*self.reasons, *reasons))

    def hold(self, code: HoldCode, reason: str, confidence: float | None = None) -> Draft:
        """Trade nothing."""
        kept = self.confidence if confidence is None else confidence
        return replace(
            self.note(reason),
            action=Action.HOLD,
            confidence=min(kept, self.confidence),
            hold_code=code,
            proposal=None,
            plan=None,
        )
