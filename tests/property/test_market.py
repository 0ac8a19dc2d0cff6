"""Laws of the market room that hold for any input."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.errors import InputError
from athena.market import find_instrument
from athena.market._csv import csv_table
from athena.market._read import read_bars
from athena.market._rolling import decayed_sum, window_max, window_min, window_sum
from athena.market.indicators._extremes import RollingExtremes

integers = st.lists(st.integers(-(10**12), 10**12), min_size=0, max_size=70)
lengths = st.integers(1, 40)
TICKS = ("0.01", "0.00001", "0.00000001", "0.05", "0.25", "1", "5")


@given(integers, lengths)
def test_windows_equal_their_definition(values: list[int], length: int) -> None:
    column = np.array(values, dtype=np.int64)
    windows = [values[i : i + length] for i in range(max(0, len(values) - length + 1))]
    assert window_sum(column, length).tolist() == [sum(window) for window in windows]
    assert window_max(column, length).tolist() == [max(window) for window in windows]
    assert window_min(column, length).tolist() == [min(window) for window in windows]
    stream = RollingExtremes(length)
    seen = [stream.update(float(v), float(v)) for v in values]
    known = [pair for pair in seen if not math.isnan(pair[0])]
    assert known == [(min(window), max(window)) for window in windows]


@given(st.lists(st.floats(-1e6, 1e6), max_size=300), st.floats(0.05, 0.995))
def test_a_decayed_sum_equals_its_recursion(values: list[float], keep: float) -> None:
    column = decayed_sum(np.array(values, dtype=np.float64), keep)
    total = 0.0
    for value, ours in zip(values, column.tolist(), strict=True):
        total = keep * total + value
        assert ours == pytest.approx(total, rel=1e-9, abs=1e-6)


@given(st.integers(1, 2**50), st.sampled_from(TICKS))
def test_a_price_in_text_is_read_as_the_tick_it_was_written_from(ticks: int, tick: str) -> None:
    """TR-01 for files: k ticks, written and read, are k ticks."""
    price = format(ticks * Decimal(tick), "f")
    assert _read_price(price, tick) == ticks


@given(st.integers(1, 2**44), st.sampled_from(TICKS))
def test_a_price_between_two_ticks_is_refused(ticks: int, tick: str) -> None:
    price = format((ticks + Decimal("0.5")) * Decimal(tick), "f")
    with pytest.raises(InputError, match="multiple of"):
        _read_price(price, tick)


@given(st.binary(max_size=200))
def test_any_bytes_are_bars_or_an_input_error(data: bytes) -> None:
    with pytest.raises(InputError):
        _read(data, "0.01")


@given(st.text(alphabet="0123456789.,-:T\n eE+naif", max_size=120))
def test_any_text_under_a_header_is_bars_or_an_input_error(text: str) -> None:
    try:
        bars = _read(b"ts,open,high,low,close,volume\n" + text.encode(), "0.01")
    except InputError:
        return
    assert (np.diff(bars.ts_ns) > 0).all()
    assert (bars.low_ticks > 0).all()


def _read_price(price: str, tick: str) -> int:
    row = f"2018-01-01,{price},{price},{price},{price},1\n"
    return int(_read(b"ts,open,high,low,close,volume\n" + row.encode(), tick).close_ticks[0])


def _read(data: bytes, tick: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    instrument = find_instrument("BTC/USDT", tick=Decimal(tick))
    table = csv_table(data, str(Path("bars.csv")))
    return read_bars(table, instrument, 3600 * 10**9, name="bars.csv")
