"""`athena backtest --desk`, `athena desk cycle`: the keys, the trace beside a run, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.trace import read_trace
from athena.market import store_dataset
from athena.research import read_run
from tests.hosting_walks import moving_bars
from tests.market_builder import START_NS

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
N_BARS = 150
DATA = ("--data", "btc", "--data", "eth")


@pytest.fixture
def stored(home: Path) -> Path:
    """Store two data sets."""
    for seed, symbol in enumerate(("BTC/USD", "ETH/USD")):
        bars = moving_bars(N_BARS, seed, symbol)
        provenance = replace(bars.provenance, name=symbol[:3].lower(), is_synthetic=False)
        store_dataset(
            replace(bars, provenance=provenance), home, venue="", imported_at_ns=START_NS
        )
    return home


@pytest.mark.usefixtures("stored")
def test_the_desk_runs_beside_its_baselines_and_its_best_single_strategy(
    cli: Cli, home: Path
) -> None:
    result = cli("backtest", "--desk", *DATA, "--json")
    assert result.exit_code == 0, result.err
    payload = result.json()
    decisions = payload["decisions"]
    assert decisions["n"] == 2 * N_BARS == sum(decisions["by_action"].values())
    assert 0 < sum(decisions["holds"].values()) < decisions["n"]
    names = list(payload["baselines"])
    assert names[0].startswith("best of 3 single: ")
    assert {"desk, risk open", "hold BTC", "hold ETH", "monthly equal weight"} <= set(names)
    folder = home / "runs" / payload["run_id"]
    assert "-desk-" in payload["run_id"]
    record = read_run(folder)
    assert record.main.name == "desk"
    assert record.parameters["strategy_parameters"]["taker_fee_bps"] == "26"
    assert list(record.files) == ["decisions.jsonl"]
    entries = list(read_trace(folder / "decisions.jsonl"))
    assert len(entries) == decisions["n"]
    assert {entry.decision.action.value for entry in entries} == set(decisions["by_action"])


@pytest.mark.usefixtures("stored")
def test_two_desk_backtests_give_one_digest_and_one_trace(cli: Cli, home: Path) -> None:
    """Issue 5: the same question has the same answer, to the last byte of the trace."""
    found = [cli("backtest", "--desk", *DATA, "--json").json() for _ in range(2)]
    assert found[0]["digest"] == found[1]["digest"]
    files = [json.loads((home / "runs" / one["run_id"] / "run.json").read_text()) for one in found]
    assert files[0]["files"] == files[1]["files"]
    assert found[1]["trials"] == 1  # the same try again


@pytest.mark.usefixtures("stored")
def test_a_person_reads_what_was_decided_and_why_not(cli: Cli) -> None:
    result = cli("backtest", "--desk", *DATA, "--param", "every=4h")
    assert result.exit_code == 0, result.err
    assert f"{2 * (N_BARS // 4)} decisions: " in result.out
    assert "not traded because of: " in result.out
    assert "best of 3 single" in result.out


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("options", [("--strategy", "hold"), ("--kind", "bar")])
def test_a_strategy_beside_the_desk_is_refused(
    cli: Cli, home: Path, options: tuple[str, str]
) -> None:
    result = cli("backtest", "--desk", *DATA, *options)
    assert result.exit_code == 2
    assert "expected --desk or" in result.err
    assert not (home / "runs").exists()


@pytest.mark.usefixtures("stored")
def test_a_parameter_that_the_desk_does_not_have_is_refused(cli: Cli) -> None:
    result = cli("backtest", "--desk", *DATA, "--param", "fast=20")
    assert result.exit_code == 2
    assert "every" in result.err


@pytest.mark.usefixtures("stored")
def test_a_run_without_a_desk_has_no_decisions(cli: Cli, home: Path) -> None:
    payload = cli("backtest", "--data", "btc", "--strategy", "hold", "--json").json()
    assert "decisions" not in payload
    assert read_run(home / "runs" / payload["run_id"]).files == {}


# --- desk cycle -------------------------------------------------------------------------------


@pytest.mark.usefixtures("stored")
def test_one_cycle_shows_what_every_agent_says(cli: Cli, home: Path) -> None:
    result = cli("desk", "cycle", *DATA, "--json")
    assert result.exit_code == 0, result.err
    payload = result.json()
    assert payload["sent"] == 0
    assert [one["symbol"] for one in payload["cycles"]] == ["BTC/USD", "ETH/USD"]
    for one in payload["cycles"]:
        agents = [view["agent"] for view in one["views"]]
        assert agents == ["technical", "regime", "forecast", "sentiment", "strategy", "risk",
                          "execution"]  # fmt: skip
        assert {vote["agent"] for vote in one["votes"]} <= set(agents)
        assert one["action"] != "hold" or one["hold_code"]
        assert one["reasons"]
    assert not (home / "runs").exists()


@pytest.mark.usefixtures("stored")
def test_a_cycle_reads_well(cli: Cli) -> None:
    result = cli("desk", "cycle", "--data", "btc")
    assert result.exit_code == 0, result.err
    for words in ("BTC/USD at", "technical", "no texts", "no verified model is served", "votes: ",
                  "agreement x", "decision: ", "nothing was sent"):  # fmt: skip
        assert words in result.out


@pytest.mark.usefixtures("stored")
def test_the_same_bar_has_the_same_decision(cli: Cli) -> None:
    first, second = (cli("desk", "cycle", *DATA, "--json").json() for _ in range(2))
    assert first == second


def test_a_cycle_without_data_says_how_to_get_some(cli: Cli) -> None:
    """B03: nothing is made up."""
    result = cli("desk", "cycle")
    assert result.exit_code == 3
    assert "athena data sample" in result.err


@pytest.mark.usefixtures("stored")
def test_the_desk_can_be_rehearsed_like_any_strategy(cli: Cli) -> None:
    """Advice and a dry run are the same road."""
    result = cli(
        "dry-run", "--strategy", "athena.desk.hosting:DeskStrategy", "--data", "btc", "--json"
    )
    assert result.exit_code == 0, result.err
    assert result.json()["sent"] == 0
