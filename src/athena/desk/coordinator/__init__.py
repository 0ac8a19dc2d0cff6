"""Who weighs what the agents say, keeps the schedule, and survives its process.

The rules are pure functions; `deliberate` puts them together. `Coordinator` holds the state.
"""

from athena.desk.coordinator._agreement import (
    FRESH_NS,
    Agreement,
    agreement,
    agreement_multiplier,
)
from athena.desk.coordinator._breakers import (
    Response,
    respond,
)
from athena.desk.coordinator._case import (
    Case,
    DeskState,
    HoldCode,
)
from athena.desk.coordinator._conflicts import (
    ANSWER_NS,
    Answer,
    Change,
    Conflict,
    ConflictKind,
    Judge,
    Outcome,
    Resolution,
    apply_change,
    find_conflict,
    resolve,
    resolve_unasked,
)
from athena.desk.coordinator._coordinator import (
    NAME,
    Coordinator,
)
from athena.desk.coordinator._deliberation import (
    REQUIRED,
    deliberate,
)
from athena.desk.coordinator._directions import (
    Direction,
    are_opposed,
    can_reduce,
    direction,
)
from athena.desk.coordinator._hooks import (
    CycleInfo,
    Hook,
    run_hooks,
)
from athena.desk.coordinator._resources import (
    METHOD,
    ResourceRequest,
    ResourceShare,
    allocate,
)
from athena.desk.coordinator._schedule import (
    Schedule,
)
from athena.desk.coordinator._store import (
    TABLES,
    DatabaseStore,
    DeskStore,
    MemoryStore,
)
from athena.desk.coordinator._tasks import (
    MOST_AT_ONCE,
    TASKS,
    TICK_S,
    DeskRecord,
    Ended,
    Run,
    Task,
    TaskRecord,
    batches,
)
from athena.desk.coordinator._veto import (
    Ruling,
    judge_risk,
)
from athena.desk.coordinator._vote import (
    ROLE_WEIGHTS,
    Ballot,
    Method,
    Result,
    cast_votes,
    count_votes,
)

__all__ = [
    "ANSWER_NS",
    "FRESH_NS",
    "METHOD",
    "MOST_AT_ONCE",
    "NAME",
    "REQUIRED",
    "ROLE_WEIGHTS",
    "TABLES",
    "TASKS",
    "TICK_S",
    "Agreement",
    "Answer",
    "Ballot",
    "Case",
    "Change",
    "Conflict",
    "ConflictKind",
    "Coordinator",
    "CycleInfo",
    "DatabaseStore",
    "DeskRecord",
    "DeskState",
    "DeskStore",
    "Direction",
    "Ended",
    "HoldCode",
    "Hook",
    "Judge",
    "MemoryStore",
    "Method",
    "Outcome",
    "Resolution",
    "ResourceRequest",
    "ResourceShare",
    "Response",
    "Result",
    "Ruling",
    "Run",
    "Schedule",
    "Task",
    "TaskRecord",
    "agreement",
    "agreement_multiplier",
    "allocate",
    "apply_change",
    "are_opposed",
    "batches",
    "can_reduce",
    "cast_votes",
    "count_votes",
    "deliberate",
    "direction",
    "find_conflict",
    "judge_risk",
    "resolve",
    "resolve_unasked",
    "respond",
    "run_hooks",
]
