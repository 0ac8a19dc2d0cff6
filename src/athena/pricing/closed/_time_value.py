"""The time value of an option in its own units: b(x, s), with its slope in s.

With x = ln(F / K) and s = sigma sqrt(T), an undiscounted price is the intrinsic value plus
sqrt(F K) b(x, s); b is even in x, rises with s from 0 to exp(-|x| / 2), and its one inflection
lies at s = sqrt(2 |x|). Source: Jaeckel (2017), Let's be rational, Wilmott 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.pricing.closed._normal import INVERSE_ROOT_TWO_PI, mills_ratio

if TYPE_CHECKING:
    from athena.pricing._contracts import Floats


def time_value(x: Floats, s: Floats) -> tuple[Floats, Floats, Floats]:
    """Compute b, what is missing to its maximum, and its slope, without cancellation in the tails.

    Args:
        x: (n,) log of forward over strike.
        s: (n,) total volatility, > 0.

    Returns:
        b(x, s); exp(-|x| / 2) - b(x, s); db/ds. (n,) each.
    """
    distance = np.abs(x)
    h, t = distance / s, 0.5 * s
    near, far = h - t, h + t
    slope = INVERSE_ROOT_TWO_PI * np.exp(-0.5 * (h * h + t * t))
    ratios = mills_ratio(np.abs(np.stack([near, far])))
    ceiling = np.exp(-0.5 * distance)
    gap, total = slope * (ratios[0] - ratios[1]), slope * (ratios[0] + ratios[1])
    is_low = near > 0.0
    value = np.where(is_low, gap, ceiling - total)
    missing = np.where(is_low, ceiling - gap, total)
    return value, missing, slope
