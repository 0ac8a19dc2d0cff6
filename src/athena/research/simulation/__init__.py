"""Deterministic simulation: the real session and adapter, a lying venue, a clock that jumps."""

from athena.research.simulation._crash_points import CrashResult, crash_at, crash_points
from athena.research.simulation._heap import Heap
from athena.research.simulation._network import Client, Network
from athena.research.simulation._run import (
    SimulationSummary,
    run_crash_points,
    run_seeds,
    summarise,
)
from athena.research.simulation._scene import CrashKind, CrashPoint
from athena.research.simulation._seed import SeedResult, simulate_seed

__all__ = [
    "Client",
    "CrashKind",
    "CrashPoint",
    "CrashResult",
    "Heap",
    "Network",
    "SeedResult",
    "SimulationSummary",
    "crash_at",
    "crash_points",
    "run_crash_points",
    "run_seeds",
    "simulate_seed",
    "summarise",
]
