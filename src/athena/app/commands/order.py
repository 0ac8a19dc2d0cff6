"""`athena order`: orders and execution plans of a person, judged by the risk engine like any."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from athena.app._context import Context, JsonOption

_DEFAULT_WAIT_S = 5.0
# What has to be a number above 0, and what a span of time, before anybody is asked.
_NUMBERS = ("quantity", "quote_amount", "limit", "trigger", "stop", "target")
_SPANS = {"every", "window"}
_SIDE = Literal["buy", "sell"]
_Symbol = Annotated[str, typer.Argument(help="Symbol, such as BTC/USD.")]
_Side = Annotated[_SIDE, typer.Argument(help="Direction.")]
_Quantity = Annotated[str, typer.Argument(help="In base currency; with --quote money to spend.")]
_Total = Annotated[str, typer.Argument(help="In base currency.")]
_Money = Annotated[str, typer.Argument(help="In quote currency.")]
_IsQuote = Annotated[bool, typer.Option("--quote", help="The quantity is money to spend.")]
_Stop = Annotated[str | None, typer.Option("--stop", help="Price of the protective stop.")]
_Target = Annotated[str | None, typer.Option("--target", help="Price that takes the profit.")]
_Slot = Annotated[
    str | None,
    typer.Option("--slot", help="Whose position it is: a strategy, manual or core."),
]
_Limit = Annotated[str | None, typer.Option("--limit", help="Worst price; without it at market.")]
_Reason = Annotated[
    str | None, typer.Option("--reason", "-r", help="Why; recorded, and asked for when missing.")
]
_Session = Annotated[
    str | None, typer.Option("--session", help="Id of the session; else the one under way.")
]
_Wait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait for the engine's answer.")
]


def register(app: typer.Typer) -> None:
    """Add the group `order` to the command line."""
    group = typer.Typer(help="Place an order, or many over time.", no_args_is_help=True)
    group.command("market")(market)
    group.command("limit")(limit)
    group.command("stop")(stop)
    group.command("twap")(twap)
    group.command("vwap")(vwap)
    group.command("dca")(dca)
    group.command("plans")(plans)
    group.command("plan-stop")(plan_stop)
    group.command("rebalance")(rebalance)
    group.command("hodl")(hodl)
    app.add_typer(group, name="order")


def market(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    symbol: _Symbol,
    side: _Side,
    quantity: _Quantity,
    *,
    is_quote: _IsQuote = False,
    stop_price: _Stop = None,
    target: _Target = None,
    slot: _Slot = None,
    reason: _Reason = None,
    session: _Session = None,
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Buy or sell at the market's price, as far as the risk engine allows.

    Example: athena order market BTC/USD buy 0.01 --stop 59000 --reason "breakout"
    """
    arguments = _order(symbol, side, "market", stop=stop_price, target=target, slot=slot)
    arguments["quote_amount" if is_quote else "quantity"] = quantity
    _ask(ctx, "order", arguments, reason, session, wait, as_json=as_json)


def limit(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    symbol: _Symbol,
    side: _Side,
    quantity: _Total,
    price: Annotated[str, typer.Argument(help="The worst that is paid, or taken.")],
    *,
    post_only: Annotated[
        bool, typer.Option("--post-only", help="Refuse it rather than take liquidity.")
    ] = False,
    time_in_force: Annotated[
        Literal["gtc", "ioc", "fok"], typer.Option(help="How long it works.")
    ] = "gtc",
    stop_price: _Stop = None,
    target: _Target = None,
    slot: _Slot = None,
    reason: _Reason = None,
    session: _Session = None,
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Buy or sell at a price or better; an unfilled purchase is cancelled after an hour.

    Example: athena order limit BTC/USD buy 0.01 60000 --stop 58500 --reason "support"
    """
    arguments = _order(
        symbol, side, "limit", stop=stop_price, target=target, slot=slot, limit=price
    )
    arguments |= {"quantity": quantity, "time_in_force": time_in_force}
    arguments["post_only"] = "true" if post_only else "false"
    _ask(ctx, "order", arguments, reason, session, wait, as_json=as_json)


def stop(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    symbol: _Symbol,
    side: _Side,
    quantity: _Total,
    trigger: Annotated[str, typer.Argument(help="Price that sets it off.")],
    *,
    limit_price: Annotated[
        str | None, typer.Option("--limit", help="Worst price once it is set off.")
    ] = None,
    stop_price: _Stop = None,
    target: _Target = None,
    slot: _Slot = None,
    reason: _Reason = None,
    session: _Session = None,
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Wait at the venue for a price, then buy or sell at market, or no worse than --limit.

    Example: athena order stop BTC/USD sell 0.01 58000 --slot sma_cross --reason "safety net"
    """
    kind = "stop" if limit_price is None else "stop_limit"
    arguments = _order(
        symbol,
        side,
        kind,
        stop=stop_price,
        target=target,
        slot=slot,
        limit=limit_price,
        trigger=trigger,
    )
    _ask(ctx, "order", arguments | {"quantity": quantity}, reason, session, wait, as_json=as_json)


def twap(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    symbol: _Symbol,
    side: _Side,
    quantity: _Total,
    *,
    slices: Annotated[int, typer.Option(min=1, max=500, help="How many orders.")] = 10,
    window: Annotated[str, typer.Option(help="Over how long, such as 60m.")] = "1h",
    limit_price: _Limit = None,
    stop_price: _Stop = None,
    slot: _Slot = None,
    reason: _Reason = None,
    session: _Session = None,
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Trade a total in equal slices over a time; it goes on after a crash.

    Example: athena order twap BTC/USD buy 0.5 --slices 10 --window 60m --reason "accumulate"
    """
    arguments = _plan(symbol, side, "twap", limit_price, stop_price, slot)
    arguments |= {"quantity": quantity, "slices": str(slices), "window": window}
    _ask(ctx, "plan", arguments, reason, session, wait, as_json=as_json)


def vwap(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    symbol: _Symbol,
    side: _Side,
    quantity: _Total,
    *,
    profile: Annotated[
        str,
        typer.Option(help="Volume expected in each 10 minutes, separated by commas; empty: twap."),
    ] = "",
    limit_price: _Limit = None,
    stop_price: _Stop = None,
    slot: _Slot = None,
    reason: _Reason = None,
    session: _Session = None,
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Trade a total in slices that follow a volume profile, 10 minutes apart.

    Example: athena order vwap BTC/USD sell 0.5 --profile 5,8,13,8,5 --reason "reduce"
    """
    arguments = _plan(symbol, side, "vwap", limit_price, stop_price, slot)
    arguments |= {"quantity": quantity, "profile": profile}
    _ask(ctx, "plan", arguments, reason, session, wait, as_json=as_json)


def dca(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    symbol: _Symbol,
    amount: _Money,
    *,
    batches: Annotated[int, typer.Option(min=1, max=500, help="How many, from 500 on.")] = 6,
    every: Annotated[str, typer.Option(help="Time between two, such as 4h.")] = "4h",
    reason: _Reason = None,
    session: _Session = None,
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Buy for an amount of money in batches; they are holdings of the core book, without a stop.

    Example: athena order dca BTC/USD 1000 --batches 6 --every 4h --reason "savings"
    """
    arguments = {"kind": "dca", "symbol": symbol.upper(), "side": "buy", "quote_amount": amount}
    arguments |= {"batches": str(batches), "every": every}
    _ask(ctx, "plan", arguments, reason, session, wait, as_json=as_json)


def plans(ctx: typer.Context, *, session: _Session = None, as_json: JsonOption = False) -> None:
    """List the plans under way, and how far each is.

    Example: athena order plans
    """
    from athena.app import _shown as shown
    from athena.app._output import Table
    from athena.domain import format_decimal, format_time

    context = Context.of(ctx, as_json=as_json)
    with shown.looking(context, session) as (seen, _):
        pass
    found = seen.snapshot.plans if seen.snapshot else ()
    columns = (
        "plan",
        "kind",
        "symbol",
        "side",
        "slot",
        ">done",
        ">total",
        "unit",
        ">orders",
        "began",
    )
    rows = [
        (
            item.id,
            item.kind.value,
            item.symbol,
            item.side.value,
            item.slot,
            format_decimal(item.done),
            format_decimal(item.total),
            item.currency,
            f"{item.n_asked} of {item.n_planned}",
            format_time(item.started_ns)[:19],
        )
        for item in found
    ]
    values = [asdict(item) | {"started_at": format_time(item.started_ns)} for item in found]
    for item in values:
        del item["started_ns"]
    context.output.emit(
        shown.head_values(seen) | {"plans": values},
        shown.head_line(seen),
        Table(columns, rows) if rows else "no plans under way",
    )


def plan_stop(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    plan: Annotated[str, typer.Argument(metavar="ID", help="Id of the plan, or its beginning.")],
    *,
    reason: _Reason = None,
    session: _Session = None,
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """End a plan, or a rebalance: its working order is cancelled, what was traded stays.

    Example: athena order plan-stop 4f2a --reason "changed my mind"
    """
    _ask(ctx, "plan_stop", {"plan": plan}, reason, session, wait, as_json=as_json)


def rebalance(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    *,
    skip: Annotated[
        bool, typer.Option("--skip", help="Leave the next one out; one under way is stopped.")
    ] = False,
    reason: _Reason = None,
    session: _Session = None,
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Put the core book's weights right now, however little they are off; only for an admin.

    Example: athena order rebalance --reason "new money came"
    """
    verb = "skip_rebalance" if skip else "rebalance"
    _ask(ctx, verb, {}, reason, session, wait, as_json=as_json)


def hodl(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    asset: Annotated[str, typer.Argument(help="Coin of the bags, such as BTC.")],
    *,
    reason: _Reason = None,
    session: _Session = None,
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Buy now what profits are set aside for, below its least purchase too; only for an admin.

    Example: athena order hodl BTC --reason "before the weekend"
    """
    _ask(ctx, "purchase", {"asset": asset.upper()}, reason, session, wait, as_json=as_json)


def _order(symbol: str, side: str, kind: str, **prices: str | None) -> dict[str, str]:
    given = {name: text for name, text in prices.items() if text is not None}
    return {"symbol": symbol.upper(), "side": side, "type": kind, **given}


def _plan(  # noqa: PLR0913, PLR0917 - what slices share
    symbol: str,
    side: str,
    kind: str,
    limit_price: str | None,
    stop_price: str | None,
    slot: str | None,
) -> dict[str, str]:
    order_type = "market" if limit_price is None else "limit"
    arguments = _order(symbol, side, order_type, limit=limit_price, stop=stop_price, slot=slot)
    return arguments | {"kind": kind}


def _ask(  # noqa: PLR0913, PLR0917 - the options that all share
    ctx: typer.Context,
    verb: str,
    arguments: dict[str, str],
    reason: str | None,
    session: str | None,
    wait_s: float,
    *,
    as_json: bool,
) -> None:
    from athena.app._operating import Asked, operate, positive
    from athena.app.live import Verb
    from athena.domain import parse_interval_ns

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    numbers = {name: positive(arguments[name], name) for name in _NUMBERS if name in arguments}
    for name in _SPANS & set(arguments):
        parse_interval_ns(arguments[name])
    asked = Asked(reason, session, "", wait_s)
    operate(context, Verb(verb), asked, {**arguments, **numbers})
