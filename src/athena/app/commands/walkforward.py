"""`athena walkforward`: choose on the past, trade what follows, all windows as one run."""

from __future__ import annotations

import math
import sys
from contextlib import ExitStack, redirect_stdout
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

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
    from athena.research import Fold, WalkForwardResult


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("walkforward")(walkforward)


def walkforward(  # noqa: PLR0913 - the options of the contract
    ctx: typer.Context,
    *,
    train: Annotated[str, typer.Option(help="Length of the (first) training window.")] = "365d",
    test: Annotated[str, typer.Option(help="Length of each test window.")] = "90d",
    embargo: Annotated[str, typer.Option(help="Left out between training and test.")] = "1d",
    purge: Annotated[
        int | None,
        typer.Option(help="Bars left out at the end of training; else what the strategy states."),
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(help="What each fold chooses from: k=first:last:step or k=a,b,c."),
    ] = None,
    min_trades: Annotated[
        int, typer.Option(min=0, help="Closed in training, for a combination to be chosen.")
    ] = 5,
    is_rolling: Annotated[
        bool,
        typer.Option(
            "--rolling/--expanding", help="Train on the last --train only, or on all there was."
        ),
    ] = False,
    strategy: StrategyOption = "sma_cross",
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
    """Choose parameters on the past, trade the next window with them, and join the windows.

    Example: athena walkforward --data btc-usd-30m --train 180d --test 60d --grid slow=30:90:30
    """
    from athena.platform import RandomIds, SystemClock
    from athena.research import WalkForwardRequest, Window, parse_grid, run_walk_forward

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
    asked = options.request(context)
    request = WalkForwardRequest(
        backtest=asked,
        grid=parse_grid(grid or (), asked.parameters),
        train_ns=_length_ns("--train", train),
        test_ns=_length_ns("--test", test),
        embargo_ns=_length_ns("--embargo", embargo),
        purge_bars=purge,
        window=Window.ROLLING if is_rolling else Window.EXPANDING,
        min_trades=min_trades,
    )
    now_ns = SystemClock().now_ns()
    reports = RunReports(context, report)
    # What a strategy prints is talk: stdout carries the result and nothing else.
    with redirect_stdout(sys.stderr), ExitStack() as stack:
        result = run_walk_forward(
            request,
            config,
            context.home,
            run_id=new_run_id(now_ns, strategy, RandomIds().next_id()),
            now_ns=now_ns,
            on_progress=RunProgress(context, stack, {"fits": "fits"}),
            on_record=reports,
        )
    _finish(context, result, run_payload(asked.sources, result.run, reports))


def _length_ns(option: str, text: str) -> int:
    """Read the length of a window.

    Raises:
        InputError: it is none above 0; the message names the option.
    """
    from athena.domain import parse_interval_ns
    from athena.errors import InputError

    try:
        return parse_interval_ns(text)
    except InputError:
        message = f"expected {option} as a length above 0 such as 90d or 36h, was {text!r}"
        raise InputError(message) from None


def _finish(context: Context, result: WalkForwardResult, run: dict[str, Any]) -> None:
    """Say what came out."""
    baselines = run.pop("baselines")
    payload = {
        "run_id": run["run_id"],
        "digest": run["digest"],
        "folds": [_fold_json(fold, result) for fold in result.folds],
        "oos": run,
        "baselines": baselines,
        "train_sharpe": result.train_sharpe,
        "efficiency": result.efficiency,
        "parameter_changes": result.n_changes,
        "combinations_refused": result.n_refused,
        "trials": run["trials"],
        "deflated_sharpe": run["deflated_sharpe"],
        "left_over_days": round(result.left_over_days, 3),
        "sentence": result.sentence,
        "report": run["report"],
    }
    context.output.say(*result.run.warnings)
    context.output.emit(
        payload,
        _table(result),
        *_remarks(result),
        *comparison_of(result.run),
        result.sentence,
        *_efficiency(result),
        *conclusion_of(result.run),
        f"report: {run['report']}",
    )


def _fold_json(fold: Fold, result: WalkForwardResult) -> dict[str, Any]:
    return {
        "fold": fold.number,
        "train": _ends(fold.train.start_ns, fold.train.end_ns),
        "test": _ends(fold.test.start_ns, fold.test.end_ns),
        "parameters": dict(fold.parameters),
        "fit": _nothing_to(result) or "chosen",
        "tried": fold.n_tried,
        "train_halted": fold.train_halted,
        "in_sample": {"sharpe": fold.train_sharpe, "trades": fold.train_trades},
        "out_of_sample": {
            "sharpe": fold.test_sharpe,
            "return": fold.test_return,
            "trades": fold.test_trades,
        },
    }


def _nothing_to(result: WalkForwardResult) -> str:
    """Say that the folds had nothing to decide; empty when they chose."""
    if result.has_choice:
        return ""
    return "nothing to choose" if result.has_fit else "nothing to fit"


def _ends(start_ns: int, end_ns: int) -> dict[str, str]:
    from athena.domain import format_time

    return {"from": format_time(start_ns), "to": format_time(end_ns)}


def _table(result: WalkForwardResult) -> Table:
    columns = (
        ">fold",
        "train",
        "test",
        "parameters",
        ">Sharpe in sample",
        ">trades",
        ">out of sample",
        ">return",
        ">trades",
    )
    return Table(columns, [_cells(fold, result) for fold in result.folds])


def _cells(fold: Fold, result: WalkForwardResult) -> tuple[str, ...]:
    parameters = " ".join(f"{name}={value}" for name, value in fold.parameters.items())
    nothing = _nothing_to(result)
    halted = ", halted" if fold.train_halted else ""
    return (
        str(fold.number),
        f"{_day(fold.train.start_ns)} to {_day(fold.train.end_ns)}",
        f"{_day(fold.test.start_ns)} to {_day(fold.test.end_ns)}",
        f"{parameters} ({nothing})".strip() if nothing else parameters,
        f"{_ratio(fold.train_sharpe)}{halted}",
        f"{fold.train_trades:,}",
        _ratio(fold.test_sharpe),
        f"{fold.test_return:+.1%}",
        f"{fold.test_trades:,}",
    )


def _day(ts_ns: int) -> str:
    from athena.domain import ns_to_datetime

    return f"{ns_to_datetime(ts_ns):%Y-%m-%d}"


def _ratio(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.2f}"


def _remarks(result: WalkForwardResult) -> list[str]:
    """Say what the table does not show."""
    remarks = []
    if result.n_refused:
        remarks.append(f"{result.n_refused:,} combinations of the grid make no strategy")
    if result.left_over_days >= 1:
        days = f"{result.left_over_days:,.0f} days"
        remarks.append(f"the last {days} of the data are too short for another test window")
    return remarks


def _efficiency(result: WalkForwardResult) -> list[str]:
    """Say how much of what the choice promised came."""
    if math.isnan(result.efficiency):
        return []
    return [f"efficiency {result.efficiency:.2f}, out of sample by in sample"]
