"""Exact integer arithmetic; every product of money, price or quantity goes through here."""

from __future__ import annotations

MONEY_MAX = 2**62  # two of these still add up within 64 bits
TICKS_MAX = 2**42  # times the largest value ratio it stays within 62 bits
LOTS_MAX = 2**61  # doubled for rounding it stays within 62 bits
_SMALL = 2**31


def mul_div(a: int, b: int, divisor: int) -> int:
    """Return floor(a * b / divisor) with an unbounded product.

    This and `mul_div_capped` are the only functions with two bodies: CPython's integers are
    unbounded, so they need no more than this; the compiled bodies (`athena.research`) work in
    32-bit limbs and are tested to be equal.

    Raises:
        OverflowError: the quotient is beyond 2^62.
    """
    quotient = a * b // divisor
    if quotient > MONEY_MAX or quotient < -MONEY_MAX:
        raise OverflowError("expected money within 2^62 units, was beyond")
    return quotient


def mul_div_capped(a: int, b: int, divisor: int) -> int:
    """Return floor(a * b / divisor), held within 2^62: for limits, where more is only 'wide'."""
    quotient = a * b // divisor
    return max(-MONEY_MAX, min(MONEY_MAX, quotient))


def value(ticks: int, lots: int, numerator: int, denominator: int) -> int:
    """Return the money that `lots` at `ticks` are worth, rounded to the nearest unit, half up.

    Args:
        ticks: price, >= 0.
        lots: quantity, any sign; the value has the same sign.
        numerator: money units that one tick x lot is worth, with `denominator`.
        denominator: > 0.
    """
    size = lots if lots >= 0 else -lots
    if ticks < _SMALL and size < _SMALL and numerator == 1:
        worth = (ticks * size + denominator // 2) // denominator
    elif ticks < _SMALL and size < 1024 and numerator <= 1_048_576:  # noqa: PLR2004 - 31 + 10 + 20 bits
        worth = (ticks * size * numerator + denominator // 2) // denominator
    else:
        worth = (mul_div(ticks * numerator, 2 * size, denominator) + 1) // 2
    return worth if lots >= 0 else -worth


def lots_worth(money: int, ticks: int, numerator: int, denominator: int) -> int:
    """Return the most lots that `money` buys at `ticks`, rounded down; 0 for money <= 0."""
    if money <= 0 or ticks <= 0:
        return 0
    return mul_div_capped(money, denominator, ticks * numerator)


def same_sign(a: int, b: int) -> bool:
    """Tell whether both are positive or both negative.

    Never by their product: two quantities in lots of 10^-8 multiply beyond 64 bits, which wrap.
    """
    return (a > 0 and b > 0) or (a < 0 and b < 0)


def part(amount: int, ppm: int) -> int:
    """Return `amount * ppm / 10^6`, rounded down, held within 2^62."""
    return mul_div_capped(amount, ppm, 1_000_000)


def scaled(ticks: int, ppm: int) -> int:
    """Return `ticks * ppm / 10^6` rounded to the nearest tick, half to even; ticks >= 0."""
    doubled = mul_div_capped(ticks, 2 * ppm, 1_000_000)
    nearest = (doubled + 1) // 2
    is_tie = doubled % 2 == 1 and ticks % 1_000_000 * ppm % 1_000_000 == 500_000  # noqa: PLR2004
    return nearest - 1 if is_tie and nearest % 2 == 1 else nearest


def part_up(amount: int, ppm: int) -> int:
    """Return `amount * ppm / 10^6`, rounded up, held within 2^62."""
    return -mul_div_capped(-amount, ppm, 1_000_000)


def square_root(x: int) -> int:
    """Return floor(sqrt(x)) for 0 <= x <= 2^62, by Newton's method on integers."""
    if x < 2:  # noqa: PLR2004 - 0 and 1 are their own roots
        return x
    guess = 1
    while guess * guess <= x and guess < 2_147_483_648:  # noqa: PLR2004 - 2^31, so that squares fit
        guess *= 2
    smaller = (guess + x // guess) // 2
    while smaller < guess:
        guess = smaller
        smaller = (guess + x // guess) // 2
    return guess


def impact_ppm(volatility_ppm: int, size: int, volume: int, cap_ppm: int, unknown_ppm: int) -> int:
    """Estimate the price impact of an order: volatility x sqrt(size / mean volume), capped.

    Returns:
        ppm of the price; `unknown_ppm` when volume or volatility is unknown (0).
    """
    if volume <= 0 or volatility_ppm <= 0:
        return unknown_ppm
    root_ppm = square_root(mul_div_capped(size, 1_000_000_000_000, volume))
    return min(cap_ppm, volatility_ppm * root_ppm // 1_000_000)
