"""`athena memory`: the operations from the command line, their JSON and their exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest

from athena.app.commands import memory as commands
from athena.memory import EntryType, Trust

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
NOTES = ("The funding of bitcoin rose", "The basis of ether fell", "The gas of ripple is cheap")


@pytest.fixture
def ids(cli: Cli) -> list[str]:
    """Remember three notes."""
    return [cli("memory", "add", text, "--json").json()["id"] for text in NOTES]


def hits(cli: Cli, *arguments: object) -> list[str]:
    return [hit["id"] for hit in cli("memory", "retrieve", *arguments, "--json").json()["hits"]]


def test_the_operations_do_what_they_say(cli: Cli, ids: list[str]) -> None:
    """B12 from the command line."""
    before_ns = cli("memory", "retrieve", "funding", "--json").json()["known_ns"]
    update = cli("memory", "update", ids[1], "The basis of ether rose", "--json").json()
    assert update["replaces"] == ids[1]
    assert cli("memory", "delete", ids[2], "--reason", "a rumour").exit_code == 0
    assert set(hits(cli, "funding basis gas")) == {ids[0], update["id"]}
    assert set(hits(cli, "funding basis gas", "--as-of", before_ns)) == set(ids)
    assert hits(cli, "funding", "--as-of", "2020-01-01") == []
    (hit,) = cli("memory", "retrieve", "basis", "--json").json()["hits"]
    assert {"id", "text", "score", "valid_from", "valid_to"} <= set(hit)
    assert (hit["text"], hit["valid_to"]) == ("The basis of ether rose", None)
    assert hit["valid_from"].endswith("Z")


def test_an_id_that_is_not_there_ends_with_3(cli: Cli, ids: list[str]) -> None:
    cli("memory", "delete", ids[0])
    for arguments in (("delete", ids[0]), ("delete", "x"), ("update", "x", NOTES[0])):
        result = cli("memory", *arguments)
        assert result.exit_code == 3
        assert "expected the id of an open entry" in result.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "short"), "10 to 4,096 characters"),
        (("add", NOTES[0], "--key", "BTC"), "SYMBOL:ATTRIBUTE"),
        (("add", NOTES[0], "--type", "lesson"), "rest on 5 outcomes"),
        (("add", NOTES[0], "--valid-from", "yesterday"), "ISO-8601"),
        (("retrieve", " "), "a question of 1 to"),
        (("retrieve", "x" * 5_000), "was 5,000"),
        (("retrieve", "x", "--type", "dream"), "was 'dream'"),
        (("add", NOTES[0], "--type", "dream"), "dream"),
        (("retrieve", "x", "--k", "0"), "--k"),
    ],
)
def test_bad_input_ends_with_2_and_writes_nothing(
    cli: Cli, arguments: tuple[str, ...], words: str
) -> None:
    result = cli("memory", *arguments)
    assert (result.exit_code, words in result.err) == (2, True)
    assert cli("memory", "stats", "--json").json()["events"] == 0


def test_a_keyed_fact_supersedes_and_a_rumour_does_not(cli: Cli) -> None:
    key = ("--key", "BTC/USD:listing")
    own = cli("memory", "add", "BTC is listed here", *key, "--json").json()["id"]
    rumour = cli("memory", "add", "BTC is delisted", *key, "--trust", "external", "--json").json()
    assert (rumour["disputes"], rumour["replaces"]) == (own, None)
    new = cli("memory", "add", "BTC is listed with margin", *key, "--json").json()
    assert new["replaces"] == own
    again = cli("memory", "add", "BTC is listed with margin", *key)
    assert f"{new['id']} says it already" in again.out


def test_erasing_is_confirmed_and_recorded(cli: Cli, ids: list[str]) -> None:
    refused = cli("memory", "erase", ids[0], "--reason", "asked for")
    assert refused.exit_code == 4
    assert "--yes" in refused.err
    erased = cli("memory", "erase", ids[0], "--reason", "asked for", "--yes", "--json").json()
    assert erased == {"erased": [ids[0]], "by": "the owner of this home"}
    assert hits(cli, "funding") == []
    stats = cli("memory", "stats", "--json").json()
    assert (stats["erased"], stats["entries"], stats["versions"]) == (1, 2, 3)


def test_where_operators_are_enrolled_only_an_admin_erases(
    cli: Cli, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trader = cli("operator", "add", "maria", "--role", "trader", "--json").json()["token"]
    ask = ("memory", "erase", ids[0], "--reason", "asked for", "--yes")
    monkeypatch.setenv("ATHENA_OPERATOR_TOKEN", trader)
    refused = cli(*ask)
    assert refused.exit_code == 4
    assert "expected the token of an admin, was that of maria" in refused.err
    assert hits(cli, "funding") == [ids[0]]
    monkeypatch.delenv("ATHENA_OPERATOR_TOKEN")
    assert cli(*ask, "--json").json()["by"] != "the owner of this home"


def test_summary_and_filter_name_their_sources(cli: Cli, ids: list[str]) -> None:
    summary = cli("memory", "summary", "funding of bitcoin", "--json").json()
    assert (summary["text"], summary["sources"]) == (NOTES[0], [ids[0]])
    assert 0 < summary["tokens"] <= summary["tokens_before"]
    kept = cli("memory", "filter", "bitcoin funding ether", "--json").json()
    assert [hit["id"] for hit in kept["kept"]] == [ids[0]]
    assert kept["dropped"] == [ids[1]]
    assert "nothing fits" in cli("memory", "summary", "xylophone").out


def test_a_history_moves_to_another_home(cli: Cli, ids: list[str], tmp_path: Path) -> None:
    file = tmp_path / "memory.jsonl"
    assert cli("memory", "export", file, "--json").json() == {"file": str(file), "events": 3}
    new = ("--home", tmp_path / "new")
    taken = cli(*new, "memory", "import", file, "--json").json()
    assert taken == {"events": 3, "embedded": 3}
    found = cli(*new, "memory", "retrieve", "funding", "--json").json()["hits"]
    assert [hit["id"] for hit in found] == [ids[0]]
    assert cli(*new, "memory", "import", file).exit_code == 4
    assert cli("memory", "import", tmp_path / "absent").exit_code == 3
    file.write_bytes(b"\xff\xfe\x00")
    assert cli("--home", tmp_path / "newer", "memory", "import", file).exit_code == 2


def test_a_backup_holds_the_memory(cli: Cli, ids: list[str], tmp_path: Path) -> None:
    assert cli("backup", tmp_path / "all.zip").exit_code == 0
    there = ("--home", tmp_path / "there")
    assert cli(*there, "restore", tmp_path / "all.zip").exit_code == 0
    found = cli(*there, "memory", "retrieve", "funding", "--json").json()["hits"]
    assert [hit["id"] for hit in found] == [ids[0]]


def test_the_statistics_name_the_embedder(cli: Cli, ids: list[str]) -> None:
    assert len(ids) == 3
    stats = cli("memory", "stats", "--embedder", "hashed", "--json").json()
    assert stats["embedder"] == "hashed-1024-1"
    assert (stats["entries"], stats["types"], stats["namespaces"]) == (
        3, {"fact": 3}, {"shared": 3},
    )  # fmt: skip
    assert "hashed-1024-1" in cli("memory", "stats", "--embedder", "hashed").out


def test_an_evaluation_has_the_keys_of_the_specification(cli: Cli, tmp_path: Path) -> None:
    dialogues = [
        {
            "name": name,
            "entries": [
                {"id": f"{k}", "text": f"{name} spoke of {word} once"}
                for k, word in enumerate(("funding", "basis", "gas"))
            ],
            "questions": [{"text": "who spoke of basis", "gold": ["1"]}],
        }
        for name in ("ann", "bob")
    ]
    file = tmp_path / "questions.json"
    file.write_text(json.dumps({"dialogues": dialogues}), "utf-8")
    found = cli("memory", "eval", file, "--embedder", "hashed", "--json").json()
    assert set(found["recall"]) == {"5", "10"}
    assert (set(found["ndcg"]), set(found["hit"])) == ({"10"}, {"10"})
    assert found["recall"]["5"] == 1.0
    assert found["interval"]["recall"]["5"] == [1.0, 1.0]
    assert {"words alone", "vectors alone", "recent", "random"} <= set(found["ablations"])
    assert (found["n"], found["dialogues"], found["entries"]) == (2, 2, 6)
    assert "words alone" in cli("memory", "eval", file).out
    assert cli("memory", "eval", tmp_path / "absent").exit_code == 3


def test_the_names_of_the_options_are_those_of_the_room() -> None:
    assert set(get_args(commands._Kind)) == set(EntryType)
    assert set(get_args(get_args(commands._TrustOption)[0])) == set(Trust)
