"""`athena portfolio`: each strategy alone, then all of them on one account."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
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
    sources_sha256,
    strategy_of,
    trial_parameters,
)
from athena.research.statistics import sample_returns, sharpe_per_period, with_start
from athena.research.strategies import parameters_of as strategy_parameters
from athena.research.strategies import solo_of
from athena.trading import FrameKind, fill_columns, needs_fit, read_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athena.domain import Bars
    from athena.platform.config import Config
    from athena.research._record import Curve, RunRecord
    from athena.research.engine import Setup
    from athena.research.portfolio._request import PortfolioRequest, StrategyRequest
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
    _check_strategies(request, setup)
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
    tried = _trials(request, config, setup, alone, bars, run_id, now_ns)
    beside = [*alone, *_run_equal(request, setup, on_progress)]
    # After the runs before: what these left in a person's modules is no part of this one.
    strategies = _build(request, setup)
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
        strategies=strategies,
        again=partial(_build, request, setup),
        parameters=_parameters(request, config, setup, strategies),
        tried=tried,
        shares=[item.change for item in allotments],
        beside=beside,
    )
    keeper = _Keeper(request, setup, allotments, on_record)
    run = carry_out(plan, on_progress=on_progress, on_record=keeper)
    return PortfolioResult(
        run, keeper.strategies, tuple(allotments), request.allocation, setup.start_ns
    )


def _check_strategies(request: PortfolioRequest, setup: Setup) -> None:
    """Build every strategy once, before the first run.

    Raises:
        InputError: one cannot be built, or two are the same, however they were typed: their
            trades would be counted as those of two.
    """
    only = setup.instruments[0].symbol if len(setup.instruments) == 1 else ""
    known: dict[tuple[str, ...], str] = {}
    for k, item in enumerate(request.strategies):
        strategy = _load(request, k)
        _placed(item, strategy, setup)
        where, _, kind = item.strategy.rpartition(":")
        place = str(Path(where).resolve()) if where.endswith(".py") else where
        names = strategy_parameters(type(strategy))
        values = [f"{name}={getattr(strategy, name)!r}" for name in names]
        identity = (place, kind, item.symbol or only, *values)
        if identity in known:
            message = (
                f"expected strategies, each one once, was {known[identity]} and {item.text}, "
                "which are the same"
            )
            raise InputError(message, hint="leave one of them out, or give it other parameters")
        known[identity] = item.text


def _build(request: PortfolioRequest, setup: Setup) -> list[tuple[str, Strategy]]:
    """Build every strategy anew; an instance serves one run."""
    return [_build_one(request, setup, k) for k in range(len(request.strategies))]


def _build_one(request: PortfolioRequest, setup: Setup, k: int) -> tuple[str, Strategy]:
    return request.names[k], _placed(request.strategies[k], _load(request, k), setup)


def _load(request: PortfolioRequest, k: int) -> Strategy:
    _, strategy = strategy_of(_asked(request)[k], n_steps=0)
    if needs_fit(strategy):
        message = (
            f"expected strategies that need no fit, was {request.names[k]}, which defines one"
        )
        raise InputError(message, hint="athena walkforward fits one strategy")
    return strategy


def _placed(item: StrategyRequest, strategy: Strategy, setup: Setup) -> Strategy:
    """Put a strategy on its symbol, if it has one of its own."""
    if not item.symbol:
        return strategy
    symbols = [instrument.symbol for instrument in setup.instruments]
    if item.symbol not in symbols:
        message = f"expected a symbol out of {', '.join(symbols)}, was {item.symbol!r}"
        raise InputError(message, hint=f"it stands in --strategy {item.text}")
    return solo_of(strategy, symbols.index(item.symbol))


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
    curves = []
    for k, name in enumerate(request.names):
        # Built when the one before has run, for the same reason as the strategies of the run.
        baseline = Baseline(f"{name} alone", [_build_one(request, setup, k)], setup)
        curves.append(_curve(baseline, on_progress))
    return curves


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
    bars: Sequence[Bars],
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
                data_sha256=data_sha256(bars),
                strategy=asked.strategy,
                parameters={
                    **trial_parameters(parameters_of(asked, config, setup, strategy)),
                    **only,
                },
                sharpe=float(sharpe_per_period(series.returns)),
                n=len(series.returns),
                digest=curve.digest,
                sources_sha256=sources_sha256(bars),
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
