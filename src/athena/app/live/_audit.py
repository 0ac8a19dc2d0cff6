"""The record of every attempt to operate: only appended to, each entry chained to the last."""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.platform.database import Row, Transaction

_START = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt, or what became of one.

    Attributes:
        at_ns: UTC nanoseconds.
        operator, role: who, as the token proved; `unknown` and empty when nothing was proved.
        door: where it came in, and the user of that machine.
        session: that was to be operated; empty for the home itself.
        request: id of the request; empty when none was made.
        verb, arguments, reason: what was asked; arguments as JSON.
        outcome: refused, offered, asked, executed, rejected, enrolled or revoked.
        detail: why, or what was answered.
        state_before, state_after: JSON, of what changed; None when nothing did.
    """

    at_ns: int
    operator: str
    role: str
    door: str
    session: str
    request: str
    verb: str
    arguments: str
    reason: str
    outcome: str
    detail: str
    state_before: str | None = None
    state_after: str | None = None


_NAMES = tuple(field.name for field in fields(Entry))
_COLUMNS = ", ".join(_NAMES)
_LAST = "SELECT position, sha256 FROM app_audit ORDER BY position DESC LIMIT 1"
_ADD = (
    f"INSERT INTO app_audit (position, {_COLUMNS}, previous_sha256, sha256) "  # noqa: S608 - names of this module
    f"VALUES (:position, {', '.join(f':{name}' for name in _NAMES)}, :previous_sha256, :sha256)"
)
_ALL = f"SELECT position, previous_sha256, sha256, {_COLUMNS} FROM app_audit ORDER BY position"  # noqa: S608 - names of this module
_NEWEST = f"SELECT {_COLUMNS} FROM app_audit ORDER BY position DESC LIMIT :n"  # noqa: S608 - names of this module


def append_entry(transaction: Transaction, entry: Entry) -> None:
    """Add an entry; writers take turns, so the chain never forks."""
    last = transaction.query(_LAST)
    position, previous = (int(last[0][0] or 0), str(last[0][1])) if last else (0, _START)
    values = dict(zip(_NAMES, astuple(entry), strict=True))
    transaction.execute(
        _ADD,
        {
            **values,
            "position": position + 1,
            "previous_sha256": previous,
            "sha256": _digest(position + 1, previous, list(values.values())),
        },
    )


def newest_entries(transaction: Transaction, n: int) -> list[Entry]:
    """Return the last entries, oldest first."""
    rows = transaction.query(_NEWEST, {"n": n})
    return [Entry(*row) for row in reversed(rows)]  # type: ignore[arg-type]  # as they were added


def find_break(transaction: Transaction) -> int | None:
    """Return the position of the first entry that is not as it was added; None when all are (C17).

    An entry that was changed, removed or put in breaks the chain there. Entries cut off at the
    end leave it whole.
    """
    expected, previous = 1, _START
    for row in transaction.stream(_ALL):
        position, stated_previous, sha256, *values = row
        is_next = position == expected and stated_previous == previous
        if not is_next or sha256 != _digest(expected, previous, values):
            return expected
        expected, previous = expected + 1, str(sha256)
    return None


def _digest(position: int, previous: str, values: Sequence[object] | Row) -> str:
    text = json.dumps([position, previous, *values])
    return hashlib.sha256(text.encode()).hexdigest()
