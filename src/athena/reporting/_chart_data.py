"""What the page's charts draw, as compact columns; the page draws nothing else.

Sizes are bounded whatever the run: a page stays under 1 MB with ten symbols and 57,000 fills.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import SECOND_NS, Side, format_interval
from athena.reporting._thinning import merge_candles, shared_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from athena.research import Candles, Fill, Halt, RunRecord
    from athena.research.statistics import RunSummary

_MAX_POINTS = 2_000  # per curve
_MAX_VALUES = 20_000  # of all curves together
_MAX_CANDLES = 2_000  # per symbol
_MAX_CANDLES_IN_ALL = 8_000
_MAX_MARKERS_IN_ALL = 6_000


@dataclass(slots=True)
class _Marker:
    # All fills of one side in one candle, drawn as one arrow.
    candle: int
    is_buy: bool
    n: int = 0
    quantity: float = 0.0
    notional: float = 0.0
    fee: float = 0.0

    def add(self, fill: Fill) -> None:
        quantity = float(fill.quantity)
        self.n += 1
        self.quantity += quantity
        self.notional += quantity * float(fill.price)
        self.fee += float(fill.fee)


def chart_data(record: RunRecord, summary: RunSummary) -> dict[str, Any]:
    """Collect account curves, candles and fills for the page's script.

    Returns:
        JSON values only. Times are UTC seconds, the first absolute and the rest as differences;
        undefined numbers are None.
    """
    return {
        "quote": record.quote,
        "account": _account(record, summary),
        "symbols": _symbols(record),
    }


def _account(record: RunRecord, summary: RunSummary) -> dict[str, Any]:
    curves = [record.main, *record.baselines]
    rows = np.array([*(curve.equity for curve in curves), summary.underwater])
    limit = max(4 * len(rows) + 2, min(_MAX_POINTS, _MAX_VALUES // len(curves)))
    at = shared_points(rows, limit)
    times = record.ts_ns[at]
    return {
        "time": _times(times),
        "curves": [{"name": curve.name, "values": _numbers(curve.equity[at])} for curve in curves],
        "drawdown": _numbers(summary.underwater[at] * 100, 4),
        "exposure": _numbers(record.gross_exposure[at] * 100, 4),
        "sharpe": _numbers(_rolling_at(summary, times), 4),
        "halts": [
            _halt(curve.name, halt, times)
            for curve in curves
            for halt in _first_of_each(curve.halts)
            if len(times)
        ],
    }


def _rolling_at(summary: RunSummary, times: NDArray[np.int64]) -> NDArray[np.float64]:
    if len(summary.rolling_sharpe) == 0:
        return np.full(len(times), np.nan)
    latest = np.searchsorted(summary.main.series.ts_ns, times, side="right") - 1
    known = summary.rolling_sharpe[np.clip(latest, 0, len(summary.rolling_sharpe) - 1)]
    return np.where(latest >= 0, known, np.nan)


def _first_of_each(halts: Sequence[Halt]) -> list[Halt]:
    """Return the first halt of each reason: a chart of every bad day would show nothing else."""
    first: dict[str, Halt] = {}
    for halt in halts:
        first.setdefault(halt.reason, halt)
    return list(first.values())


def _halt(name: str, halt: Halt, times: NDArray[np.int64]) -> dict[str, Any]:
    position = min(int(np.searchsorted(times, halt.ts_ns)), len(times) - 1)
    return {"name": name, "time": int(times[position] // SECOND_NS), "reason": halt.reason}


def _symbols(record: RunRecord) -> list[dict[str, Any]]:
    count = max(1, len(record.candles))
    max_candles = min(_MAX_CANDLES, _MAX_CANDLES_IN_ALL // count)
    fills: dict[str, list[Fill]] = defaultdict(list)
    for fill in record.fills:
        fills[fill.symbol].append(fill)
    return [
        _symbol(
            merge_candles(candles, max_candles),
            fills[candles.symbol],
            _MAX_MARKERS_IN_ALL // count,
        )
        for candles in record.candles
    ]


def _symbol(candles: Candles, fills: list[Fill], max_markers: int) -> dict[str, Any]:
    markers = _markers(candles, fills)
    shown = sorted(markers, key=lambda marker: marker.notional)[-max_markers:]
    shown.sort(key=lambda marker: (marker.candle, marker.is_buy))
    prices = {name: getattr(candles, name) for name in ("open", "high", "low", "close")}
    return {
        "symbol": candles.symbol,
        "interval": format_interval(candles.interval_ns),
        "precision": _precision(candles.close),
        "time": _times(candles.ts_ns),
        **{name: _numbers(column) for name, column in prices.items()},
        "markers": {
            "candle": [marker.candle for marker in shown],
            "buy": [int(marker.is_buy) for marker in shown],
            "n": [marker.n for marker in shown],
            "price": [_short(_mean_price(marker), 8) for marker in shown],
            "quantity": [_short(marker.quantity, 8) for marker in shown],
            "fee": [_short(marker.fee, 4) for marker in shown],
        },
        "note": _marker_note(len(fills), shown, len(markers)),
    }


def _mean_price(marker: _Marker) -> float:
    return marker.notional / marker.quantity if marker.quantity else math.nan


def _markers(candles: Candles, fills: list[Fill]) -> list[_Marker]:
    if len(candles.ts_ns) == 0:
        return []
    times = np.array([fill.ts_ns for fill in fills], dtype=np.int64)
    places = np.maximum(np.searchsorted(candles.ts_ns, times, side="right") - 1, 0)
    markers: dict[tuple[int, bool], _Marker] = {}
    for place, fill in zip(places.tolist(), fills, strict=True):
        key = (place, fill.side is Side.BUY)
        if key not in markers:
            markers[key] = _Marker(*key)
        markers[key].add(fill)
    return list(markers.values())


def _marker_note(n_fills: int, shown: list[_Marker], n_markers: int) -> str:
    if n_fills == 0:
        return "No fill in this symbol."
    fills = f"{n_fills:,} fill{'s' if n_fills > 1 else ''}"
    if n_markers == len(shown):
        arrows = f"{len(shown):,} arrow{'s' if len(shown) > 1 else ''}"
        return f"{fills} as {arrows}: one per candle and side."
    n_shown = sum(marker.n for marker in shown)
    return (
        f"{fills}; the {len(shown):,} largest of {n_markers:,} arrows are drawn "
        f"({n_shown:,} fills), one per candle and side."
    )


def _precision(closes: NDArray[np.float64]) -> int:
    typical = float(np.median(closes)) if len(closes) else 1.0
    return max(0, min(8, 4 - math.floor(math.log10(typical)))) if typical > 0 else 2


def _times(ts_ns: NDArray[np.int64]) -> list[int]:
    seconds = ts_ns // SECOND_NS
    return [int(value) for value in np.diff(seconds, prepend=0)]


def _numbers(column: NDArray[np.float64], digits: int = 6) -> list[float | None]:
    return [_short(value, digits) for value in column.tolist()]


def _short(value: float, digits: int = 6) -> float | None:
    # Significant digits: what a chart can show, and no more bytes.
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() else short
