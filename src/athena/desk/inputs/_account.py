"""The account as the core's read view shows it: real positions and money, or nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import Book

if TYPE_CHECKING:
    from decimal import Decimal

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """One position.

    Attributes:
        symbol: instrument.
        quantity: base currency, negative when short.
        value: at the last price, quote currency, signed like the quantity.
        book: whose it is.
        sector, asset_class: for exposures; empty when unknown.
        daily_volume_value: mean value traded a day; None when unknown.
    """

    symbol: str
    quantity: Decimal
    value: Decimal
    book: Book = Book.TRADING
    sector: str = ""
    asset_class: str = "crypto"
    daily_volume_value: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """The whole account at a moment.

    Attributes:
        as_of_ns: UTC.
        equity: quote currency; None when the core does not know it.
        cash: quote currency.
        positions: all that are open.
        drawdown_frac: fall from the peak as the core measures it, 0..1.
        compliance: violations that the core or a person reports.
    """

    as_of_ns: int
    equity: Decimal | None
    cash: Decimal
    positions: tuple[PositionView, ...] = ()
    drawdown_frac: float = 0.0
    compliance: tuple[str, ...] = ()

    def held(self, symbol: str) -> Decimal:
        """Return the signed quantity of a symbol in the trading book."""
        quantities = (
            item.quantity
            for item in self.positions
            if item.symbol == symbol and item.book is Book.TRADING
        )
        return sum(quantities, start=type(self.cash)(0))


@dataclass(frozen=True, slots=True, eq=False)
class ReturnTable:
    """Returns of several symbols on the same periods.

    Attributes:
        symbols: N of them, in the order of the columns.
        returns: (T, N) float64, fractions, oldest first; NaN where a symbol has none. Read-only:
            an array that could still change is copied.
        periods_per_year: 365 for crypto days, 252 for equities.
    """

    symbols: tuple[str, ...]
    returns: NDArray[np.float64]
    periods_per_year: float = 365.0
    _digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the digest once: it is asked for in every cycle."""
        if self.returns.flags.writeable:
            kept = self.returns.copy()
            kept.flags.writeable = False
            object.__setattr__(self, "returns", kept)
        object.__setattr__(self, "_digest", self._computed())

    def digest(self) -> str:
        """Return the SHA-256 of names and returns, 64 hex digits."""
        return self._digest

    def _computed(self) -> str:
        made = hashlib.sha256(f"{self.symbols} {self.periods_per_year}".encode())
        made.update(np.ascontiguousarray(self.returns, "<f8").data)
        return made.hexdigest()
