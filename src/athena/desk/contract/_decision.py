"""What the coordinator decides, and the votes it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from athena.desk.contract._checks import check_between
from athena.desk.contract._proposals import Plan, Proposal  # noqa: TC001 - pydantic reads them
from athena.desk.contract._roles import Role  # noqa: TC001 - pydantic reads the annotations
from athena.desk.contract._views import STRICT
from athena.domain import Action, Regime, RiskLevel  # noqa: TC001 - pydantic reads them

if TYPE_CHECKING:
    from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class Vote:
    """One voice in a decision.

    Attributes:
        agent: who.
        role: what it was asked for.
        action: what it wants.
        confidence: 0..1.
        weight: of its role and record, >= 0.
        output_id: digest of the output it stands for.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    agent: str
    role: Role
    action: Action
    confidence: float
    weight: float
    output_id: str

    def __post_init__(self) -> None:
        """Refuse a confidence that is none, and a weight below 0."""
        check_between("confidence", self.confidence, 0, 1)
        check_between("weight", self.weight, 0, float("inf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the desk decided for one symbol in one cycle.

    Attributes:
        id: unique; also the correlation id of everything that led to it and follows.
        symbol: instrument.
        as_of_ns: of the snapshot, UTC.
        decided_at_ns: UTC, >= `as_of_ns`.
        action: `hold` has no plan.
        confidence: 0..1, after agreement, conflict and veto.
        regime: label it was made in.
        risk_level: that the veto was judged at.
        method: `unanimous`, `majority`, `conflict`, `tie` or `none`.
        winner: heaviest voter for the action; empty for none.
        votes: in the order of the agents' names.
        multiplier: of agreement.
        reasons: sentences for a person, in the order of the steps.
        hold_code: why nothing is traded, such as `missing_view`; empty when something is.
        proposal, plan: what would be traded; None for nothing.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    id: str
    symbol: str
    as_of_ns: int
    decided_at_ns: int
    action: Action
    confidence: float
    regime: Regime
    risk_level: RiskLevel
    method: Literal["unanimous", "majority", "conflict", "tie", "none"]
    winner: str
    votes: tuple[Vote, ...]
    multiplier: float
    reasons: tuple[str, ...]
    hold_code: str = ""
    proposal: Proposal | None = None
    plan: Plan | None = None

    def __post_init__(self) -> None:
        """Refuse a confidence that is none."""
        check_between("confidence", self.confidence, 0, 1)
