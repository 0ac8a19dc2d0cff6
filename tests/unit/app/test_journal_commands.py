"""`athena journal`: exit codes, JSON, and what is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import Bars, Provenance, built_in_instrument, content_sha256
from athena.market import store_dataset
from athena.research import JOURNAL_FOLDER, FileStore, describe_bars
from athena.research.engine._timeline import align
from athena.trading import (
    BarsReference,
    JournalWriter,
    describe_setup,
    digest_of,
    new_state,
    recover_journal,
)
from athena.venues import VenueSettings, new_venue
from tests import journal_builder as build

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
N_STEPS = 80


@pytest.fixture
def run(home: Path) -> build.Run:
    """Store bars, and run over them with a journal where the commands look for it."""
    made = build.random_columns(N_STEPS, 7, with_risk=False)
    bars = [_stored(home, k, symbol, made) for k, symbol in enumerate(build.SYMBOLS)]
    columns = align(bars, with_risk_inputs=False)
    references = [
        BarsReference(item.provenance.name, item.provenance.sha256, 0, N_STEPS - 1)
        for item in bars
    ]
    values = build.setup(is_open=True)
    store = FileStore(home / "runs" / "a-run" / JOURNAL_FOLDER)
    manifest = {"setup": describe_setup(**values), **describe_bars(references, columns)}
    run = build.Run(
        store,
        JournalWriter(store, manifest),
        new_state(**values),
        new_venue(VenueSettings(seed=42), build.CASH),
        columns,
    )
    build.trade(run, 0, N_STEPS, snapshots={40})
    build.finish(run)
    return run


def _stored(home: Path, k: int, symbol: str, columns: Any) -> Bars:
    instrument = built_in_instrument(symbol)
    assert instrument is not None
    interval_ns = 30 * build.MINUTE_NS
    prices = (columns.open[k], columns.high[k], columns.low[k], columns.close[k])
    table = (columns.close_ns - interval_ns, *prices, np.maximum(columns.volume[k], 0))
    name = symbol.lower().replace("/", "-")
    bars = Bars(instrument, interval_ns, *table, Provenance(name, "test", content_sha256(table)))
    store_dataset(bars, home, venue="", imported_at_ns=build.START_NS)
    return bars


def segment(home: Path) -> Path:
    return home / "runs" / "a-run" / JOURNAL_FOLDER / "00000001.seg"


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


def test_verify_says_what_a_sound_journal_holds(cli: Cli, run: build.Run) -> None:
    result = cli("journal", "verify", "a-run", "--json")
    assert result.exit_code == 0, result.err
    payload = result.json()
    assert payload["ok"] is True
    assert payload["final"]["digest"] == digest_of(run.tables.arrays)
    assert (payload["segments"], payload["snapshots"]) == (1, 1)
    assert payload["torn"] is payload["damage"] is None
    assert payload["segment_sha256"] == run.writer.end.segment_sha256.hex()
    assert "a-run: sound" in cli("journal", "verify", "a-run").out


def test_verify_of_a_flipped_byte_exits_1_with_segment_and_offset(
    cli: Cli, run: build.Run, home: Path
) -> None:
    """TR-06."""
    flip(segment(home), 60)
    result = cli("journal", "verify", "a-run", "--json")
    assert result.exit_code == 1
    payload = result.json()
    assert payload["ok"] is False
    assert payload["damage"]["segment"] == 1
    assert payload["damage"]["offset"] == 52
    shown = cli("journal", "verify", "a-run")
    assert shown.exit_code == 1
    assert "journal segment 1, offset 52: expected" in shown.out
    for command in ("replay", "show"):
        result = cli("journal", command, "a-run")
        assert result.exit_code == 1
        assert "journal segment 1, offset 52" in result.err
    assert run.store.segments() == [1]


def test_verify_warns_of_a_torn_tail_and_changes_nothing(
    cli: Cli, run: build.Run, home: Path
) -> None:
    data = segment(home).read_bytes()
    segment(home).write_bytes(data[:-5])
    result = cli("journal", "verify", "a-run")
    assert result.exit_code == 0
    assert result.out.count("warning: segment 1 ends inside a frame") == 1
    assert "warning: the run did not end" in result.out
    assert segment(home).read_bytes() == data[:-5]
    recover_journal(run.store)
    assert "inside a frame" not in cli("journal", "verify", "a-run").out


@pytest.mark.parametrize("options", [[], ["--from-snapshot"]])
def test_replay_gives_the_digest_of_the_run(cli: Cli, run: build.Run, options: list[str]) -> None:
    """TR-05."""
    result = cli("journal", "replay", "a-run", *options, "--json")
    assert result.exit_code == 0, result.err
    payload = result.json()
    assert payload["digest"] == digest_of(run.tables.arrays)
    assert payload["is_final"] is True
    assert payload["steps"] == N_STEPS
    assert (payload["from_frame"] > 0) is bool(options)
    assert payload["digest"] in cli("journal", "replay", "a-run", *options).out


def test_replay_without_the_bars_is_missing_data(cli: Cli, run: build.Run, home: Path) -> None:
    (home / "datasets" / "btc-usdt").rename(home / "datasets" / "elsewhere")
    result = cli("journal", "replay", "a-run")
    assert result.exit_code == 3
    assert "btc-usdt" in result.err
    assert run.store.segments() == [1]


def test_show_lists_records_for_people_and_programs(cli: Cli, run: build.Run) -> None:
    result = cli("journal", "show", "a-run", "--limit", "6", "--json")
    assert result.exit_code == 0, result.err
    records = result.json()["records"]
    assert [item["kind"] for item in records[:3]] == ["intent", "verdict", "report"]
    assert records[0]["side"] == "buy"
    assert records[0]["instrument"] in build.SYMBOLS
    assert records[0]["strategy"] in {"first", "second"}
    assert records[2]["terms"]["instrument"] in build.SYMBOLS
    assert records[2]["terms"]["purpose"] == "entry"
    assert records[2]["ts"].endswith("Z")
    assert isinstance(records[2]["fee"], str)
    skipped = cli("journal", "show", "a-run", "--skip", "2", "--limit", "4", "--json")
    assert skipped.json()["records"] == records[2:]
    assert "purpose=entry" in cli("journal", "show", "a-run", "--limit", "3").out
    assert run.store.segments() == [1]


@pytest.mark.parametrize("name", ["none", "../runs", "."])
def test_a_run_that_is_not_there_is_missing(cli: Cli, name: str) -> None:
    for command in ("verify", "replay", "show"):
        result = cli("journal", command, name)
        assert result.exit_code == 3
        assert "athena runs list" in result.err


@pytest.mark.parametrize("n_bytes", [0, 10, 44, 60])
def test_a_journal_without_a_whole_manifest_fails_every_command(
    cli: Cli, run: build.Run, home: Path, n_bytes: int
) -> None:
    segment(home).write_bytes(segment(home).read_bytes()[:n_bytes])
    for command in ("verify", "replay", "show"):
        result = cli("journal", command, "a-run")
        assert result.exit_code == 1, result.err
        assert "expected a manifest in journal segment 1" in result.err
    assert run.store.segments() == [1]
