"""What one memory is: its words, where they come from, and when they are true and known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SHARED = "shared"


class EntryType(StrEnum):
    """Say what kind of thing is remembered; facts are kept apart from what was concluded."""

    DECISION = "decision"
    OUTCOME = "outcome"
    LESSON = "lesson"
    FACT = "fact"
    EVENT = "event"
    WORKFLOW = "workflow"
    PREFERENCE = "preference"


class Trust(StrEnum):
    """Say who vouches for an entry: the desk itself, a check, or nobody here."""

    OWN = "own"
    VERIFIED = "verified"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class FactKey:
    """Name what a fact is about, so that a newer one takes its place without a model.

    Attributes:
        symbol: of an instrument, or any other subject.
        attribute: what is told of it.
        period: the period it is told for, such as `2024-01`; empty for "now".
    """

    symbol: str
    attribute: str
    period: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wants remembered.

    Attributes:
        text: 10 to 4,096 characters after cleaning.
        type: what kind of thing it is.
        namespace: whose memory it is; one for each agent, and `shared`.
        source: where it comes from, such as a row, a page or a trace; empty when nobody says.
        trust: who vouches for it.
        key: of a fact; a newer fact with the same key supersedes it.
        episode: entries of one episode follow each other, such as the turns of a conversation.
        links: ids of the entries it rests on: an outcome's decision, a lesson's outcomes.
        valid_from_ns: since when it is true, UTC nanoseconds; None for the time it is recorded.
        valid_to_ns: until when, this moment excluded; None for no known end.
    """

    text: str
    type: EntryType = EntryType.FACT
    namespace: str = SHARED
    source: str = ""
    trust: Trust = Trust.OWN
    key: FactKey | None = None
    episode: str = ""
    links: tuple[str, ...] = ()
    valid_from_ns: int | None = None
    valid_to_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a memory, as the event log tells it.

    It was known from `recorded_ns` until `superseded_ns`, this moment excluded; it is true in the
    world from `valid_from_ns` until `valid_to_ns`. No version is ever changed: an update records a
    new one.

    Attributes:
        id: type and place in the log, such as `lesson-42`.
        note: what was said; its text and source are empty once it was erased.
        recorded_ns: since when it is known, UTC nanoseconds.
        valid_from_ns: since when it is true.
        replaces: id of the version whose place it took; empty for none.
        superseded_ns: since when it is closed; None while it is open.
        closed_by: why: the id of the next version, `deleted`, `evicted` or `erased`; empty while
            it is open.
        is_erased: True when its words are gone for good.
        n_proofs: how many sources told the same, or how many entries a lesson rests on.
        n_uses: decisions that used it and were scored.
        n_helpful: those of them that were scored right.
    """

    id: str
    note: Note
    recorded_ns: int
    valid_from_ns: int
    replaces: str = ""
    superseded_ns: int | None = None
    closed_by: str = ""
    is_erased: bool = False
    n_proofs: int = 1
    n_uses: int = 0
    n_helpful: int = 0

    @property
    def is_open(self) -> bool:
        """Tell whether no later event has closed it."""
        return self.superseded_ns is None

    @property
    def quality(self) -> float:
        """Return (helpful + 1) / (uses + 2), in (0, 1); 0.5 for one never used."""
        return (self.n_helpful + 1) / (self.n_uses + 2)
