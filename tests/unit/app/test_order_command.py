"""`athena order`: what reaches the engine's inbox, what is refused before, what is shown."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.app.live import PlanSeen
from athena.domain import Side
from athena.platform import SystemClock
from athena.trading.algorithms import PlanKind
from tests.operator_cases import begun, record, running, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.operator_cases import FakeEngine

Cli = Any
WHY = ("--reason", "because")


@pytest.fixture
def engine(home: Path) -> Iterator[FakeEngine]:
    begun(home)
    with running(home) as found:
        yield found


@pytest.mark.parametrize(
    ("arguments", "verb", "expected"),
    [
        (
            ("market", "btc/usd", "buy", "0.5", "--stop", "59000"),
            "order",
            {"symbol": "BTC/USD", "side": "buy", "type": "market", "quantity": "0.5",
             "stop": "59000"},
        ),
        (
            ("market", "BTC/USD", "buy", "500", "--quote"),
            "order",
            {"symbol": "BTC/USD", "side": "buy", "type": "market", "quote_amount": "500"},
        ),
        (
            ("limit", "BTC/USD", "sell", "0.5", "70000", "--post-only", "--slot", "core"),
            "order",
            {"symbol": "BTC/USD", "side": "sell", "type": "limit", "quantity": "0.5",
             "limit": "70000", "slot": "core", "time_in_force": "gtc", "post_only": "true"},
        ),
        (
            ("stop", "BTC/USD", "sell", "0.5", "58000"),
            "order",
            {"symbol": "BTC/USD", "side": "sell", "type": "stop", "quantity": "0.5",
             "trigger": "58000"},
        ),
        (
            ("stop", "BTC/USD", "sell", "0.5", "58000", "--limit", "57900"),
            "order",
            {"symbol": "BTC/USD", "side": "sell", "type": "stop_limit", "quantity": "0.5",
             "trigger": "58000", "limit": "57900"},
        ),
        (
            ("twap", "BTC/USD", "buy", "0.5", "--slices", "4", "--window", "20m"),
            "plan",
            {"symbol": "BTC/USD", "side": "buy", "type": "market", "kind": "twap",
             "quantity": "0.5", "slices": "4", "window": "20m"},
        ),
        (
            ("vwap", "BTC/USD", "buy", "0.5", "--profile", "1,2,3", "--limit", "60000"),
            "plan",
            {"symbol": "BTC/USD", "side": "buy", "type": "limit", "limit": "60000",
             "kind": "vwap", "quantity": "0.5", "profile": "1,2,3"},
        ),
        (
            ("dca", "ETH/USD", "1000.01"),
            "plan",
            {"symbol": "ETH/USD", "side": "buy", "kind": "dca", "quote_amount": "1000.01",
             "batches": "6", "every": "4h"},
        ),
        (("plan-stop", "4f2a"), "plan_stop", {"plan": "4f2a"}),
        (("rebalance",), "rebalance", {}),
        (("rebalance", "--skip"), "skip_rebalance", {}),
        (("hodl", "btc"), "purchase", {"asset": "BTC"}),
    ],
)  # fmt: skip
def test_what_is_typed_reaches_the_engine_word_for_word(
    cli: Cli, engine: FakeEngine, arguments: tuple[str, ...], verb: str, expected: dict[str, str]
) -> None:
    answer = cli("order", *arguments, *WHY, "--json")
    assert answer.exit_code == 0
    (request,) = engine.done
    assert request.wish.verb == verb
    assert dict(request.wish.arguments) == expected
    assert answer.json()["state"] == "executed"


@pytest.mark.parametrize(
    "arguments",
    [
        ("market", "DOGE/USD", "buy", "1"),
        ("market", "BTC/USD", "up", "1"),
        ("twap", "BTC/USD", "buy", "1", "--slices", "0"),
        ("dca", "BTC/USD"),
        ("market", "BTC/USD", "buy", "nan"),
        ("market", "BTC/USD", "buy", "0"),
        ("limit", "BTC/USD", "buy", "1", "nan"),
        ("limit", "BTC/USD", "buy", "1", "60000", "--stop", "inf"),
        ("stop", "BTC/USD", "sell", "1", "-5"),
        ("twap", "BTC/USD", "buy", "1", "--window", "1 hour"),
        ("dca", "BTC/USD", "money"),
    ],
)
def test_what_cannot_be_reaches_nobody(
    cli: Cli, engine: FakeEngine, arguments: tuple[str, ...]
) -> None:
    assert cli("order", *arguments, *WHY).exit_code == 2
    assert engine.done == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("market", "BTC/USD", "buy", "500", "--quote"), "buy BTC for 500 USD at market"),
        (
            ("limit", "BTC/USD", "sell", "0.5", "70000", "--post-only", "--slot", "core"),
            "sell 0.5 BTC at 70000 USD or better, post only, slot core",
        ),
        (
            ("stop", "BTC/USD", "sell", "0.5", "58000", "--limit", "57900"),
            "sell 0.5 BTC once the price reaches 58000 USD, at 57900 USD or better",
        ),
        (
            (
                "twap",
                "BTC/USD",
                "buy",
                "0.5",
                "--slices",
                "4",
                "--window",
                "20m",
                "--stop",
                "59000",
            ),
            "buy 0.5 BTC in 4 slices over 20m (TWAP), stop 59000 USD",
        ),
        (
            ("vwap", "BTC/USD", "buy", "0.5", "--profile", "1,2", "--limit", "60000"),
            "buy 0.5 BTC in slices by the volume expected (VWAP) at 60000 USD or better",
        ),
        (("dca", "ETH/USD", "1000"), "buy ETH for 1000 USD in 6 batches, one every 4h (DCA)"),
        (("plan-stop", "4f2a"), "end plan 4f2a"),
    ],
)
def test_a_request_is_said_as_a_sentence_with_its_units(
    cli: Cli, engine: FakeEngine, arguments: tuple[str, ...], sentence: str
) -> None:
    del engine
    assert f"{sentence} s1: executed" in cli("order", *arguments, *WHY).out.replace("\n", " ")


def test_without_a_reason_nothing_is_asked(cli: Cli, engine: FakeEngine) -> None:
    assert cli("order", "market", "BTC/USD", "buy", "1").exit_code == 2
    assert engine.done == []


def test_an_engine_that_does_not_answer_leaves_it_pending(cli: Cli, home: Path) -> None:
    """An order that nobody read is void after a minute: the engine must not place it later."""
    begun(home)
    answer = cli("order", "market", "BTC/USD", "buy", "1", *WHY, "--wait", "0")
    assert answer.exit_code == 3
    assert "void" in answer.out


def test_the_plans_under_way_are_listed(cli: Cli, home: Path) -> None:
    begun(home)
    assert "no plans under way" in cli("order", "plans").out
    plan = PlanSeen(
        id="4f2a",
        kind=PlanKind.DCA,
        symbol="BTC/USD",
        side=Side.BUY,
        slot="core",
        currency="USD",
        total=Decimal("1000.01"),
        done=Decimal("333.37"),
        n_asked=2,
        n_planned=6,
        started_ns=0,
    )
    seen = dataclasses.replace(snapshot(SystemClock().now_ns()), plans=(plan,))
    record(home, seen.row())
    payload = cli("order", "plans", "--json").json()
    assert payload["plans"] == [
        {
            "id": "4f2a",
            "kind": "dca",
            "symbol": "BTC/USD",
            "side": "buy",
            "slot": "core",
            "currency": "USD",
            "total": "1000.01",
            "done": "333.37",
            "n_asked": 2,
            "n_planned": 6,
            "started_at": "1970-01-01T00:00:00Z",
        }
    ]
    assert "2 of 6" in cli("order", "plans").out
