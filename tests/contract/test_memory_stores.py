"""Every store keeps the memory's promises: SQLite, and PostgreSQL where there is one."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from athena.domain import DAY_NS, SECOND_NS
from athena.errors import (
    AthenaError,
    DatabaseConflict,
    DatabaseDamaged,
    InputError,
    RefusedError,
)
from athena.memory import (
    EntryNotFound,
    EntryType,
    FactKey,
    HashedEmbedder,
    Memory,
    Note,
    Question,
    Trust,
    export_lines,
    import_lines,
)
from athena.platform import VirtualClock
from athena.platform.database import open_database
from tests.conftest import IS_FULL, ROOT
from tests.memory_builder import NOW_NS, SmallEmbedder, prepared, remembering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from athena.platform.database import Database

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
N_KILLS = 200 if IS_FULL else 5
N_SEQUENCES = 500 if IS_FULL else 20
NOTES = (
    "The first note is about funding of bitcoin",
    "The second note is about gas on ethereum",
    "The third note is about ripple and courts",
)


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return "sqlite:///memory.db"
    address: str = request.getfixturevalue("postgres_url")
    return address


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Database]:
    opened = prepared(url, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW_NS)


@pytest.fixture
def memory(database: Database, clock: VirtualClock) -> Memory:
    return remembering(database, clock=clock)


@pytest.fixture
def connect(url: str, tmp_path: Path, database: Database) -> Callable[[], Database]:
    assert database.where
    return lambda: open_database(url, tmp_path, environment={})


def ids(memory: Memory, text: str = "note", **options: Any) -> set[str]:
    return {hit.id for hit in memory.retrieve(Question(text, 50, **options)).hits}


def texts(memory: Memory, text: str = "note", **options: Any) -> set[str]:
    return {hit.text for hit in memory.retrieve(Question(text, 50, **options)).hits}


def test_three_notes_one_updated_one_deleted(memory: Memory, clock: VirtualClock) -> None:
    """B12."""
    first, second, third = (memory.add(Note(text)).id for text in NOTES)
    clock.advance(SECOND_NS)
    before_ns = clock.now_ns()
    clock.advance(SECOND_NS)
    update = memory.update(second, "The second note is about staking of ether")
    memory.delete(third, "a rumour")
    assert (update.replaces, update.id != second) == (second, True)
    assert ids(memory) == {first, update.id}
    assert ids(memory, as_of_ns=before_ns) == {first, second, third}
    assert second not in ids(memory, as_of_ns=clock.now_ns() + 9)
    assert memory.get(second).closed_by == update.id
    for options in ({}, {"as_of_ns": clock.now_ns() + DAY_NS}, {"namespaces": frozenset({"x"})}):
        assert third not in ids(memory, "ripple", **options)


def test_a_backtest_never_reads_what_became_known_later(
    database: Database, memory: Memory, clock: VirtualClock
) -> None:
    """ML-02, the memory half of D02; and a question without a time is refused there."""
    at_ns = clock.now_ns()
    clock.advance(SECOND_NS)
    memory.add(Note(NOTES[0]))
    testing = remembering(database, clock=clock, needs_as_of=True)
    assert ids(testing, as_of_ns=at_ns) == set()
    assert ids(testing, as_of_ns=at_ns + SECOND_NS) == {"fact-1"}
    with pytest.raises(InputError, match="time as of which is asked, was none"):
        ids(testing)
    early = remembering(database, clock=VirtualClock(at_ns), needs_as_of=True)
    with pytest.raises(InputError, match="was 1 ns after the clock"):
        ids(early, as_of_ns=at_ns + 1)
    with pytest.raises(EntryNotFound):
        early.get("fact-1")
    assert testing.get("fact-1").id == "fact-1"


def test_known_secrets_are_masked(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """C23."""
    monkeypatch.setenv("SOME_API_KEY", "abcdefgh12345")
    entry = memory.add(Note("The key is abcdefgh12345, they say", source="mail abcdefgh12345"))
    note = memory.get(entry.id).note
    assert (note.text, note.source) == ("The key is ***, they say", "mail ***")
    update = memory.update(entry.id, "The key is still abcdefgh12345, they say")
    assert memory.get(update.id).note.text == "The key is still ***, they say"


def test_an_id_that_is_closed_or_made_up_is_not_found(memory: Memory) -> None:
    """ML-05, below the codes of an agent."""
    memory.add(Note(NOTES[0]))
    memory.delete("fact-1", "")
    for act in (
        lambda: memory.delete("fact-1", ""),
        lambda: memory.delete("fact-9", ""),
        lambda: memory.update("fact-1", NOTES[1]),
        lambda: memory.score("fact-9", is_helpful=True),
        lambda: memory.erase("fact-9", "", "me"),
    ):
        with pytest.raises(EntryNotFound):
            act()
    assert memory.statistics().n_events == 2


def test_the_same_words_within_a_day_stay_one_entry(memory: Memory, clock: VirtualClock) -> None:
    first = memory.add(Note(NOTES[0], source="wire/1"))
    again = memory.add(Note(f"  {NOTES[0]}\n", source="wire/2"))
    memory.add(Note(NOTES[0], source="wire/2"))
    assert (again.id, again.is_new) == (first.id, False)
    assert memory.get(first.id).n_proofs == 2
    assert memory.add(Note(NOTES[0], namespace="trader")).is_new
    clock.advance(DAY_NS)
    assert memory.add(Note(NOTES[0])).is_new


def test_a_typed_key_supersedes_and_free_text_does_not(
    memory: Memory, clock: VirtualClock
) -> None:
    key = FactKey("BTC/USD", "funding")
    old = memory.add(Note("BTC funding is 0.01 percent", key=key))
    clock.advance(SECOND_NS)
    free = memory.add(Note("BTC funding is 0.07 percent, they say"))
    other = memory.add(
        Note("BTC funding was 0.02 percent", key=FactKey("BTC/USD", "funding", "Q1"))
    )
    new = memory.add(Note("BTC funding is 0.03 percent", key=key))
    assert (free.replaces, other.replaces, new.replaces) == ("", "", old.id)
    assert ids(memory, "funding") == {free.id, other.id, new.id}
    assert ids(memory, "funding", as_of_ns=NOW_NS) == {old.id}


def test_an_external_fact_never_takes_the_place_of_our_own(memory: Memory) -> None:
    key = FactKey("BTC/USD", "listing")
    own = memory.add(Note("BTC is listed at Kraken", key=key, trust=Trust.VERIFIED))
    page = memory.add(Note("BTC is delisted at Kraken", key=key, trust=Trust.EXTERNAL))
    page_again = memory.add(Note("BTC is delisted for good", key=key, trust=Trust.EXTERNAL))
    assert (page.replaces, page.disputes) == ("", own.id)
    assert page_again.replaces == page.id
    assert memory.get(own.id).is_open


def test_a_fact_that_comes_late_does_not_hide_the_newer_one(memory: Memory) -> None:
    key = FactKey("BTC/USD", "fee")
    new = memory.add(Note("The fee is 16 points now", key=key, valid_from_ns=NOW_NS - 10))
    late = memory.add(Note("The fee was 20 points then", key=key, valid_from_ns=NOW_NS - 99))
    assert late.replaces == ""
    assert memory.get(new.id).is_open
    assert memory.get(late.id).note.valid_to_ns == NOW_NS - 10
    assert ids(memory, "fee", valid_at_ns=NOW_NS - 50) == {late.id}
    assert ids(memory, "fee", valid_at_ns=NOW_NS) == {new.id}


def test_what_is_erased_is_gone_everywhere_and_that_is_recorded(
    url: str, memory: Memory, database: Database, tmp_path: Path
) -> None:
    word = "xylophonic"
    first = memory.add(Note(f"Please forget the {word} account", source=f"{word}/7")).id
    second = memory.update(first, f"Please forget the {word} account for good").id
    assert memory.erase(second, "asked for", "maria") == (first, second)
    assert memory.statistics().n_erased == 2
    assert ids(memory, word) == set()
    assert ids(memory, word, as_of_ns=NOW_NS) == set()
    with pytest.raises(EntryNotFound):
        memory.erase(first, "again", "maria")
    with pytest.raises(EntryNotFound):
        memory.get(first)
    assert not any(word in line for line in export_lines(memory))
    assert any("asked for" in line for line in export_lines(memory))
    assert ids(remembering(database), word) == set()
    database.close()
    if url.startswith("sqlite"):
        for file in tmp_path.glob("memory.db*"):
            assert word.encode() not in file.read_bytes()


def test_another_process_that_erases_is_seen(
    memory: Memory, connect: Callable[[], Database]
) -> None:
    first = memory.add(Note(NOTES[0])).id
    other = connect()
    remembering(other).erase(first, "asked for", "maria")
    other.close()
    assert ids(memory) == set()


def test_the_current_version_of_a_fact_comes_first_and_no_future_one_at_all(
    memory: Memory, clock: VirtualClock
) -> None:
    """Forty facts in five versions each, in other words every time; asked now and in between."""
    phrases = ("stands at", "moved to", "is now", "was set to", "came in at")
    told: list[tuple[int, dict[int, str]]] = []
    current: dict[int, str] = {}
    for phrase in phrases:
        for k in range(40):
            clock.advance(SECOND_NS)
            note = Note(f"Symbol{k} fee {phrase} {k * 7 % 11}", key=FactKey(f"S{k}", "fee"))
            current[k] = memory.add(note).id
        told.append((clock.now_ns(), dict(current)))
    for as_of_ns, then in told:
        for k, entry_id in then.items():
            hits = memory.retrieve(Question(f"what is the fee of symbol{k}", as_of_ns=as_of_ns))
            assert hits.hits[0].id == entry_id
            assert {hit.id for hit in hits.hits} <= set(then.values())


def test_two_writers_see_each_other_and_lose_nothing(
    memory: Memory, connect: Callable[[], Database]
) -> None:
    opened = connect()
    other = remembering(opened)
    for k in range(10):
        memory.add(Note(f"note {k} of the first writer"))
        other.add(Note(f"note {k} of the second writer"))
    assert ids(memory) == ids(other) == {f"fact-{k}" for k in range(1, 21)}
    opened.close()


def test_one_bad_note_keeps_out_the_whole_batch(memory: Memory) -> None:
    memory.add(Note(NOTES[0]))
    with pytest.raises(InputError, match="10 to 4,096 characters, was 5"):
        memory.add_many([Note(NOTES[1]), Note("short")])
    with pytest.raises(EntryNotFound):
        memory.add_many([Note(NOTES[1]), Note(NOTES[2], links=("fact-99",))])
    assert ids(memory) == {"fact-1"}
    assert memory.add(Note(NOTES[1])).id == "fact-2"


def test_a_write_that_fails_leaves_memory_and_store_as_they_were(
    memory: Memory, connect: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: nothing was written, and nothing is remembered of it either."""
    memory.add(Note(NOTES[0]))

    def fail(*_: object) -> None:
        message = "expected room to write, was a full disk"
        raise AthenaError(message)

    with monkeypatch.context() as patch:
        patch.setattr("athena.memory.store._memory.write_events", fail)
        with pytest.raises(AthenaError, match="full disk"):
            memory.add(Note(NOTES[1]))
    assert ids(memory) == {"fact-1"}
    opened = connect()
    assert ids(remembering(opened)) == {"fact-1"}
    opened.close()
    assert memory.add(Note(NOTES[1])).id == "fact-2"


@pytest.mark.parametrize(
    "statement", ["UPDATE memory_events SET body = '{}'", "DELETE FROM memory_events"]
)
def test_the_log_is_only_appended_to(memory: Memory, database: Database, statement: str) -> None:
    memory.add(Note(NOTES[0]))
    with pytest.raises(DatabaseConflict), database.write() as transaction:
        transaction.execute(statement)


def put_event(
    database: Database, position: int, kind: str = "deleted", entry: str = "fact-1"
) -> None:
    with database.write() as transaction:
        transaction.execute(
            "INSERT INTO memory_events (position, at_ns, kind, entry, body) "
            "VALUES (:position, :at_ns, :kind, :entry, '{}')",
            {"position": position, "at_ns": NOW_NS + position, "kind": kind, "entry": entry},
        )


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ((3, "deleted", "fact-1"), "missing: the next is 3"),
        ((2, "deleted", "fact-7"), "fact-7, which is not open"),
        ((2, "added", "fact-2"), "cannot be read"),
    ],
)
def test_a_log_with_a_hole_or_nonsense_is_refused_in_words(
    memory: Memory, database: Database, event: tuple[int, str, str], words: str
) -> None:
    memory.add(Note(NOTES[0]))
    put_event(database, *event)
    for _ in range(2):
        with pytest.raises(DatabaseDamaged, match=words):
            memory.retrieve(Question("note"))


def test_an_event_of_a_newer_version_is_refused(memory: Memory, database: Database) -> None:
    memory.add(Note(NOTES[0]))
    put_event(database, 2, "dreamt")
    with pytest.raises(RefusedError, match="'dreamt'"):
        memory.retrieve(Question("note"))


def test_words_that_vanished_without_an_erasure_are_missed(
    memory: Memory, database: Database
) -> None:
    memory.add(Note(NOTES[0]))
    with database.write() as transaction:
        transaction.execute("DELETE FROM memory_contents")
    with pytest.raises(DatabaseDamaged, match="the words of fact-1"):
        remembering(database)


def test_a_vector_of_another_length_is_refused(memory: Memory, database: Database) -> None:
    memory.add(Note(NOTES[0]))
    with database.write() as transaction:
        transaction.execute("UPDATE memory_vectors SET levels = :levels", {"levels": b"\0" * 6})
    with pytest.raises(DatabaseDamaged, match=r"a vector of 3 numbers, not 26"):
        remembering(database)


def test_another_embedder_sees_every_entry_anew(memory: Memory, database: Database) -> None:
    memory.add_many([Note(text) for text in NOTES])
    other = remembering(database, embedder=HashedEmbedder())
    assert other.count_without_vector() == other.statistics().n_without_vector == 3
    done: list[int] = []
    assert other.embed_missing(done.append) == 3
    assert (done, other.count_without_vector()) == ([3], 0)
    assert other.statistics().n_without_vector == 0
    fresh = remembering(database, embedder=HashedEmbedder())
    question = Question("gas on ethereum")
    assert fresh.retrieve(question) == other.retrieve(question)
    assert memory.count_without_vector() == 0


def test_a_clock_that_went_back_is_refused_and_a_little_skew_is_not(
    memory: Memory, database: Database
) -> None:
    memory.add(Note(NOTES[0]))
    skewed = remembering(database, clock=VirtualClock(NOW_NS - SECOND_NS))
    assert skewed.get(skewed.add(Note(NOTES[1])).id).recorded_ns == NOW_NS + 1
    wrong = remembering(database, clock=VirtualClock(NOW_NS - 60 * SECOND_NS))
    with pytest.raises(RefusedError, match="expected a time not before"):
        wrong.add(Note(NOTES[2]))


def test_a_history_comes_back_equal_in_another_store(
    memory: Memory, clock: VirtualClock, tmp_path: Path
) -> None:
    first = memory.add(Note(NOTES[0], source="row/1")).id
    clock.advance(SECOND_NS)
    memory.update(first, "The first note is about funding of ether")
    gone = memory.add(Note(NOTES[1])).id
    memory.erase(gone, "asked for", "maria")
    memory.score(first, is_helpful=True)
    lines = list(export_lines(memory))
    target = prepared("sqlite:///copy.db", tmp_path)
    copy = remembering(target, clock=clock)
    assert import_lines(copy, lines) == 5
    copy.embed_missing(lambda _: None)
    assert list(export_lines(copy)) == lines
    for as_of_ns in (None, NOW_NS):
        question = Question("note on funding", as_of_ns=as_of_ns)
        assert copy.retrieve(question) == memory.retrieve(question)
    with pytest.raises(RefusedError, match="an empty memory"):
        import_lines(copy, lines)
    target.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines[:-1], "number of events as the last line"),
        (lambda lines: lines[1:], "the format"),
        (lambda lines: [*lines[:-1], '{"events": 7}'], "1 events in line 3"),
        (lambda lines: [*lines, "{}"], "nothing after"),
        (lambda lines: [lines[0], lines[1].replace("added", "x"), *lines[2:]], "an event"),
        (lambda lines: [lines[0], lines[1].replace("fact-1", "fact-2"), *lines[2:]], "a note"),
        (lambda lines: [lines[0], lines[1].replace(NOTES[0], "short"), *lines[2:]], "characters"),
        (
            lambda lines: [lines[0], lines[1].replace('"at_ns": 1', '"at_ns": 9'), *lines[2:]],
            "now",
        ),
        (lambda lines: [lines[0], "\x00", *lines[2:]], "a JSON object in line 2"),
    ],
)
def test_a_history_that_is_not_one_is_refused_whole(
    memory: Memory, tmp_path: Path, change: Callable[[list[str]], list[str]], words: str
) -> None:
    memory.add(Note(NOTES[0]))
    lines = change(list(export_lines(memory)))
    target = prepared("sqlite:///copy.db", tmp_path)
    copy = remembering(target)
    with pytest.raises(InputError, match=words):
        import_lines(copy, lines)
    assert copy.statistics().n_events == 0
    target.close()


def test_killed_in_the_middle_of_writing_nothing_that_was_told_is_lost(
    url: str, database: Database, tmp_path: Path
) -> None:
    """`kill -9` between any two instructions: what was acknowledged is there, in one piece."""
    told: set[str] = set()
    for k in range(N_KILLS):
        command = [sys.executable, "-m", "tests.memory_builder", url, str(tmp_path), str(k)]
        with subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=subprocess.PIPE, cwd=ROOT, text=True
        ) as child:
            assert child.stdout is not None
            told.update(child.stdout.readline().strip() for _ in range(1 + k % 7))
            child.send_signal(signal.SIGKILL)
            # A line that was cut short was never told.
            told.update(line.strip() for line in child.stdout if line.endswith("\n"))
    assert database.check() == ""
    found = remembering(database, embedder=HashedEmbedder())
    assert len(told) >= N_KILLS
    for entry_id in told:
        assert found.get(entry_id).is_open
    assert found.statistics().n_without_vector == 0


@pytest.mark.service
def test_both_stores_answer_alike_after_any_sequence(postgres_url: str, tmp_path: Path) -> None:
    """ML-06."""
    stores = [prepared("sqlite:///one.db", tmp_path), prepared(postgres_url, tmp_path)]
    for seed in range(N_SEQUENCES):
        logs = []
        for database in stores:
            with database.write() as transaction:
                transaction.execute("DELETE FROM memory_contents")
                transaction.execute("DELETE FROM memory_vectors")
                if transaction.dialect == "sqlite":
                    transaction.execute("DROP TRIGGER IF EXISTS memory_events_no_delete")
                    transaction.execute("DELETE FROM memory_events")
                else:
                    transaction.execute("TRUNCATE memory_events")
            logs.append(operate(remembering(database), random.Random(seed)))  # noqa: S311 - a test
        assert logs[0] == logs[1]
    for database in stores:
        database.close()


def operate(memory: Memory, draw: random.Random) -> list[object]:
    """Do a random sequence of operations, and return everything that came of it."""
    log: list[object] = []
    vocabulary = ["alpha", "beta", "gamma", "delta", "funding", "basis", "spread", "volume"]
    for _ in range(15):
        known = [f"fact-{k}" for k in range(1, 12)]
        text = " ".join(draw.choices(vocabulary, k=4))
        try:
            match draw.randrange(6):
                case 0 | 1:
                    key = FactKey("X", draw.choice("ab")) if draw.random() < 0.5 else None
                    log.append(memory.add(Note(text, key=key)))
                case 2:
                    log.append(memory.update(draw.choice(known), text))
                case 3:
                    memory.delete(draw.choice(known), "why")
                case 4:
                    log.append(memory.erase(draw.choice(known), "why", "me"))
                case _:
                    memory.score(draw.choice(known), is_helpful=draw.random() < 0.5)
        except (EntryNotFound, InputError) as error:
            log.append(error.message)
        log.append(memory.retrieve(Question(text, as_of_ns=NOW_NS + draw.randrange(15))))
    return [*log, *export_lines(memory)]


def test_lessons_and_outcomes_rest_on_what_was_scored(memory: Memory) -> None:
    decision = memory.add(Note("Bought BTC on funding", type=EntryType.DECISION)).id
    with pytest.raises(InputError, match="linked to its decision"):
        memory.add(Note("It lost 2 percent in a day", type=EntryType.OUTCOME))
    outcomes = tuple(
        memory.add(
            Note(f"It lost {k} percent in a day", type=EntryType.OUTCOME, links=(decision,))
        ).id
        for k in range(5)
    )
    with pytest.raises(InputError, match="5 outcomes, was 4"):
        memory.add(Note("Do not buy on funding", type=EntryType.LESSON, links=outcomes[:4]))
    lesson = memory.add(Note("Do not buy on funding", type=EntryType.LESSON, links=outcomes))
    assert memory.get(lesson.id).n_proofs == 5


def test_an_embedder_that_fails_leaves_entries_that_are_found_by_their_words(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        message = "expected a model, was none"
        raise AthenaError(message)

    memory = remembering(database)
    with monkeypatch.context() as patch:
        patch.setattr(SmallEmbedder, "embed", fail)
        memory.add(Note(NOTES[0]))
        found = memory.retrieve(Question("funding"))
        assert ([hit.id for hit in found.hits], found.embedder) == (["fact-1"], "")
    assert memory.statistics().n_without_vector == 1
    assert memory.retrieve(Question("funding")).embedder == "letters-26"
