"""`athena desk`: the agents at work, one decision at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from athena.app._context import Context, JsonOption
from athena.app._desk_explain import explain
from athena.app._desk_models import compare_models
from athena.app._desk_score import score
from athena.app._market_options import (
    DataOption,
    MarketOptions,
    RiskOption,
    SymbolOption,
    ToOption,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.domain import Bars

_DEFAULT_CASH = "10000"


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="Agents and their decisions.", no_args_is_help=True)
    group.command("cycle")(cycle)
    group.command("explain")(explain)
    group.command("score")(score)
    group.command("compare-models")(compare_models)
    app.add_typer(group, name="desk")


def cycle(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    *,
    data: DataOption = None,
    symbol: SymbolOption = None,
    end: ToOption = None,
    cash: Annotated[
        str, typer.Option(help="What the account is assumed to hold, in quote currency.")
    ] = _DEFAULT_CASH,
    risk: RiskOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Run one cycle of the desk on the newest stored bar, show who says what, and send nothing.

    The account is assumed, never read. A few cycles before it run silently: a regime takes two to
    be confirmed.

    Example: athena desk cycle --data btc-usd-30m
    """
    from athena.app._desk_cycle import run_newest_cycle

    context = Context.of(ctx, as_json=as_json)
    options = MarketOptions(
        strategy="desk",
        data=data or (),
        symbol=symbol or (),
        end=end,
        cash=cash,
        risk=risk,
    )
    config = options.config(context)
    context.start_logging()
    report = run_newest_cycle(options, config, _bars(context, options))
    context.output.emit(report.to_values(), *report.parts())


def _bars(context: Context, options: MarketOptions) -> Sequence[Bars]:
    """Load what was asked for, else the sample.

    Raises:
        InputError: the sources have bars of different lengths.
        MissingError: the sample is asked for and not there.
    """
    from athena.domain import format_interval
    from athena.errors import InputError
    from athena.research.runs import load_sources

    _, bars = load_sources(options.request(context), context.home)
    lengths = sorted({item.interval_ns for item in bars})
    if len(lengths) > 1:
        found = ", ".join(map(format_interval, lengths))
        message = f"expected bars of one length, was {found}"
        raise InputError(message)
    return bars
