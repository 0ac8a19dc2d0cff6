"""How a session's state is shown: figures with their age, and None where nothing is known."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from athena.app import _operating as operating
from athena.app._output import Table
from athena.app.live import (
    BALANCE_STALE_NS,
    LEVELS,
    PRICE_STALE_NS,
    STALE_NS,
    find_snapshot,
    shown_session,
)
from athena.domain import SECOND_NS, format_decimal, format_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from athena.app._context import Context
    from athena.app.live import (
        AlertRow,
        BalanceSeen,
        HaltFile,
        LimitUse,
        OrderRow,
        PositionSeen,
        SessionRow,
        Snapshot,
    )
    from athena.platform.database import Transaction

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of one session at a time.

    Attributes:
        snapshot: None when its engine has not written one yet.
        now_ns: when it was looked up.
    """

    session: SessionRow
    snapshot: Snapshot | None
    now_ns: int

    @property
    def session_ns(self) -> int:
        """Return when it was looked up by the session's clock: its prices and views go by that."""
        return self.now_ns if self.snapshot is None else self.snapshot.session_ns(self.now_ns)

    @property
    def is_stale(self) -> bool:
        """Tell whether the engine has not written for longer than it should."""
        return self.snapshot is None or self.now_ns - self.snapshot.updated_ns > STALE_NS


@contextmanager
def looking(context: Context, named: str | None) -> Iterator[tuple[Shown, Transaction]]:
    """Offer what is known of a session, and the view of the database it comes from.

    Raises:
        MissingError: there is no session.
        InputError: several are under way.
    """
    with operating.reached(context) as database, database.read() as transaction:
        session = shown_session(transaction, named, now_ns=operating.now_ns())
        snapshot = find_snapshot(transaction, session.id)
        # After it was read: no figure is younger than the look at it.
        yield Shown(session, snapshot, operating.now_ns()), transaction


def head_values(seen: Shown) -> dict[str, Any]:
    """Return which session it is and how old its figures are, as JSON values."""
    session, snapshot = seen.session, seen.snapshot
    updated_ns = None if snapshot is None else snapshot.updated_ns
    return {
        "session": session.id,
        "mode": session.mode,
        "venue": session.venue,
        "started_at": format_time(session.started_ns),
        "ended_at": _time(session.ended_ns),
        "end_reason": session.end_reason,
        "updated_at": _time(updated_ns),
        "age_s": _age_s(updated_ns, seen.now_ns),
        "is_stale": seen.is_stale,
    }


def head_line(seen: Shown) -> str:
    """Say which session it is and how old its figures are."""
    session, snapshot = seen.session, seen.snapshot
    name = f"{session.id}: {session.mode} on {session.venue}"
    if session.ended_ns is not None:
        ended = f"ended {format_time(session.ended_ns)}"
        return f"{name}, {ended} ({session.end_reason}); these are its last figures"
    if snapshot is None:
        return f"{name}, started {format_time(session.started_ns)}, has written no figures yet"
    age = _ago(snapshot.updated_ns, seen.now_ns)
    if seen.is_stale:
        return f"{name}, STALE: its engine last wrote {age}; is process {snapshot.pid} alive?"
    return f"{name}, process {snapshot.pid}, as of {age}"


def status_values(seen: Shown) -> dict[str, Any]:
    """Return everything about a session but its lists of orders, as JSON values."""
    snapshot = seen.snapshot
    head = head_values(seen)
    if snapshot is None:
        return head | {"snapshot": None}
    return head | {
        "snapshot": {
            "pid": snapshot.pid,
            "quote": snapshot.quote,
            "equity": snapshot.equity,
            "cash": snapshot.cash,
            "price_age_s": _age_s(snapshot.priced_ns, seen.session_ns),
            "is_price_stale": _is_old(snapshot.priced_ns, seen.session_ns, PRICE_STALE_NS),
            "is_linked": snapshot.is_linked,
            "reconciled_at": _time(snapshot.reconciled_ns),
            "reconciled_age_s": _age_s(snapshot.reconciled_ns, seen.session_ns),
            "level": snapshot.level,
            "level_name": LEVELS[snapshot.level],
            "halts": list(snapshot.halts),
            "waiting_for": list(snapshot.waiting_for),
            "unknown_orders": list(snapshot.unknown_orders),
            "positions": [position_values(item, seen.session_ns) for item in snapshot.positions],
            "balances": [balance_values(item, seen.session_ns) for item in snapshot.balances],
            "digest": snapshot.digest,
        }
    }


def status_lines(seen: Shown, halt: HaltFile | None, n_pending: int) -> list[str]:
    """Say how a session is, one thing a line."""
    lines = [head_line(seen)]
    if halt is not None:
        what = "halt" if halt.keeps_positions else "halt and flatten"
        reason = "; ".join(halt.reason.splitlines()) or "no reason given"
        lines.append(f"the HALT file asks for {what}: {reason}")
    if n_pending:
        lines.append(f"commands that wait for the engine: {n_pending}")
    snapshot = seen.snapshot
    if snapshot is None:
        return lines
    now_ns = seen.session_ns
    link = "linked" if snapshot.is_linked else "NOT LINKED"
    price = _marked_age(snapshot.priced_ns, now_ns, PRICE_STALE_NS)
    level = f"{snapshot.level} ({LEVELS[snapshot.level]})"
    worth = f"{_amount(snapshot.equity)} {snapshot.quote}, cash {_amount(snapshot.cash)}"
    unknown = ", ".join(snapshot.unknown_orders) or "none"
    lines += obstacles(seen)
    lines.append(f"equity {worth}; {len(snapshot.positions)} open positions")
    lines.append(f"venue {link}, reconciled {_ago(snapshot.reconciled_ns, now_ns)}")
    lines.append(f"newest price {price}")
    lines.append(f"degradation {level}; orders of unknown outcome: {unknown}")
    lines.append(f"digest {snapshot.digest}")
    return lines


def obstacles(seen: Shown) -> list[str]:
    """Say what forbids new risk, and what the session waits for (D05)."""
    snapshot = seen.snapshot
    if snapshot is None:
        return []
    halts = "; ".join(snapshot.halts) or "none"
    waiting = [f"not trading: {reason}" for reason in snapshot.waiting_for]
    return [f"halts: {halts}", *waiting]


def position_values(item: PositionSeen, now_ns: int) -> dict[str, Any]:
    """Return a position as JSON values."""
    return {
        "symbol": item.symbol,
        "strategy": item.strategy,
        "side": item.side,
        "quantity": item.quantity,
        "entry_price": item.entry_price,
        "mark_price": item.mark_price,
        "mark_age_s": _age_s(item.marked_ns, now_ns),
        "is_mark_stale": _is_old(item.marked_ns, now_ns, PRICE_STALE_NS),
        "unrealised": item.unrealised,
        "stop_price": item.stop_price,
        "target_price": item.target_price,
    }


def position_cells(item: PositionSeen, now_ns: int) -> tuple[str, ...]:
    """Return a position as a row; a mark that is too old is shown with its age."""
    mark = _amount(item.mark_price)
    if item.mark_price is not None and _is_old(item.marked_ns, now_ns, PRICE_STALE_NS):
        mark = f"{mark} (STALE, {_ago(item.marked_ns, now_ns)})"
    return (
        item.symbol,
        item.strategy,
        item.side,
        _amount(item.quantity),
        _amount(item.entry_price),
        mark,
        _amount(item.unrealised),
        _amount(item.stop_price, "none"),
        _amount(item.target_price, "none"),
    )


def balance_values(item: BalanceSeen, now_ns: int) -> dict[str, Any]:
    """Return a balance as JSON values."""
    return {
        "currency": item.currency,
        "total": item.total,
        "free": item.free,
        "age_s": _age_s(item.seen_ns, now_ns),
        "is_stale": _is_old(item.seen_ns, now_ns, BALANCE_STALE_NS),
    }


def balance_cells(item: BalanceSeen, now_ns: int) -> tuple[str, ...]:
    """Return a balance as a row, with its age."""
    age = _marked_age(item.seen_ns, now_ns, BALANCE_STALE_NS)
    return item.currency, _amount(item.total), _amount(item.free), age


def limit_values(item: LimitUse) -> dict[str, Any]:
    """Return a limit as JSON values."""
    return {
        "name": item.name,
        "limit": item.limit,
        "used": item.used,
        "head_room": item.head_room,
    }


def limit_cells(item: LimitUse) -> tuple[str, ...]:
    """Return a limit as a row."""
    return item.name, _amount(item.limit), _amount(item.used), _amount(item.head_room)


def order_values(item: OrderRow) -> dict[str, Any]:
    """Return an order as JSON values."""
    return {
        "number": item.number,
        "client_id": item.client_id,
        "venue_id": item.venue_id,
        "symbol": item.symbol,
        "side": item.side,
        "type": item.type,
        "purpose": item.purpose,
        "strategy": item.strategy,
        "state": item.state,
        "quantity": item.quantity,
        "filled": item.filled,
        "limit_price": item.limit_price,
        "trigger_price": item.trigger_price,
        "average_price": item.average_price,
        "created_at": format_time(item.created_ns),
        "updated_at": format_time(item.updated_ns),
        "correlation_id": item.correlation_id,
        "reason": item.reason,
    }


def order_cells(item: OrderRow) -> tuple[str, ...]:
    """Return an order as a row."""
    return (
        str(item.number),
        item.symbol,
        item.side,
        item.type,
        item.purpose,
        item.state,
        _amount(item.quantity),
        _amount(item.filled),
        _amount(item.limit_price, ""),
        _amount(item.trigger_price, ""),
        _amount(item.average_price, ""),
        format_time(item.created_ns)[:19],
        item.reason,
    )


def alert_values(item: AlertRow) -> dict[str, Any]:
    """Return an alert as JSON values."""
    return {
        "at": format_time(item.ts_ns),
        "urgency": item.urgency,
        "code": item.code,
        "text": item.text,
    }


def alert_table(found: Sequence[AlertRow]) -> Table:
    """Return the last alerts as a table."""
    rows = [(format_time(item.ts_ns)[:19], item.urgency, item.code, item.text) for item in found]
    return Table(("at", "urgency", "code", "what"), rows, title="last alerts")


def _amount(value: Decimal | None, absent: str = _UNKNOWN) -> str:
    return absent if value is None else format_decimal(value)


def _time(ts_ns: int | None) -> str | None:
    return None if ts_ns is None else format_time(ts_ns)


def _age_s(ts_ns: int | None, now_ns: int) -> float | None:
    return None if ts_ns is None else round((now_ns - ts_ns) / SECOND_NS, 1)


def _is_old(ts_ns: int | None, now_ns: int, limit_ns: int) -> bool:
    return ts_ns is None or now_ns - ts_ns > limit_ns


def _ago(ts_ns: int | None, now_ns: int) -> str:
    if ts_ns is None:
        return "never"
    return f"{format_time(ts_ns)[:19]}Z ({(now_ns - ts_ns) // SECOND_NS:,} s ago)"


def _marked_age(ts_ns: int | None, now_ns: int, limit_ns: int) -> str:
    is_old = ts_ns is not None and _is_old(ts_ns, now_ns, limit_ns)
    return f"STALE, {_ago(ts_ns, now_ns)}" if is_old else _ago(ts_ns, now_ns)
