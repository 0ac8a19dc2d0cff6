"""`athena artifacts`: what a person and a script read, and the exit codes."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from athena.platform.artifacts import read_record
from tests.artifact_builder import NAME, NOW_NS, draft, flip, pass_shadow, publish, serve

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
KEYS = {"name", "kind", "status", "reason", "version", "published_at"}


def rows(result: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result.json()["bundles"]
    return found


@pytest.mark.parametrize("command", ["list", "verify"])
def test_an_empty_home_has_no_bundles_and_says_how_to_get_one(
    cli: Cli, home: Path, command: str
) -> None:
    result = cli("artifacts", command, "--json")
    assert (result.exit_code, result.json()) == (0, {"bundles": []})
    assert "nothing is published yet" in cli("artifacts", command).out
    assert list(home.iterdir()) == []


def test_the_list_says_where_each_version_stands_and_what_keeps_it(cli: Cli, home: Path) -> None:
    served = serve(home)
    candidate = publish(home, 2.0, gates=draft().gates[1:], at_ns=NOW_NS + 1)
    result = cli("artifacts", "list", "--json")
    assert result.exit_code == 0
    first, second = rows(result)
    assert set(first) == KEYS
    assert (first["name"], first["kind"], first["status"]) == (NAME, "forecaster", "promoted")
    assert (first["version"], first["reason"]) == (served, "")
    assert first["published_at"] == "2027-01-15T08:00:00Z"
    assert (second["version"], second["status"]) == (candidate, "candidate")
    assert second["reason"] == f"gate {draft().gates[0].name} is missing"
    shown = cli("artifacts", "list").out
    assert served[:12] in shown
    assert second["reason"] in shown


def test_verify_is_content_with_what_is_whole(cli: Cli, home: Path) -> None:
    serve(home)
    publish(home, 2.0, gates=(), at_ns=NOW_NS + 1)
    result = cli("artifacts", "verify", NAME, "--json")
    assert result.exit_code == 0
    assert [(row["status"], row["reason"]) for row in rows(result)] == [("verified", "")] * 2


def test_verify_exits_1_and_names_the_bundle_and_the_file(cli: Cli, home: Path) -> None:
    version = serve(home)
    other = publish(home, 2.0, name="eth-usd-1h")
    flip(home / "artifacts" / NAME / version / "weights.safetensors", -1)
    result = cli("artifacts", "verify", "--json")
    assert result.exit_code == 1
    spoiled, sound = rows(result)
    assert (spoiled["name"], spoiled["status"]) == (NAME, "refused")
    assert "weights.safetensors" in spoiled["reason"]
    assert (sound["version"], sound["status"]) == (other, "verified")
    shown = cli("artifacts", "verify")
    assert (shown.exit_code, "Traceback" in shown.err) == (1, False)
    assert cli("artifacts", "verify", "eth-usd-1h").exit_code == 0


def test_a_damaged_record_is_one_row_and_the_others_are_still_told(cli: Cli, home: Path) -> None:
    serve(home)
    publish(home, 2.0, name="eth-usd-1h")
    flip(home / "artifacts" / NAME / "record", 100)
    damaged, sound = rows(cli("artifacts", "list", "--json"))
    assert (damaged["name"], damaged["kind"], damaged["status"]) == (NAME, None, "refused")
    assert sound["status"] == "candidate"
    assert cli("artifacts", "verify").exit_code == 1
    assert cli("artifacts", "show", NAME).exit_code == 4


def test_a_planted_pickle_is_refused_and_not_executed(cli: Cli, home: Path) -> None:
    """A03."""
    version = serve(home)
    mark = home / "executed"

    class Payload:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(mark),)

    (home / "artifacts" / NAME / version / "model.pkl").write_bytes(pickle.dumps(Payload()))
    result = cli("artifacts", "verify", "--json")
    assert result.exit_code == 1
    assert "'model.pkl' was not listed" in rows(result)[0]["reason"]
    assert not mark.exists()


def test_show_gives_scorecard_lineage_and_history(cli: Cli, home: Path) -> None:
    version = serve(home)
    payload = cli("artifacts", "show", NAME, "--json").json()
    (row,) = payload["bundles"]
    assert set(row) >= KEYS
    assert row["gates"][0] == {
        "name": draft().gates[0].name,
        "expected": ">= 0.5",
        "was": 0.75,
        "n": 1_000,
        "interval": [0.7, 0.8],
        "holds": True,
    }
    assert row["gates"][-1]["name"] == "shadow_bars"
    assert row["lineage"]["n_trials"] == 12
    assert row["metrics"]["baselines"] == {"zero": 0.5}
    assert [move["to"] for move in payload["history"]] == [
        "candidate", "shadow", "shadow", "promoted",
    ]  # fmt: skip
    out = cli("artifacts", "show", NAME).out
    assert f"{NAME}@{version[:12]}: forecaster, promoted" in out
    assert "0.7 to 0.8" in out


def test_show_of_a_spoiled_version_says_why_and_has_no_gates(cli: Cli, home: Path) -> None:
    version = serve(home)
    flip(home / "artifacts" / NAME / version / "scorecard.json", 5)
    result = cli("artifacts", "show", NAME, "--json")
    (row,) = rows(result)
    assert (result.exit_code, row["status"], row["gates"]) == (0, "refused", [])
    assert "scorecard.json" in cli("artifacts", "show", NAME).out


def test_promote_exits_4_and_names_the_gate_that_is_missing(cli: Cli, home: Path) -> None:
    version = publish(home)
    early = cli("artifacts", "promote", NAME)
    assert early.exit_code == 4
    assert "--to shadow" in early.err
    assert cli("artifacts", "promote", NAME, "--to", "shadow").exit_code == 0
    refused = cli("artifacts", "promote", NAME)
    assert refused.exit_code == 4
    assert "gate shadow_bars is missing" in refused.err
    pass_shadow(home, version)
    result = cli("artifacts", "promote", NAME, "--reason", "shadow run done", "--json")
    assert result.exit_code == 0
    assert result.json()["move"] == {
        "time": result.json()["move"]["time"],
        "version": version,
        "from": "shadow",
        "to": "promoted",
        "reason": "shadow run done",
    }
    assert rows(result)[0]["status"] == "promoted"


def test_rollback_goes_back_and_says_when_there_is_nothing_to_go_back_to(
    cli: Cli, home: Path
) -> None:
    first, second = serve(home), serve(home, 2.0, at_ns=NOW_NS + 1)
    out = cli("artifacts", "rollback", NAME, "--reason", "worse").out
    assert out == f"{NAME}@{first[:12]} is promoted now, was retired\n"
    assert read_record(home, NAME).find(second).status == "retired"
    again = cli("artifacts", "rollback", NAME)
    assert again.exit_code == 4
    assert "promoted before, was none" in again.err


@pytest.mark.parametrize("command", ["verify", "show", "promote", "rollback"])
def test_an_unknown_name_exits_3_and_one_that_leads_elsewhere_2(
    cli: Cli, home: Path, command: str
) -> None:
    serve(home)
    missing = cli("artifacts", command, "xrp-usd-1h")
    assert missing.exit_code == 3
    assert NAME in missing.err
    assert cli("artifacts", command, "../escape").exit_code == 2
    assert [path.name for path in (home / "artifacts").iterdir()] == [NAME]


def test_a_step_that_does_not_exist_is_wrong_usage(cli: Cli, home: Path) -> None:
    serve(home)
    assert cli("artifacts", "promote", NAME, "--to", "retired").exit_code == 2
