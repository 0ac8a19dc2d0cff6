"""Longer bars show only at their close; made-up bars are the same everywhere and say so."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS, WEEK_NS, Bars, Instrument, parse_time_ns
from athena.errors import InputError
from athena.market import closed_index, mock_bars, resample

BTC = Instrument("BTC/USDT", Decimal("0.01"), Decimal("1e-8"))


def walk(n: int, *, start: str = "2020-01-01", interval_ns: int = HOUR_NS) -> Bars:
    bars = mock_bars(BTC, n, 5, interval_ns)
    shift = parse_time_ns(start) - int(bars.ts_ns[0])
    return replace(bars, ts_ns=bars.ts_ns + shift)


def test_a_longer_bar_holds_the_first_open_the_extremes_and_the_last_close() -> None:
    bars = walk(8)
    day = resample(bars, 4 * HOUR_NS)
    assert len(day) == 2
    assert day.open_ticks.tolist() == bars.open_ticks[[0, 4]].tolist()
    assert day.close_ticks.tolist() == bars.close_ticks[[3, 7]].tolist()
    assert day.high_ticks[0] == bars.high_ticks[:4].max()
    assert day.low_ticks[1] == bars.low_ticks[4:].min()
    assert day.volume_lots.sum() == bars.volume_lots.sum()


def test_a_longer_bar_is_visible_only_once_it_has_closed() -> None:
    bars = walk(9)
    seen = closed_index(bars, resample(bars, 4 * HOUR_NS))
    assert seen.tolist() == [-1, -1, -1, 0, 0, 0, 0, 1, 1]


def test_an_unfinished_bar_is_never_visible_and_cutting_changes_nothing_seen() -> None:
    """D02: what is seen at a bar is the same when the future is cut off."""
    bars = walk(100, start="2020-01-01T05:00:00")
    full = resample(bars, DAY_NS)
    seen = closed_index(bars, full)
    for cut in range(1, 101):
        head = bars.rows(0, cut)
        day = resample(head, DAY_NS)
        index = int(closed_index(head, day)[-1])
        assert index == seen[cut - 1]
        if index >= 0:
            for mine, theirs in zip(day.columns(), full.columns(), strict=True):
                assert mine[index] == theirs[index]


def test_gaps_stay_gaps() -> None:
    bars = walk(48)
    keep = np.r_[0:3, 30:48]
    holed = Bars(BTC, HOUR_NS, *(c[keep] for c in bars.columns()), bars.provenance)  # type: ignore[misc]
    frames = resample(holed, 4 * HOUR_NS)
    hours = (frames.ts_ns - frames.ts_ns[0]) // HOUR_NS
    assert hours.tolist() == [0, 28, 32, 36, 40, 44]
    assert closed_index(holed, frames)[:4].tolist() == [-1, -1, -1, 0]


def test_weeks_start_on_monday() -> None:
    bars = walk(24 * 15, start="2020-01-01")  # a Wednesday
    weeks = resample(bars, WEEK_NS)
    assert weeks.ts_ns.tolist() == [
        parse_time_ns(day) for day in ("2019-12-30", "2020-01-06", "2020-01-13")
    ]


def test_resampling_to_the_same_interval_changes_nothing() -> None:
    bars = walk(20)
    same = resample(bars, HOUR_NS)
    for mine, theirs in zip(same.columns(), bars.columns(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert closed_index(bars, same).tolist() == list(range(20))


@pytest.mark.parametrize("interval_ns", [30 * MINUTE_NS, 90 * MINUTE_NS])
def test_an_interval_that_is_no_multiple_is_refused(interval_ns: int) -> None:
    with pytest.raises(InputError, match="multiple of 1h"):
        resample(walk(4), interval_ns)


def test_no_bars_give_no_frames() -> None:
    empty = walk(5).rows(0, 0)
    frames = resample(empty, DAY_NS)
    assert len(frames) == 0
    assert closed_index(empty, frames).tolist() == []


def test_one_seed_gives_the_same_bars_in_two_processes() -> None:
    """B10: a mock feed with one seed twice -> identical."""
    code = (
        "from decimal import Decimal; from athena.domain import Instrument;"
        "from athena.market import mock_bars;"
        "i = Instrument('BTC/USDT', Decimal('0.01'), Decimal('1e-8'));"
        "print(mock_bars(i, 500, 9, 60_000_000_000).provenance.sha256)"
    )
    outputs = {
        subprocess.run(  # noqa: S603 (our own interpreter, our own code)
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "9")
    }
    assert outputs == {mock_bars(BTC, 500, 9, MINUTE_NS).provenance.sha256 + "\n"}


def test_made_up_bars_say_so_and_are_valid() -> None:
    bars = mock_bars(BTC, 20_000, 1, MINUTE_NS)
    assert bars.provenance.is_synthetic
    assert bars.provenance.name.startswith("mock")
    assert (bars.high_ticks >= np.maximum(bars.open_ticks, bars.close_ticks)).all()
    assert (bars.low_ticks <= np.minimum(bars.open_ticks, bars.close_ticks)).all()
    assert (bars.low_ticks > 0).all()
    returns = np.diff(np.log(bars.close_ticks))
    assert returns.std() == pytest.approx(0.015, rel=0.03)
    assert returns.mean() == pytest.approx(0.0002, abs=4 * 0.015 / np.sqrt(20_000))


def test_another_seed_gives_other_bars() -> None:
    first, second = (mock_bars(BTC, 10, seed, MINUTE_NS) for seed in (1, 2))
    assert first.provenance.sha256 != second.provenance.sha256


@pytest.mark.parametrize("arguments", [(-1, 0, 1), (1, -1, 1), (1, 0, 0)])
def test_impossible_arguments_are_refused(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(InputError):
        mock_bars(BTC, *arguments)
