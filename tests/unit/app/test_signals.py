"""Signals that come before a session is under way."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from athena.app import running
from athena.app._signals import Interrupted, catching_signals
from athena.app.running import _run as account_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CliResult

    Cli = Callable[..., CliResult]

MOCK = ("--data", "mock", "--interval", "1h", "--strategy", "hold", "--speed", "100000")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_start_at_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=number.name), catching_signals() as caught:
        os.kill(os.getpid(), number)
    assert caught.number == number
    assert signal.getsignal(number) is before


def test_what_was_begun_is_not_interrupted_and_the_signal_stays_known() -> None:
    with catching_signals() as caught:
        caught.is_starting = False
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        caught.check()
    assert (caught.number, caught.name) == (signal.SIGTERM, "SIGTERM")


def test_a_session_that_is_stopped_while_it_is_put_together_says_so(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 143, one JSON object, and nothing was begun."""

    def stopped(_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(running, "run_paper_here", stopped)
    result = cli("paper", *MOCK, "--json")
    assert result.exit_code == 143
    assert result.json()["end_reason"] == "SIGTERM"
    assert "nothing was sent" in cli("paper", *MOCK).out
    assert not (home / "live").exists()


def test_a_signal_that_somebody_swallowed_still_ends_the_session(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import or a destructor may eat what a handler raises; the session ends in order."""
    real = account_run.run_account

    def swallowing(*arguments: Any, **options: Any) -> Any:
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*arguments, **options)

    monkeypatch.setattr(running._paper_here, "run_account", swallowing)
    result = cli("paper", *MOCK, "--json")
    assert result.exit_code == 143, result.err
    assert result.json()["end_reason"] == "SIGTERM"
    assert len(list((home / "live").glob("*/session.json"))) == 1
