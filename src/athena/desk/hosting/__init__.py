"""The desk as one strategy of the core, on bars as they come."""

from athena.desk.hosting._parts import Learner, Parts
from athena.desk.hosting._strategy import DeskStrategy

__all__ = [
    "DeskStrategy",
    "Learner",
    "Parts",
]
