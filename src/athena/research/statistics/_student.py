"""Tail probabilities of Student's t distribution, for p-values without another dependency."""

from __future__ import annotations

import math

from athena.errors import InputError

_CONVERGED = 1e-15
_TINY = 1e-300
_MAX_DEGREES = 1e9
_MAX_TERMS = 200_000  # the square root of the degrees of freedom, more or less, is needed


def student_tail(t: float, degrees: float) -> float:
    """Compute the probability that a Student t variable is above `t`.

    Args:
        t: any number; NaN gives NaN, infinity gives 0 or 1.
        degrees: of freedom, in (0, 1e9].

    Returns:
        fraction in [0, 1]; accurate to about 1e-12 of itself up to 10,000 degrees.

    Raises:
        InputError: degrees are out of range.

    Source: F. W. J. Olver and others (2010), NIST Handbook of mathematical functions, 8.17:
    P(|T| > t) = I_x(degrees / 2, 1 / 2) at x = degrees / (degrees + t^2).
    """
    if not 0 < degrees <= _MAX_DEGREES:
        message = f"expected degrees of freedom in (0, {_MAX_DEGREES:g}], was {degrees}"
        raise InputError(message)
    if math.isnan(t):
        return math.nan
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    ratio = t * t / degrees
    both = incomplete_beta(1.0 / (1.0 + ratio), ratio / (1.0 + ratio), degrees / 2, 0.5)
    return both / 2 if t >= 0 else 1.0 - both / 2


def incomplete_beta(x: float, rest: float, a: float, b: float) -> float:
    """Compute the regularised incomplete beta function I_x(a, b).

    Args:
        x: in [0, 1].
        rest: 1 - x, handed over because subtracting would lose it where x is nearly 1.
        a: > 0.
        b: > 0.

    Source: the continued fraction 8.17.22 of the NIST Handbook, summed by Lentz's method in the
    half where it converges fast; the other half by I_x(a, b) = 1 - I_{1-x}(b, a).
    """
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(rest, x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(scale + a * math.log(x) + b * math.log(rest)) / a
    return front * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    below = 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    above, total = 1.0, below
    for m in range(1, _MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            below = 1.0 / _away(1.0 + term * below)
            above = _away(1.0 + term / above)
            total *= below * above
        if abs(below * above - 1.0) <= _CONVERGED:
            break
    return total


def _away(value: float) -> float:
    """Keep a denominator off 0, as Lentz's method asks."""
    return value if abs(value) > _TINY else _TINY
