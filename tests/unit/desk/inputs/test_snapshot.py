"""Snapshots: closed bars only, each frame at its own close, judged before anybody decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from athena.desk.inputs import FAST_MOVE, ClosedBar, Grade, QualityRules, SymbolFeed
from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS, Bars, content_sha256
from athena.errors import InputError
from athena.market import resample
from athena.market.indicators import compute_indicators
from tests.desk_builder import (
    MADE,
    START_NS,
    bars_of,
    feed_of,
    instrument_of,
    snapshot_of,
    walk,
)


def as_columns(bars: list[ClosedBar], interval_ns: int) -> Bars:
    table = np.array(bars, np.int64).T
    columns = tuple(np.ascontiguousarray(row) for row in table)
    provenance = replace(MADE, sha256=content_sha256(columns))
    return Bars(instrument_of(), interval_ns, *columns, provenance)


def test_frames_finer_than_the_data_are_absent_and_not_unusable() -> None:
    snapshot = snapshot_of(walk(60, 1))
    assert [frame.interval_ns for frame in snapshot.frames] == [HOUR_NS, 4 * HOUR_NS, DAY_NS]
    assert snapshot.frame(MINUTE_NS) is None
    assert snapshot.quality.grade is Grade.GOOD


def test_a_desk_on_minutes_has_every_frame() -> None:
    bars = bars_of(walk(3_000, 2, deviation=0.0005), interval_ns=MINUTE_NS)
    snapshot = feed_of(bars, interval_ns=MINUTE_NS, working_ns=HOUR_NS).at(
        bars[-1].ts_ns + MINUTE_NS
    )
    kept = {frame.interval_ns // MINUTE_NS: len(frame) for frame in snapshot.frames}
    assert kept == {1: 60, 5: 48, 15: 32, 60: 50, 240: 12, 1440: 2}
    assert snapshot.working.interval_ns == HOUR_NS


def test_frames_and_indicators_equal_those_of_the_whole_columns() -> None:
    """A10: streamed bar by bar and computed at once, to 1e-9."""
    bars = bars_of(walk(900, 3))
    snapshot = feed_of(bars).at(bars[-1].ts_ns + HOUR_NS)
    columns = as_columns(bars, HOUR_NS)
    for frame in snapshot.frames:
        whole = columns if frame.interval_ns == HOUR_NS else resample(columns, frame.interval_ns)
        n_closed = int((whole.ts_ns + frame.interval_ns <= snapshot.as_of_ns).sum())
        whole = whole.rows(0, n_closed)
        tick, lot = float(whole.instrument.tick), float(whole.instrument.lot)
        n = len(frame)
        np.testing.assert_array_equal(frame.ts_ns, whole.ts_ns[-n:])
        np.testing.assert_allclose(frame.open, whole.open_ticks[-n:] * tick, rtol=1e-12)
        np.testing.assert_allclose(frame.high, whole.high_ticks[-n:] * tick, rtol=1e-12)
        np.testing.assert_allclose(frame.low, whole.low_ticks[-n:] * tick, rtol=1e-12)
        np.testing.assert_allclose(frame.close, whole.close_ticks[-n:] * tick, rtol=1e-12)
        np.testing.assert_allclose(frame.volume, whole.volume_lots[-n:] * lot, rtol=1e-12)
        expected = {k: v[-1] for k, v in compute_indicators(whole).items() if not np.isnan(v[-1])}
        assert frame.values.keys() == expected.keys()
        for name, value in expected.items():
            assert frame.values[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name


def test_a_longer_bar_shows_only_once_it_has_closed() -> None:
    bars = bars_of(walk(32, 4))
    feed = SymbolFeed(instrument_of(), HOUR_NS, HOUR_NS, MADE)
    for bar in bars:
        feed.push(bar)
        now_ns = bar.ts_ns + HOUR_NS
        longer = feed.at(now_ns).frame(4 * HOUR_NS)
        assert longer is not None
        assert len(longer) == (now_ns - START_NS) // (4 * HOUR_NS)
        assert all(longer.ts_ns + 4 * HOUR_NS <= now_ns)


def test_a_longer_bar_whose_last_hour_is_missing_closes_with_the_next_bar() -> None:
    bars = bars_of(walk(12, 5))
    del bars[7]
    feed = SymbolFeed(instrument_of(), HOUR_NS, HOUR_NS, MADE)
    for bar in bars[:7]:
        feed.push(bar)
    before = feed.at(bars[6].ts_ns + 3 * HOUR_NS).frame(4 * HOUR_NS)
    feed.push(bars[7])
    after = feed.at(bars[7].ts_ns + HOUR_NS).frame(4 * HOUR_NS)
    assert before is not None
    assert after is not None
    assert (len(before), len(after)) == (1, 2)
    assert after.close[-1] == pytest.approx(bars[6].close * 0.01)


def test_a_day_that_was_joined_in_the_middle_is_left_out() -> None:
    bars = bars_of(walk(60, 6), start_ns=START_NS + 5 * HOUR_NS)
    snapshot = feed_of(bars).at(bars[-1].ts_ns + HOUR_NS)
    day = snapshot.frame(DAY_NS)
    assert day is not None
    assert day.ts_ns.tolist() == [START_NS + DAY_NS]


def test_what_was_handed_out_does_not_change_when_more_bars_come() -> None:
    bars = bars_of(walk(400, 7))
    feed = feed_of(bars[:150])
    early = feed.at(bars[149].ts_ns + HOUR_NS)
    closes, values, identity = early.working.close.copy(), dict(early.working.values), early.id
    for bar in bars[150:]:
        feed.push(bar)
    np.testing.assert_array_equal(early.working.close, closes)
    assert early.working.values == values
    assert early.id == identity
    with pytest.raises(ValueError, match="read-only"):
        early.working.close[0] = 1.0


def test_the_id_says_what_an_agent_could_read() -> None:
    same = [snapshot_of(walk(80, 8)).id for _ in range(2)]
    assert same[0] == same[1]
    other = walk(80, 8)
    other[10] *= 1.001
    assert snapshot_of(other).id != same[0]
    assert snapshot_of(walk(80, 8), late_ns=1).id != same[0]


def test_the_future_changes_no_snapshot_before_it() -> None:
    """D02: pushed one by one, each snapshot is a function of the bars so far."""
    bars = bars_of(walk(200, 9))
    other = bars_of([*walk(150, 9), *walk(50, 10)])
    first, second = (SymbolFeed(instrument_of(), HOUR_NS, HOUR_NS, MADE) for _ in range(2))
    for one, two in zip(bars[:150], other[:150], strict=True):
        first.push(one)
        second.push(two)
        now_ns = one.ts_ns + HOUR_NS
        assert first.at(now_ns).id == second.at(now_ns).id


@pytest.mark.parametrize(("n", "grade"), [(19, Grade.UNUSABLE), (20, Grade.GOOD)])
def test_nineteen_bars_are_too_few(n: int, grade: Grade) -> None:
    """DK-30."""
    assert snapshot_of(walk(n, 11)).quality.grade is grade


@pytest.mark.parametrize(("late_s", "grade"), [(60, Grade.GOOD), (61, Grade.UNUSABLE)])
def test_a_minute_bar_that_is_late_makes_the_frame_unusable(late_s: int, grade: Grade) -> None:
    """DK-30: late behind the close of the bar that should have come."""
    bars = bars_of(walk(30, 12), interval_ns=MINUTE_NS)
    due_ns = bars[-1].ts_ns + 2 * MINUTE_NS
    snapshot = feed_of(bars, interval_ns=MINUTE_NS).at(due_ns + late_s * 10**9)
    assert snapshot.quality.grade is grade


@pytest.mark.parametrize(("late_ns", "grade"), [(-1, Grade.GOOD), (0, Grade.UNUSABLE)])
def test_two_hours_of_stale_hourly_bars_are_unusable(late_ns: int, grade: Grade) -> None:
    """A longer frame may be less than one interval late."""
    snapshot = snapshot_of(walk(60, 13), late_ns=2 * HOUR_NS + late_ns)
    assert snapshot.quality.grade is grade


def test_a_stale_minute_makes_an_hourly_desk_stop() -> None:
    bars = bars_of(walk(1_500, 14, deviation=0.0005), interval_ns=MINUTE_NS)
    feed = feed_of(bars, interval_ns=MINUTE_NS, working_ns=HOUR_NS)
    snapshot = feed.at(bars[-1].ts_ns + 10 * MINUTE_NS)
    assert snapshot.working.quality.grade is Grade.GOOD
    assert snapshot.quality.grade is Grade.UNUSABLE
    assert "1m bar is 480 s late" in snapshot.quality.reasons[0]


def test_a_clock_that_jumped_back_is_unusable() -> None:
    snapshot = snapshot_of(walk(60, 15), late_ns=-1)
    assert snapshot.quality.grade is Grade.UNUSABLE
    assert "clock is behind" in snapshot.quality.reasons[0]


def test_a_minute_of_twelve_percent_is_flagged() -> None:
    """DK-30; a move of nine percent is not."""
    for move, flags in ((1.12, (FAST_MOVE,)), (1.09, ())):
        closes = [100.0] * 25 + [100.0 * move] * 5
        bars = bars_of(closes, interval_ns=MINUTE_NS)
        snapshot = feed_of(bars, interval_ns=MINUTE_NS).at(bars[-1].ts_ns + MINUTE_NS)
        assert snapshot.flags == flags
        assert snapshot.quality.grade is (Grade.DEGRADED if flags else Grade.GOOD)


def test_an_hour_of_twelve_percent_is_no_fast_minute() -> None:
    assert snapshot_of([100.0] * 25 + [112.0] * 5).flags == ()


def test_refused_bars_leave_a_gap_and_degrade_the_frame() -> None:
    bars = bars_of(walk(40, 16))
    feed = feed_of(bars)
    newest = bars[-1]
    assert feed.push(newest) == "duplicate"
    assert feed.push(bars[3]) == "out of order"
    later = newest._replace(ts_ns=newest.ts_ns + HOUR_NS)
    assert feed.push(later._replace(ts_ns=later.ts_ns + 1)) == "off the grid"
    for impossible in (
        later._replace(high=later.low - 1),
        later._replace(low=0),
        later._replace(volume=-1),
        later._replace(close=later.high + 1),
    ):
        assert feed.push(impossible) == "out of range"
    snapshot = feed.at(newest.ts_ns + HOUR_NS)
    assert snapshot.quality.grade is Grade.DEGRADED
    assert snapshot.quality.reasons == ("7 bars were refused",)
    assert feed.push(later) == ""


def test_a_refusal_is_forgotten_with_the_bars_around_it() -> None:
    bars = bars_of(walk(300, 17))
    feed = feed_of(bars[:40])
    feed.push(bars[39])
    for bar in bars[40:]:
        feed.push(bar)
    assert feed.at(bars[-1].ts_ns + HOUR_NS).quality.grade is Grade.GOOD


@pytest.mark.parametrize(("n_missing", "grade"), [(4, Grade.GOOD), (8, Grade.DEGRADED)])
def test_many_missing_bars_degrade(n_missing: int, grade: Grade) -> None:
    bars = bars_of(walk(60, 18))
    del bars[20 : 20 + n_missing]
    snapshot = feed_of(bars).at(bars[-1].ts_ns + HOUR_NS)
    assert snapshot.quality.grade is grade


def test_a_price_in_another_unit_is_unusable() -> None:
    assert snapshot_of([*walk(60, 19)[:-1], 400.0]).quality.grade is Grade.UNUSABLE


def test_a_rule_can_be_tightened() -> None:
    bars = bars_of(walk(40, 20))
    feed = feed_of(bars, rules=QualityRules(n_bars_min=41))
    assert feed.at(bars[-1].ts_ns + HOUR_NS).quality.grade is Grade.UNUSABLE


def test_alignment_is_the_mean_sign_of_the_frames_trends() -> None:
    rising = [100.0 * 1.002**k for k in range(900)]
    falling_at_last = [*rising, *(rising[-1] * 0.99**k for k in range(1, 41))]
    assert snapshot_of(rising).alignment == 1.0
    assert snapshot_of(rising[::-1]).alignment == -1.0
    assert -1.0 < snapshot_of(falling_at_last).alignment < 1.0
    assert snapshot_of([100.0] * 10).alignment == 0.0


def test_a_feed_without_bars_shows_nothing() -> None:
    snapshot = SymbolFeed(instrument_of(), HOUR_NS, HOUR_NS, MADE).at(START_NS)
    assert snapshot.price is None
    assert snapshot.quality.grade is Grade.UNUSABLE


def test_the_price_is_exact() -> None:
    snapshot = snapshot_of([40_000.01] * 30)
    assert str(snapshot.price) == "40000.01"


@pytest.mark.parametrize(
    ("base_ns", "working_ns"),
    [(0, HOUR_NS), (HOUR_NS, MINUTE_NS), (HOUR_NS, 90 * MINUTE_NS), (HOUR_NS, 2 * DAY_NS)],
)
def test_frames_that_cannot_be_built_are_refused(base_ns: int, working_ns: int) -> None:
    with pytest.raises(InputError, match="expected a working frame"):
        SymbolFeed(instrument_of(), base_ns, working_ns, MADE)


def test_memory_and_cost_do_not_grow_with_the_history() -> None:
    """A08: what is kept is bounded, however many bars come."""
    bars = bars_of(walk(2_000, 21))
    feed = feed_of(bars)
    sizes = [stream._table.nbytes for stream in feed._streams]
    assert sizes == [6 * 8 * 240, 6 * 8 * 60, 6 * 8 * 60]
    assert len(feed.at(bars[-1].ts_ns + HOUR_NS).working) == 120
