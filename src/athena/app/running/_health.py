"""How well a session runs, a line a minute: what the live gate asks of a paper record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.app.gate import HealthMinute, append_health
from athena.domain import MINUTE_NS
from athena.trading.live import Answered, Request

if TYPE_CHECKING:
    from pathlib import Path

    from athena.market import FeedSource
    from athena.trading.live import Event, Session

_MS_NS = 1_000_000
_WAITING_MAX = 1_000


class HealthBook:
    """Measure the way of orders and count decisions; nothing is kept beyond the minute."""

    __slots__ = (
        "_feed",
        "_fingerprint",
        "_folder",
        "_minute",
        "_n_asked",
        "_n_failed",
        "_paths_ms",
        "_wanted_ns",
    )

    def __init__(self, folder: Path, feed: FeedSource, fingerprint: str) -> None:
        """Begin.

        Args:
            folder: of the session.
            feed: where prices come from.
            fingerprint: of code, limits and strategies.
        """
        self._folder = folder
        self._feed = feed
        self._fingerprint = fingerprint
        self._wanted_ns: dict[str, int] = {}
        self._paths_ms: list[float] = []
        self._n_asked = 0
        self._n_failed = 0
        self._minute = -1

    def asked(self, *, has_failed: bool) -> None:
        """Count a decision, or a strategy that raised instead."""
        self._n_asked += 1
        self._n_failed += has_failed

    def wanted(self, client_id: str, now_ns: int) -> None:
        """Note when an order was wanted that now is on its way."""
        self._wanted_ns[client_id] = now_ns
        if len(self._wanted_ns) > _WAITING_MAX:
            self._wanted_ns.pop(next(iter(self._wanted_ns)))

    def hear(self, event: Event, now_ns: int) -> None:
        """Note when the venue answered."""
        if isinstance(event, Answered) and event.request is Request.PLACE:
            wanted_ns = self._wanted_ns.pop(event.client_id, None)
            if wanted_ns is not None:
                self._paths_ms.append((now_ns - wanted_ns) / _MS_NS)

    def mind(self, session: Session, now_ns: int) -> None:
        """Write a line when a minute is over; the one in which the session began counts as none.

        Raises:
            MissingError: the disk is full.
        """
        minute = now_ns // MINUTE_NS
        if minute == self._minute:
            return
        if self._minute >= 0:
            line = HealthMinute(
                ts_ns=minute * MINUTE_NS,
                is_up=not session.findings(now_ns),
                feed=self._feed,
                fingerprint=self._fingerprint,
                n_asked=self._n_asked,
                n_failed=self._n_failed,
                order_path_ms=tuple(self._paths_ms),
            )
            append_health(self._folder, line)
        self._minute = minute
        self._n_asked = self._n_failed = 0
        self._paths_ms = []
