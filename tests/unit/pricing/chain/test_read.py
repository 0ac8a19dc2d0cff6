"""Files of quotes: every cell that cannot be read is counted, and nothing depends on its form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import parse_time_ns
from athena.errors import InputError, MissingError
from athena.pricing.chain import (
    ChainSettings,
    QuoteStatus,
    analyse_chain,
    priced_columns,
    read_chain,
    write_table,
)
from tests.chain_builder import build_chain, chain_rows, write_rows

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = ChainSettings()


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    """The cells of a clean European chain."""
    return chain_rows(build_chain(n_strikes=9, days=(91, 182)))


def _analysed(path: Path, settings: ChainSettings = SETTINGS) -> dict[str, list[Any]]:
    return priced_columns(analyse_chain(read_chain(path, settings), settings))


def _numbers(table: dict[str, list[Any]], name: str) -> list[float]:
    return [np.nan if value is None else value for value in table[name]]


def test_a_dirty_file_is_counted_and_its_good_rows_stay_as_they_are(
    rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    """PR-29."""
    clean = _analysed(write_rows(rows, tmp_path / "clean.csv"))
    first = rows[0]
    dirty = {
        QuoteStatus.CROSSED: [{**first, "bid": "9.9", "ask": "9.5", "strike": "97.5"}],
        QuoteStatus.STALE: [{**first, "quote_time": "2024-03-01T12:00:00Z"}],
        QuoteStatus.DUPLICATE: [dict(first)],
        QuoteStatus.NO_BID: [{**first, "bid": "", "strike": "98.5"}],
        QuoteStatus.NO_ASK: [{**first, "ask": "nan", "strike": "98.6"}],
        QuoteStatus.WIDE: [{**first, "bid": "1", "ask": "5", "strike": "98.7"}],
        QuoteStatus.EXPIRED: [{**first, "expiry": "2024-02-29"}],
        QuoteStatus.BAD_ROW: [
            {**first, "strike": "ninety"},
            {**first, "expiry": "some day"},
            {**first, "type": "X"},
            {**first, "strike": "-5"},
            {**first, "symbol": "XYZ   240531C00014285"},  # adjusted for a split
            {**first, "symbol": "XYZ   240531P00099000", "strike": "99"},
        ],
    }
    written = [{"symbol": "", **row} for row in rows]
    written += [{"symbol": "", **row} for extra in dirty.values() for row in extra]
    path = write_rows(written, tmp_path / "dirty.csv")
    found = analyse_chain(read_chain(path, SETTINGS), SETTINGS)
    counts = found.status_counts
    assert counts.pop("OK") == len(rows)
    assert counts == {str(status): len(extra) for status, extra in dirty.items()}
    assert any("strike was 'ninety'" in line for line in found.summary())
    table = priced_columns(found)
    for name in ("iv_mid", "fair_value", "delta", "forward"):
        assert _numbers(table, name)[: len(rows)] == _numbers(clean, name)


def test_a_symbol_that_agrees_is_no_fault(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    """PR-29, the clean twin: the OCC form of the same contract."""
    row = {**rows[0], "strike": "97.5", "symbol": "XYZ   240531C00097500"}
    path = write_rows([row, *({**item, "symbol": ""} for item in rows)], tmp_path / "a.csv")
    assert read_chain(path, SETTINGS).is_readable.all()


def test_csv_and_parquet_give_the_same_table(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    """PR-32."""
    pl = pytest.importorskip("polars", reason="the extra `data` is not installed")
    text = write_rows(rows, tmp_path / "a.csv")
    typed = [
        {
            name: float(value) if name in {"strike", "bid", "ask", "underlying_price"} else value
            for name, value in row.items()
        }
        for row in rows
    ]
    binary = tmp_path / "a.parquet"
    pl.DataFrame(typed).with_columns(
        pl.col("expiry", "quote_time").str.to_datetime(time_zone="UTC")
    ).write_parquet(binary)
    assert _analysed(text) == _analysed(binary)


def test_the_form_of_a_file_does_not_matter(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    """PR-32: column order, separators of thousands, byte-order mark, zones, names, delimiter."""
    plain = _analysed(write_rows(rows, tmp_path / "plain.csv"))
    other = [
        {
            "Ask": row["ask"],
            "cp_flag": {"C": "call", "P": "put"}[row["type"]],
            "Strike Price": f"{float(row['strike']):,.4f}",
            "best bid": row["bid"],
            "Expiration": row["expiry"].replace("T21:00:00Z", "T16:00:00-05:00"),
            "style": "E",
            "spot": row["underlying_price"],
            "timestamp": str(parse_time_ns(row["quote_time"]) // 1_000_000),
        }
        for row in rows
    ]
    path = write_rows(other, tmp_path / "other.csv")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert _analysed(path) == plain
    semicolons = tmp_path / "semicolons.csv"
    semicolons.write_text(
        (tmp_path / "plain.csv").read_text(encoding="utf-8").replace(",", ";"), encoding="utf-8"
    )
    assert _analysed(semicolons) == plain


@pytest.mark.parametrize("missing", ["expiry", "strike", "type", "bid", "ask"])
def test_a_missing_column_is_named(
    rows: list[dict[str, Any]], tmp_path: Path, missing: str
) -> None:
    """PR-32."""
    for row in rows:
        del row[missing]
    path = write_rows(rows, tmp_path / "a.csv")
    with pytest.raises(InputError, match=f"column for {missing}"):
        read_chain(path, SETTINGS)


def test_an_ambiguous_column_is_named_and_can_be_chosen(
    rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    written = [{**row, "bid_price": "1"} for row in rows]
    path = write_rows(written, tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"one column for bid .* was bid, bid_price"):
        read_chain(path, SETTINGS)
    chosen = read_chain(path, ChainSettings(columns=(("bid", "bid"),)))
    assert chosen.bid[0] == float(rows[0]["bid"])
    with pytest.raises(InputError, match="expected a column"):
        read_chain(path, ChainSettings(columns=(("bid", "nothing"),)))


def test_the_underlying_and_the_time_may_be_stated(
    rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    plain = _analysed(write_rows(rows, tmp_path / "plain.csv"))
    for row in rows:
        del row["underlying_price"], row["quote_time"]
    path = write_rows(rows, tmp_path / "bare.csv")
    with pytest.raises(InputError, match="price of the underlying"):
        read_chain(path, SETTINGS)
    with pytest.raises(InputError, match="time of the quotes"):
        read_chain(path, ChainSettings(underlying=100.0))
    stated = ChainSettings(underlying=100.0, at_ns=parse_time_ns("2024-03-01T21:00:00"))
    assert _analysed(path, stated) == plain


def test_what_is_no_chain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="file of quotes"):
        read_chain(tmp_path / "nothing.csv", SETTINGS)
    empty = tmp_path / "empty.csv"
    empty.write_text("expiry,strike,type,bid,ask\n", encoding="utf-8")
    with pytest.raises(InputError, match="without rows"):
        read_chain(empty, SETTINGS)
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("expiry,strike,type,bid,ask\n2024-01-01,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 1, was 2"):
        read_chain(ragged, SETTINGS)
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"expiry,strike,type,bid,ask\n\xff\xfe\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_chain(binary, SETTINGS)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="Parquet"):
        read_chain(broken, SETTINGS)


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_the_priced_rows_are_written(
    rows: list[dict[str, Any]], tmp_path: Path, suffix: str
) -> None:
    if suffix == "parquet":
        pytest.importorskip("polars", reason="the extra `data` is not installed")
    path = write_rows(rows, tmp_path / "a.csv")
    analysis = analyse_chain(read_chain(path, SETTINGS), SETTINGS)
    out = tmp_path / f"rows.{suffix}"
    write_table(analysis, out)
    assert out.stat().st_size > 1_000
    with pytest.raises(InputError, match=r"was 'rows\.xls'"):
        write_table(analysis, tmp_path / "rows.xls")
