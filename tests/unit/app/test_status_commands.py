"""What is so now: figures with their age, unknown ones as unknown, reasons shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.app.live import alert_row, write_halt
from athena.domain import SECOND_NS, OrderState
from athena.platform import SystemClock
from athena.trading.live import Alert, Urgency
from tests.operator_cases import order_row, record, session_row, snapshot

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
COMMANDS = ["status", "orders", "positions", "balances", "risk"]
NANOS = SECOND_NS


def begin(home: Path, age_s: int = 0) -> None:
    """Record a session whose engine wrote some time ago."""
    now_ns = SystemClock().now_ns()
    alert = Alert(Urgency.URGENT, "unprotected", "BTC/USD has no stop", now_ns)
    record(
        home,
        session_row("s1", now_ns - age_s * NANOS),
        snapshot(now_ns - age_s * NANOS).row(),
        order_row(1),
        order_row(2, OrderState.REJECTED, "EOrder:Insufficient funds"),
        alert_row("s1", alert),
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_session_the_command_that_starts_one_is_named(
    cli: Cli, home: Path, command: str
) -> None:
    answer = cli(command)
    assert (answer.exit_code, answer.out) == (3, "")
    assert "hint: athena paper" in answer.err
    assert not (home / "athena.db").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_answer_says_whose_figures_and_how_old(cli: Cli, home: Path, command: str) -> None:
    begin(home)
    payload = cli(command, "--json").json()
    assert (payload["session"], payload["mode"], payload["venue"]) == ("s1", "paper", "kraken")
    assert payload["is_stale"] is False
    assert 0 <= payload["age_s"] < 10
    assert "s1: paper on kraken, process 4711, as of 20" in cli(command).out


@pytest.mark.parametrize("command", COMMANDS)
def test_stale_figures_are_marked_with_their_age(cli: Cli, home: Path, command: str) -> None:
    begin(home, age_s=3_000)
    payload = cli(command, "--json").json()
    assert payload["is_stale"] is True
    assert 3_000 <= payload["age_s"] < 3_100
    assert "STALE: its engine last wrote 20" in cli(command).out
    assert "is process 4711 alive?" in cli(command).out


def test_ages_go_by_the_clock_of_a_session_that_runs_faster_than_the_wall(
    cli: Cli, home: Path
) -> None:
    """A session at speed 600 is days ahead: its newest price is not from the future."""
    now_ns = SystemClock().now_ns()
    ahead_ns = now_ns + 3 * 86_400 * NANOS
    seen = replace(
        snapshot(now_ns),
        clock_ns=ahead_ns,
        priced_ns=ahead_ns - 5 * NANOS,
        reconciled_ns=ahead_ns - 30 * NANOS,
    )
    record(home, session_row("s1", now_ns), seen.row())
    found = cli("status", "--json").json()["snapshot"]
    assert 5 <= found["price_age_s"] < 15
    assert found["is_price_stale"] is False
    assert 30 <= found["reconciled_age_s"] < 40
    assert "-" not in cli("status").out.partition("newest price")[2].partition("(")[2][:4]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_session_that_has_not_written_yet_shows_nothing_instead_of_zeros(
    cli: Cli, home: Path, command: str
) -> None:
    record(home, session_row())
    payload = cli(command, "--json").json()
    assert (payload["age_s"], payload["is_stale"]) == (None, True)
    shown = cli(command).out
    assert "has written no figures yet" in shown
    assert payload.get("snapshot") is None
    assert all(
        not payload[name] for name in ("positions", "balances", "limits") if name in payload
    )


def test_an_ended_session_is_shown_as_one(cli: Cli, home: Path) -> None:
    begin(home)
    ended_ns = SystemClock().now_ns()
    record(home, replace(session_row(), ended_ns=ended_ns, end_reason="SIGTERM"))
    payload = cli("status", "--json").json()
    assert payload["ended_at"].startswith("20")
    assert "(SIGTERM); these are its last figures" in cli("positions").out
    assert cli("status", "--session", "s9").exit_code == 3


def test_status_says_why_nothing_is_traded(cli: Cli, home: Path) -> None:
    """D05: reasons shown; C16: an unknown figure is none."""
    begin(home)
    write_halt(home, "looking into it", keeps_positions=True)
    payload = cli("status", "--json").json()
    found = payload["snapshot"]
    assert found["halts"] == ["paused by an operator"]
    assert found["waiting_for"] == ["no price for ETH/USD"]
    assert (found["equity"], found["cash"]) == ("10012.33000001", None)
    assert (found["level"], found["level_name"]) == (2, "reduced")
    assert found["unknown_orders"] == ["ab" * 16]
    assert payload["halt_file"] == "looking into it"
    assert [item["code"] for item in payload["alerts"]] == ["unprotected"]
    shown = cli("status").out
    for words in (
        "halts: paused by an operator",
        "not trading: no price for ETH/USD",
        "the HALT file asks for halt: looking into it",
        "equity 10012.33000001 USD, cash unknown; 1 open positions",
        "degradation 2 (reduced)",
        "BTC/USD has no stop",
    ):
        assert words in shown


def test_working_orders_and_with_all_the_last_ones_with_their_reason(cli: Cli, home: Path) -> None:
    """C12: money is text with every digit."""
    begin(home)
    (working,) = cli("orders", "--json").json()["orders"]
    assert (working["number"], working["state"]) == (1, "open")
    assert working["quantity"] == "123456789.12345678"
    assert working["limit_price"] == "0.12345678"
    assert working["trigger_price"] is None
    every = cli("orders", "--all", "--json").json()["orders"]
    assert [item["number"] for item in every] == [2, 1]
    assert "EOrder:Insufficient funds" in cli("orders", "--all").out
    newest = cli("orders", "--all", "--limit", "1", "--json").json()["orders"]
    assert [item["number"] for item in newest] == [2]


def test_positions_balances_and_limits_are_whole(cli: Cli, home: Path) -> None:
    begin(home)
    (position,) = cli("positions", "--json").json()["positions"]
    assert (position["symbol"], position["side"]) == ("BTC/USD", "long")
    assert (position["mark_price"], position["unrealised"]) == ("64100.5", "50.25")
    assert (position["stop_price"], position["target_price"]) == ("63000", None)
    (balance,) = cli("balances", "--json").json()["balances"]
    assert (balance["currency"], balance["total"], balance["free"]) == ("USD", "10012.3", "9000")
    count, var = cli("risk", "--json").json()["limits"]
    assert (count["limit"], count["used"], count["head_room"]) == ("5", "1", "4")
    assert (var["used"], var["head_room"]) == (None, None)
    assert "unknown" in cli("risk").out


def test_an_old_mark_or_balance_is_marked_even_when_the_engine_writes(
    cli: Cli, home: Path
) -> None:
    """TR-24: last known values are marked stale."""
    begin(home)
    now_ns = SystemClock().now_ns()
    seen = snapshot(now_ns)
    old_ns = now_ns - 90 * NANOS
    position = replace(seen.positions[0], marked_ns=old_ns)
    unmarked = replace(position, symbol="ETH/USD", mark_price=None, marked_ns=None)
    balance = replace(seen.balances[0], seen_ns=old_ns)
    record(home, replace(seen, positions=(position, unmarked), balances=(balance,)).row())
    found = cli("positions", "--json").json()["positions"]
    assert [item["is_mark_stale"] for item in found] == [True, True]
    assert found[1]["mark_price"] is None
    assert "64100.5 (STALE, 20" in cli("positions").out
    assert cli("balances", "--json").json()["balances"][0]["is_stale"] is True
    assert "STALE, 20" in cli("balances").out


def test_several_sessions_want_one_named(cli: Cli, home: Path) -> None:
    now_ns = SystemClock().now_ns()
    for name in ("s1", "s2"):
        record(home, session_row(name, now_ns), snapshot(now_ns, name).row())
    answer = cli("status")
    assert (answer.exit_code, "expected one session, was 2: s1, s2" in answer.err) == (2, True)
    assert cli("status", "--session", "s2", "--json").json()["session"] == "s2"
