"""What the journal holds of the algorithms, by the name of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from athena.errors import InputError
from athena.trading.algorithms._hodl import (
    Bags,
    Kept,
    ProfitRealised,
    PurchaseForced,
    SnapshotTaken,
)
from athena.trading.algorithms._plan import Plan
from athena.trading.algorithms._progress import Asked, Ended, Filled, Judged, Progress, Stopped
from athena.trading.algorithms._rebalancing import (
    Looked,
    Measured,
    RebalanceForced,
    RebalanceSkipped,
    Rebalancing,
    StageEntered,
)
from athena.trading.algorithms._values import from_values, to_values

if TYPE_CHECKING:
    from collections.abc import Mapping

Journaled = (
    Plan
    | Asked
    | Judged
    | Filled
    | Ended
    | Stopped
    | ProfitRealised
    | Kept
    | PurchaseForced
    | SnapshotTaken
    | Looked
    | StageEntered
    | Measured
    | RebalanceForced
    | RebalanceSkipped
    | Progress
    | Bags
    | Rebalancing
)
_KIND = "kind"
_ITEM = "item"
_KINDS: dict[str, type[Journaled]] = {kind.__name__: kind for kind in get_args(Journaled)}


def encode(item: Journaled) -> dict[str, object]:
    """Write a plan, a piece of news or a state as JSON values with the name of its kind."""
    return {_KIND: type(item).__name__, _ITEM: to_values(item)}


def decode(values: Mapping[str, object]) -> Journaled:
    """Read what `encode` wrote.

    Raises:
        InputError: the kind is not known, or a field is not what it has to be.
    """
    kind, item = values.get(_KIND), values.get(_ITEM)
    if not isinstance(kind, str) or kind not in _KINDS or not isinstance(item, dict):
        message = f"expected one of {', '.join(_KINDS)} with its fields, was {kind!r}"
        raise InputError(message)
    return from_values(_KINDS[kind], item)
