"""When the account is to be read: once a minute, soon after trouble, then less and less often."""

from __future__ import annotations

from athena.domain import MINUTE_NS, SECOND_NS

_EVERY_NS = MINUTE_NS
_WITHOUT_STREAM_NS = 5 * SECOND_NS
_GIVEN_UP_NS = 2 * MINUTE_NS
_BACKOFF_MAX = 6  # 2^6 s is beyond the minute at which it stays
_N_TOLD = 3  # incomplete views in a row before a person is told, and again each time


class Views:
    """Time the views of the account, one at a time.

    Attributes:
        is_wanted: something happened that only a view explains.
        n_incomplete: views in a row that were not complete.
    """

    __slots__ = ("_asked_ns", "_n_urgent", "_seen_ns", "is_wanted", "n_incomplete")

    def __init__(self) -> None:
        """Begin with a view wanted, and none under way."""
        self.is_wanted = True
        self.n_incomplete = 0
        self._asked_ns = 0  # when the view under way was asked for; 0 = none is
        self._seen_ns = 0
        self._n_urgent = 0

    def want(self) -> None:
        """Want one soon: at first after a second, then ever more rarely."""
        if not self.is_wanted:
            self._n_urgent = 0
        self.is_wanted = True

    def came(self, now_ns: int, *, is_complete: bool) -> None:
        """Note that the view under way came."""
        self._asked_ns = 0
        self._seen_ns = now_ns
        self.n_incomplete = 0 if is_complete else self.n_incomplete + 1

    def settle(self, *, is_settled: bool) -> None:
        """Note whether the view that came explained everything."""
        self.is_wanted = not is_settled
        self._n_urgent = 0 if is_settled else self._n_urgent + 1

    @property
    def is_told(self) -> bool:
        """Tell whether a person should hear that views come incomplete."""
        return self.n_incomplete > 0 and self.n_incomplete % _N_TOLD == 0

    def is_due(self, now_ns: int, *, is_blind: bool) -> bool:
        """Tell whether to ask now; asking is up to who asked this.

        Args:
            now_ns: our clock.
            is_blind: orders are out, and the stream is down.
        """
        if self._asked_ns and now_ns - self._asked_ns < _GIVEN_UP_NS:
            return False
        wait_ns = _EVERY_NS
        if self.is_wanted:
            wait_ns = min(wait_ns, SECOND_NS << min(self._n_urgent, _BACKOFF_MAX))
        if is_blind:
            wait_ns = min(wait_ns, _WITHOUT_STREAM_NS)
        return now_ns - self._seen_ns >= wait_ns

    def ask(self, now_ns: int) -> None:
        """Note that one is asked for."""
        self._asked_ns = now_ns
