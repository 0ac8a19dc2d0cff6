"""Asking: without authentication, without confirmation, complete (C20); and how it is mapped."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from athena.app.live import (
    CORE_COMMANDS,
    Answer,
    Operator,
    Proof,
    Request,
    RequestKind,
    RequestState,
    Role,
    Verb,
    Wish,
    answer,
    ask,
    count_pending,
    find_request,
    grant,
    newest_entries,
    offer_confirmation,
    pending,
    to_operated,
)
from athena.domain import MINUTE_NS
from athena.errors import InputError, RefusedError
from athena.platform import SeededIds
from athena.trading import Command
from athena.trading.live import Operated
from tests.operator_cases import (
    DOOR,
    NOW_NS,
    SQLITE,
    SYMBOLS,
    FakeEngine,
    admin_of,
    prepared,
    wish,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athena.app.live import Entry
    from athena.platform.database import Database

CANARY = "canary-7f3a9c-of-a-secret"
OVERRIDES = {
    "pause": wish(Verb.PAUSE),
    "close one": wish(Verb.CLOSE, symbol="BTC/USD"),
    "override size": wish(Verb.APPROVE, decision="d1", quantity="0.5"),
    "reject decision": wish(Verb.REJECT, decision="d1"),
    "resume": wish(Verb.RESUME),
    "halt": wish(Verb.HALT),
    "kill": wish(Verb.KILL),
    "flatten": wish(Verb.FLATTEN),
    "approve": wish(Verb.APPROVE, decision="d1"),
    "limit": wish(Verb.LIMIT, name="risk.positions_max", value="3"),
    "admin resume": wish(Verb.ADMIN_RESUME),
}
DESTRUCTIVE = {"close one", "override size", "kill", "flatten", "limit", "admin resume"}
ADMINS = {"limit", "admin resume"}


class Desk:
    """A database with one admin, one trader and one viewer, and a source of ids."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database = database
        self.ids = SeededIds(3)
        self.admin = admin_of(database, home)
        self.others = {role: Proof(f"{role}-token" * 4, DOOR) for role in Role}
        with database.write() as transaction:
            for role in (Role.VIEWER, Role.TRADER):
                operator, token = Operator(str(role), role), self.others[role].token
                grant(transaction, operator, token, door=DOOR, by="test", now_ns=NOW_NS)

    def proof(self, role: Role) -> Proof:
        return self.admin if role is Role.ADMIN else self.others[role]

    def ask(self, wanted: Wish, proof: Proof | None = None, at_ns: int = NOW_NS) -> Request:
        """Ask, confirmed where that is needed."""
        proof = proof or self.admin
        if wanted.needs_confirmation:
            offer = offer_confirmation(self.database, wanted, proof, ids=self.ids, now_ns=at_ns)
            proof = replace(proof, confirmation=offer.token)
        return ask(self.database, wanted, proof, ids=self.ids, now_ns=at_ns)

    def log(self, n: int = 1) -> list[Entry]:
        with self.database.read() as transaction:
            return newest_entries(transaction, n)

    def n_pending(self) -> int:
        with self.database.read() as transaction:
            return count_pending(transaction, "s1")


@pytest.fixture
def desk(home: Path) -> Iterator[Desk]:
    database = prepared(SQLITE, home)
    yield Desk(database, home)
    database.close()


@pytest.mark.parametrize("name", OVERRIDES)
@pytest.mark.parametrize("token", ["", "of somebody else"])
def test_without_authentication_it_is_refused_and_recorded(
    desk: Desk, name: str, token: str
) -> None:
    """C20."""
    wanted, nobody = OVERRIDES[name], Proof(token, "a door")
    with pytest.raises(RefusedError, match="known operator token") as caught:
        ask(desk.database, wanted, nobody, ids=desk.ids, now_ns=NOW_NS)
    assert caught.value.exit_code == 4
    with pytest.raises(RefusedError, match="known operator token"):
        offer_confirmation(desk.database, wanted, nobody, ids=desk.ids, now_ns=NOW_NS)
    assert desk.n_pending() == 0
    for entry in desk.log(2):
        assert (entry.operator, entry.role, entry.door) == ("unknown", "", "a door")
        assert (entry.verb, entry.outcome, entry.reason) == (wanted.verb, "refused", "because")
        assert json.loads(entry.arguments) == wanted.arguments


@pytest.mark.parametrize("name", sorted(DESTRUCTIVE))
def test_without_confirmation_what_destroys_is_refused_and_recorded(desk: Desk, name: str) -> None:
    """C20."""
    with pytest.raises(RefusedError, match="confirmation"):
        ask(desk.database, OVERRIDES[name], desk.admin, ids=desk.ids, now_ns=NOW_NS)
    assert desk.n_pending() == 0
    (entry,) = desk.log()
    assert entry.outcome == "refused"
    assert "confirmation" in entry.detail


@pytest.mark.parametrize("name", OVERRIDES)
def test_complete_it_is_done_and_recorded_with_user_time_before_and_after(
    desk: Desk, home: Path, name: str
) -> None:
    """C20."""
    wanted = OVERRIDES[name]
    assert wanted.needs_confirmation is (name in DESTRUCTIVE)
    asked = desk.ask(wanted)
    assert asked.state is RequestState.PENDING
    FakeEngine(home).work(desk.database, NOW_NS + 5)
    with desk.database.read() as transaction:
        done = find_request(transaction, asked.id)
    assert (done.state, done.answer, done.answered_ns) == ("executed", "done", NOW_NS + 5)
    was_asked, was_done = desk.log(2)
    assert (was_asked.outcome, was_asked.at_ns) == ("asked", NOW_NS)
    assert (was_done.outcome, was_done.at_ns) == ("executed", NOW_NS + 5)
    for entry in (was_asked, was_done):
        assert (entry.operator, entry.role) == (asked.operator, "admin")
        assert (entry.request, entry.reason) == (asked.id, "because")
    assert was_done.state_before == '{"halts": []}'
    assert was_done.state_after == json.dumps({"halts": [str(wanted.verb)]})


@pytest.mark.parametrize("name", OVERRIDES)
@pytest.mark.parametrize("role", Role)
def test_a_role_may_ask_what_is_its_own(desk: Desk, name: str, role: Role) -> None:
    needed = Role.ADMIN if name in ADMINS else Role.TRADER
    if role.may(needed):
        assert desk.ask(OVERRIDES[name], desk.proof(role)).role is role
        return
    with pytest.raises(RefusedError, match=f"expected role {needed} .* was {role}"):
        desk.ask(OVERRIDES[name], desk.proof(role))
    assert desk.n_pending() == 0
    assert desk.log()[0].operator == role


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 501])
def test_a_reason_is_required(desk: Desk, reason: str) -> None:
    with pytest.raises(InputError, match="a reason of 1 to 500"):
        desk.ask(Wish("s1", Verb.PAUSE, reason))
    assert desk.n_pending() == 0


def test_five_destructive_requests_a_minute_and_flatten_always_works(desk: Desk) -> None:
    close = OVERRIDES["close one"]
    for k in range(5):
        desk.ask(close, at_ns=NOW_NS + k)
    with pytest.raises(RefusedError, match="fewer destructive requests"):
        desk.ask(close, at_ns=NOW_NS + 6)
    for name in ("flatten", "kill", "halt", "pause"):
        for _ in range(40):
            desk.ask(OVERRIDES[name], at_ns=NOW_NS + 7)
    desk.ask(close, desk.proof(Role.TRADER), at_ns=NOW_NS + 8)
    desk.ask(close, at_ns=NOW_NS + 5 + MINUTE_NS)


def test_thirty_writes_a_minute(desk: Desk) -> None:
    for _ in range(30):
        desk.ask(OVERRIDES["resume"])
    with pytest.raises(RefusedError, match="fewer write requests"):
        desk.ask(OVERRIDES["approve"])
    assert OVERRIDES["approve"].kind is RequestKind.WRITE


def test_a_secret_of_the_environment_is_in_no_byte_of_the_database(
    desk: Desk, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C23: what an operator types, what an engine answers; and the operator's own token."""
    monkeypatch.setenv("KRAKEN_API_SECRET", CANARY)
    asked = desk.ask(
        Wish("s1", Verb.APPROVE, f"see {CANARY}", {"decision": CANARY, "quantity": "1"})
    )
    assert asked.wish.reason == "see ***"
    said = Answer(is_executed=False, text=CANARY, state_before={"key": CANARY})
    assert answer(desk.database, asked.id, said, now_ns=NOW_NS)
    files = [path for path in home.iterdir() if path.name.startswith("athena.db")]
    assert files
    for hidden in (CANARY, desk.admin.token):
        assert not any(hidden.encode() in path.read_bytes() for path in files)


def test_each_verb_of_the_core_becomes_its_command(desk: Desk) -> None:
    """TR-28: an operator's request enters the core as a command, whoever asks."""
    found = {
        asked.wish.verb: to_operated(asked, SYMBOLS, NOW_NS + 1)
        for asked in map(desk.ask, OVERRIDES.values())
        if asked.wish.verb in CORE_COMMANDS
    }
    commands = {verb: event.command for verb, event in found.items()}
    assert commands == {
        Verb.PAUSE: Command.PAUSE,
        Verb.RESUME: Command.RESUME,
        Verb.HALT: Command.HALT,
        Verb.KILL: Command.KILL,
        Verb.FLATTEN: Command.FLATTEN,
        Verb.CLOSE: Command.CLOSE,
        Verb.ADMIN_RESUME: Command.ADMIN_RESUME,
    }
    assert isinstance(found[Verb.CLOSE], Operated)
    assert found[Verb.CLOSE].argument == 0
    assert (found[Verb.CLOSE].reason, found[Verb.CLOSE].ts_ns) == ("because", NOW_NS + 1)


def test_a_symbol_or_verb_that_the_core_does_not_know_is_no_event(desk: Desk) -> None:
    asked = desk.ask(wish(Verb.CLOSE, symbol="ETH/USD"))
    assert to_operated(asked, SYMBOLS, NOW_NS).argument == 1
    with pytest.raises(InputError, match="one of BTC/USD, was 'ETH/USD'"):
        to_operated(asked, SYMBOLS[:1], NOW_NS)
    for name in ("approve", "limit"):
        with pytest.raises(InputError, match="a command of the core"):
            to_operated(desk.ask(OVERRIDES[name]), SYMBOLS, NOW_NS)


def test_an_id_of_no_request_is_refused(desk: Desk) -> None:
    with desk.database.read() as transaction, pytest.raises(InputError, match="id of a request"):
        find_request(transaction, "none")
    assert pending(desk.database, "s1", now_ns=NOW_NS) == []
