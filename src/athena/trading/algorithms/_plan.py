"""Plans: what is to be traded in slices, decided once and journaled once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from athena.errors import InputError
from athena.trading._intent import Intent  # noqa: TC001 - its type is looked up to read it
from athena.trading.algorithms._keys import intent_key
from athena.trading.algorithms._values import from_values, to_values

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPACING_TENTHS = 9


class PlanKind(StrEnum):
    """By which rule a plan was cut into slices."""

    TWAP = "twap"
    VWAP = "vwap"
    DCA = "dca"
    REBALANCE = "rebalance"


class Measure(StrEnum):
    """What the amounts of a plan count: lots, or money to spend (units of 10^-8)."""

    LOTS = "lots"
    MONEY = "money"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Trade a total in slices, one per slot of time, at no time more than the total.

    A slot that passes without its slice (the process was down, the market halted) is not made
    up at once: what is left is spread over the slots to come, no slice above `growth` times its
    planned amount, and what does not fit there goes on after the last slot, at the same spacing.

    Attributes:
        kind: rule that cut it.
        id: not empty; with the number of a slice it makes the key of its intent.
        strategy: slot of the strategy that trades.
        order: what each slice asks for, less size, key and expiry.
        measure: what `parts`, `step` and `smallest` count.
        parts: (N,) planned amounts, each >= 0; their sum is the total.
        step: amounts are multiples of it, but for the last.
        smallest: what the venue takes; a smaller rest is not sent.
        start_ns: when slot 0 begins, UTC.
        interval_ns: length of a slot.
        lasts_ns: nothing is asked for later than this after the start; 0 is no limit.
        growth: a slice is at most this many times its planned amount.
        asks_max: slices asked for in all; denied and unfilled ones count.
        remark: where the plan differs from what was wanted, for a person; empty if it does not.
    """

    kind: PlanKind
    id: str
    strategy: int
    order: Intent
    measure: Measure
    parts: tuple[int, ...]
    step: int
    smallest: int
    start_ns: int
    interval_ns: int
    lasts_ns: int
    growth: int
    asks_max: int
    remark: str

    def __post_init__(self) -> None:
        """Refuse a plan that cannot be carried out."""
        sizes = (self.step, self.smallest, self.interval_ns, self.growth, self.asks_max)
        if not self.id or min(sizes) < 1 or min(self.start_ns, self.lasts_ns, self.strategy) < 0:
            message = f"expected a plan with an id and positive sizes and times, was {self}"
            raise InputError(message)
        if not self.parts or min(self.parts) < 0 or self.total < self.smallest:
            message = (
                f"expected parts >= 0 that add up to at least {self.smallest}, "
                f"was {list(self.parts)}"
            )
            raise InputError(message)
        if self.order.key or self.order.lots or self.order.quote_amount:
            message = "expected an order without key and size, was one that has them"
            raise InputError(message)

    @property
    def total(self) -> int:
        """Return the sum of all parts."""
        return sum(self.parts)

    @property
    def spacing_ns(self) -> int:
        """Return the least time between two slices: nine tenths of a slot.

        The tenth lets a slice that was late by a tick be followed on time, so that delays do not
        add up.
        """
        return self.interval_ns * _SPACING_TENTHS // 10

    def key(self, number: int) -> int:
        """Return the intent key of the slice that is asked for as the `number`-th, from 0."""
        return intent_key(self.id, "slice", number)

    def slot(self, ts_ns: int) -> int:
        """Return the slot that a time falls into; < 0 before the start."""
        return (ts_ns - self.start_ns) // self.interval_ns

    def to_values(self) -> dict[str, object]:
        """Return the plan as JSON values, for the journal."""
        return to_values(self)

    @classmethod
    def from_values(cls, values: Mapping[str, object]) -> Plan:
        """Read a plan back.

        Raises:
            InputError: a field is missing, not known, or not what it has to be.
        """
        return from_values(cls, values)
