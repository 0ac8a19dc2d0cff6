"""Fundamentals of a company, in one unit each, and the valuation they add up to."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_PERCENT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fundamentals:
    """What a company's books say; None is what the source does not have.

    Attributes:
        known_at_ns: when it was known here, UTC.
        price_earnings, forward_price_earnings: ratios.
        revenue_growth, profit_margin: fractions, 0.1 is 10 %.
        debt_equity: a ratio, 1.5 is 150 % (DK-04).
        current_ratio, beta: ratios.
        high_52w, low_52w: quote currency.
        source: who says so.
    """

    known_at_ns: int
    source: str
    price_earnings: float | None = None
    forward_price_earnings: float | None = None
    revenue_growth: float | None = None
    profit_margin: float | None = None
    debt_equity: float | None = None
    current_ratio: float | None = None
    beta: float | None = None
    high_52w: float | None = None
    low_52w: float | None = None


_NUMBERS = tuple(
    item.name for item in fields(Fundamentals) if item.name not in {"known_at_ns", "source"}
)


def read_fundamentals(
    values: Mapping[str, float | None],
    *,
    in_percent: Collection[str],
    known_at_ns: int,
    source: str,
) -> Fundamentals:
    """Read a source's numbers; what it delivers in percent becomes a fraction or a ratio.

    Args:
        values: by the names of `Fundamentals`; what is absent, None or not finite is unknown.
        in_percent: names that this source delivers in percent: a fact about the source, never
            guessed from the size of a number.
        known_at_ns: UTC.
        source: its name.

    Raises:
        InputError: a name that is none.
    """
    unknown = sorted((set(values) | set(in_percent)) - set(_NUMBERS))
    if unknown:
        message = f"expected names of {', '.join(_NUMBERS)}, was {', '.join(unknown)}"
        raise InputError(message)
    read: dict[str, float] = {
        name: value / _PERCENT if name in in_percent else value
        for name, value in values.items()
        if value is not None and math.isfinite(value)
    }
    return Fundamentals(known_at_ns=known_at_ns, source=source, **read)
