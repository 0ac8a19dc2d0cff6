"""The quality gate: whether a data set may be decided on, and why not (specification 3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import MINUTE_NS, SECOND_NS, format_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


class Grade(StrEnum):
    """What a data set is good for: everything, a weak opinion, nothing."""

    GOOD = "good"
    DEGRADED = "degraded"
    UNUSABLE = "unusable"


_BADNESS = {Grade.GOOD: 0, Grade.DEGRADED: 1, Grade.UNUSABLE: 2}


@dataclass(frozen=True, slots=True)
class Quality:
    """A grade with the reasons for it; good has none."""

    grade: Grade = Grade.GOOD
    reasons: tuple[str, ...] = ()


GOOD = Quality()


@dataclass(frozen=True, slots=True)
class QualityRules:
    """What the gate asks of bars.

    Attributes:
        n_bars_min: fewer are unusable.
        late_ns: a minute bar that is missing for longer makes the frame unusable; a longer bar,
            from one interval on.
        gap_frac_max: share of missing bars in the window above which it is degraded.
        unit_ratio_max: a newest close this many times above or under the window's median is taken
            for a change of unit: unusable.
        fast_move_frac: a minute's move above it is flagged, and the frame degraded.
    """

    n_bars_min: int = 20
    late_ns: int = MINUTE_NS
    gap_frac_max: float = 0.10
    unit_ratio_max: float = 5.0
    fast_move_frac: float = 0.10


def worst(*qualities: Quality) -> Quality:
    """Return the worst grade of several, with all their reasons."""
    if all(item is GOOD for item in qualities):
        return GOOD
    grade = max((item.grade for item in qualities), key=_BADNESS.__getitem__)
    return Quality(grade, tuple(reason for item in qualities for reason in item.reasons))


def bar_defect(
    ts_ns: int, prices: tuple[int, int, int, int], volume: int, *, last_ns: int, interval_ns: int
) -> str:
    """Say what is wrong with a closed bar; empty for nothing.

    Args:
        ts_ns: its open.
        prices: open, high, low, close in ticks.
        volume: lots.
        last_ns: open of the bar before; -1 for none.
        interval_ns: length of a bar.
    """
    open_, high, low, close = prices
    if ts_ns == last_ns:
        return "duplicate"
    if ts_ns < last_ns:
        return "out of order"
    if last_ns >= 0 and (ts_ns - last_ns) % interval_ns:
        return "off the grid"
    if low <= 0 or low > min(open_, close) or high < max(open_, close) or volume < 0:
        return "out of range"
    return ""


def judge_bars(
    ts_ns: NDArray[np.int64],
    close: NDArray[np.float64],
    *,
    interval_ns: int,
    rules: QualityRules,
) -> Quality:
    """Judge a window of closed bars by itself; when it is looked at is `judge_age`'s.

    Args:
        ts_ns: (N,) opens, rising.
        close: (N,) closes, > 0.
        interval_ns: length of a bar.
        rules: what is asked.
    """
    found = list(_unusable(close, rules))
    if found:
        return Quality(Grade.UNUSABLE, tuple(found))
    found = list(_degraded(ts_ns, close, interval_ns, rules))
    return Quality(Grade.DEGRADED, tuple(found)) if found else GOOD


def judge_age(close_ns: int, *, interval_ns: int, as_of_ns: int, rules: QualityRules) -> Quality:
    """Judge how old the newest bar is at a moment (DK-30).

    Args:
        close_ns: when it closed.
        interval_ns: length of a bar.
        as_of_ns: the moment.
        rules: how late the next one may be.
    """
    late_ns = as_of_ns - (close_ns + interval_ns)  # behind the next one's close
    if late_ns < -interval_ns:
        return Quality(Grade.UNUSABLE, ("the clock is behind the newest bar",))
    is_late = late_ns > rules.late_ns if interval_ns <= MINUTE_NS else late_ns >= interval_ns
    if is_late:
        reason = f"the next {format_interval(interval_ns)} bar is {late_ns // SECOND_NS} s late"
        return Quality(Grade.UNUSABLE, (reason,))
    return GOOD


def _unusable(close: NDArray[np.float64], rules: QualityRules) -> Iterator[str]:
    n = len(close)
    if n < rules.n_bars_min:
        yield f"{n} bars, expected {rules.n_bars_min}"
    if n == 0:
        return
    median = float(np.partition(close, n // 2)[n // 2])
    ratio = float(close[-1]) / median
    if max(ratio, 1.0 / ratio) > rules.unit_ratio_max:
        yield f"the newest close is {ratio:.3g} times the median: another unit?"


def _degraded(
    ts_ns: NDArray[np.int64],
    close: NDArray[np.float64],
    interval_ns: int,
    rules: QualityRules,
) -> Iterator[str]:
    n_expected = int(ts_ns[-1] - ts_ns[0]) // interval_ns + 1
    missing_frac = 1.0 - len(ts_ns) / n_expected
    if missing_frac > rules.gap_frac_max:
        yield f"{missing_frac:.0%} of the bars are missing"
    if has_fast_move(ts_ns, close, interval_ns, rules):
        yield f"a minute moved by more than {rules.fast_move_frac:.0%}"


def has_fast_move(
    ts_ns: NDArray[np.int64], close: NDArray[np.float64], interval_ns: int, rules: QualityRules
) -> bool:
    """Tell whether one minute of a window of minute bars moved too fast to be believed at once."""
    if interval_ns != MINUTE_NS or len(close) < 2:  # noqa: PLR2004 - a move takes two closes
        return False
    moves = np.abs(close[1:] / close[:-1] - 1.0)[np.diff(ts_ns) == MINUTE_NS]
    return bool((moves > rules.fast_move_frac).any())
