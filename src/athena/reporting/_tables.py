"""A run as plain data: the rows of the comparison table and the JSON of `athena backtest`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import format_decimal, format_time
from athena.research.statistics import summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athena.research import Curve, Halt, RunRecord
    from athena.research.statistics import CurveMetrics, Estimate, RunSummary

_RATIOS = ("total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar")


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One line of the table that puts a run beside its baselines.

    Attributes:
        total_return, cagr, volatility: fractions; max_drawdown: positive fraction.
        sharpe: annualised, with its 95 % interval.
        fees: quote currency.
        refusals: denial code -> count.
        halts: every halt that latched, oldest first.
    """

    name: str
    final_equity: float
    total_return: Estimate
    cagr: Estimate
    sharpe: Estimate
    volatility: Estimate
    max_drawdown: Estimate
    fees: Decimal
    n_orders: int
    n_fills: int
    refusals: dict[str, int]
    halts: tuple[Halt, ...]


def comparison_table(record: RunRecord, summary: RunSummary | None = None) -> list[ComparisonRow]:
    """List the run, then its baselines in the record's order.

    Args:
        record: of the run.
        summary: its statistics when the caller has them; computed otherwise.
    """
    summary = summary or summarise(record)
    curves = [record.main, *record.baselines]
    metrics = [summary.main, *summary.baselines]
    return [_row(curve, measured) for curve, measured in zip(curves, metrics, strict=True)]


def _row(curve: Curve, metrics: CurveMetrics) -> ComparisonRow:
    return ComparisonRow(
        name=curve.name,
        final_equity=metrics.final_equity,
        total_return=metrics.total_return,
        cagr=metrics.cagr,
        sharpe=metrics.sharpe,
        volatility=metrics.volatility,
        max_drawdown=metrics.max_drawdown,
        fees=curve.fees,
        n_orders=curve.n_orders,
        n_fills=curve.n_fills,
        refusals=curve.refusals,
        halts=curve.halts,
    )


def describe_halts(halts: Sequence[Halt], write_time: Callable[[int], str]) -> str:
    """Say in words which limits halted a run and when; empty when none did.

    Args:
        halts: oldest first.
        write_time: writes UTC nanoseconds.
    """
    by_reason: dict[str, list[int]] = {}
    for halt in halts:
        by_reason.setdefault(halt.reason, []).append(halt.ts_ns)
    return ", ".join(
        f"{reason} at {write_time(times[0])}"
        if len(times) == 1
        else f"{reason} {len(times):,} times, first at {write_time(times[0])}"
        for reason, times in by_reason.items()
    )


def metrics_json(record: RunRecord, summary: RunSummary | None = None) -> dict[str, Any]:
    """Collect the keys of `athena backtest --json` that follow from the record.

    Money is text, an undefined number is None, times are ISO-8601 UTC. `intervals` and `n` carry
    the 95 % interval and the sample size of every metric (D10).

    Args:
        record: of the run.
        summary: its statistics when the caller has them; computed otherwise.
    """
    summary = summary or summarise(record)
    estimates = _estimates(summary)
    baselines = zip(record.baselines, summary.baselines, summary.excesses, strict=True)
    return {
        "run_id": record.run_id,
        "digest": record.digest,
        "bars": len(record.ts_ns),
        **_curve_json(record.main, summary.main),
        **{name: _number(estimate.value) for name, estimate in estimates.items()},
        "intervals": {name: _interval(estimate) for name, estimate in estimates.items()},
        "n": {name: estimate.n for name, estimate in estimates.items()},
        "baselines": {
            curve.name: {
                **_curve_json(curve, metrics),
                "sharpe_interval": _interval(metrics.sharpe),
                "n": metrics.sharpe.n,
                "excess_log_return": _number(excess.excess.value),
                "excess_interval": _interval(excess.excess),
                "p_value": _number(excess.p_value),
            }
            for curve, metrics, excess in baselines
        },
        "trials": record.trials,
        "deflated_sharpe": _number(summary.deflated_sharpe),
        "deflation_sharpe": _number(summary.deflation_sharpe),
        "minimum_track_record_years": _number(summary.minimum_track_record_years),
        "sentence": summary.sentence,
        "overfitting": summary.overfitting,
        "warnings": list(summary.warnings),
    }


def _curve_json(curve: Curve, metrics: CurveMetrics) -> dict[str, Any]:
    return {
        "final_equity": _final_equity(curve, metrics),
        **{name: _number(getattr(metrics, name).value) for name in _RATIOS},
        "fees": format_decimal(curve.fees),
        "orders": curve.n_orders,
        "fills": curve.n_fills,
        "refusals": dict(curve.refusals),
        "halts": [{"at": format_time(item.ts_ns), "reason": item.reason} for item in curve.halts],
    }


def _estimates(summary: RunSummary) -> dict[str, Estimate]:
    return {
        **{name: getattr(summary.main, name) for name in _RATIOS},
        "win_rate": summary.trades.win_rate,
        "profit_factor": summary.trades.profit_factor,
        "turnover": summary.turnover,
        "exposure": summary.exposure,
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _interval(estimate: Estimate) -> list[float] | None:
    return [estimate.low, estimate.high] if estimate.has_interval else None


def _final_equity(curve: Curve, metrics: CurveMetrics) -> str | None:
    if curve.final_equity is not None:
        return format_decimal(curve.final_equity)
    # A curve that was not simulated is float64; eight decimals is all that it can carry.
    value = metrics.final_equity
    return format_decimal(Decimal(f"{value:.8f}")) if math.isfinite(value) else None
