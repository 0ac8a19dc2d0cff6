"""Logs: one line per event, levels, secrets masked (A13, C23)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from athena.errors import InputError
from athena.platform import (
    get_logger,
    known_secrets,
    mask_text,
    redact,
    redact_arguments,
    set_up_logging,
)

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "sk-canary-1234567890"


def _fail(message: str) -> None:
    raise ValueError(message)


def test_setting_up_twice_gives_one_line_per_event(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A13."""
    file = tmp_path / "logs" / "athena.log"
    for _ in range(2):
        set_up_logging("info", style="json", file=file)
    get_logger("desk").info("order sent", symbol="BTC/USD")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert len(file.read_text().splitlines()) == 1
    event = json.loads(captured.err)
    assert event["event"] == "order sent"
    assert event["symbol"] == "BTC/USD"
    assert event["level"] == "info"
    assert event["logger"] == "desk"
    assert event["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("verbosity", "shown"),
    [
        (-2, ["error"]),
        (-1, ["error"]),
        (0, ["warning", "error"]),
        (1, ["info", "warning", "error"]),
        (2, ["debug", "info", "warning", "error"]),
        (9, ["debug", "info", "warning", "error"]),
    ],
)
def test_each_flag_moves_the_level_by_one(
    capsys: pytest.CaptureFixture[str], verbosity: int, shown: list[str]
) -> None:
    set_up_logging("warning", verbosity=verbosity, style="json")
    logger = get_logger("test")
    logger.debug("event")
    logger.info("event")
    logger.warning("event")
    logger.error("event")
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["level"] for line in lines] == shown


def test_console_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info")
    get_logger("test").info("started", bars=10)
    line = capsys.readouterr().err
    assert "started" in line
    assert "bars=10" in line
    assert "\x1b" not in line


def test_an_exception_is_written_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", style="json")
    try:
        _ = 1 // 0
    except ZeroDivisionError:
        get_logger("test").exception("failed")
    assert "ZeroDivisionError" in json.loads(capsys.readouterr().err)["exception"]


def test_a_log_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=str(tmp_path)):
        set_up_logging(file=tmp_path)


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_planted_canary_never_reaches_a_log(
    style: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C23: by key, nested, inside a text, and inside a traceback."""
    monkeypatch.setenv("KRAKEN_API_SECRET", CANARY)
    file = tmp_path / "athena.log"
    set_up_logging("info", style=style, file=file)  # type: ignore[arg-type]
    logger = get_logger("test")
    logger.info("connect", api_key=CANARY, headers={"Authorization": f"Bearer {CANARY}"})
    logger.info("sent", url=f"wss://host/?k={CANARY}", parts=[CANARY])
    try:
        _fail(CANARY)
    except ValueError:
        logger.exception("failed")
    written = capsys.readouterr().err + file.read_text()
    assert CANARY not in written
    assert written.count("***") >= 8


def test_what_is_no_secret_is_left_alone() -> None:
    event = {"tokens": 512, "symbol": "BTC/USD", "token_count": 3, "keyboard": "qwerty"}
    assert redact(event) == event


def test_short_values_and_harmless_names_are_not_known_secrets() -> None:
    environment = {"API_KEY": "1", "PATH": "/usr/bin:/bin", "MY_PASSWORD": "correct horse"}
    # Others that this process was given besides are known too.
    known = known_secrets(environment)
    assert "correct horse" in known
    assert not {"1", "/usr/bin:/bin"} & set(known)
    assert mask_text("a correct horse", known_secrets(environment)) == "a ***"


def test_options_that_look_secret_lose_their_value() -> None:
    arguments = ["--api-key", "abc", "--password=def", "--symbol", "BTC/USD"]
    expected = ["--api-key", "***", "--password=***", "--symbol", "BTC/USD"]
    assert redact_arguments(arguments) == expected
