"""Bodies in 64-bit arithmetic of the two primitives whose product needs 128 bits.

Only the compiled engine uses them; `athena.trading.arithmetic` says what they compute, and a
property test holds them equal to CPython's unbounded integers.
"""

from __future__ import annotations

import numpy as np

_MAX = 2**62


def magnitude(a: int, b: int, divisor: int, round_up: bool) -> int:
    """Divide the product of two magnitudes < 2^63; _MAX + 1 stands for anything beyond _MAX."""
    low_32 = np.uint64(0xFFFFFFFF)
    by_32 = np.uint64(32)
    one = np.uint64(1)
    x = np.uint64(a)
    y = np.uint64(b)
    d = np.uint64(divisor)
    x1 = x >> by_32
    x0 = x & low_32
    y1 = y >> by_32
    y0 = y & low_32
    low = x0 * y0
    mid = x1 * y0 + (low >> by_32)
    mid_low = (mid & low_32) + x0 * y1
    high = x1 * y1 + (mid >> by_32) + (mid_low >> by_32)
    low = (mid_low << by_32) | (low & low_32)
    if high >= d:
        return _MAX + 1
    if high == np.uint64(0):
        quotient = low // d
        rest = low - quotient * d
    else:
        rest = high
        quotient = np.uint64(0)
        bit = np.uint64(64)
        while bit > np.uint64(0):
            bit -= one
            rest = (rest << one) | ((low >> bit) & one)
            quotient <<= one
            if rest >= d:
                rest -= d
                quotient |= one
    if round_up and rest > np.uint64(0):
        quotient += one
    if quotient > np.uint64(_MAX):
        return _MAX + 1
    return np.int64(quotient)  # type: ignore[return-value]  # an unsigned one would turn to float


def mul_div(a: int, b: int, divisor: int) -> int:
    """Return floor(a * b / divisor) for a divisor != 0, or raise beyond 2^62."""
    is_negative = ((a < 0) != (b < 0)) != (divisor < 0)
    quotient = magnitude(abs(a), abs(b), abs(divisor), is_negative)
    if quotient > _MAX:
        raise OverflowError("expected money within 2^62 units, was beyond")
    return -quotient if is_negative else quotient


def mul_div_capped(a: int, b: int, divisor: int) -> int:
    """Return floor(a * b / divisor) for a divisor != 0, held within 2^62."""
    is_negative = ((a < 0) != (b < 0)) != (divisor < 0)
    quotient = min(magnitude(abs(a), abs(b), abs(divisor), is_negative), _MAX)
    return -quotient if is_negative else quotient
