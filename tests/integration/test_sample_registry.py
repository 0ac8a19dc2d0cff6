"""The sample and the trap as the real registry serves them; skipped where it is out of reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athena.domain import HOUR_NS
from athena.errors import MissingError
from athena.market import SAMPLES, Severity, bring_samples, check_bars, check_table, load_bars
from athena.market._csv import csv_table
from athena.market._download import RegistryFile, fetch
from athena.market._sample import read_member

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.registry]

TRAP = RegistryFile(
    "gapless-crypto-clickhouse",
    "gapless_crypto_clickhouse-17.5.5.tar.gz",
    "0c4bc0bd927584320b52c7d58b35b0cd7bcd8a7f794d1989f8f03d65644e26b4",
)
TRAP_MEMBER = (
    "gapless_crypto_clickhouse-17.5.5/tests/fixtures/test_data_large/"
    "binance_spot_BTCUSDT-1h_20140101-20240101_v2.10.0.csv"
)


def fetch_or_skip(file: RegistryFile, folder: Path) -> Path:
    try:
        return fetch(file, folder)
    except MissingError as error:
        pytest.skip(f"no package registry: {error.message}")


def test_the_sample_holds_the_bars_that_it_names(home: Path) -> None:
    for sample in SAMPLES:
        fetch_or_skip(sample.file, home / "cache")
    infos = bring_samples(home, imported_at_ns=0)
    assert {info.name: info.rows for info in infos} == {
        "btc-usd-30m": 35_019,
        "eth-usd-30m": 35_011,
        "xrp-usd-30m": 34_991,
        "btc-usdt-1h": 55_765,
    }
    for info in infos:
        defects = check_bars(load_bars(info.name, home))
        assert all(defect.severity is Severity.MILD for defect in defects)


def test_the_gapless_trap_is_found(tmp_path: Path) -> None:
    """96 bars, 88 of them in real outages, are copies of later bars."""
    archive = fetch_or_skip(TRAP, tmp_path)
    table = csv_table(read_member(archive, TRAP_MEMBER), TRAP_MEMBER)
    found = {defect.kind: defect for defect in check_table(table, "BTC/USDT", HOUR_NS)}
    assert found["repeated_blocks"].count == 96
    assert found["repeated_blocks"].severity is Severity.SEVERE
