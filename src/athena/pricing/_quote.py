"""One question, one answer: which engine prices a contract, and how far it can be off."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from athena.pricing._status import RowStatus
from athena.pricing.closed import Greeks, european_greeks
from athena.pricing.engines import PRECISE, american_greeks, finite_difference_greeks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athena.pricing._cache import ResultCache
    from athena.pricing._contracts import Contracts
    from athena.pricing.engines import Dividend


class Style(StrEnum):
    """When an option may be exercised."""

    EUROPEAN = "european"
    AMERICAN = "american"


class Engine(StrEnum):
    """What prices a contract."""

    CLOSED_FORM = "closed form"
    COLLOCATION = "boundary collocation"
    FINITE_DIFFERENCES = "finite differences"

    @property
    def bound_frac(self) -> float:
        """Largest error of a price where the engine is certified, share of spot or strike.

        Measured against 50-digit arithmetic (PR-02) and QuantLib (PR-15, PR-18).
        """
        return _BOUNDS[self]


_BOUNDS = {
    Engine.CLOSED_FORM: 1e-12,
    Engine.COLLOCATION: 5e-6,
    Engine.FINITE_DIFFERENCES: 1e-4,
}


@dataclass(frozen=True, slots=True, eq=False)
class Quote:
    """Hold the price of one contract, how it came about, and how far it can be off.

    Attributes:
        greeks: price and Greeks in natural units, scalars; NaN where the status is not OK.
        status: of the row.
        engine: what priced it.
        error_bound: largest error of the price where the engine is certified, quote currency.
    """

    greeks: Greeks
    status: RowStatus
    engine: Engine
    error_bound: float


def quote(
    contract: Contracts,
    style: Style,
    dividends: Sequence[Dividend] = (),
    *,
    cache: ResultCache[Greeks] | None = None,
) -> Quote:
    """Price one contract with the most exact engine there is for it.

    European options take the closed form, American ones boundary collocation; cash dividends, and
    American options outside the region of the collocation, take finite differences.

    Args:
        contract: one row, of shape ().
        style: when it may be exercised.
        dividends: in cash, besides the contract's continuous yield.
        cache: remembers what the engines computed; the closed form is always computed.

    Raises:
        InputError: a dividend is negative, or there are dividends and no randomness.
        MissingExtra: finite differences are needed and scipy is not installed.
    """
    is_american = style is Style.AMERICAN
    if not (dividends or is_american):
        return _answer(contract, european_greeks(contract), Engine.CLOSED_FORM)

    def on_grid() -> Greeks:
        return finite_difference_greeks(contract, dividends, is_american=is_american)

    if not dividends:
        key = f"{Engine.COLLOCATION} {PRECISE}"
        found = _remembered(contract, lambda: american_greeks(contract), key, cache)
        if int(found.status) != RowStatus.OUT_OF_DOMAIN:
            return _answer(contract, found, Engine.COLLOCATION)
    key = f"{Engine.FINITE_DIFFERENCES} {style} {tuple(dividends)!r}"
    found = _remembered(contract, on_grid, key, cache)
    return _answer(contract, found, Engine.FINITE_DIFFERENCES)


def _remembered(
    contract: Contracts,
    compute: Callable[[], Greeks],
    engine: str,
    cache: ResultCache[Greeks] | None,
) -> Greeks:
    if cache is None:
        return compute()
    return cache.get(contract, compute, engine=engine, outputs="greeks", is_kept=_is_price)


def _is_price(greeks: Greeks) -> bool:
    return bool(np.isfinite(greeks.price))


def _answer(contract: Contracts, greeks: Greeks, engine: Engine) -> Quote:
    largest = max(float(contract.spot[0]), float(contract.strike[0]))
    return Quote(greeks, RowStatus(int(greeks.status)), engine, engine.bound_frac * largest)
