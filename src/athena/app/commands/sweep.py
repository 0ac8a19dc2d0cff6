"""`athena sweep`: every combination of parameters, ranked by its out-of-sample result."""

from __future__ import annotations

import dataclasses
import math
import sys
from contextlib import ExitStack, redirect_stdout
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
)
from athena.app._output import Progress, Table

if TYPE_CHECKING:
    from athena.research.sweep import Status, SweepRequest, SweepResult, SweepRow

_SIGNIFICANT = 0.95
_WHOLE_RATE = 10.0  # combinations a second; slower ones are shown with a digit more


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("sweep")(sweep)


def sweep(  # noqa: PLR0913 - the options of the contract
    ctx: typer.Context,
    *,
    strategy: StrategyOption,
    grid: Annotated[
        list[str], typer.Option(help="What varies: name=first:last:step or name=a,b,c.")
    ],
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
    engine: EngineOption = EngineChoice.AUTO,
    kind: KindOption = None,
    random: Annotated[
        int | None, typer.Option(help="Try so many combinations, drawn with the seed; else all.")
    ] = None,
    oos: Annotated[
        str, typer.Option(help="Part of the time, at its end, that is out of sample.")
    ] = "0.3",
    workers: Annotated[
        int | None, typer.Option(help="Processes; a core each when not given.")
    ] = None,
    ray: Annotated[
        str | None, typer.Option(help="Address of a Ray cluster to use, such as 127.0.0.1:6379.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many rows to show.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Try every combination of parameters; each counts as a trial. The same command goes on.

    Example: athena sweep --strategy sma_cross --data btc-usd-30m --grid fast=5:20:5
    """
    from athena.domain import parse_decimal
    from athena.platform import SystemClock
    from athena.research import parse_grid
    from athena.research.sweep import RayExecutor, SweepRequest, run_sweep

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
    _check_counts(top=top, workers=workers, ray=ray)
    config = options.config(context)
    context.start_logging()
    run = options.request(context)
    request = SweepRequest(
        run=run,
        grid=parse_grid(grid, run.parameters),
        n_random=random,
        oos_frac=parse_decimal(oos, what="--oos"),
    )
    # What a strategy prints is talk: stdout carries the result and nothing else.
    with redirect_stdout(sys.stderr), ExitStack() as stack:
        result = run_sweep(
            request,
            config,
            context.home,
            now_ns=SystemClock().now_ns(),
            n_workers=workers,
            executor=None if ray is None else RayExecutor(ray),
            on_progress=_Progress(context, strategy, stack),
        )
    _finish(context, request, result, top)


class _Progress:
    """Show one bar for the combinations that are left to try, with their rate."""

    def __init__(self, context: Context, label: str, stack: ExitStack) -> None:
        self._context = context
        self._label = label
        self._stack = stack
        self._show: Progress | None = None

    def __call__(self, done: int, total: int) -> None:
        if self._show is None:
            shown = self._context.output.progress(self._label, total, "combinations")
            self._show = self._stack.enter_context(shown)
        self._show(done)


def _check_counts(*, top: int, workers: int | None, ray: str | None) -> None:
    """Refuse counts below 1, and two ways to share the work."""
    from athena.errors import InputError

    for name, value in (("--top", top), ("--workers", workers)):
        if value is not None and value < 1:
            message = f"expected {name} >= 1, was {value}"
            raise InputError(message)
    if workers is not None and ray is not None:
        message = "expected --workers or --ray, was both"
        raise InputError(message, hint="a Ray cluster knows its own cores")


def _finish(context: Context, request: SweepRequest, result: SweepResult, top: int) -> None:
    """Say what came out."""
    from athena.research.sweep import Status

    payload: dict[str, Any] = {
        "sweep_id": result.sweep_id,
        "trials": result.trials,
        "combinations": len(result.rows),
        "refused": _count(result, Status.REFUSED),
        "failed": _count(result, Status.FAILED),
        "best": None if result.best is None else _row_values(result.best),
        "deflated_sharpe": result.deflated_sharpe,
        "pbo": result.overfitting.pbo,
        "rows": [_row_values(row) for row in result.rows],
        "combos_per_s": result.combos_per_s,
        "wall_s": round(result.wall_s, 3),
        "tried_now": result.n_tried,
        "engine": "compiled" if result.is_compiled else "python",
        "sentence": describe_luck(result),
        "warnings": result.warnings,
        "folder": result.folder,
    }
    context.output.say(*result.warnings)
    context.output.emit(
        payload, _table(request, result, top), *_counts(result), describe_luck(result)
    )


def _count(result: SweepResult, status: Status) -> int:
    return sum(1 for row in result.rows if row.status is status)


def _row_values(row: SweepRow) -> dict[str, Any]:
    values = dataclasses.asdict(row)
    del values["number"]
    return {**values, "status": row.status.value, "parameters": dict(row.parameters)}


def _table(request: SweepRequest, result: SweepResult, top: int) -> Table:
    names = [axis.name for axis in request.grid.axes]
    heads = (">Sharpe unseen", ">seen", ">all", ">return", ">max fall", ">fees", ">fills")
    columns = (">", *(f">{name}" for name in names), *heads)
    rows = [
        (
            str(row.rank),
            *(row.parameters[name] for name in names),
            _ratio(row.out_of_sample_sharpe),
            _ratio(row.in_sample_sharpe),
            _ratio(row.sharpe),
            f"{row.total_return:+.1%}",
            f"{row.max_drawdown_of_marks:.1%}",
            f"{row.fees:,.0f}",
            f"{row.n_fills:,}",
        )
        for row in result.rows[:top]
        if row.rank
    ]
    return Table(columns, rows)


def _ratio(value: float) -> str:
    """Write a Sharpe ratio; an account that did not vary has none."""
    return "none" if math.isnan(value) else f"{value:.2f}"


def _counts(result: SweepResult) -> list[str]:
    """Say how many there were, what was not run and why, and where all of it is."""
    from athena.research.sweep import Status

    lines = []
    for status in (Status.REFUSED, Status.FAILED):
        rows = [row for row in result.rows if row.status is status]
        if rows:
            lines.append(f"{len(rows):,} {status.value}, such as: {rows[0].message}")
    n_digits = 0 if result.combos_per_s >= _WHOLE_RATE else 1
    known_rate = f", {result.combos_per_s:,.{n_digits}f}/s"
    rate = "" if math.isnan(result.combos_per_s) else known_rate
    before = len(result.rows) - result.n_tried
    known = f", {before:,} of them known from an earlier call" if before else ""
    lines.append(f"{len(result.rows):,} combinations{known}{rate}; all in {result.folder}")
    return lines


def describe_luck(result: SweepResult) -> str:
    """Say in one sentence how likely it is that the best combination is luck."""
    if result.best is None:
        return (
            "No combination traded out of sample: there is nothing to choose from. Limits that "
            "halted trading before may be why; --risk open runs without them."
        )
    skill, pbo = result.deflated_sharpe, result.overfitting.pbo
    if math.isnan(skill):
        return "The best combination cannot be told from luck: its account hardly varied."
    is_skill = "" if skill > _SIGNIFICANT else "not "
    text = (
        f"After {result.trials:,} trials on these data the best is {is_skill}distinguishable "
        f"from luck (deflated Sharpe ratio {skill:.2f}, {_SIGNIFICANT} is the bar)"
    )
    if math.isnan(pbo):
        return f"{text}; too little time or too few combinations to say what choosing is worth."
    return (
        f"{text}; in {pbo:.0%} of the ways to split time in halves, what was best in one half "
        "was no better than the median in the other."
    )
