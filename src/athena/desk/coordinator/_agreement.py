"""How much the independent views of a symbol agree with what is wanted (C03)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.desk.contract import Role, digest
from athena.desk.coordinator._directions import direction
from athena.domain import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from athena.desk.contract import Output
    from athena.domain import Action

FRESH_NS: Mapping[Role, int] = {
    Role.TECHNICAL: 120 * SECOND_NS,
    Role.REGIME: 600 * SECOND_NS,
    Role.SENTIMENT: 3_600 * SECOND_NS,
}
_AGREED, _DISPUTED = 0.66, 0.33
_SLOPE = 0.6
_MIDDLE = 0.5
_MOST, _LEAST = 1.3, 0.85
_LEAST_RANGE = 0.15


@dataclass(frozen=True, slots=True)
class Agreement:
    """How views agree.

    Attributes:
        share: of the views that point the same way, 0..1; None without a view.
        multiplier: of the confidence, 0.85..1.3.
        agents: whose views were asked, by name.
    """

    share: float | None
    multiplier: float
    agents: tuple[str, ...]


def agreement(
    outputs: Sequence[Output],
    symbol: str,
    action: Action,
    now_ns: int,
    identify: Callable[[Output], str] = digest,
) -> Agreement:
    """Compare an action with the fresh independent views of a symbol.

    A view that holds counts as one that does not agree with a trade. One that read another's, by
    its `input_ids`, is not independent of it and does not count. Without a view the multiplier
    is 1.

    Args:
        outputs: opinions; those that are no views are passed over.
        symbol: what is decided about.
        action: what is wanted.
        now_ns: moment of the decision, UTC.
        identify: gives the digest of an opinion.
    """
    views = [one for one in outputs if _is_fresh_view(one, symbol, now_ns)]
    known = {identify(one) for one in views}
    views = [one for one in views if known.isdisjoint(one.input_ids)]
    agents = tuple(sorted(one.agent for one in views))
    if not views:
        return Agreement(None, 1.0, ())
    wanted = direction(action)
    share = sum(direction(one.action) is wanted for one in views) / len(views)
    return Agreement(share, agreement_multiplier(share), agents)


def agreement_multiplier(share: float) -> float:
    """Return the multiplier of a share of agreeing views (0..1)."""
    if share >= _AGREED:
        return min(1 + (share - _MIDDLE) * _SLOPE, _MOST)
    if share >= _DISPUTED:
        return 1.0
    return _LEAST + _LEAST_RANGE * share / _DISPUTED


def _is_fresh_view(output: Output, symbol: str, now_ns: int) -> bool:
    limit_ns = FRESH_NS.get(output.role)
    return (
        limit_ns is not None
        and output.symbol == symbol
        and not output.abstains
        and output.is_valid_at(now_ns)
        and now_ns - output.as_of_ns <= limit_ns
    )
