"""`athena portfolio`: each strategy alone, then all of them on one account."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import format_interval
from athena.errors import InputError
from athena.research._trials import Trial
from athena.research.allocation import Allocation
from athena.research.portfolio._result import (
    PortfolioResult,
    StrategyResult,
    measure_strategies,
    strategies_json,
    write_portfolio,
)
from athena.research.portfolio._schedule import allot
from athena.research.runs import (
    JOURNAL_FOLDER,
    Baseline,
    FileStore,
    RunPlan,
    carry_out,
    data_sha256,
    load_sources,
    parameters_of,
    run_baseline,
    setup_of,
    strategy_of,
    trial_parameters,
)
from athena.research.statistics import sample_returns, sharpe_per_period, with_start
from athena.research.strategies import solo_of
from athena.trading import FrameKind, fill_columns, needs_fit, read_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from athena.platform.config import Config
    from athena.research._record import Curve, RunRecord
    from athena.research.engine import Setup
    from athena.research.portfolio._request import PortfolioRequest
    from athena.research.portfolio._schedule import Allotment
    from athena.research.runs import BacktestRequest
    from athena.research.statistics import RunSummary
    from athena.trading import FillColumns, Strategy

    ProgressReport = Callable[[str, int, int], None]
    RecordSink = Callable[[Path, RunRecord, RunSummary], None]


def _say_nothing(_label: str, _done: int, _total: int) -> None:
    """Report no progress."""


def _add_nothing(_folder: Path, _record: RunRecord, _summary: RunSummary) -> None:
    """Leave the run's folder as it is."""


def run_portfolio(  # noqa: PLR0913 - where from, where to, when, and who is told
    request: PortfolioRequest,
    config: Config,
    home: Path,
    *,
    run_id: str,
    now_ns: int,
    on_progress: ProgressReport = _say_nothing,
    on_record: RecordSink = _add_nothing,
) -> PortfolioResult:
    """Run strategies on one account, one risk budget and one ledger; keep it in `runs/<id>`.

    First every strategy runs alone on the whole account, which gives the returns that capital is
    divided by, and curves to compare with; each of these runs is a trial of the ledger.

    Args:
        request: what is asked.
        config: costs, execution, risk and seed.
        home: data home.
        run_id: name of the run's folder.
        now_ns: when it was asked for.
        on_progress: told label, step and number of steps, of the run and of each beside it.
        on_record: may add files to the run's folder before it is published.

    Raises:
        InputError: something asked for is not valid; nothing is written.
        MissingExtra: the allocation needs scipy, which is not installed.
        StrategyError: a strategy raised; it is named, alone or in the portfolio.
    """
    market = request.market
    references, bars = load_sources(market, home)
    setup = setup_of(market, config, bars, home)
    first = _build(request, setup)
    alone = _run_alone(request, setup, on_progress)
    allotments = allot(
        setup,
        [curve.equity for curve in alone],
        request.allocation,
        lookback_ns=request.lookback_ns,
        every_ns=request.every_ns,
        cost_frac=float(config.costs.taker_fee_bps + config.costs.base_cost_bps) / 1e4,
        risk_aversion=request.risk_aversion,
    )
    plan = RunPlan(
        request=market,
        config=config,
        home=home,
        run_id=run_id,
        now_ns=now_ns,
        command="portfolio",
        references=references,
        bars=bars,
        setup=setup,
        name=f"portfolio, {request.allocation.value}",
        strategies=first,
        again=partial(_build, request, setup),
        parameters=_parameters(request, config, setup, first),
        tried=_trials(request, config, setup, alone, data_sha256(bars), run_id, now_ns),
        shares=[item.change for item in allotments],
        beside=[*alone, *_run_equal(request, setup, on_progress)],
    )
    keeper = _Keeper(request, setup, allotments, on_record)
    run = carry_out(plan, on_progress=on_progress, on_record=keeper)
    return PortfolioResult(
        run, keeper.strategies, tuple(allotments), request.allocation, setup.start_ns
    )


def _build(request: PortfolioRequest, setup: Setup) -> list[tuple[str, Strategy]]:
    """Build every strategy anew; an instance serves one run."""
    symbols = [instrument.symbol for instrument in setup.instruments]
    built = []
    for name, item, asked in zip(request.names, request.strategies, _asked(request), strict=True):
        _, strategy = strategy_of(asked, n_steps=0)
        if needs_fit(strategy):
            message = f"expected strategies that need no fit, was {name}, which defines one"
            raise InputError(message, hint="athena walkforward fits one strategy")
        if item.symbol:
            if item.symbol not in symbols:
                message = f"expected a symbol out of {', '.join(symbols)}, was {item.symbol!r}"
                raise InputError(message, hint=f"it stands in --strategy {item.text}")
            strategy = solo_of(strategy, symbols.index(item.symbol))
        built.append((name, strategy))
    return built


def _asked(request: PortfolioRequest) -> list[BacktestRequest]:
    """Return the backtest of each strategy alone; a compiled rule could share no account."""
    return [
        replace(request.market, strategy=item.strategy, parameters=item.parameters, kind="woken")
        for item in request.strategies
    ]


def _run_alone(
    request: PortfolioRequest, setup: Setup, on_progress: ProgressReport
) -> list[Curve]:
    """Run each strategy on the whole account, under the limits and costs of the run."""
    return [
        _curve(Baseline(f"{name} alone", [(name, strategy)], setup), on_progress)
        for name, strategy in _build(request, setup)
    ]


def _run_equal(
    request: PortfolioRequest, setup: Setup, on_progress: ProgressReport
) -> list[Curve]:
    """Run the same strategies with equal shares, beside any other allocation."""
    if request.allocation is Allocation.EQUAL:
        return []
    return [_curve(Baseline("equal shares", _build(request, setup), setup), on_progress)]


def _curve(baseline: Baseline, on_progress: ProgressReport) -> Curve:
    n_steps = len(baseline.setup.columns.close_ns)
    on_progress(baseline.name, 0, n_steps)
    return run_baseline(baseline, lambda step: on_progress(baseline.name, step, n_steps))


def _parameters(
    request: PortfolioRequest,
    config: Config,
    setup: Setup,
    strategies: Sequence[tuple[str, Strategy]],
) -> dict[str, Any]:
    return {
        **parameters_of(request.market, config, setup, strategies[0][1]),
        "strategies": [
            {
                "name": name,
                "strategy": item.strategy,
                "symbol": item.symbol or None,
                "parameters": dict(sorted(item.parameters.items())),
            }
            for name, item in zip(request.names, request.strategies, strict=True)
        ],
        "allocation": request.allocation.value,
        "lookback": format_interval(request.lookback_ns),
        "every": format_interval(request.every_ns),
        "risk_aversion": request.risk_aversion,
    }


def _trials(  # noqa: PLR0913, PLR0917 - what was run, on what, when
    request: PortfolioRequest,
    config: Config,
    setup: Setup,
    alone: Sequence[Curve],
    data: str,
    run_id: str,
    now_ns: int,
) -> list[Trial]:
    """Describe the runs of each strategy alone as the backtests that they are."""
    trials = []
    strategies = _build(request, setup)
    for item, asked, curve, (_, strategy) in zip(
        request.strategies, _asked(request), alone, strategies, strict=True
    ):
        only = {"symbol": item.symbol} if item.symbol else {}
        marks, times = with_start(
            curve.equity, setup.columns.close_ns, float(setup.cash), setup.interval_ns
        )
        series = sample_returns(marks, times, setup.interval_ns)
        trials.append(
            Trial(
                recorded_at_ns=now_ns,
                command="portfolio",
                run_id=run_id,
                data_sha256=data,
                strategy=asked.strategy,
                parameters={
                    **trial_parameters(parameters_of(asked, config, setup, strategy)),
                    **only,
                },
                sharpe=float(sharpe_per_period(series.returns)),
                n=len(series.returns),
            )
        )
    return trials


class _Keeper:
    """Measure the strategies from the staged run's journal, and write it beside the rest."""

    def __init__(
        self,
        request: PortfolioRequest,
        setup: Setup,
        allotments: Sequence[Allotment],
        on_record: RecordSink,
    ) -> None:
        self._request = request
        self._setup = setup
        self._allotments = allotments
        self._on_record = on_record
        self.strategies: tuple[StrategyResult, ...] = ()

    def __call__(self, folder: Path, record: RunRecord, summary: RunSummary) -> None:
        fills = _fills(folder)
        self.strategies = measure_strategies(
            self._setup, self._request.names, record, summary, fills
        )
        values = strategies_json(self.strategies, self._allotments, self._setup.start_ns)
        write_portfolio(folder, values)
        self._on_record(folder, record, summary)


def _fills(folder: Path) -> FillColumns:
    """Read the fills of a staged run back from its journal, in the core's units."""
    frames = read_frames(FileStore(folder / JOURNAL_FOLDER))
    return fill_columns(
        np.frombuffer(frame.payload, np.int64) for frame in frames if frame.kind is FrameKind.WORDS
    )
