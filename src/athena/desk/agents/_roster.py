"""Who is at the desk: agents by name, how each is run, and what becomes of one that fails."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from athena.desk.contract import (
    CONTEXT_ACTIONS,
    ActionRecord,
    AgentState,
    Context,
    Unavailable,
)
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.desk.contract import Agent, Output, Role

    AgentFactory = Callable[[], Agent[Any]]

MAX_ITERATIONS = 10
HISTORY = 100
FAILURES_MAX = 3
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Health:
    """How an agent has been doing.

    Attributes:
        state: what it is doing now.
        is_disabled: it failed too often in a row, or somebody switched it off.
        last_success_ns: as-of time of its newest output, UTC; -1 before the first.
        last_latency_s: of its newest run.
        n_runs, n_errors, n_timeouts: so far.
        failures_in_row: since its newest output.
    """

    state: AgentState = AgentState.IDLE
    is_disabled: bool = False
    last_success_ns: int = -1
    last_latency_s: float = 0.0
    n_runs: int = 0
    n_errors: int = 0
    n_timeouts: int = 0
    failures_in_row: int = 0


class _Seat:
    """One agent, how it is made anew, and what is known of it: `Health` is a picture of it."""

    def __init__(self, factory: AgentFactory) -> None:
        self.factory = factory
        self.agent = factory()
        self.history: deque[ActionRecord] = deque(maxlen=HISTORY)
        self.latest: deque[ActionRecord] = deque(maxlen=CONTEXT_ACTIONS)
        self.state = AgentState.IDLE
        self.is_disabled = False
        self.last_success_ns = -1
        self.last_latency_s = 0.0
        self.n_runs = 0
        self.n_errors = 0
        self.n_timeouts = 0
        self.failures_in_row = 0


def ends_replay(error: Exception) -> bool:
    """Tell whether a replay cannot go on: to hold would look like what was recorded (DK-20)."""
    from athena.language import RecordingDamaged, RecordingMissing

    return isinstance(error, RecordingMissing | RecordingDamaged)


class Roster:
    """The agents of a desk, each run on its own: what one does wrong never reaches another.

    An agent that raises is made anew; after the third failure in a row it is disabled, and an
    alert goes out (DK-03).
    """

    def __init__(self, alert: Callable[[str], None], timer: Callable[[], int]) -> None:
        """Begin empty.

        Args:
            alert: told when an agent is disabled.
            timer: nanoseconds of a clock that never goes back, for latencies.
        """
        self._seats: dict[str, _Seat] = {}
        self._alert = alert
        self._timer = timer

    def add(self, factory: AgentFactory) -> None:
        """Seat an agent.

        Raises:
            InputError: the name is taken.
        """
        seat = _Seat(factory)
        name = seat.agent.name
        if name in self._seats:
            message = f"expected a new name, was {name!r}, which is seated already"
            raise InputError(message)
        self._seats[name] = seat

    def names(self, role: Role | None = None) -> tuple[str, ...]:
        """Return the names of all agents, or of a role, in order."""
        return tuple(
            sorted(
                name
                for name, seat in self._seats.items()
                if role is None or seat.agent.role is role
            )
        )

    def agent(self, name: str) -> Agent[Any]:
        """Return an agent.

        Raises:
            InputError: nobody has the name.
        """
        return self._seat(name).agent

    def health(self, name: str) -> Health:
        """Return how an agent has been doing.

        Raises:
            InputError: nobody has the name.
        """
        seat = self._seat(name)
        return Health(
            state=seat.state,
            is_disabled=seat.is_disabled,
            last_success_ns=seat.last_success_ns,
            last_latency_s=seat.last_latency_s,
            n_runs=seat.n_runs,
            n_errors=seat.n_errors,
            n_timeouts=seat.n_timeouts,
            failures_in_row=seat.failures_in_row,
        )

    def history(self, name: str) -> tuple[ActionRecord, ...]:
        """Return the last 100 actions of an agent, oldest first.

        Raises:
            InputError: nobody has the name.
        """
        return tuple(self._seat(name).history)

    def swap(self, name: str, factory: AgentFactory) -> None:
        """Put another version of an agent in its place, between cycles; its health begins anew.

        Raises:
            InputError: nobody has the name, or the other has another name or role.
        """
        old, seat = self._seat(name), _Seat(factory)
        if (seat.agent.name, seat.agent.role) != (name, old.agent.role):
            message = (
                f"expected another version of {name} ({old.agent.role}), "
                f"was {seat.agent.name} ({seat.agent.role})"
            )
            raise InputError(message)
        seat.history.extend(old.history)
        seat.latest.extend(old.latest)
        self._seats[name] = seat

    def enable(self, name: str, *, is_enabled: bool) -> None:
        """Switch an agent on, as if it had never failed, or off.

        Raises:
            InputError: nobody has the name.
        """
        seat = self._seat(name)
        seat.is_disabled = not is_enabled
        seat.failures_in_row = 0

    def run(self, name: str, context: Context[Any]) -> Output | Unavailable:
        """Run an agent until its result is ready; nothing it does is raised here.

        Args:
            name: of the agent.
            context: of this cycle; the agent's last actions are added to it.

        Returns:
            Its output, or why there is none.

        Raises:
            InputError: nobody has the name.
            RecordingMissing, RecordingDamaged: a replay cannot go on; to hold would look like
                what was recorded.
        """
        seat = self._seat(name)
        if seat.is_disabled:
            return Unavailable(name, "disabled")
        started_ns = self._timer()
        try:
            result = self._loop(seat, context)
        except Exception as error:  # an agent is a guest: the desk outlives it
            if ends_replay(error):
                raise
            result = Unavailable(name, f"{type(error).__name__}: {error}")
        latency_s = (self._timer() - started_ns) / _NS_PER_S
        self._note(seat, result, context.as_of_ns, latency_s)
        return result

    def note_timeout(self, name: str) -> None:
        """Count a run whose answer came too late, or not at all.

        Raises:
            InputError: nobody has the name.
        """
        seat = self._seat(name)
        seat.n_timeouts += 1
        self._fail(seat, Unavailable(name, "no answer in time"))

    def _loop(self, seat: _Seat, context: Context[Any]) -> Output | Unavailable:
        """Think and act until done, a failed action, or too many iterations (DK-29)."""
        agent = seat.agent
        for _ in range(MAX_ITERATIONS):
            context = _with_actions(context, tuple(seat.latest))
            seat.state = AgentState.THINKING
            thought = agent.think(context)
            seat.state = AgentState.ACTING
            record = agent.act(thought)
            seat.history.append(record)
            seat.latest.append(record)
            if not record.success:
                return Unavailable(agent.name, f"{record.type} failed: {record.error}")
            if thought.done:
                if thought.output is None:
                    return Unavailable(agent.name, "done without an output")
                return thought.output
        return Unavailable(agent.name, f"not done after {MAX_ITERATIONS} iterations")

    def _note(
        self, seat: _Seat, result: Output | Unavailable, as_of_ns: int, latency_s: float
    ) -> None:
        seat.n_runs += 1
        seat.last_latency_s = latency_s
        if isinstance(result, Unavailable):
            seat.n_errors += 1
            self._fail(seat, result)
            return
        seat.state = AgentState.IDLE
        seat.last_success_ns = as_of_ns
        seat.failures_in_row = 0

    def _fail(self, seat: _Seat, reason: Unavailable) -> None:
        """Make the agent anew, or disable it after too many failures in a row."""
        seat.failures_in_row += 1
        seat.state = AgentState.ERROR
        if seat.failures_in_row >= FAILURES_MAX:
            seat.is_disabled = True
            n = seat.failures_in_row
            self._alert(f"{reason.what} is disabled after {n} failures: {reason.reason}")
            return
        seat.agent = seat.factory()

    def _seat(self, name: str) -> _Seat:
        seat = self._seats.get(name)
        if seat is None:
            message = f"expected one of {', '.join(self.names())}, was {name!r}"
            raise InputError(message)
        return seat


def _with_actions(context: Context[Any], actions: tuple[ActionRecord, ...]) -> Context[Any]:
    # Not by `replace`, which takes ten times as long, for each agent of each cycle.
    return Context(
        task=context.task,
        symbol=context.symbol,
        as_of_ns=context.as_of_ns,
        correlation_id=context.correlation_id,
        inputs=context.inputs,
        actions=actions,
        memories=context.memories,
        inbox=context.inbox,
    )
