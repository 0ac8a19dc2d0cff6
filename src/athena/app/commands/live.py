"""`athena live`: real orders, behind the gate."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from athena.app._context import Context, JsonOption
from athena.app._market_options import ParamOption, parse_parameters
from athena.app.commands.paper import leave, lines_of, payload_of, starting
from athena.errors import RefusedError

if TYPE_CHECKING:
    from athena.app._live_gate import Checked, LiveRequest
    from athena.app._signals import Caught
    from athena.app.running import PaperRequest, RunResult
    from athena.platform.config import Config

_REFUSED = 4
_VENUE = "kraken"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("live")(live)


def live(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    *,
    strategy: Annotated[
        str | None, typer.Option(help="Built-in name, my_file.py:MyStrategy or module:Class.")
    ] = None,
    param: ParamOption = None,
    symbol: Annotated[
        list[str] | None, typer.Option(help="What to trade, such as BTC/USD; repeatable.")
    ] = None,
    interval: Annotated[str | None, typer.Option(help="Length of the bars, such as 1m.")] = None,
    duration: Annotated[
        str | None, typer.Option(help="How long, such as 1h; else for ever.")
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Begin another session, not go on with the last one.")
    ] = False,
    confirm: Annotated[
        str | None, typer.Option(help="The typed confirmation, where nobody can be asked.")
    ] = None,
    only_check: Annotated[
        bool, typer.Option("--check", help="Show the gate's conditions and do nothing else.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Trade with real money, once every condition of the gate holds.

    What is not typed comes from the section `session` of the configuration. The same command line
    goes on with its session where it stopped. SIGINT and SIGTERM end it in order: no new risk,
    stops stay at the venue.

    Example: athena live --check --strategy sma_cross --symbol BTC/USD
    """
    context = Context.of(ctx, as_json=as_json)
    with starting(context, _VENUE) as caught:
        from athena.app._live_gate import LiveRequest, check, check_start
        from athena.domain import parse_interval_ns

        config = context.config
        context.start_logging()
        request = LiveRequest.of(config, strategy, param or (), symbol or (), interval)
        if only_check:
            checked = check(context, config, request)
            context.output.emit(checked.to_values(), checked.table(), _verdict(checked))
            if not checked.report.is_open:
                raise typer.Exit(_REFUSED)
            return
        duration_ns = None if duration is None else parse_interval_ns(duration)
        _refuse(check_start(context, config, request))
        _confirm(context, request, confirm)
        result = _trade(context, config, _asked(request, duration_ns, wants_new=new), caught)
    context.output.emit(payload_of(result, _VENUE), *lines_of(result))
    leave(result)


def _verdict(checked: Checked) -> str:
    missing = [item.name for item in checked.report.missing]
    if missing:
        return f"the gate is shut: {', '.join(missing)}"
    return "the gate is open; athena live asks for the confirmation"


def _refuse(checked: Checked) -> None:
    """Refuse a start unless every condition holds.

    Raises:
        RefusedError: one does not; all that do not are named.
    """
    missing = checked.report.missing
    if missing:
        first, *others = missing
        more = f"; and without {', '.join(item.name for item in others)}" if others else ""
        message = (
            "expected every condition of the live gate to hold, was without "
            f"{first.name}: {first.text}{more}"
        )
        raise RefusedError(message, hint="athena live --check shows them all")


def _confirm(context: Context, request: LiveRequest, typed: str | None) -> None:
    """Let somebody type the word and the end of the key: the last condition of the gate.

    Raises:
        RefusedError: nobody can be asked, or something else was typed.
    """
    from athena.app._live_gate import confirmation_words

    words = confirmation_words()
    what = f"{request.strategy} on {', '.join(request.symbols)} will trade with real money"
    if typed is None and sys.stdin.isatty() and not context.is_json:
        typed = typer.prompt(f"{what}; type {words!r} to confirm", err=True)
    if typed is None:
        message = f"expected {words!r} as confirmation, was none"
        raise RefusedError(message, hint=f"--confirm {words!r}: {what}")
    if typed.strip() != words:
        message = f"expected {words!r} as confirmation, was {typed!r}"
        raise RefusedError(message, hint="nothing was done")


def _asked(request: LiveRequest, duration_ns: int | None, *, wants_new: bool) -> PaperRequest:
    from athena.app.running import PaperRequest
    from athena.domain import parse_interval_ns

    return PaperRequest(
        strategy=request.strategy,
        parameters=parse_parameters(request.param),
        symbols=request.symbols,
        interval_ns=parse_interval_ns(request.interval),
        duration_ns=duration_ns,
        wants_new=wants_new,
        arguments=sys.argv[1:],
    )


def _trade(context: Context, config: Config, request: PaperRequest, caught: Caught) -> RunResult:
    from athena.app._live_gate import live_keys
    from athena.app.running import Asked, KrakenDoor, run_over_kraken
    from athena.domain import RunMode

    door = KrakenDoor(config.venues.kraken.url, live_keys(), RunMode.LIVE)
    asked = Asked(request, config, context.home, context.output.say, caught)
    return run_over_kraken(asked, door)
