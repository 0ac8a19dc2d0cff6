"""`athena trials`: the ledger by data set, its verdicts, and the two tables."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.research import Trial, record_trials

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
TRIAL = Trial(
    1_500_000_000_000_000_000,
    "backtest",
    "run-1",
    "aa" * 32,
    "sma_cross",
    {"data": ["btc-usd-30m", "eth-usd-30m"], "interval": "30m", "fast": 10},
    0.2,
    730,
)


@pytest.fixture
def ledger(home: Path) -> None:
    """Record forty trials on one pair of data sets, and a weak one on another."""
    grid = [
        replace(
            TRIAL, command="sweep", run_id="sweep-1", sharpe=0.001 * k - 0.02,
            parameters={**TRIAL.parameters, "fast": 11 + k},
        )
        for k in range(39)
    ]  # fmt: skip
    other = replace(
        TRIAL, data_sha256="bb" * 32, sharpe=0.01, parameters={"data": ["a.csv"], "interval": "1d"}
    )
    record_trials(home, [TRIAL, TRIAL, *grid, other])


@pytest.mark.usefixtures("ledger")
def test_the_json_tells_each_data_set(cli: Cli) -> None:
    payload = cli("trials", "--json").json()
    assert set(payload) == {"data", "warning"}
    pair, single = payload["data"]
    assert pair["sources"] == ["btc-usd-30m", "eth-usd-30m"]
    assert (pair["trials"], pair["recorded"]) == (40, 41)
    assert pair["commands"] == {"backtest": 1, "sweep": 39}
    assert pair["best"]["sharpe"] == pytest.approx(0.2 * math.sqrt(365))
    assert pair["best"]["run_id"] == "run-1"
    assert pair["noise_sharpe"] > 0
    assert pair["deflation_sharpe"] < pair["needed_sharpe"] < pair["best"]["sharpe"]
    assert single["trials"] == 1
    assert single["spread"] is None


@pytest.mark.usefixtures("ledger")
def test_a_person_reads_a_table_and_a_verdict_for_each(cli: Cli) -> None:
    out = cli("trials").out
    assert "backtest 1, sweep 39" in out
    assert (
        "btc-usd-30m, eth-usd-30m (aaaaaaaaaaaa): the best of 40, sma_cross with 3.82, is " in out
    )
    assert "a.csv (bbbbbbbbbbbb): the best of 1, sma_cross with 0.19, is not above" in out


@pytest.mark.usefixtures("ledger")
def test_one_data_set_can_be_asked_for_alone_or_beside_others(cli: Cli) -> None:
    payload = cli("trials", "--data", "eth-usd-30m", "--json").json()
    assert [item["trials"] for item in payload["data"]] == [40]


@pytest.mark.usefixtures("ledger")
def test_a_data_set_nobody_tried_ends_with_3_and_the_known_names(cli: Cli) -> None:
    result = cli("trials", "--data", "xrp-usd-30m")
    assert result.exit_code == 3
    assert "tried on: a.csv, btc-usd-30m, eth-usd-30m" in result.err
    assert "athena backtest --data xrp-usd-30m" in result.err


def test_both_tables_of_the_specification_are_printed(cli: Cli) -> None:
    payload = cli("trials", "--tables", "--json").json()
    assert payload["data"] == []
    assert {row["accuracy"]: row["bars"] for row in payload["bars_needed"]}[0.55] == 616
    noise = {
        (row["trials"], row["years"]): round(row["sharpe"], 2) for row in payload["noise_sharpes"]
    }
    assert noise[1_000, 5.0] == 1.46
    assert noise[10_000, 2.0] == 2.73
    out = cli("trials", "--tables").out
    for words in ("no trials yet: athena backtest", "3,862", "1.46", "2.73"):
        assert words in out


def test_trials_without_a_known_ratio_get_no_verdict(cli: Cli, home: Path) -> None:
    record_trials(home, [replace(TRIAL, sharpe=math.nan, n=0)])
    out = cli("trials").out
    assert "too little is known for a verdict" in out
    assert cli("trials", "--json").json()["data"][0]["best"] is None


def test_trials_of_another_tool_are_counted_without_annual_figures(cli: Cli, home: Path) -> None:
    record_trials(home, [replace(TRIAL, command="tune", parameters={"width": 64})])
    assert "(aaaaaaaaaaaa): too little is known" in cli("trials").out
    (found,) = cli("trials", "--json").json()["data"]
    assert found["commands"] == {"tune": 1}
    assert found["best"]["sharpe"] is None


def test_a_torn_ledger_is_warned_about(cli: Cli, home: Path) -> None:
    record_trials(home, [TRIAL])
    path = home / "trials.jsonl"
    path.write_bytes(path.read_bytes() + b'{"half": ')
    result = cli("trials")
    assert result.exit_code == 0
    assert "line 2: torn" in result.err
    assert "line 2: torn" in cli("trials", "--json").json()["warning"]


def test_a_damaged_ledger_ends_with_2_and_names_the_line(cli: Cli, home: Path) -> None:
    (home / "trials.jsonl").write_text("no trial\n")
    result = cli("trials")
    assert result.exit_code == 2
    assert "trials.jsonl, line 1" in result.err
