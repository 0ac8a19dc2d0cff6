"""Times of quotes and expiries, in the ways that files write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from athena.domain import datetime_to_ns

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Where a file gives a day only: US options end with the session, coin-settled ones at 08:00 UTC.
NEW_YORK_CLOSE = (time(16), ZoneInfo("America/New_York"))
COIN_EXPIRY = (time(8), UTC)
_DAY_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%m/%d/%Y", "%d%b%y", "%d-%b-%Y", "%y%m%d")
_NUMBER = re.compile(r"[0-9]{9,19}(\.0*)?")
_UNITS_NS = ((1e11, 1_000_000_000), (1e14, 1_000_000), (1e17, 1_000), (1e20, 1))

Close = tuple[time, Any]


def to_times_ns(cells: NDArray[Any], close: Close) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read times as UTC nanoseconds; a day alone takes the hour of `close`.

    Args:
        cells: (n,) texts, or epoch numbers in s, ms, us or ns (told by their size).
        close: hour and zone of a day that has none.

    Returns:
        (n,) int64, 0 where not readable; (n,) whether it was.
    """
    if cells.dtype != object:
        return _from_numbers(cells.astype(np.float64), cells)
    texts, inverse = np.unique(cells.astype(str), return_inverse=True)
    known = [_parse(text.strip(), close) for text in texts.tolist()]
    values = np.array([0 if value is None else value for value in known], dtype=np.int64)
    readable = np.array([value is not None for value in known], dtype=np.bool_)
    return values[inverse], readable[inverse]


def _from_numbers(
    size: NDArray[np.float64], cells: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    is_known = np.isfinite(size) & (size > 0)
    whole = np.where(is_known, cells, 0).astype(np.int64)
    unit = np.select([size < limit for limit, _ in _UNITS_NS], [unit for _, unit in _UNITS_NS], 1)
    return whole * unit, is_known


def _parse(text: str, close: Close) -> int | None:
    if _NUMBER.fullmatch(text):
        number = int(text.partition(".")[0])
        return int(_from_numbers(np.array([float(number)]), np.array([number]))[0][0])
    day = _parse_day(text)
    if day is not None:
        hour, zone = close
        return datetime_to_ns(datetime.combine(day, hour, tzinfo=zone))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return datetime_to_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _parse_day(text: str) -> date | None:
    for style in _DAY_FORMATS:
        try:
            return datetime.strptime(text, style).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None
