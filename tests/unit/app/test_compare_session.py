"""`athena compare SESSION`: a session beside the backtest of the bars that it saw (section 11)."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.app.live import Answer, Request, RequestState, Role, Verb, Wish
from athena.app.running import open_session_record
from athena.app.running._engine import Engine
from athena.platform.config import Config
from athena.research.comparison import Part, compare_session
from tests.paper_process import BUSY, write_market, write_strategy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CliResult

    Cli = Callable[..., CliResult]

FAST = ("--speed", "100000", "--duration", "12m", "--json")


@pytest.fixture(autouse=True)
def _busy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BUSY.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def options(tmp_path: Path) -> tuple[str, ...]:
    data = write_market(tmp_path / "BTCUSD_1m.csv", 1_600)
    return ("--data", str(data), "--symbol", "BTC/USD", "--strategy",
            write_strategy(tmp_path / "busy.py"))  # fmt: skip


def amounts(payload: dict[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in payload["parts"].items()}


def test_the_gap_between_a_session_and_its_backtest_is_split_to_the_last_unit(
    cli: Cli, home: Path, options: tuple[str, ...]
) -> None:
    """Section 11: the parts sum to the total, and each says what it is called."""
    session = cli("paper", *options, *FAST).json()
    assert session["fills"] > 4
    result = cli("compare", session["session"], "--json")
    assert result.exit_code == 0, result.err
    payload = result.json()
    parts = amounts(payload)
    assert payload["a"]["run_id"] == "backtest"
    assert payload["b"]["run_id"] == session["session"]
    assert Decimal(payload["b"]["cash"]) == 10_000
    assert sum(parts.values()) == Decimal(payload["gap"])
    assert Decimal(payload["residual"]) == 0
    assert payload["decisions"]["both"] >= 8
    assert parts["operator"] == parts["missing_data"] == parts["funding"] == 0
    assert parts["price_latency"] != 0, "the session fills at a spread, a while after the close"
    assert "backtest" in cli("compare", session["session"]).out

    # Another cost in the backtest alone is another part: the fee and nothing else but it.
    record = open_session_record(home, session["session"], Config())
    found = compare_session(record)
    assert {part.value: amount for part, amount in found.parts.items()} == parts
    free = compare_session(replace(record, venue=replace(record.venue, taker_fee_bps=Decimal(0))))
    assert free.residual == 0
    assert free.parts[Part.FEE] < found.parts[Part.FEE]
    assert free.b == found.b

    # What the session was not shown is missing data.
    is_step = np.array(record.is_step[0])
    steps = np.flatnonzero(is_step)
    is_step[steps[4:7]] = False
    blind = compare_session(replace(record, is_step=(is_step,)))
    assert blind.residual == 0
    assert blind.parts[Part.MISSING_DATA] != 0


def test_what_an_operator_did_is_the_operators(
    cli: Cli, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [Verb.FLATTEN, Verb.PAUSE]
    said: list[Answer] = []
    tick = Engine.tick

    def ticked(self: Engine, now_ns: int) -> None:
        tick(self, now_ns)
        if self.session is not None and self.n_steps == 4 and asked:
            wish = Wish("s", asked.pop(0), "because")
            request = Request(
                "r", wish, "op", Role.ADMIN, 0, None, RequestState.PENDING, "", None, {}, {}
            )
            said.append(self.requested(request, now_ns))

    monkeypatch.setattr(Engine, "tick", ticked)
    session = cli("paper", *options, *FAST).json()
    monkeypatch.setattr(Engine, "tick", tick)
    assert [item.is_executed for item in said] == [True, True]
    payload = cli("compare", session["session"], "--json").json()
    parts = amounts(payload)
    assert parts["operator"] != 0
    assert sum(parts.values()) == Decimal(payload["gap"])
    assert Decimal(payload["residual"]) == 0


def test_a_session_that_is_gone_on_with_is_one_session(
    cli: Cli, home: Path, options: tuple[str, ...]
) -> None:
    first = cli("paper", *options, *FAST).json()
    second = cli("paper", *options, *FAST).json()
    assert second["session"] == first["session"]
    payload = cli("compare", first["session"], "--json").json()
    assert Decimal(payload["residual"]) == 0
    assert payload["decisions"]["both"] > 12
    file = home / "live" / first["session"] / "session.json"
    values = json.loads(file.read_text())
    assert values["is_opened"] is True


@pytest.mark.parametrize(
    ("name", "exit_code", "words"),
    [("0" * 32, 3, "none"), ("../x", 3, "none"), ("", 3, "none")],
)
def test_what_is_no_session_is_named(cli: Cli, name: str, exit_code: int, words: str) -> None:
    result = cli("compare", name)
    assert result.exit_code == exit_code
    assert words in result.err


def test_a_page_needs_two_runs(cli: Cli, tmp_path: Path) -> None:
    result = cli("compare", "0" * 32, "--report", tmp_path / "page")
    assert result.exit_code == 2
    assert not (tmp_path / "page").exists()
