"""What waits to be told through one channel: bounded, repeats collapsed, an outage summarised.

No thread, no clock, no I/O: time arrives as arguments, nanoseconds of a clock that never goes
back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.app.notices._message import Message
from athena.domain import SECOND_NS, format_time
from athena.trading.live import Urgency

if TYPE_CHECKING:
    from athena.trading.live import Alert

_RANKS = {urgency: rank for rank, urgency in enumerate(Urgency)}
_SIZE = 200
_WINDOW_NS = 60 * SECOND_NS
_FIRST_WAIT_NS = SECOND_NS
_LONGEST_WAIT_NS = 60 * SECOND_NS
_MAX_LINES = 30
_MAX_TEXT = 1_000


@dataclass(slots=True, eq=False)
class _Entry:
    """One alert, and those with its code that followed within the window.

    Attributes:
        alert: the latest of them.
        opened_ns: when its window began; the window of a repeat begins where the one before ends.
        due_ns: not sent before.
        is_taken: it is under way or was sent; what follows gets an entry of its own.
    """

    alert: Alert
    opened_ns: int
    due_ns: int
    count: int = 1
    is_taken: bool = False


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message and the entries that it tells; hand it back as delivered or failed."""

    message: Message
    entries: tuple[_Entry, ...]
    n_dropped: int


class Outbox:
    """Keep what one channel has to tell."""

    __slots__ = (
        "_entries",
        "_failed_ns",
        "_in_flight",
        "_latest",
        "_retry_ns",
        "_size",
        "_untold",
        "_urgency_min",
        "_wait_ns",
        "n_dropped",
        "n_sent",
        "reason",
    )

    def __init__(self, urgency_min: Urgency = Urgency.NOTICE, *, size: int = _SIZE) -> None:
        """Begin empty.

        Args:
            urgency_min: what is less urgent is not told here.
            size: most entries that wait; beyond it the oldest of the least urgent is dropped.
        """
        self._urgency_min = urgency_min
        self._size = size
        self._entries: list[_Entry] = []
        self._latest: dict[str, _Entry] = {}
        self._in_flight = 0
        self._failed_ns = 0
        self._retry_ns = 0
        self._wait_ns = 0
        self._untold = 0
        self.n_sent = 0
        self.n_dropped = 0
        self.reason = ""

    @property
    def n_waiting(self) -> int:
        """Return how many entries are not told yet, those under way included."""
        return len(self._entries) + self._in_flight

    def add(self, alert: Alert, now_ns: int) -> None:
        """Take an alert; the same code within 60 s is collapsed unless it is more urgent."""
        if _RANKS[alert.urgency] < _RANKS[self._urgency_min]:
            return
        latest = self._latest.get(alert.code)
        due_ns = opened_ns = now_ns
        if latest is not None and now_ns < latest.opened_ns + _WINDOW_NS:
            is_worse = _RANKS[alert.urgency] > _RANKS[latest.alert.urgency]
            if not is_worse and not latest.is_taken:
                latest.alert = alert
                latest.count += 1
                return
            if not is_worse:
                due_ns = opened_ns = latest.opened_ns + _WINDOW_NS
        entry = _Entry(alert, opened_ns, due_ns)
        self._entries.append(entry)
        self._latest.pop(alert.code, None)  # so that the last opened stands last
        self._latest[alert.code] = entry
        self._keep_bounds()

    def take(self, origin: str, now_ns: int, *, is_last: bool = False) -> Parcel | None:
        """Return what is to be sent now; None when nothing is.

        After a failure everything that waits goes out as one summary.

        Args:
            origin: who speaks.
            now_ns: the time.
            is_last: do not wait for the end of a window or of a pause.
        """
        if not self._entries or (now_ns < self._retry_ns and not is_last):
            return None
        if self.reason or is_last:
            chosen = self._entries
        else:
            chosen = [entry for entry in self._entries if entry.due_ns <= now_ns][:1]
        if not chosen:
            return None
        self._entries = [entry for entry in self._entries if entry not in chosen]
        for entry in chosen:
            entry.is_taken = True
        self._in_flight = len(chosen)
        message = self._message(origin, chosen, now_ns)
        return Parcel(message, tuple(chosen), self._untold)

    def delivered(self, parcel: Parcel) -> None:
        """Note that a parcel arrived."""
        self._in_flight = 0
        self._untold -= parcel.n_dropped
        self.n_sent += 1
        self._failed_ns = self._retry_ns = self._wait_ns = 0
        self.reason = ""

    def failed(self, parcel: Parcel, now_ns: int, reason: str) -> None:
        """Put a parcel back and pause: 1, 2, 4 .. 60 s."""
        self._in_flight = 0
        self._entries = [*parcel.entries, *self._entries]
        self._failed_ns = self._failed_ns or now_ns
        self._wait_ns = min(max(2 * self._wait_ns, _FIRST_WAIT_NS), _LONGEST_WAIT_NS)
        self._retry_ns = now_ns + self._wait_ns
        self.reason = reason
        self._keep_bounds()

    def next_ns(self) -> int | None:
        """Return when there will be something to send; None while nothing waits."""
        if not self._entries:
            return None
        if self.reason:
            return self._retry_ns
        return min(entry.due_ns for entry in self._entries)

    def _keep_bounds(self) -> None:
        while len(self._entries) > self._size:
            ranks = [_RANKS[entry.alert.urgency] for entry in self._entries]
            dropped = self._entries.pop(ranks.index(min(ranks)))
            dropped.is_taken = True  # nothing more is collapsed into it
            self.n_dropped += dropped.count
            self._untold += dropped.count
        while len(self._latest) > self._size:
            del self._latest[next(iter(self._latest))]

    def _message(self, origin: str, entries: list[_Entry], now_ns: int) -> Message:
        latest = entries[-1].alert
        urgency = max((entry.alert.urgency for entry in entries), key=_RANKS.__getitem__)
        remarks = []
        if self.reason:
            waited_s = (now_ns - self._failed_ns) // SECOND_NS
            remarks.append(f"delayed: this channel did not answer for {waited_s} s")
        if self._untold:
            remarks.append(f"{self._untold} less urgent or older ones were dropped")
        if len(entries) == 1:
            code, text = latest.code, latest.text[:_MAX_TEXT]
        else:
            code, text = "several", _list(entries)
        count = sum(entry.count for entry in entries)
        return Message(origin, urgency, code, "\n".join([text, *remarks]), latest.ts_ns, count)


def _list(entries: list[_Entry]) -> str:
    """List the most urgent first, as many as a person would read."""
    ranked = sorted(entries, key=lambda entry: -_RANKS[entry.alert.urgency])
    lines = []
    for entry in ranked[:_MAX_LINES]:
        alert = entry.alert
        times = f" ({entry.count} times)" if entry.count > 1 else ""
        text = alert.text[: _MAX_TEXT // 10]
        lines.append(f"{alert.urgency} {alert.code}{times}, {format_time(alert.ts_ns)}: {text}")
    if len(ranked) > _MAX_LINES:
        lines.append(f"and {len(ranked) - _MAX_LINES} more")
    return "\n".join(lines)
