"""The fills that are kept of a run are those that its journal has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.errors import CoreError
from athena.research.engine import FillSink
from athena.research.engine._compiled import compiler_for
from athena.research.engine._fill_finder import find_fills
from athena.trading import fill_columns
from athena.trading import layout as at
from tests.market_builder import benchmark_bars, run_named, setup_of

if TYPE_CHECKING:
    from pathlib import Path

    from athena.trading import FillColumns, Ints


def words_of_a_run() -> Ints:
    setup = setup_of([benchmark_bars(800)])
    return run_named(setup, "sma_bracket", fast=2, slow=5, quantity=3, stop=0.001).words


def in_groups(sink: FillSink, words: Ints) -> FillColumns:
    """Hand the words over in two groups, each of whole records, through one buffer."""
    buffer = np.zeros(len(words), np.int64)
    middle = 0
    while middle < len(words) // 2:
        middle += int(words[middle] >> 8)
    for part in (words[:middle], words[middle:]):
        buffer[: len(part)] = part
        sink(buffer[: len(part)])
    return sink.take()


def assert_same(found: FillColumns, expected: FillColumns) -> None:
    assert len(expected.marks) > 30
    for one, other in zip(found, expected, strict=True):
        assert one.tolist() == other.tolist()


def test_the_fills_are_those_of_the_journal() -> None:
    words = words_of_a_run()
    assert_same(in_groups(FillSink(None, compiled_in=None), words), fill_columns([words]))


@pytest.mark.slow
def test_compiled_it_finds_the_same(compiler_cache: Path) -> None:
    words = words_of_a_run()
    sink = FillSink(None, compiled_in=compiler_cache)
    assert_same(in_groups(sink, words), fill_columns([words]))
    compiled = compiler_for(compiler_cache, None).compile(find_fills)
    starts = np.zeros(9, np.int64)
    assert compiled(words[:7], 7, starts) == find_fills(words[:7], 7, starts)


def test_what_was_taken_is_forgotten() -> None:
    sink = FillSink(None, compiled_in=None)
    sink(words_of_a_run())
    sink.take()
    assert [len(column) for column in sink.take()] == [0] * 12


@pytest.mark.parametrize("length", [0, 1, 99])
def test_a_record_that_is_cut_short_is_a_defect(length: int) -> None:
    words = np.array([length << 8 | at.R_REPORT, 0, 0], np.int64)
    with pytest.raises(CoreError, match="cut short"):
        FillSink(None, compiled_in=None)(words)
