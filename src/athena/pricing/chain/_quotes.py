"""The quotes of a chain as columns, and what can be wrong with one."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from athena.pricing._contracts import Flags, Floats

YEAR_NS = 365 * 86_400 * 1_000_000_000  # ACT/365F


class QuoteStatus(StrEnum):
    """What is wrong with a row; the first that applies, in this order."""

    BAD_ROW = "BAD_ROW"
    EXPIRED = "EXPIRED"
    STALE = "STALE"
    DUPLICATE = "DUPLICATE"
    NO_BID = "NO_BID"
    NO_ASK = "NO_ASK"
    CROSSED = "CROSSED"
    BELOW_INTRINSIC = "BELOW_INTRINSIC"
    WIDE = "WIDE"
    OK = "OK"


@dataclass(frozen=True, slots=True, eq=False)
class ChainQuotes:
    """Hold N quotes of one underlying, in the order of the file.

    Attributes:
        row: (N,) 1-based row in the file, the header not counted.
        quoted_ns: (N,) when it was quoted, UTC nanoseconds.
        expiry_ns: (N,) when it expires, likewise.
        strike: (N,) quote currency; NaN where it could not be read.
        is_call: (N,)
        bid: (N,) quote currency, or coins for a coin-settled option; NaN where there is none.
        ask: (N,) likewise.
        mark: (N,) the venue's own value, likewise; NaN where not given.
        published_sigma: (N,) volatility given by the source; NaN where not given.
        underlying: (N,) price of the underlying, quote currency; NaN where not given.
        is_american: (N,)
        is_coin: (N,) settled, and quoted, in units of the underlying.
        quantity: (N,) contracts held; 0 where none.
        multiplier: (N,) units of the underlying in a contract.
        is_readable: (N,) False where a required cell could not be read.
        symbol: (N,) text, empty where not given.
        problems: the first few rows that could not be read, in words.
    """

    row: NDArray[np.int64]
    quoted_ns: NDArray[np.int64]
    expiry_ns: NDArray[np.int64]
    strike: Floats
    is_call: Flags
    bid: Floats
    ask: Floats
    mark: Floats
    published_sigma: Floats
    underlying: Floats
    is_american: Flags
    is_coin: Flags
    quantity: Floats
    multiplier: Floats
    is_readable: Flags
    symbol: NDArray[Any]
    problems: tuple[str, ...]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.row)

    @property
    def mid(self) -> Floats:
        """Half way between bid and ask; NaN where one is missing."""
        return 0.5 * (self.bid + self.ask)

    def take(self, rows: NDArray[Any]) -> Self:
        """Return some rows."""
        columns = {
            field.name: getattr(self, field.name)[rows]
            for field in fields(self)
            if field.name != "problems"
        }
        return type(self)(**columns, problems=self.problems)

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Put parts of one file together again."""
        columns = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(cls)
            if field.name != "problems"
        }
        problems = [problem for part in parts for problem in part.problems]
        return cls(**columns, problems=tuple(problems[:MOST_PROBLEMS]))


MOST_PROBLEMS = 5  # named in words; all are counted


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """What a chain is read and analysed with.

    Attributes:
        underlying: price of the underlying where the file has no column; None takes the column.
        rate: continuous interest rate a year; None fits one to the whole snapshot.
        dividend_yield: continuous yield, for expiries with too few pairs; None refuses them.
        at_ns: time of the snapshot; None takes the newest quote.
        is_american: style of rows that do not state one; coin-settled ones are European.
        columns: field -> column name, where the built-in names do not fit.
        stale_after_s: a quote older than this at the snapshot is STALE.
        wide_frac: a spread over this share of the mid is WIDE.
        fee_per_leg: cost of each leg of a finding, quote currency.
        leave_one_out: compare each quote with a surface fitted without it.
    """

    underlying: float | None = None
    rate: float | None = None
    dividend_yield: float | None = None
    at_ns: int | None = None
    is_american: bool = True
    columns: tuple[tuple[str, str], ...] = ()
    stale_after_s: float = 900.0
    wide_frac: float = 0.5
    fee_per_leg: float = 0.0
    leave_one_out: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense.

        Raises:
            InputError: names the setting.
        """
        for name, value, is_right in (
            ("underlying > 0", self.underlying, self.underlying is None or self.underlying > 0.0),
            ("stale_after_s >= 0", self.stale_after_s, self.stale_after_s >= 0.0),
            ("wide_frac > 0", self.wide_frac, self.wide_frac > 0.0),
            ("fee_per_leg >= 0", self.fee_per_leg, self.fee_per_leg >= 0.0),
            ("rate inside (-1, 1)", self.rate, self.rate is None or abs(self.rate) < 1.0),
            (
                "dividend_yield inside (-1, 1)",
                self.dividend_yield,
                self.dividend_yield is None or abs(self.dividend_yield) < 1.0,
            ),
        ):
            if not is_right or (value is not None and math.isinf(value)):
                message = f"expected {name}, was {value}"
                raise InputError(message)
