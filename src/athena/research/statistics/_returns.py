"""From an account curve to returns: the sampling convention of every metric.

Metrics are measured on *daily* marks (UTC midnights) when a bar is shorter than a day, else on the
bars themselves. Intraday returns of a crypto account are strongly heteroscedastic and serially
dependent, and scaling them by sqrt(17,520) would flatter or punish a run by its bar length alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from athena.domain import DAY_NS
from athena.errors import InputError

Floats = NDArray[np.float64]
DAYS_PER_YEAR = 365  # crypto trades every day of the year


@dataclass(frozen=True, slots=True, eq=False)
class ReturnSeries:
    """Hold equally spaced simple returns of an account.

    Attributes:
        returns: (n,) float64, simple, after costs; cut after the first mark <= 0 (ruin).
        ts_ns: (n,) int64, end of each period, UTC nanoseconds.
        periods_per_year: 365 for daily marks.
        years: time covered, in years of 365 days; 0 when there is no return.
    """

    returns: Floats
    ts_ns: NDArray[np.int64]
    periods_per_year: float
    years: float

    @property
    def is_ruined(self) -> bool:
        """Say whether the account fell to zero or below."""
        return bool(len(self.returns)) and bool(self.returns[-1] <= -1.0)


def check_equity(equity: Floats) -> None:
    """Refuse an account curve that no metric could be honest about.

    Raises:
        InputError: a value is NaN or infinite, or the first one is <= 0; names the index.
    """
    bad = np.flatnonzero(~np.isfinite(equity))
    if len(bad):
        message = f"expected finite equity, was {equity[bad[0]]} at index {bad[0]}"
        raise InputError(message, hint="the run that made this curve has a defect; replay it")
    if len(equity) and equity[0] <= 0:
        message = f"expected equity > 0 at the start, was {equity[0]}"
        raise InputError(message)


def period_returns(equity: Floats) -> Floats:
    """Compute simple returns between neighbours, up to and with the one that ruins.

    Args:
        equity: (T,) float64, > 0 at the start.

    Returns:
        (<= T - 1,) float64, each > -1 except a last one at ruin; empty when T < 2.
    """
    check_equity(equity)
    ruined = np.flatnonzero(equity <= 0)
    alive = equity[: ruined[0] + 1] if len(ruined) else equity
    return np.diff(alive) / alive[:-1]


def sample_returns(equity: Floats, ts_ns: NDArray[np.int64], interval_ns: int) -> ReturnSeries:
    """Sample a curve at UTC midnights (bars shorter than a day) or at its bars.

    A day without any bar repeats the last mark (return 0), so n counts calendar days. The first
    and the last day may be partial.

    Args:
        equity: (T,) float64 marks in quote currency, the starting cash first.
        ts_ns: (T,) int64, strictly increasing, when each mark was taken.
        interval_ns: length of a bar.

    Returns:
        the series; without returns when T < 2.

    Raises:
        InputError: shapes differ, or the equity is not usable (`check_equity`).
    """
    if equity.shape != ts_ns.shape:
        message = f"expected equity and ts_ns of one shape, was {equity.shape} and {ts_ns.shape}"
        raise InputError(message)
    check_equity(equity)
    per_year = DAYS_PER_YEAR * DAY_NS / max(interval_ns, DAY_NS)
    marks = np.arange(len(ts_ns)) if interval_ns >= DAY_NS else _daily_marks(ts_ns)
    returns = period_returns(equity[marks])
    years = float(ts_ns[-1] - ts_ns[0]) / (DAYS_PER_YEAR * DAY_NS) if len(ts_ns) else 0.0
    ends = _mark_times(ts_ns, interval_ns)[1 : len(returns) + 1]
    return ReturnSeries(returns, ends, per_year, years)


def _mark_times(ts_ns: NDArray[np.int64], interval_ns: int) -> NDArray[np.int64]:
    if interval_ns >= DAY_NS or len(ts_ns) == 0:
        return ts_ns
    first_midnight = (ts_ns[0] // DAY_NS + 1) * DAY_NS
    midnights = np.arange(first_midnight, ts_ns[-1], DAY_NS, dtype=np.int64)
    return np.concatenate([ts_ns[:1], midnights, ts_ns[-1:]]) if len(ts_ns) > 1 else ts_ns


def _daily_marks(ts_ns: NDArray[np.int64]) -> NDArray[np.intp]:
    times = _mark_times(ts_ns, 0)
    return np.searchsorted(ts_ns, times, side="right") - 1


def with_start(
    equity: Floats, ts_ns: NDArray[np.int64], cash: float, interval_ns: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Put the starting cash, held one bar before the first close, in front of a curve."""
    if len(equity) == 0:
        return equity, ts_ns
    return np.insert(equity, 0, cash), np.insert(ts_ns, 0, ts_ns[0] - interval_ns)


def underwater(equity: Floats) -> Floats:
    """Measure the fall from the running peak at each mark; mark t sees only `equity[: t + 1]`.

    Args:
        equity: (T,) float64, finite, > 0 at the start.

    Returns:
        (T,) float64, fraction <= 0; 0 at a new peak, -1 at ruin; empty in, empty out.

    Raises:
        InputError: the equity is not usable (`check_equity`).
    """
    check_equity(equity)
    return equity / np.maximum.accumulate(equity) - 1.0


def rolling_sharpe(series: ReturnSeries, window: int = 90) -> Floats:
    """Measure the annualised Sharpe ratio of the last `window` returns at each period.

    Returns:
        (n,) float64, NaN before the window is full and where its returns do not vary.
    """
    returns = series.returns
    out = np.full(len(returns), np.nan)
    if len(returns) < window or window < 2:  # noqa: PLR2004 - a deviation needs two values
        return out
    centre = returns.mean()
    sums = np.concatenate([[0.0], np.cumsum(returns - centre)])
    squares = np.concatenate([[0.0], np.cumsum((returns - centre) ** 2)])
    mean = (sums[window:] - sums[:-window]) / window
    variance = (squares[window:] - squares[:-window] - window * mean**2) / (window - 1)
    floor = 1e-12 * float(np.mean((returns - centre) ** 2))  # below it is rounding noise
    varies = variance > floor
    ratio = np.full(len(mean), np.nan)
    ratio[varies] = (mean[varies] + centre) / np.sqrt(variance[varies])
    out[window - 1 :] = ratio * np.sqrt(series.periods_per_year)
    return out


def monthly_returns(equity: Floats, ts_ns: NDArray[np.int64]) -> dict[tuple[int, int], float]:
    """Compute the simple return of each calendar month (UTC).

    Args:
        equity: (T,) float64 marks, the starting cash first.
        ts_ns: (T,) int64; a mark at 00:00 on the first belongs to the month that ends there.

    Returns:
        (year, month 1..12) -> fraction, in order; months without a mark, or after ruin, are left
        out; empty when T < 2.
    """
    check_equity(equity)
    if len(equity) < 2:  # noqa: PLR2004 - a return needs two marks
        return {}
    months = (ts_ns[1:] - 1).astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    last = np.append(np.flatnonzero(np.diff(months)), len(months) - 1)
    ends = equity[1:][last]
    starts = np.concatenate([equity[:1], ends[:-1]])
    return {
        (1970 + int(month) // 12, int(month) % 12 + 1): float(end / start - 1.0)
        for month, start, end in zip(months[last], starts, ends, strict=True)
        if start > 0
    }
