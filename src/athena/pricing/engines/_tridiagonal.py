"""Solve tridiagonal systems with LAPACK (extra `pricing`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.pricing._contracts import Floats

    Solver = Callable[[Floats, Floats, Floats, Floats], Floats]


def tridiagonal_solver() -> Solver:
    """Return a function that solves for x: (below, diagonal, above, right side) -> x.

    `below` and `above` are (n - 1,), the others (n,).

    Raises:
        MissingExtra: scipy is not installed.
    """
    try:
        from scipy.linalg.lapack import dgtsv  # type: ignore[import-untyped]  # it has no types
    except ImportError as error:
        needed_for = "pricing by finite differences"
        raise MissingExtra(extra="pricing", package="scipy", needed_for=needed_for) from error

    def solve(below: Floats, diagonal: Floats, above: Floats, right: Floats) -> Floats:
        solution: Floats = dgtsv(below, diagonal, above, right)[3]
        return solution

    return solve
