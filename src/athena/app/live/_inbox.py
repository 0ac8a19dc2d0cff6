"""What operators want of a session: asked in a row of the database, answered in the same row.

A door calls `ask`, after `offer_confirmation` where one is needed; the engine calls `pending` at
least every second and `answer` for each request. Every attempt is recorded, refused ones too.

An engine that is killed between doing and answering finds the request again: each verb may be
carried out twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from athena.app.live._access import (
    UNKNOWN,
    Operator,
    Role,
    count_request,
    hash_text,
    identify,
)
from athena.app.live._audit import Entry, append_entry
from athena.app.live._rows import clean_text
from athena.app.live._wishes import Verb, Wish
from athena.domain import MINUTE_NS
from athena.errors import InputError, RefusedError
from athena.platform import known_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.app.live._access import Proof
    from athena.platform import IdSource
    from athena.platform.database import Database, Row, Transaction

CONFIRMATION_NS = MINUTE_NS
_EXPIRY_NS = MINUTE_NS
_LONGEST_REASON = 500
_TOKEN_DIGITS = 8  # single use, for a minute, and bound to one wish of one operator
_EXPIRED = "the engine did not read it in time; nothing was done"
_COLUMNS = (
    "id, session, verb, arguments, reason, operator, role, asked_ns, expires_ns, state, answer, "
    "answered_ns, state_before, state_after"
)
_ADD = (
    "INSERT INTO app_commands (position, id, session, verb, arguments, reason, operator, role, "
    "door, asked_ns, expires_ns, state, answer) VALUES ((SELECT coalesce(max(position), 0) + 1 "
    "FROM app_commands), :id, :session, :verb, :arguments, :reason, :operator, :role, :door, "
    ":asked_ns, :expires_ns, 'pending', '')"
)
_PENDING = (
    f"SELECT {_COLUMNS} FROM app_commands WHERE session = :session AND state = 'pending' "  # noqa: S608 - names of this module
    "ORDER BY position"
)
_COUNT = "SELECT count(*) FROM app_commands WHERE session = :session AND state = 'pending'"
_ONE = f"SELECT {_COLUMNS} FROM app_commands WHERE id = :id"  # noqa: S608 - names of this module
_ANSWER = (
    "UPDATE app_commands SET state = :state, answer = :answer, answered_ns = :answered_ns, "
    "state_before = :state_before, state_after = :state_after WHERE id = :id AND state = 'pending'"
)
_OFFER = (
    "INSERT INTO app_confirmations (token_sha256, wish_sha256, operator, expires_ns) "
    "VALUES (:token_sha256, :wish_sha256, :operator, :expires_ns)"
)
_DROP_OLD = "DELETE FROM app_confirmations WHERE expires_ns <= :now_ns"
_REDEEM = (
    "DELETE FROM app_confirmations WHERE token_sha256 = :token_sha256 "
    "AND wish_sha256 = :wish_sha256 AND operator = :operator AND expires_ns > :now_ns"
)


class RequestState(StrEnum):
    """What became of a request."""

    PENDING = "pending"
    EXECUTED = "executed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Offer:
    """A confirmation that can be used once, until it expires."""

    token: str
    expires_ns: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine says to a request.

    Attributes:
        text: what was done, or why not.
        state_before, state_after: of what it concerned, as JSON values.
    """

    is_executed: bool
    text: str
    state_before: Mapping[str, object] = field(default_factory=dict)
    state_after: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """A wish that was admitted, and what became of it.

    Attributes:
        operator, role: who asked.
        expires_ns: when it is void unless it was read; None when it stands.
        answer: what was done, or why not; empty while it is pending.
    """

    id: str
    wish: Wish
    operator: str
    role: Role
    asked_ns: int
    expires_ns: int | None
    state: RequestState
    answer: str
    answered_ns: int | None
    state_before: Mapping[str, object]
    state_after: Mapping[str, object]


# Whose token nobody knows; the role is never looked at.
_NOBODY = Operator(UNKNOWN, Role.VIEWER)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Somebody asks for something at a time."""

    wish: Wish
    operator: Operator
    proof: Proof
    now_ns: int

    def columns(self) -> dict[str, str | int | None]:
        """Return what a row of `app_commands` says of it."""
        return {
            "session": self.wish.session,
            "verb": self.wish.verb,
            "arguments": self.wish.encoded(),
            "reason": self.wish.reason,
            "operator": self.operator.name,
            "role": self.operator.role,
            "door": self.proof.door,
            "asked_ns": self.now_ns,
            "expires_ns": None if self.wish.stands else self.now_ns + _EXPIRY_NS,
        }

    def record(
        self, transaction: Transaction, outcome: str, request: str, refusal: RefusedError | None
    ) -> None:
        """Append what became of it to the audit."""
        entry = Entry(
            at_ns=self.now_ns,
            operator=self.operator.name,
            role="" if self.operator is _NOBODY else self.operator.role,
            door=self.proof.door,
            session=self.wish.session,
            request=request if refusal is None else "",
            verb=self.wish.verb,
            arguments=self.wish.encoded(),
            reason=self.wish.reason,
            outcome=outcome if refusal is None else "refused",
            detail="" if refusal is None else refusal.message,
        )
        append_entry(transaction, entry)


def ask(database: Database, wish: Wish, proof: Proof, *, ids: IdSource, now_ns: int) -> Request:
    """Put a wish before the engine.

    Raises:
        RefusedError: the token is not known, the role too low, the confirmation missing, or too
            much was asked this minute; it is recorded.
        InputError: there is no reason.
    """
    wish, request = _checked(wish), ids.next_id()
    with database.write() as transaction:
        operator = identify(transaction, proof.token) or _NOBODY
        attempt = _Attempt(wish, operator, proof, now_ns)
        refusal = _refusal(transaction, attempt)
        if refusal is None:
            transaction.execute(_ADD, {"id": request, **attempt.columns()})
        attempt.record(transaction, "asked", request, refusal)
    if refusal is not None:
        raise refusal
    with database.read() as transaction:
        return find_request(transaction, request)


def offer_confirmation(
    database: Database, wish: Wish, proof: Proof, *, ids: IdSource, now_ns: int
) -> Offer:
    """Hand out the single-use token that confirms one wish of one operator.

    Raises:
        RefusedError: as `ask`, but for the confirmation; it is recorded.
        InputError: there is no reason.
    """
    wish = _checked(wish)
    offer = Offer(ids.next_id()[:_TOKEN_DIGITS], now_ns + CONFIRMATION_NS)
    with database.write() as transaction:
        operator = identify(transaction, proof.token) or _NOBODY
        refusal = _unknown_or_too_low(wish, operator)
        if refusal is None:
            transaction.execute(_DROP_OLD, {"now_ns": now_ns})
            transaction.execute(
                _OFFER,
                {
                    "token_sha256": hash_text(offer.token),
                    "wish_sha256": _fingerprint(wish),
                    "operator": operator.name,
                    "expires_ns": offer.expires_ns,
                },
            )
        _Attempt(wish, operator, proof, now_ns).record(transaction, "offered", "", refusal)
    if refusal is not None:
        raise refusal
    return offer


def pending(database: Database, session: str, *, now_ns: int) -> list[Request]:
    """Return what the engine of a session has to do, oldest first.

    Requests that were not read in time are rejected here. Without any, nothing is written.
    """
    with database.read() as transaction:
        found = [_request(row) for row in transaction.query(_PENDING, {"session": session})]
    late = [item for item in found if _is_late(item, now_ns)]
    for item in late:
        answer(database, item.id, Answer(is_executed=False, text=_EXPIRED), now_ns=now_ns)
    return [item for item in found if item not in late]


def answer(database: Database, request: str, said: Answer, *, now_ns: int) -> bool:
    """Answer a request in its row; False when it was answered before, which then stands."""
    state = RequestState.EXECUTED if said.is_executed else RequestState.REJECTED
    secrets = known_secrets()
    values = {
        "answer": clean_text(said.text, secrets),
        "state_before": clean_text(json.dumps(dict(said.state_before)), secrets),
        "state_after": clean_text(json.dumps(dict(said.state_after)), secrets),
    }
    with database.write() as transaction:
        changed = transaction.execute(
            _ANSWER, {**values, "id": request, "state": state, "answered_ns": now_ns}
        )
        if not changed:
            return False
        asked = find_request(transaction, request)
        entry = Entry(
            at_ns=now_ns,
            operator=asked.operator,
            role=asked.role,
            door="engine",
            session=asked.wish.session,
            request=request,
            verb=asked.wish.verb,
            arguments=asked.wish.encoded(),
            reason=asked.wish.reason,
            outcome=state,
            detail=values["answer"],
            state_before=values["state_before"],
            state_after=values["state_after"],
        )
        append_entry(transaction, entry)
    return True


def count_pending(transaction: Transaction, session: str) -> int:
    """Return how many requests wait for the engine of a session."""
    ((n,),) = transaction.query(_COUNT, {"session": session})
    return int(n or 0)


def find_request(transaction: Transaction, request: str) -> Request:
    """Return a request as it is now.

    Raises:
        InputError: there is none of this id.
    """
    rows = transaction.query(_ONE, {"id": request})
    if not rows:
        message = f"expected the id of a request, was {request!r}"
        raise InputError(message)
    return _request(rows[0])


def _checked(wish: Wish) -> Wish:
    """Return the wish with its texts as they are kept: without secrets (C23)."""
    secrets = known_secrets()
    reason = clean_text(wish.reason.strip(), secrets)
    if not 0 < len(reason) <= _LONGEST_REASON:
        message = f"expected a reason of 1 to {_LONGEST_REASON} characters, was {len(reason)}"
        raise InputError(message, hint='--reason "why"')
    arguments = {name: clean_text(text, secrets) for name, text in wish.arguments.items()}
    return Wish(wish.session, wish.verb, reason, arguments)


def _refusal(transaction: Transaction, attempt: _Attempt) -> RefusedError | None:
    """Judge a wish; what is in order is counted, and its confirmation used up."""
    wish, operator, now_ns = attempt.wish, attempt.operator, attempt.now_ns
    refusal = _unknown_or_too_low(wish, operator)
    if refusal is not None:
        return refusal
    confirmation = attempt.proof.confirmation
    if wish.needs_confirmation:
        redeemed = transaction.execute(
            _REDEEM,
            {
                "token_sha256": hash_text(confirmation),
                "wish_sha256": _fingerprint(wish),
                "operator": operator.name,
                "now_ns": now_ns,
            },
        )
        if not redeemed:
            what = "another, an old or a used one" if confirmation else "none"
            message = f"expected a confirmation for {wish.verb}, was {what}; nothing was done"
            return RefusedError(message, hint="ask again without --confirm for a new one")
    if wish.is_limited and not count_request(transaction, operator.name, wish.kind, now_ns=now_ns):
        message = f"expected fewer {wish.kind} requests by {operator.name} this minute"
        return RefusedError(message, hint="wait a minute; pause, halt and flatten always work")
    return None


def _unknown_or_too_low(wish: Wish, operator: Operator) -> RefusedError | None:
    if operator is _NOBODY:
        message = f"expected a known operator token for {wish.verb}, was none or another"
        hint = "run this as the user whose session it is, or export ATHENA_OPERATOR_TOKEN=..."
        return RefusedError(message, hint=hint)
    if not operator.role.may(wish.role):
        message = f"expected role {wish.role} for {wish.verb}, was {operator.role}"
        return RefusedError(message, hint=f"ask somebody with the role {wish.role}")
    return None


def _fingerprint(wish: Wish) -> str:
    # The reason may be worded anew; what is done may not.
    return hash_text(json.dumps([wish.session, wish.verb, wish.encoded()]))


def _is_late(request: Request, now_ns: int) -> bool:
    return request.expires_ns is not None and now_ns >= request.expires_ns


def _request(row: Row) -> Request:
    (
        request, session, verb, arguments, reason, operator, role, asked_ns, expires_ns, state,
        said, answered_ns, before, after,
    ) = row  # fmt: skip
    wish = Wish(str(session), Verb(str(verb)), str(reason), json.loads(str(arguments)))
    return Request(
        id=str(request),
        wish=wish,
        operator=str(operator),
        role=Role(str(role)),
        asked_ns=int(asked_ns or 0),
        expires_ns=None if expires_ns is None else int(expires_ns),
        state=RequestState(str(state)),
        answer=str(said),
        answered_ns=None if answered_ns is None else int(answered_ns),
        state_before=json.loads(str(before)) if before else {},
        state_after=json.loads(str(after)) if after else {},
    )
