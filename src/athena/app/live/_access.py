"""Who may operate: tokens, roles, and how often.

A token is 256 random bits. The home's own lies in `operator.token`, for nobody but the owner to
read; the database knows only its SHA-256.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import stat
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from athena.app.live._audit import Entry, append_entry
from athena.domain import MINUTE_NS
from athena.errors import InputError, RefusedError
from athena.platform import ensure_folder, storage_errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from athena.platform import IdSource
    from athena.platform.database import Database, Transaction

TOKEN_NAME = "operator.token"  # noqa: S105 - the name of a file
TOKEN_VARIABLE = "ATHENA_OPERATOR_TOKEN"  # noqa: S105 - the name of a variable
UNKNOWN = "unknown"
_ADD = (
    "INSERT INTO app_operators (name, role, token_sha256, since_ns) "
    "VALUES (:name, :role, :token_sha256, :since_ns) ON CONFLICT (name) DO UPDATE SET "
    "role = excluded.role, token_sha256 = excluded.token_sha256, since_ns = excluded.since_ns, "
    "revoked_ns = NULL"
)
_FIND = (
    "SELECT name, role FROM app_operators WHERE token_sha256 = :token_sha256 "
    "AND revoked_ns IS NULL"
)
_LIST = "SELECT name, role, since_ns, revoked_ns FROM app_operators ORDER BY name"
_REVOKE = "UPDATE app_operators SET revoked_ns = :now_ns WHERE name = :name AND revoked_ns IS NULL"
_FORGET = "DELETE FROM app_requests WHERE asked_ns <= :since_ns OR asked_ns > :now_ns"
_COUNT = "SELECT count(*) FROM app_requests WHERE operator = :operator AND kind = :kind"
_NOTE = "INSERT INTO app_requests (operator, kind, asked_ns) VALUES (:operator, :kind, :asked_ns)"


class Role(StrEnum):
    """What an operator may do; each role may do what the ones before it may."""

    VIEWER = "viewer"
    TRADER = "trader"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        """Tell whether this role is enough."""
        roles = list(Role)
        return roles.index(self) >= roles.index(needed)


class RequestKind(StrEnum):
    """What is counted together."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"


RATES = {RequestKind.READ: 60, RequestKind.WRITE: 30, RequestKind.DESTRUCTIVE: 5}  # a minute


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who proved to be known.

    Attributes:
        since_ns: when the present token was given.
        revoked_ns: since when it is void; None while it is not.
    """

    name: str
    role: Role
    since_ns: int = 0
    revoked_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody brings along.

    Attributes:
        token: empty when there is none.
        door: where the request comes in, and the user of that machine.
        confirmation: single-use token, for what needs one.
    """

    token: str
    door: str
    confirmation: str = ""


def this_door(name: str) -> str:
    """Name a door of this machine with the user who stands in it."""
    try:
        return f"{name}, user {getpass.getuser()}"
    except (KeyError, OSError):  # a container may know no name for its user
        return f"{name}, user {os.getuid()}"


def read_token(home: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return the token of whoever runs this; empty when there is none.

    Raises:
        InputError: others may read the file, so it proves nothing.
    """
    named = environment.get(TOKEN_VARIABLE, "").strip()
    file = home / TOKEN_NAME
    if named or not file.exists():
        return named
    with storage_errors(file):
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            message = f"expected mode 0600 for {file}, was {mode:04o}: others may know the token"
            raise InputError(
                message, hint=f"chmod 600 {file}, or rm it: the next session makes a new one"
            )
        return file.read_text("utf-8").strip()


def enrol_home(
    database: Database,
    home: Path,
    *,
    ids: IdSource,
    now_ns: int,
    environment: Mapping[str, str] = os.environ,
) -> str:
    """Make sure that whoever owns the home can operate it, as admin; return the name.

    Called at the start of a session. A home without a token gets one; a token that the database
    does not know is enrolled only when it is new or nobody is known yet.

    Raises:
        RefusedError: the token that is there is not the one that the database knows.
        InputError: the file cannot be written, or others may read it.
    """
    door = this_door("session")
    with database.write() as transaction:
        # Inside: two sessions that start together must not make two tokens.
        token = read_token(home, environment)
        known = identify(transaction, token)
        if known is not None:
            return known.name
        if token and list_operators(transaction):
            message = "expected the operator token that the database knows, was another"
            raise RefusedError(
                message,
                hint=f"unset {TOKEN_VARIABLE}, or rm {home / TOKEN_NAME}: a new one is made",
            )
        if not token:
            token = new_token(ids)
            _write_token(home / TOKEN_NAME, token)
        name = door.rpartition(" ")[2]
        grant(transaction, Operator(name, Role.ADMIN), token, door=door, by=name, now_ns=now_ns)
    return name


def new_token(ids: IdSource) -> str:
    """Draw a token of 64 hex digits."""
    return ids.next_id() + ids.next_id()


def grant(  # noqa: PLR0913 - who, how, by whom, when
    transaction: Transaction, operator: Operator, token: str, *, door: str, by: str, now_ns: int
) -> None:
    """Give an operator a role and a token; an older token of that name is void."""
    transaction.execute(
        _ADD,
        {
            "name": operator.name,
            "role": operator.role,
            "token_sha256": hash_text(token),
            "since_ns": now_ns,
        },
    )
    entry = _entry(operator.name, door, by, now_ns)
    append_entry(transaction, replace(entry, outcome="enrolled", detail=f"as {operator.role}"))


def admit_admin(database: Database, proof: Proof, name: str, *, now_ns: int) -> Operator:
    """Return who asks to change what is known of an operator; anybody but an admin is refused.

    Raises:
        RefusedError: the token is not an admin's; it is recorded.
    """
    with database.write() as transaction:
        operator = identify(transaction, proof.token)
        if operator is not None and operator.role is Role.ADMIN:
            return operator
        was, role = (UNKNOWN, "") if operator is None else (operator.name, operator.role)
        message = f"expected the token of an admin, was that of {was}"
        entry = _entry(name, proof.door, was, now_ns)
        append_entry(transaction, replace(entry, role=role, outcome="refused", detail=message))
    raise RefusedError(message, hint=f"export {TOKEN_VARIABLE}=..., that of an admin")


def revoke(transaction: Transaction, name: str, *, door: str, by: str, now_ns: int) -> None:
    """Make an operator's token void.

    Raises:
        InputError: there is no such operator.
        RefusedError: it is the last admin.
    """
    active = {item.name: item for item in list_operators(transaction) if item.revoked_ns is None}
    if name not in active:
        message = f"expected one of {', '.join(active) or 'nobody'}, was {name!r}"
        raise InputError(message, hint="athena operator list")
    admins = [item.name for item in active.values() if item.role is Role.ADMIN]
    if admins == [name]:
        message = f"expected another admin beside {name}, was none"
        raise RefusedError(message, hint="athena operator add NAME --role admin")
    transaction.execute(_REVOKE, {"name": name, "now_ns": now_ns})
    append_entry(transaction, replace(_entry(name, door, by, now_ns), outcome="revoked"))


def identify(transaction: Transaction, token: str) -> Operator | None:
    """Return the operator whose token this is; None when it is nobody's."""
    if not token:
        return None
    rows = transaction.query(_FIND, {"token_sha256": hash_text(token)})
    return Operator(str(rows[0][0]), Role(str(rows[0][1]))) if rows else None


def list_operators(transaction: Transaction) -> list[Operator]:
    """List everybody who was ever enrolled, by name."""
    return [
        Operator(str(name), Role(str(role)), int(since or 0), None if end is None else int(end))
        for name, role, since, end in transaction.query(_LIST)
    ]


def count_request(
    transaction: Transaction, operator: str, kind: RequestKind, *, now_ns: int
) -> bool:
    """Count a request; False when the operator has none of that kind left this minute."""
    transaction.execute(_FORGET, {"since_ns": now_ns - MINUTE_NS, "now_ns": now_ns})
    ((n,),) = transaction.query(_COUNT, {"operator": operator, "kind": kind})
    if int(n or 0) >= RATES[kind]:
        return False
    transaction.execute(_NOTE, {"operator": operator, "kind": kind, "asked_ns": now_ns})
    return True


def hash_text(text: str) -> str:
    """Return the SHA-256 of a text; a token has too many bits to be guessed from it."""
    return hashlib.sha256(text.encode()).hexdigest()


def _entry(name: str, door: str, by: str, now_ns: int) -> Entry:
    """Begin the entry of what happened to an operator."""
    return Entry(
        at_ns=now_ns,
        operator=by,
        role=Role.ADMIN,
        door=door,
        session="",
        request="",
        verb="operator",
        arguments=json.dumps({"name": name}),
        reason="",
        outcome="",
        detail="",
    )


def _write_token(file: Path, token: str) -> None:
    ensure_folder(file.parent)
    with storage_errors(file):
        # Never readable by others, not even while it is written.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            target.write(f"{token}\n")
