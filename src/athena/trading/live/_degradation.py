"""How far the desk withdraws when what it leans on fails (C21)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from athena.domain import MINUTE_NS
from athena.trading.live._events import Dependency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.trading.live._events import Outage


class Level(IntEnum):
    """How much is still done; the numbers are the specification's."""

    NORMAL = 1
    REDUCED = 2  # no remote opinions; conflicts resolve to wait
    LIMITED = 3  # no new risk; positions are protected and managed
    EMERGENCY = 4  # halt; stops stay at the venue


_ENTERED_AT: Mapping[Level, int] = {Level.REDUCED: 3, Level.LIMITED: 6, Level.EMERGENCY: 9}
_SUCCESSES_PER_FAILURE = 3
_CALM_NS = 5 * MINUTE_NS
_MAX_COUNT = 12  # so that a long outage does not take a day of successes to forget


class Degradation:
    """Count failures of each dependency; the worst one decides the level.

    Three successes take one failure back. A level is left only when the worst count has been below
    its threshold for five minutes; a higher one is entered at once.
    """

    __slots__ = ("_counts", "_failing_ns", "_reasons", "_since_ns", "_successes", "level")

    def __init__(self) -> None:
        """Begin without a failure."""
        self.level = Level.NORMAL
        self._counts = dict.fromkeys(Dependency, 0)
        self._successes = dict.fromkeys(Dependency, 0)
        self._reasons = dict.fromkeys(Dependency, "")
        self._failing_ns = dict.fromkeys(Dependency, 0)
        self._since_ns: dict[Level, int] = {}  # since when the count has been below a threshold

    @property
    def worst(self) -> int:
        """Return the highest count of failures."""
        return max(self._counts.values())

    def counted(self, dependency: Dependency) -> int:
        """Return a dependency's count of failures."""
        return self._counts[dependency]

    def failing_ns(self, dependency: Dependency) -> int:
        """Return since when a dependency has only failed; 0 when it answered last."""
        return self._failing_ns[dependency]

    def in_words(self) -> str:
        """Say how far, and because of what: `3 (limited): data: <its newest failure>`."""
        worst = max(self._counts, key=lambda item: self._counts[item])
        reason = self._reasons[worst] or "it failed and did not say why"
        return f"{self.level} ({self.level.name.lower()}): {worst.value}: {reason}"

    def note(self, event: Outage) -> None:
        """Count one failure or one success."""
        dependency = event.dependency
        if event.has_failed:
            self._reasons[dependency] = event.reason
            self._failing_ns[dependency] = self._failing_ns[dependency] or event.ts_ns
            self._successes[dependency] = 0
            self._counts[dependency] = min(_MAX_COUNT, self._counts[dependency] + 1)
            return
        self._failing_ns[dependency] = 0
        self._successes[dependency] += 1
        if self._successes[dependency] >= _SUCCESSES_PER_FAILURE:
            self._successes[dependency] = 0
            self._counts[dependency] = max(0, self._counts[dependency] - 1)

    def judge(self, now_ns: int) -> Level:
        """Return the level at a time, after what was counted."""
        worst = self.worst
        for level, threshold in _ENTERED_AT.items():
            if worst >= threshold:
                self._since_ns.pop(level, None)
                self.level = max(self.level, level)
            else:
                self._since_ns.setdefault(level, now_ns)
        while (
            self.level > Level.NORMAL
            and now_ns - self._since_ns.get(self.level, now_ns) >= _CALM_NS
        ):
            self.level = Level(self.level - 1)
        return self.level
