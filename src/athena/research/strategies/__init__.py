"""The built-in strategies, by name."""

from athena.research.strategies._catalogue import (
    BUILT_IN,
    StrategyInfo,
    load_strategy,
    parameters_of,
)
from athena.research.strategies._sizing import Sizing

__all__ = ["BUILT_IN", "Sizing", "StrategyInfo", "load_strategy", "parameters_of"]
