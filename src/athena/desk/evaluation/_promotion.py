"""Nothing takes over without a record: of a model, prompt, weight or agent (D10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import DAY_NS
from athena.errors import RefusedError

if TYPE_CHECKING:
    from athena.desk.evaluation._score import Score

SHADOW_NS = 14 * DAY_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRecord:
    """What speaks for a candidate.

    Attributes:
        what: name of the model, prompt, weight or agent, with its version.
        out_of_sample: score on what it was not made from; None when nobody measured it.
        test_p: that it differs by luck alone from what it would replace; None when not tested.
        shadow_from_ns, shadow_to_ns: when it ran beside, without a say, UTC.
        rollback_to: version that comes back if it fails; empty for none.
        contaminated: why its history cannot speak for it, such as a training cut-off that lies
            after it; empty when nothing is known against it.
    """

    what: str
    out_of_sample: Score | None
    test_p: float | None
    shadow_from_ns: int
    shadow_to_ns: int
    rollback_to: str
    contaminated: str = ""


def check_promotion(record: PromotionRecord) -> None:
    """Let a candidate through, or say everything that it lacks.

    Raises:
        RefusedError: no out-of-sample score or test, under 14 days in the shadow, nothing to roll
            back to, or a history that it may have learned by heart.
    """
    lacks = _lacks(record)
    if lacks:
        message = f"expected {record.what} to have earned its promotion, was without: "
        raise RefusedError(message + "; ".join(lacks), hint="athena desk score shows the record")


def _lacks(record: PromotionRecord) -> list[str]:
    lacks = []
    if record.out_of_sample is None:
        lacks.append("an out-of-sample score")
    if record.test_p is None or not record.test_p < 0.05:  # noqa: PLR2004 - the level of the test
        lacks.append("a test below p 0.05 against what it would replace")
    days = (record.shadow_to_ns - record.shadow_from_ns) / DAY_NS
    if days < SHADOW_NS / DAY_NS:
        lacks.append(f"14 days in the shadow (was {days:.1f})")
    if not record.rollback_to:
        lacks.append("a version to roll back to")
    if record.contaminated:
        lacks.append(f"a clean history ({record.contaminated})")
    return lacks
