"""What every provider promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from athena.language.questions import Completion, Failed, Request


class Provider(Protocol):
    """Ask models, once each time: repetitions, deadlines and budgets are the caller's.

    Laws: a failure is a value, never an exception; cancelling ends the work.
    """

    @property
    def name(self) -> str:
        """Return the name that models are configured with."""
        ...

    async def complete(self, request: Request) -> Completion | Failed:
        """Ask once and return the whole text, or why there is none."""
        ...
