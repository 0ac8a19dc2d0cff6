"""What a model is shown: plain values, and values that say what they are.

A value that would tell which market and which day this is carries its kind, so that one tree of
facts can be shown as it is, or blind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Asset:
    """An instrument or a currency, such as `BTC/USD` or `BTC`."""

    symbol: str


@dataclass(frozen=True, slots=True)
class PriceOf:
    """A price, or anything in units of price (ATR, an average, a stop), of an instrument."""

    symbol: str
    value: Decimal | float


@dataclass(frozen=True, slots=True)
class VolumeOf:
    """A quantity or a volume of an instrument."""

    symbol: str
    value: Decimal | float


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment, UTC nanoseconds."""

    ts_ns: int


@dataclass(frozen=True, slots=True)
class Words:
    """A text that others wrote: a headline, a post, a filing."""

    text: str


Fact = (
    Asset
    | PriceOf
    | VolumeOf
    | Moment
    | Words
    | str
    | int
    | float
    | Decimal
    | bool
    | None
    | Sequence["Fact"]
    | Mapping[str, "Fact"]
)
