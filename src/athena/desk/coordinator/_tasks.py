"""What the desk does again and again, and what is known of each task."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from athena.desk.contract import STRICT
from athena.desk.coordinator._case import DeskState  # noqa: TC001 - pydantic reads the annotations
from athena.domain import SECOND_NS
from athena.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import ConfigDict

TICK_S = 1
MOST_AT_ONCE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something done at intervals.

    Attributes:
        name: unique.
        interval_s: between the beginnings of two runs, >= 1.
        timeout_s: after which a run is given up, >= 1.
        symbols_at_once: instruments that a run looks at side by side, >= 1.
        after: tasks that go first when they are due as well.
        is_at_start: True runs it first when the desk begins, False after one interval.
    """

    name: str
    interval_s: int
    timeout_s: int
    symbols_at_once: int = 1
    after: tuple[str, ...] = ()
    is_at_start: bool = False

    @property
    def interval_ns(self) -> int:
        """Return the interval in nanoseconds."""
        return self.interval_s * SECOND_NS

    @property
    def timeout_ns(self) -> int:
        """Return the time-out in nanoseconds."""
        return self.timeout_s * SECOND_NS


TECHNICAL, REGIME, SENTIMENT = "technical", "regime", "sentiment"
DECISION, PORTFOLIO = "trading_decision", "portfolio"
TASKS = (
    Task(name=TECHNICAL, interval_s=60, timeout_s=30, symbols_at_once=3, is_at_start=True),
    Task(name=REGIME, interval_s=300, timeout_s=30, symbols_at_once=3, after=(TECHNICAL,)),
    Task(name=SENTIMENT, interval_s=1_800, timeout_s=60, symbols_at_once=2),
    Task(
        name=DECISION,
        interval_s=3_600,
        timeout_s=60,
        symbols_at_once=3,
        after=(TECHNICAL, REGIME, SENTIMENT),
    ),
    Task(name=PORTFOLIO, interval_s=3_600, timeout_s=30),
)


class Ended(StrEnum):
    """How a run ended."""

    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a task.

    Attributes:
        task: its name.
        number: of the run, counted from 1 over the life of the desk.
        started_ns: UTC.
        deadline_ns: when it is given up, UTC.
    """

    task: str
    number: int
    started_ns: int
    deadline_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """What is kept of a task.

    Attributes:
        name: of the task.
        is_enabled: False starts no runs.
        since_ns: from when its next interval counts: its last start, or when the desk began.
        ended_ns: when its last run ended; -1 before the first.
        running_until_ns: deadline of the run under way; -1 when there is none.
        is_wanted: a run is to begin as soon as it can, due or not.
        n_runs: runs begun.
        n_failed, n_timed_out: of them.
        n_missed: intervals that went by without a run of their own, and were made up by one.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: str
    is_enabled: bool = True
    since_ns: int = 0
    ended_ns: int = -1
    running_until_ns: int = -1
    is_wanted: bool = False
    n_runs: int = 0
    n_failed: int = 0
    n_timed_out: int = 0
    n_missed: int = 0

    @property
    def is_running(self) -> bool:
        """Tell whether a run is under way."""
        return self.running_until_ns >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRecord:
    """What is kept of the coordinator.

    Attributes:
        state: running, paused or halted.
        reason: why, and who said so; empty at first.
        paused_until_ns: when a pause ends by itself, UTC; -1 when somebody has to resume.
        tasks: in the order of the schedule.
        n_decisions: announced so far.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    state: DeskState
    reason: str
    tasks: tuple[TaskRecord, ...]
    paused_until_ns: int = -1
    n_decisions: int = 0


def check_tasks(tasks: Sequence[Task]) -> None:
    """Refuse a schedule that cannot be kept.

    Raises:
        ConfigError: two tasks of one name, one that goes after itself or after an unknown one, in
            a circle say, or an interval, time-out or number below 1.
    """
    known: set[str] = set()
    for task in tasks:
        if task.name in known:
            message = f"expected one task of the name {task.name}, was a second"
            raise ConfigError(message)
        if not known.issuperset(task.after):
            missing = ", ".join(sorted(set(task.after) - known))
            message = f"expected {task.name} after tasks listed before it, was after {missing}"
            raise ConfigError(message)
        if min(task.interval_s, task.timeout_s, task.symbols_at_once) < 1:
            message = f"expected interval, time-out and symbols of {task.name} >= 1, was less"
            raise ConfigError(message)
        known.add(task.name)


def batches(task: Task, symbols: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Split symbols into the groups that a run of a task looks at side by side."""
    n = task.symbols_at_once
    return tuple(tuple(symbols[k : k + n]) for k in range(0, len(symbols), n))
