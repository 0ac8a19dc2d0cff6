"""`athena paper`: the live loop on an exchange that is ours."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._market_options import ParamOption, SeedOption, parse_parameters
from athena.app._signals import Interrupted, catching_signals
from athena.errors import InputError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athena.app._signals import Caught
    from athena.app.running import Asked, RunResult

_SPEED_MAX = 100
_BUG = 70
_CHECK_FAILED = 1
_SIGNALLED = 128


class PaperVenue(StrEnum):
    """Where orders go."""

    SIM = "sim"
    KRAKEN = "kraken"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("paper")(paper)


def paper(  # noqa: PLR0913 - the options of the contract
    ctx: typer.Context,
    *,
    venue: Annotated[
        PaperVenue, typer.Option(help="An exchange in this process, or a local one by its wire.")
    ] = PaperVenue.SIM,
    strategy: Annotated[
        str | None, typer.Option(help="Built-in name, my_file.py:MyStrategy or module:Class.")
    ] = None,
    param: ParamOption = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Data set, file or mock, replayed; else Kraken's public prices."),
    ] = None,
    symbol: Annotated[
        list[str] | None, typer.Option(help="What to trade; with --data the symbol of each.")
    ] = None,
    interval: Annotated[
        str | None, typer.Option(help="Length of the bars, such as 1m; else the data's own.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.001, max=100_000, help="Seconds of the session per second.")
    ] = 1.0,
    duration: Annotated[
        str | None,
        typer.Option(help="How long by the session's clock, such as 1h; else for ever."),
    ] = None,
    cash: Annotated[
        str | None, typer.Option(help="That a new account at sim begins with, quote currency.")
    ] = None,
    seed: SeedOption = None,
    faults: Annotated[
        str, typer.Option(help="At sim: none, all, names with rates (late:0.1) or a YAML file.")
    ] = "none",
    new: Annotated[
        bool, typer.Option("--new", help="Begin another session, not go on with the last one.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Trade on paper: the loop of live trading, on prices as they come and an exchange of ours.

    The same command line goes on with its session where it stopped, after a crash too. SIGINT and
    SIGTERM end it in order: no new risk, stops stay at the venue.

    Example: athena paper --data mock --interval 1h --speed 3600 --duration 48h
    """
    context = Context.of(ctx, as_json=as_json)
    with starting(context, venue) as caught:
        from athena.app._venue_feed import read_faults
        from athena.app.running import Asked, PaperRequest, run_paper_here
        from athena.domain import parse_decimal, parse_interval_ns

        config = context.load({"run.seed": seed, "session.paper_cash": cash}).config
        context.start_logging()
        symbols = list(symbol or ())
        if not symbols and not data:
            symbols = [item.strip() for item in config.session.symbols.split(",")]
        request = PaperRequest(
            strategy=strategy or config.session.strategy,
            parameters=parse_parameters(param or ()),
            symbols=symbols,
            data=data or (),
            interval_ns=None if interval is None else parse_interval_ns(interval),
            speed=speed,
            duration_ns=None if duration is None else parse_interval_ns(duration),
            cash=parse_decimal(str(config.session.paper_cash), what="--cash"),
            faults=None if faults == "none" else read_faults(faults),
            wants_new=new,
            arguments=sys.argv[1:],
        )
        asked = Asked(request, config, context.home, context.output.say, caught)
        result = _over_sockets(asked) if venue is PaperVenue.KRAKEN else run_paper_here(asked)
    context.output.emit(payload_of(result, venue), *lines_of(result))
    leave(result)


@contextmanager
def starting(context: Context, venue: str) -> Iterator[Caught]:
    """Catch signals while a session is put together: one that comes then ends it, and says so.

    Raises:
        Exit: with 130 or 143, once it was said.
    """
    with catching_signals() as caught:
        try:
            yield caught
        except Interrupted as interrupted:
            values = {"session": "", "venue": venue, "end_reason": str(interrupted)}
            nothing = dict.fromkeys(("orders", "denied", "fills", "steps"), 0)
            words = f"{interrupted} while the session was put together; nothing was sent"
            context.output.emit({**values, **nothing}, words)
            raise typer.Exit(_SIGNALLED + caught.number) from None


def _over_sockets(asked: Asked) -> RunResult:
    """Trade at a local exchange; nothing else is reached, and no real key is used."""
    from athena.app.running import KrakenDoor, is_this_machine, paper_keys, run_over_kraken
    from athena.domain import RunMode

    request, url = asked.request, asked.config.venues.kraken.url
    if not is_this_machine(url):
        message = f"expected a local exchange at venues.kraken.url, was {url}"
        hint = "paper sends no orders to a real exchange: use --venue sim, or athena live"
        raise RefusedError(message, hint=hint)
    for name, is_given in (("--data", request.data), ("--faults", request.faults)):
        if is_given:
            message = f"expected no {name} with --venue kraken, was some"
            raise InputError(message, hint=f"athena venue serve {name} ...")
    if request.speed > _SPEED_MAX:
        message = f"expected --speed up to {_SPEED_MAX} with --venue kraken, was {request.speed:g}"
        raise InputError(message, hint="faster than that, a network is too slow: --venue sim")
    door = KrakenDoor(url, paper_keys(), RunMode.PAPER)
    return run_over_kraken(asked, door)


def payload_of(result: RunResult, venue: str) -> dict[str, Any]:
    """Return what came of a session, as JSON values."""
    return {
        "session": result.session_id,
        "venue": venue,
        "resumed": result.is_resumed,
        "end_reason": result.end_reason,
        "orders": result.orders,
        "denied": result.denied,
        "fills": result.fills,
        "steps": result.steps,
        "equity": result.equity,
        "cash": result.cash,
        "quote": result.quote,
        "positions": dict(result.positions),
        "violations": list(result.violations),
        "findings": list(result.findings),
        "halts": list(result.halts),
        "alerts": dict(result.alerts),
        "stopped_strategies": list(result.crashed),
        "speed": result.speed,
        "speed_reached": round(result.speed_reached, 3),
        "digest": result.digest,
    }


def lines_of(result: RunResult) -> Sequence[str]:
    """Return what came of a session, for a person."""
    from athena.app.running import behind_text, is_behind
    from athena.domain import format_decimal

    if result.equity is None:
        return [f"session {result.session_id}: {result.end_reason}; the account was not read yet"]
    asked, reached = result.speed, result.speed_reached
    held = ", ".join(f"{format_decimal(v)} {k}" for k, v in result.positions.items())
    return [
        f"session {result.session_id}: {result.end_reason}",
        f"equity {format_decimal(result.equity)} {result.quote}, holds {held or 'nothing'}",
        f"{result.orders} orders, {result.fills} fills, {result.denied} intents denied",
        *(f"violation: {text}" for text in result.violations),
        *(f"not trading: {text}" for text in (*result.halts, *result.findings)),
        *(f"stopped: strategy {name} raised" for name in result.crashed),
        *([behind_text(reached, asked)] if is_behind(reached, asked) else []),
        "books and venue agree" if not result.violations else "books and venue differ",
    ]


def leave(result: RunResult) -> None:
    """Exit with what came of it: a strategy that raised, books that differ, a signal."""
    if result.crashed:
        raise typer.Exit(_BUG)
    if result.violations:
        raise typer.Exit(_CHECK_FAILED)
    if result.signal:
        raise typer.Exit(_SIGNALLED + result.signal)
