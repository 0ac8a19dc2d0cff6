"""`athena backtest`: a strategy over recorded bars, beside its baselines."""

from __future__ import annotations

import sys
from contextlib import ExitStack, redirect_stdout
from functools import partial
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
    Kind,
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
    from collections.abc import Callable

    from athena.app._run_desk import DeskDiary
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
    desk: Annotated[
        bool, typer.Option("--desk", help="Let the desk of agents decide, instead of a strategy.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a strategy, or the desk of agents, over recorded bars, and write a tear sheet.

    Its baselines stand beside it. With `--desk` every decision is kept in the run's folder, with
    all that was said before it.

    Example: athena backtest --strategy sma_cross --data btc-usd-30m --param fast=20
    """
    from athena.platform import RandomIds, SystemClock

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
    if desk:
        _check_desk(ctx, kind)
    config = options.config(context)
    if report is not None:
        check_report_folder(report)
    context.start_logging()
    request = options.request(context)
    now_ns = SystemClock().now_ns()
    run_id = new_run_id(now_ns, "desk" if desk else strategy, RandomIds().next_id())
    reports = RunReports(context, report)
    diary, run = _runner(is_desk=desk)
    # What a strategy prints is talk: stdout carries the result and nothing else.
    with redirect_stdout(sys.stderr), ExitStack() as stack:
        result = run(
            request,
            config,
            context.home,
            run_id=run_id,
            now_ns=now_ns,
            on_progress=RunProgress(context, stack),
            on_record=reports,
        )
    _finish(context, request, result, reports, diary)


def _runner(*, is_desk: bool) -> tuple[DeskDiary | None, Callable[..., BacktestResult]]:
    """Return what runs, and what a desk writes down meanwhile."""
    from athena.research import run_backtest

    if not is_desk:
        return None, run_backtest
    from athena.app._run_desk import DeskDiary, run_desk

    diary = DeskDiary()
    return diary, partial(run_desk, diary)


def _check_desk(ctx: typer.Context, kind: Kind | None) -> None:
    """Refuse what contradicts `--desk`.

    Raises:
        InputError: a strategy or its kind was typed too.
    """
    from athena.errors import InputError

    source = ctx.get_parameter_source("strategy")
    is_typed = source is not None and source.name != "DEFAULT"
    if is_typed or kind is not None:
        message = f"expected --desk or {'--strategy' if is_typed else '--kind'}, was both"
        raise InputError(message, hint="the desk chooses its strategies itself")


def _finish(
    context: Context,
    request: BacktestRequest,
    result: BacktestResult,
    reports: RunReports,
    diary: DeskDiary | None,
) -> None:
    """Say what came out."""
    payload = run_payload(request.sources, result, reports)
    decided: list[str] = []
    if diary is not None:
        payload["decisions"] = diary.to_values()
        decided = diary.lines()
    context.output.say(*result.warnings)
    context.output.emit(
        payload,
        *comparison_of(result),
        *decided,
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
