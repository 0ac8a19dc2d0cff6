"""Two homes of one machine never trade one account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athena.app.running import _machine
from athena.app.running._machine import account_on_this_machine, accounts_folder
from athena.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_home_is_refused_and_told_which_one_it_is(tmp_path: Path) -> None:
    """Bad input: two desks on one account would take each other's orders for a stranger's."""
    one, two = tmp_path / "one", tmp_path / "two"
    with account_on_this_machine("abc", one, tmp_path):
        with (
            pytest.raises(RefusedError, match=f"the home {one}"),
            account_on_this_machine("abc", two, tmp_path),
        ):
            pass
        with account_on_this_machine("def", two, tmp_path):
            pass
    with account_on_this_machine("abc", two, tmp_path):
        assert (tmp_path / "abc.home").read_text() == f"{two}\n"


def test_what_lies_on_disk_names_no_key(tmp_path: Path) -> None:
    """C23: the account's name is a digest."""
    with account_on_this_machine("0123456789ab", tmp_path / "one", tmp_path):
        names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["0123456789ab.home", "0123456789ab.lock"]


def test_the_folder_is_the_users_and_the_same_for_every_home(tmp_path: Path) -> None:
    found = accounts_folder({"XDG_STATE_HOME": str(tmp_path), "ATHENA_HOME": "/elsewhere"})
    assert found == tmp_path / "athena" / "accounts"
    assert found.is_dir()


def test_a_service_without_a_home_locks_in_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(_machine.tempfile, "gettempdir", lambda: str(tmp_path))
    found = accounts_folder({"XDG_STATE_HOME": str(tmp_path / "file")})
    assert found.parent.parent == tmp_path
