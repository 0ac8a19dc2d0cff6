"""What is so now: `athena status`, `orders`, `positions`, `balances` and `risk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table

if TYPE_CHECKING:
    from athena.app._shown import Shown

_N_ALERTS = 5
_Session = Annotated[
    str | None, typer.Option("--session", help="Id of the session; else the one under way.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("status")(status)
    app.command("orders")(orders)
    app.command("positions")(positions)
    app.command("balances")(balances)
    app.command("risk")(risk)


def status(ctx: typer.Context, *, session: _Session = None, as_json: JsonOption = False) -> None:
    """Say how the session is: halts, what it waits for, links, equity, and the last alerts.

    Example: athena status
    """
    from athena.app import _shown as shown
    from athena.app.live import count_pending, newest_alerts, read_halt

    context = Context.of(ctx, as_json=as_json)
    with shown.looking(context, session) as (seen, transaction):
        alerts = newest_alerts(transaction, seen.session.id, _N_ALERTS)
        n_pending = count_pending(transaction, seen.session.id)
    halt = read_halt(context.home)
    context.output.emit(
        shown.status_values(seen)
        | {
            "halt_file": None if halt is None else halt.reason,
            "pending_commands": n_pending,
            "alerts": [shown.alert_values(item) for item in alerts],
        },
        *shown.status_lines(seen, halt, n_pending),
        *([shown.alert_table(alerts)] if alerts else []),
    )


def orders(
    ctx: typer.Context,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that are final, newest first.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="With --all, show at most this many.")] = 100,
    session: _Session = None,
    as_json: JsonOption = False,
) -> None:
    """List the orders that are not final, with --all the last ones in any state, and why.

    Example: athena orders --all --limit 20
    """
    from athena.app import _shown as shown
    from athena.app.live import newest_orders, working_orders

    context = Context.of(ctx, as_json=as_json)
    with shown.looking(context, session) as (seen, transaction):
        found = (
            newest_orders(transaction, seen.session.id, limit)
            if everything
            else working_orders(transaction, seen.session.id)
        )
    rows = [shown.order_cells(item) for item in found]
    columns = (
        ">number", "symbol", "side", "type", "purpose", "state", ">quantity", ">filled",
        ">limit", ">trigger", ">average", "since", "reason",
    )  # fmt: skip
    _emit(
        context,
        seen,
        {"orders": [shown.order_values(item) for item in found]},
        Table(columns, rows) if rows else "no orders" if everything else "no working orders",
    )


def positions(
    ctx: typer.Context, *, session: _Session = None, as_json: JsonOption = False
) -> None:
    """List the open positions with their marks, stops and targets.

    Example: athena positions
    """
    from athena.app import _shown as shown

    context = Context.of(ctx, as_json=as_json)
    with shown.looking(context, session) as (seen, _):
        pass
    found = seen.snapshot.positions if seen.snapshot else ()
    columns = (
        "symbol", "strategy", "side", ">quantity", ">entry", ">mark", ">unrealised", ">stop",
        ">target",
    )  # fmt: skip
    rows = [shown.position_cells(item, seen.session_ns) for item in found]
    values = [shown.position_values(item, seen.session_ns) for item in found]
    _emit(
        context,
        seen,
        {"positions": values},
        Table(columns, rows) if rows else "no open positions",
    )


def balances(ctx: typer.Context, *, session: _Session = None, as_json: JsonOption = False) -> None:
    """List what the account holds, and how much of it no order reserves.

    Example: athena balances
    """
    from athena.app import _shown as shown

    context = Context.of(ctx, as_json=as_json)
    with shown.looking(context, session) as (seen, _):
        pass
    found = seen.snapshot.balances if seen.snapshot else ()
    rows = [shown.balance_cells(item, seen.session_ns) for item in found]
    values = [shown.balance_values(item, seen.session_ns) for item in found]
    columns = ("currency", ">total", ">free", "seen")
    _emit(
        context, seen, {"balances": values}, Table(columns, rows) if rows else "no balances known"
    )


def risk(ctx: typer.Context, *, session: _Session = None, as_json: JsonOption = False) -> None:
    """List the risk limits, how much of each is used, and what forbids new risk.

    Example: athena risk
    """
    from athena.app import _shown as shown

    context = Context.of(ctx, as_json=as_json)
    with shown.looking(context, session) as (seen, _):
        pass
    snapshot = seen.snapshot
    found = snapshot.limits if snapshot else ()
    values: dict[str, Any] = {
        "halts": list(snapshot.halts) if snapshot else [],
        "waiting_for": list(snapshot.waiting_for) if snapshot else [],
        "limits": [shown.limit_values(item) for item in found],
    }
    rows = [shown.limit_cells(item) for item in found]
    columns = ("limit", ">value", ">used", ">left")
    _emit(
        context,
        seen,
        values,
        *shown.obstacles(seen),
        Table(columns, rows) if rows else "no limits known",
    )


def _emit(context: Context, seen: Shown, values: dict[str, Any], *parts: str | Table) -> None:
    from athena.app import _shown as shown

    context.output.emit(shown.head_values(seen) | values, shown.head_line(seen), *parts)
