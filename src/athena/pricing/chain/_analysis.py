"""From quotes to a priced chain: every step, in order, with what each one left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import InputError
from athena.pricing.chain._clean import (
    count_statuses,
    has_status,
    quote_statuses,
    snapshot_ns,
)
from athena.pricing.chain._findings import Findings, find_arbitrage
from athena.pricing.chain._forwards import Forward, find_forwards
from athena.pricing.chain._holdings import Holdings, value_holdings
from athena.pricing.chain._quotes import ChainQuotes, ChainSettings, QuoteStatus
from athena.pricing.chain._surface import (
    SurfaceSlice,
    Volatility,
    fit_surface,
    surface_sigma,
)
from athena.pricing.chain._volatilities import RowTerms, implied_sigmas, row_terms, values_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from athena.pricing._contracts import Flags, Floats
    from athena.pricing.closed import Greeks

SCHEMA_VERSION = 1
_NOT_SIMULTANEOUS_FRAC = 0.01  # of neighbouring strikes with an executable finding
_FINDABLE = (QuoteStatus.OK, QuoteStatus.WIDE, QuoteStatus.BELOW_INTRINSIC)
_LEFT_OUT = (
    QuoteStatus.BAD_ROW,
    QuoteStatus.EXPIRED,
    QuoteStatus.STALE,
    QuoteStatus.DUPLICATE,
)
_STEPS = ("forwards", "volatilities", "surface", "values", "arbitrage")


@dataclass(frozen=True, slots=True, eq=False)
class ChainAnalysis:
    """Everything that is known about a chain; (N,) columns are in the order of the file.

    Attributes:
        quotes: as read.
        status: (N,) of `QuoteStatus`; a clean row whose ask is under the least value that the
            forward allows is BELOW_INTRINSIC too.
        at_ns: the snapshot, UTC nanoseconds.
        rate: continuous interest rate of the whole snapshot.
        forwards: one for each expiry, the nearest first.
        terms: what each row is priced with.
        volatility: implied by bid, mid and ask.
        sigma: (N,) volatility of the surface; NaN without one.
        is_extrapolated: (N,) the surface was not quoted there.
        fair: values and Greeks at `sigma`, quote currency.
        rich: (N,) (mid - fair) / half-spread; with leave-one-out the fair value does not know the
            quote. NaN where there is no mid.
        slices: the surface.
        findings: arbitrage in the quotes.
        holdings: totals of the positions; None where nothing is held.
    """

    quotes: ChainQuotes
    status: NDArray[Any]
    at_ns: int
    rate: float
    forwards: tuple[Forward, ...]
    terms: RowTerms
    volatility: Volatility
    sigma: Floats
    is_extrapolated: Flags
    fair: Greeks
    rich: Floats
    slices: tuple[SurfaceSlice, ...]
    findings: Findings
    holdings: Holdings | None

    @property
    def status_counts(self) -> dict[str, int]:
        """Count the rows of each status."""
        return count_statuses(self.status)

    def summary(self) -> list[str]:
        """Say in sentences what was found, and what not to rely on."""
        n_ok = int((self.status == QuoteStatus.OK).sum())
        n_known = sum(item.source != "refused" for item in self.forwards)
        n_certain = self.findings.n_executable
        n_mid_only = len(self.findings.found) - n_certain
        lines = [
            f"{n_ok:,} of {len(self.quotes):,} quotes are clean.",
            f"{n_known} of {len(self.forwards)} expiries have a forward.",
            f"{len(self.slices)} have a smile.",
            f"{n_certain:,} executable and {n_mid_only:,} mid-only findings.",
        ]
        if self.findings.broken_frac > _NOT_SIMULTANEOUS_FRAC:
            lines.append(
                f"Quotes not simultaneous: {self.findings.broken_frac:.1%} of neighbouring "
                "strikes could be traded for a certain profit, which no live market shows."
            )
        broken = [item for item in self.slices if item.has_arbitrage]
        if broken:
            lines.append(f"{len(broken)} smiles keep some arbitrage after the refit.")
        lines += list(self.quotes.problems)
        return lines


def analyse_chain(
    quotes: ChainQuotes,
    settings: ChainSettings,
    on_step: Callable[[int, str], None] = lambda done, step: None,  # noqa: ARG005 - says nothing
) -> ChainAnalysis:
    """Analyse a chain: statuses, forwards, volatilities, surface, fair values, findings.

    Args:
        quotes: of `read_chain`, or made by hand.
        settings: see there.
        on_step: called with the number of steps done and the name of the one that begins.

    Raises:
        InputError: not one row is usable; the message counts the statuses.
    """
    at_ns = snapshot_ns(quotes, settings)
    status = quote_statuses(quotes, at_ns, settings)
    is_findable = has_status(status, *_FINDABLE)
    if not is_findable.any():
        counts = ", ".join(f"{n} {name}" for name, n in count_statuses(status).items())
        message = f"expected a usable quote, was {counts or 'no row'}"
        raise InputError(message, hint="choose the snapshot with --at, or the columns")
    on_step(0, _STEPS[0])
    clean = quotes.take(np.flatnonzero(status == QuoteStatus.OK))
    forwards, rate = find_forwards(clean, at_ns, settings)
    terms = row_terms(quotes, forwards)
    on_step(1, _STEPS[1])
    # A quote of this snapshot, if only on one side.
    is_priced = ~has_status(status, *_LEFT_OUT)
    bid, mid, ask = (
        implied_sigmas(terms, np.where(is_priced, price * terms.unit, np.nan))
        for price in (quotes.bid, quotes.mid, quotes.ask)
    )
    _mark_below(status, quotes, terms)
    on_step(2, _STEPS[2])
    outside = np.where(
        quotes.is_call, quotes.strike >= terms.forward, quotes.strike < terms.forward
    )
    is_used = (status == QuoteStatus.OK) & outside & np.isfinite(mid[0])
    volatility = Volatility(bid[0], mid[0], ask[0], np.asarray(is_used, dtype=np.bool_))
    slices = fit_surface(quotes, terms, volatility, forwards)
    on_step(3, _STEPS[3])
    sigma, is_extrapolated = _read_surface(quotes, terms, slices)
    fair = values_at(terms, sigma)
    rich = _rich(quotes, terms, fair, slices, settings)
    on_step(4, _STEPS[4])
    findable = np.flatnonzero(is_findable)
    findings = find_arbitrage(
        quotes.take(findable), row_terms(quotes.take(findable), forwards), at_ns,
        settings.fee_per_leg,
    )  # fmt: skip
    return ChainAnalysis(
        quotes=quotes,
        status=status,
        at_ns=at_ns,
        rate=rate,
        forwards=tuple(forwards),
        terms=terms,
        volatility=volatility,
        sigma=sigma,
        is_extrapolated=is_extrapolated,
        fair=fair,
        rich=rich,
        slices=tuple(slices),
        findings=findings,
        holdings=value_holdings(quotes, terms, sigma, fair),
    )


def _mark_below(status: NDArray[Any], quotes: ChainQuotes, terms: RowTerms) -> None:
    """Mark clean rows whose ask is under the least value that the forward allows."""
    sign = np.where(quotes.is_call, 1.0, -1.0)
    least = terms.discount * np.maximum(sign * (terms.forward - quotes.strike), 0.0)
    with np.errstate(invalid="ignore"):  # rows without a forward
        is_below = quotes.ask * terms.unit < least - 1e-9 * terms.forward
    status[(status == QuoteStatus.OK) & is_below] = QuoteStatus.BELOW_INTRINSIC


def _read_surface(
    quotes: ChainQuotes, terms: RowTerms, slices: list[SurfaceSlice]
) -> tuple[Floats, Flags]:
    sigma = np.full(len(quotes), np.nan)
    is_outside = np.ones(len(quotes), dtype=np.bool_)
    rows = np.flatnonzero(terms.is_known & quotes.is_readable)
    k = np.log(quotes.strike[rows] / terms.forward[rows])
    sigma[rows], is_outside[rows] = surface_sigma(slices, k, terms.contracts.years[rows])
    return sigma, is_outside


def _rich(
    quotes: ChainQuotes,
    terms: RowTerms,
    fair: Greeks,
    slices: list[SurfaceSlice],
    settings: ChainSettings,
) -> Floats:
    """Compare mid and fair value in half-spreads.

    Left out, a quote's distance grows by 1 / (1 - leverage): the one-step formula for a fit
    without it.
    """
    half_spread = 0.5 * (quotes.ask - quotes.bid) * terms.unit
    gap = quotes.mid * terms.unit - fair.price
    rich: Floats = np.divide(
        gap, half_spread, out=np.full(len(quotes), np.nan), where=half_spread > 0.0
    )
    if settings.leave_one_out:
        for item in slices:
            rich[item.rows] /= 1.0 - item.leverage
    return rich
