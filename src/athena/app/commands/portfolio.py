"""`athena portfolio`: several strategies on one account, one risk budget and one ledger."""

from __future__ import annotations

import math
import sys
from contextlib import ExitStack, redirect_stdout
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from athena.app._context import Context, JsonOption
from athena.app._market_options import (
    CashOption,
    DataOption,
    EngineChoice,
    EngineOption,
    FeeOption,
    FromOption,
    IntrabarOption,
    LimitFillOption,
    MarketOptions,
    RiskOption,
    SeedOption,
    SlippageOption,
    SymbolOption,
    ToOption,
    new_run_id,
    parse_parameters,
)
from athena.app._output import Table
from athena.app._run_report import (
    RunProgress,
    RunReports,
    check_report_folder,
    comparison_of,
    conclusion_of,
    run_payload,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.research import PortfolioResult, StrategyRequest, StrategyResult

_NAME = "portfolio"


class AllocationChoice(StrEnum):
    """How capital is divided."""

    EQUAL = "equal"
    INVERSE_VOLATILITY = "inverse-volatility"
    RISK_PARITY = "risk-parity"
    MEAN_VARIANCE = "mean-variance"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(_NAME)(portfolio)


def portfolio(  # noqa: PLR0913 - the options of the contract
    ctx: typer.Context,
    *,
    strategy: Annotated[
        list[str], typer.Option(help="NAME, NAME@SYMBOL or NAME@SYMBOL:k=v,k=v; once for each.")
    ],
    allocation: Annotated[
        AllocationChoice, typer.Option(help="How capital is divided between the strategies.")
    ] = AllocationChoice.EQUAL,
    lookback: Annotated[str, typer.Option(help="Past that an allocation looks at.")] = "90d",
    every: Annotated[str, typer.Option(help="Time between two allocations.")] = "30d",
    risk_aversion: Annotated[
        float, typer.Option(help="Of mean-variance; 1 makes growth largest.")
    ] = 1.0,
    data: DataOption = None,
    symbol: SymbolOption = None,
    start: FromOption = None,
    end: ToOption = None,
    cash: CashOption = "100000",
    fee_bps: FeeOption = None,
    slippage_bps: SlippageOption = None,
    limit_fill: LimitFillOption = None,
    intrabar: IntrabarOption = None,
    risk: RiskOption = "default",
    seed: SeedOption = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder for the report, besides the run's own.")
    ] = None,
    engine: EngineOption = EngineChoice.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Run several strategies on one account, each on its own share of the equity.

    Example: athena portfolio --strategy sma_cross --strategy momentum --data btc-usd-30m
    """
    from athena.domain import parse_interval_ns
    from athena.platform import RandomIds, SystemClock
    from athena.research import Allocation, PortfolioRequest, run_portfolio

    context = Context.of(ctx, as_json=as_json)
    options = MarketOptions(
        strategy=_NAME,
        data=data or (),
        symbol=symbol or (),
        start=start,
        end=end,
        cash=cash,
        fee_bps=fee_bps,
        slippage_bps=slippage_bps,
        limit_fill=limit_fill,
        intrabar=intrabar,
        risk=risk,
        seed=seed,
        engine=engine,
    )
    config = options.config(context)
    if report is not None:
        check_report_folder(report)
    context.start_logging()
    request = PortfolioRequest(
        market=options.request(context),
        strategies=[parse_strategy(text) for text in strategy],
        allocation=Allocation(allocation.value),
        lookback_ns=parse_interval_ns(lookback),
        every_ns=parse_interval_ns(every),
        risk_aversion=risk_aversion,
    )
    now_ns = SystemClock().now_ns()
    reports = RunReports(context, report)
    # What a strategy prints is talk: stdout carries the result and nothing else.
    with redirect_stdout(sys.stderr), ExitStack() as stack:
        result = run_portfolio(
            request,
            config,
            context.home,
            run_id=new_run_id(now_ns, _NAME, RandomIds().next_id()),
            now_ns=now_ns,
            on_progress=RunProgress(context, stack),
            on_record=reports,
        )
    _finish(context, request.market.sources, result, reports)


def parse_strategy(text: str) -> StrategyRequest:
    """Read ``NAME``, ``NAME@SYMBOL`` or ``NAME@SYMBOL:k=v,k=v``.

    The name may be ``file.py:Class``. A value may hold commas: a part without ``=`` belongs to the
    value before it.

    Raises:
        InputError: a parameter twice, or without a name.
    """
    from athena.research import StrategyRequest
    from athena.research.strategies import BUILT_IN

    place, _, tail = text.rpartition(":")
    if "=" not in tail and place.partition("@")[0] not in BUILT_IN:
        place, tail = text, ""  # a file or module and its class
    name, _, symbol = place.rpartition("@")
    if not name or ":" in symbol:  # an @ in the folder of a file
        name, symbol = place, ""
    pairs: list[str] = []
    for part in filter(None, tail.split(",")):
        if "=" in part or not pairs:
            pairs.append(part)
        else:
            pairs[-1] += f",{part}"
    return StrategyRequest(name, parse_parameters(pairs), symbol)


def _finish(
    context: Context, sources: Sequence[str], result: PortfolioResult, reports: RunReports
) -> None:
    """Say what came out."""
    run = run_payload(sources, result.run, reports)
    run_id = run["run_id"]
    context.output.say(*result.run.warnings)
    context.output.emit(
        {**run, "strategies": result.strategies_json()},
        *comparison_of(result.run),
        _table(result),
        *_remarks(result),
        *conclusion_of(result.run),
        f"report: {run['report']}",
        f"next:\n  athena why --run {run_id}\n  athena journal verify {run_id}",
    )


def _table(result: PortfolioResult) -> Table:
    columns = (
        "strategy",
        ">mean weight",
        ">last",
        ">contribution",
        ">return",
        ">Sharpe",
        ">turnover",
        ">fills",
        ">alone",
    )
    rows = [_cells(k, item, result) for k, item in enumerate(result.strategies)]
    return Table(columns, rows)


def _cells(k: int, item: StrategyResult, result: PortfolioResult) -> tuple[str, ...]:
    weights = result.weights_of(k)
    return (
        item.name,
        f"{sum(weights) / len(weights):.1%}",
        f"{weights[-1]:.1%}",
        f"{item.contribution:+,.2f}",
        f"{item.total_return:+.1%}",
        _number(item.sharpe.value, ".2f"),
        _number(item.turnover.value, ".1f"),
        f"{item.n_fills:,}",
        _number(item.alone.total_return.value, "+.1%"),
    )


def _number(value: float, form: str) -> str:
    return "none" if math.isnan(value) else format(value, form)


def _remarks(result: PortfolioResult) -> list[str]:
    """Say what the table does not show."""
    n = len(result.allotments)
    remarks = []
    if n:
        remarks.append(f"capital was divided {n:,} times, for the first time after the look-back")
    elif result.is_too_short:
        remarks.append("capital was never divided: the bars end before the first look-back does")
    if result.n_kept:
        remarks.append(
            f"{result.n_kept:,} of these kept the weights before: the optimiser did not converge"
        )
    return remarks
