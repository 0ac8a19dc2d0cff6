"""`athena why`: why nothing happened, or why it did."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table

if TYPE_CHECKING:
    from pathlib import Path

    from athena.research import IntentStory

_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("why")(why)


def why(
    ctx: typer.Context,
    symbol: Annotated[str | None, typer.Argument(help="Only this symbol.")] = None,
    *,
    at: Annotated[
        str | None, typer.Option(help="The decision at this time, or the newest before it.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Id of the run; the newest when none.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Follow every intent of a run: what was asked, what risk said, what was filled.

    Example: athena why BTC/USD --at 2018-11-14
    """
    from athena.app.commands.report import newest_run, run_folder
    from athena.domain import DenialCode, parse_time_ns
    from athena.research import tell_intents

    context = Context.of(ctx, as_json=as_json)
    folder = run_folder(context, run or newest_run(context))
    if symbol is not None:
        _check_symbol(symbol, folder)
    stories = [story for story in tell_intents(folder) if symbol in {None, story.symbol}]
    if at is not None:
        before = [story for story in stories if story.ts_ns <= parse_time_ns(at)]
        stories = [story for story in before if story.ts_ns == before[-1].ts_ns]
    refusals = Counter(story.code for story in stories if story.code)
    rows = [(code, f"{n:,}", DenialCode(code).meaning) for code, n in refusals.most_common()]
    context.output.emit(
        {"refusals": dict(refusals), "chain": [_values(story) for story in stories]},
        f"{len(stories):,} intents, {sum(refusals.values()):,} refused",
        Table(("refused by", ">times", "meaning"), rows, title="gates"),
        Table(
            ("at", "symbol", "asked", "risk", ">approved", ">filled", "order ended"),
            [_cells(story) for story in stories[-_SHOWN:]],
            title=f"the last {min(_SHOWN, len(stories))}",
        ),
    )


def _check_symbol(symbol: str, folder: Path) -> None:
    """Refuse a symbol that the run did not trade.

    Raises:
        InputError: the message names the run's symbols.
    """
    from athena.errors import InputError
    from athena.research import read_run_description

    symbols = read_run_description(folder)["parameters"]["symbols"]
    if symbol not in symbols:
        message = f"expected a symbol of run {folder.name}: {', '.join(symbols)}, was {symbol!r}"
        raise InputError(message)


def _values(story: IntentStory) -> dict[str, Any]:
    from athena.domain import format_time

    return {
        "time": format_time(story.ts_ns),
        "order": story.order,
        "symbol": story.symbol,
        "strategy": story.strategy,
        "signal": story.asked,
        "confidence": story.confidence,
        "risk": story.code or "approved",
        "all_failures": list(story.failures),
        "size": story.approved,
        "fill": story.filled,
        "state": story.state,
    }


def _cells(story: IntentStory) -> tuple[str, ...]:
    from athena.domain import format_decimal, format_time

    return (
        format_time(story.ts_ns),
        story.symbol,
        story.asked,
        story.code or "approved",
        format_decimal(story.approved),
        format_decimal(story.filled),
        story.state,
    )
