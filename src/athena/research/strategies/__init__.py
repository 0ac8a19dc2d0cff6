"""The built-in strategies, by name."""

from athena.research.strategies._catalogue import (
    BUILT_IN,
    StrategyInfo,
    build_strategy,
    find_strategy,
    load_strategy,
    parameters_of,
)
from athena.research.strategies._relay import Leg, Relay, relay_of
from athena.research.strategies._sizing import Sizing
from athena.research.strategies._solo import Solo, solo_of

__all__ = [
    "BUILT_IN",
    "Leg",
    "Relay",
    "Sizing",
    "Solo",
    "StrategyInfo",
    "build_strategy",
    "find_strategy",
    "load_strategy",
    "parameters_of",
    "relay_of",
    "solo_of",
]
