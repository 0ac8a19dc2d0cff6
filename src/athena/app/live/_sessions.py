"""Which sessions there are, and what is known of one: read from the tables, never computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.app.live._rows import (
    AlertRow,
    FillRow,
    OrderRow,
    SessionRow,
    StatusRow,
    select_rows,
)
from athena.app.live._snapshot import STALE_NS, read_snapshot
from athena.domain import OrderState
from athena.errors import InputError, MissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.app.live._snapshot import Snapshot
    from athena.platform.database import Database, Transaction

_START_HINT = "athena paper"
# The states that an order never leaves; trading.md, section 4.
_FINAL = (
    OrderState.DENIED,
    OrderState.FILLED,
    OrderState.CANCELLED,
    OrderState.EXPIRED,
    OrderState.REJECTED,
)
_WORKING = (
    "session = :session AND state NOT IN ("
    + ", ".join(f"'{state}'" for state in _FINAL)
    + ") ORDER BY number"
)
_END_ALL = (
    "UPDATE app_sessions SET ended_ns = :now_ns, end_reason = :reason WHERE ended_ns IS NULL"
)
_OPEN = "ended_ns IS NULL ORDER BY started_ns DESC, id LIMIT 100"


def open_sessions(transaction: Transaction, *, now_ns: int) -> list[SessionRow]:
    """Return the sessions that operators can reach, newest first.

    They are those whose engine wrote within 10 s. When there is none, the newest that did not end:
    its engine may only be slow, or come back.
    """
    found = select_rows(transaction, SessionRow, _OPEN)
    fresh = [item for item in found if _is_fresh(transaction, item.id, now_ns)]
    return fresh or found[:1]


def reachable_sessions(
    transaction: Transaction, named: str | None, *, now_ns: int
) -> list[SessionRow]:
    """Return the named session unless it ended, else those under way; empty when there is none."""
    if named is None:
        return open_sessions(transaction, now_ns=now_ns)
    where = "id = :id AND ended_ns IS NULL"
    return select_rows(transaction, SessionRow, where, {"id": named})


def choose_session(transaction: Transaction, named: str | None, *, now_ns: int) -> SessionRow:
    """Return the session to operate: the named one, else the only one.

    Raises:
        InputError: several are under way.
        MissingError: none is, or the named one ended or never was.
    """
    found = reachable_sessions(transaction, named, now_ns=now_ns)
    if not found:
        raise no_session(named)
    return only_session(found)


def end_sessions(database: Database, *, now_ns: int, reason: str) -> None:
    """Note of every session that has not ended that it has: no engine will ever write of it."""
    with database.write() as transaction:
        transaction.execute(_END_ALL, {"now_ns": now_ns, "reason": reason})


def shown_session(transaction: Transaction, named: str | None, *, now_ns: int) -> SessionRow:
    """Return the session to look at: the named one, else the one under way, else the newest.

    Raises:
        InputError: several are under way.
        MissingError: there never was one, or none of that name.
    """
    if named is not None:
        return find_session(transaction, named)
    found = open_sessions(transaction, now_ns=now_ns) or select_rows(
        transaction, SessionRow, "1 = 1 ORDER BY started_ns DESC, id LIMIT 1"
    )
    if not found:
        raise no_session()
    return only_session(found)


def find_session(transaction: Transaction, session: str) -> SessionRow:
    """Return a session by its id, ended or not.

    Raises:
        MissingError: there is none of that id.
    """
    found = select_rows(transaction, SessionRow, "id = :id", {"id": session})
    if not found:
        raise no_session(session)
    return found[0]


def find_snapshot(transaction: Transaction, session: str) -> Snapshot | None:
    """Return what the engine last wrote; None when it did not yet."""
    found = select_rows(transaction, StatusRow, "session = :session", {"session": session})
    return read_snapshot(found[0]) if found else None


def working_orders(transaction: Transaction, session: str) -> list[OrderRow]:
    """Return the orders that are not final, oldest first."""
    return select_rows(transaction, OrderRow, _WORKING, {"session": session})


def newest_orders(transaction: Transaction, session: str, n: int) -> list[OrderRow]:
    """Return the last orders in any state, newest first."""
    where = "session = :session ORDER BY number DESC LIMIT :n"
    return select_rows(transaction, OrderRow, where, {"session": session, "n": n})


def newest_alerts(transaction: Transaction, session: str, n: int) -> list[AlertRow]:
    """Return the last alerts, newest first."""
    where = "session = :session ORDER BY ts_ns DESC, id LIMIT :n"
    return select_rows(transaction, AlertRow, where, {"session": session, "n": n})


def fills_of(transaction: Transaction, correlation_id: str) -> list[FillRow]:
    """Return the fills that one decision led to, oldest first (C17)."""
    where = "correlation_id = :correlation_id ORDER BY ts_ns, trade_id"
    return select_rows(transaction, FillRow, where, {"correlation_id": correlation_id})


def no_session(named: str | None = None) -> MissingError:
    """Build the error for a home in which nothing, or not the named session, is under way."""
    was = f"{named!r}, which is not" if named else "none"
    return MissingError(f"expected a session under way, was {was}", hint=_START_HINT)


def only_session(found: Sequence[SessionRow]) -> SessionRow:
    """Return the only one of some sessions.

    Raises:
        InputError: they are several.
    """
    if len(found) > 1:
        names = ", ".join(item.id for item in found)
        message = f"expected one session, was {len(found)}: {names}"
        raise InputError(message, hint=f"--session {found[0].id}")
    return found[0]


def _is_fresh(transaction: Transaction, session: str, now_ns: int) -> bool:
    rows = transaction.query(
        "SELECT updated_ns FROM app_status WHERE session = :session", {"session": session}
    )
    return bool(rows) and now_ns - int(rows[0][0] or 0) <= STALE_NS
