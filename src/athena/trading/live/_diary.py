"""How a session keeps its journal: records in groups, notes between them, snapshots in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.trading._core import layout as at
from athena.trading._journal_format import FrameKind
from athena.trading.live._memory import MEMORY_NOTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.trading._journal import JournalWriter
    from athena.trading.live._core import Core
    from athena.trading.live._memory import Memory
    from athena.trading.live._news import News


class Diary:
    """Write what the core records, and what it has no record for, in one order."""

    __slots__ = (
        "_core", "_every_ns", "_has_note", "_journal", "_memory", "_most_events", "_n_events",
        "_news", "_snapshot_ns",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - what is written, and when
        self,
        core: Core,
        journal: JournalWriter,
        news: News,
        memory: Memory,
        *,
        snapshot_events: int,
        snapshot_every_ns: int,
        now_ns: int,
    ) -> None:
        """Go on with a journal; a snapshot is due after so many events, or so long."""
        self._core = core
        self._journal = journal
        self._news = news
        self._memory = memory
        self._most_events = snapshot_events
        self._every_ns = snapshot_every_ns
        self._n_events = 0
        self._has_note = False
        self._snapshot_ns = now_ns

    @property
    def has_unwritten(self) -> bool:
        """Tell whether events wait to be written."""
        return self._core.s.account[at.N_WORDS] > 0 or self._has_note

    def count(self) -> None:
        """Count an event."""
        self._n_events += 1

    def note(self, values: Mapping[str, object]) -> None:
        """Journal what the core has no record for, in its place among the records."""
        if self._core.s.account[at.N_WORDS]:
            self._commit()
        self._journal.note(FrameKind.NOTE, values)
        self._has_note = True

    def write(self, now_ns: int, *, is_urgent: bool) -> None:
        """Write what was recorded: before something leaves at once, else when it is much."""
        n_words = self._core.s.account[at.N_WORDS]
        if is_urgent:
            self._commit()
            self._sync()
        elif n_words > at.RECORD_RESERVE // 2:
            self._commit()
        is_late = now_ns - self._snapshot_ns >= self._every_ns
        if is_late or self._n_events >= self._most_events:
            self.snapshot(now_ns)

    def flush(self) -> None:
        """Write what waits to be written."""
        if self._core.s.account[at.N_WORDS]:
            self._commit()
            self._sync()
        elif self._has_note:
            self._sync()

    def snapshot(self, now_ns: int) -> None:
        """Write everything, and a snapshot."""
        if self._core.s.account[at.N_WORDS]:
            self._commit()
        self._journal.snapshot(self._core.tables)
        self._journal.note(FrameKind.NOTE, {"kind": MEMORY_NOTE, **self._memory.to_values()})
        self._sync()
        self._n_events = 0
        self._snapshot_ns = now_ns

    def close(self, now_ns: int) -> None:
        """Write everything and a snapshot, and let go."""
        self.snapshot(now_ns)
        self._journal.abandon()

    def _commit(self) -> None:
        """Hand the core's records to the journal."""
        n_words = self._core.s.account[at.N_WORDS]
        self._news.scan()
        self._journal.commit(self._core.tables.arrays.records[:n_words])
        self._core.s.account[at.N_WORDS] = 0
        self._news.restart()

    def _sync(self) -> None:
        self._journal.sync()
        self._has_note = False
