"""Laws of replay, for any run and any split (TR-07, I9)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from athena.research import replay_run
from athena.trading import (
    FrameKind,
    JournalWriter,
    MemoryStore,
    digest_of,
    pack_snapshot,
    read_frames,
    recover_journal,
)
from tests import journal_builder as build

N_STEPS = 60


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    is_open=st.booleans(),
    at_steps=st.sets(st.integers(0, N_STEPS - 1), max_size=4),
)
def test_a_run_split_by_snapshots_anywhere_has_the_digest_of_the_whole(
    seed: int, is_open: bool, at_steps: set[int]
) -> None:
    """TR-07: snapshots change nothing, and replay from the last one ends in the same state."""
    plain = build.finished_run(N_STEPS, seed, is_open=is_open)
    split = build.finished_run(N_STEPS, seed, is_open=is_open, snapshots=at_steps)
    whole, report = replay_run(split.store, split.columns)
    part, from_last = replay_run(split.store, split.columns, from_snapshot=True)
    digests = {report.digest, from_last.digest, digest_of(plain.tables.arrays)}
    assert digests == {digest_of(split.tables.arrays)}
    assert pack_snapshot(whole) == pack_snapshot(part) == pack_snapshot(plain.tables)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), share=st.integers(0, 1000))
def test_a_journal_cut_at_any_byte_replays_to_its_last_whole_frame(seed: int, share: int) -> None:
    """F16: a crash at any moment leaves a prefix of the run, never another state."""
    run = build.finished_run(N_STEPS, seed, segment_bytes=1 << 22)
    data = run.store.read(1)
    first_end = list(read_frames(run.store))[1].offset
    cut = MemoryStore({1: data[: first_end + (len(data) - 1 - first_end) * share // 1000]})
    n_frames = recover_journal(cut).end.n_frames
    _, report = replay_run(cut, run.columns)
    frames = [f for f in read_frames(run.store) if f.sequence < n_frames]
    assert report.n_words == sum(len(f.payload) // 8 for f in frames if f.kind is FrameKind.WORDS)
    assert not report.is_final


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), group=st.integers(1, 30))
def test_how_commits_are_grouped_does_not_matter(seed: int, group: int) -> None:
    """TR-07: one by one or in chunks."""
    run = build.finished_run(N_STEPS, seed)
    frames = list(read_frames(run.store))
    store = MemoryStore()
    writer = JournalWriter(store, frames[0].values())
    words = [frame.payload for frame in frames if frame.kind is FrameKind.WORDS]
    for first in range(0, len(words), group):
        writer.commit(b"".join(words[first : first + group]))
    writer.close(frames[-1].values())
    _, report = replay_run(store, run.columns)
    assert report.digest == digest_of(run.tables.arrays)
