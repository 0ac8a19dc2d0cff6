"""The early-exercise boundary of an American put, by collocation.

Source: Andersen, Lake and Offengenden (2016), High-performance American option pricing, Journal of
Computational Finance 20. The boundary B(tau), tau to expiry, solves an integral equation. With
X = B(0+), H = ln(B / X)^2 is nearly a polynomial in sqrt(tau), so a dozen Chebyshev nodes hold it,
and putting it into the equation's right-hand side again and again converges fast. (Newton's steps
on each node by itself were tried and oscillate: they ignore that the other nodes move too.)

Time is measured in units of the whole life T, so nodes, quadrature points and interpolation
weights are the same for all options and many are solved at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from athena.pricing.closed import mills_ratio, normal_density

if TYPE_CHECKING:
    from athena.pricing._contracts import Flags, Floats


_SOFT = 0.5  # stiffness under which the full step converges fastest


@dataclass(frozen=True, slots=True)
class Effort:
    """How much work goes into a boundary, and into a price on it.

    Attributes:
        n_nodes: collocation nodes, the one at expiry not counted.
        n_points: quadrature points of each integral of the boundary's equation.
        n_price_points: quadrature points of the price.
        tolerance: change of ln B under which the boundary counts as settled.
        most_steps: times that the boundary is put into its equation, at most.
    """

    n_nodes: int
    n_points: int
    n_price_points: int
    tolerance: float
    most_steps: int


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The constants of an effort: n nodes, l points a node, p points for prices.

    Attributes:
        tau: (n,) nodes as a share of T, the last the nearest to expiry.
        elapsed: (n, l) from node to quadrature point, share of T.
        weight: (n, l) of the points, share of T.
        to_points: (n * l, n) gives H at the points from H at the nodes.
        price_elapsed: (p,) from now to the points of the price, share of T.
        price_weight: (p,) of them.
        to_price_points: (p, n) gives H at those points.
    """

    tau: Floats
    elapsed: Floats
    weight: Floats
    to_points: Floats
    price_elapsed: Floats
    price_weight: Floats
    to_price_points: Floats

    @classmethod
    @cache
    def of(cls, effort: Effort) -> Grid:
        """Build the constants once for each effort."""
        n = effort.n_nodes
        nodes = np.cos(np.pi * np.arange(n + 1) / n)  # 1 is T, -1 is expiry
        tau = (0.25 * (1.0 + nodes) ** 2)[:n]
        # The square takes the root singularity of the integrands at the near end away.
        y, weights = np.polynomial.legendre.leggauss(effort.n_points)
        share, jacobian = 0.25 * (1.0 + y) ** 2, 0.5 * (1.0 + y) * weights
        left = np.sqrt(np.outer(tau, 1.0 - share))
        y, weights = np.polynomial.legendre.leggauss(effort.n_price_points)
        price_share, price_jacobian = 0.25 * (1.0 + y) ** 2, 0.5 * (1.0 + y) * weights
        return cls(
            tau=tau,
            elapsed=np.outer(tau, share),
            weight=np.outer(tau, jacobian),
            to_points=_interpolation(n, left.ravel()),
            price_elapsed=price_share,
            price_weight=price_jacobian,
            to_price_points=_interpolation(n, np.sqrt(1.0 - price_share)),
        )


def _interpolation(n: int, root_tau: Floats) -> Floats:
    """Weights (m, n) of the polynomial through nodes and 0 at expiry, at m values of sqrt(tau)."""
    k = np.arange(n + 1)
    angles = np.pi * k / n
    basis = np.cos(np.outer(angles, k))  # T_j at node i
    coefficients = np.linalg.inv(basis)
    at = np.cos(np.outer(np.arccos(np.clip(2.0 * root_tau - 1.0, -1.0, 1.0)), k))
    return np.asarray((at @ coefficients)[:, :n])


@dataclass(frozen=True, slots=True, eq=False)
class Puts:
    """Terms of m puts in the units of their own strike and life.

    Attributes:
        rate: (m,) times T, > 0.
        dividend_yield: (m,) times T.
        s: (m,) sigma sqrt(T), > 0.
    """

    rate: Floats
    dividend_yield: Floats
    s: Floats

    def stiffness(self) -> Floats:
        """Compare the life with the time in which the boundary comes to rest, (m,), >= 0."""
        return np.maximum(self.rate, np.abs(self.dividend_yield)) / self.s

    def step_share(self) -> Floats:
        """Choose the share of each step that is taken: stiff boundaries swing without damping.

        They swing harder where exercise costs nothing but earns twice, at a negative yield.
        """
        stiffness = self.stiffness()
        is_paid = self.dividend_yield < 0.0
        damped = 1.0 / (1.0 + np.where(is_paid, 2.0, 1.0) * stiffness)
        return np.where((stiffness < _SOFT) & ~is_paid, 1.0, damped)

    def first_boundary(self) -> Floats:
        """Return X, the boundary just before expiry, over the strike: min(1, r / q), (m,)."""
        paying = self.dividend_yield > self.rate
        return np.where(paying, self.rate / np.where(paying, self.dividend_yield, 1.0), 1.0)

    def last_boundary(self) -> Floats:
        """Return the boundary of the perpetual put over the strike, (m,)."""
        variance = self.s * self.s
        half = 0.5 - (self.rate - self.dividend_yield) / variance
        load = 2.0 * self.rate / variance
        far = np.sqrt(half * half + load)
        # The negative root of a quadratic, whichever way nothing cancels.
        root = np.where(half > 0.0, -load / (np.abs(half) + far), half - far)
        return np.asarray(root / (root - 1.0))


def solve_boundary(puts: Puts, effort: Effort) -> tuple[Floats, Flags]:
    """Solve for the boundary.

    Returns:
        (n, m) sqrt(H) = ln(X / B) at the nodes, >= 0, the first row at the whole life; (m,)
        whether it settled. A put that has settled is left alone, so the answer does not depend on
        the others in the block.
    """
    grid = Grid.of(effort)
    depth = _guess(puts, grid)
    equation = _Equation.of(puts, grid)
    share = puts.step_share()
    is_moving = np.ones(len(share), dtype=np.bool_)
    for _ in range(effort.most_steps):
        with np.errstate(all="ignore"):  # a lost boundary becomes NaN and never settles
            again = equation.right_side(depth)
        change = np.where(is_moving, share * (again - depth), 0.0)
        depth += change
        is_moving &= ~(np.max(np.abs(change), axis=0) <= effort.tolerance)
        if not is_moving.any():
            break
    return depth, ~is_moving


def _guess(puts: Puts, grid: Grid) -> Floats:
    """Bend from X to the perpetual boundary as Bjerksund and Stensland (1993) do."""
    first, last = puts.first_boundary(), np.minimum(puts.last_boundary(), 0.999999)
    last = np.minimum(last, 0.999999 * first)
    tau = grid.tau[:, None]
    drift = (puts.rate - puts.dividend_yield) * tau
    exponent = (drift - 2.0 * puts.s * np.sqrt(tau)) * first / (first - last)
    share = 1.0 - np.exp(np.minimum(exponent, -1e-12))
    boundary = first + (last - first) * share
    return np.log(first / boundary)


@dataclass(frozen=True, slots=True, eq=False)
class _Equation:
    """Equation A of the paper: B = K exp(-(r-q) tau) N / D, and what does not change with B."""

    puts: Puts
    grid: Grid
    log_first: Floats  # (m,) ln(X / K)
    deepest: Floats  # (m,) ln(X / perpetual boundary)
    s_elapsed: Floats  # (n, l, m) s sqrt(elapsed)
    lower_drift: Floats  # (n, l, m) what d- holds besides the ratio of boundaries
    rate_weight: Floats  # (n, l, m) r exp(r u) weight / (s sqrt(elapsed))
    yield_weight: Floats  # (n, l, m) q exp(q u) weight

    @classmethod
    def of(cls, puts: Puts, grid: Grid) -> _Equation:
        elapsed = grid.elapsed[:, :, None]
        s_elapsed = np.sqrt(elapsed) * puts.s
        lower_drift = (puts.rate - puts.dividend_yield) * elapsed / s_elapsed - 0.5 * s_elapsed
        left = grid.tau[:, None, None] - elapsed
        weight = grid.weight[:, :, None]
        return cls(
            puts=puts,
            grid=grid,
            log_first=np.log(puts.first_boundary()),
            deepest=np.log(puts.first_boundary() / puts.last_boundary()),
            s_elapsed=s_elapsed,
            lower_drift=lower_drift,
            rate_weight=puts.rate * np.exp(puts.rate * left) * weight / s_elapsed,
            yield_weight=puts.dividend_yield * np.exp(puts.dividend_yield * left) * weight,
        )

    def right_side(self, depth: Floats) -> Floats:
        """Put the boundary into the right-hand side of its equation, as ln(X / B) again."""
        shape = self.s_elapsed.shape
        at_points = np.sqrt(np.maximum(self.grid.to_points @ (depth * depth), 0.0))
        lower = (at_points.reshape(shape) - depth[:, None, :]) / self.s_elapsed
        lower += self.lower_drift
        upper = lower + self.s_elapsed
        bell = normal_density(upper)
        top = (self.rate_weight * normal_density(lower)).sum(axis=1)
        bottom = (self.yield_weight * (bell / self.s_elapsed + _chance(upper, bell))).sum(axis=1)
        tau = self.grid.tau[:, None]
        s_node = np.sqrt(tau) * self.puts.s
        drift = (self.puts.rate - self.puts.dividend_yield) * tau
        low = (self.log_first - depth + drift) / s_node - 0.5 * s_node
        high = low + s_node
        bell = normal_density(high)
        top += normal_density(low) / s_node
        bottom += bell / s_node + _chance(high, bell)
        # ln B = ln K - (r - q) tau + ln(top / bottom)
        again = self.log_first + drift - np.log(top / bottom)
        return np.asarray(np.clip(again, 1e-12, self.deepest))


def _chance(x: Floats, density: Floats) -> Floats:
    """Compute N(x) from x and n(x)."""
    tail = density * mills_ratio(np.abs(x))
    return np.where(x < 0.0, tail, 1.0 - tail)
