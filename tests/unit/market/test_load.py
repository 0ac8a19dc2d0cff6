"""Files are read exactly or refused with the row: the "bad input" list, case by case."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import HOUR_NS, MINUTE_NS, Bars, parse_time_ns
from athena.errors import InputError, MissingError, MissingExtra
from athena.market import find_instrument, load_bars, symbol_from_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pl = pytest.importorskip("polars")

Columns = dict[str, Any]
START_S = parse_time_ns("2018-01-01") // 1_000_000_000


@pytest.fixture
def load(home: Path) -> Callable[..., Bars]:
    def call(path: Path, **options: Any) -> Bars:
        return load_bars(path, home, **options)

    return call


@pytest.fixture
def columns() -> Columns:
    n = 5
    close = np.array([101.0, 100.5, 98.25, 98.75, 99.0])
    return {
        "ts": START_S + 3600 * np.arange(n),
        "open": np.array([100.0, 101.0, 100.5, 98.25, 98.75]),
        "high": close + 2.5,
        "low": close - 3.0,
        "close": close,
        "volume": np.array([1.0, 0.3, 2.0, 0.1, 5.0]),
    }


def save(path: Path, columns: Columns) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **columns)
    else:
        pl.DataFrame(columns).write_parquet(path)
    return path


def test_a_csv_is_read_to_the_tick_and_lot(csv_file: Any, load: Any) -> None:
    bars = load(csv_file.write())
    assert bars.instrument.symbol == "BTC/USDT"
    assert bars.interval_ns == HOUR_NS
    assert bars.close_ticks.tolist() == [10100, 10050, 9825, 9875, 9900]
    assert bars.high_ticks[0] == 10150
    assert bars.volume_lots.tolist() == [
        1_050_000_000,
        1_125_000_000,
        2_000_000_000,
        1,
        700_000_000,
    ]
    assert bars.ts_ns[0] == parse_time_ns("2018-01-01")
    assert bars.provenance.name == "BTCUSDT_1h.csv"
    assert not bars.provenance.is_synthetic


def test_bars_of_a_file_cannot_be_changed(csv_file: Any, load: Any) -> None:
    bars = load(csv_file.write())
    with pytest.raises(ValueError, match="read-only"):
        bars.close_ticks[0] = 1


@pytest.mark.parametrize("kind", [".npz", ".parquet"])
def test_npz_and_parquet_give_the_same_bars_as_csv(
    kind: str, columns: Columns, tmp_path: Path, load: Any
) -> None:
    stored = load(save(tmp_path / f"btcusdt{kind}", columns))
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values()))]  # noqa: B905 (equal by construction)
    text = tmp_path / "btcusdt.csv"
    text.write_text("\n".join(lines))
    assert stored.provenance.sha256 == load(text).provenance.sha256


@pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("as_float", [False, True])
def test_seconds_to_nanoseconds_are_told_apart(
    factor: int, *, as_float: bool, columns: Columns, tmp_path: Path, load: Any
) -> None:
    columns["ts"] = columns["ts"] * factor
    if as_float:
        columns["ts"] = columns["ts"].astype(np.float64)
    bars = load(save(tmp_path / "btcusdt.npz", columns))
    assert bars.ts_ns[0] == START_S * 10**9


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2018-01-01", "2018-01-01"),
        ("2018-01-01 05:30:00", "2018-01-01T05:30:00Z"),
        ("2018-01-01T05:30:00Z", "2018-01-01T05:30:00Z"),
        ("2018-01-01 05:30:00 UTC", "2018-01-01T05:30:00Z"),
        ("2018-01-01T05:30:00+00:00", "2018-01-01T05:30:00Z"),
        ("2018-01-01T05:30:00+02:00", "2018-01-01T03:30:00Z"),
        ("2018-01-01T05:30:00.250000", "2018-01-01T05:30:00.25Z"),
        ("1514784600", "2018-01-01T05:30:00Z"),
        ("1514784600.0", "2018-01-01T05:30:00Z"),
    ],
)
def test_times_are_utc_unless_they_state_an_offset(
    written: str, meant: str, csv_file: Any, load: Any
) -> None:
    csv_file.rows = [f"{written},1,1,1,1,1"]
    bars = load(csv_file.write(), interval_ns=HOUR_NS)
    assert bars.ts_ns.tolist() == [parse_time_ns(meant)]


def test_offsets_may_differ_from_row_to_row(csv_file: Any, load: Any) -> None:
    csv_file.rows = ["2018-01-01T00:00:00,1,1,1,1,1", "2018-01-01T03:00+02,1,1,1,1,1"]
    assert load(csv_file.write()).interval_ns == HOUR_NS


@pytest.mark.parametrize(
    "dtype", [pl.Datetime("ms"), pl.Datetime("us", "UTC"), pl.Datetime("ns", "Europe/Berlin")]
)
def test_time_columns_of_parquet_are_utc(
    dtype: Any, columns: Columns, tmp_path: Path, load: Any
) -> None:
    frame = pl.DataFrame(columns).with_columns(
        pl.from_epoch("ts", time_unit="s").dt.replace_time_zone("UTC").dt.cast_time_unit("ns")
    )
    zone = getattr(dtype, "time_zone", None)
    shifted = pl.col("ts").dt.convert_time_zone(zone or "UTC")
    frame = frame.with_columns(shifted if zone else shifted.dt.replace_time_zone(None))
    frame = frame.with_columns(pl.col("ts").dt.cast_time_unit(dtype.time_unit))
    path = tmp_path / "btcusdt.parquet"
    frame.write_parquet(path)
    assert load(path).ts_ns[0] == START_S * 10**9


@pytest.mark.parametrize(
    "header",
    [
        "timestamp,o,h,l,c,v",
        "Date,BTC.open,BTC.high,BTC.low,BTC.close,BTC.volume",
        "open_time,Open,High,Low,Close,Volume",
        "datetime,BTC-USDT:open,BTC-USDT:high,BTC-USDT:low,BTC-USDT:close,BTC-USDT:volume",
    ],
)
def test_common_column_names_are_recognised(header: str, csv_file: Any, load: Any) -> None:
    csv_file.header = header
    assert len(load(csv_file.write())) == 5


def test_columns_are_matched_by_name_not_by_place(csv_file: Any, load: Any) -> None:
    csv_file.header = "date,open,close,high,low,volume"
    csv_file.rows = ["2018-01-01,100,101,102,99,5"]
    bars = load(csv_file.write(), interval_ns=HOUR_NS)
    assert (bars.high_ticks[0], bars.low_ticks[0], bars.close_ticks[0]) == (10200, 9900, 10100)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_quotes_and_remarks_are_read(
    delimiter: str, csv_file: Any, load: Any
) -> None:
    csv_file.rows = [delimiter.join(f'"{c}"' for c in row.split(",")) for row in csv_file.rows]
    csv_file.header = "# made by hand\n#\n" + csv_file.header.replace(",", delimiter)
    assert load(csv_file.write()).close_ticks[-1] == 9900


def test_a_price_beyond_the_floats_is_read_from_its_text(csv_file: Any, load: Any) -> None:
    csv_file.rows = ["2018-01-01,8123456789.12345679,8123456789.12345679,1,1,1"]
    bars = load(csv_file.write(), interval_ns=HOUR_NS, tick=Decimal("1e-8"))
    assert bars.open_ticks[0] == 812345678912345679


def test_a_price_beyond_the_floats_is_refused_from_a_float(
    columns: Columns, tmp_path: Path, load: Any
) -> None:
    columns["high"] = columns["high"] * 1e8
    path = save(tmp_path / "btcusdt.npz", columns)
    with pytest.raises(InputError, match=r"2\*\*48 ticks"):
        load(path, tick=Decimal("1e-8"))


def test_volume_is_rounded_down_to_the_lot_but_not_by_a_float_s_last_bit(
    csv_file: Any, load: Any
) -> None:
    csv_file.rows = [
        "2018-01-01T00:00Z,1,1,1,1,0.3",
        "2018-01-01T01:00Z,1,1,1,1,705.609467859",
        "2018-01-01T02:00Z,1,1,1,1,0",
    ]
    assert load(csv_file.write()).volume_lots.tolist() == [30_000_000, 70_560_946_785, 0]


def change(row: int, old: str, new: str) -> Callable[[Any], None]:
    def spoil(file: Any) -> None:
        assert old in file.rows[row]
        file.rows[row] = file.rows[row].replace(old, new)

    return spoil


def head(header: str) -> Callable[[Any], None]:
    return lambda file: setattr(file, "header", header)


SPOILED: list[tuple[str, Callable[[Any], None], str]] = [
    ("no rows", lambda file: file.rows.clear(), "header only"),
    ("no header", head("1514784600,1,1,1,1,1"), "row 1"),
    ("a missing column", head("ts,open,high,low,close,x"), "volume"),
    ("two time columns", head("ts,date,high,low,close,v"), "ts, date"),
    ("another symbol", head("date,XRP.open,XRP.high,XRP.low,XRP.close,XRP.v"), "XRP.open"),
    ("text in a price", change(2, "98.25", "n/a"), "row 4, column close, was 'n/a'"),
    ("an empty cell", change(2, "98.25", ""), "row 4, column close, was ''"),
    ("NaN", change(1, "100.50", "nan"), "row 3, column close"),
    ("an infinite price", change(1, "102.00", "inf"), "row 3, column high"),
    ("a negative price", change(1, "100.50", "-100.50"), "row 3, column close, was -100.5"),
    ("a price of zero", change(1, "100.50", "0"), "row 3, column close"),
    ("a negative volume", change(4, ",7", ",-7"), "row 6, column volume"),
    ("a price between ticks", change(3, "98.75", "98.755"), "row 5, column close, was 98.755"),
    ("unsorted rows", lambda file: file.rows.reverse(), "row 3, not after"),
    ("a doubled row", lambda file: file.rows.insert(2, file.rows[1]), "row 4, a duplicate"),
    ("a high under the close", change(0, "101.50", "100.50"), "row 2"),
    ("a low over the open", change(0, "99.50", "100.50"), "row 2"),
    ("a short row", change(3, ",99.00,98.00,98.75", ""), "6 cells in .* row 5, was 3"),
    ("a thousands separator", change(3, "98.25", "1,098.25"), "6 cells in .* row 5, was 7"),
    ("a blank line", lambda file: file.rows.insert(2, ""), "row 4, was 1"),
    ("a year as time", change(0, "2018-01-01T00:00:00Z", "2018"), "row 3, column ts"),
    ("a day-first date", change(0, "2018-01-01T00:00:00Z", "01/01/2018"), "row 2, was '01/01"),
    ("a lone carriage return", change(2, "98.25", "98.25\r"), "row 4"),
    ("a foreign letter in a time", change(1, "T01", "é01"), "row 3"),
    ("a month 13", change(1, "2018-01-01", "2018-13-01"), "row 3"),
]


@pytest.mark.parametrize(("spoil", "named"), [s[1:] for s in SPOILED], ids=[s[0] for s in SPOILED])
def test_a_file_that_cannot_be_read_for_sure_is_refused_with_its_row(
    spoil: Callable[[Any], None], named: str, csv_file: Any, load: Any
) -> None:
    spoil(csv_file)
    path = csv_file.write()
    with pytest.raises(InputError, match=named) as caught:
        load(path)
    assert caught.value.exit_code == 2
    assert path.name in caught.value.message


def test_mixed_time_units_are_refused(columns: Columns, tmp_path: Path, load: Any) -> None:
    columns["ts"][3] *= 1000
    path = save(tmp_path / "btcusdt.npz", columns)
    with pytest.raises(InputError, match=r"in s in .* row 4"):
        load(path)


def test_a_stated_unit_wins(columns: Columns, tmp_path: Path, load: Any) -> None:
    columns = {"ts_ms": columns.pop("ts"), **columns}
    path = save(tmp_path / "btcusdt.npz", columns)
    with pytest.raises(InputError, match="between 1990 and 2100 in ms"):
        load(path)


def test_a_symbol_column_must_agree(csv_file: Any, load: Any) -> None:
    csv_file.header += ",symbol"
    csv_file.rows = [f"{row},BTCUSDT" for row in csv_file.rows]
    assert len(load(csv_file.write())) == 5
    csv_file.rows[3] = csv_file.rows[3].replace("BTCUSDT", "ETHUSDT")
    path = csv_file.write()
    with pytest.raises(InputError, match="row 5, column symbol, was 'ETHUSDT'"):
        load(path)


def test_an_interval_that_is_not_the_file_s_is_refused(csv_file: Any, load: Any) -> None:
    path = csv_file.write()
    for interval_ns in (30 * MINUTE_NS, 2 * HOUR_NS):
        with pytest.raises(InputError, match="was 1h"):
            load(path, interval_ns=interval_ns)


def test_one_bar_needs_a_stated_interval(csv_file: Any, load: Any) -> None:
    csv_file.rows = csv_file.rows[:1]
    path = csv_file.write()
    with pytest.raises(InputError, match="interval"):
        load(path)
    assert len(load(path, interval_ns=HOUR_NS)) == 1


def test_a_file_with_many_bars_off_the_grid_is_refused(
    columns: Columns, tmp_path: Path, load: Any
) -> None:
    columns["ts"][4] += 60
    path = save(tmp_path / "btcusdt.npz", columns)
    with pytest.raises(InputError, match="row 5, one of 1 off the grid"):
        load(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1"])
def test_a_wrong_encoding_is_refused_with_its_row(encoding: str, csv_file: Any, load: Any) -> None:
    csv_file.rows[0] += "\N{POUND SIGN}"
    path = csv_file.write()
    path.write_bytes(path.read_text().encode(encoding))
    with pytest.raises(InputError, match=r"UTF-8 .* row \d"):
        load(path)


def test_a_folder_a_missing_and_an_empty_file_are_refused(tmp_path: Path, load: Any) -> None:
    empty = tmp_path / "btcusdt.csv"
    empty.touch()
    for path, named in (
        (tmp_path, "folder"),
        (tmp_path / "none.csv", "does not exist"),
        (empty, "empty"),
        (empty / "below.csv", "Not a directory"),
        (tmp_path / f"{'x' * 300}.csv", "too long"),
    ):
        with pytest.raises(InputError, match=named):
            load(path)


def test_an_unknown_kind_of_file_is_refused(tmp_path: Path, load: Any) -> None:
    path = tmp_path / "btcusdt.xlsx"
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match=r"\.csv, \.npz or \.parquet"):
        load(path)


@pytest.mark.parametrize("kind", [".npz", ".parquet"])
@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_truncated_file_is_refused(
    kind: str, keep: float, columns: Columns, tmp_path: Path, load: Any
) -> None:
    path = save(tmp_path / f"btcusdt{kind}", columns)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(InputError, match=path.name):
        load(path)


def test_an_npz_with_python_objects_or_other_shapes_is_refused(
    columns: Columns, tmp_path: Path, load: Any
) -> None:
    objects = save(tmp_path / "btc_objects.npz", columns | {"close": np.array([None] * 5)})
    table = save(tmp_path / "btc_table.npz", columns | {"close": np.ones((5, 2))})
    short = save(tmp_path / "btc_short.npz", columns | {"close": np.ones(4)})
    for path in (objects, table, short):
        with pytest.raises(InputError, match="close"):
            load(path, symbol="BTC/USDT")


def test_a_bare_array_is_no_npz(tmp_path: Path, load: Any) -> None:
    path = tmp_path / "btcusdt.npz"
    with path.open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(InputError, match="one array per column"):
        load(path)


def test_a_parquet_with_an_empty_cell_is_refused(
    columns: Columns, tmp_path: Path, load: Any
) -> None:
    columns["close"] = [1.0, None, 1.0, 1.0, 1.0]
    path = save(tmp_path / "btcusdt.parquet", columns)
    with pytest.raises(InputError, match="column close, row 2"):
        load(path)


def test_text_prices_in_parquet_are_refused(columns: Columns, tmp_path: Path, load: Any) -> None:
    columns["close"] = ["1", "x", "1", "1", "1"]
    path = save(tmp_path / "btcusdt.parquet", columns)
    with pytest.raises(InputError, match="row 2, column close, was 'x'"):
        load(path)


def test_parquet_without_polars_names_the_extra(
    columns: Columns, tmp_path: Path, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "btcusdt.parquet", columns)
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(MissingExtra) as caught:
        load(path)
    assert caught.value.exit_code == 3
    assert "[data]" in caught.value.hint


def test_a_symbol_without_instrument_data_names_the_options(csv_file: Any, load: Any) -> None:
    path = csv_file.write()
    with pytest.raises(InputError, match="or its steps, was DOGE/USD") as caught:
        load(path, symbol="DOGE/USD")
    assert "athena data import FILE --symbol DOGE/USD --interval 1h --tick" in caught.value.hint
    bars = load(path, symbol="DOGE/USD", tick=Decimal("0.01"), lot=Decimal("1e-8"))
    assert bars.instrument.symbol == "DOGE/USD"


def test_the_venue_chooses_the_steps() -> None:
    assert find_instrument("BTC/USD").tick == Decimal("0.01")
    assert find_instrument("BTC/USD", "bitfinex").tick == Decimal("1e-8")
    assert find_instrument("BTC/USD", tick=Decimal("0.1")).tick == Decimal("0.1")


def test_the_symbol_is_read_from_the_start_of_a_file_name(tmp_path: Path) -> None:
    assert symbol_from_name(tmp_path / "btcusdt-1h.csv") == "BTC/USDT"
    assert symbol_from_name(tmp_path / "XRP_USD.parquet") == "XRP/USD"
    with pytest.raises(InputError, match=re.escape("bars.csv")):
        symbol_from_name(tmp_path / "bars.csv")


def test_an_unknown_data_set_says_what_is_there(home: Path) -> None:
    with pytest.raises(MissingError, match="none yet") as caught:
        load_bars("btc-usd-30m", home)
    assert caught.value.exit_code == 3
    assert caught.value.hint == "athena data sample"
