"""What every indicator promises; a new one is found by the catalogue (A10, D02)."""

from __future__ import annotations

import gc
import sys
from collections import deque
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from athena.domain import HOUR_NS, Instrument
from athena.market import mock_bars
from athena.market.indicators import INDICATORS, PriceColumns, compute_indicators, price_columns

BTC = Instrument("BTC/USDT", Decimal("0.01"), Decimal("1e-8"))
BARS = mock_bars(BTC, 700, 8, HOUR_NS)
COLUMNS = price_columns(BARS)

every_indicator = pytest.mark.parametrize("indicator", INDICATORS, ids=lambda i: i.outputs[0])


def cut(columns: PriceColumns, first: int, last: int) -> PriceColumns:
    return PriceColumns(
        *(
            getattr(columns, name)[first:last]
            for name in ("ts_ns", "high", "low", "close", "volume")
        )
    )


def streamed(indicator: Any, columns: PriceColumns) -> np.ndarray[Any, Any]:
    update = indicator.stream()
    return np.array([update(candle) for candle in columns.candles()])


@every_indicator
def test_stream_and_column_agree(indicator: Any) -> None:
    """A10: incremental = batch to 1e-9, defined at the same bars."""
    rows = streamed(indicator, COLUMNS)
    for stream, column in zip(rows.T, indicator.batch(COLUMNS), strict=True):
        np.testing.assert_array_equal(np.isnan(stream), np.isnan(column))
        np.testing.assert_allclose(stream, column, rtol=1e-9, atol=1e-9)


@every_indicator
def test_the_first_defined_bar_is_the_stated_one(indicator: Any) -> None:
    defined = ~np.isnan(np.stack(indicator.batch(COLUMNS))).any(axis=0)
    assert int(np.argmax(defined)) == indicator.first_bar
    assert defined[indicator.first_bar :].all()


@every_indicator
def test_cutting_the_future_changes_no_bit(indicator: Any) -> None:
    """D02: f(data[:t]) equals f(data) at t, bit for bit, at every bar."""
    whole = np.stack(indicator.batch(COLUMNS))
    for last in range(1, 321):
        head = np.stack(indicator.batch(cut(COLUMNS, 0, last)))
        np.testing.assert_array_equal(head, whole[:, :last])


@every_indicator
def test_one_changed_bar_changes_nothing_before_it(indicator: Any) -> None:
    """D02: perturb one bar; every value before it stays, bit for bit."""
    whole = np.stack(indicator.batch(COLUMNS))
    for t in (0, 25, 250, 699):
        spoiled = PriceColumns(
            COLUMNS.ts_ns,
            *(
                np.where(np.arange(700) == t, getattr(COLUMNS, name) * 1.5, getattr(COLUMNS, name))
                for name in ("high", "low", "close", "volume")
            ),
        )
        changed = np.stack(indicator.batch(spoiled))
        np.testing.assert_array_equal(changed[:, :t], whole[:, :t])


@every_indicator
def test_few_bars_and_none_give_columns_of_their_length(indicator: Any) -> None:
    for n in (0, 1, 2, 13, 14, 15, 26):
        outputs = indicator.batch(cut(COLUMNS, 0, n))
        assert [len(column) for column in outputs] == [n] * len(indicator.outputs)


@every_indicator
def test_a_price_that_never_moves_is_no_error(indicator: Any) -> None:
    flat = PriceColumns(COLUMNS.ts_ns, *(np.full(700, 100.0) for _ in range(4)))
    rows = streamed(indicator, flat)
    for stream, column in zip(rows.T, indicator.batch(flat), strict=True):
        np.testing.assert_allclose(stream, column, rtol=1e-9, atol=1e-9)
        assert not np.isinf(column).any()


@every_indicator
def test_the_state_of_a_stream_is_bounded(indicator: Any) -> None:
    """A10: memory does not grow with the history."""
    update = indicator.stream()
    sizes = []
    for i, candle in enumerate(COLUMNS.candles()):
        update(candle)
        if i in (300, 699):
            sizes.append(sum(len(item) for item in _deques(update)))
    # A queue of extremes breathes, but it holds no more than its window.
    assert max(sizes) <= 5 * 200


_FOLLOWED = {"function", "cell", "dict", "method", "tuple"}


def _deques(root: Any) -> list[deque[Any]]:
    found, seen, todo = [], set(), [root]
    while todo:
        item = todo.pop()
        if id(item) in seen or isinstance(item, type | type(sys)):
            continue
        seen.add(id(item))
        if isinstance(item, deque):
            found.append(item)
        module = getattr(type(item), "__module__", "")
        if module.startswith("athena") or type(item).__name__ in _FOLLOWED:
            refs = gc.get_referents(item)
            globals_ = getattr(item, "__globals__", None)
            todo += [ref for ref in refs if ref is not globals_]
    return found


@every_indicator
def test_the_work_per_bar_does_not_grow(indicator: Any) -> None:
    """A10: O(n) in total, shown by counting the lines run for the last bars and for early ones."""
    update = indicator.stream()
    candles = COLUMNS.candles()
    for candle in candles[:300]:
        update(candle)
    early = _count_lines(update, candles[300:500])
    late = _count_lines(update, candles[500:700])
    assert late <= 1.2 * early


def _count_lines(update: Any, candles: list[Any]) -> int:
    lines = 0

    def count(*_: Any) -> Any:
        nonlocal lines
        lines += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        for candle in candles:
            update(candle)
    finally:
        sys.settrace(before)
    return lines


def test_all_indicators_are_computed_from_bars_by_name() -> None:
    values = compute_indicators(BARS)
    assert len(values) == 31
    assert all(len(column) == len(BARS) for column in values.values())
    assert values["sma_20"][19] == pytest.approx(COLUMNS.close[:20].mean())
