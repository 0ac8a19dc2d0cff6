"""The whole history of a memory as JSON lines, out and in.

The first line names the format, each event is a line, the last line counts them, so that a file
that was cut short is not taken for a whole one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from athena.errors import InputError
from athena.memory.entries import Event, EventKind, checked, describe_note, read_note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from athena.memory.store._memory import Memory

_FORMAT = "athena-memory-1"


def export_lines(memory: Memory) -> Iterator[str]:
    """Yield the lines of a memory's history; words that were erased are not in it."""
    yield json.dumps({"format": _FORMAT})
    n_events = 0
    for event in memory.events():
        line: dict[str, Any] = {
            "position": event.position,
            "at_ns": event.at_ns,
            "kind": event.kind,
            "entry": event.entry,
            "body": event.body,
        }
        if event.note is not None:
            line |= {"text": event.note.text, "source": event.note.source}
        yield json.dumps(line, ensure_ascii=False)
        n_events += 1
    yield json.dumps({"events": n_events})


def import_lines(memory: Memory, lines: Iterable[str]) -> int:
    """Take a history into an empty memory, all of it or nothing; return the number of events.

    Raises:
        InputError: a line is not what an export writes; the message names it.
        RefusedError: the memory is not empty.
    """
    return memory.take_history(_events(lines))


def _events(lines: Iterable[str]) -> Iterator[Event]:
    n_events, is_whole = -1, False
    for number, text in enumerate(lines, start=1):
        values = _object(number, text)
        if is_whole:
            _refuse(number, "nothing after the number of events")
        if n_events < 0:
            if values != {"format": _FORMAT}:
                _refuse(number, f"the format {_FORMAT}")
        elif "events" in values:
            if values != {"events": n_events}:
                _refuse(number, f"{n_events} events")
            is_whole = True
            continue
        else:
            yield _event(number, values)
        n_events += 1
    if not is_whole:
        _refuse(n_events + 2, "the number of events as the last line")


def _object(number: int, text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError:
        _refuse(number, "a JSON object")
    if not isinstance(values, dict):
        _refuse(number, "a JSON object")
    return values


def _event(number: int, values: dict[str, Any]) -> Event:
    try:
        kind = EventKind(values["kind"])
        position, at_ns = int(values["position"]), int(values["at_ns"])
        entry, body = str(values["entry"]), str(values["body"])
        if kind is not EventKind.ADDED:
            return Event(position, at_ns, kind, entry, body=body)
        text, source = str(values["text"]), str(values["source"])
    except (KeyError, TypeError, ValueError):
        _refuse(number, "an event")
    note, replaces = read_note(body, text, source, position)
    # A note without words was erased, which a later event has to say.
    is_fit = not text or checked(note) == note
    if not is_fit or entry != f"{note.type}-{position}":
        _refuse(number, "a note as it is remembered")
    return Event(position, at_ns, kind, entry, note, replaces, describe_note(note, replaces))


def _refuse(number: int, expected: str) -> NoReturn:
    message = f"expected {expected} in line {number}, was something else"
    raise InputError(message, hint="export it again") from None
