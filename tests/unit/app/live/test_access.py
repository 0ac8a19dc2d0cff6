"""Who may operate: the token in the home, roles, rates."""

from __future__ import annotations

import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from athena.app.live import (
    RATES,
    TOKEN_NAME,
    TOKEN_VARIABLE,
    Operator,
    Proof,
    RequestKind,
    Role,
    admit_admin,
    count_request,
    enrol_home,
    grant,
    identify,
    list_operators,
    newest_entries,
    read_token,
    revoke,
)
from athena.domain import MINUTE_NS
from athena.errors import InputError, RefusedError
from athena.platform import SeededIds
from tests.operator_cases import DOOR, NOW_NS, SQLITE, admin_of, prepared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athena.platform.database import Database

MARIA = Operator("maria", Role.TRADER)
MARIAS_TOKEN = "ab" * 32


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    opened = prepared(SQLITE, home)
    yield opened
    opened.close()


def enrol(database: Database, home: Path, seed: int = 7, **environment: str) -> str:
    ids = SeededIds(seed)
    return enrol_home(database, home, ids=ids, now_ns=NOW_NS, environment=environment)


def test_the_first_session_makes_a_token_that_only_the_owner_can_read(
    database: Database, home: Path
) -> None:
    name = enrol(database, home)
    file = home / TOKEN_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with database.read() as transaction:
        assert identify(transaction, read_token(home, {})) == Operator(name, Role.ADMIN)
        assert identify(transaction, "") is None
        assert identify(transaction, "another") is None


def test_later_sessions_change_nothing(database: Database, home: Path) -> None:
    enrol(database, home)
    token = read_token(home, {})
    enrol(database, home, seed=8)
    assert read_token(home, {}) == token
    with database.read() as transaction:
        assert len(newest_entries(transaction, 9)) == 1


def test_a_token_that_others_can_read_proves_nothing(database: Database, home: Path) -> None:
    enrol(database, home)
    (home / TOKEN_NAME).chmod(0o640)
    with pytest.raises(InputError, match=r"mode 0600 .* was 0640"):
        read_token(home, {})


def test_the_environment_comes_before_the_file_and_needs_none(
    database: Database, home: Path
) -> None:
    enrol(database, home, **{TOKEN_VARIABLE: MARIAS_TOKEN})
    assert not (home / TOKEN_NAME).exists()
    assert read_token(home, {TOKEN_VARIABLE: f" {MARIAS_TOKEN}\n"}) == MARIAS_TOKEN
    with database.read() as transaction:
        assert identify(transaction, MARIAS_TOKEN) is not None


def test_a_foreign_token_in_the_home_is_refused_and_says_what_to_do(
    database: Database, home: Path
) -> None:
    """After a restore beside another home's token, say; a home without one gets a new one."""
    enrol(database, home)
    file = home / TOKEN_NAME
    file.write_text("of another home")
    with pytest.raises(RefusedError, match="was another") as caught:
        enrol(database, home)
    assert str(file) in caught.value.hint
    file.unlink()
    name = enrol(database, home, seed=8)
    with database.read() as transaction:
        assert identify(transaction, read_token(home, {})) == Operator(name, Role.ADMIN)
        assert len(list_operators(transaction)) == 1


def test_a_token_that_cannot_be_written_enrols_nobody(
    database: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("athena.app.live._access.os.open", refuse)
        with pytest.raises(InputError, match=TOKEN_NAME):
            enrol(database, home)
    with database.read() as transaction:
        assert list_operators(transaction) == []


def test_each_role_may_do_what_the_ones_before_it_may() -> None:
    assert [[role.may(needed) for needed in Role] for role in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_a_revoked_token_is_void_and_a_new_one_can_be_given(
    database: Database, home: Path
) -> None:
    enrol(database, home)
    with database.write() as transaction:
        grant(transaction, MARIA, MARIAS_TOKEN, door=DOOR, by="root", now_ns=NOW_NS)
        assert identify(transaction, MARIAS_TOKEN) == MARIA
        revoke(transaction, "maria", door=DOOR, by="root", now_ns=NOW_NS + 1)
        assert identify(transaction, MARIAS_TOKEN) is None
        grant(transaction, MARIA, "cd" * 32, door=DOOR, by="root", now_ns=NOW_NS + 2)
        assert identify(transaction, "cd" * 32) == MARIA
        assert identify(transaction, MARIAS_TOKEN) is None
        outcomes = [item.outcome for item in newest_entries(transaction, 9)]
    assert outcomes == ["enrolled", "enrolled", "revoked", "enrolled"]


def test_the_last_admin_stays(database: Database, home: Path) -> None:
    name = enrol(database, home)
    with database.write() as transaction:
        with pytest.raises(RefusedError, match="another admin"):
            revoke(transaction, name, door=DOOR, by=name, now_ns=NOW_NS)
        with pytest.raises(InputError, match="was 'nobody'"):
            revoke(transaction, "nobody", door=DOOR, by=name, now_ns=NOW_NS)
        second = Operator("second", Role.ADMIN)
        grant(transaction, second, MARIAS_TOKEN, door=DOOR, by=name, now_ns=NOW_NS)
        revoke(transaction, name, door=DOOR, by="second", now_ns=NOW_NS)


def test_only_an_admin_is_admitted_and_the_attempt_of_another_is_recorded(
    database: Database, home: Path
) -> None:
    """C20."""
    admin = admin_of(database, home)
    with database.write() as transaction:
        grant(transaction, MARIA, MARIAS_TOKEN, door=DOOR, by="root", now_ns=NOW_NS)
    assert admit_admin(database, admin, "x", now_ns=NOW_NS).role is Role.ADMIN
    for proof, who in (
        (Proof(MARIAS_TOKEN, DOOR), "maria"),
        (replace(admin, token=""), "unknown"),
    ):
        with pytest.raises(RefusedError, match=f"was that of {who}"):
            admit_admin(database, proof, "x", now_ns=NOW_NS)
        with database.read() as transaction:
            (last,) = newest_entries(transaction, 1)
        assert (last.operator, last.outcome, last.arguments) == (who, "refused", '{"name": "x"}')


@pytest.mark.parametrize("kind", RequestKind)
def test_a_minute_holds_so_many_requests_of_a_kind_and_operator(
    database: Database, kind: RequestKind
) -> None:
    """60 read, 30 write, 5 destructive; the clock going back leaves nobody locked out."""
    assert [RATES[item] for item in RequestKind] == [60, 30, 5]
    with database.write() as transaction:

        def count(at_ns: int, name: str = "maria", what: RequestKind = kind) -> bool:
            return count_request(transaction, name, what, now_ns=at_ns)

        assert all(count(NOW_NS + k) for k in range(RATES[kind]))
        assert not count(NOW_NS + MINUTE_NS - 1)
        assert count(NOW_NS + MINUTE_NS - 1, name="paul")
        others = set(RequestKind) - {kind}
        assert all(count(NOW_NS + MINUTE_NS - 1, what=other) for other in others)
        assert count(NOW_NS + MINUTE_NS)
        assert not count(NOW_NS + MINUTE_NS)
        assert count(NOW_NS - 10 * MINUTE_NS)
        assert len(transaction.query("SELECT kind FROM app_requests")) == 1
