"""The operator's commands against an engine that answers, one that does not, and none at all."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer

from athena.app.live import (
    HALT_NAME,
    TOKEN_NAME,
    TOKEN_VARIABLE,
    HaltFile,
    read_halt,
    write_halt,
)
from athena.trading import Command
from tests.operator_cases import begun, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.operator_cases import FakeEngine

Cli = Any
WHY = ("--reason", "because")
SOON = ("--wait", "0")
DOWN = "postgresql://me@127.0.0.1:1/desk"


@pytest.fixture
def engine(home: Path) -> Iterator[FakeEngine]:
    begun(home)
    with running(home) as found:
        yield found


@pytest.fixture
def _silent(home: Path) -> None:
    """Begin a session whose engine reads nothing."""
    begun(home)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sit a person at the terminal who types these words, first the first."""
    words: list[str] = []
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: words.pop(0))
    return words


def confirmed(cli: Cli, *arguments: object) -> Any:
    """Call twice, the second time with the token that the first one printed."""
    first = cli(*arguments, *WHY, "--json")
    assert first.exit_code == 4
    assert first.json()["state"] == "unconfirmed"
    return cli(*arguments, *WHY, "--json", "--confirm", first.json()["confirm"])


# --- an engine that answers -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "expected"),
    [("pause", Command.PAUSE), ("resume", Command.RESUME), ("halt", Command.HALT)],
)
def test_what_needs_no_confirmation_is_executed_at_once(
    cli: Cli, engine: FakeEngine, command: str, expected: Command
) -> None:
    answer = cli(command, *WHY, "--json")
    assert answer.exit_code == 0
    payload = answer.json()
    (request,) = payload["requests"]
    assert payload["state"] == request["state"] == "executed"
    assert (request["verb"], request["reason"], request["session"]) == (command, "because", "s1")
    assert (request["before"], request["after"]) == ({"halts": []}, {"halts": [command]})
    (event,) = engine.events
    assert event.command is expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("flatten",), Command.FLATTEN),
        (("close", "eth/usd"), Command.CLOSE),
        (("halt", "--flatten"), Command.KILL),
        (("resume", "--admin"), Command.ADMIN_RESUME),
    ],
)
def test_what_destroys_is_executed_with_the_token_of_the_first_call(
    cli: Cli, engine: FakeEngine, arguments: tuple[str, ...], expected: Command
) -> None:
    """C20."""
    answer = confirmed(cli, *arguments)
    assert answer.exit_code == 0
    assert answer.json()["state"] == "executed"
    (event,) = engine.events
    assert (event.command, event.argument) == (expected, 1 if expected is Command.CLOSE else 0)


def test_the_first_call_does_nothing_and_says_how_to_go_on(cli: Cli, engine: FakeEngine) -> None:
    answer = cli("flatten", *WHY)
    assert answer.exit_code == 4
    assert "nothing was done yet: flatten s1" in answer.out
    assert "repeat the command with --confirm " in answer.out
    assert engine.done == []


def test_a_used_or_made_up_token_is_refused(cli: Cli, engine: FakeEngine) -> None:
    first = cli("flatten", *WHY, "--json").json()
    again = ("flatten", *WHY, "--confirm", first["confirm"])
    assert cli(*again).exit_code == 0
    for refused in (cli(*again), cli("flatten", *WHY, "--confirm", "00000000")):
        assert refused.exit_code == 4
        assert "another, an old or a used one" in refused.err
    assert len(engine.done) == 1


def test_a_person_types_the_word(cli: Cli, engine: FakeEngine, typed: list[str]) -> None:
    typed += ["weekend", "flatten"]
    answer = cli("flatten")
    assert answer.exit_code == 0
    assert answer.out == "flatten s1: executed: done\n"
    assert engine.done[0].wish.reason == "weekend"


def test_a_person_who_types_something_else_has_declined(
    cli: Cli, engine: FakeEngine, typed: list[str]
) -> None:
    typed += ["yes"]
    answer = cli("close", "BTC/USD", *WHY)
    assert answer.exit_code == 4
    assert "expected 'close' as confirmation, was 'yes'" in answer.err
    assert engine.done == []


def test_decisions_and_limits_reach_the_engine_as_they_were_typed(
    cli: Cli, engine: FakeEngine
) -> None:
    assert cli("approve", "d1", *WHY).exit_code == 0
    assert confirmed(cli, "approve", "d2", "--quantity", "0.50").exit_code == 0
    assert confirmed(cli, "limit", "risk.positions_max=3").exit_code == 0
    assert confirmed(cli, "limit", "position_notional_frac = 0.10").exit_code == 0
    assert [(item.wish.verb, item.wish.arguments) for item in engine.done] == [
        ("approve", {"decision": "d1"}),
        ("approve", {"decision": "d2", "quantity": "0.5"}),
        ("limit", {"name": "risk.positions_max", "value": "3"}),
        ("limit", {"name": "risk.position_notional_frac", "value": "0.10"}),
    ]


def test_what_the_engine_rejects_ends_in_4_with_its_reason(cli: Cli, engine: FakeEngine) -> None:
    answer = cli("reject", "gone", *WHY)
    assert answer.exit_code == 4
    assert answer.out == "reject gone s1: rejected: no decision 'gone' waits\n"
    assert engine.events == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("close", "DOGE/USD"), "expected one of BTC/USD, ETH/USD, was 'DOGE/USD'"),
        (("limit", "risk.positions_max"), "expected KEY=VALUE"),
        (("limit", "risk.positions_max=0"), "greater than or equal to 1"),
        (("limit", "risk.risk_per_trade_frac=0.03"), "less than or equal to 0.02"),
        (("limit", "risk.positions=3"), "expected a known key"),
        (("limit", "log.level=debug"), "expected a known key, was 'risk.log.level'"),
        (("approve", "d1", "--quantity", "-1"), "a quantity > 0"),
        (("approve", "d1", "--quantity", "NaN"), "a finite quantity"),
    ],
)
def test_what_makes_no_sense_is_refused_before_it_is_asked(
    cli: Cli, engine: FakeEngine, arguments: tuple[str, ...], message: str
) -> None:
    answer = cli(*arguments, *WHY)
    assert answer.exit_code == 2
    assert message in answer.err
    assert engine.done == []


@pytest.mark.parametrize("command", ["pause", "resume", "halt", "flatten"])
def test_a_reason_is_required(cli: Cli, engine: FakeEngine, command: str) -> None:
    for arguments in ((), ("--reason", " ")):
        answer = cli(command, *arguments)
        assert answer.exit_code == 2
        assert "expected a reason" in answer.err
    assert engine.done == []


def test_without_the_token_of_the_home_everything_is_refused_and_recorded(
    cli: Cli, engine: FakeEngine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C20."""
    commands = (
        ("pause",), ("resume",), ("halt",), ("flatten",), ("close", "BTC/USD"), ("reject", "d1"),
    )  # fmt: skip
    token = home / TOKEN_NAME
    secret = token.read_text("utf-8").strip()
    token.unlink()
    for command in commands:
        answer = cli(*command, *WHY)
        assert answer.exit_code == 4
        assert "known operator token" in answer.err
    monkeypatch.setenv(TOKEN_VARIABLE, "of somebody else")
    assert cli("pause", *WHY).exit_code == 4
    entries = cli("operator", "log", "--json").json()["entries"][1:]
    found = [(item["verb"], item["operator"], item["outcome"]) for item in entries]
    verbs = [*(command[0] for command in commands), "pause"]
    assert found == [(verb, "unknown", "refused") for verb in verbs]
    assert engine.done == []
    monkeypatch.setenv(TOKEN_VARIABLE, secret)
    assert cli("pause", *WHY).exit_code == 0


def test_pause_and_halt_reach_every_session_and_the_rest_wants_one_named(
    cli: Cli, home: Path
) -> None:
    begun(home, "s1", "s2")
    with running(home, "s1") as first, running(home, "s2") as second:
        for command in ("pause", "halt"):
            found = cli(command, *WHY, "--json").json()["requests"]
            assert {item["session"] for item in found} == {"s1", "s2"}
        for command in (("resume",), ("flatten",), ("halt", "--flatten")):
            answer = cli(*command, *WHY)
            assert answer.exit_code == 2
            assert "expected one session, was 2" in answer.err
        assert cli("resume", *WHY, "--session", "s2").exit_code == 0
    assert [item.wish.verb for item in first.done] == ["pause", "halt"]
    assert [item.wish.verb for item in second.done] == ["pause", "halt", "resume"]


# --- an engine that does not answer -----------------------------------------------------------


@pytest.mark.usefixtures("_silent")
def test_what_nobody_answers_is_pending_and_says_whether_it_stands(cli: Cli) -> None:
    pause, resume = cli("pause", *WHY, *SOON), cli("resume", *WHY, *SOON)
    assert (pause.exit_code, resume.exit_code) == (3, 3)
    assert "pending: the engine has not read it; it stands until it does" in pause.out
    assert "pending: void unless the engine reads it before 20" in resume.out
    assert cli("status", "--json").json()["pending_commands"] == 2


@pytest.mark.usefixtures("_silent")
@pytest.mark.parametrize(("options", "keeps"), [((), True), (("--flatten",), False)])
def test_a_halt_that_nobody_answers_is_written_as_a_file_too(
    cli: Cli, home: Path, options: tuple[str, ...], keeps: bool
) -> None:
    arguments = ("halt", *options, *SOON)
    answer = confirmed(cli, *arguments) if options else cli(*arguments, *WHY, "--json")
    assert answer.exit_code == 3
    assert answer.json()["state"] == "pending"
    assert answer.json()["halt_file"] == str(home / HALT_NAME)
    found = read_halt(home)
    assert found is not None
    assert found.keeps_positions is keeps
    assert found.reason.startswith("because\ncommand line, user ")


# --- no database, no session ------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("pause",), ("resume",), ("resume", "--admin"), ("halt",), ("flatten",),
        ("close", "BTC/USD"), ("approve", "d1"), ("reject", "d1"), ("limit", "positions_max=3"),
    ],
)  # fmt: skip
def test_without_a_session_the_command_that_starts_one_is_named(
    cli: Cli, home: Path, arguments: tuple[str, ...]
) -> None:
    answer = cli(*arguments, *WHY)
    assert answer.exit_code == 3
    assert "expected a session under way, was none" in answer.err
    assert "athena paper" in answer.err
    assert not (home / HALT_NAME).exists()


def test_a_session_that_is_not_under_way_is_named(cli: Cli, engine: FakeEngine) -> None:
    for command in ("pause", "halt", "flatten"):
        answer = cli(command, *WHY, "--session", "s9")
        assert answer.exit_code == 3
        assert "was 's9', which is not" in answer.err
    assert engine.done == []


@pytest.mark.parametrize("options", [(), ("--flatten",)])
def test_halt_writes_the_file_when_the_database_is_down(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """Nobody confirmed, so positions are kept; how to close them is said."""
    pytest.importorskip("pg8000")
    monkeypatch.setenv("ATHENA_DATABASE__URL", DOWN)
    answer = cli("halt", *options, *WHY, "--json")
    assert answer.exit_code == 3
    payload = answer.json()
    assert (payload["state"], payload["halt_file"]) == ("written", str(home / HALT_NAME))
    assert "127.0.0.1:1/desk to answer" in payload["remarks"][0]
    assert (len(payload["remarks"]) == 2) is bool(options)
    found = read_halt(home)
    assert found is not None
    assert found.keeps_positions
    answer = cli("pause", *WHY)
    assert (answer.exit_code, "start the server" in answer.err) == (3, True)


def test_halt_writes_the_file_when_the_database_knows_of_no_session_and_the_home_does(
    cli: Cli, home: Path
) -> None:
    """A database that was taken from under a running session must not keep it from halting."""
    assert cli("halt", *WHY).exit_code == 3
    assert read_halt(home) is None
    folder = home / "live" / "1f"
    folder.mkdir(parents=True)
    (folder / "session.json").write_text("{}")
    answer = cli("halt", *WHY)
    assert answer.exit_code == 3
    found = read_halt(home)
    assert found is not None
    assert found.keeps_positions


def test_halt_writes_the_file_when_it_is_asked_to(
    cli: Cli, home: Path, typed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("halt", "--file", *WHY).exit_code == 0
    assert read_halt(home) != HaltFile(keeps_positions=False, reason="")
    typed += ["no", "kill"]
    assert cli("halt", "--file", "--flatten", *WHY).exit_code == 4
    found = read_halt(home)
    assert found is not None
    assert found.keeps_positions
    assert cli("halt", "--file", "--flatten", *WHY).exit_code == 0
    found = read_halt(home)
    assert found is not None
    assert not found.keeps_positions
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    answer = cli("halt", "--file", "--flatten", *WHY)
    assert (answer.exit_code, f"touch {home / HALT_NAME}" in answer.err) == (4, True)


def test_the_engine_removes_the_file_when_an_admin_resumes(
    cli: Cli, engine: FakeEngine, home: Path
) -> None:
    write_halt(home, "why", keeps_positions=True)
    paused = cli("resume", *WHY)
    assert "HALT is there and halts: athena resume --admin" in paused.out
    answer = confirmed(cli, "resume", "--admin")
    assert answer.exit_code == 0
    assert answer.json()["halt_file"] is None
    assert read_halt(home) is None
    assert [event.command for event in engine.events] == [Command.RESUME, Command.ADMIN_RESUME]


def test_without_a_session_an_admin_removes_the_file_and_nobody_else(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = cli("operator", "add", "maria", "--role", "trader", "--json").json()["token"]
    write_halt(home, "why", keeps_positions=False)
    with monkeypatch.context() as patch:
        patch.setenv(TOKEN_VARIABLE, token)
        assert cli("resume", "--admin", *WHY).exit_code == 4
    assert read_halt(home) is not None
    answer = confirmed(cli, "resume", "--admin")
    assert answer.exit_code == 0
    assert answer.json()["requests"][0]["answer"] == "removed HALT"
    assert read_halt(home) is None
    last = cli("operator", "log", "--json").json()["entries"][-1]
    assert (last["outcome"], last["before"], last["after"]) == (
        "executed", {"halt_file": True}, {"halt_file": False},
    )  # fmt: skip


# --- who may operate --------------------------------------------------------------------------


def test_operators_are_added_listed_revoked_and_logged(
    cli: Cli, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = cli("operator", "add", "maria", "--role", "trader", "--json").json()
    assert (added["name"], added["role"], len(added["token"])) == ("maria", "trader", 64)
    with monkeypatch.context() as patch:
        patch.setenv(TOKEN_VARIABLE, added["token"])
        assert cli("pause", *WHY, "--json").json()["requests"][0]["operator"] == "maria"
        refused = cli("limit", "positions_max=3", *WHY)
        assert (refused.exit_code, "role admin" in refused.err) == (4, True)
        for command in (("add", "paul", "--role", "admin"), ("revoke", "maria")):
            answer = cli("operator", *command)
            assert (answer.exit_code, "an admin, was that of maria" in answer.err) == (4, True)
    twice = cli("operator", "add", "maria", "--role", "admin")
    assert (twice.exit_code, "athena operator revoke maria" in twice.err) == (2, True)
    assert cli("operator", "add", "a b", "--role", "viewer").exit_code == 2
    assert cli("operator", "revoke", "maria").exit_code == 0
    with monkeypatch.context() as patch:
        patch.setenv(TOKEN_VARIABLE, added["token"])
        assert cli("pause", *WHY).exit_code == 4
    found = {item["name"]: item for item in cli("operator", "list", "--json").json()["operators"]}
    assert found["maria"]["revoked_at"] is not None
    assert len(found) == 2
    assert len(engine.done) == 1
    log = cli("operator", "log")
    assert log.exit_code == 0
    assert "the chain holds" in log.out
    assert added["token"] not in log.out


def test_a_changed_record_is_found(cli: Cli, engine: FakeEngine, home: Path) -> None:
    """C17."""
    import sqlite3

    assert cli("pause", *WHY).exit_code == 0
    assert engine.done
    connection = sqlite3.connect(home / "athena.db")
    connection.execute("DROP TRIGGER app_audit_no_update")
    connection.execute("UPDATE app_audit SET operator = 'nobody' WHERE position = 2")
    connection.commit()
    connection.close()
    answer = cli("operator", "log", "--json")
    assert answer.exit_code == 1
    assert (answer.json()["ok"], answer.json()["first_broken"]) == (False, 2)
