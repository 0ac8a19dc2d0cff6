"""One decision of the desk: who is asked, in which order, and what comes of it.

`run_cycle` is the cycle; everything else is what goes into it and what comes out.
"""

from athena.desk.cycle._asking import DECISION_NS, VIEWS_NS, Asker, InlineAsker, Request
from athena.desk.cycle._cycle import TASK, run_cycle
from athena.desk.cycle._deadlines import DeadlineAsker
from athena.desk.cycle._desk import Desk, DeskMemory, Latest, Team
from athena.desk.cycle._inputs import CycleInputs
from athena.desk.cycle._result import CycleResult

__all__ = [
    "DECISION_NS",
    "TASK",
    "VIEWS_NS",
    "Asker",
    "CycleInputs",
    "CycleResult",
    "DeadlineAsker",
    "Desk",
    "DeskMemory",
    "InlineAsker",
    "Latest",
    "Request",
    "Team",
    "run_cycle",
]
