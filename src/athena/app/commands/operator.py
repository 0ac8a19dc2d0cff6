"""`athena operator`: who may operate, and what was tried."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table
from athena.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_NameArgument = Annotated[str, typer.Argument(help="Name of the operator.")]


def register(app: typer.Typer) -> None:
    """Add the group `operator` to the command line."""
    group = typer.Typer(help="Who may operate, and what was tried.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_all)
    group.command("revoke")(revoke)
    group.command("log")(log)
    app.add_typer(group, name="operator")


def add(
    ctx: typer.Context,
    name: _NameArgument,
    *,
    role: Annotated[
        Literal["viewer", "trader", "admin"], typer.Option(help="What the operator may do.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Give somebody a role and a token, which is shown once; for admins.

    A viewer looks, a trader pauses, resumes, halts, closes and decides, an admin also changes
    limits and ends latched halts. Who starts the first session in a home is its first admin.

    Example: athena operator add maria --role trader
    """
    from athena.app._database import bring_up_to_date, opened
    from athena.app._operating import now_ns, proof_of
    from athena.app.live import (
        TOKEN_VARIABLE,
        Operator,
        Role,
        admit_admin,
        enrol_home,
        grant,
        list_operators,
        new_token,
    )
    from athena.platform import RandomIds

    context = Context.of(ctx, as_json=as_json)
    if not _NAME.fullmatch(name):
        message = f"expected a name of letters, digits, '.', '_', '@' and '-', was {name!r}"
        raise InputError(message)
    ids, now = RandomIds(), now_ns()
    with opened(context.config.database.url, context.home) as database:
        bring_up_to_date(database, context.home, now)
        with database.read() as transaction:
            is_first = not list_operators(transaction)
        if is_first:
            enrol_home(database, context.home, ids=ids, now_ns=now)
        proof = proof_of(context)
        admin = admit_admin(database, proof, name, now_ns=now)
        token = new_token(ids)
        with database.write() as transaction:
            known = [item.name for item in list_operators(transaction) if not item.revoked_ns]
            if name in known:
                message = f"expected a new name, was {name}, who has a token"
                raise InputError(message, hint=f"athena operator revoke {name}")
            operator = Operator(name, Role(role))
            grant(transaction, operator, token, door=proof.door, by=admin.name, now_ns=now)
    context.output.emit(
        {"name": name, "role": role, "token": token},
        f"{name} is {role} with this token, which is shown only now:",
        f"export {TOKEN_VARIABLE}={token}",
    )


def list_all(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """List everybody who was ever given a token.

    Example: athena operator list
    """
    from athena.app._operating import reached
    from athena.app.live import list_operators
    from athena.domain import format_time

    context = Context.of(ctx, as_json=as_json)
    with reached(context) as database, database.read() as transaction:
        found = list_operators(transaction)
    values: list[dict[str, Any]] = [
        {
            "name": item.name,
            "role": item.role,
            "since": format_time(item.since_ns),
            "revoked_at": None if item.revoked_ns is None else format_time(item.revoked_ns),
        }
        for item in found
    ]
    rows = [tuple(value or "" for value in item.values()) for item in values]
    context.output.emit(
        {"operators": values},
        Table(("name", "role", "since", "revoked"), rows) if rows else "nobody yet",
    )


def revoke(ctx: typer.Context, name: _NameArgument, *, as_json: JsonOption = False) -> None:
    """Make somebody's token void at once; for admins.

    Example: athena operator revoke maria
    """
    from athena.app import live
    from athena.app._operating import now_ns, proof_of, reached

    context = Context.of(ctx, as_json=as_json)
    with reached(context) as database:
        proof, now = proof_of(context), now_ns()
        admin = live.admit_admin(database, proof, name, now_ns=now)
        with database.write() as transaction:
            live.revoke(transaction, name, door=proof.door, by=admin.name, now_ns=now)
    context.output.emit({"name": name}, f"the token of {name} is void")


def log(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the last attempts to operate, refused ones too; exit 1 when the record was changed.

    Example: athena operator log --limit 20
    """
    from athena.app._operating import reached
    from athena.app.live import find_break, newest_entries
    from athena.domain import format_time

    context = Context.of(ctx, as_json=as_json)
    with reached(context) as database, database.read() as transaction:
        broken = find_break(transaction)
        found = newest_entries(transaction, limit)
    values = [
        {
            "at": format_time(item.at_ns),
            "operator": item.operator,
            "role": item.role,
            "door": item.door,
            "session": item.session,
            "request": item.request,
            "verb": item.verb,
            "arguments": json.loads(item.arguments),
            "reason": item.reason,
            "outcome": item.outcome,
            "detail": item.detail,
            "before": json.loads(item.state_before) if item.state_before else {},
            "after": json.loads(item.state_after) if item.state_after else {},
        }
        for item in found
    ]
    rows = [
        (
            item["at"][:19],
            item["operator"],
            _what(item["verb"], item["arguments"]),
            item["outcome"],
            item["detail"],
            item["reason"],
        )
        for item in values
    ]
    verdict = "the chain holds" if broken is None else f"CHANGED: entry {broken} is not as written"
    context.output.emit(
        {"ok": broken is None, "first_broken": broken, "entries": values},
        Table(("at", "operator", "what", "outcome", "detail", "reason"), rows),
        verdict,
    )
    if broken is not None:
        raise typer.Exit(1)


def _what(verb: str, arguments: dict[str, str]) -> str:
    """Say what was asked for; a verb of another version, or without its arguments, as it is."""
    from athena.app.live import Verb, Wish, sentence_of

    try:
        return sentence_of(Wish("", Verb(verb), "", arguments))
    except (ValueError, KeyError):
        return " ".join((verb, *arguments.values()))
