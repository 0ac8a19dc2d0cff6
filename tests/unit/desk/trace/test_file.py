from pathlib import Path

import pytest

from athena.desk.agents import PanelAnswer
from athena.desk.contract import Unavailable, digest
from athena.desk.evaluation import ModelWord
from athena.desk.trace import (
    START,
    TRACE_FILE,
    TraceWriter,
    decide_again,
    find_entry,
    read_lines,
    read_trace,
)
from athena.domain import Action
from athena.errors import CheckFailed, InputError, MissingError
from tests.trace_cases import a_cycle


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / TRACE_FILE


def written(path: Path, n: int = 3) -> str:
    with TraceWriter(path) as writer:
        for number in range(1, n + 1):
            writer.append(a_cycle(number))
    return writer.head


def test_what_was_written_is_read_back(path: Path) -> None:
    cycle = a_cycle(
        missing=(Unavailable("sentiment", "no answer in time"),),
        latencies_ns={"views": 12},
        panel=(PanelAnswer(model="m", action=Action.BUY, confidence=0.7),),
    )
    with TraceWriter(path) as writer:
        writer.append(cycle)
    (entry,) = read_trace(path, head=writer.head)
    assert entry.decision == cycle.decision
    assert entry.outputs == cycle.outputs
    assert entry.missing == cycle.missing
    assert entry.latencies_ns == {"views": 12}
    assert entry.words == (ModelWord("m", Action.BUY, 0.7),)
    assert entry.seen.id == cycle.snapshot.id
    assert entry.seen.price == cycle.snapshot.price
    assert [frame.source for frame in entry.seen.frames] == [
        frame.source for frame in cycle.snapshot.frames
    ]
    assert [one.key for one in entry.asked] == [one.key for one in cycle.intents]
    assert digest(decide_again(entry)) == digest(cycle.decision)


def test_equal_cycles_give_equal_files(path: Path, tmp_path: Path) -> None:
    written(path)
    written(tmp_path / "again")
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


def test_a_trace_is_gone_on_with(path: Path) -> None:
    with TraceWriter(path) as writer:
        writer.append(a_cycle(1))
    with TraceWriter(path, is_durable=True) as writer:
        assert writer.n_entries == 1
        writer.append(a_cycle(2))
    head = writer.head
    path.rename(path.with_suffix(".first"))
    assert written(path, 2) == head


def test_an_empty_trace_has_the_first_head(path: Path) -> None:
    assert written(path, 0) == START
    assert list(read_trace(path, head=START)) == []


@pytest.mark.parametrize("place", [0, 20, 100, 160, 400, -3])
def test_a_flipped_byte_is_found(path: Path, place: int) -> None:
    head = written(path)
    lines = path.read_bytes().splitlines(keepends=True)
    line = bytearray(lines[1])
    line[place] ^= 1
    path.write_bytes(lines[0] + bytes(line) + lines[2])
    with pytest.raises(CheckFailed, match="line 2"):
        list(read_trace(path, head=head))


def test_every_byte_counts(path: Path) -> None:
    written(path, 1)
    whole = path.read_bytes()
    for place in range(0, len(whole) - 1, 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(CheckFailed):
            list(read_lines(path))


def test_a_line_that_was_removed_or_moved_is_found(path: Path) -> None:
    written(path)
    first, second, third = path.read_bytes().splitlines(keepends=True)
    for changed in (first + third, second + first + third, first + second + second):
        path.write_bytes(changed)
        with pytest.raises(CheckFailed, match="line"):
            list(read_trace(path))


def test_an_end_that_was_cut_off_shows_in_the_head(path: Path) -> None:
    head = written(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1])
    assert len(list(read_trace(path))) == 2
    with pytest.raises(CheckFailed, match="end with"):
        list(read_trace(path, head=head))


@pytest.mark.parametrize("n_torn", [1, 50, 700])
def test_a_torn_tail_is_not_read_and_is_cut_off(path: Path, n_torn: int) -> None:
    written(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-n_torn])
    assert [entry.decision.id for entry in read_trace(path)] == ["d-1", "d-2"]
    with TraceWriter(path) as writer:
        assert writer.n_entries == 2
        writer.append(a_cycle(3))
    assert path.read_bytes() == whole


def test_a_changed_trace_is_not_gone_on_with(path: Path) -> None:
    written(path)
    path.write_bytes(path.read_bytes().replace(b'"d-2"', b'"d-9"'))
    with pytest.raises(CheckFailed):
        TraceWriter(path)


def test_a_decision_is_found_by_the_beginning_of_its_id(path: Path) -> None:
    written(path, 12)
    assert find_entry(path, "d-2").decision.id == "d-2"
    assert find_entry(path, "d-12").decision.id == "d-12"
    for unclear in ("d-1", "", "x", '"'):
        with pytest.raises(InputError, match="one decision"):
            find_entry(path, unclear)


def test_no_trace_is_said(path: Path) -> None:
    with pytest.raises(MissingError, match=TRACE_FILE):
        list(read_trace(path))
