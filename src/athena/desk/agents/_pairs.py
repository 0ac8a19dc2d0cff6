"""Pairs: the spread of two prices that move together, and the test that they do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.desk.agents._signal import NOTHING, Signal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Critical value at 5 % of the Engle-Granger test of two series with a constant, as a polynomial
# in 1 / T: MacKinnon (2010), "Critical values for cointegration tests", table 2, N = 2.
_CRITICAL_5 = (-3.33613, -6.1101, -6.823)


@dataclass(frozen=True, slots=True)
class PairSettings:
    """Numbers of the pairs strategy.

    Attributes:
        bars: of the spread.
        entry_z, stop_z, target_z: deviations of the spread.
        strength_z: deviations that are full strength.
    """

    bars: int = 60
    entry_z: float = 2.0
    stop_z: float = 4.0
    target_z: float = 0.5
    strength_z: float = 3.0


@dataclass(frozen=True, slots=True)
class Spread:
    """The spread of two log prices, ``ln a - slope ln b - level``, by least squares.

    Attributes:
        slope, level: of the line.
        deviation: of the residuals.
        z: newest residual in deviations.
        statistic: Engle-Granger: t of the residual's return to 0, with one lag.
        critical: below it the two are cointegrated, p < 0.05.
    """

    slope: float
    level: float
    deviation: float
    z: float
    statistic: float
    critical: float

    @property
    def is_cointegrated(self) -> bool:
        """Tell whether the two move together (p < 0.05)."""
        return self.statistic < self.critical


def measure_spread(first: Floats, second: Floats) -> Spread | None:
    """Measure the spread of two prices and test it (Engle and Granger 1987).

    Args:
        first: (T,) prices > 0.
        second: (T,) prices > 0, on the same bars.

    Returns:
        None when a price did not move, or the residuals have no noise to test.
    """
    y, x = np.log(first), np.log(second)
    dx = x - x.mean()
    spread_x = float(dx @ dx)
    if spread_x <= 0:
        return None
    slope = float(dx @ (y - y.mean())) / spread_x
    level = float(y.mean() - slope * x.mean())
    residual = y - slope * x - level
    deviation = float(residual.std())
    if deviation <= 1e-12:  # noqa: PLR2004 - rounding of logarithms: the same series twice
        return None
    return Spread(
        slope=slope,
        level=level,
        deviation=deviation,
        z=float(residual[-1]) / deviation,
        statistic=dickey_fuller(residual),
        critical=_critical_value(len(y)),
    )


def dickey_fuller(values: Floats) -> float:
    """Return the augmented Dickey-Fuller t statistic with one lag and no constant.

    ``d v_t = g v_(t-1) + b d v_(t-1)``; the statistic is g over its standard error. The residuals
    of a regression with a constant have mean 0 already.

    Args:
        values: (T,) float64, T >= 6.

    Returns:
        The statistic; 0, which rejects nothing, where it cannot be computed.
    """
    steps = np.diff(values)
    now, lagged, lag_step = steps[1:], values[1:-1], steps[:-1]
    a, b, c = float(lagged @ lagged), float(lagged @ lag_step), float(lag_step @ lag_step)
    determinant = a * c - b * b
    n_free = len(now) - 2
    if determinant <= 0 or n_free < 1:
        return 0.0
    u, v = float(lagged @ now), float(lag_step @ now)
    gamma = (c * u - b * v) / determinant
    beta = (a * v - b * u) / determinant
    noise = now - gamma * lagged - beta * lag_step
    variance = float(noise @ noise) / n_free
    if variance <= 0:
        return 0.0
    return gamma / math.sqrt(variance * c / determinant)


def _critical_value(n: int) -> float:
    constant, first, second = _CRITICAL_5
    return constant + first / n + second / n**2


def pair_signal(first: Floats, second: Floats, settings: PairSettings) -> Signal:
    """Trade the first leg of a pair whose spread has gone too far; the second is its hedge.

    Stop and target are the prices at which the spread would stand at its stop and its target if
    the other leg stood still.
    """
    n = settings.bars
    if len(first) < n or len(second) < n:
        return NOTHING
    spread = measure_spread(first[-n:], second[-n:])
    if spread is None or not spread.is_cointegrated:
        return NOTHING
    z = spread.z
    if not settings.entry_z < abs(z) < settings.stop_z:
        return NOTHING
    side = -1 if z > 0 else 1
    fair = spread.level + spread.slope * math.log(float(second[-1]))
    return Signal(
        side=side,
        strength=min(abs(z) / settings.strength_z, 1.0),
        stop=math.exp(fair - side * settings.stop_z * spread.deviation),
        target=math.exp(fair - side * settings.target_z * spread.deviation),
        reason=f"spread z {z:+.2f}, Engle-Granger {spread.statistic:.2f} < {spread.critical:.2f}",
    )
