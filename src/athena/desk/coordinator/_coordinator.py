"""Who runs the tasks of a desk, obeys commands and breakers, and tells what is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.desk.bus import (
    BreakerAlert,
    Command,
    Message,
    MessageType,
    Priority,
    SystemEvent,
    Topic,
    Verb,
)
from athena.desk.coordinator._breakers import Response, respond
from athena.desk.coordinator._case import DeskState
from athena.desk.coordinator._schedule import Schedule
from athena.desk.coordinator._tasks import TASKS, DeskRecord
from athena.errors import AthenaError, InputError, RefusedError, ServiceDown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.desk.bus import Bus
    from athena.desk.contract import Decision
    from athena.desk.coordinator._store import DeskStore
    from athena.desk.coordinator._tasks import Ended, Run, Task
    from athena.platform import IdSource

NAME = "coordinator"
_STATES: Mapping[Verb, DeskState] = {
    Verb.PAUSE: DeskState.PAUSED,
    Verb.RESUME: DeskState.RUNNING,
    Verb.HALT: DeskState.HALTED,
}
_RESPONSES: Mapping[Response, DeskState] = {
    Response.PAUSE: DeskState.PAUSED,
    Response.CUT: DeskState.PAUSED,
    Response.HALT: DeskState.HALTED,
}


_STRICTNESS = tuple(DeskState)


class Coordinator:
    """Keep the schedule and the state of a desk; `tick` is called every second.

    It belongs to one thread and does nothing between calls. What changes is kept before it takes
    effect: a run that began before a crash is known to have begun. Only what makes the desk do
    less takes effect even where it cannot be kept.
    """

    def __init__(
        self,
        bus: Bus,
        store: DeskStore,
        ids: IdSource,
        now_ns: int,
        tasks: Sequence[Task] = TASKS,
    ) -> None:
        """Join the bus and go on where the last process ended.

        Args:
            bus: where commands and breaker alerts are heard, and decisions told.
            store: keeps the state.
            ids: of the messages.
            now_ns: UTC.
            tasks: what is to be done at intervals.

        Raises:
            ConfigError: the tasks contradict each other.
            InputError: the bus has a coordinator, or what is kept was written by another version.
            RefusedError: another process coordinates this desk.
            ServiceDown: the state cannot be kept.
        """
        kept = store.load()
        self._bus, self._store, self._ids = bus, store, ids
        self._schedule = Schedule(tasks, now_ns, () if kept is None else kept.tasks)
        self._state = DeskState.RUNNING if kept is None else kept.state
        self._reason = "" if kept is None else kept.reason
        self._paused_until_ns = -1 if kept is None else kept.paused_until_ns
        self._n_decisions = 0 if kept is None else kept.n_decisions
        bus.register(NAME)
        bus.subscribe(NAME, Topic.COORDINATOR_COMMANDS, _is_command)
        bus.subscribe(NAME, Topic.RISK_ALERTS, _is_breaker)
        self._save(now_ns)

    @property
    def state(self) -> DeskState:
        """Return how much the desk may do."""
        return self._state

    @property
    def record(self) -> DeskRecord:
        """Return everything that is kept."""
        return DeskRecord(
            state=self._state,
            reason=self._reason,
            tasks=self._schedule.records,
            paused_until_ns=self._paused_until_ns,
            n_decisions=self._n_decisions,
        )

    def tick(self, now_ns: int) -> tuple[Run, ...]:
        """Obey what was said, give up what is late, and begin what is due.

        A halted desk begins nothing. What is returned is to be carried out now, each run until its
        deadline, and ended with `end`.

        Args:
            now_ns: UTC.

        Raises:
            RefusedError: another process coordinates this desk now.
            ServiceDown: the state cannot be kept; everything that was said has been heard.
        """
        self._hear_all(now_ns)
        if self._state is DeskState.PAUSED and 0 <= self._paused_until_ns <= now_ns:
            self._become(DeskState.RUNNING, f"after: {self._reason}", now_ns)
        late = self._schedule.give_up(now_ns)
        for run in late:
            self._tell(now_ns, "task_timed_out", f"{run.task}, run {run.number}", is_alert=True)
        begun = () if self._state is DeskState.HALTED else self._schedule.start(now_ns)
        if begun or late:
            self._save(now_ns)
        return begun

    def end(self, run: Run, ended: Ended, now_ns: int) -> bool:
        """Take note that a run ended; False when it had been given up before."""
        is_news = self._schedule.end(run, ended, now_ns)
        if is_news:
            self._save(now_ns)
        return is_news

    def command(self, command: Command, now_ns: int) -> None:
        """Do what is asked, keep it, and tell it.

        Raises:
            InputError: the task is not known, or is disabled and to be run.
            RefusedError: a halted desk is to be paused or to run something.
            ServiceDown: it cannot be kept.
        """
        self._check(command)
        if command.verb in _STATES:
            reason = f"{command.verb} by {command.by}: {command.reason}"
            self._become(_STATES[command.verb], reason, now_ns)
        elif command.verb is Verb.FORCE_RUN:
            self._schedule.want(command.task)
        else:
            is_enabled = command.verb is Verb.ENABLE
            self._schedule.enable(command.task, is_enabled=is_enabled, now_ns=now_ns)
        self._save(now_ns)
        what = f"{command.verb} {command.task}".strip()
        self._tell(now_ns, "commanded", f"{what}, by {command.by}: {command.reason}")

    def follow(self, alert: BreakerAlert, now_ns: int) -> Response:
        """Follow a breaker of the core, which has acted already; return how.

        A pause lasts until the breaker ends; it shortens none that is there already.
        """
        response = respond(alert)
        state = _RESPONSES.get(response)
        if state is None or _STRICTNESS.index(state) < _STRICTNESS.index(self._state):
            return response
        until_ns = alert.until_ns if state is DeskState.PAUSED else -1
        if self._state is DeskState.PAUSED and state is DeskState.PAUSED:
            until_ns = _later(self._paused_until_ns, until_ns)
        self._become(state, f"breaker {alert.breaker}: {alert.text}", now_ns, until_ns)
        return response

    def announce(self, decision: Decision, now_ns: int) -> Message:
        """Tell everybody what is decided; return the message.

        Raises:
            InputError: the decision is not one that the bus carries.
            ServiceDown: the count of decisions cannot be kept; nothing was told.
        """
        message = Message(
            id=self._ids.next_id(),
            ts_ns=now_ns,
            topic=Topic.COORDINATOR_COMMANDS,
            source=NAME,
            payload=decision,
            priority=Priority.URGENT,
            correlation_id=decision.id,
            symbol=decision.symbol,
        )
        self._n_decisions += 1
        self._save(now_ns)
        self._bus.publish(message)
        return message

    def _hear_all(self, now_ns: int) -> None:
        fault: ServiceDown | None = None
        for message in self._bus.take(NAME):
            try:
                self._obey(message, now_ns)
            except ServiceDown as error:
                fault = error  # what else was said may be a halt
        if fault is not None:
            raise fault

    def _obey(self, message: Message, now_ns: int) -> None:
        payload = message.payload
        if isinstance(payload, BreakerAlert):
            self.follow(payload, now_ns)
        if not isinstance(payload, Command):
            return
        try:
            self._check(payload)
        except (InputError, RefusedError) as error:
            self._tell(now_ns, "command_refused", error.message, is_alert=True)
            return
        self.command(payload, now_ns)

    def _check(self, command: Command) -> None:
        """Refuse a command that makes no sense now."""
        if command.verb in _STATES:
            if command.task:
                message = f"expected {command.verb} for the whole desk, was for {command.task}"
                raise InputError(message, hint="disable a single task")
            if command.verb is Verb.PAUSE and self._state is DeskState.HALTED:
                message = "expected a desk that is not halted to pause it, was halted"
                raise RefusedError(message, hint="it does less already")
            return
        record = self._schedule.find(command.task)
        if command.verb is not Verb.FORCE_RUN:
            return
        if self._state is DeskState.HALTED:
            message = f"expected a desk that is not halted to run {command.task}, was halted"
            raise RefusedError(message, hint="resume it first")
        if not record.is_enabled:
            message = f"expected a task that is enabled, was {command.task}"
            raise InputError(message, hint="enable it first")

    def _become(self, state: DeskState, reason: str, now_ns: int, until_ns: int = -1) -> None:
        before = self._state, self._reason, self._paused_until_ns
        self._state, self._reason, self._paused_until_ns = state, reason, until_ns
        try:
            self._save(now_ns)
        except AthenaError:
            if _STRICTNESS.index(state) < _STRICTNESS.index(before[0]):
                self._state, self._reason, self._paused_until_ns = before
            raise

    def _save(self, now_ns: int) -> None:
        self._store.save(self.record, now_ns)

    def _tell(self, now_ns: int, code: str, text: str, *, is_alert: bool = False) -> None:
        self._bus.publish(
            Message(
                id=self._ids.next_id(),
                ts_ns=now_ns,
                topic=Topic.SYSTEM_EVENTS,
                source=NAME,
                type=MessageType.ALERT if is_alert else MessageType.SIGNAL,
                payload=SystemEvent(code=code, text=text),
            )
        )


def _is_command(message: Message) -> bool:
    return isinstance(message.payload, Command)


def _is_breaker(message: Message) -> bool:
    return isinstance(message.payload, BreakerAlert)


def _later(one_ns: int, other_ns: int) -> int:
    """Return the later end of two pauses; -1, no end of its own, is the latest."""
    return -1 if -1 in {one_ns, other_ns} else max(one_ns, other_ns)
