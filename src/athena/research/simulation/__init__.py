"""Deterministic simulation: the real session and adapter, a lying venue, a clock that jumps."""

from athena.research.simulation._heap import Heap
from athena.research.simulation._network import Client, Network
from athena.research.simulation._seed import SeedResult, simulate_seed

__all__ = ["Client", "Heap", "Network", "SeedResult", "simulate_seed"]
