"""The normal model of Bachelier: absolute changes, for prices that may be negative."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.pricing._contracts import Codes, Flags, Floats, shaped
from athena.pricing._status import RowStatus
from athena.pricing.closed._european import Prices
from athena.pricing.closed._implied import Volatilities
from athena.pricing.closed._normal import INVERSE_ROOT_TWO_PI, mills_ratio, normal_density

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_MOST_STEPS = 60
_VANISHED = 1e-12  # of forward or strike: what is left of a price deep in the money after rounding
_UNDERFLOW = 1e-290  # of the same: below, the numbers themselves lose digits
_LARGEST_Z = 37.0  # the density underflows beyond


def bachelier_price(  # noqa: PLR0913 - the terms of an option
    *,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    sigma_normal: ArrayLike,
    is_call: ArrayLike,
) -> Prices:
    """Price European options when the forward moves by normal amounts.

    Args:
        forward: quote currency, any sign; it broadcasts with the rest.
        strike: same unit, any sign.
        years: to expiry, >= 0.
        rate: continuous, a year.
        sigma_normal: quote currency per square root of a year, >= 0; at 0 the intrinsic value.
        is_call: True for a call.

    Returns:
        Prices; BAD_INPUT where an input is not finite, or years or sigma are negative.

    Source: Bachelier (1900); C = df ((F - K) N(d) + v sqrt(T) n(d)), d = (F - K) / (v sqrt(T)).
    """
    rows = _broadcast(forward, strike, years, rate, sigma_normal, is_call)
    gap, years_, discount, sigma, sign, shape = rows
    valid = np.isfinite(gap + years_ + discount + sigma) & (years_ >= 0.0) & (sigma >= 0.0)
    with np.errstate(all="ignore"):  # rows that are not valid
        deviation = sigma * np.sqrt(years_)
        is_random = valid & (deviation > 0.0)
        z = np.abs(gap) / np.where(is_random, deviation, 1.0)
        outside = np.where(is_random, deviation * _unit_value(z), 0.0)
        value = discount * (np.maximum(sign * gap, 0.0) + outside)
    status = np.where(valid, RowStatus.OK, RowStatus.BAD_INPUT).astype(np.uint8)
    return Prices(shaped(np.where(valid, value, np.nan), shape), shaped(status, shape))


def bachelier_implied_volatility(  # noqa: PLR0913 - the terms of an option
    *,
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    is_call: ArrayLike,
) -> Volatilities:
    """Find the normal volatility at which `bachelier_price` gives a price.

    Returns:
        Volatilities in quote currency per square root of a year; BELOW_INTRINSIC where the time
        value is negative, NOT_IDENTIFIABLE where it is zero within rounding or years are 0,
        BAD_INPUT where an input is not finite or years are negative. There is no largest price.
    """
    rows = _broadcast(forward, strike, years, rate, price, is_call)
    gap, years_, discount, price_, sign, shape = rows
    with np.errstate(all="ignore"):  # rows that are not valid
        inner = sign * gap
        outside = price_ / discount - np.maximum(inner, 0.0)
        size = np.maximum(np.abs(gap), np.abs(price_))
        status = _implied_status(gap + years_ + discount + price_, outside, size, years_, inner)
    deviation = np.full(len(gap), np.nan)
    found = np.flatnonzero(status == RowStatus.OK)
    deviation[found] = _solve(np.abs(gap[found]), outside[found])
    sigma = deviation / np.sqrt(np.where(years_ > 0.0, years_, 1.0))
    return Volatilities(shaped(sigma, shape), shaped(status, shape))


def _implied_status(
    total: Floats, outside: Floats, size: Floats, years: Floats, inner: Floats
) -> Codes:
    least = np.where(inner > 0.0, _VANISHED, _UNDERFLOW) * size
    return np.select(
        [
            ~np.isfinite(total) | (years < 0.0),
            outside < -_VANISHED * size,
            (years == 0.0) | (outside <= least),
        ],
        [RowStatus.BAD_INPUT, RowStatus.BELOW_INTRINSIC, RowStatus.NOT_IDENTIFIABLE],
        RowStatus.OK,
    ).astype(np.uint8)


def _broadcast(
    *columns: ArrayLike,
) -> tuple[Floats, Floats, Floats, Floats, Floats, tuple[int, ...]]:
    """Return F - K, years, discount factor, volatility or price, sign, and the shape."""
    *numbers, is_call = columns
    arrays = [np.asarray(values, dtype=np.float64) for values in numbers]
    flags: Flags = np.asarray(is_call, dtype=np.bool_)
    shape = np.broadcast_shapes(*(column.shape for column in arrays), flags.shape)
    forward, strike, years, rate, fifth = (
        np.broadcast_to(column, shape).reshape(-1) for column in arrays
    )
    sign = np.where(np.broadcast_to(flags, shape).reshape(-1), 1.0, -1.0)
    with np.errstate(all="ignore"):  # a bad rate gets its status later
        discount = np.exp(-rate * years)
    return forward - strike, years, discount, fifth, sign, shape


def _unit_value(z: Floats) -> Floats:
    """Compute n(z) - z N(-z) for z >= 0: the time value per deviation."""
    return normal_density(z) * (1.0 - z * mills_ratio(z))


def _solve(gap: Floats, outside: Floats) -> Floats:
    """Find the deviation v sqrt(T); with z = gap / deviation, outside / gap depends on z alone.

    Newton's steps on the log of that ratio, over ln z while z < 1 and over z^2 beyond, where each
    is nearly a straight line, inside a bracket that bisection falls back on.
    """
    deviation = outside / INVERSE_ROOT_TWO_PI  # exact at the money
    away = np.flatnonzero(gap > 0.0)
    target = np.log(outside[away] / gap[away])
    low, high = np.zeros(len(away)), np.full(len(away), _LARGEST_Z)
    z = np.clip(gap[away] / deviation[away], 1e-300, 1.0)
    for _ in range(_MOST_STEPS):
        with np.errstate(all="ignore"):  # a wild step is caught by the bracket
            left = 1.0 - z * mills_ratio(z)
            over = np.log(normal_density(z) * left / z) - target
            low, high = np.where(over >= 0.0, z, low), np.where(over <= 0.0, z, high)
            relative = over / (1.0 + z * mills_ratio(z) / left)
            guess = np.where(z < 1.0, z * np.exp(relative), z * np.sqrt(1.0 + 2.0 * relative))
        inside = ((guess > low) & (guess < high)) | (guess == z)
        new = np.where(inside, guess, 0.5 * (low + high))
        is_settled = np.abs(new - z) <= 4e-16 * new
        z = new
        if is_settled.all():
            break
    deviation[away] = gap[away] / z
    return deviation
