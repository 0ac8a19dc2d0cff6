"""The operator's commands: pause, resume, halt, flatten, close, approve, reject, limit."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.errors import AthenaError, InputError, RefusedError

_DEFAULT_WAIT_S = 5.0
_RISK = "risk."
_Reason = Annotated[
    str | None, typer.Option("--reason", "-r", help="Why; recorded, and asked for when missing.")
]
_Session = Annotated[
    str | None, typer.Option("--session", help="Id of the session; else the one under way.")
]
_Confirm = Annotated[
    str, typer.Option("--confirm", help="Single-use token that the first call printed.")
]
_Wait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait for the engine's answer.")
]
_Decision = Annotated[str, typer.Argument(metavar="ID", help="Id of the decision.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("pause")(pause)
    app.command("resume")(resume)
    app.command("halt")(halt)
    app.command("flatten")(flatten)
    app.command("close")(close)
    app.command("approve")(approve)
    app.command("reject")(reject)
    app.command("limit")(limit)


def pause(
    ctx: typer.Context,
    *,
    reason: _Reason = None,
    session: _Session = None,
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Take no new risk until resumed, in every session under way; analysis and protection go on.

    Example: athena pause --reason "news at 14:00"
    """
    from athena.app import _operating as operating
    from athena.app.live import Verb, Wish, no_session

    context = _begin(ctx, as_json=as_json)
    why = operating.asked_reason(context, reason)
    with operating.reached(context) as database:
        sessions = operating.sessions_under_way(database, session)
        if not sessions:
            raise no_session(session)
        asked = [
            operating.send(context, database, Wish(item.id, Verb.PAUSE, why)) for item in sessions
        ]
        found = operating.wait_for_answers(context, database, asked, wait)
    operating.emit_requests(context, found)


def resume(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    *,
    admin: Annotated[
        bool, typer.Option("--admin", help="End every latched halt too, and remove HALT.")
    ] = False,
    reason: _Reason = None,
    session: _Session = None,
    confirm: _Confirm = "",
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """End a pause; with --admin also halts, the kill switch and the stop after a drawdown.

    Example: athena resume --reason "the news is out"
    """
    from athena.app import _halting as halting
    from athena.app import _operating as operating
    from athena.app.live import HALT_NAME, Verb, Wish, read_halt

    context = _begin(ctx, as_json=as_json)
    why = operating.asked_reason(context, reason)
    verb = Verb.ADMIN_RESUME if admin else Verb.RESUME
    with operating.reached(context) as database:
        if admin and halting.has_only_the_file(context, database, session):
            asked = halting.clear_without_engine(context, database, why, confirm)
        else:
            wish = Wish(operating.chosen_session(database, session).id, verb, why)
            asked = operating.send(context, database, wish, confirm)
        found = operating.wait_for_answers(context, database, [asked], wait)
    file = context.home / HALT_NAME
    is_there = read_halt(context.home) is not None
    remarks = [f"{file} is there and halts: athena resume --admin"] if is_there else []
    operating.emit_requests(context, found, *remarks, halt_file=file if is_there else None)


def halt(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    *,
    kill: Annotated[
        bool, typer.Option("--flatten", help="Close every position too: the kill switch.")
    ] = False,
    by_file: Annotated[
        bool, typer.Option("--file", help="Write HALT into the home; ask no database.")
    ] = False,
    reason: _Reason = None,
    session: _Session = None,
    confirm: _Confirm = "",
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Allow exits and protection only, in every session under way, until an admin resumes.

    When the database or the engine does not answer, the file HALT is written into the home, which
    the engine looks for every second. With --flatten it is the kill switch, of one session.

    Example: athena halt --reason "the venue shows wrong prices"
    """
    from athena.app import _halting as halting
    from athena.app import _operating as operating
    from athena.app.live import RequestState, Verb, Wish, no_session, only_session

    context = _begin(ctx, as_json=as_json)
    why = operating.asked_reason(context, reason)
    if by_file:
        halting.halt_by_file(context, why, kill=kill)
        return
    if not halting.has_sessions(context.home):
        operating.check_started(context)
    verb = Verb.KILL if kill else Verb.HALT
    with ExitStack() as stack:
        try:
            database = stack.enter_context(operating.reached(context))
            sessions = operating.sessions_under_way(database, session)
        except AthenaError as error:  # whatever is wrong with the database, the file needs none
            halting.halt_without_database(context, why, error, kill=kill)
        if not sessions and session is None and halting.has_sessions(context.home):
            # One may run whose database was taken from under it; the file reaches it anyway.
            halting.halt_by_file(context, why, kill=kill)
            return
        if not sessions:
            raise no_session(session)
        if kill:
            only_session(sessions)
        try:
            asked = [
                operating.send(context, database, Wish(item.id, verb, why), confirm)
                for item in sessions
            ]
            found = operating.wait_for_answers(context, database, asked, wait)
        except (RefusedError, InputError):
            raise
        except AthenaError as error:
            halting.halt_without_database(context, why, error, kill=kill)
    if all(item.state is not RequestState.PENDING for item in found):
        operating.emit_requests(context, found, halt_file=None)
        return
    file = halting.write_file(context, why, keeps_positions=not kill)
    remark = f"wrote {file} too: an engine of this home reads it without a database"
    operating.emit_requests(context, found, remark, halt_file=file)


def flatten(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    *,
    reason: _Reason = None,
    session: _Session = None,
    confirm: _Confirm = "",
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Cancel the entries and close every position at market; trading goes on afterwards.

    Example: athena flatten --reason "the weekend begins"
    """
    from athena.app._operating import Asked, operate
    from athena.app.live import Verb

    context = _begin(ctx, as_json=as_json)
    operate(context, Verb.FLATTEN, Asked(reason, session, confirm, wait))


def close(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    symbol: Annotated[str, typer.Argument(help="Symbol of the position, such as BTC/USD.")],
    *,
    reason: _Reason = None,
    session: _Session = None,
    confirm: _Confirm = "",
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Close the position in one symbol at market.

    Example: athena close BTC/USD --reason "the thesis is gone"
    """
    from athena.app._operating import Asked, operate
    from athena.app.live import Verb

    context = _begin(ctx, as_json=as_json)
    asked = Asked(reason, session, confirm, wait)
    operate(context, Verb.CLOSE, asked, {"symbol": symbol.upper()})


def approve(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    decision: _Decision,
    *,
    quantity: Annotated[
        str | None, typer.Option(help="Another size, in base units; the risk engine judges it.")
    ] = None,
    reason: _Reason = None,
    session: _Session = None,
    confirm: _Confirm = "",
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Let a decision that waits for a person go on to the risk engine, which may still refuse it.

    Example: athena approve 4f2a --reason "agrees with my view"
    """
    from athena.app._operating import Asked, operate, positive
    from athena.app.live import Verb

    context = _begin(ctx, as_json=as_json)
    asked = Asked(reason, session, confirm, wait)
    size = {} if quantity is None else {"quantity": positive(quantity, "quantity")}
    operate(context, Verb.APPROVE, asked, {"decision": decision, **size})


def reject(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    decision: _Decision,
    *,
    reason: _Reason = None,
    session: _Session = None,
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Let a decision that waits for a person go no further.

    Example: athena reject 4f2a --reason "earnings tonight"
    """
    from athena.app._operating import Asked, operate
    from athena.app.live import Verb

    context = _begin(ctx, as_json=as_json)
    operate(context, Verb.REJECT, Asked(reason, session, "", wait), {"decision": decision})


def limit(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    change: Annotated[
        str, typer.Argument(metavar="KEY=VALUE", help="A risk key and its new value.")
    ],
    *,
    reason: _Reason = None,
    session: _Session = None,
    confirm: _Confirm = "",
    wait: _Wait = _DEFAULT_WAIT_S,
    as_json: JsonOption = False,
) -> None:
    """Change a risk limit of a session under way, within the bounds that no file can raise.

    It holds for the session; the configuration file stays as it is.

    Example: athena limit risk.positions_max=3 --reason "thin markets"
    """
    from athena.app._operating import Asked, operate
    from athena.app.live import Verb

    context = _begin(ctx, as_json=as_json)
    name, value = _checked_limit(context, change)
    asked = Asked(reason, session, confirm, wait)
    operate(context, Verb.LIMIT, asked, {"name": name, "value": value})


def _begin(ctx: typer.Context, *, as_json: bool) -> Context:
    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    return context


def _checked_limit(context: Context, change: str) -> tuple[str, str]:
    """Return the key, and the value as the configuration reads it.

    Raises:
        InputError: the change is no `KEY=VALUE` of a risk key.
        ConfigError: the key is not known, or the value beyond its bounds.
    """
    given, equals, text = change.partition("=")
    given = given.strip()
    name = given if given.startswith(_RISK) else f"{_RISK}{given}"
    if not equals or not text.strip():
        message = f"expected KEY=VALUE, was {change!r}"
        raise InputError(message, hint="athena limit risk.positions_max=3")
    value: Any = context.load({name: text.strip()}).config.model_dump()
    for part in name.split("."):
        value = value[part]
    return name, str(value)
