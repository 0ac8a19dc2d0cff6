"""Where data live: option, then ATHENA_HOME, then the user's data folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from athena.errors import InputError
from athena.platform import default_home, find_home, home_folder


def test_the_option_beats_the_environment_which_beats_the_default(tmp_path: Path) -> None:
    environment = {"ATHENA_HOME": "/srv/athena"}
    assert find_home(tmp_path, environment) == tmp_path
    assert find_home(None, environment) == Path("/srv/athena")
    assert find_home(None, {}) == default_home({})


def test_a_relative_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_home(Path("desk"), {}) == tmp_path / "desk"


@pytest.mark.skipif(sys.platform == "darwin", reason="XDG folders are Linux's")
def test_the_default_follows_xdg_and_ignores_a_relative_folder() -> None:
    assert default_home({"XDG_DATA_HOME": "/data"}) == Path("/data/athena")
    usual = Path.home() / ".local" / "share" / "athena"
    assert default_home({}) == usual
    assert default_home({"XDG_DATA_HOME": "data"}) == usual


def test_folders_are_created_when_first_asked_for(tmp_path: Path) -> None:
    home = tmp_path / "new"
    assert find_home(home) == home
    assert not home.exists()
    assert home_folder(home, "runs") == home / "runs"
    assert [folder.name for folder in home.iterdir()] == ["runs"]


def test_a_home_that_is_a_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=str(tmp_path / "file")):
        home_folder(tmp_path / "file", "datasets")
