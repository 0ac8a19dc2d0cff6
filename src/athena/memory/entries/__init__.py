"""Entries, the events that make them, and the operations as pure functions."""

from athena.memory.entries._decide import (
    MAX_OPEN,
    MAX_VERSIONS,
    Added,
    checked,
    decide_add,
    decide_delete,
    decide_erase,
    decide_score,
    decide_update,
    open_entry,
)
from athena.memory.entries._errors import EntryNotFound, MemoryFull
from athena.memory.entries._events import Event, EventKind, damaged, describe_note, read_note
from athena.memory.entries._model import SHARED, Entry, EntryType, FactKey, Note, Trust
from athena.memory.entries._state import State
from athena.memory.entries._text import (
    clean_text,
    count_tokens,
    sentences,
    share_of_words,
    words,
)

__all__ = [
    "MAX_OPEN",
    "MAX_VERSIONS",
    "SHARED",
    "Added",
    "Entry",
    "EntryNotFound",
    "EntryType",
    "Event",
    "EventKind",
    "FactKey",
    "MemoryFull",
    "Note",
    "State",
    "Trust",
    "checked",
    "clean_text",
    "count_tokens",
    "damaged",
    "decide_add",
    "decide_delete",
    "decide_erase",
    "decide_score",
    "decide_update",
    "describe_note",
    "open_entry",
    "read_note",
    "sentences",
    "share_of_words",
    "words",
]
