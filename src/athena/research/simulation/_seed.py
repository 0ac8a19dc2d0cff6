"""One seed: a swarm of faults, a world, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS
from athena.research.engine import risk_limits
from athena.research.simulation._stage import START_NS
from athena.research.simulation._world import Scene, World
from athena.trading import digest_of, limits
from athena.venues.faults import DEFAULT_RATES, Fault, FaultPlan, swarm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.trading import Ints

_QUIET_NS = 20 * SECOND_NS  # before anything goes wrong, so that there is a session to harm
_N_FLIPS = 3
_NO_RATE = 10**9


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What came of one seed.

    Attributes:
        faults: that could strike.
        digest: of the state at the end; the same seed gives the same.
        violations: what did not hold; empty when all did.
    """

    seed: int
    faults: tuple[Fault, ...]
    digest: str
    orders: int
    crashes: int
    lost: int
    doubled: int
    breaches: int
    unprotected_s: float
    violations: tuple[str, ...]


def simulate_seed(seed: int, rates: Mapping[Fault, float] = DEFAULT_RATES) -> SeedResult:
    """Simulate one seed: a random half of the faults, then calm, and every check on the way.

    Args:
        seed: of everything random; the same one gives the same digest.
        rates: of the faults that may strike.
    """
    chosen = {fault: rates[fault] for fault in swarm(seed, rates)}
    world = World(scene_of(seed, chosen))
    world.run()
    world.checks.settled()
    if Fault.FLIPPED_JOURNAL_BYTE in chosen:
        world.checks.flipped(
            scene_of(seed, chosen).plan.pick(Fault.FLIPPED_JOURNAL_BYTE, k, 0, 2**40)
            for k in range(_N_FLIPS)
        )
    session, checks = world.session, world.checks
    return SeedResult(
        seed=seed,
        faults=tuple(sorted(chosen)),
        digest="" if session is None else digest_of(session.core.s),
        orders=checks.n_orders,
        crashes=world.n_crashes,
        lost=checks.n_lost,
        doubled=checks.n_doubled,
        breaches=checks.n_breaches,
        unprotected_s=0.0 if session is None else session.watch.unprotected_ns / SECOND_NS,
        violations=tuple(checks.violations),
    )


def scene_of(seed: int, rates: Mapping[Fault, float]) -> Scene:
    """Return the scene of a seed and of what may strike in it."""
    scene = Scene(seed=seed, plan=FaultPlan(seed), limits=busy_limits())
    plan = FaultPlan(
        seed=seed,
        rates=rates,
        from_ns=START_NS + _QUIET_NS,
        until_ns=START_NS + scene.faulty_ns,
    )
    return Scene(seed=seed, plan=plan, limits=scene.limits)


def busy_limits() -> Ints:
    """Return the default limits without waits and pauses, so that minutes hold many orders."""
    from athena.platform.config import CostsConfig, RiskConfig

    table = risk_limits(RiskConfig(), CostsConfig())
    waits = [name for name in vars(limits) if name.startswith("COOLDOWN")]
    for name in waits:
        table[getattr(limits, name)] = 0
    table[limits.ORDERS_PER_MINUTE] = 600
    table[limits.ORDER_BURST] = 100
    table[limits.MAX_POSITIONS] = 20
    table[limits.MAX_POSITIONS_PER_SYMBOL] = 10
    table[limits.SHORT_STREAK] = table[limits.LONG_STREAK] = table[limits.ERROR_PAUSE] = _NO_RATE
    table[limits.SLIPPAGE_PPM] = _NO_RATE
    table[limits.LIQUIDITY_PPM] = _NO_RATE
    return table
