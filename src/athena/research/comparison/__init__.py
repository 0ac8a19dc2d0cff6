"""Where two runs part: the gap between their profits, split by cause."""

from athena.research.comparison._compare import N_STAGES, compare_runs
from athena.research.comparison._parts import Part
from athena.research.comparison._reading import RecordedRun, open_runs
from athena.research.comparison._result import Comparison, Contribution, RunResult
from athena.research.comparison._session import (
    N_SESSION_STAGES,
    RecordedSession,
    compare_session,
)

__all__ = [
    "N_SESSION_STAGES",
    "N_STAGES",
    "Comparison",
    "Contribution",
    "Part",
    "RecordedRun",
    "RecordedSession",
    "RunResult",
    "compare_runs",
    "compare_session",
    "open_runs",
]
