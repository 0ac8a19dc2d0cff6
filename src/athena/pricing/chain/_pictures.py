"""The pictures of a chain, as SVG: smiles, surface, risk-neutral densities, findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.domain import ns_to_datetime
from athena.pricing.chain._table import density_curve
from athena.reporting import Canvas, Scale

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.pricing.chain._analysis import ChainAnalysis
    from athena.pricing.chain._surface import SurfaceSlice

_WIDTH = 1200.0
_LEFT, _RIGHT = 40.0, 80.0
_QUIET, _LINE, _BLUE, _RED, _GREEN = "#5b6773", "#e2e5e9", "#0072b2", "#d55e00", "#008f6b"
_PANELS_ACROSS = 3
_PANEL_WIDTH, _PANEL_HEIGHT = 380.0, 240.0
_CURVE_POINTS = 121
_MOST_MARKS = 600  # findings drawn; the list is sorted, so the largest are


def smiles_figure(analysis: ChainAnalysis) -> str:
    """Draw a panel for each expiry: bid to ask as bars, mids as ticks, the fit as a line."""
    slices = analysis.slices
    n_rows = -(-len(slices) // _PANELS_ACROSS)
    canvas = Canvas(_WIDTH, max(n_rows, 1) * (_PANEL_HEIGHT + 40.0) + 20.0)
    for index, item in enumerate(slices):
        down, across = divmod(index, _PANELS_ACROSS)
        x, y = 20.0 + across * (_PANEL_WIDTH + 10.0), 30.0 + down * (_PANEL_HEIGHT + 40.0)
        _smile(canvas, analysis, item, x, y)
    return canvas.render()


def _smile(
    canvas: Canvas, analysis: ChainAnalysis, item: SurfaceSlice, left: float, top: float
) -> None:
    strikes = analysis.quotes.strike[item.rows]
    bid, ask = analysis.volatility.bid[item.rows], analysis.volatility.ask[item.rows]
    curve_k = np.linspace(item.low, item.high, _CURVE_POINTS)
    curve = np.sqrt(item.slice.variance(curve_k) / item.forward.years)
    seen = np.concatenate([curve, analysis.volatility.mid[item.rows]])
    low, high = float(np.nanmin(seen)) * 0.95, float(np.nanmax(seen)) * 1.05
    across = Scale(float(strikes.min()), float(strikes.max()), left + 8, left + _PANEL_WIDTH - 56)
    up = Scale(low, high, top + _PANEL_HEIGHT - 22, top + 16)
    canvas.text(left + 8, top, _day(item.forward.expiry_ns), size=13, is_bold=True)
    _axes(canvas, across, up, lambda value: f"{value:.0%}", lambda value: f"{value:,.6g}")
    for strike, lower, upper in zip(strikes, bid, ask, strict=True):
        if np.isfinite(lower) and np.isfinite(upper):
            ends = np.clip([lower, upper], low, high)
            x = across.at(float(strike))
            canvas.line(np.array([[x, up.at(float(end))] for end in ends]), _BLUE, width=1.5)
    prices = item.forward.forward * np.exp(curve_k)
    canvas.line(np.column_stack([across(prices), up(curve)]), _RED, width=1.5)


def surface_figure(analysis: ChainAnalysis) -> str:
    """Draw implied volatility as a heat map: log-moneyness across, expiries down."""
    slices = analysis.slices
    height = 34.0
    canvas = Canvas(_WIDTH, 110.0 + height * len(slices))
    low, high = min(item.low for item in slices), max(item.high for item in slices)
    grid = np.linspace(low, high, 97)
    table = np.array(
        [
            np.where(
                (grid >= item.low) & (grid <= item.high),
                np.sqrt(item.slice.variance(grid) / item.forward.years),
                np.nan,
            )
            for item in slices
        ]
    )
    least, most = float(np.nanmin(table)), float(np.nanmax(table))
    across = Scale(low, high, 150.0, _WIDTH - 40.0)
    width = (across.end - across.start) / (len(grid) - 1)
    for row, item in enumerate(slices):
        y = 60.0 + height * row
        canvas.text(20, y + 22, _day(item.forward.expiry_ns), size=12)
        for column in np.flatnonzero(np.isfinite(table[row])).tolist():
            heat = (table[row, column] - least) / ((most - least) or 1.0)
            x = across.at(float(grid[column])) - 0.5 * width
            canvas.rectangle(x, y, width + 0.5, height - 3, _RED, 0.08 + 0.87 * float(heat))
    for tick in across.ticks(8):
        x, y = across.at(tick), 78.0 + height * len(slices)
        canvas.text(x, y, f"{tick:+.2g}", size=12, colour=_QUIET, anchor="middle")
    canvas.text(
        20, 34, f"Implied volatility from {least:.0%} (pale) to {most:.0%} (full)", size=13
    )
    return canvas.render()


def densities_figure(analysis: ChainAnalysis) -> str:
    """Draw the risk-neutral density of each expiry over the quoted strikes."""
    canvas = Canvas(_WIDTH, 420.0)
    curves = [density_curve(item) for item in analysis.slices]
    low = min(float(prices[0]) for prices, _ in curves)
    high = max(float(prices[-1]) for prices, _ in curves)
    # The nearest expiry would flatten all others: each is drawn over its own largest value.
    across, up = Scale(low, high, _LEFT, _WIDTH - _RIGHT), Scale(0.0, 1.05, 370.0, 50.0)
    _axes(canvas, across, up, lambda value: f"{value:.1f}", lambda value: f"{value:,.6g}")
    for index, (prices, density) in enumerate(curves):
        share = index / max(len(curves) - 1, 1)
        colour = f"rgb({int(213 * share)},{int(114 - 20 * share)},{int(178 * (1 - share))})"
        scaled = np.maximum(density, 0.0) / (float(density.max()) or 1.0)
        canvas.line(np.column_stack([across(prices), up(scaled)]), colour, width=1.5)
    canvas.text(_LEFT, 34, "Nearest expiry blue, last one red; each over its own peak", size=13)
    return canvas.render()


def findings_figure(analysis: ChainAnalysis) -> str:
    """Draw where the findings lie: a mark for each leg, larger where it can be executed."""
    canvas = Canvas(_WIDTH, 420.0)
    quotes = analysis.quotes
    known = np.flatnonzero(analysis.terms.is_known & quotes.is_readable)
    place = {int(row): index for index, row in enumerate(quotes.row.tolist())}
    strikes = quotes.strike[known]
    days = analysis.terms.contracts.years[known] * 365.0
    across = Scale(float(strikes.min()), float(strikes.max()), _LEFT, _WIDTH - _RIGHT)
    up = Scale(max(float(days.min()), 0.5), float(days.max()) * 1.1, 370.0, 60.0, is_log=True)
    _axes(canvas, across, up, lambda value: f"{value:g} d", lambda value: f"{value:,.6g}")
    for item in reversed(analysis.findings.found[:_MOST_MARKS]):
        for leg in item.legs:
            row = place[leg.row]
            x = across.at(float(quotes.strike[row]))
            y = up.at(max(float(analysis.terms.contracts.years[row]) * 365.0, 0.5))
            size = 10.0 if item.is_executable else 3.0
            colour = _RED if item.is_executable else _BLUE
            opacity = 0.9 if item.is_executable else 0.25
            canvas.rectangle(x - size / 2, y - size / 2, size, size, colour, opacity)
    canvas.text(_LEFT, 34, "Red: executable at bid and ask. Blue: only at the mids.", size=13)
    return canvas.render()


def _axes(
    canvas: Canvas,
    across: Scale,
    up: Scale,
    write_up: Callable[[float], str],
    write_across: Callable[[float], str],
) -> None:
    for tick in up.ticks(4):
        y = up.at(tick)
        canvas.line(np.array([[across.start, y], [across.end, y]]), _LINE)
        canvas.text(across.end + 6, y + 4, write_up(tick), size=11, colour=_QUIET)
    for tick in across.ticks(5):
        x = across.at(tick)
        canvas.text(x, up.start + 16, write_across(tick), size=11, colour=_QUIET, anchor="middle")


def _day(ts_ns: int) -> str:
    return f"{ns_to_datetime(ts_ns):%d %b %Y}"
