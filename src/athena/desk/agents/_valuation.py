"""A valuation tag for shares: cheap, fair or expensive, and what speaks for it (4.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from athena.desk.inputs import Fundamentals


@dataclass(frozen=True, slots=True)
class ValuationSettings:
    """Cuts of the valuation tag, and what it does to the strength of a purchase.

    Attributes:
        cheap_earnings, expensive_earnings: price over earnings below and above which it is so.
        improving_ratio: forward P/E under this part of P/E is improving.
        growing, shrinking: growth of revenue, fractions.
        wide_margin: profit margin above it is high.
        far_below_high, far_above_low: price over the extremes of 52 weeks.
        expensive_factor, cheap_factor: of a purchase's strength.
    """

    cheap_earnings: float = 15.0
    expensive_earnings: float = 40.0
    improving_ratio: float = 0.8
    growing: float = 0.10
    shrinking: float = -0.05
    wide_margin: float = 0.20
    far_below_high: float = 0.7
    far_above_low: float = 1.5
    expensive_factor: float = 0.8
    cheap_factor: float = 1.1


@dataclass(frozen=True, slots=True)
class Valuation:
    """How a share is priced.

    Attributes:
        tag: by P/E; fair also when it is not known.
        remarks: what else stands out.
        buy_factor: of the strength of a purchase.
    """

    tag: Literal["cheap", "fair", "expensive"]
    remarks: tuple[str, ...]
    buy_factor: float


def tag_valuation(books: Fundamentals, price: float, settings: ValuationSettings) -> Valuation:
    """Tag a share; what its books do not say is left out.

    Args:
        books: what is known of it.
        price: now, quote currency.
        settings: the cuts.
    """
    earnings = books.price_earnings
    tag: Literal["cheap", "fair", "expensive"] = "fair"
    factor = 1.0
    if earnings is not None and 0 < earnings < settings.cheap_earnings:
        tag, factor = "cheap", settings.cheap_factor
    elif earnings is not None and earnings > settings.expensive_earnings:
        tag, factor = "expensive", settings.expensive_factor
    forward, growth = books.forward_price_earnings, books.revenue_growth
    margin = books.profit_margin
    stands_out = {
        "earnings improving": earnings is not None
        and forward is not None
        and 0 < forward < settings.improving_ratio * earnings,
        "revenue growing": growth is not None and growth > settings.growing,
        "revenue shrinking": growth is not None and growth < settings.shrinking,
        "margin wide": margin is not None and margin > settings.wide_margin,
        "far below its high": books.high_52w is not None
        and price < settings.far_below_high * books.high_52w,
        "far above its low": books.low_52w is not None
        and price > settings.far_above_low * books.low_52w,
    }
    return Valuation(tag, tuple(name for name, holds in stands_out.items() if holds), factor)
