"""Sessions in their folders: found again, locked, and never mixed up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from athena.app.running import mark_over, read_session, session_folder
from athena.app.running._accounts import held_account
from athena.app.running._folders import (
    SessionFile,
    account_locked,
    current_session,
    mark_opened,
    write_session,
)
from athena.errors import InputError, RefusedError
from athena.platform import SeededIds
from athena.trading.live import SessionSettings

if TYPE_CHECKING:
    from pathlib import Path

PLACE = ("paper", "sim", "abc")
SETUP = {"strategy": "hold"}


def session(name: str, started_ns: int = 1) -> SessionFile:
    return SessionFile(name, *PLACE, SETUP, started_ns)


def test_a_session_is_read_back_as_it_was_written(home: Path) -> None:
    written = mark_opened(home, session("s1"))
    assert read_session(session_folder(home, "s1")) == written
    assert written.is_opened


def test_the_newest_session_of_an_account_goes_on(home: Path) -> None:
    assert current_session(home, PLACE) is None
    for name, started_ns in (("s1", 1), ("s2", 3), ("s3", 2)):
        write_session(home, session(name, started_ns))
    other = replace(session("s4", 9), account="def")
    write_session(home, other)
    found = current_session(home, PLACE)
    assert found is not None
    assert found.id == "s2"
    mark_over(home, found)
    found = current_session(home, PLACE)
    assert found is not None
    assert found.id == "s3"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}', '{"format": 1, "odd": 1}'])
def test_a_damaged_description_is_refused_naming_its_file(home: Path, text: str) -> None:
    write_session(home, session("s1"))
    file = session_folder(home, "s1") / "session.json"
    file.write_text(text)
    with pytest.raises(InputError, match=r"session\.json"):
        current_session(home, PLACE)


def test_two_processes_on_one_account_are_refused_and_on_two_are_not(home: Path) -> None:
    """Bad input: one process, one writer."""
    with account_locked(home, PLACE):
        with (
            pytest.raises(RefusedError, match="nobody else to trade abc on sim"),
            account_locked(home, PLACE),
        ):
            pass
        with account_locked(home, ("paper", "sim", "def")):
            pass
    with account_locked(home, PLACE):
        pass


def held(home: Path, setup: dict[str, str], *, wants_new: bool = False) -> str:
    with held_account(
        home,
        PLACE,
        setup,
        SessionSettings(),
        wants_new=wants_new,
        ids=SeededIds(len(list(home.rglob("session.json")))),
        now_ns=len(list(home.rglob("session.json"))),
    ) as account:
        return account.file.id


def test_a_life_that_never_read_the_account_is_not_gone_on_with(home: Path) -> None:
    """Nothing was sent, so nothing is owed to it."""
    first = held(home, SETUP)
    second = held(home, SETUP)
    assert first != second
    over = read_session(session_folder(home, first))
    assert over is not None
    assert over.is_over


def test_a_session_goes_on_only_with_what_it_is_about(home: Path) -> None:
    write_session(home, replace(session("s1"), is_opened=True))
    with pytest.raises(RefusedError, match="strategy hold, was strategy random") as caught:
        held(home, {"strategy": "random"})
    assert "--new" in caught.value.hint


def test_a_session_whose_journal_is_gone_is_refused_and_another_may_begin(home: Path) -> None:
    """Exit 4, naming what to do; `--new` leaves the folder as it is."""
    write_session(home, replace(session("s1"), is_opened=True))
    with pytest.raises(RefusedError, match="journal") as caught:
        held(home, SETUP)
    assert "--new" in caught.value.hint
    assert held(home, SETUP, wants_new=True) != "s1"
