"""One message to a person, as every channel gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import format_time

if TYPE_CHECKING:
    from athena.trading.live import Urgency


@dataclass(frozen=True, slots=True)
class Message:
    """What is said, by whom and how soon to look.

    Attributes:
        origin: which session of which machine speaks.
        urgency: notice, warning or urgent.
        code: one word, stable, to filter by.
        text: what happened and what to do.
        ts_ns: when, UTC nanoseconds.
        count: how many alerts it stands for.
    """

    origin: str
    urgency: Urgency
    code: str
    text: str
    ts_ns: int
    count: int = 1

    @property
    def title(self) -> str:
        """Return one line, without line breaks: a header of an e-mail is one."""
        return " ".join(f"[athena] {self.urgency}: {self.code}{self._times}".split())

    @property
    def body(self) -> str:
        """Return the whole message as text."""
        return f"{self.title}\n{self.text}\n{self.origin}, {format_time(self.ts_ns)}"

    @property
    def _times(self) -> str:
        return f" ({self.count} times)" if self.count > 1 else ""
