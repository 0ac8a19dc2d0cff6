"""What risk forbids, whatever was voted (DK-16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.desk.coordinator._directions import can_reduce
from athena.domain import Action, RiskLevel

if TYPE_CHECKING:
    from athena.domain import PositionSide

_HALVED = 0.5


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is left of an action after the veto.

    Attributes:
        action: as it was, or hold.
        confidence: 0..1, never above what it was.
        is_reduce_only: True where it passed only because it can be carried out as a reduction;
            its orders have to be marked so.
        rule: that was applied; empty when nothing was changed.
        reason: a sentence; empty when nothing was changed.
    """

    action: Action
    confidence: float
    is_reduce_only: bool = False
    rule: str = ""
    reason: str = ""

    @property
    def is_vetoed(self) -> bool:
        """Tell whether a trade was turned into hold."""
        return self.action is Action.HOLD and bool(self.rule)


def judge_risk(
    action: Action,
    confidence: float,
    level: RiskLevel | None,
    position: PositionSide | None,
    *,
    has_violation: bool = False,
) -> Ruling:
    """Apply the veto table; it can only take away.

    | risk | an action that can raise risk | one that only reduces |
    |---|---|---|
    | compliance violation, `critical`, not known | hold, confidence 0 | passes, reduce-only |
    | `high` | hold, confidence halved | passes, reduce-only |
    | `medium`, `low` | passes | passes |

    Args:
        action: what is wanted.
        confidence: 0..1.
        level: of risk; None when nobody knows it.
        position: what is held of the instrument; None for nothing.
        has_violation: whether a compliance rule is broken.
    """
    if action is Action.HOLD or (level in {RiskLevel.LOW, RiskLevel.MEDIUM} and not has_violation):
        return Ruling(action, confidence)
    rule = _rule(level, has_violation=has_violation)
    if can_reduce(action, position):
        reason = f"{rule}: {action} may only reduce"
        return Ruling(action, confidence, is_reduce_only=True, rule=rule, reason=reason)
    kept = confidence * _HALVED if rule == "risk_high" else 0.0
    return Ruling(Action.HOLD, kept, rule=rule, reason=f"{rule}: {action} is vetoed")


def _rule(level: RiskLevel | None, *, has_violation: bool) -> str:
    if has_violation:
        return "compliance"
    return "risk_unknown" if level is None else f"risk_{level}"
