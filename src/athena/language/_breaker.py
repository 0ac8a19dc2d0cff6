"""Leave a provider alone that keeps failing, then try it once."""

from __future__ import annotations

from athena.domain import SECOND_NS


class Breaker:
    """Count a provider's failures in a row; time is handed in.

    Closed, it admits every call. After so many failures in a row it is open: nothing is admitted
    until the rest is over. Then one trial is admitted: its success closes, its failure opens anew.
    """

    __slots__ = ("_failures_max", "_is_trying", "_n_failures", "_opened_ns", "_rest_ns")

    def __init__(self, failures_max: int, rest_s: int) -> None:
        """Begin closed.

        Args:
            failures_max: failures in a row that open it, >= 1.
            rest_s: seconds it stays open.
        """
        self._failures_max = failures_max
        self._rest_ns = rest_s * SECOND_NS
        self._n_failures = 0
        self._opened_ns: int | None = None
        self._is_trying = False

    def admit(self, now_ns: int) -> bool:
        """Tell whether a call may be made now; after the rest the first one is the trial."""
        if self._opened_ns is None:
            return True
        if self._is_trying or now_ns < self._opened_ns + self._rest_ns:
            return False
        self._is_trying = True
        return True

    def rest_s(self, now_ns: int) -> int:
        """Return how many seconds of rest are left; 0 when a call or a trial is possible."""
        if self._opened_ns is None:
            return 0
        return max(0, -((now_ns - self._opened_ns - self._rest_ns) // SECOND_NS))

    def succeed(self) -> None:
        """Note that a call was answered."""
        self._n_failures, self._opened_ns, self._is_trying = 0, None, False

    def fail(self, now_ns: int) -> None:
        """Note that a call failed."""
        self._n_failures += 1
        if self._is_trying or self._n_failures >= self._failures_max:
            self._opened_ns, self._is_trying = now_ns, False

    def let_go(self) -> None:
        """Note that a call was given up without a verdict: a trial may be made anew."""
        self._is_trying = False
