"""Many combinations of parameters over one market: each a run, each a trial, ranked unseen."""

from athena.research.sweep._bench import Bench, Found, Job, Status
from athena.research.sweep._code import source_sha256
from athena.research.sweep._executor import Executor, InlineExecutor, ProcessExecutor
from athena.research.sweep._ray import RayExecutor
from athena.research.sweep._request import DEFAULT_OOS_FRAC, SweepRequest
from athena.research.sweep._rows import SweepRow
from athena.research.sweep._sweep import SweepResult, run_sweep

__all__ = [
    "DEFAULT_OOS_FRAC",
    "Bench",
    "Executor",
    "Found",
    "InlineExecutor",
    "Job",
    "ProcessExecutor",
    "RayExecutor",
    "Status",
    "SweepRequest",
    "SweepResult",
    "SweepRow",
    "run_sweep",
    "source_sha256",
]
