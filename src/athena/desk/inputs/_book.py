"""The order book as the desk reads it: spread, imbalance, weighted middle, depth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from athena.desk.inputs._quality import Grade, Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

BOOK_LEVELS = 10
THIN_VALUE_USD = 1_000.0


@dataclass(frozen=True, slots=True)
class BookView:
    """The best levels of a book.

    Attributes:
        imbalance: (bid - ask) / (bid + ask) of the quantities, -1..1.
        spread_bps: of the middle.
        weighted_mid: best prices weighed by the other side's quantity, quote units.
        value_quote: of all levels on the thinner side, in quote currency.
        quality: unusable when a side is empty, crossed or not a book; degraded when it is thin.
    """

    imbalance: float
    spread_bps: float
    weighted_mid: float
    value_quote: float
    quality: Quality


def read_book(
    bids: Sequence[tuple[float, float]],
    asks: Sequence[tuple[float, float]],
    *,
    levels: int = BOOK_LEVELS,
    thin_value: float = THIN_VALUE_USD,
) -> BookView:
    """Read the best levels of a book.

    Args:
        bids: (price, quantity), best first.
        asks: the same.
        levels: how deep to look, >= 1.
        thin_value: a side worth less, in quote currency, makes it degraded.

    Returns:
        The view; all numbers 0 when it is unusable.
    """
    near = (bids[:levels], asks[:levels])
    reason = _defect(*near)
    if reason:
        return BookView(0.0, 0.0, 0.0, 0.0, Quality(Grade.UNUSABLE, (reason,)))
    bid_lots, ask_lots = (math.fsum(quantity for _, quantity in side) for side in near)
    values = [math.fsum(price * quantity for price, quantity in side) for side in near]
    (bid, bid_size), (ask, ask_size) = near[0][0], near[1][0]
    value = min(values)
    quality = Quality()
    if value < thin_value:
        quality = Quality(Grade.DEGRADED, (f"the book is worth {value:.0f} on one side",))
    return BookView(
        imbalance=(bid_lots - ask_lots) / (bid_lots + ask_lots),
        spread_bps=(ask - bid) / ((ask + bid) / 2.0) * 10_000.0,
        weighted_mid=(bid * ask_size + ask * bid_size) / (bid_size + ask_size),
        value_quote=value,
        quality=quality,
    )


def _defect(bids: Sequence[tuple[float, float]], asks: Sequence[tuple[float, float]]) -> str:
    if not bids or not asks:
        return "one side of the book is empty"
    if any(not 0 < number < math.inf for level in (*bids, *asks) for number in level):
        return "a price or a quantity of the book is not above 0"
    falls = all(a[0] > b[0] for a, b in pairwise(bids))
    rises = all(a[0] < b[0] for a, b in pairwise(asks))
    if not falls or not rises:
        return "the levels of the book are out of order"
    return "the book is crossed" if bids[0][0] >= asks[0][0] else ""
