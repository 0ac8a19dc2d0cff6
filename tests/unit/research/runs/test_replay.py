"""Replay: the fold of the journal is the state, and any difference is named (TR-05, I9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import Bars, Provenance, built_in_instrument, content_sha256
from athena.errors import CheckFailed, InputError, MissingError
from athena.market import store_dataset
from athena.research import describe_bars, load_columns, replay_run
from athena.research.engine._columns import Columns
from athena.research.engine._timeline import align
from athena.research.runs._replay import COLUMNS_KEY, columns_sha256
from athena.trading import (
    BarsReference,
    FrameKind,
    JournalWriter,
    MemoryStore,
    describe_end,
    describe_setup,
    digest_of,
    pack_snapshot,
    read_frames,
    recover_journal,
    restore_snapshot,
    state_of,
    step,
)
from athena.trading import layout as at
from tests import journal_builder as build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from athena.trading import Frame


def rewritten(run: build.Run, change: Callable[[Frame, Any], Any]) -> MemoryStore:
    """Write a sound journal again with some of its words or values changed."""
    frames = list(read_frames(run.store))
    store = MemoryStore()
    writer = JournalWriter(store, change(frames[0], frames[0].values()))
    for frame in frames[1:]:
        if frame.kind is FrameKind.WORDS:
            writer.commit(change(frame, np.frombuffer(frame.payload, "<i8").copy()))
        elif frame.kind is FrameKind.FINAL:
            writer.close(change(frame, frame.values()))
    return store


@pytest.mark.parametrize("is_open", [True, False])
def test_a_replay_gives_the_digest_and_the_state_of_the_run(is_open: bool) -> None:
    """TR-05, I9."""
    run = build.finished_run(300, is_open=is_open)
    tables, report = replay_run(run.store, run.columns)
    assert report.is_final
    assert report.n_marks == 300
    assert report.digest == digest_of(run.tables.arrays)
    assert pack_snapshot(tables) == pack_snapshot(run.tables)
    assert int(run.tables.arrays.account[at.N_FILLS]) > 10


def test_the_run_exercises_every_kind_of_record_that_replay_knows() -> None:
    run = build.start(build.random_columns(200, 7))
    build.trade(run, 0, 100)
    step.apply_cash(run.tables.views, -5_000_000_000, 1, 0)
    step.apply_cash(run.tables.views, -77, 0, 0)
    build.trade(run, 100, 200)
    build.finish(run)
    seen = {
        int(words[start] & 0xFF)
        for frame in read_frames(run.store)
        if frame.kind is FrameKind.WORDS
        for words in [np.frombuffer(frame.payload, "<i8")]
        for start in _starts(words)
    }
    assert seen == set(range(at.R_INTENT, at.R_HEALTH + 1))
    _, report = replay_run(run.store, run.columns)
    assert report.digest == digest_of(run.tables.arrays)


def _starts(words: np.ndarray[Any, np.dtype[np.int64]]) -> list[int]:
    starts, position = [], 0
    while position < len(words):
        starts.append(position)
        position += int(words[position]) >> 8
    return starts


def test_a_replay_from_the_last_snapshot_gives_the_same_digest() -> None:
    """TR-07."""
    run = build.finished_run(200, snapshots={20, 120})
    _, whole = replay_run(run.store, run.columns)
    _, part = replay_run(run.store, run.columns, from_snapshot=True)
    assert part.digest == whole.digest == digest_of(run.tables.arrays)
    assert part.from_frame > 0
    assert part.n_words < whole.n_words


def test_from_a_snapshot_without_one_begins_at_the_beginning() -> None:
    run = build.finished_run(60)
    _, report = replay_run(run.store, run.columns, from_snapshot=True)
    assert report.from_frame == 0
    assert report.digest == digest_of(run.tables.arrays)


def test_an_interrupted_run_is_recovered_and_goes_on_as_if_unbroken() -> None:
    """TR-07: state and venue are put back, the journal is continued, the bytes are equal."""
    unbroken = build.finished_run(120, snapshots={59})
    run = build.start(build.random_columns(120, 7))
    build.trade(run, 0, 60, snapshots={59})
    run.writer.abandon()
    tables, report = replay_run(run.store, run.columns, from_snapshot=True)
    assert (report.is_final, report.n_marks) == (False, 60)
    end = recover_journal(run.store).end
    writer = JournalWriter.resume(run.store, end, segment_bytes=1 << 16)
    again = build.Run(run.store, writer, tables, run.venue, run.columns)
    build.trade(again, 60, 120)
    build.finish(again)
    stores = (run.store, unbroken.store)
    assert run.store.segments() == unbroken.store.segments()
    for number in run.store.segments():
        assert stores[0].read(number) == stores[1].read(number)


@pytest.mark.parametrize(
    ("offset", "change", "message"),
    [
        (2 + at.I_LOTS, 1, "VerdictRecord"),  # one lot more is asked for, and so approved
        (1, 2, "replay VerdictRecord(marks=3"),  # asked for two steps later
        (0, 1 << 8, "no record"),  # a length that leads into the next record
    ],
)
def test_a_changed_input_is_found(offset: int, change: int, message: str) -> None:
    run = build.finished_run(60)
    first = next(frame for frame in read_frames(run.store) if frame.kind is FrameKind.WORDS)

    def bend(frame: Frame, values: Any) -> Any:
        if frame.sequence == first.sequence:
            values[offset] += change
        return values

    with pytest.raises(CheckFailed) as error:
        replay_run(rewritten(run, bend), run.columns)
    assert f"frame {first.sequence}, word " in error.value.message
    assert message in error.value.message


def test_a_changed_outcome_is_found_with_both_records() -> None:
    run = build.finished_run(60)
    first = next(frame for frame in read_frames(run.store) if frame.kind is FrameKind.WORDS)
    verdict = 2 + at.N_INTENT  # where the verdict's record begins
    lots = verdict + 5

    def bend(frame: Frame, values: Any) -> Any:
        if frame.sequence == first.sequence:
            values[lots] += 1
        return values

    with pytest.raises(CheckFailed) as error:
        replay_run(rewritten(run, bend), run.columns)
    assert f"frame {first.sequence}, word {lots}: " in error.value.message
    assert error.value.message.count("VerdictRecord(") == 2


def test_an_outcome_that_no_input_makes_is_found() -> None:
    run = build.finished_run(60)
    notice = np.array([at.R_NOTICE | (5 << 8), 0, 1, 1, 0], np.int64)

    def bend(frame: Frame, values: Any) -> Any:
        return np.concatenate([notice, values]) if frame.sequence == 1 else values

    with pytest.raises(CheckFailed, match=r"frame 1, word 0: the journal says NoticeRecord"):
        replay_run(rewritten(run, bend), run.columns)


def test_a_dropped_commit_is_found() -> None:
    run = build.finished_run(60)

    def bend(frame: Frame, values: Any) -> Any:
        return values[:0] if frame.sequence == 3 else values

    with pytest.raises(CheckFailed):
        replay_run(rewritten(run, bend), run.columns)


def test_a_mark_beyond_the_bars_is_found() -> None:
    run = build.finished_run(60)
    short = Columns(*(table[..., :20] for table in run.columns[:8]), run.columns.correlation)

    def bend(frame: Frame, values: Any) -> Any:
        return values | {COLUMNS_KEY: columns_sha256(short)} if frame.sequence == 0 else values

    with pytest.raises(CheckFailed, match=r"the journal says .*, replay nothing more"):
        replay_run(rewritten(run, bend), short)


@pytest.mark.parametrize("key", ["digest", "marks", "cash", "fills"])
def test_an_end_that_differs_is_found(key: str) -> None:
    run = build.finished_run(60)
    changed = {"digest": "0" * 16, "marks": 59, "cash": "1", "fills": 0}

    def bend(frame: Frame, values: Any) -> Any:
        return values | {key: changed[key]} if frame.kind is FrameKind.FINAL else values

    with pytest.raises(CheckFailed, match=r"expected .* at the end, was"):
        replay_run(rewritten(run, bend), run.columns)


def test_the_clean_twin_of_a_rewritten_journal_is_not_accused() -> None:
    run = build.finished_run(60)
    _, report = replay_run(rewritten(run, lambda _frame, values: values), run.columns)
    assert report.is_final


def test_a_snapshot_of_another_state_is_found() -> None:
    run = build.start(build.random_columns(60, 7))
    build.trade(run, 0, 30)
    run.tables.arrays.positions[0, at.COST] += 1
    run.writer.snapshot(run.tables)
    with pytest.raises(CheckFailed, match=r"expected the snapshot's positions, was another"):
        replay_run(run.store, run.columns)


def test_other_bars_are_refused() -> None:
    run = build.finished_run(30)
    other = build.random_columns(30, 8)
    with pytest.raises(InputError, match=r"expected the bars of the run"):
        replay_run(run.store, other)


def test_an_empty_journal_has_nothing_to_replay() -> None:
    with pytest.raises(InputError, match=r"expected a journal with a manifest, was an empty one"):
        replay_run(MemoryStore(), build.random_columns(3, 1))


def test_an_end_beyond_the_bars_is_found() -> None:
    columns = build.random_columns(40, 7)
    run = build.start(columns, is_open=False)
    build.trade(run, 0, 20)
    end = describe_end(run.tables.arrays) | {"marks": 41}
    run.writer.close(end)
    with pytest.raises(CheckFailed, match=r"expected at most 40 steps, was 41"):
        replay_run(run.store, columns)


def test_a_manifest_without_a_setup_names_the_key() -> None:
    store = MemoryStore()
    JournalWriter(store, {"seed": 1}).close({})
    with pytest.raises(InputError, match=r"expected the key 'setup'"):
        replay_run(store, build.random_columns(3, 1))


@pytest.mark.parametrize(
    ("part", "value"),
    [("limits", {"GONE_PPM": 1}), ("instrument_limits", [{"of_old": 1}] * 2)],
)
def test_a_manifest_of_another_version_says_so(part: str, value: object) -> None:
    setup = {**describe_setup(**build.setup()), part: value}
    with pytest.raises(InputError, match=r"expected a manifest of this version"):
        state_of({"setup": setup})


# --- snapshots ---------------------------------------------------------------------------------


def test_a_snapshot_restores_every_table() -> None:
    run = build.finished_run(60)
    tables = state_of({"setup": describe_setup(**build.setup(is_open=True))})
    assert pack_snapshot(tables) != pack_snapshot(run.tables)
    restore_snapshot(tables, pack_snapshot(run.tables))
    assert pack_snapshot(tables) == pack_snapshot(run.tables)
    assert describe_end(tables.arrays) == describe_end(run.tables.arrays)


def test_a_snapshot_whose_digest_is_not_that_of_its_tables_is_refused() -> None:
    run = build.finished_run(20)
    payload = b"0" * 16 + pack_snapshot(run.tables)[16:]
    with pytest.raises(CheckFailed, match=r"expected the digest 0{16}"):
        restore_snapshot(run.tables, payload)


def test_a_snapshot_waits_for_empty_buffers() -> None:
    from athena.errors import CoreError

    run = build.finished_run(20)
    step.apply_health(run.tables.views, 0, 0)
    with pytest.raises(CoreError, match=r"expected empty buffers, was 4 words and 0 effects"):
        pack_snapshot(run.tables)


# --- bars by reference -------------------------------------------------------------------------


def stored(home: Path, symbol: str, n: int = 50) -> Bars:
    """Store a data set of made-up bars and return it."""
    instrument = built_in_instrument(symbol)
    assert instrument is not None
    ts_ns = build.START_NS // 10**9 * 10**9 + np.arange(n) * build.MINUTE_NS
    close = np.arange(1_000, 1_000 + n)
    columns = (ts_ns, close, close + 1, close - 1, close, np.full(n, 5))
    name = symbol.lower().replace("/", "-") + "-1m"
    provenance = Provenance(name, "test", content_sha256(columns))
    bars = Bars(instrument, build.MINUTE_NS, *columns, provenance)
    store_dataset(bars, home, venue="", imported_at_ns=build.START_NS)
    return bars


@pytest.fixture
def manifest(home: Path) -> dict[str, Any]:
    bars = [stored(home, symbol) for symbol in build.SYMBOLS]
    references = [
        BarsReference(item.provenance.name, item.provenance.sha256, 10, 39) for item in bars
    ]
    columns = align([item.rows(10, 40) for item in bars], with_risk_inputs=False)
    return {"setup": describe_setup(**build.setup()), **describe_bars(references, columns)}


def test_bars_are_read_again_from_their_data_sets(home: Path, manifest: dict[str, Any]) -> None:
    columns = load_columns(manifest, home)
    assert columns.close.tolist() == [list(range(1_010, 1_040))] * 2
    assert len(columns.day) == 0


def test_bars_with_another_content_are_refused(home: Path, manifest: dict[str, Any]) -> None:
    manifest["bars"][1]["sha256"] = "0" * 64
    with pytest.raises(InputError, match=r"expected xrp-usdt-1m with the SHA-256 0{64}"):
        load_columns(manifest, home)


def test_a_data_set_that_is_gone_is_missing(home: Path, manifest: dict[str, Any]) -> None:
    manifest["bars"][0]["data_set"] = "gone"
    with pytest.raises(MissingError, match="gone"):
        load_columns(manifest, home)


def test_a_manifest_without_bars_is_refused(home: Path) -> None:
    with pytest.raises(InputError, match=r"expected bars of 2 instruments .* was 0"):
        load_columns({"setup": describe_setup(**build.setup())}, home)
