"""Data sets are published whole, opened verified, and listed with their origin."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import BAR_COLUMNS, HOUR_NS, Bars, built_in_instrument
from athena.errors import AthenaError, InputError, MissingError
from athena.market import (
    ImportRequest,
    import_file,
    list_datasets,
    load_bars,
    mock_bars,
    open_dataset,
    store_dataset,
)

if TYPE_CHECKING:
    from pathlib import Path

NOW_NS = 1_600_000_000_000_000_000


@pytest.fixture
def bars() -> Bars:
    instrument = built_in_instrument("BTC/USDT")
    assert instrument is not None
    walk = mock_bars(instrument, 50, 1, HOUR_NS)
    return replace(walk, provenance=replace(walk.provenance, name="walk", is_synthetic=False))


@pytest.fixture
def stored(bars: Bars, home: Path) -> Path:
    store_dataset(bars, home, venue="binance", imported_at_ns=NOW_NS)
    return home / "datasets" / "walk"


def test_a_stored_data_set_opens_equal_and_mapped(bars: Bars, stored: Path, home: Path) -> None:
    opened = open_dataset(home, stored.name)
    assert opened.instrument == bars.instrument
    assert opened.provenance == bars.provenance
    for mine, theirs in zip(opened.columns(), bars.columns(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert not mine.flags.owndata  # mapped, not read
        assert not mine.flags.writeable


def test_the_manifest_says_where_the_bars_came_from(bars: Bars, stored: Path, home: Path) -> None:
    (info,) = list_datasets(home)
    assert (info.name, info.symbol, info.venue, info.interval) == (
        "walk", "BTC/USDT", "binance", "1h",
    )  # fmt: skip
    assert (info.tick, info.lot, info.rows) == ("0.01", "0.00000001", 50)
    assert info.first == "2020-01-01T00:00:00Z"
    assert info.imported_at == "2020-09-13T12:26:40Z"
    assert info.sha256 == bars.provenance.sha256
    assert stored.is_dir()


@pytest.mark.parametrize("column", BAR_COLUMNS)
def test_a_flipped_byte_is_found_and_its_file_named(column: str, stored: Path, home: Path) -> None:
    path = stored / f"{column}.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=f"{column}.npy") as caught:
        open_dataset(home, "walk")
    assert "import it again" in caught.value.hint


@pytest.mark.parametrize("cut", [1, 8, 399, 500])
def test_a_truncated_column_is_found_and_its_file_named(
    cut: int, stored: Path, home: Path
) -> None:
    path = stored / "close_ticks.npy"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputError, match=r"close_ticks\.npy"):
        open_dataset(home, "walk")


def test_a_missing_column_and_a_damaged_manifest_are_found(stored: Path, home: Path) -> None:
    (stored / "low_ticks.npy").unlink()
    with pytest.raises(InputError, match=r"low_ticks\.npy"):
        open_dataset(home, "walk")
    (stored / "manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json"):
        list_datasets(home)


def test_a_damaged_step_in_the_manifest_is_found(stored: Path, home: Path) -> None:
    path = stored / "manifest.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"tick": "a cent"}))
    with pytest.raises(InputError, match="tick of data set walk"):
        open_dataset(home, "walk")


def test_a_changed_digest_in_the_manifest_is_found(stored: Path, home: Path) -> None:
    path = stored / "manifest.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"sha256": "0" * 64}))
    with pytest.raises(InputError, match=r"manifest\.json"):
        open_dataset(home, "walk")


def test_the_same_bars_again_change_nothing_and_others_are_refused(
    bars: Bars, stored: Path, home: Path
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in stored.iterdir()}
    store_dataset(bars, home, venue="binance", imported_at_ns=NOW_NS + 1)
    assert {path.name: path.stat().st_mtime_ns for path in stored.iterdir()} == before
    with pytest.raises(InputError, match="other bars"):
        store_dataset(bars.rows(0, 10), home, venue="binance", imported_at_ns=NOW_NS)


@pytest.mark.parametrize("name", ["", "../out", "a/b", ".hidden", "Big", "a.csv", "mock-btc"])
def test_an_unsafe_or_lying_name_is_refused(name: str, bars: Bars, home: Path) -> None:
    named = replace(bars, provenance=replace(bars.provenance, name=name))
    with pytest.raises(InputError):
        store_dataset(named, home, venue="", imported_at_ns=NOW_NS)
    assert list_datasets(home) == []


def test_synthetic_bars_must_be_called_mock(bars: Bars, home: Path) -> None:
    """B10: no synthetic value under a name that does not say so."""
    synthetic = replace(bars, provenance=replace(bars.provenance, is_synthetic=True))
    with pytest.raises(InputError, match="synthetic"):
        store_dataset(synthetic, home, venue="", imported_at_ns=NOW_NS)


def test_a_disk_that_is_full_leaves_nothing(
    bars: Bars, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(AthenaError, match="disk") as caught:
        store_dataset(bars, home, venue="", imported_at_ns=NOW_NS)
    assert caught.value.exit_code == 3
    assert list((home / "datasets").iterdir()) == []


def test_an_import_is_stored_with_its_mild_defects(csv_file: Any, home: Path) -> None:
    request = ImportRequest("BTC/USDT", HOUR_NS, venue="binance")
    info, defects = import_file(csv_file.write(), home, request, imported_at_ns=NOW_NS)
    assert info.name == "btc-usdt-1h"
    assert [defect.kind for defect in defects] == ["gaps"]
    assert len(load_bars("btc-usdt-1h", home, symbol="BTC/USDT")) == 5


def test_an_import_with_copied_bars_is_refused_and_stores_nothing(
    csv_file: Any, home: Path
) -> None:
    later = [row.replace("2018-01-01", "2018-01-02") for row in csv_file.rows[:3]]
    csv_file.rows += later
    path = csv_file.write()
    with pytest.raises(InputError, match="repeated_blocks"):
        import_file(path, home, ImportRequest("BTC/USDT"), imported_at_ns=NOW_NS)
    assert list_datasets(home) == []


def test_a_data_set_of_another_symbol_or_interval_is_refused(stored: Path, home: Path) -> None:
    with pytest.raises(InputError, match="BTC/USDT"):
        load_bars(stored.name, home, symbol="ETH/USDT")
    with pytest.raises(InputError, match="ns bars"):
        load_bars(stored.name, home, interval_ns=60)


def test_a_name_that_climbs_out_is_no_data_set(home: Path) -> None:
    with pytest.raises(MissingError):
        open_dataset(home, "..")
