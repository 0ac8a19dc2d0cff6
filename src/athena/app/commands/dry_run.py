"""`athena dry-run`: everything is built and one decision cycle runs; nothing is sent (A21)."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from athena.app._context import Context, JsonOption
from athena.app._market_options import (
    DataOption,
    MarketOptions,
    ParamOption,
    RiskOption,
    StrategyOption,
    SymbolOption,
    ToOption,
)

_DEFAULT_CASH = "10000"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("dry-run")(dry_run)


def dry_run(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    *,
    strategy: StrategyOption = "rebalance",
    param: ParamOption = None,
    data: DataOption = None,
    symbol: SymbolOption = None,
    end: ToOption = None,
    cash: Annotated[
        str, typer.Option(help="What the account is assumed to hold, in quote currency.")
    ] = _DEFAULT_CASH,
    risk: RiskOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Build everything, run one decision cycle on the newest stored bar, and send nothing.

    It needs no network, no key and no data: without data it says that there is nothing to decide
    on. The account is assumed, never read.

    Example: athena dry-run --strategy sma_cross
    """
    from athena.app._rehearsal import rehearse

    context = Context.of(ctx, as_json=as_json)
    options = MarketOptions(
        strategy=strategy,
        param=param or (),
        data=data or (),
        symbol=symbol or (),
        end=end,
        cash=cash,
        risk=risk,
    )
    config = options.config(context)
    context.start_logging()
    # What a strategy prints is talk: stdout carries the result and nothing else.
    with redirect_stdout(sys.stderr):
        rehearsal = rehearse(context, options, config)
    context.output.emit(rehearsal.to_values(), *rehearsal.lines())
