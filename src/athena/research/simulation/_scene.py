"""What a simulated world is like, and where its process may die."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from athena.domain import MINUTE_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.trading import Ints
    from athena.venues.faults import FaultPlan


class CrashKind(StrEnum):
    """Where in its work the process dies."""

    BEFORE_WRITE = "before_write"  # of bytes of the journal
    AFTER_WRITE = "after_write"  # when they are safe, before anything leaves
    AFTER_SEND = "after_send"  # of a request, before the next one
    AFTER_ACK = "after_ack"  # when an answer has been heard


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """The `index`-th time, from 0, that the process comes by such a place."""

    kind: CrashKind
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Say what a world is like.

    Attributes:
        seed: of everything random in it.
        plan: what goes wrong at the venue and on the wire.
        limits: risk limits.
        has_plans: whether slices, a rebalance and bags run besides.
        has_clock_jumps: whether the clock of the process's machine is set wrong now and then.
        balances: of the account at the beginning.
        has_people: whether others act: a trader with random wishes, an operator, the venue's user.
        script: what happens besides, by seconds after the start; each act is given the world.
        volatility_frac: of the market's step.
        crash_at: where the process dies once; None does not.
        faulty_ns, calm_ns: how long things go wrong, and how long they do not afterwards.
    """

    seed: int
    plan: FaultPlan
    limits: Ints
    has_people: bool = True
    has_plans: bool = False
    has_clock_jumps: bool = False
    balances: Mapping[str, Decimal] = field(default_factory=lambda: {"USD": Decimal(100_000)})
    script: tuple[tuple[float, Callable[..., None]], ...] = ()
    volatility_frac: float = 0.0015
    crash_at: CrashPoint | None = None
    faulty_ns: int = 3 * MINUTE_NS
    calm_ns: int = 5 * MINUTE_NS
