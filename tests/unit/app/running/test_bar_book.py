"""The bars that a session saw: kept once, marked by how they came, whole after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athena.app.running._bar_book import BAR_FILE, BarBook, read_bars
from athena.app.running._bars import Step
from athena.domain import DAY_NS, MINUTE_NS
from athena.errors import InputError, MissingError
from athena.market import resample
from athena.trading import Bar
from tests.market_builder import driftless_bars

if TYPE_CHECKING:
    from pathlib import Path

    from athena.domain import Bars

WHOLE = driftless_bars(3_000, 4, "BTC/USD", MINUTE_NS)
DAYS = resample(WHOLE.rows(0, 1_440), DAY_NS)


def step_of(bars: Bars, row: int) -> Step:
    bar = Bar(*(int(column[row]) for column in bars.columns()[1:]))
    return Step(int(bars.ts_ns[row]) + MINUTE_NS, {0: bar})


def test_what_was_known_before_and_what_came_as_a_step_are_told_apart(tmp_path: Path) -> None:
    book = BarBook(tmp_path, MINUTE_NS)
    book.begin([WHOLE.rows(1_440, 1_500)], [DAYS])
    for row in (1_500, 1_501):
        book.step(step_of(WHOLE, row))
    # A restart: what closed meanwhile is history, what was written stays as it was.
    again = BarBook(tmp_path, MINUTE_NS)
    again.begin([WHOLE.rows(1_490, 1_504)], [DAYS])
    again.step(step_of(WHOLE, 1_503))
    again.step(step_of(WHOLE, 1_504))
    kept = read_bars(tmp_path, [WHOLE.instrument], MINUTE_NS)
    (bars,), (days,), (is_step,) = kept.bars, kept.daily, kept.is_step
    for found, expected in zip(bars.columns(), WHOLE.rows(1_440, 1_505).columns(), strict=True):
        assert found.tolist() == expected.tolist()
    assert is_step.tolist() == [False] * 60 + [True, True, False, False, True]
    assert days.close_ticks.tolist() == DAYS.close_ticks.tolist()


def test_a_line_that_a_crash_cut_is_left_out_and_comes_again(tmp_path: Path) -> None:
    book = BarBook(tmp_path, MINUTE_NS)
    book.begin([WHOLE.rows(0, 3)], ())
    file = tmp_path / BAR_FILE
    file.write_text(file.read_text()[:-4])
    again = BarBook(tmp_path, MINUTE_NS)
    again.begin([WHOLE.rows(0, 4)], ())
    kept = read_bars(tmp_path, [WHOLE.instrument], MINUTE_NS)
    assert kept.bars[0].close_ticks.tolist() == WHOLE.close_ticks[:4].tolist()
    assert kept.daily == ()


@pytest.mark.parametrize(
    "line", ["x,y\n", "s,0,1,2,3\n", "s,0,a,1,1,1,1,1\n", "s,7,1,1,1,1,1,1\n"]
)
def test_a_damaged_file_is_refused(tmp_path: Path, line: str) -> None:
    """Bad input: nothing is guessed."""
    (tmp_path / BAR_FILE).write_text(line)
    with pytest.raises(InputError, match=BAR_FILE):
        read_bars(tmp_path, [WHOLE.instrument], MINUTE_NS)


def test_a_session_that_kept_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=BAR_FILE):
        read_bars(tmp_path, [WHOLE.instrument], MINUTE_NS)
