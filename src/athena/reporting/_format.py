"""Numbers as a person reads them; an undefined one is a dash, never a zero."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from athena.domain import DAY_NS, ns_to_datetime

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from athena.research.statistics import Estimate

UNDEFINED = "–"  # noqa: RUF001 - an en dash is meant
_MINUS = "\N{MINUS SIGN}"


def percent(value: float, digits: int = 1) -> str:
    """Write a fraction as percent, ``0.1234 -> 12.3%``."""
    return _plain(value * 100, digits) + "%" if math.isfinite(value) else UNDEFINED


def signed_percent(value: float, digits: int = 1) -> str:
    """Write a fraction as percent with its sign, ``0.1234 -> +12.3%``."""
    text = percent(value, digits)
    return f"+{text}" if math.isfinite(value) and value > 0 else text


def ratio(value: float, digits: int = 2) -> str:
    """Write a plain number with thousands separators."""
    return _plain(value, digits) if math.isfinite(value) else UNDEFINED


def amount(value: Decimal | float) -> str:
    """Write an amount of money with two decimals and thousands separators."""
    return _plain(float(value), 2) if math.isfinite(value) else UNDEFINED


def span(estimate: Estimate, write: Callable[[float], str]) -> str:
    """Write the interval of an estimate, ``-1.27 to 3.40``; empty when there is none."""
    if not estimate.has_interval:
        return ""
    return f"{write(estimate.low)} to {write(estimate.high)}"


def day(ts_ns: int) -> str:
    """Write the UTC date of a time."""
    return ns_to_datetime(ts_ns).date().isoformat()


def minute(ts_ns: int) -> str:
    """Write a time to the minute, UTC."""
    return f"{ns_to_datetime(ts_ns):%Y-%m-%d %H:%M} UTC"


def closing_day(ts_ns: int) -> str:
    """Write the last day that a bar closing at `ts_ns` covers; midnight closes the day before."""
    return day(ts_ns - 1 if ts_ns % DAY_NS == 0 else ts_ns)


def _plain(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")  # no negative zero
    return text.replace("-", _MINUS)
