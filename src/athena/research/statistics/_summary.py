"""One run, measured: its own metrics, its baselines', and whether the difference is luck."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.research.statistics._bootstrap import Excess, compare_returns, estimate_ratios
from athena.research.statistics._claims import SUSPICIOUS_SHARPE
from athena.research.statistics._deflated import Deflation, deflate
from athena.research.statistics._estimate import Estimate
from athena.research.statistics._ratios import max_drawdown, sharpe_per_period
from athena.research.statistics._returns import (
    Floats,
    ReturnSeries,
    monthly_returns,
    rolling_sharpe,
    sample_returns,
    underwater,
    with_start,
)
from athena.research.statistics._trades import (
    TradeMetrics,
    exposure,
    measure_trades,
    time_in_market,
    turnover,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from athena.research._record import Curve, RunRecord


@dataclass(frozen=True, slots=True, eq=False)
class CurveMetrics:
    """Hold the metrics of one account curve; `Ratios` says what each one is.

    Attributes:
        name: of the curve.
        final_equity: quote currency at the last close; NaN for an empty curve.
        max_drawdown: on every bar's close, so it can be deeper than its interval, which is
            made from daily marks.
        series: the returns the metrics were made from.
    """

    name: str
    final_equity: float
    total_return: Estimate
    cagr: Estimate
    volatility: Estimate
    sharpe: Estimate
    sortino: Estimate
    max_drawdown: Estimate
    calmar: Estimate
    series: ReturnSeries


@dataclass(frozen=True, slots=True, eq=False)
class RunSummary:
    """Hold everything a report prints about a run; made by `summarise`.

    Attributes:
        main: metrics of the run.
        baselines: metrics of each baseline, in the record's order.
        excesses: the run against each baseline, same order.
        benchmark: the comparison the plain sentence is about; None without baselines.
        turnover: times a year; exposure: mean fraction; time_in_market: share of bars.
        underwater: (T,) fall of the run from its peak at each close, fraction <= 0.
        monthly: (year, month) -> return of the run.
        rolling_sharpe: (n,) on `main.series.ts_ns`, over `rolling_window` periods.
        n_trials: runs tried on this data; deflated_sharpe: probability of skill, given those;
            is_significant: that it is above 95 %.
        deflation_sharpe: annualised, that the best of so many trials would show without skill.
        minimum_track_record_years: until the measured Sharpe ratio would be significant, given the
            trials; NaN when no length is enough.
        sharpe_per_period: what the trial ledger stores, not annualised.
        sentence: the result in plain words.
        overfitting: in plain words, what is left of it after counting the trials.
        warnings: what a reader must know before believing it; empty when nothing.
    """

    main: CurveMetrics
    baselines: tuple[CurveMetrics, ...]
    excesses: tuple[Excess, ...]
    benchmark: Excess | None
    trades: TradeMetrics
    turnover: Estimate
    exposure: Estimate
    time_in_market: Estimate
    underwater: Floats
    monthly: dict[tuple[int, int], float]
    rolling_sharpe: Floats
    rolling_window: int
    n_trials: int
    deflated_sharpe: float
    is_significant: bool
    deflation_sharpe: float
    minimum_track_record_years: float
    sharpe_per_period: float
    sentence: str
    overfitting: str
    warnings: tuple[str, ...]


def summarise(record: RunRecord) -> RunSummary:
    """Measure a run and its baselines; pure, and the same numbers every time.

    Curves start from the record's cash one bar before the first close, so that the first bar
    counts. Metrics that are not defined (no bar, a flat curve, no trade) are NaN.

    Raises:
        InputError: a curve holds NaN or infinity; the message names the index.
    """
    main = measure_curve(record, record.main)
    baselines = tuple(measure_curve(record, curve) for curve in record.baselines)
    excesses = tuple(
        compare_returns(baseline.name, main.series, baseline.series) for baseline in baselines
    )
    benchmark = _benchmark(excesses)
    marks, times = _marks(record, record.main)
    per_year = main.series.periods_per_year
    window = max(2, round(per_year * 90 / 365))
    deflation = deflate(main.series.returns, record.trials, record.trial_sharpes)
    return RunSummary(
        main=main,
        baselines=baselines,
        excesses=excesses,
        benchmark=benchmark,
        trades=measure_trades(record.trades),
        turnover=turnover(record.fills, record.main.equity, main.series.years),
        exposure=exposure(record.gross_exposure),
        time_in_market=time_in_market(record.gross_exposure),
        underwater=underwater(marks)[1:],
        monthly=monthly_returns(marks, times),
        rolling_sharpe=rolling_sharpe(main.series, window),
        rolling_window=window,
        n_trials=record.trials,
        deflated_sharpe=deflation.probability,
        is_significant=deflation.is_significant,
        deflation_sharpe=deflation.benchmark * math.sqrt(per_year),
        minimum_track_record_years=deflation.n_needed / per_year,
        sharpe_per_period=float(sharpe_per_period(main.series.returns)),
        sentence=_sentence(benchmark, main, deflation),
        overfitting=describe_deflation(deflation, main.series),
        warnings=_warnings(record, main),
    )


def measure_curve(record: RunRecord, curve: Curve) -> CurveMetrics:
    """Measure one curve of a record, from the record's starting cash."""
    marks, times = _marks(record, curve)
    series = sample_returns(marks, times, record.interval_ns)
    estimates = estimate_ratios(series)
    fall = estimates.pop("max_drawdown")
    deepest = Estimate(max_drawdown(marks), fall.low, fall.high, fall.n, fall.method)
    final = float(marks[-1]) if len(marks) else math.nan
    return CurveMetrics(curve.name, final, max_drawdown=deepest, series=series, **estimates)


def _marks(record: RunRecord, curve: Curve) -> tuple[Floats, NDArray[np.int64]]:
    return with_start(curve.equity, record.ts_ns, float(record.cash), record.interval_ns)


def _benchmark(excesses: tuple[Excess, ...]) -> Excess | None:
    # Holding BTC is the yardstick of the house; else any plain holding; else the first baseline.
    def rank(excess: Excess) -> tuple[bool, bool]:
        name = excess.name.lower()
        return not ("hold" in name and "btc" in name), "hold" not in name

    return min(excesses, key=rank, default=None)


def _sentence(benchmark: Excess | None, main: CurveMetrics, deflation: Deflation) -> str:
    n_days = round(main.series.years * 365)
    days = f"{n_days} day" + ("s" if n_days != 1 else "") if n_days else "less than a day"
    if benchmark is None:
        total = main.total_return.value
        verb = "ends where it began" if not total else "gains" if total > 0 else "loses"
        amount = f" {abs(total):.1%}" if total and math.isfinite(total) else ""
        return f"After costs it {verb}{amount} over {days}; there is no baseline beside it."
    name = benchmark.name.replace("hold ", "holding ")
    gap = benchmark.total_excess
    verb = "beats" if gap > 0 else "trails" if gap < 0 else "equals"
    if math.isnan(benchmark.p_value):
        return f"After costs it {verb} {name}; {days} is too short to tell skill from luck."
    return (
        f"After costs it {verb} {name}; over {days} the difference{_verdict(benchmark, deflation)}"
    )


def _verdict(benchmark: Excess, deflation: Deflation) -> str:
    """End the sentence; one comparison says no more than the count of the trials allows."""
    if not benchmark.is_distinguishable:
        return " is not distinguishable from luck."
    # Trying often explains a gain; no choice of the best explains a loss.
    if deflation.is_significant or benchmark.total_excess <= 0:
        return " is distinguishable from luck."
    if deflation.n_trials <= 1:
        return " is distinguishable from luck; its own Sharpe ratio is not."
    return (
        f", taken alone, is distinguishable from luck; after {deflation.n_trials:,} trials on "
        "this data it is not."
    )


def describe_deflation(deflation: Deflation, series: ReturnSeries) -> str:
    """Say in plain words what counting the trials leaves of a Sharpe ratio.

    Args:
        deflation: of the series.
        series: of the chosen run.
    """
    n_trials, per_year = deflation.n_trials, series.periods_per_year
    if math.isnan(deflation.probability):
        return (
            "Nothing can be said about luck: the returns do not vary, or their moments conflict."
        )
    verdict = "significant" if deflation.is_significant else "not significant (95% is asked)"
    years = len(series.returns) / per_year
    chance = f"{deflation.probability:.1%}, {verdict}"
    record = (
        "no length of record would be enough"
        if math.isnan(deflation.n_needed)
        else f"{deflation.n_needed / per_year:,.1f} years at this ratio are needed"
    )
    if n_trials <= 1:
        return (
            "The only trial on this data that the ledger knows: the probability of a Sharpe ratio "
            f"above 0 is {chance}; {record}, there are {years:,.1f}."
        )
    noise = deflation.benchmark * math.sqrt(per_year)
    sharpe = float(sharpe_per_period(series.returns)) * math.sqrt(per_year)
    return (
        f"The best of {n_trials:,} trials on this data would show a Sharpe ratio of about "
        f"{noise:.2f} by luck alone; the probability that this one, {sharpe:.2f}, is above that "
        f"is {chance}; {record}, there are {years:,.1f}."
    )


def _warnings(record: RunRecord, main: CurveMetrics) -> tuple[str, ...]:
    found = []
    if any(source.is_synthetic for source in record.provenance):
        found.append("The prices are synthetic: nothing here says anything about a market.")
    if main.sharpe.value > SUSPICIOUS_SHARPE:
        found.append(
            f"A Sharpe ratio of {main.sharpe.value:.1f} after costs is rarely real: it usually "
            "means look-ahead. Check the strategy's signals for bars of the future."
        )
    if main.series.is_ruined:
        found.append("The account fell to zero or below; returns after that are left out.")
    return tuple(found)
