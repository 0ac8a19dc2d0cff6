"""One slice of the volatility surface: total variance over log-moneyness, and its density.

w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + c^2)), k = ln(K / F), is the raw SVI of Gatheral
(2004); its no-arbitrage conditions are those of Gatheral and Jacquier (2014), Arbitrage-free SVI
volatility surfaces, Quantitative Finance 14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.pricing.closed import normal_density

if TYPE_CHECKING:
    from athena.pricing._contracts import Floats


@dataclass(frozen=True, slots=True)
class Slice:
    """Hold the parameters of one expiry's total variance.

    Attributes:
        a: level; a + b c sqrt(1 - rho^2) >= 0 is the smallest variance.
        b: slope of the wings, >= 0; b (1 + |rho|) <= 2.
        rho: tilt, inside (-1, 1).
        m: where the smile is centred, log-moneyness.
        c: its roundness, > 0.
    """

    a: float
    b: float
    rho: float
    m: float
    c: float

    def variance(self, k: Floats) -> Floats:
        """Compute total variance w, the shape of k."""
        shifted = k - self.m
        root = np.sqrt(shifted * shifted + self.c * self.c)
        return np.asarray(self.a + self.b * (self.rho * shifted + root))

    def slopes(self, k: Floats) -> tuple[Floats, Floats]:
        """Compute dw/dk and its slope."""
        shifted = k - self.m
        root = np.sqrt(shifted * shifted + self.c * self.c)
        first = self.b * (self.rho + shifted / root)
        return np.asarray(first), np.asarray(self.b * self.c * self.c / root**3)

    def butterfly(self, k: Floats) -> Floats:
        """Compute g(k), which a surface without butterfly arbitrage keeps >= 0.

        g = (1 - k w' / (2 w))^2 - w'^2 / 4 (1 / w + 1 / 4) + w'' / 2.
        """
        w = self.variance(k)
        first, second = self.slopes(k)
        tilt = 1.0 - k * first / (2.0 * w)
        return np.asarray(tilt * tilt - 0.25 * first * first * (1.0 / w + 0.25) + 0.5 * second)

    def density(self, k: Floats) -> Floats:
        """Compute the risk-neutral density of ln(S_T / F), per unit of k; not a forecast."""
        w = self.variance(k)
        root = np.sqrt(w)
        return np.asarray(self.butterfly(k) * normal_density(-k / root - 0.5 * root) / root)

    def integral_and_mean(self) -> tuple[float, float]:
        """Integrate the density: its mass and its mean of S_T / F, both 1 without arbitrage."""
        # In a wing of slope v the density falls like exp(-|k| (1 - v / 2)^2 / (2 v)) at least.
        steepest = min(self.b * (1.0 + abs(self.rho)), 1.9)
        wing = 80.0 * steepest / (1.0 - 0.5 * steepest) ** 2
        middle = 12.0 * float(np.sqrt(self.variance(np.zeros(1))[0]))
        width = middle + 4.0 * self.c + abs(self.m) + wing
        # A slice near expiry is narrow and its wings are wide: points lie closer in the middle.
        u = np.linspace(-1.0, 1.0, 20_001)
        k, jacobian = width * u**3, 3.0 * width * u * u
        root = np.sqrt(self.variance(k))
        weight = self.butterfly(k) / root * jacobian * (u[1] - u[0])
        # n(d2) exp(k) is n(d1), which does not overflow.
        mass = (weight * normal_density(-k / root - 0.5 * root)).sum()
        return float(mass), float((weight * normal_density(-k / root + 0.5 * root)).sum())
