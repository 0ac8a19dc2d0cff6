"""The pictures of a run, as SVG: account, months, and the price of each symbol with its fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS, Side, ns_to_datetime
from athena.reporting import _svg as svg
from athena.reporting._format import percent, ratio, signed_percent
from athena.reporting._svg import Canvas, Scale
from athena.reporting._thinning import merge_candles, shared_points

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from athena.research import Candles, RunRecord
    from athena.research.statistics import RunSummary

    Floats = NDArray[np.float64]

_WIDTH, _LEFT, _RIGHT = 1200.0, 40.0, 90.0
_LOG_ABOVE = 4.0  # a curve that multiplies by more is read better on a log scale
_STRONG_MONTH = 0.25
_MAX_ARROWS = 1_000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def account_figure(record: RunRecord, summary: RunSummary) -> str:
    """Draw equity beside the baselines, and the run's drawdown below; needs one bar."""
    canvas = Canvas(_WIDTH, 720)
    curves = [record.main, *record.baselines]
    rows = np.array([*(curve.equity for curve in curves), summary.underwater])
    at = shared_points(rows, 1_600)
    rows, times = rows[:, at], record.ts_ns[at]
    across = _time_scale(times)
    equity = _value_scale(rows[:-1], top=96, bottom=490)
    _heading(canvas, record, summary.sentence)
    _axes(canvas, across, equity, _short_money)
    for number in range(len(curves) - 1, -1, -1):  # the run last, on top
        line = _join(across, equity, times, rows[number])
        canvas.line(line, _colour(number), width=1.0 if number else 2.5)
    _legend(canvas, [curve.name for curve in curves], y=530)
    depth = Scale(min(float(rows[-1].min()), -0.01), 0.0, 690, 580)
    canvas.text(_LEFT, 570, "Drawdown", size=12, colour=svg.QUIET)
    _axes(canvas, across, depth, percent, has_dates=True)
    line = _join(across, depth, times, rows[-1])
    closed = np.vstack([[line[0, 0], depth.at(0)], line, [line[-1, 0], depth.at(0)]])
    canvas.line(closed, svg.LOSS, fill=svg.LOSS)
    return canvas.render()


def months_figure(record: RunRecord, summary: RunSummary) -> str:
    """Draw the monthly returns as a heat map; needs one month."""
    years = sorted({year for year, _ in summary.monthly})
    canvas = Canvas(_WIDTH, 150 + 46.0 * len(years))
    _heading(canvas, record, "Monthly returns after costs")
    width = (_WIDTH - 2 * _LEFT - 60) / 12
    for month, name in enumerate(_MONTHS):
        x = _LEFT + 60 + width * (month + 0.5)
        canvas.text(x, 112, name, size=12, colour=svg.QUIET, anchor="middle")
    for row, year in enumerate(years):
        y = 124 + 46.0 * row
        canvas.text(_LEFT, y + 27, str(year))
        for month in range(12):
            value = summary.monthly.get((year, month + 1))
            if value is not None:
                _month(canvas, _LEFT + 60 + width * month, y, width, value)
    return canvas.render()


def price_figure(record: RunRecord, candles: Candles) -> str:
    """Draw one symbol's range and closes, with an arrow for each fill; needs one candle."""
    canvas = Canvas(_WIDTH, 560)
    candles = merge_candles(candles, 1_000)
    fills = [fill for fill in record.fills if fill.symbol == candles.symbol]
    shown = fills[:: max(1, -(-len(fills) // _MAX_ARROWS))]
    count = f"{len(fills):,} fills" + ("" if shown == fills else f", {len(shown):,} of them drawn")
    across = _time_scale(candles.ts_ns)
    price = _value_scale(np.array([candles.low, candles.high]), top=96, bottom=510)
    _heading(canvas, record, f"{candles.symbol}: {count}")
    _axes(canvas, across, price, _price_text, has_dates=True)
    for ts_ns, low, high in zip(candles.ts_ns, candles.low, candles.high, strict=True):
        x = across.at(float(ts_ns))
        canvas.line(np.array([[x, price.at(low)], [x, price.at(high)]]), svg.QUIET)
    for fill in shown:
        is_buy = fill.side is Side.BUY
        x, y = across.at(float(fill.ts_ns)), price.at(float(fill.price))
        canvas.triangle(x, y, svg.GAIN if is_buy else svg.LOSS, points_up=is_buy)
    return canvas.render()


def _heading(canvas: Canvas, record: RunRecord, line: str) -> None:
    name = str(record.parameters.get("strategy", record.main.name))
    canvas.text(_LEFT, 42, name, size=24, is_bold=True)
    canvas.text(_LEFT, 68, line, size=14, colour=svg.QUIET)


def _time_scale(ts_ns: NDArray[np.int64]) -> Scale:
    return Scale(float(ts_ns[0]), float(ts_ns[-1]), _LEFT, _WIDTH - _RIGHT)


def _value_scale(values: Floats, *, top: float, bottom: float) -> Scale:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low == high:
        low, high = low - abs(low) * 0.01 - 1e-9, high + abs(high) * 0.01 + 1e-9
    is_log = low > 0 and high / low > _LOG_ABOVE
    return Scale(low, high, bottom, top, is_log)


def _axes(
    canvas: Canvas,
    across: Scale,
    up: Scale,
    write: Callable[[float], str],
    *,
    has_dates: bool = False,
) -> None:
    for tick in up.ticks():
        y = up.at(tick)
        canvas.line(np.array([[across.start, y], [across.end, y]]), svg.LINE)
        canvas.text(across.end + 10, y + 4, write(tick), size=12, colour=svg.QUIET)
    if not has_dates:
        return
    for ts_ns in np.linspace(across.low, across.high, 8):
        moment = ns_to_datetime(int(ts_ns))
        is_long = across.high - across.low > 60 * DAY_NS
        label = f"{moment:%b %Y}" if is_long else f"{moment:%d %b %H:%M}"
        x = across.at(float(ts_ns))
        canvas.text(x, up.start + 20, label, size=12, colour=svg.QUIET, anchor="middle")


def _join(across: Scale, up: Scale, ts_ns: NDArray[np.int64], values: Floats) -> Floats:
    return np.column_stack([across(ts_ns.astype(np.float64)), up(values)])


def _legend(canvas: Canvas, names: list[str], y: float) -> None:
    x = _LEFT
    for index, name in enumerate(names):
        width = 7.2 * len(name) + 44
        if x + width > _WIDTH - _LEFT and index:
            x, y = _LEFT, y + 18
        canvas.rectangle(x, y - 5, 18, 3, _colour(index))
        canvas.text(x + 24, y, name, size=12)
        x += width


def _colour(number: int) -> str:
    return svg.CURVES[(number - 1) % len(svg.CURVES)] if number else svg.ACCENT


def _month(canvas: Canvas, x: float, y: float, width: float, value: float) -> None:
    heat = min(1.0, abs(value) / _STRONG_MONTH)
    canvas.rectangle(x + 1, y + 1, width - 2, 42, svg.GAIN if value >= 0 else svg.LOSS, 0.6 * heat)
    canvas.text(x + width / 2, y + 27, signed_percent(value), size=12, anchor="middle")


def _short_money(value: float) -> str:
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _price_text(value: float) -> str:
    return ratio(value, 0) if abs(value) >= 100 else f"{value:g}"  # noqa: PLR2004 - no cents there
