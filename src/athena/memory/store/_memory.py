"""The memory: a log in the database, its fold in this process, and what can be asked of both."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS
from athena.errors import AthenaError, InputError, RefusedError
from athena.memory.entries import (
    MAX_OPEN,
    Added,
    Entry,
    EntryNotFound,
    EntryType,
    Event,
    EventKind,
    Note,
    State,
    Trust,
    checked,
    decide_add,
    decide_delete,
    decide_erase,
    decide_score,
    decide_update,
)
from athena.memory.recall import Index, Ranking, View, to_levels
from athena.memory.store._log import (
    check_contents,
    count_without_vector,
    entries_without_vector,
    read_events,
    write_events,
    write_vectors,
)
from athena.platform import get_logger, known_secrets, mask_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from athena.memory.recall import Embedder
    from athena.platform import Clock
    from athena.platform.database import Database, Transaction

# Clocks of machines that share a store differ a little; more than this is a wrong clock.
CLOCK_SKEW_NS = 5 * SECOND_NS
MAX_QUERY_CHARACTERS = 4_096
MAX_HITS = 1_000
_EMBEDDED_AT_ONCE = 512
_log = get_logger("athena.memory")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a memory.

    Attributes:
        text: 1 to 4,096 characters.
        k: most hits, 1 to 1,000.
        as_of_ns: answer as it was known then, UTC nanoseconds; None for all that is known.
        types: only these; empty for all.
        namespaces: only these; empty for all.
        valid_at_ns: only what was true in the world then; None for whatever is known.
        ranking: how hits are ranked.
    """

    text: str
    k: int = 5
    as_of_ns: int | None = None
    types: frozenset[EntryType] = field(default_factory=frozenset)
    namespaces: frozenset[str] = field(default_factory=frozenset)
    valid_at_ns: int | None = None
    ranking: Ranking = field(default_factory=Ranking)


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that was found, with nothing that was learned of it later.

    Attributes:
        id: of the entry.
        text: what it says.
        score: >= 0; comparable within one recall only.
        type, namespace, source, trust, links, valid_to_ns: see `Note`.
        recorded_ns, valid_from_ns: see `Entry`.
    """

    id: str
    text: str
    score: float
    type: EntryType
    namespace: str
    source: str
    trust: Trust
    links: tuple[str, ...]
    recorded_ns: int
    valid_from_ns: int
    valid_to_ns: int | None


@dataclass(frozen=True, slots=True)
class Recall:
    """What a memory answered, and the moment whose knowledge it used.

    The same question as of `known_ns` gives the same hits to the last bit at any later time, for
    the same embedder, unless one of them was erased.

    Attributes:
        hits: best first; empty when nothing fits.
        known_ns: when the newest event that was seen became known; 0 for none.
        embedder: whose vectors were compared; empty when it failed and words had to do.
    """

    hits: tuple[Hit, ...]
    known_ns: int
    embedder: str


@dataclass(frozen=True, slots=True)
class MemoryStatistics:
    """How much a memory holds.

    Attributes:
        n_versions: entries with all their versions.
        n_open: entries that are open.
        n_erased: entries whose words are gone.
        n_events: lines of the log.
        n_without_vector: entries that are found by their words alone.
        namespaces: open entries of each namespace.
        types: open entries of each type.
        embedder: whose vectors are compared.
        newest_ns: when the newest event became known; 0 for none.
    """

    n_versions: int
    n_open: int
    n_erased: int
    n_events: int
    n_without_vector: int
    namespaces: Mapping[str, int]
    types: Mapping[str, int]
    embedder: str
    newest_ns: int


class Memory:
    """Remember and recall; several processes may use one database at once.

    What another process wrote is taken in before each operation. A change is decided, written
    and folded within one transaction; when that fails, the fold is thrown away and made anew.
    """

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        clock: Clock,
        *,
        needs_as_of: bool = False,
        max_open: int = MAX_OPEN,
    ) -> None:
        """Read the log.

        Args:
            database: with its tables up to date; it belongs to the caller.
            embedder: of entries and questions.
            clock: tells when something becomes known.
            needs_as_of: True in a backtest or replay: a question without a time is refused, and
                so is one about a time that the clock has not reached.
            max_open: most open entries of a namespace.

        Raises:
            DatabaseDamaged: the log is not as it was written.
        """
        self._database = database
        self._embedder = embedder
        self._clock = clock
        self._needs_as_of = needs_as_of
        self._max_open = max_open
        self._start_anew()
        self._refresh()

    @property
    def embedder(self) -> Embedder:
        """Return who makes the vectors."""
        return self._embedder

    def add(self, note: Note) -> Added:
        """Remember one note; see `decide_add`."""
        return self.add_many([note])[0]

    def add_many(self, notes: Sequence[Note]) -> list[Added]:
        """Remember notes in one transaction: all of them or none.

        Known secrets are masked. A note whose text cannot be embedded is kept for its words.

        Raises:
            InputError: a note is not fit.
            EntryNotFound: a link leads nowhere.
            MemoryFull: there is no room.
            RefusedError: the clock is behind what is known.
        """
        secrets = known_secrets()
        fit = [_masked(checked(note), secrets) for note in notes]
        levels = self._embed([note.text for note in fit])
        added: list[Added] = []
        with self._writing() as write:
            for k, note in enumerate(fit):
                found = decide_add(self._state, note, self._next_ns(), max_open=self._max_open)
                write(found.events, None if levels is None else levels[k])
                added.append(found)
        return added

    def update(
        self,
        entry_id: str,
        text: str,
        *,
        source: str = "",
        trust: Trust = Trust.OWN,
        valid_from_ns: int | None = None,
    ) -> Added:
        """Record a new version of an entry; see `decide_update`."""
        secrets = known_secrets()
        with self._writing() as write:
            found = decide_update(
                self._state,
                entry_id,
                mask_text(text, secrets),
                self._next_ns(),
                source=mask_text(source, secrets),
                trust=trust,
                valid_from_ns=valid_from_ns,
            )
            (event,) = found.events
            levels = self._embed([event.note.text]) if event.note else None
            write(found.events, None if levels is None else levels[0])
        return found

    def delete(self, entry_id: str, reason: str) -> None:
        """Close an entry and hide it from now on; see `decide_delete`."""
        with self._writing() as write:
            write((decide_delete(self._state, entry_id, reason, self._next_ns()),), None)

    def erase(self, entry_id: str, reason: str, by: str) -> tuple[str, ...]:
        """Remove what an entry and its versions said, for good; return their ids.

        The log keeps that it was done, by whom and why. Backups and dumps that were made before
        still hold the words.
        """
        with self._writing() as write:
            events = decide_erase(self._state, entry_id, reason, by, self._next_ns())
            write(events, None)
        return tuple(event.entry for event in events)

    def score(self, entry_id: str, *, is_helpful: bool) -> None:
        """Note that a decision that used an entry was scored right or wrong."""
        with self._writing() as write:
            now_ns = self._next_ns()
            write((decide_score(self._state, entry_id, now_ns, is_helpful=is_helpful),), None)

    def retrieve(self, question: Question) -> Recall:
        """Find the entries that fit a question best; nothing that fits is an empty recall.

        Raises:
            InputError: a field is out of its bounds; or, where a time is needed, none is given or
            one that the clock has not reached.
        """
        _check_question(question)
        if self._needs_as_of:
            _check_no_future(question.as_of_ns, self._clock.now_ns())
        self._refresh()
        newest_ns = self._state.at_ns
        as_of_ns = newest_ns if question.as_of_ns is None else question.as_of_ns
        known_ns = min(as_of_ns, newest_ns)
        view = View(as_of_ns, question.types, question.namespaces, question.valid_at_ns)
        ranking = question.ranking
        if ranking.vector_weight is None:
            ranking = replace(ranking, vector_weight=self._embedder.weight)
        levels = self._embed([question.text]) if ranking.vector_weight else None
        found = self._index.rank(
            question.text, None if levels is None else levels[0], view, ranking, question.k
        )
        hits = tuple(self._hit(entry_id, score) for entry_id, score in found)
        embedder = "" if levels is None and ranking.vector_weight else self._embedder.name
        return Recall(hits, known_ns, embedder)

    def get(self, entry_id: str) -> Entry:
        """Return an entry, a closed one too, with all that was learned of it since.

        Raises:
            EntryNotFound: no entry has this id, it was erased, or it is not known yet by the clock
                of a memory that needs a time.
        """
        self._refresh()
        entry = self._state.find(entry_id)
        is_later = entry is not None and entry.recorded_ns > self._clock.now_ns()
        if entry is None or entry.is_erased or (self._needs_as_of and is_later):
            message = f"expected the id of an entry, was {entry_id!r}"
            raise EntryNotFound(message, hint="athena memory retrieve QUERY shows ids")
        return entry

    def statistics(self) -> MemoryStatistics:
        """Count what is held."""
        self._refresh()
        types = dict.fromkeys((str(kind) for kind in EntryType), 0)
        n_erased = 0
        for entry in self._state:
            types[entry.note.type] += entry.is_open
            n_erased += entry.is_erased
        return MemoryStatistics(
            n_versions=len(self._state),
            n_open=sum(types.values()),
            n_erased=n_erased,
            n_events=self._state.position,
            n_without_vector=len(self._state) - n_erased - self._index.n_vectors,
            namespaces=self._state.namespaces(),
            types={kind: n for kind, n in types.items() if n},
            embedder=self._embedder.name,
            newest_ns=self._state.at_ns,
        )

    def events(self) -> Iterator[Event]:
        """Yield the whole log, oldest first; do nothing else with the memory meanwhile."""
        with self._database.read() as transaction:
            for event, _ in read_events(transaction, 0, self._embedder):
                yield event

    def take_history(self, events: Iterable[Event]) -> int:
        """Take the log of another memory into this empty one, all of it; return its length.

        The entries get their vectors by `embed_missing`.

        Raises:
            RefusedError: this memory is not empty: its history cannot be rewritten.
            InputError: the events are no history, or go on after the present.
        """
        latest_ns = self._clock.now_ns() + CLOCK_SKEW_NS
        with self._writing() as write:
            if self._state.position:
                message = f"expected an empty memory, was one of {len(self._state):,} entries"
                raise RefusedError(message, hint="athena --home NEW memory import FILE")
            for event in events:
                if event.at_ns > latest_ns:
                    message = f"expected events until now, was one of {event.at_ns} ns"
                    raise InputError(message, hint="set the clock")
                write((event,), None)
        return self._state.position

    def count_without_vector(self) -> int:
        """Count the entries that the embedder has not seen, after it was changed for example."""
        with self._database.read() as transaction:
            return count_without_vector(transaction, self._embedder.name)

    def embed_missing(self, progress: Callable[[int], None]) -> int:
        """Embed every entry that the embedder has not seen; return how many.

        Args:
            progress: called with the number that is done.

        Raises:
            AthenaError: the embedder cannot; what was done stays done.
        """
        n_done = 0
        while True:
            with self._database.write() as transaction:
                name = self._embedder.name
                missing = entries_without_vector(transaction, name, _EMBEDDED_AT_ONCE)
                if not missing:
                    return n_done
                levels = to_levels(self._embedder.embed([text for _, text in missing]))
                found = dict(zip((entry for entry, _ in missing), levels, strict=True))
                write_vectors(transaction, found, name)
            self._refresh()
            for entry_id, row in found.items():
                self._index.put_vector(entry_id, row)
            n_done += len(found)
            progress(n_done)

    def _hit(self, entry_id: str, score: float) -> Hit:
        entry = self._state.find(entry_id)
        if entry is None:
            message = f"expected {entry_id} in the state as in the index, was absent"
            raise AthenaError(message)
        note = entry.note
        return Hit(
            id=entry.id,
            text=note.text,
            score=score,
            type=note.type,
            namespace=note.namespace,
            source=note.source,
            trust=note.trust,
            links=note.links,
            recorded_ns=entry.recorded_ns,
            valid_from_ns=entry.valid_from_ns,
            valid_to_ns=note.valid_to_ns,
        )

    def _embed(self, texts: Sequence[str]) -> NDArray[np.int16] | None:
        """Return the vectors of texts; None when the embedder cannot: words have to do."""
        try:
            return to_levels(self._embedder.embed(texts))
        except AthenaError as error:
            _log.warning("a text is known by its words alone", why=error.message)
            return None

    def _next_ns(self) -> int:
        """Return when the next event becomes known: now, and after the newest."""
        now_ns = self._clock.now_ns()
        newest_ns = self._state.at_ns
        if now_ns < newest_ns - CLOCK_SKEW_NS:
            message = (
                f"expected a time not before {newest_ns} ns, when the newest entry became known, "
                f"was {now_ns} ns"
            )
            raise RefusedError(message, hint="set the clock, or use another home")
        return max(now_ns, newest_ns + 1)

    @contextmanager
    def _writing(self) -> Iterator[Callable[[Sequence[Event], NDArray[np.int16] | None], None]]:
        """Offer a function that folds events and writes them when the block ends well."""
        events: list[Event] = []
        levels: dict[str, NDArray[np.int16]] = {}

        def write(some: Sequence[Event], row: NDArray[np.int16] | None) -> None:
            for event in some:
                is_added = event.kind is EventKind.ADDED
                if is_added and row is not None:
                    levels[event.entry] = row
                self._fold(event, row if is_added else None)
                events.append(event)

        try:
            with self._database.write() as transaction:
                self._catch_up(transaction)
                yield write
                write_events(transaction, events, levels, self._embedder.name)
        except BaseException:
            if events:
                self._start_anew()
            raise

    def _refresh(self) -> None:
        with self._database.read() as transaction:
            self._catch_up(transaction)

    def _catch_up(self, transaction: Transaction) -> None:
        """Fold what was written since, by whomever."""
        without_words: dict[str, None] = {}
        try:
            for event, levels in read_events(transaction, self._state.position, self._embedder):
                if event.note is not None and not event.note.text:
                    without_words[event.entry] = None
                elif event.kind is EventKind.ERASED:
                    without_words.pop(event.entry, None)
                self._fold(event, levels)
            check_contents(list(without_words))
        except BaseException:
            self._start_anew()
            raise

    def _fold(self, event: Event, levels: NDArray[np.int16] | None) -> None:
        """Take an event into the state and the index."""
        before = self._state.find(event.entry)
        self._state.apply(event)
        after = self._state.find(event.entry)
        if after is None:
            message = f"expected {event.entry} after its event, was absent"
            raise AthenaError(message)
        if event.kind is EventKind.ADDED:
            if event.replaces:
                self._index.close(event.replaces, event.at_ns)
            self._index.add(after, levels)
        elif event.kind is EventKind.SCORED:
            is_helpful = before is not None and after.n_helpful > before.n_helpful
            self._index.score(after.id, event.at_ns, is_helpful=is_helpful)
        elif event.kind is EventKind.ERASED and before is not None:
            self._index.forget(after.id, before.note.text)
        elif not after.is_open:
            self._index.close(after.id, event.at_ns)

    def _start_anew(self) -> None:
        self._state = State()
        self._index = Index(self._embedder.n_dims)


def _masked(note: Note, secrets: Sequence[str]) -> Note:
    """Return a note without secrets; most have none and stay as they are."""
    text, source = mask_text(note.text, secrets), mask_text(note.source, secrets)
    is_clean = text == note.text and source == note.source
    return note if is_clean else checked(replace(note, text=text, source=source))


def _check_no_future(as_of_ns: int | None, now_ns: int) -> None:
    if as_of_ns is None or as_of_ns > now_ns:
        was = "none" if as_of_ns is None else f"{as_of_ns - now_ns} ns after the clock"
        message = f"expected the time as of which is asked, was {was}"
        raise InputError(message, hint="a backtest asks as of the bar it stands on")


def _check_question(question: Question) -> None:
    if not 1 <= len(question.text.strip()) <= MAX_QUERY_CHARACTERS:
        message = (
            f"expected a question of 1 to {MAX_QUERY_CHARACTERS:,} characters, "
            f"was {len(question.text.strip()):,}"
        )
        raise InputError(message)
    if not 1 <= question.k <= MAX_HITS:
        message = f"expected 1 to {MAX_HITS:,} hits, was {question.k}"
        raise InputError(message)
