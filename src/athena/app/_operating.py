"""What the operator commands share: the database, the confirmation, the wait for the engine."""

from __future__ import annotations

import dataclasses
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from athena.app._database import bring_up_to_date, is_there, opened
from athena.app.live import (
    Proof,
    RequestState,
    Verb,
    Wish,
    ask,
    choose_session,
    find_request,
    no_session,
    offer_confirmation,
    reachable_sessions,
    read_token,
    sentence_of,
    this_door,
)
from athena.domain import format_decimal, format_time, parse_decimal
from athena.errors import InputError, RefusedError
from athena.platform import RandomIds, SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from athena.app._context import Context
    from athena.app.live import Offer, Request, SessionRow
    from athena.platform.database import Database

UNANSWERED = 3
_REFUSED = 4
# From best to worst, with the exit code that each ends in.
_EXIT_CODES = {
    RequestState.EXECUTED: 0,
    RequestState.PENDING: UNANSWERED,
    RequestState.REJECTED: _REFUSED,
}
_DOOR = "command line"
_PAUSE_S = 0.05
_MEANINGS = {
    Verb.KILL: "halts and closes every position at market",
    Verb.FLATTEN: "cancels the entries and closes every position at market",
    Verb.CLOSE: "closes the position at market",
    Verb.APPROVE: "carries out the decision in another size",
    Verb.LIMIT: "changes a risk limit while trading goes on",
    Verb.ADMIN_RESUME: "ends every latched halt, the drawdown limit and the kill switch included",
}


@contextmanager
def reached(context: Context) -> Iterator[Database]:
    """Offer the home's database with its tables up to date.

    Raises:
        MissingError: there is none yet, so nothing was ever started.
        DatabaseDown: it does not answer.
    """
    check_started(context)
    with opened(context.config.database.url, context.home) as database:
        bring_up_to_date(database, context.home, now_ns())
        yield database


def check_started(context: Context) -> None:
    """Refuse a home without a database.

    Raises:
        MissingError: nothing was ever started there.
    """
    if not is_there(context.config.database.url, context.home):
        raise no_session()


def now_ns() -> int:
    """Return the time of this machine."""
    return SystemClock().now_ns()


def positive(text: str, what: str) -> str:
    """Return a number above 0 as it is kept: every digit, nothing around it.

    Raises:
        InputError: it is none.
    """
    value = parse_decimal(text.strip(), what=what)
    if value <= 0:
        message = f"expected a {what} > 0, was {text}"
        raise InputError(message)
    return format_decimal(value)


def has_person(context: Context) -> bool:
    """Tell whether somebody can be asked."""
    return sys.stdin.isatty() and not context.is_json


def asked_reason(context: Context, reason: str | None) -> str:
    """Return the reason; on a terminal it is asked for when it is missing.

    Raises:
        InputError: it is missing and nobody can be asked, or it is empty.
    """
    if reason is None and has_person(context):
        reason = typer.prompt("reason", err=True)
    if reason is None or not reason.strip():
        message = f"expected a reason, was {'none' if reason is None else 'an empty one'}"
        raise InputError(message, hint='--reason "why"')
    return reason


def sessions_under_way(database: Database, named: str | None) -> list[SessionRow]:
    """Return the named session or all that are under way; empty when there is none."""
    with database.read() as transaction:
        return reachable_sessions(transaction, named, now_ns=now_ns())


def chosen_session(database: Database, named: str | None) -> SessionRow:
    """Return the one session that a command is about; see `choose_session`."""
    with database.read() as transaction:
        return choose_session(transaction, named, now_ns=now_ns())


@dataclass(frozen=True, slots=True)
class Asked:
    """The options that the operator's commands share.

    Attributes:
        reason, session: None when not given.
        confirm: single-use token; empty when not given.
        wait_s: how long to wait for the engine's answer.
    """

    reason: str | None
    session: str | None
    confirm: str
    wait_s: float


def operate(
    context: Context, verb: Verb, asked: Asked, arguments: Mapping[str, str] | None = None
) -> None:
    """Put one wish before the engine of one session, and say what became of it.

    Raises:
        Exit: with 3 when it is pending, 4 when it was rejected.
    """
    why = asked_reason(context, asked.reason)
    with reached(context) as database:
        session = chosen_session(database, asked.session)
        wish = Wish(session.id, verb, why, arguments or {})
        _check_symbol(wish, session.symbols)
        request = send(context, database, wish, asked.confirm)
        found = wait_for_answers(context, database, [request], asked.wait_s)
    emit_requests(context, found)


def _check_symbol(wish: Wish, symbols: Sequence[str]) -> None:
    symbol = wish.arguments.get("symbol")
    if symbol is not None and symbol not in symbols:
        message = f"expected one of {', '.join(symbols)}, was {symbol!r}"
        raise InputError(message, hint="athena positions")


def proof_of(context: Context, confirmation: str = "") -> Proof:
    """Return what whoever runs this command brings along."""
    return Proof(read_token(context.home), this_door(_DOOR), confirmation)


def send(context: Context, database: Database, wish: Wish, confirm: str = "") -> Request:
    """Put a wish before the engine, confirmed where it has to be.

    On a terminal the person types the verb. Elsewhere the first call prints a token and ends with
    exit code 4; the second one brings it with `--confirm`.

    Raises:
        RefusedError: it was refused, or the person typed something else.
    """
    proof, ids = proof_of(context, confirm), RandomIds()
    if wish.needs_confirmation and not confirm:
        offer = offer_confirmation(database, wish, proof, ids=ids, now_ns=now_ns())
        if not has_person(context):
            _emit_unconfirmed(context, wish, offer)
            raise typer.Exit(_REFUSED)
        confirm_by_word(wish.verb, _described(wish))
        proof = dataclasses.replace(proof, confirmation=offer.token)
    return ask(database, wish, proof, ids=ids, now_ns=now_ns())


def confirm_by_word(verb: Verb, what: str) -> None:
    """Let the person at the terminal type the verb.

    Raises:
        RefusedError: it was another word.
    """
    word = verb.replace("_", " ")
    typed = typer.prompt(f"{what}: {_MEANINGS[verb]}; type {word!r} to confirm", err=True)
    if typed.strip() != word:
        message = f"expected {word!r} as confirmation, was {typed!r}"
        raise RefusedError(message, hint="nothing was done")


def wait_for_answers(
    context: Context, database: Database, requests: Sequence[Request], wait_s: float
) -> list[Request]:
    """Wait until the engines have answered, or for as long as was asked; return how it stands."""
    started_s = time.monotonic()
    found = list(requests)
    with context.output.progress("waiting for the engine", wait_s) as progress:
        while True:
            with database.read() as transaction:
                found = [find_request(transaction, item.id) for item in found]
            elapsed_s = time.monotonic() - started_s
            is_answered = all(item.state is not RequestState.PENDING for item in found)
            if is_answered or elapsed_s >= wait_s:
                return found
            progress(elapsed_s)
            time.sleep(min(_PAUSE_S, wait_s - elapsed_s))


def emit_requests(
    context: Context, requests: Sequence[Request], *remarks: str, **more: object
) -> None:
    """Say what became of requests, and exit with the code of the worst of them."""
    worst = max((item.state for item in requests), key=list(_EXIT_CODES).index)
    context.output.emit(
        {"state": worst, "requests": [request_values(item) for item in requests], **more},
        *map(_line, requests),
        *remarks,
    )
    if _EXIT_CODES[worst]:
        raise typer.Exit(_EXIT_CODES[worst])


def request_values(request: Request) -> dict[str, Any]:
    """Return a request as JSON values."""
    answered_ns = request.answered_ns
    return {
        "id": request.id,
        "session": request.wish.session,
        "verb": request.wish.verb,
        "arguments": dict(request.wish.arguments),
        "reason": request.wish.reason,
        "operator": request.operator,
        "role": request.role,
        "asked_at": format_time(request.asked_ns),
        "state": request.state,
        "answer": request.answer,
        "answered_at": None if answered_ns is None else format_time(answered_ns),
        "before": request.state_before,
        "after": request.state_after,
    }


def _described(wish: Wish) -> str:
    return " ".join(filter(None, (sentence_of(wish), wish.session)))


def _emit_unconfirmed(context: Context, wish: Wish, offer: Offer) -> None:
    expires_at = format_time(offer.expires_ns)
    context.output.emit(
        {
            "state": "unconfirmed",
            "requests": [],
            "verb": wish.verb,
            "arguments": dict(wish.arguments),
            "session": wish.session,
            "confirm": offer.token,
            "expires_at": expires_at,
        },
        f"nothing was done yet: {_described(wish)}: {_MEANINGS[wish.verb]}",
        f"to confirm, repeat the command with --confirm {offer.token} before {expires_at}",
    )


def _line(request: Request) -> str:
    what = _described(request.wish)
    if request.state is not RequestState.PENDING:
        return f"{what}: {request.state}: {request.answer}"
    if request.expires_ns is None:
        return f"{what}: pending: the engine has not read it; it stands until it does"
    until = format_time(request.expires_ns)
    return f"{what}: pending: void unless the engine reads it before {until}"
