"""What the page's template prints: every number already written out, every bar already scaled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import DenialCode, format_interval
from athena.reporting._format import (
    UNDEFINED,
    amount,
    closing_day,
    day,
    minute,
    percent,
    ratio,
    signed_percent,
    span,
)
from athena.reporting._tables import comparison_table, describe_halts

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.reporting._tables import ComparisonRow
    from athena.research import RunRecord
    from athena.research.statistics import Estimate, Excess, RunSummary

_N_BINS = 24
_STRONG_MONTH = 0.25  # a month this far from 0 has the full colour


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline figure: value, its interval and sample size, and what it means."""

    label: str
    value: str
    details: tuple[str, ...]
    meaning: str


def page_view(record: RunRecord, summary: RunSummary) -> dict[str, Any]:
    """Write out everything the template prints, by name."""
    rows = comparison_table(record, summary)
    return {
        "title": str(record.parameters.get("strategy", record.main.name)),
        "subtitle": _subtitle(record),
        "run_id": record.run_id,
        "quote": record.quote,
        "sentence": summary.sentence,
        "overfitting": summary.overfitting,
        "warnings": summary.warnings,
        "tiles": _tiles(record, summary),
        "rows": [_row(row) for row in rows],
        "halts": [(row.name, describe_halts(row.halts, minute)) for row in rows if row.halts],
        "months": _months(summary.monthly),
        "excesses": _excesses(summary),
        "window": f"{summary.rolling_window} {_period_name(record)}s",
        "bins": _bins([float(trade.gain) for trade in record.trades if not trade.is_open]),
        "trade_facts": _trade_facts(summary, record.quote),
        "costs": _bars({name: float(value) for name, value in record.costs.items()}, amount),
        "refusals": _refusals(record.main.refusals),
        "parameters": _flat(record.parameters),
        "provenance": record.provenance,
        "identity": _identity(record),
        "n_fills": len(record.fills),
        "has_bars": len(record.ts_ns) > 0,
    }


def _subtitle(record: RunRecord) -> list[str]:
    parts = [", ".join(candles.symbol for candles in record.candles)]
    if len(record.ts_ns):
        first = day(int(record.ts_ns[0]) - record.interval_ns)
        parts.append(f"{first} to {closing_day(int(record.ts_ns[-1]))}")
    bars = "bar" if len(record.ts_ns) == 1 else "bars"
    parts.append(f"{len(record.ts_ns):,} {bars} of {format_interval(record.interval_ns)}")
    parts.append(f"started with {amount(record.cash)} {record.quote}")
    return [part for part in parts if part]


def _tiles(record: RunRecord, summary: RunSummary) -> list[Tile]:
    main, period = summary.main, _period_name(record)
    plan: list[tuple[str, Estimate, Callable[[float], str], str]] = [
        ("Total return", main.total_return, signed_percent, "After all costs, start to end."),
        ("CAGR", main.cagr, signed_percent, "The same, as growth a year."),
        ("Sharpe", main.sharpe, ratio, "Mean over deviation of returns, a year, risk-free 0."),
        ("Sortino", main.sortino, ratio, "As Sharpe, counting only losses as risk."),
        ("Volatility", main.volatility, percent, "Deviation of returns, a year."),
        ("Max drawdown", main.max_drawdown, percent, "Deepest fall from a peak, on every bar."),
        ("Calmar", main.calmar, ratio, "CAGR over the deepest fall."),
    ]
    tiles = [
        Tile(label, write(estimate.value), _details(estimate, write, period), meaning)
        for label, estimate, write, meaning in plan
    ]
    tried = f"{summary.n_trials:,} trial{'s' if summary.n_trials != 1 else ''} on this data"
    meaning = "Probability of skill, given how often was tried; above 95% is significant."
    deflated = percent(summary.deflated_sharpe)
    luck = f"Sharpe by luck alone: {ratio(summary.deflation_sharpe)}"
    return [*tiles, Tile("Deflated Sharpe", deflated, (tried, luck), meaning)]


def _details(estimate: Estimate, write: Callable[[float], str], period: str) -> tuple[str, str]:
    interval = span(estimate, write)
    count = f"{estimate.n:,} {period}{'s' if estimate.n != 1 else ''}"
    return f"95%: {interval}" if interval else "no interval", count


def _period_name(record: RunRecord) -> str:
    interval = format_interval(record.interval_ns)
    return "day" if interval[-1] in "smh" or interval == "1d" else "bar"


def _row(row: ComparisonRow) -> dict[str, Any]:
    refused = sum(row.refusals.values())
    gates = ", ".join(
        f"{code} {count:,}" for code, count in sorted(row.refusals.items(), key=_by_count)
    )
    return {
        "name": row.name,
        "total_return": signed_percent(row.total_return.value),
        "cagr": signed_percent(row.cagr.value),
        "sharpe": ratio(row.sharpe.value),
        "sharpe_span": span(row.sharpe, ratio),
        "volatility": percent(row.volatility.value),
        "max_drawdown": percent(row.max_drawdown.value),
        "fees": amount(row.fees),
        "orders": f"{row.n_orders:,}",
        "fills": f"{row.n_fills:,}",
        "refused": f"{refused:,}",
        "gates": gates,
    }


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _months(monthly: dict[tuple[int, int], float]) -> list[dict[str, Any]]:
    years = sorted({year for year, _ in monthly})
    return [_year(year, monthly) for year in years]


def _year(year: int, monthly: dict[tuple[int, int], float]) -> dict[str, Any]:
    known = [monthly[year, month] for month in range(1, 13) if (year, month) in monthly]
    total = math.prod(1.0 + value for value in known) - 1.0
    cells = [_cell(monthly.get((year, month), math.nan)) for month in range(1, 13)]
    return {"year": year, "cells": cells, "total": _cell(total)}


def _cell(value: float) -> dict[str, Any]:
    if not math.isfinite(value):
        return {"text": "", "heat": 0, "sign": "none"}
    heat = round(100 * min(1.0, abs(value) / _STRONG_MONTH))
    return {"text": signed_percent(value), "heat": heat, "sign": "gain" if value >= 0 else "loss"}


def _excesses(summary: RunSummary) -> list[dict[str, Any]]:
    ends = [
        abs(edge)
        for item in summary.excesses
        for edge in (item.excess.low, item.excess.high)
        if math.isfinite(edge)
    ]
    reach = max(ends, default=1.0) or 1.0
    return [_excess(item, reach, _verdict(item, summary)) for item in summary.excesses]


def _verdict(item: Excess, summary: RunSummary) -> str:
    """Say what one comparison shows; a gain, no more than the count of the trials allows."""
    if not math.isfinite(item.p_value):
        return "too few days to tell"
    if not item.is_distinguishable:
        return "may be luck"
    holds = summary.is_significant or item.total_excess <= 0
    return "distinguishable from luck" if holds else "distinguishable, taken alone"


def _excess(item: Excess, reach: float, verdict: str) -> dict[str, Any]:
    low, value, high = (
        50 + 50 * edge / reach if math.isfinite(edge) else None
        for edge in (item.excess.low, item.excess.value, item.excess.high)
    )
    return {
        "name": item.name,
        "left": low,
        "width": None if low is None or high is None else high - low,
        "dot": value,
        "value": signed_percent(item.excess.value),
        "span": span(item.excess, signed_percent),
        "p_value": ratio(item.p_value, 3),
        "verdict": verdict,
        "is_clear": item.is_distinguishable,
    }


def _bins(gains: list[float]) -> dict[str, Any] | None:
    if not gains:
        return None
    # Symmetric around 0 and cut at the 99th percentile, so that one outlier hides nothing else.
    reach = float(np.quantile(np.abs(gains), 0.99)) or 1.0
    counts, edges = np.histogram(np.clip(gains, -reach, reach), _N_BINS, (-reach, reach))
    top = int(counts.max())
    return {
        "low": amount(-reach),
        "high": amount(reach),
        "top": f"{top:,}",
        "bars": [
            {
                "height": 100 * int(count) / top,
                "is_gain": index >= _N_BINS // 2,
                "title": f"{amount(edges[index])} to {amount(edges[index + 1])}: {count}",
            }
            for index, count in enumerate(counts)
        ],
    }


def _trade_facts(summary: RunSummary, quote: str) -> list[tuple[str, str, str]]:
    trades = summary.trades
    return [
        ("Round trips", f"{trades.n_closed:,}", f"{trades.n_open:,} still open"),
        _fact("Win rate", trades.win_rate, percent),
        _fact("Profit factor", trades.profit_factor, ratio),
        _fact(f"Mean result, {quote}", trades.mean_gain, amount),
        ("Best", amount(trades.best), quote),
        ("Worst", amount(trades.worst), quote),
        ("Mean holding", _hours(trades.mean_holding_hours), ""),
        ("Turnover a year", _times(summary.turnover.value), f"{summary.turnover.n:,} fills"),
        ("Mean exposure", percent(summary.exposure.value), f"{summary.exposure.n:,} bars"),
        ("Time in market", percent(summary.time_in_market.value), "bars with a position"),
    ]


def _fact(label: str, estimate: Estimate, write: Callable[[float], str]) -> tuple[str, str, str]:
    interval = span(estimate, write)
    return label, write(estimate.value), f"95%: {interval}" if interval else "no interval"


def _hours(hours: float) -> str:
    if not math.isfinite(hours):
        return UNDEFINED
    return f"{ratio(hours, 1)} h" if hours < 100 else f"{ratio(hours / 24, 1)} d"  # noqa: PLR2004


def _times(value: float) -> str:
    return f"{ratio(value)}×" if math.isfinite(value) else UNDEFINED  # noqa: RUF001 - times sign


def _bars(values: dict[str, float], write: Callable[[float], str]) -> list[dict[str, Any]]:
    top = max((abs(value) for value in values.values()), default=0.0) or 1.0
    return [
        {"name": name.replace("_", " "), "text": write(value), "width": 100 * abs(value) / top}
        for name, value in values.items()
    ]


def _refusals(refusals: dict[str, int]) -> list[dict[str, Any]]:
    top = max(refusals.values(), default=1)
    meanings = {code.value: code.meaning for code in DenialCode}
    return [
        {
            "code": code,
            "count": f"{count:,}",
            "width": 100 * count / top,
            "meaning": meanings.get(code, "Not one of the core's denial codes."),
        }
        for code, count in sorted(refusals.items(), key=_by_count)
    ]


def _flat(parameters: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in parameters.items():
        if isinstance(value, dict) and value:
            rows.extend(_flat(value, f"{prefix}{key}."))
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            rows.append((f"{prefix}{key}", text or UNDEFINED))
    return rows


def _identity(record: RunRecord) -> list[tuple[str, str]]:
    return [
        ("run", record.run_id),
        ("made", minute(record.created_at_ns)),
        ("state digest", record.digest),
        ("journal SHA-256", record.journal_sha256),
        *record.environment.items(),
    ]
