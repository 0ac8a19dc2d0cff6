"""One seed: a swarm of faults, a world, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import SECOND_NS
from athena.research.simulation._limits import drawn_limits
from athena.research.simulation._scene import Scene
from athena.research.simulation._stage import START_NS
from athena.research.simulation._world import World
from athena.trading import digest_of
from athena.venues.faults import DEFAULT_RATES, Fault, FaultPlan, swarm

if TYPE_CHECKING:
    from collections.abc import Mapping


_QUIET_NS = 20 * SECOND_NS  # before anything goes wrong, so that there is a session to harm
_N_FLIPS = 3
_STREAM = 4  # of the seed's random numbers
_SHARES = (1 / 2, 1 / 4, 1 / 3)  # of seeds with coins, plans, and a clock that jumps
_MONEY = Decimal(100_000)


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
        unprotected_s=checks.protection.unprotected_ns / SECOND_NS,
        violations=tuple(checks.violations),
    )


def scene_of(seed: int, rates: Mapping[Fault, float]) -> Scene:
    """Return the scene of a seed and of what may strike in it.

    The account begins with coins in every other seed, plans run in one of four, and the clock of
    the process's machine jumps in one of three.
    """
    random = np.random.default_rng([seed, _STREAM])
    has_coins, has_plans, has_clock_jumps = random.random(3) < _SHARES
    balances = {"USD": _MONEY}
    if has_coins:
        btc, xrp = random.integers(1, 40_000_000), random.integers(1, 2_000_000)
        balances |= {"BTC": Decimal(int(btc)).scaleb(-8), "XRP": Decimal(int(xrp)).scaleb(-2)}
    scene = Scene(
        seed=seed,
        plan=FaultPlan(seed),
        limits=drawn_limits(seed),
        has_plans=bool(has_plans),
        has_clock_jumps=bool(has_clock_jumps),
        balances=balances,
    )
    plan = FaultPlan(
        seed=seed,
        rates=rates,
        from_ns=START_NS + _QUIET_NS,
        until_ns=START_NS + scene.faulty_ns,
    )
    return replace(scene, plan=plan)
