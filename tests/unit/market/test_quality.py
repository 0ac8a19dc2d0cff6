"""Each kind of defect is found where it was planted, and not in the clean twin."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import DAY_NS, HOUR_NS, built_in_instrument
from athena.errors import InputError
from athena.market import Severity, check_bars, check_table, mock_bars, open_table
from athena.market._quality import CHECKS, BarColumns, check_columns

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

N = 300


def clean() -> BarColumns:
    """Return an honest calm walk; new arrays each time."""
    instrument = built_in_instrument("BTC/USDT")
    assert instrument is not None
    bars = mock_bars(instrument, N, 3, HOUR_NS)
    ts, open_, high, low, close, volume = (column.copy() for column in bars.columns())
    return BarColumns(HOUR_NS, ts, open_, high, low, close, volume + 1)


def _scale(bars: BarColumns, field: str, index: Any, factor: float) -> BarColumns:
    column = getattr(bars, field).astype(np.float64)
    column[index] *= factor
    return replace(bars, **{field: column})


def _put(bars: BarColumns, field: str, index: Any, value: Any) -> BarColumns:
    column = getattr(bars, field)
    if isinstance(value, float):
        column = column.astype(np.float64)
    column[index] = value
    return replace(bars, **{field: column})


def _drop(bars: BarColumns, rows: slice) -> BarColumns:
    keep = np.delete(np.arange(N), rows)
    return _take(bars, keep)


def _take(bars: BarColumns, rows: Any, *, times: bool = True) -> BarColumns:
    fields = ("open", "high", "low", "close", "volume", *(["ts_ns"] if times else []))
    return replace(bars, **{field: getattr(bars, field)[rows] for field in fields})


def _copy_block(bars: BarColumns, length: int) -> BarColumns:
    rows = np.arange(N)
    rows[100 : 100 + length] = rows[140 : 140 + length]
    return _take(bars, rows, times=False)


def _still(bars: BarColumns) -> BarColumns:
    for field in ("open", "high", "low", "close"):
        bars = _put(bars, field, slice(50, 60), int(bars.close[49]))
    return bars


PLANTED: list[tuple[str, Callable[[BarColumns], BarColumns], int, Severity, int]] = [
    ("disorder", lambda b: _put(b, "ts_ns", 50, int(b.ts_ns[40]) + 1), 1, Severity.SEVERE, 40),
    ("duplicates", lambda b: _put(b, "ts_ns", 50, int(b.ts_ns[49])), 1, Severity.SEVERE, 49),
    ("off_grid", lambda b: _put(b, "ts_ns", 50, int(b.ts_ns[50]) + 1), 1, Severity.MILD, 50),
    ("off_grid", lambda b: replace(b, ts_ns=b.ts_ns + np.arange(N) % 2), 150, Severity.SEVERE, 1),
    ("not_a_number", lambda b: _put(b, "high", 50, float("nan")), 1, Severity.SEVERE, 50),
    ("not_a_number", lambda b: _put(b, "volume", 50, float("inf")), 1, Severity.SEVERE, 50),
    ("not_positive", lambda b: _put(b, "low", 50, 0), 1, Severity.SEVERE, 50),
    ("not_positive", lambda b: _put(b, "close", slice(50, 53), -5), 3, Severity.SEVERE, 50),
    ("negative_volume", lambda b: _put(b, "volume", 50, -1), 1, Severity.SEVERE, 50),
    ("high_low", lambda b: _scale(b, "high", 50, 0.9), 1, Severity.SEVERE, 50),
    ("high_low", lambda b: _scale(b, "low", slice(50, 52), 1.1), 2, Severity.SEVERE, 50),
    ("repeated_blocks", lambda b: _copy_block(b, 3), 3, Severity.SEVERE, 100),
    ("repeated_blocks", lambda b: _copy_block(b, 33), 33, Severity.SEVERE, 100),
    ("grid_offset", lambda b: replace(b, ts_ns=b.ts_ns + 60), N, Severity.MILD, 0),
    ("gaps", lambda b: _drop(b, slice(50, 83)), 1, Severity.MILD, 50),
    ("zero_volume", lambda b: _put(b, "volume", slice(50, 52), 0), 2, Severity.MILD, 50),
    ("repeated_volume", lambda b: _put(b, "volume", slice(50, 54), 777), 3, Severity.MILD, 51),
    ("stale_prices", _still, 10, Severity.MILD, 50),
    ("outliers", lambda b: _scale(b, "low", 50, 0.3), 1, Severity.MILD, 50),
    ("outliers", lambda b: _scale(b, "high", 50, 3.0), 1, Severity.MILD, 50),
]


def test_a_clean_walk_is_not_accused_of_anything() -> None:
    assert check_columns(clean()) == []


@pytest.mark.parametrize(
    ("kind", "plant", "count", "severity", "row"),
    PLANTED,
    ids=[f"{p[0]}-{i}" for i, p in enumerate(PLANTED)],
)
def test_a_planted_defect_is_found_with_its_count_and_place(
    kind: str, plant: Callable[[BarColumns], BarColumns], count: int, severity: Severity, row: int
) -> None:
    found = {defect.kind: defect for defect in check_columns(plant(clean()))}
    assert found[kind].count == count
    assert found[kind].severity is severity
    first_hour = np.datetime64("2020-01-01T00", "h") + row
    assert found[kind].first[:13] == str(first_hour)


def test_every_check_has_a_planted_defect() -> None:
    kinds = {check.__name__.removeprefix("find_") for check in CHECKS}
    assert kinds == {planted[0] for planted in PLANTED}


def test_a_block_of_two_is_chance_but_counts_beside_a_proven_block() -> None:
    pair = _copy_block(clean(), 2)
    assert check_columns(pair) == []
    rows = np.arange(N)
    rows[200:204] = rows[240:244]
    both = {defect.kind: defect.count for defect in check_columns(_take(pair, rows, times=False))}
    assert both == {"repeated_blocks": 6}


def test_quiet_bars_that_are_alike_are_no_copies() -> None:
    quiet = _put(_still(clean()), "volume", slice(50, 60), 0)
    assert "repeated_blocks" not in {defect.kind for defect in check_columns(quiet)}


def test_a_crash_that_stays_is_no_outlier() -> None:
    bars = clean()
    for field in ("open", "high", "low", "close"):
        bars = _scale(bars, field, slice(50, None), 0.4)
    assert check_columns(bars) == []


def test_the_longest_gap_is_named() -> None:
    (gaps,) = check_columns(_drop(clean(), slice(50, 83)))
    assert gaps.detail == "33 bars missing in 1 gaps, longest 33 bars from 2020-01-03T02:00:00Z"


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_bars_are_no_defect(n: int) -> None:
    assert check_columns(_take(clean(), slice(0, n))) == []


def test_weeks_that_start_on_monday_are_on_the_grid() -> None:
    week = 7 * DAY_NS
    monday = 4 * DAY_NS + week * np.arange(N)
    bars = replace(clean(), interval_ns=week, ts_ns=monday)
    assert check_columns(bars) == []
    shifted = check_columns(replace(bars, ts_ns=monday + DAY_NS))
    assert [defect.kind for defect in shifted] == ["grid_offset"]


def test_check_speaks_of_a_file_that_import_would_refuse(csv_file: Any) -> None:
    csv_file.rows[1] = csv_file.rows[1].replace("100.50", "nan")
    csv_file.rows[2] = csv_file.rows[2].replace("T02", "T01")
    defects = check_table(open_table(csv_file.write()), "BTC/USDT", HOUR_NS)
    assert {defect.kind for defect in defects} == {"duplicates", "not_a_number", "gaps"}


def test_columns_of_other_lengths_are_refused_by_the_check_too(tmp_path: Path) -> None:
    path = tmp_path / "bars.npz"
    ones = np.ones(3)
    np.savez(path, ts=1514764800 + np.arange(3), open=ones, high=ones, low=ones, close=ones, v=[1])
    with pytest.raises(InputError, match="3 values of volume"):
        check_table(open_table(path), "BTC/USDT")


def test_the_outage_of_33_hours_is_found(shared_data: Path) -> None:
    pytest.importorskip("polars")
    table = open_table(shared_data / "binance" / "BTCUSDT_1h.parquet")
    found = {defect.kind: defect for defect in check_table(table, "BTC/USDT")}
    assert "longest 33 bars from 2018-02-08T01:00:00Z" in found["gaps"].detail
    assert "repeated_blocks" not in found


def test_the_flash_crash_of_2017_is_an_outlier_and_no_severe_defect(shared_data: Path) -> None:
    pytest.importorskip("polars")
    table = open_table(shared_data / "kraken" / "ETHUSD_1h.parquet")
    columns = {name: table.read(name) for name in ("ts", "open", "high", "low", "close", "volume")}
    around = (columns["ts"] > 1_494_100_000_000) & (columns["ts"] < 1_494_300_000_000)
    window = BarColumns(
        HOUR_NS,
        columns["ts"][around] * 1_000_000,
        *(columns[name][around] for name in ("open", "high", "low", "close", "volume")),
    )
    (crash,) = [d for d in check_columns(window) if d.kind == "outliers"]
    assert crash.first == "2017-05-07T22:00:00Z"
    assert all(defect.severity is Severity.MILD for defect in check_table(table, "ETH/USD"))


def test_check_bars_and_check_columns_agree() -> None:
    instrument = built_in_instrument("BTC/USDT")
    assert instrument is not None
    bars = mock_bars(instrument, N, 3, HOUR_NS).rows(0, N)
    assert [d.kind for d in check_bars(bars)] == []
