"""What a paper session has shown, of its health file and its journal: the gate's evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from athena.app.gate._health import HealthMinute, read_health
from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS, RunMode
from athena.market import FeedSource
from athena.research import JOURNAL_FOLDER, FileStore
from athena.research.statistics import (
    DAYS_PER_YEAR,
    Estimate,
    ReturnSeries,
    estimate_ratios,
    exact,
    period_returns,
    proportion,
    sample_returns,
)
from athena.trading import arithmetic, fill_columns, read_frames
from athena.trading import layout as at
from athena.trading.live import SESSION_KEY, fold_journal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from athena.trading import Ints, StateTables

LIVE_FOLDER = "live"
_PATH_QUANTILE = 0.95
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRecord:
    """What a paper session has shown, each figure with its sample size and interval.

    Attributes:
        session: its id.
        days: from its first counted minute to its last.
        trades: round trips that were closed.
        sharpe: annualised, of daily returns; deposits and withdrawals are no returns.
        drawdown: deepest fall from a peak, positive fraction.
        wins: share of the trades that gained after fees.
        uptime: share of minutes; one without a line counts as down.
        failures: share of the times that a strategy or agent was asked and raised.
        order_path_s: 95 % of the orders were answered within it, from the decision on, seconds.
    """

    session: str
    days: Estimate
    trades: Estimate
    sharpe: Estimate
    drawdown: Estimate
    wins: Estimate
    uptime: Estimate
    failures: Estimate
    order_path_s: Estimate


def find_record(
    home: Path, fingerprint: str, on_words: Callable[[int], None] = lambda _: None
) -> PaperRecord | None:
    """Measure the paper session that has run longest as it would run live.

    Args:
        home: data home.
        fingerprint: digest of code, limits and strategies; minutes of others do not count.
        on_words: told how many words of the journal were read, group by group.

    Returns:
        None when no paper session has a minute that counts.

    Raises:
        CheckFailed: its journal is damaged, or replay makes something else.
        InputError: a file cannot be read.
    """
    found = []
    for folder in paper_sessions(home):
        minutes = _counted(read_health(folder), fingerprint)
        if minutes:
            found.append((minutes[-1].ts_ns - minutes[0].ts_ns, folder.name, minutes))
    if not found:
        return None
    _, session, minutes = max(found, key=lambda item: item[:2])
    return _measured(home / LIVE_FOLDER / session, minutes, on_words)


def paper_sessions(home: Path) -> list[Path]:
    """Return the folders of the sessions that ran on paper, by name."""
    return [
        folder
        for folder in sorted((home / LIVE_FOLDER).glob("*"))
        if session_store(folder).segments() and _mode(folder) == RunMode.PAPER.value
    ]


def session_store(folder: Path) -> FileStore:
    """Return the journal of a session's folder."""
    return FileStore(folder / JOURNAL_FOLDER)


def manifest_of(folder: Path) -> dict[str, object]:
    """Return what a session's journal says that the session is about."""
    return next(iter(read_frames(session_store(folder)))).values()


def _mode(folder: Path) -> object:
    own = manifest_of(folder).get(SESSION_KEY)
    return own.get("mode") if isinstance(own, dict) else None


def _counted(minutes: Sequence[HealthMinute], fingerprint: str) -> list[HealthMinute]:
    """Return the minutes since anything else was run, or other prices than live ones were used."""
    counted: list[HealthMinute] = []
    for minute in minutes:
        if minute.fingerprint == fingerprint and minute.feed is FeedSource.LIVE:
            counted.append(minute)
        else:
            counted.clear()
    return counted


def _measured(
    folder: Path, minutes: Sequence[HealthMinute], on_words: Callable[[int], None]
) -> PaperRecord:
    first_ns = minutes[0].ts_ns - MINUTE_NS
    span_ns = minutes[-1].ts_ns - first_ns
    n_minutes = max(len(minutes), round(span_ns / MINUTE_NS))
    account = _Account(first_ns)

    def follow(tables: StateTables, words: Ints) -> None:
        account.follow(tables, words)
        on_words(len(words))

    fold_journal(session_store(folder), from_beginning=True, on_words=follow)
    n_won, n_closed = account.trips.count(first_ns)
    n_asked = sum(minute.n_asked for minute in minutes)
    return PaperRecord(
        session=folder.name,
        days=exact(span_ns / DAY_NS, n_minutes),
        trades=exact(n_closed, n_closed),
        sharpe=_sharpe(account.series()),
        drawdown=account.drawdown(),
        wins=proportion(n_won, n_closed),
        uptime=proportion(sum(minute.is_up for minute in minutes), n_minutes),
        failures=proportion(sum(minute.n_failed for minute in minutes), n_asked),
        order_path_s=_quantile(
            [ms / 1_000 for minute in minutes for ms in minute.order_path_ms], _PATH_QUANTILE
        ),
    )


class _Account:
    """The value of one unit of money, and the round trips, along a journal."""

    def __init__(self, first_ns: int) -> None:
        self._first_ns = first_ns
        self._equity = self._transfers = 0
        self._peak = self._value = 1.0
        self._deepest = 0.0
        self._n_fills = 0
        self._marks: dict[int, tuple[int, float]] = {}
        self.trips = _Trips()

    def follow(self, tables: StateTables, words: Ints) -> None:
        """Take the account as it is after one group of records."""
        account = tables.arrays.account
        now_ns, equity, transfers = (
            int(account[column]) for column in (at.NOW_NS, at.EQUITY, at.TRANSFERS)
        )
        if account[at.N_FILLS] != self._n_fills:
            self._n_fills = int(account[at.N_FILLS])
            self.trips.book(tables, words)
        if now_ns >= self._first_ns and self._equity > 0:
            self._value *= (equity - (transfers - self._transfers)) / self._equity
            self._peak = max(self._peak, self._value)
            self._deepest = max(self._deepest, 1.0 - self._value / self._peak)
            self._marks[now_ns // MINUTE_NS] = now_ns, self._value
        self._equity, self._transfers = equity, transfers

    def series(self) -> ReturnSeries:
        marks = [(self._first_ns, 1.0), *self._marks.values()]
        times = np.array([ts_ns for ts_ns, _ in marks], np.int64)
        values = np.array([value for _, value in marks])
        is_later = np.append(True, np.diff(times) > 0)
        return sample_returns(values[is_later], times[is_later], MINUTE_NS)

    def drawdown(self) -> Estimate:
        """Return the deepest fall of all marks, with the interval that hourly ones give.

        Two weeks have too few days to be drawn again, and hours enough.
        """
        by_hour = {ts_ns // HOUR_NS: (ts_ns, value) for ts_ns, value in self._marks.values()}
        times = np.array([ts_ns for ts_ns, _ in by_hour.values()], np.int64)
        returns = period_returns(np.array([1.0, *(value for _, value in by_hour.values())]))
        years = len(returns) * HOUR_NS / (DAYS_PER_YEAR * DAY_NS)
        series = ReturnSeries(returns, times[: len(returns)], DAYS_PER_YEAR * 24, years)
        hourly = estimate_ratios(series)["max_drawdown"]
        return Estimate(self._deepest, hourly.low, hourly.high, hourly.n, hourly.method)


@dataclass(slots=True)
class _Trips:
    """Round trips of strategies, flat to flat, in money units.

    Attributes:
        closed: when each was closed, and what it gained after fees.
    """

    closed: list[tuple[int, int]] = field(default_factory=list)
    _open: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    def book(self, tables: StateTables, words: Ints) -> None:
        fills = fill_columns([words])
        instruments = tables.arrays.instruments
        columns = (
            fills.ts_ns, fills.lots, fills.price_ticks, fills.fee, fills.instrument,
            fills.strategy, fills.side,
        )  # fmt: skip
        for ts_ns, lots, ticks, fee, k, strategy, side in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            if k < 0:
                continue  # of an order that the core did not know
            ratio = int(instruments[k, at.VALUE_NUM]), int(instruments[k, at.VALUE_DEN])
            held, gained = self._open.pop((strategy, k), (0, 0))
            held += side * lots
            gained -= side * arithmetic.value(ticks, lots, *ratio) + fee
            if held:
                self._open[strategy, k] = held, gained
            else:
                self.closed.append((ts_ns, gained))

    def count(self, since_ns: int) -> tuple[int, int]:
        """Return how many closed since then gained, and how many closed."""
        gains = [gain for ts_ns, gain in self.closed if ts_ns >= since_ns]
        return sum(gain > 0 for gain in gains), len(gains)


def _sharpe(series: ReturnSeries) -> Estimate:
    """Estimate the Sharpe ratio; with too few days for the bootstrap, by its standard error.

    Source of the error: A. W. Lo (2002), The statistics of Sharpe ratios, Financial Analysts
    Journal 58, equation 9 (independent returns).
    """
    found = estimate_ratios(series)["sharpe"]
    if found.has_interval or not math.isfinite(found.value):
        return found
    scale = math.sqrt(series.periods_per_year)
    per_period = found.value / scale
    z = NormalDist().inv_cdf(0.5 + _CONFIDENCE / 2)
    half = z * math.sqrt((1 + per_period**2 / 2) / found.n) * scale
    return Estimate(found.value, found.value - half, found.value + half, found.n, "Lo (2002)")


def _quantile(values: Sequence[float], share: float) -> Estimate:
    """Estimate a quantile with the order statistics that bound it; NaN without a value.

    Source: W. J. Conover (1999), Practical Nonparametric Statistics, section 3.2.
    """
    n = len(values)
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, 0, "none: no order was answered")
    ordered = sorted(values)
    half = NormalDist().inv_cdf(0.5 + _CONFIDENCE / 2) * math.sqrt(n * share * (1 - share))
    low, high = math.floor(n * share - half), math.ceil(n * share + half)
    return Estimate(
        value=ordered[math.ceil(n * share) - 1],
        low=ordered[low - 1] if low >= 1 else math.nan,
        high=ordered[high - 1] if high <= n else math.nan,
        n=n,
        method="order statistics",
    )
