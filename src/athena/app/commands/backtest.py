"""`athena backtest`: a strategy over recorded bars, beside its baselines."""

from __future__ import annotations

import sys
from contextlib import ExitStack, redirect_stdout
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
    KindOption,
    LimitFillOption,
    MarketOptions,
    ParamOption,
    RiskOption,
    SeedOption,
    SlippageOption,
    StrategyOption,
    SymbolOption,
    ToOption,
    new_run_id,
)
from athena.app._run_report import (
    RunProgress,
    RunReports,
    check_report_folder,
    comparison_of,
    conclusion_of,
    run_payload,
)

if TYPE_CHECKING:
    from athena.research import BacktestRequest, BacktestResult


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("backtest")(backtest)


def backtest(  # noqa: PLR0913 - the options of the contract
    ctx: typer.Context,
    *,
    strategy: StrategyOption = "rebalance",
    param: ParamOption = None,
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
    kind: KindOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a strategy over recorded bars, beside its baselines, and write a tear sheet.

    Example: athena backtest --strategy sma_cross --data btc-usd-30m --param fast=20
    """
    from athena.platform import RandomIds, SystemClock
    from athena.research import run_backtest

    context = Context.of(ctx, as_json=as_json)
    options = MarketOptions(
        strategy=strategy,
        param=param or (),
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
        kind=kind,
    )
    config = options.config(context)
    if report is not None:
        check_report_folder(report)
    context.start_logging()
    request = options.request(context)
    now_ns = SystemClock().now_ns()
    run_id = new_run_id(now_ns, strategy, RandomIds().next_id())
    reports = RunReports(context, report)
    # What a strategy prints is talk: stdout carries the result and nothing else.
    with redirect_stdout(sys.stderr), ExitStack() as stack:
        progress = RunProgress(context, stack)
        result = run_backtest(
            request,
            config,
            context.home,
            run_id=run_id,
            now_ns=now_ns,
            on_progress=progress,
            on_record=reports,
        )
    _finish(context, request, result, reports)


def _finish(
    context: Context, request: BacktestRequest, result: BacktestResult, reports: RunReports
) -> None:
    """Say what came out."""
    context.output.say(*result.warnings)
    context.output.emit(
        run_payload(request.sources, result, reports),
        *comparison_of(result),
        *conclusion_of(result),
        f"report: {reports.places(result.folder)[0]}",
        _next_commands(result.record.run_id),
    )


def _next_commands(run_id: str) -> str:
    program = sys.argv[0] if sys.argv[0].endswith("athena") else "athena"
    return "\n".join(
        (
            "next:",
            f"  {program} backtest --strategy sma_cross --data btc-usd-30m",
            f"  {program} why --run {run_id}",
            f"  {program} journal verify {run_id}",
        )
    )
