"""Give every row a quality status; nothing is dropped without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from athena.pricing.chain._quotes import QuoteStatus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.pricing._contracts import Flags
    from athena.pricing.chain._quotes import ChainQuotes, ChainSettings

_SECOND_NS = 1_000_000_000
_ROUNDING = 1e-9  # of the underlying: an exercise value is not under itself by less


def snapshot_ns(quotes: ChainQuotes, settings: ChainSettings) -> int:
    """Return the time of the snapshot: as stated, else the newest readable quote."""
    if settings.at_ns is not None:
        return settings.at_ns
    times = quotes.quoted_ns[quotes.is_readable]
    return int(times.max()) if len(times) else 0


def quote_statuses(quotes: ChainQuotes, at_ns: int, settings: ChainSettings) -> NDArray[Any]:
    """Judge every row.

    STALE is also a quote made after the snapshot. DUPLICATE keeps the newest quote of a contract,
    of equals the first. BELOW_INTRINSIC compares the ask of an American option with exercise now;
    the bounds of European ones need a forward and are findings.

    Returns:
        (N,) of `QuoteStatus`.
    """
    late_ns = at_ns - quotes.quoted_ns
    is_stale = (late_ns > settings.stale_after_s * _SECOND_NS) | (late_ns < 0)
    is_usable = quotes.is_readable & (quotes.expiry_ns > at_ns) & ~is_stale
    has_bid, has_ask = quotes.bid > 0.0, quotes.ask > 0.0
    sign = np.where(quotes.is_call, 1.0, -1.0)
    exercise = sign * (quotes.underlying - quotes.strike)
    with np.errstate(invalid="ignore"):  # rows that could not be read
        is_below = quotes.is_american & (quotes.ask < exercise - _ROUNDING * quotes.underlying)
        is_wide = (quotes.ask - quotes.bid) > settings.wide_frac * quotes.mid
    # The order of QuoteStatus; a row takes the first that applies.
    tests = [
        ~quotes.is_readable,
        quotes.expiry_ns <= at_ns,
        is_stale,
        _is_duplicate(quotes, is_usable),
        ~has_bid,
        ~has_ask,
        quotes.bid > quotes.ask,
        is_below,
        is_wide,
    ]
    codes = np.select(tests, list(range(len(tests))), len(tests)).astype(np.uint8)
    return np.array(list(QuoteStatus), dtype=object)[codes]


def count_statuses(status: NDArray[Any]) -> dict[str, int]:
    """Count the rows of each status that occurs, the most frequent first."""
    counts = {item.value: int((status == item).sum()) for item in QuoteStatus}
    found = [(name, count) for name, count in counts.items() if count]
    return dict(sorted(found, key=lambda pair: -pair[1]))


def has_status(status: NDArray[Any], *wanted: QuoteStatus) -> Flags:
    """Tell which rows have one of some statuses."""
    found = np.zeros(len(status), dtype=np.bool_)
    for item in wanted:
        found |= status == item
    return found


def _is_duplicate(quotes: ChainQuotes, is_usable: Flags) -> Flags:
    """Mark all but the newest usable row of each contract."""
    duplicate = np.zeros(len(quotes), dtype=np.bool_)
    rows = np.flatnonzero(is_usable)
    order = rows[
        np.lexsort(
            (
                quotes.row[rows],
                -quotes.quoted_ns[rows],
                quotes.is_call[rows],
                quotes.strike[rows],
                quotes.expiry_ns[rows],
            )
        )
    ]
    same = (
        (quotes.expiry_ns[order][1:] == quotes.expiry_ns[order][:-1])
        & (quotes.strike[order][1:] == quotes.strike[order][:-1])
        & (quotes.is_call[order][1:] == quotes.is_call[order][:-1])
    )
    duplicate[order[1:][same]] = True
    return duplicate
