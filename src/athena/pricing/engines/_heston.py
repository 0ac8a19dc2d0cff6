"""European options under stochastic volatility: Heston (1993), Review of Financial Studies 6.

One Fourier integral (Lewis, 2001, A simple option formula for general jump-diffusion processes)
of the characteristic function, less that of Black with the same expected variance, which is known
in closed form. The characteristic function is written so that nothing cancels when the volatility
of variance goes to 0, and never crosses the branch cut of the logarithm (Albrecher and others,
2007, The little Heston trap).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import CheckFailed, InputError
from athena.pricing._contracts import shaped
from athena.pricing._status import RowStatus
from athena.pricing.closed import Prices, european_price

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.pricing._contracts import Contracts, Floats

    Complexes = NDArray[np.complex128]

_TOLERANCE = 1e-10  # of sqrt(F K), between two numbers of points
_FEWEST_POINTS, _MOST_POINTS = 64, 8192
_CERTAIN = 1e-12  # volatility of variance whose effect is under the rounding of a price
_PANELS_END = 1e-16  # the integrand's size at which it counts as over


@dataclass(frozen=True, slots=True)
class HestonModel:
    """Parameters of the variance v: dv = kappa (theta - v) dt + xi sqrt(v) dW.

    Attributes:
        variance: now, a year, >= 0; 0.04 is a volatility of 20 %.
        long_run: theta, that it returns to, >= 0.
        speed: kappa, a year, > 0.
        volatility: xi, of variance, >= 0; 0 makes the variance certain.
        correlation: of the two Brownian motions, in [-1, 1].
    """

    variance: float
    long_run: float
    speed: float
    volatility: float
    correlation: float

    def __post_init__(self) -> None:
        """Refuse parameters outside their ranges.

        Raises:
            InputError: names the first.
        """
        for name, value, is_right in (
            ("variance >= 0", self.variance, self.variance >= 0.0),
            ("long_run >= 0", self.long_run, self.long_run >= 0.0),
            ("speed > 0", self.speed, self.speed > 0.0),
            ("volatility >= 0", self.volatility, self.volatility >= 0.0),
            ("correlation in [-1, 1]", self.correlation, abs(self.correlation) <= 1.0),
        ):
            if not (is_right and np.isfinite(value)):
                message = f"expected a finite {name}, was {value}"
                raise InputError(message)

    def expected_variance(self, years: Floats) -> Floats:
        """Integrate the expected variance over a life, (n,)."""
        fade = -np.expm1(-self.speed * years) / self.speed
        return np.asarray(self.long_run * years + (self.variance - self.long_run) * fade)


def heston_price(contracts: Contracts, model: HestonModel) -> Prices:
    """Price European options under Heston's model; the contracts' own sigma is not used.

    Returns:
        Prices; statuses and limits (T = 0, S = 0, K = 0) as for `european_price`.

    Raises:
        CheckFailed: the quadrature does not settle with 8,192 points.

    Checks: PR-18.
    """
    years = np.where(contracts.years > 0.0, contracts.years, 1.0)
    variance = model.expected_variance(years)
    black = contracts.with_sigma(np.sqrt(variance / years))
    base = european_price(black)
    value = np.array(np.reshape(base.value, -1))
    status = np.reshape(base.status, -1)
    rows = np.flatnonzero(
        (status == RowStatus.OK)
        & (contracts.years > 0.0)
        & (contracts.spot > 0.0)
        & (contracts.strike > 0.0)
    )
    if rows.size and model.volatility > _CERTAIN:
        value[rows] += _correction(contracts.take(rows), model, variance[rows])
        value[rows] = np.maximum(value[rows], 0.0)
    return Prices(shaped(value, contracts.shape), shaped(status, contracts.shape))


def _correction(rows: Contracts, model: HestonModel, variance: Floats) -> Floats:
    """Integrate Heston less Black, (n,); points are doubled until nothing changes."""
    spot_now = rows.spot * np.exp(-rows.dividend_yield * rows.years)
    strike_now = rows.strike * np.exp(-rows.rate * rows.years)
    x = np.log(spot_now / strike_now)
    end = _end(rows, model, variance)
    before = np.full(len(rows), np.inf)
    n_points = _FEWEST_POINTS
    while n_points <= _MOST_POINTS:
        nodes, weights = np.polynomial.legendre.leggauss(min(n_points, 64))
        n_panels = max(1, n_points // 64)
        starts = np.arange(n_panels)[:, None]
        share = ((starts + 0.5 * (nodes + 1.0)) / n_panels).ravel()
        weight = np.tile(0.5 * weights / n_panels, n_panels)
        # The square puts more points where the integrand is largest.
        u = share[:, None] ** 2 * end
        jacobian = 2.0 * share[:, None] * end * weight[:, None]
        difference = _characteristic(u, rows.years, model) - np.exp(
            -0.5 * (u * u + 0.25) * variance
        )
        integrand = (np.exp(1j * u * x) * difference).real / (u * u + 0.25)
        total = -(jacobian * integrand).sum(axis=0) / np.pi
        if np.all(np.abs(total - before) <= _TOLERANCE):
            return np.asarray(np.sqrt(spot_now * strike_now) * total)
        before = total
        n_points *= 2
    message = (
        f"expected the integral to settle, was moving by {np.max(np.abs(total - before)):.1e}"
    )
    raise CheckFailed(message)


def _characteristic(u: Floats, years: Floats, model: HestonModel) -> Complexes:
    """Compute E[exp(i (u - i / 2) ln(S_T / F))], real shift included; (p, n)."""
    z = 1j * u + 0.5  # i times the argument
    xi, kappa = model.volatility, model.speed
    lean = kappa - model.correlation * xi * z
    load = u * u + 0.25
    root = np.sqrt(lean * lean + xi * xi * load)
    fade = np.exp(-root * years)
    small = -load / (lean + root)  # (lean - root) / xi^2 without cancellation
    g = xi * xi * small / (lean + root)
    spread: Complexes = np.asarray(g * (1.0 - fade) / (1.0 - g))
    level = kappa * model.long_run * (small * years - 2.0 / (xi * xi) * _log1p(spread))
    slope = small * (1.0 - fade) / (1.0 - g * fade)
    return np.asarray(np.exp(level + slope * model.variance))


def _log1p(z: Complexes) -> Complexes:
    """Compute ln(1 + z) with all digits for small z, which NumPy's complex one loses."""
    x, y = z.real, z.imag
    return np.asarray(0.5 * np.log1p(x * (2.0 + x) + y * y) + 1j * np.arctan2(y, 1.0 + x))


def _end(rows: Contracts, model: HestonModel, variance: Floats) -> Floats:
    """Find where the integrand is over, by doubling; (n,)."""
    end = np.sqrt(2.0 * -np.log(_PANELS_END) / np.maximum(variance, 1e-12))
    for _ in range(40):
        size = np.abs(_characteristic(end[None, :], rows.years, model))[0] / (end * end)
        is_open = size > _PANELS_END
        if not is_open.any():
            break
        end = np.where(is_open, 1.5 * end, end)
    return np.asarray(end)
