"""`athena compare`: the JSON contract, what a person reads, exit codes, what is named."""

from __future__ import annotations

import shutil
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.app import run as athena
from athena.market import store_dataset
from athena.research import read_run
from tests.market_builder import HOUR_NS, START_NS, driftless_bars

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
PARTS = {
    "signal", "size", "risk", "price_latency", "partial_fill", "fee", "funding", "missing_data",
    "operator",
}  # fmt: skip


RUNS = {
    "cheap": ("--fee-bps", "10"),
    "dear": ("--fee-bps", "26"),
    "poor": ("--fee-bps", "10", "--cash", "50000", "--param", "fast=4"),
    "short": ("--fee-bps", "10", "--to", "2020-01-08"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home with 300 hours of bars and a run with each name of `RUNS`."""
    folder = tmp_path_factory.mktemp("made")
    bars = driftless_bars(300, 5, interval_ns=HOUR_NS)
    bars = replace(bars, provenance=replace(bars.provenance, name="mock-test"))
    store_dataset(bars, folder, venue="", imported_at_ns=START_NS)
    for name, options in RUNS.items():
        before = set((folder / "runs").glob("*"))
        fast = () if "--param" in options else ("--param", "fast=3")
        asked = ["backtest", "--data", "mock-test", "--strategy", "sma_cross", "--risk", "open"]
        asked += ["--param", "quantity=10", "--param", "slow=8", *options, *fast]
        assert athena(["--home", str(folder), *asked]) == 0
        (run,) = set((folder / "runs").glob("*")) - before
        run.rename(run.with_name(name))
    return folder


@pytest.fixture
def runs(made: Path, home: Path) -> Path:
    """Copy the home, so that a test may damage it."""
    shutil.copytree(made, home, dirs_exist_ok=True)
    return home / "runs"


def test_a_fee_alone_is_the_gap_to_the_last_unit(cli: Cli, runs: Path) -> None:
    result = cli("compare", "cheap", "dear", "--json")
    assert result.exit_code == 0, result.err
    found = result.json()
    a, b = (read_run(runs / name) for name in ("cheap", "dear"))
    assert set(found["parts"]) == PARTS
    assert Decimal(found["gap"]) == a.costs["fees"] - b.costs["fees"] < 0
    assert found["parts"]["fee"] == found["gap"]
    assert {value for part, value in found["parts"].items() if part != "fee"} == {"0"}
    assert found["residual"] == "0"
    assert found["decisions"] == {"both": len(a.fills), "only_a": 0, "only_b": 0}
    assert found["differences"]["taker_fee_bps"] == {"a": "10", "b": "26"}
    assert found["a"]["run_id"] == "cheap"
    assert len(found["largest"]) == 5
    assert found["largest"][0]["time"].endswith("Z")
    assert found["report"] is None


def test_the_profits_are_those_of_the_backtests(cli: Cli, runs: Path) -> None:
    found = cli("compare", "cheap", "poor", "--json").json()
    for side, name, cash in (("a", "cheap", 100_000), ("b", "poor", 50_000)):
        shown = cli("runs", "show", name, "--json").json()
        assert found[side]["final_equity"] == shown["final_equity"]
        assert Decimal(found[side]["profit"]) == Decimal(shown["final_equity"]) - cash
    parts = [Decimal(amount) for amount in found["parts"].values()]
    assert sum(parts) == Decimal(found["gap"]) != 0
    assert runs.is_dir()


@pytest.mark.usefixtures("runs")
def test_a_person_reads_a_sentence_and_what_was_asked_differently(cli: Cli) -> None:
    result = cli("compare", "cheap", "dear")
    assert result.out.startswith("B made ")
    assert "less than A; the largest part is fee, -" in result.out.splitlines()[0]
    assert "taker_fee_bps" in result.out
    assert "residual" in result.out
    assert cli("compare", "dear", "dear").out.startswith("A and B made the same")


@pytest.mark.usefixtures("runs")
def test_an_earlier_end_is_missing_data(cli: Cli) -> None:
    found = cli("compare", "cheap", "short", "--json").json()
    parts = {part for part, amount in found["parts"].items() if amount != "0"}
    assert parts == {"missing_data"}


def test_the_page_is_written_where_it_is_asked_for(cli: Cli, runs: Path) -> None:
    folder = runs.parent / "new"
    result = cli("compare", "cheap", "dear", "--report", folder, "--json")
    page = folder / "comparison.html"
    assert result.json()["report"] == str(page)
    text = page.read_text("utf-8")
    assert "B is dear" in text
    assert "taker_fee_bps" in text


@pytest.mark.usefixtures("runs")
def test_an_unknown_run_is_missing(cli: Cli) -> None:
    result = cli("compare", "cheap", "no-such-run")
    assert result.exit_code == 3
    assert "no-such-run" in result.err


@pytest.mark.usefixtures("runs")
def test_a_path_is_no_run(cli: Cli) -> None:
    assert cli("compare", "../runs/x", "cheap").exit_code == 2


def test_a_damaged_journal_is_named_with_its_run(cli: Cli, runs: Path) -> None:
    path = runs / "dear" / "journal" / "00000001.seg"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    result = cli("compare", "cheap", "dear")
    assert result.exit_code == 1
    assert "run dear: journal segment 1, offset" in result.err


def test_a_journal_cut_short_is_refused(cli: Cli, runs: Path) -> None:
    """A torn tail took the end with it: what the run came to is not known."""
    path = runs / "dear" / "journal" / "00000001.seg"
    path.write_bytes(path.read_bytes()[:-10])
    result = cli("compare", "cheap", "dear")
    assert result.exit_code == 2
    assert "run dear: expected a run that came to its end" in result.err


def test_a_run_without_a_journal_is_named(cli: Cli, runs: Path) -> None:
    shutil.rmtree(runs / "cheap" / "journal")
    result = cli("compare", "cheap", "dear")
    assert result.exit_code == 2
    assert "run cheap: expected a journal" in result.err


def test_bars_that_are_gone_are_named_and_nothing_is_written(cli: Cli, runs: Path) -> None:
    shutil.rmtree(runs.parent / "datasets")
    result = cli("compare", "cheap", "dear", "--report", runs.parent / "new")
    assert result.exit_code == 3
    assert "mock-test" in result.err
    assert not result.out
    assert not (runs.parent / "new").exists()
