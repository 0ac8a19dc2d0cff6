"""Time is UTC: integer nanoseconds since 1970 in the core, aware datetimes at the edges (A12)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from athena.errors import InputError

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
WEEK_NS = 7 * DAY_NS
_MICROSECOND_NS = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS_NS = {"s": SECOND_NS, "m": MINUTE_NS, "h": HOUR_NS, "d": DAY_NS, "w": WEEK_NS}
_INTERVAL = re.compile(r"([1-9][0-9]*)([smhdw])")


def parse_time_ns(text: str) -> int:
    """Read an ISO-8601 date or time as UTC nanoseconds; a time without offset is taken as UTC.

    Raises:
        InputError: the text is not ISO-8601.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        message = f"expected an ISO-8601 date or time such as 2018-01-31, was {text!r}"
        raise InputError(message) from None
    return datetime_to_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def datetime_to_ns(moment: datetime) -> int:
    """Convert an aware datetime to UTC nanoseconds.

    Raises:
        InputError: the datetime has no UTC offset.
    """
    if moment.tzinfo is None:
        message = f"expected a datetime with a UTC offset, was {moment.isoformat()}"
        raise InputError(message)
    return (moment - _EPOCH) // timedelta(microseconds=1) * _MICROSECOND_NS


def ns_to_datetime(ts_ns: int) -> datetime:
    """Convert UTC nanoseconds to an aware datetime; digits under a microsecond are dropped."""
    return _EPOCH + timedelta(microseconds=ts_ns // _MICROSECOND_NS)


def format_time(ts_ns: int) -> str:
    """Write UTC nanoseconds as ISO-8601 with a ``Z``; whole seconds without a fraction."""
    moment = ns_to_datetime(ts_ns)
    spec = "microseconds" if ts_ns % SECOND_NS else "seconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")


def parse_interval_ns(text: str) -> int:
    """Read a bar interval such as ``30m``, ``1h`` or ``1d`` as nanoseconds.

    Raises:
        InputError: the text is not a whole number followed by s, m, h, d or w.
    """
    match = _INTERVAL.fullmatch(text.strip())
    if match is None:
        message = f"expected an interval such as 30m, 1h or 1d, was {text!r}"
        raise InputError(message)
    return int(match[1]) * _UNITS_NS[match[2]]


def format_interval(interval_ns: int) -> str:
    """Write a bar interval in its largest whole unit, ``1800000000000 -> 30m``."""
    for unit in ("w", "d", "h", "m", "s"):
        if interval_ns % _UNITS_NS[unit] == 0:
            return f"{interval_ns // _UNITS_NS[unit]}{unit}"
    message = f"expected an interval in whole seconds, was {interval_ns} ns"
    raise InputError(message)
