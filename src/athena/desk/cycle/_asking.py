"""How the agents of a step are asked: one after the other, or side by side with a deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from athena.domain import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.desk.agents import Roster
    from athena.desk.contract import Context, Output, Unavailable

# Since the cycle began: views are waited for so long, everything that a decision needs so long.
VIEWS_NS = 2 * SECOND_NS
DECISION_NS = 5 * SECOND_NS


class Request(NamedTuple):
    """Who is asked, and what he may know."""

    agent: str
    context: Context[Any]


class Asker(Protocol):
    """Ask agents, and measure the time since a cycle began.

    Laws: answers come in the order of the requests, one for each; nothing is raised for what an
    agent does; an agent that is still busy with an earlier question is not asked another.
    """

    def begin(self) -> None:
        """Begin a cycle: deadlines count from here."""

    def elapsed_ns(self) -> int:
        """Return the time since the cycle began; 0 for one that measures none."""

    def ask(
        self, requests: Sequence[Request], deadline_ns: int
    ) -> tuple[Output | Unavailable, ...]:
        """Ask the agents of one step, and wait until a deadline since the cycle began."""

    def late(self) -> tuple[Output, ...]:
        """Return what came after its deadline since this was asked last."""


class InlineAsker:
    """Ask one agent after the other and wait for each: a backtest, which has no clock."""

    def __init__(self, roster: Roster) -> None:
        """Take the agents."""
        self._roster = roster

    def begin(self) -> None:
        """Begin a cycle."""

    def elapsed_ns(self) -> int:
        """Return 0: no time goes by."""
        return 0

    def ask(
        self,
        requests: Sequence[Request],
        deadline_ns: int,  # noqa: ARG002 - nothing is late where no time goes by
    ) -> tuple[Output | Unavailable, ...]:
        """Ask the agents in the order of the requests."""
        return tuple([self._roster.run(name, context) for name, context in requests])

    def late(self) -> tuple[Output, ...]:
        """Return nothing: nobody is late."""
        return ()
