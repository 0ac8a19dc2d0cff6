"""`athena backtest`: a strategy over recorded bars, beside its baselines."""

from __future__ import annotations

import dataclasses
import math
import sys
from contextlib import ExitStack, redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.platform.config import Config
    from athena.reporting import ComparisonRow
    from athena.research import BacktestRequest, BacktestResult, RunRecord
    from athena.research.statistics import RunSummary

_SAMPLE_SETS = ("btc-usd-30m", "xrp-usd-30m", "eth-usd-30m")
_SHOWN_REFUSALS = 3


class LimitFill(StrEnum):
    """What fills a limit order."""

    CROSS = "cross"
    TOUCH = "touch"


class Intrabar(StrEnum):
    """What decides inside a bar."""

    STOP_FIRST = "stop-first"
    PATH = "path"


class EngineChoice(StrEnum):
    """Who runs the core."""

    AUTO = "auto"
    PYTHON = "python"
    COMPILED = "compiled"


class Kind(StrEnum):
    """How a built-in strategy is written."""

    WOKEN = "woken"
    BAR = "bar"
    RULE = "rule"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("backtest")(backtest)


def backtest(  # noqa: PLR0913 - the options of the contract
    ctx: typer.Context,
    *,
    strategy: Annotated[
        str, typer.Option(help="Built-in name, my_file.py:MyStrategy or module:Class.")
    ] = "rebalance",
    param: Annotated[list[str] | None, typer.Option(help="Parameter of it, k=v.")] = None,
    data: Annotated[
        list[str] | None, typer.Option(help="Data set or file; the sample when none is given.")
    ] = None,
    symbol: Annotated[
        list[str] | None, typer.Option(help="Symbol of each --data, in the same order.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="First day, such as 2018-01-01.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Day after the last.")] = None,
    cash: Annotated[str, typer.Option(help="To start with, in quote currency.")] = "100000",
    fee_bps: Annotated[
        str | None, typer.Option(help="Fee of makers and takers alike; else taker 26, maker 16.")
    ] = None,
    slippage_bps: Annotated[
        str | None, typer.Option(help="Cost before impact; 0 switches the cost model off.")
    ] = None,
    limit_fill: Annotated[
        LimitFill | None, typer.Option(help="A limit fills when crossed, or when touched.")
    ] = None,
    intrabar: Annotated[
        Intrabar | None, typer.Option(help="Stop before target, or along the bar's path.")
    ] = None,
    risk: Annotated[
        str, typer.Option(help="default, open (limits that never bind) or a YAML file.")
    ] = "default",
    seed: Annotated[int | None, typer.Option(help="Of everything random; 0 is a seed.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder for the report, besides the run's own.")
    ] = None,
    engine: Annotated[
        EngineChoice, typer.Option(help="CPython or compiled code; the result is the same.")
    ] = EngineChoice.AUTO,
    kind: Annotated[
        Kind | None,
        typer.Option(help="How a built-in strategy is written; the result is the same."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a strategy over recorded bars, beside its baselines, and write a tear sheet.

    Example: athena backtest --strategy sma_cross --data btc-usd-30m --param fast=20
    """
    from athena.domain import parse_decimal, parse_time_ns
    from athena.platform import RandomIds, SystemClock
    from athena.research import BacktestRequest, EngineKind, run_backtest

    context = Context.of(ctx, as_json=as_json)
    config = _configured(
        context,
        {
            "costs.taker_fee_bps": fee_bps,
            "costs.maker_fee_bps": fee_bps,
            "costs.base_cost_bps": slippage_bps,
            "execution.limit_fill": limit_fill and limit_fill.value,
            "execution.intrabar": intrabar and intrabar.value,
            "run.seed": seed,
        },
        risk,
    )
    if report is not None:
        _check_report_folder(report)
    context.start_logging()
    request = BacktestRequest(
        strategy=strategy,
        parameters=parse_parameters(param or []),
        kind=kind.value if kind else "",
        sources=tuple(data or _samples(context)),
        symbols=tuple(symbol or ()),
        start_ns=None if start is None else parse_time_ns(start),
        end_ns=None if end is None else parse_time_ns(end),
        cash=parse_decimal(cash, what="--cash"),
        risk=risk,
        engine=EngineKind(engine.value),
    )
    now_ns = SystemClock().now_ns()
    run_id = new_run_id(now_ns, strategy, RandomIds().next_id())
    reports = _Reports(context, report)
    # What a strategy prints is talk: stdout carries the result and nothing else.
    with redirect_stdout(sys.stderr), ExitStack() as stack:
        progress = _RunProgress(context, stack)
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


def _check_report_folder(folder: Path) -> None:
    """Create the folder of --report before the run, which may last.

    Raises:
        InputError: it cannot be created or written.
    """
    from athena.errors import InputError
    from athena.platform import ensure_folder

    try:
        ensure_folder(folder)
    except InputError as error:
        raise InputError(error.message, hint="name another folder with --report") from error


class _Reports:
    """Write the report into a run's folder, and into another, before the run is kept."""

    def __init__(self, context: Context, other: Path | None) -> None:
        self._context = context
        self._other = other
        self._names: list[str] = []

    def __call__(self, folder: Path, record: RunRecord, summary: RunSummary) -> None:
        from athena.app.commands.report import write_report

        _, pictures = write_report(self._context, folder, record, summary)
        self._names = [picture.name for picture in pictures]
        if self._other is not None:
            write_report(self._context, self._other, record, summary)

    def places(self, run: Path) -> tuple[Path, list[Path]]:
        """Return page and pictures where a person finds them, once the run is published."""
        from athena.app.commands.report import REPORT_NAME

        folder = self._other or run
        return folder / REPORT_NAME, [folder / name for name in self._names]


class _RunProgress:
    """Show one bar for the run and each of its baselines, in bars per second."""

    def __init__(self, context: Context, stack: ExitStack) -> None:
        self._context = context
        self._stack = stack
        self._label = ""

    def __call__(self, label: str, done: int, total: int) -> None:
        if label != self._label:
            self._stack.close()
            shown = self._context.output.progress(label, total, "bars")
            self._show = self._stack.enter_context(shown)
            self._label = label
        self._show(done)


def _configured(context: Context, options: dict[str, object], risk: str) -> Config:
    """Load the configuration with the options on top; a risk file replaces the risk section."""
    from athena.platform.config import load_config

    config = context.load(options).config
    if risk in {"default", "open"}:
        return config
    own = load_config(Path(risk), environment={}).config
    return config.model_copy(update={"risk": own.risk})


def _samples(context: Context) -> Sequence[str]:
    """Name the sample data sets, and say how to bring them when they are not there."""
    from athena.errors import MissingError
    from athena.market import list_datasets

    names = {item.name for item in list_datasets(context.home)}
    missing = [name for name in _SAMPLE_SETS if name not in names]
    if missing:
        message = f"expected the sample data sets, was without {', '.join(missing)}"
        raise MissingError(message, hint="athena data sample, or state --data")
    return _SAMPLE_SETS


def parse_parameters(texts: Sequence[str]) -> dict[str, str]:
    """Read `k=v` pairs.

    Raises:
        InputError: no `=`, or a name twice.
    """
    from athena.errors import InputError

    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            message = f"expected --param as name=value, was {text!r}"
            raise InputError(message)
        if name in values:
            message = f"expected each parameter once, was {name!r} twice"
            raise InputError(message)
        values[name] = value
    return values


def new_run_id(now_ns: int, strategy: str, random_id: str) -> str:
    """Name a run by time and strategy; the random part keeps two of one second apart."""
    from athena.domain import ns_to_datetime

    stem = strategy.rpartition(":")[2]
    return f"{ns_to_datetime(now_ns):%Y%m%d-%H%M%S}-{stem}-{random_id[:6]}"


def _finish(
    context: Context, request: BacktestRequest, result: BacktestResult, reports: _Reports
) -> None:
    """Say what came out."""
    from athena.reporting import comparison_table, metrics_json

    html, pictures = reports.places(result.folder)
    record = result.record
    payload: dict[str, Any] = {
        "run_id": record.run_id,
        "digest": record.digest,
        "bars": result.n_bars,
        "orders": record.main.n_orders,
        "fills": record.main.n_fills,
        **metrics_json(record, result.summary),
        "final_equity": result.final_equity,
        "sentence": result.summary.sentence,
        "data": list(request.sources),
        "provenance": [dataclasses.asdict(item) for item in record.provenance],
        "report": html,
        "png": pictures,
        "bars_per_cpu_s": round(result.bars_per_cpu_s),
        "wall_s": round(result.wall_s, 3),
        "engine": "compiled" if result.is_compiled else "python",
        "refusals": record.main.refusals,
    }
    rows = comparison_table(record, result.summary)
    context.output.say(*result.warnings)
    context.output.emit(
        payload,
        _table(rows),
        *_halts(rows),
        result.summary.sentence,
        f"report: {html}",
        _next_commands(record.run_id),
    )


def _table(rows: Sequence[ComparisonRow]) -> Table:
    columns = (
        "",
        ">return",
        ">Sharpe [95 %]",
        ">max fall",
        ">fees",
        ">orders",
        ">fills",
        "refused",
    )
    return Table(columns, [_cells(row) for row in rows])


def _cells(row: ComparisonRow) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.total_return.value:+.1%}",
        _sharpe(row),
        f"{row.max_drawdown.value:.1%}",
        f"{row.fees:,.0f}",
        f"{row.n_orders:,}",
        f"{row.n_fills:,}",
        _refusals(row.refusals),
    )


def _sharpe(row: ComparisonRow) -> str:
    """Write the ratio with its interval; a flat curve has none."""
    if math.isnan(row.sharpe.value):
        return "none"
    if math.isnan(row.sharpe.low):
        return f"{row.sharpe.value:.2f}"
    return f"{row.sharpe.value:.2f} [{row.sharpe.low:.2f}, {row.sharpe.high:.2f}]"


def _refusals(refusals: dict[str, int]) -> str:
    """Name the gates that refused most."""
    shown = [f"{code} {n:,}" for code, n in list(refusals.items())[:_SHOWN_REFUSALS]]
    more = len(refusals) - len(shown)
    return ", ".join([*shown, f"{more} more"] if more > 0 else shown)


def _halts(rows: Sequence[ComparisonRow]) -> list[str]:
    from athena.domain import format_time
    from athena.reporting import describe_halts

    return [f"{row.name}: {describe_halts(row.halts, format_time)}" for row in rows if row.halts]


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
