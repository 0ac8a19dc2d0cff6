"""Die at every place of every story, and look whether the books are right afterwards (TR-30)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import MINUTE_NS
from athena.research.simulation._limits import busy_limits
from athena.research.simulation._scenarios import SCENARIOS
from athena.research.simulation._scene import CrashKind, CrashPoint, Scene
from athena.research.simulation._world import World
from athena.venues.faults import FaultPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOLD_NS = MINUTE_NS
_SETTLED_NS = 4 * MINUTE_NS  # as long as it takes to prove that an order never arrived
_LONG_STORY_S = 60


@dataclass(frozen=True, slots=True)
class CrashResult:
    """What came of dying at one place.

    Attributes:
        scenario: name of the story.
        point: where the process died.
        violations: what did not hold; empty when all did.
    """

    scenario: str
    point: CrashPoint
    orders: int
    lost: int
    doubled: int
    violations: tuple[str, ...]


def crash_points(*, every: int = 1, first: int = 0) -> Iterator[tuple[str, CrashPoint]]:
    """List the places to die at: every n-th one of each kind in each story.

    Args:
        every: 1 lists all.
        first: index of the first one, so that several processes share the work.
    """
    n_listed = 0
    for name in SCENARIOS:
        world = _told(name, None)
        for kind in CrashKind:
            for index in range(world.passed[kind]):
                if n_listed % every == first:
                    yield name, CrashPoint(kind, index)
                n_listed += 1


def crash_at(name: str, point: CrashPoint) -> CrashResult:
    """Tell a story, die at a place, start again, let it settle and check everything."""
    world = _told(name, point)
    world.checks.settled()
    if world.n_crashes == 0:
        world.checks.fail("TR-30", f"the process never came by {point.kind.value} {point.index}")
    checks = world.checks
    return CrashResult(
        scenario=name,
        point=point,
        orders=checks.n_orders,
        lost=checks.n_lost,
        doubled=checks.n_doubled,
        violations=tuple(checks.violations),
    )


def _told(name: str, point: CrashPoint | None) -> World:
    script = SCENARIOS[name]
    longest_s = max(at_s for at_s, _ in script)
    told_ns = _TOLD_NS if longest_s < _LONG_STORY_S else 4 * _TOLD_NS
    scene = Scene(
        seed=7,
        plan=FaultPlan(7),
        limits=busy_limits(),
        has_people=False,
        script=script,
        volatility_frac=0.0001,
        crash_at=point,
        faulty_ns=told_ns,
        calm_ns=_SETTLED_NS if point else MINUTE_NS,
    )
    world = World(scene)
    world.run()
    return world
