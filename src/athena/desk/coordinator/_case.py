"""What the coordinator knows when it decides, and the words for why it does not trade."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from athena.errors import InputError
from athena.trading.live import Level

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from athena.desk.bus import Veto
    from athena.desk.contract import Output
    from athena.domain import PositionSide


class DeskState(StrEnum):
    """How much the desk may do."""

    RUNNING = "running"
    PAUSED = "paused"  # it goes on thinking, and takes no risk
    HALTED = "halted"  # until somebody resumes


class HoldCode(StrEnum):
    """Why nothing is traded."""

    HALTED = "halted"
    PAUSED = "paused"
    DEGRADED = "degraded"
    MISSING_VIEW = "missing_view"
    NO_RECOMMENDATION = "no_recommendation"
    TIE = "tie"
    VOTED = "voted"
    NO_PROPOSAL = "no_proposal"
    NOT_FEASIBLE = "not_feasible"
    CONFLICT_WAIT = "conflict_wait"
    CONFLICT_ABORT = "conflict_abort"
    VETO = "veto"
    CONFIDENCE = "confidence"
    LATE = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that is known when the coordinator decides about a symbol.

    Attributes:
        id: of the decision, and the correlation id of what led to it.
        symbol: instrument.
        as_of_ns: of the snapshot, UTC.
        now_ns: moment of the decision, UTC, >= `as_of_ns`.
        outputs: opinions, proposals, plans and the risk view, in any order.
        output_ids: digests of the outputs, in their order; empty lets them be computed.
        position: what is held of the instrument; None for nothing.
        confidence_min: least confidence with which the risk engine lets risk through now.
        tick: smallest step of the price.
        has_violation: whether a compliance rule is broken.
        vetoes: said on the bus about proposals.
        weights: agent -> weight by its record; the weight of the role for others.
        state: of the desk.
        level: of degradation.
        shift_max_frac: how far a judge may shift an entry.
    """

    id: str
    symbol: str
    as_of_ns: int
    now_ns: int
    outputs: tuple[Output, ...]
    position: PositionSide | None
    confidence_min: float
    tick: Decimal
    output_ids: tuple[str, ...] = ()
    has_violation: bool = False
    vetoes: tuple[Veto, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    state: DeskState = DeskState.RUNNING
    level: Level = Level.NORMAL
    shift_max_frac: float = 0.01

    def __post_init__(self) -> None:
        """Refuse digests that are not one for each opinion."""
        if self.output_ids and len(self.output_ids) != len(self.outputs):
            message = (
                f"expected a digest for each of {len(self.outputs)} outputs, "
                f"was {len(self.output_ids)}"
            )
            raise InputError(message)
