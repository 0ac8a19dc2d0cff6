"""Whatever ends a command becomes an exit code and plain words."""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer

from athena import __version__
from athena.app import JsonOption, _cli, build_app
from athena.errors import (
    AthenaError,
    CheckFailed,
    ConfigError,
    CoreError,
    InputError,
    MissingExtra,
    RefusedError,
    StrategyError,
    VenueError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CliResult

Cli = Any
CANARY = "canary-0123456789"


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Return a function that adds a command `end` with the given body."""

    def add(body: Callable[[], None]) -> None:
        def end(secret_token: str = "", *, as_json: JsonOption = False) -> None:
            assert isinstance(secret_token, str)
            assert isinstance(as_json, bool)
            body()

        def with_end() -> typer.Typer:
            app = build_app()
            app.command()(end)
            return app

        monkeypatch.setattr(_cli, "build_app", with_end)

    return add


def _raiser(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (InputError("expected a, was b", hint="do c"), 2),
        (ConfigError("expected a, was b", hint="do c"), 2),
        (RefusedError("expected a, was b", hint="do c"), 4),
        (CheckFailed("expected a, was b", hint="do c"), 1),
        (VenueError("expected a, was b", hint="do c"), 3),
    ],
)
def test_an_error_gives_its_words_its_hint_and_its_exit_code(
    cli: Cli, ending: Any, error: AthenaError, exit_code: int
) -> None:
    ending(_raiser(error))
    result: CliResult = cli("end")
    assert result.exit_code == exit_code
    assert result.out == ""
    assert result.err == "error: expected a, was b\nhint: do c\n"


def test_an_error_under_json_is_one_object_on_stdout(cli: Cli, ending: Any) -> None:
    ending(_raiser(MissingExtra("data", package="polars", needed_for="Parquet")))
    result: CliResult = cli("end", "--json")
    assert result.exit_code == 3
    assert result.err == ""
    assert result.json() == {
        "error": {
            "kind": "MissingExtra",
            "message": "Parquet needs the package 'polars', which is not installed",
            "hint": "pip install 'athena-desk[data]'",
            "exit_code": 3,
        }
    }


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("oops"), CoreError("oops"), StrategyError("oops"), OSError("oops")]
)
def test_a_bug_leaves_a_crash_bundle_and_exit_70_without_a_traceback(
    cli: Cli, ending: Any, home: Path, error: Exception
) -> None:
    ending(_raiser(error))
    result: CliResult = cli("end")
    assert result.exit_code == 70
    (bundle,) = (home / "crashes").iterdir()
    assert str(bundle) in result.err
    assert "Traceback" not in result.err
    text = bundle.read_text()
    assert "Traceback" in text
    assert "oops" in text
    assert "command: athena end" in text
    assert f"athena: {__version__}" in text
    assert "numpy: " in text


def test_a_crash_bundle_goes_to_the_home_that_was_named(
    cli: Cli, ending: Any, tmp_path: Path
) -> None:
    ending(_raiser(ZeroDivisionError()))
    for arguments in (["--home", tmp_path / "a"], [f"--home={tmp_path / 'b'}"]):
        assert cli(*arguments, "end").exit_code == 70
    assert len(list(tmp_path.glob("[ab]/crashes/*.txt"))) == 2


def test_a_crash_bundle_holds_no_secret(
    cli: Cli, ending: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C23: a canary in the environment, in an option and in the message of the error."""
    monkeypatch.setenv("KRAKEN_API_KEY", CANARY)
    ending(_raiser(ZeroDivisionError(f"with {CANARY}")))
    assert cli("end", "--secret-token", "another-canary").exit_code == 70
    (bundle,) = (home / "crashes").iterdir()
    text = bundle.read_text()
    assert CANARY not in text
    assert "another-canary" not in text
    assert "--secret-token ***" in text


def test_a_bug_without_a_writable_home_still_tells_everything(
    cli: Cli, ending: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    ending(_raiser(ZeroDivisionError("oops")))
    result: CliResult = cli("--home", tmp_path / "file", "end")
    assert result.exit_code == 70
    assert "Traceback" in result.err
    assert "no crash bundle was written" in result.err


@pytest.mark.parametrize("error", [ZeroDivisionError("oops"), InputError("oops")])
def test_verbose_prints_the_traceback(cli: Cli, ending: Any, error: Exception) -> None:
    ending(_raiser(error))
    assert "Traceback" in cli("-v", "end").err


@pytest.mark.parametrize("arguments", [["nonsense"], ["doctor", "--nonsense"], ["config"]])
def test_wrong_usage_is_2_with_the_way_to_the_help(cli: Cli, arguments: list[str]) -> None:
    result: CliResult = cli(*arguments)
    assert result.exit_code == 2
    assert "--help" in result.err
    assert cli(*arguments, "--json").json()["error"]["exit_code"] == 2


def test_ctrl_c_is_130(cli: Cli, ending: Any) -> None:
    ending(_raiser(KeyboardInterrupt()))
    result: CliResult = cli("end")
    assert (result.exit_code, result.err) == (130, "interrupted\n")


def test_ctrl_c_at_a_prompt_is_130(cli: Cli, ending: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_prompt: str = "") -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("typer._click.termui.visible_prompt_func", interrupted)
    ending(lambda: sys.stdout.write(str(typer.confirm("Sure?"))))
    assert cli("end").exit_code == 130


def test_a_declined_confirmation_is_4(
    cli: Cli, ending: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer._click.termui.visible_prompt_func", lambda _prompt="": "n")
    ending(lambda: sys.stdout.write(str(typer.confirm("Sure?", abort=True))))
    result: CliResult = cli("end")
    assert result.exit_code == 4
    assert "declined" in result.err


def test_sigterm_unwinds_the_work_and_is_143(cli: Cli, ending: Any) -> None:
    saved: list[bool] = []

    def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.sigtimedwait([], 5)
        finally:
            saved.append(True)

    before = signal.getsignal(signal.SIGTERM)
    ending(work)
    with pytest.raises(SystemExit) as leaving:
        cli("end")
    assert leaving.value.code == 143
    assert saved == [True]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_reader_that_left_is_no_error(
    cli: Cli, ending: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    redirected: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "dup2", lambda source, target: redirected.append((source, target)))
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    ending(_raiser(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    result: CliResult = cli("end")
    assert (result.exit_code, result.err) == (141, "")
    assert redirected[0][1] == 1


def test_an_exit_code_of_a_command_is_kept(cli: Cli, ending: Any) -> None:
    ending(_raiser(typer.Exit(1)))
    assert cli("end").exit_code == 1


def test_a_command_that_ends_well_is_0(cli: Cli, ending: Any) -> None:
    ending(lambda: None)
    assert cli("end").exit_code == 0
