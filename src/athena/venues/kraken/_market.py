"""Public answers: the venue's clock and bars."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from athena.domain import MINUTE_NS, SECOND_NS, format_interval
from athena.errors import InputError
from athena.venues.kraken._fields import malformed, read_decimal, read_seconds_ns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from athena.venues.kraken._fields import Fields

OHLC_WINDOW = 720  # the newest bars that Kraken serves, whatever is asked
_MINUTES = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
_COLUMNS = 8  # time, open, high, low, close, mean price, volume, trades


@dataclass(frozen=True, slots=True)
class Candle:
    """One bar, with the digits that Kraken sent.

    Attributes:
        ts_ns: open, UTC nanoseconds.
        open, high, low, close: quote currency, > 0.
        volume: base currency, >= 0.
    """

    ts_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


def read_server_time(result: Fields) -> int:
    """Translate Time to UTC nanoseconds; Kraken states whole seconds."""
    return result.seconds_ns("unixtime")


def interval_minutes(interval_ns: int) -> int:
    """Translate a bar's length to the minutes that OHLC takes.

    Raises:
        InputError: Kraken has no such bars.
    """
    minutes, rest = divmod(interval_ns, MINUTE_NS)
    if rest or minutes not in _MINUTES:
        known = ", ".join(format_interval(item * MINUTE_NS) for item in _MINUTES)
        message = f"expected one of Kraken's intervals ({known}), was {_shown(interval_ns)}"
        raise InputError(message)
    return minutes


def read_ohlc(result: Fields, key: str) -> tuple[Candle, ...]:
    """Translate OHLC of one pair; the last bar may still be running.

    Args:
        result: of the request.
        key: Kraken's name of the pair, or one that the request took.

    Raises:
        VenueError: bars out of order, a price <= 0, a high under or a low over another price, or
            another pair than was asked.
    """
    names: Mapping[str, object] = {k: v for k, v in result.values.items() if k != "last"}
    if list(names) != [key]:
        malformed(result.path, f"bars of {key}", sorted(names))
    path = f"{result.path}.{key}"
    candles = tuple(
        _candle(row, f"{path}[{index}]") for index, row in enumerate(result.items(key))
    )
    for before, after in pairwise(candles):
        if after.ts_ns <= before.ts_ns:
            malformed(path, "bars in order of time", after.ts_ns // SECOND_NS)
    return candles


def _candle(row: object, path: str) -> Candle:
    if not isinstance(row, list) or len(row) != _COLUMNS or not isinstance(row[0], int):
        malformed(path, f"{_COLUMNS} columns that start with whole seconds", row)
    open_, high, low, close, _, volume = (read_decimal(cell, path) for cell in row[1:7])
    if not (0 < low <= min(open_, close) and max(open_, close) <= high) or volume < 0:
        malformed(path, "0 < low <= open, close <= high and a volume >= 0", row)
    return Candle(read_seconds_ns(row[0], path), open_, high, low, close, volume)


def _shown(interval_ns: int) -> str:
    return f"{interval_ns} ns" if interval_ns % SECOND_NS else format_interval(interval_ns)
