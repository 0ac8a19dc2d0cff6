"""What happens to a memory: one event a change, in one order, never changed afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from athena.errors import DatabaseDamaged
from athena.memory.entries._model import EntryType, FactKey, Note, Trust

if TYPE_CHECKING:
    from collections.abc import Mapping


class EventKind(StrEnum):
    """Say what an event did to its entry."""

    ADDED = "added"
    CONFIRMED = "confirmed"
    DELETED = "deleted"
    ERASED = "erased"
    EVICTED = "evicted"
    SCORED = "scored"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log.

    Attributes:
        position: place in the log, from 1 without a gap.
        at_ns: when it became known, UTC nanoseconds; later than that of the event before.
        kind: what it did.
        entry: id of the entry it did it to.
        note: of `added`; None where the words were erased since, and for every other kind.
        replaces: of `added`: id of the version that it closes; empty for none.
        body: JSON object with what else is to be known, without any words of an entry.
    """

    position: int
    at_ns: int
    kind: EventKind
    entry: str
    note: Note | None = None
    replaces: str = ""
    body: str = "{}"


def describe_note(note: Note, replaces: str) -> str:
    """Write what a log line says of an added entry: everything but its words and source."""
    return _compact(
        {
            "type": note.type,
            "namespace": note.namespace,
            "trust": note.trust,
            "key": note.key and [note.key.symbol, note.key.attribute, note.key.period],
            "episode": note.episode,
            "links": note.links,
            "valid_from_ns": note.valid_from_ns,
            "valid_to_ns": note.valid_to_ns,
            "replaces": replaces,
        }
    )


def describe(**values: str | int | bool) -> str:
    """Write what a log line says of any other change."""
    return _compact(values)


def read_note(body: str, text: str, source: str, position: int) -> tuple[Note, str]:
    """Read an added entry back; return it and the id that it replaces.

    Raises:
        DatabaseDamaged: the line is not one that this version writes.
    """
    values = read_body(body, position)
    try:
        key = values["key"]
        note = Note(
            text=text,
            type=EntryType(values["type"]),
            namespace=values["namespace"],
            source=source,
            trust=Trust(values["trust"]),
            key=FactKey(*key) if key else None,
            episode=values["episode"],
            links=tuple(values["links"]),
            valid_from_ns=values["valid_from_ns"],
            valid_to_ns=values["valid_to_ns"],
        )
        return note, values["replaces"]
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(position, f"a note that cannot be read ({error})") from error


def read_body(body: str, position: int) -> dict[str, Any]:
    """Read what a log line says.

    Raises:
        DatabaseDamaged: it is no JSON object.
    """
    try:
        values = json.loads(body)
    except ValueError as error:
        raise damaged(position, f"no JSON ({error})") from error
    if not isinstance(values, dict):
        raise damaged(position, f"{type(values).__name__} instead of an object")
    return values


def damaged(position: int, was: str) -> DatabaseDamaged:
    """Build the error for a log that cannot be what Athena wrote."""
    message = f"expected event {position} of the memory's log as it was written, was {was}"
    return DatabaseDamaged(message, hint="move the database away, then athena restore FILE")


def _compact(values: Mapping[str, object]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
