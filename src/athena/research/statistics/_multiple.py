"""Correct p-values for the number of comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError

if TYPE_CHECKING:
    from athena.research.statistics._returns import Floats


def holm(p_values: Floats) -> Floats:
    """Adjust p-values so that all that stay below 0.05 are together wrong in at most 5 %.

    Args:
        p_values: (k,) float64 in [0, 1], of k comparisons in any order.

    Returns:
        (k,) float64 in [0, 1], in the same order: each at least the raw one, and never smaller
        than that of a smaller raw one; empty in, empty out.

    Raises:
        InputError: a value is NaN or outside [0, 1].

    Source: S. Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian
    Journal of Statistics 6.
    """
    bad = np.flatnonzero(~((p_values >= 0) & (p_values <= 1)))
    if len(bad):
        message = f"expected p-values in [0, 1], was {p_values[bad[0]]} at index {bad[0]}"
        raise InputError(message)
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted
