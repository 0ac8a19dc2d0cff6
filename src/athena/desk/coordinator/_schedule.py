"""Which task runs when; time comes in as an argument."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from athena.desk.coordinator._tasks import (
    MOST_AT_ONCE,
    Ended,
    Run,
    TaskRecord,
    check_tasks,
)
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from athena.desk.coordinator._tasks import Task


class Schedule:
    """Start tasks at their intervals.

    At most five run at once, none beside itself, and one that is due waits for those it goes
    after. Intervals that went by while it could not run are made up by one run (C09). A clock that
    was set back begins the interval anew, instead of stopping the desk until the old time.
    """

    def __init__(
        self, tasks: Sequence[Task], now_ns: int, kept: Iterable[TaskRecord] = ()
    ) -> None:
        """Begin, or go on where a process ended.

        Args:
            tasks: in the order in which they start when several are due.
            now_ns: UTC.
            kept: what is known of tasks; a run that was under way is run again.

        Raises:
            ConfigError: the tasks contradict each other.
        """
        check_tasks(tasks)
        self._tasks = {task.name: task for task in tasks}
        known = {record.name: record for record in kept}
        self._records = {
            task.name: _restored(known[task.name])
            if task.name in known
            else TaskRecord(name=task.name, since_ns=now_ns, is_wanted=task.is_at_start)
            for task in tasks
        }

    @property
    def records(self) -> tuple[TaskRecord, ...]:
        """Return what is known of each task."""
        return tuple(self._records.values())

    def find(self, name: str) -> TaskRecord:
        """Return what is known of a task.

        Raises:
            InputError: there is none of this name.
        """
        if name not in self._records:
            message = f"expected one of {', '.join(self._records)}, was {name!r}"
            raise InputError(message)
        return self._records[name]

    def start(self, now_ns: int) -> tuple[Run, ...]:
        """Begin what is due and may run, and return it."""
        self._follow_clock(now_ns)
        begun = []
        for task in self._tasks.values():
            n_running = sum(record.is_running for record in self._records.values())
            if n_running < MOST_AT_ONCE and self._may_begin(task, now_ns):
                begun.append(self._begin(task, now_ns))
        return tuple(begun)

    def end(self, run: Run, ended: Ended, now_ns: int) -> bool:
        """Take note that a run ended; False when it had been given up before."""
        record = self.find(run.task)
        if not record.is_running or record.n_runs != run.number:
            return False
        self._records[run.task] = replace(
            record,
            running_until_ns=-1,
            ended_ns=now_ns,
            n_failed=record.n_failed + (ended is Ended.FAILED),
            n_timed_out=record.n_timed_out + (ended is Ended.TIMED_OUT),
        )
        return True

    def give_up(self, now_ns: int) -> tuple[Run, ...]:
        """End the runs whose time is over, and return them."""
        late = [
            Run(name, record.n_runs, record.since_ns, record.running_until_ns)
            for name, record in self._records.items()
            if record.is_running and now_ns >= record.running_until_ns
        ]
        for run in late:
            self.end(run, Ended.TIMED_OUT, now_ns)
        return tuple(late)

    def enable(self, name: str, *, is_enabled: bool, now_ns: int) -> None:
        """Let a task run, or not; one that is enabled again waits for one interval.

        Raises:
            InputError: there is none of this name.
        """
        record = self.find(name)
        if record.is_enabled != is_enabled:
            self._records[name] = replace(
                record, is_enabled=is_enabled, is_wanted=False, since_ns=now_ns
            )

    def want(self, name: str) -> None:
        """Let a task that is enabled run as soon as it can.

        Raises:
            InputError: there is none of this name.
        """
        self._records[name] = replace(self.find(name), is_wanted=True)

    def _follow_clock(self, now_ns: int) -> None:
        for name, record in self._records.items():
            if now_ns < record.since_ns:
                until_ns = now_ns + self._tasks[name].timeout_ns if record.is_running else -1
                self._records[name] = replace(
                    record,
                    since_ns=now_ns,
                    ended_ns=min(record.ended_ns, now_ns),
                    running_until_ns=until_ns,
                )

    def _is_due(self, task: Task, now_ns: int) -> bool:
        record = self._records[task.name]
        is_time = now_ns - record.since_ns >= task.interval_ns
        return record.is_enabled and not record.is_running and (record.is_wanted or is_time)

    def _may_begin(self, task: Task, now_ns: int) -> bool:
        if not self._is_due(task, now_ns):
            return False
        due_ns = self._due_ns(task, now_ns)
        return not any(self._goes_first(name, due_ns, now_ns) for name in task.after)

    def _goes_first(self, name: str, due_ns: int, now_ns: int) -> bool:
        """Tell whether a task has yet to run for another that has been due since a time."""
        record = self._records[name]
        if record.ended_ns >= due_ns:
            return False  # it has run since; it may be due again, but nobody waits for ever
        return record.is_running or self._is_due(self._tasks[name], now_ns)

    def _due_ns(self, task: Task, now_ns: int) -> int:
        record = self._records[task.name]
        due_ns = record.since_ns + task.interval_ns
        return min(due_ns, now_ns)

    def _begin(self, task: Task, now_ns: int) -> Run:
        record = self._records[task.name]
        n_intervals = (now_ns - record.since_ns) // task.interval_ns
        run = Run(task.name, record.n_runs + 1, now_ns, now_ns + task.timeout_ns)
        self._records[task.name] = replace(
            record,
            since_ns=now_ns,
            running_until_ns=run.deadline_ns,
            is_wanted=False,
            n_runs=run.number,
            n_missed=record.n_missed + max(n_intervals - 1, 0),
        )
        return run


def _restored(record: TaskRecord) -> TaskRecord:
    if not record.is_running:
        return record
    return replace(record, running_until_ns=-1, is_wanted=True)
