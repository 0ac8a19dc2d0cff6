"""Cut a whole into parts that add up to it exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


def equal_parts(total: int, n: int) -> tuple[int, ...]:
    """Cut `total` >= 0 into n >= 1 equal parts, rounded down; the last takes the rest (TR-12)."""
    each = total // n
    return (*[each] * (n - 1), total - each * (n - 1))


def money_parts(total: int, n: int, step: int) -> tuple[int, ...]:
    """Cut money into n >= 1 parts, rounded down to `step`; the first takes the rest (C19)."""
    each = total // n // step * step
    return (total - each * (n - 1), *[each] * (n - 1))


def proportional_parts(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Apportion `total` by weights with the method of largest remainders; the sum is exact.

    Equal remainders go to the earlier part, so that the result depends on nothing else.

    Args:
        total: >= 0.
        weights: (N,) each >= 0, not all 0.

    Raises:
        InputError: a weight is negative, or none is positive.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        message = f"expected weights >= 0 with a positive sum, was {list(weights)}"
        raise InputError(message)
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    ranked = sorted(range(len(parts)), key=lambda k: (-remainders[k], k))
    for k in ranked[: total - sum(parts)]:
        parts[k] += 1
    return tuple(parts)


def sendable_parts(total: int, weights: Sequence[int], smallest: int) -> tuple[int, ...]:
    """Apportion by weights so that each part is 0 or at least `smallest`.

    Parts that cannot be sent alone are given up, lightest first, and spread over the others.

    Args:
        total: >= smallest.
        weights: as `proportional_parts`.
        smallest: >= 1.
    """
    kept = list(weights)
    parts = proportional_parts(total, kept)
    while any(0 < part < smallest for part in parts):
        lightest = min(
            (k for k, weight in enumerate(kept) if weight > 0), key=lambda k: (kept[k], -k)
        )
        kept[lightest] = 0
        parts = proportional_parts(total, kept)
    return parts
