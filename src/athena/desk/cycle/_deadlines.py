"""Agents side by side, each in a thread of its own, with a deadline: paper and live."""

from __future__ import annotations

from collections import deque
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from athena.desk.contract import Output, Unavailable
from athena.domain import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athena.desk.agents import Roster
    from athena.desk.cycle._asking import Request

    Answer = Output | Unavailable

_LATE_MAX = 100  # outputs that came after their deadline and were not fetched yet


class DeadlineAsker:
    """Ask agents at the same time, and go on without those that do not answer in time (DK-01).

    There is one thread for each agent, started when it is first asked. Whoever hangs keeps only
    his own; he is not asked again until he is back, and what he then says is kept as late. The
    threads do not keep the process from ending.
    """

    def __init__(self, roster: Roster, timer: Callable[[], int]) -> None:
        """Take the agents.

        Args:
            roster: of the desk; nobody else runs its agents.
            timer: nanoseconds of a clock that never goes back.
        """
        self._roster = roster
        self._timer = timer
        self._answers: SimpleQueue[tuple[int, str, Answer]] = SimpleQueue()
        self._questions: dict[str, SimpleQueue[tuple[int, Request] | None]] = {}
        self._busy: dict[str, int] = {}  # agent -> number of the question that he is at
        self._late: deque[Output] = deque(maxlen=_LATE_MAX)
        self._number = 0
        self._began_ns = timer()

    def begin(self) -> None:
        """Begin a cycle: deadlines count from here."""
        self._began_ns = self._timer()

    def elapsed_ns(self) -> int:
        """Return the time since the cycle began."""
        return self._timer() - self._began_ns

    def ask(self, requests: Sequence[Request], deadline_ns: int) -> tuple[Answer, ...]:
        """Ask the agents of one step, and wait until a deadline since the cycle began.

        An agent that is late counts as timed out; after three failures in a row the roster
        disables him.
        """
        self._take_late()
        self._number += 1
        found: dict[str, Answer] = {}
        for request in requests:
            if self._roster.health(request.agent).is_disabled:
                found[request.agent] = Unavailable(request.agent, "disabled")
            elif request.agent in self._busy:
                found[request.agent] = self._timed_out(request.agent, "is still busy")
            else:
                self._busy[request.agent] = self._number
                self._questions_of(request.agent).put((self._number, request))
        self._wait(found, len(requests), deadline_ns)
        for request in requests:
            if request.agent not in found:
                found[request.agent] = self._timed_out(request.agent, "no answer in time")
        return tuple([found[request.agent] for request in requests])

    def late(self) -> tuple[Output, ...]:
        """Return what came after its deadline since this was asked last, oldest first."""
        self._take_late()
        late = tuple(self._late)
        self._late.clear()
        return late

    def close(self) -> None:
        """Let the threads end, each when its agent is back; ask nothing afterwards."""
        for questions in self._questions.values():
            questions.put(None)

    def _wait(self, found: dict[str, Answer], n: int, deadline_ns: int) -> None:
        while len(found) < n:
            left_s = (deadline_ns - self.elapsed_ns()) / SECOND_NS
            try:
                if left_s > 0:
                    number, name, answer = self._answers.get(timeout=left_s)
                else:
                    number, name, answer = self._answers.get_nowait()
            except Empty:
                return
            self._settle(number, name)
            if number == self._number:
                found[name] = answer
            else:
                self._keep_late(answer)

    def _take_late(self) -> None:
        """Take what came while nobody waited for it."""
        while True:
            try:
                number, name, answer = self._answers.get_nowait()
            except Empty:
                return
            self._settle(number, name)
            self._keep_late(answer)

    def _settle(self, number: int, name: str) -> None:
        """Take note that an agent is back from a question."""
        if self._busy.get(name) == number:
            del self._busy[name]

    def _keep_late(self, answer: Answer) -> None:
        if isinstance(answer, Output):
            self._late.append(answer)

    def _timed_out(self, name: str, reason: str) -> Unavailable:
        self._roster.note_timeout(name)
        return Unavailable(name, reason)

    def _questions_of(self, name: str) -> SimpleQueue[tuple[int, Request] | None]:
        questions = self._questions.get(name)
        if questions is None:
            questions = self._questions[name] = SimpleQueue()
            Thread(
                target=self._serve, args=(name, questions), name=f"desk-{name}", daemon=True
            ).start()
        return questions

    def _serve(self, name: str, questions: SimpleQueue[tuple[int, Request] | None]) -> None:
        while (question := questions.get()) is not None:
            number, request = question
            # The roster catches whatever an agent raises.
            self._answers.put((number, name, self._roster.run(name, request.context)))
