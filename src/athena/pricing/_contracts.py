"""The terms of option contracts, one row each, as every engine takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.uint8]

# Rows worked on at a time: a dozen temporary columns of this length stay in the cache.
BLOCK = 10_240


@dataclass(frozen=True, slots=True, eq=False)
class Contracts:
    """Hold the terms of N contracts and what they are priced with, as flat columns.

    Build it with `Contracts.of` (spot) or `Contracts.on_forward` (Black-76).

    Attributes:
        spot: (N,) price of the underlying, quote currency, >= 0.
        strike: (N,) same unit, >= 0.
        years: (N,) to expiry, ACT/365F, >= 0; 0 prices the payoff.
        rate: (N,) continuous interest rate a year; may be negative.
        dividend_yield: (N,) continuous yield of the underlying a year; may be negative.
        sigma: (N,) volatility a year, 0.2 is 20 %, >= 0.
        is_call: (N,) True for a call, False for a put.
        shape: of the results; () gives scalars.
    """

    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats
    sigma: Floats
    is_call: Flags
    shape: tuple[int, ...]

    @classmethod
    def of(  # noqa: PLR0913 - the terms of an option
        cls,
        *,
        spot: ArrayLike,
        strike: ArrayLike,
        years: ArrayLike,
        rate: ArrayLike,
        dividend_yield: ArrayLike = 0.0,
        sigma: ArrayLike = 0.0,
        is_call: ArrayLike,
    ) -> Self:
        """Broadcast the terms against each other; float32 is computed in float64.

        Nothing is checked here: a bad row gets a status when it is priced.
        """
        numbers = [
            np.asarray(values, dtype=np.float64)
            for values in (spot, strike, years, rate, dividend_yield, sigma)
        ]
        flags = np.asarray(is_call, dtype=np.bool_)
        shape = np.broadcast_shapes(*(column.shape for column in numbers), flags.shape)
        spot_, strike_, years_, rate_, yield_, sigma_ = (
            _spread(column, shape) for column in numbers
        )
        calls = _spread(flags, shape)
        return cls(spot_, strike_, years_, rate_, yield_, sigma_, calls, shape)

    @classmethod
    def on_forward(  # noqa: PLR0913 - the terms of an option
        cls,
        *,
        forward: ArrayLike,
        strike: ArrayLike,
        years: ArrayLike,
        rate: ArrayLike,
        sigma: ArrayLike = 0.0,
        is_call: ArrayLike,
    ) -> Self:
        """Take options on a forward price: Black-76 is a spot whose yield is the rate.

        Greeks are then those of the forward: delta dV/dF, theta at an unchanged forward; the
        change with the rate at an unchanged forward is rho + phi.
        """
        return cls.of(
            spot=forward,
            strike=strike,
            years=years,
            rate=rate,
            dividend_yield=rate,
            sigma=sigma,
            is_call=is_call,
        )

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.spot)

    def take(self, rows: slice | NDArray[Any]) -> Self:
        """Return some rows (a slice, indices or flags), as a flat batch."""
        spot = self.spot[rows]
        return type(self)(
            spot,
            self.strike[rows],
            self.years[rows],
            self.rate[rows],
            self.dividend_yield[rows],
            self.sigma[rows],
            self.is_call[rows],
            spot.shape,
        )

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Put batches one after another, as a flat batch."""
        spot = np.concatenate([part.spot for part in parts])
        return cls(
            spot,
            np.concatenate([part.strike for part in parts]),
            np.concatenate([part.years for part in parts]),
            np.concatenate([part.rate for part in parts]),
            np.concatenate([part.dividend_yield for part in parts]),
            np.concatenate([part.sigma for part in parts]),
            np.concatenate([part.is_call for part in parts]),
            spot.shape,
        )

    def with_sigma(self, sigma: Floats) -> Self:
        """Return the same terms under other volatilities, (N,)."""
        return replace(self, sigma=sigma)

    def with_rate(self, rate: Floats) -> Self:
        """Return the same terms under other rates, (N,)."""
        return replace(self, rate=rate)

    def is_valid(self) -> Flags:
        """Tell which rows are finite and not negative where they must not be."""
        total = self.spot + self.strike + self.years + self.rate + self.dividend_yield + self.sigma
        least = np.minimum(np.minimum(self.spot, self.strike), np.minimum(self.years, self.sigma))
        return np.asarray(np.isfinite(total) & (least >= 0.0))

    def blocks(self) -> Iterator[tuple[slice, Self]]:
        """Yield the rows in blocks that fit the processor's cache."""
        if len(self) <= BLOCK:
            yield slice(0, len(self)), self
            return
        for start in range(0, len(self), BLOCK):
            rows = slice(start, start + BLOCK)
            yield rows, self.take(rows)


def _spread(column: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Broadcast a column and make it flat; most have the shape already."""
    whole = column if column.shape == shape else np.broadcast_to(column, shape)
    return whole.reshape(-1)


def shaped(values: NDArray[Any], shape: tuple[int, ...]) -> Any:  # noqa: ANN401 - scalar or array
    """Give a flat result the shape that was asked for; a scalar for ()."""
    return values.reshape(shape) if shape else values[0].item()
