"""Where two runs part: the gap between their profits, split by cause."""

from athena.research.comparison._compare import N_STAGES, compare_runs
from athena.research.comparison._parts import Part
from athena.research.comparison._reading import RecordedRun, open_runs
from athena.research.comparison._result import Comparison, Contribution, RunResult

__all__ = [
    "N_STAGES",
    "Comparison",
    "Contribution",
    "Part",
    "RecordedRun",
    "RunResult",
    "compare_runs",
    "open_runs",
]
