"""Higher time frames: a longer bar is built of shorter ones and shows only once it has closed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import Bars, content_sha256, format_interval
from athena.errors import InputError
from athena.market._grid import grid_origin_ns

if TYPE_CHECKING:
    from numpy.typing import NDArray


def resample(bars: Bars, interval_ns: int) -> Bars:
    """Build longer bars on the UTC grid (weeks from Monday); hours without bars stay gaps.

    A bar counts for the frame in which it opens. The last frame may be unfinished; `closed_index`
    shows a frame only after its end, so an unfinished one is never seen.

    Args:
        bars: the shorter bars.
        interval_ns: length of a longer bar, a multiple of the shorter one's.

    Returns:
        One bar per frame that holds at least one shorter bar.

    Raises:
        InputError: the interval is not a multiple.
    """
    if interval_ns < bars.interval_ns or interval_ns % bars.interval_ns:
        message = (
            f"expected a multiple of {format_interval(bars.interval_ns)}, "
            f"was {format_interval(interval_ns)}"
        )
        raise InputError(message)
    frame = _frames(bars.ts_ns, interval_ns)
    starts = np.flatnonzero(np.diff(frame, prepend=frame[:1] - 1))
    ends = np.append(starts[1:], len(bars)) - 1
    columns = (
        frame[starts] * interval_ns + grid_origin_ns(interval_ns),
        bars.open_ticks[starts],
        np.maximum.reduceat(bars.high_ticks, starts) if len(bars) else bars.high_ticks,
        np.minimum.reduceat(bars.low_ticks, starts) if len(bars) else bars.low_ticks,
        bars.close_ticks[ends] if len(bars) else bars.close_ticks,
        np.add.reduceat(bars.volume_lots, starts) if len(bars) else bars.volume_lots,
    )
    origin = f"{bars.provenance.origin}, as {format_interval(interval_ns)} bars"
    provenance = replace(bars.provenance, origin=origin, sha256=content_sha256(columns))
    return Bars(bars.instrument, interval_ns, *columns, provenance)


def closed_index(bars: Bars, higher: Bars) -> NDArray[np.int64]:
    """Find, for each bar, the last higher bar that had closed when the bar closed.

    Args:
        bars: (T,) the shorter bars.
        higher: longer bars, for example `resample(bars, ...)`.

    Returns:
        (T,) int64, index into `higher`; -1 while none has closed.
    """
    close_ns = bars.ts_ns + bars.interval_ns
    return np.searchsorted(higher.ts_ns + higher.interval_ns, close_ns, side="right") - 1


def _frames(ts_ns: NDArray[np.int64], interval_ns: int) -> NDArray[np.int64]:
    return (ts_ns - grid_origin_ns(interval_ns)) // interval_ns
