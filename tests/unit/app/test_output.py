"""Results on stdout, talk on stderr, JSON exact."""

from __future__ import annotations

import io
import json
import sys
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from athena.app import Output, Table
from athena.app._output import to_plain
from athena.domain import Side
from athena.errors import InputError


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_json_holds_exact_decimals_iso_times_and_null_for_nan(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """C12: the last digit of a decimal survives."""
    payload = {
        "price": Decimal("123456789.12345678"),
        "small": Decimal("0.00000001"),
        "at": datetime(2018, 2, 8, 1, tzinfo=timezone(timedelta(hours=1))),
        "sharpe": float("nan"),
        "ratio": np.float64(0.5),
        "n": np.int64(3),
        "side": Side.BUY,
        "path": Path("a/b"),
        "rows": [(1, None, True)],
    }
    Output(is_json=True).emit(payload, "not shown")
    captured = capsys.readouterr()
    assert captured.err == ""
    assert json.loads(captured.out) == {
        "price": "123456789.12345678",
        "small": "0.00000001",
        "at": "2018-02-08T00:00:00Z",
        "sharpe": None,
        "ratio": 0.5,
        "n": 3,
        "side": "buy",
        "path": "a/b",
        "rows": [[1, None, True]],
    }


@pytest.mark.parametrize("value", [datetime(2018, 2, 8), object(), {1, 2}])  # noqa: DTZ001  # the fault
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    """A12: a time without an offset never leaves."""
    with pytest.raises(InputError):
        to_plain({"value": value})


def test_a_person_gets_the_parts_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(("name", ">rows"), [("btc", "10"), ("[red]x[/red]", "9")], "data sets")
    Output().emit({"n": 2}, table, "done")
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = [line.rstrip() for line in captured.out.splitlines() if line.strip()]
    assert lines[0] == "data sets"
    assert lines[3].split() == ["btc", "10"]
    assert lines[4].split() == ["[red]x[/red]", "9"]
    assert lines[3].index("10") + 2 == lines[4].index(" 9") + 2
    assert lines[-1] == "done"


def test_remarks_go_to_stderr_and_can_be_silenced(capsys: pytest.CaptureFixture[str]) -> None:
    for output in (Output(), Output(is_quiet=True), Output(is_json=True)):
        output.say("a remark")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "a remark\n"


def _work(output: Output) -> str:
    terminal = sys.stderr
    assert isinstance(terminal, io.StringIO)
    with output.progress("backtest", 100, "bars") as report:
        report(1)
        report(50, "equity 100,000")
    return terminal.getvalue()


@pytest.fixture
def _slow_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each look at the clock take half a second."""
    moments = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: next(moments) / 2)


@pytest.mark.usefixtures("_slow_clock")
def test_a_bar_shows_rate_and_remaining_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", _Terminal())
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = _work(Output())
    assert "backtest" in shown
    assert "50 %" in shown
    assert "bars/s" in shown
    assert "equity 100,000" in shown


@pytest.mark.usefixtures("_slow_clock")
@pytest.mark.parametrize(
    ("output", "stderr", "no_color"),
    [
        (Output(), io.StringIO, False),
        (Output(), _Terminal, True),
        (Output(is_json=True), _Terminal, False),
        (Output(is_quiet=True), _Terminal, False),
    ],
)
def test_no_bar_without_terminal_under_no_color_json_or_quiet(
    monkeypatch: pytest.MonkeyPatch, output: Output, stderr: Any, no_color: bool
) -> None:
    monkeypatch.setattr(sys, "stderr", stderr())
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    assert _work(output) == ""


def test_no_bar_for_work_that_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", _Terminal())
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    assert _work(Output()) == ""
