"""When capital is divided anew, and by which returns: those of the past, and no others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS, format_interval, format_time
from athena.errors import InputError
from athena.research.allocation import Allocation, AllocationTerms, allocate, equal_weights
from athena.research.engine import ShareChange
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from athena.research.engine import Setup

    Floats = NDArray[np.float64]

_LEAST_RETURNS = 20  # that an allocation looks at
_ROUNDING = 1e-3  # ppm; so that a weight of 0.5 less a rounding error is still 500,000


@dataclass(frozen=True, slots=True)
class Allotment:
    """One division of the capital.

    Attributes:
        step: at whose close it was made; no later bar had a part in it.
        ts_ns: that close, UTC nanoseconds.
        weights: of each strategy, >= 0, together 1 or less.
        kept: why the weights before are kept; empty when they are new.
    """

    step: int
    ts_ns: int
    weights: tuple[float, ...]
    kept: str = ""

    @property
    def change(self) -> ShareChange:
        """Return the shares that the core is given: whole ppm, rounded down."""
        return ShareChange(
            self.step, tuple(int(weight * at.PPM + _ROUNDING) for weight in self.weights)
        )


@dataclass(frozen=True, slots=True)
class _Window:
    """The past that an allocation looks at: `n_returns` of `period_ns` each, up to its step."""

    period_ns: int
    n_returns: int


def allot(  # noqa: PLR0913 - what is divided, how, when and at what cost
    setup: Setup,
    curves: Sequence[Floats],
    method: Allocation,
    *,
    lookback_ns: int,
    every_ns: int,
    cost_frac: float,
    risk_aversion: float,
) -> list[Allotment]:
    """Divide the capital at the first close of every interval after the start.

    Before a strategy has a whole look-back behind it, all have equal shares. Returns are daily;
    of a look-back under 20 days they are a twentieth of it, or a bar when that is longer.

    Args:
        setup: of the run.
        curves: of each strategy, run alone on the whole account, after costs: (T,) float64.
        method: how capital is divided.
        lookback_ns: past that an allocation looks at.
        every_ns: time between two allocations.
        cost_frac: fee and slippage of what is traded.
        risk_aversion: see `AllocationTerms`.

    Returns:
        The divisions, oldest first. Each depends on bars up to its own close only.

    Raises:
        InputError: the look-back has fewer than 20 bars, the interval less than one, or a strategy
            alone lost all there was.
    """
    if method is Allocation.EQUAL:
        return []
    window = _window_of(lookback_ns, setup.interval_ns)
    terms = AllocationTerms(cost_frac, every_ns / window.period_ns, risk_aversion)
    close_ns = setup.columns.close_ns
    times = np.insert(close_ns, 0, setup.start_ns)
    marks = np.stack([np.insert(curve, 0, float(setup.cash)) for curve in curves], axis=1)
    before = equal_weights(len(curves))
    found = []
    for step in _due_steps(setup, every_ns):
        now_ns = int(close_ns[step])
        if now_ns - window.n_returns * window.period_ns < setup.start_ns:
            continue
        weights = allocate(method, _returns(marks, times, now_ns, window), before, terms)
        before = weights.weights
        found.append(Allotment(step, now_ns, tuple(before.tolist()), weights.kept))
    return found


def _window_of(lookback_ns: int, interval_ns: int) -> _Window:
    if lookback_ns < _LEAST_RETURNS * interval_ns:
        message = (
            f"expected a look-back of at least {_LEAST_RETURNS} bars of "
            f"{format_interval(interval_ns)}, was {format_interval(lookback_ns)}"
        )
        raise InputError(message, hint="state a longer --lookback")
    part = lookback_ns // _LEAST_RETURNS // interval_ns * interval_ns
    period_ns = max(interval_ns, min(DAY_NS, part))
    return _Window(period_ns, lookback_ns // period_ns)


def _due_steps(setup: Setup, every_ns: int) -> list[int]:
    """Return the first step at or after each interval's end; one step serves several in a gap."""
    if every_ns < setup.interval_ns:
        message = (
            f"expected a bar of {format_interval(setup.interval_ns)} or more between allocations, "
            f"was {format_interval(every_ns)}"
        )
        raise InputError(message, hint="state a longer --every")
    close_ns = setup.columns.close_ns
    due_ns = np.arange(setup.start_ns + every_ns, int(close_ns[-1]) + 1, every_ns)
    return sorted(set(np.searchsorted(close_ns, due_ns).tolist()))


def _returns(marks: Floats, times: NDArray[np.int64], now_ns: int, window: _Window) -> Floats:
    """Return (n, N) returns of each period up to now; a gap repeats the last mark."""
    ends = now_ns - window.period_ns * np.arange(window.n_returns, -1, -1)
    rows = marks[np.searchsorted(times, ends, side="right") - 1]
    if rows.min() <= 0:
        k = int(rows.min(axis=0).argmin())
        message = (
            f"expected strategies that keep some of the account, was strategy {k + 1}, which "
            f"alone had lost all of it by {format_time(now_ns)}"
        )
        raise InputError(message, hint="leave it out, or use --allocation equal")
    returns: Floats = np.diff(rows, axis=0) / rows[:-1]
    return returns
