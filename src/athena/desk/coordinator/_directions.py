"""Which way an action points, and whether it can only reduce risk."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from athena.domain import Action, PositionSide

if TYPE_CHECKING:
    from collections.abc import Mapping


class Direction(StrEnum):
    """Where the price has to go for an action to pay."""

    UP = "up"
    DOWN = "down"
    FLAT = "flat"


_DIRECTIONS: Mapping[Action, Direction] = {
    Action.BUY: Direction.UP,
    Action.CLOSE_SHORT: Direction.UP,
    Action.SELL: Direction.DOWN,
    Action.CLOSE_LONG: Direction.DOWN,
    Action.HOLD: Direction.FLAT,
}
_CLOSES: Mapping[PositionSide, frozenset[Action]] = {
    PositionSide.LONG: frozenset({Action.SELL, Action.CLOSE_LONG}),
    PositionSide.SHORT: frozenset({Action.BUY, Action.CLOSE_SHORT}),
}


def direction(action: Action) -> Direction:
    """Return which way an action points; hold points nowhere."""
    return _DIRECTIONS[action]


def are_opposed(one: Action, other: Action) -> bool:
    """Tell whether one points up and the other down."""
    return {direction(one), direction(other)} == {Direction.UP, Direction.DOWN}


def can_reduce(action: Action, position: PositionSide | None) -> bool:
    """Tell whether an action can be carried out as a mere reduction of what is held.

    A sale of something held can, if the order is marked reduce-only; without a position only hold
    and the two closing actions can, and those then do nothing.

    Args:
        action: what is to be done.
        position: what is held of the instrument; None for nothing.
    """
    if action in {Action.HOLD, Action.CLOSE_LONG, Action.CLOSE_SHORT}:
        return True
    return position is not None and action in _CLOSES[position]
