"""Nothing is traded before rules, fees and time are read and agree with the session."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from athena.trading.live import AccountSeen, Answered, Outage, QueryAccount, Result, StreamChanged
from athena.venues import CallFailed, HttpAnswer, capability_table
from athena.venues._capability_table import MEANINGS
from athena.venues.kraken import KRAKEN, TIERS, KrakenAdapter, Tier
from athena.venues.kraken._adapter_clock import proven_ahead_ns
from tests.venue_bench import SECOND, START, VenueBench, instruments, place

if TYPE_CHECKING:
    from athena.venues import Call


def begun(bench: VenueBench, seconds: float = 3) -> VenueBench:
    bench._take(bench.adapter.begin(bench.now_ns))
    bench.run(seconds)
    return bench


def failures(bench: VenueBench) -> list[str]:
    return [event.reason for event in bench.all(Outage) if event.has_failed]


def pairs_changed(**changes: object) -> VenueBench:
    """Let AssetPairs state something else of BTC/USD."""
    bench = VenueBench()

    def change(call: Call, body: bytes) -> HttpAnswer | None:
        if call.endpoint != "AssetPairs":
            return None
        message = json.loads(body)
        message["result"]["XXBTZUSD"] |= changes
        return HttpAnswer(200, json.dumps(message).encode())

    bench.fail = change
    return bench


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tick_size": "0.1"}, "tick 0.01 of BTC/USD at Kraken, was 0.1"),
        ({"lot_decimals": 6}, "lot 1E-8 of BTC/USD at Kraken, was 0.000001"),
        ({"ordermin": "0.001"}, "min_quantity 0.0001 of BTC/USD"),
        ({"costmin": "5"}, "min_notional 0 of BTC/USD at Kraken, was 5"),
        ({"status": "cancel_only"}, "BTC/USD to be online at Kraken, was cancel_only"),
        ({"wsname": "ETH/USD"}, "one pair BTC/USD at Kraken, was 0"),
    ],
)
def test_rules_that_are_not_the_sessions_stop_the_start_in_words(
    changes: dict[str, Any], words: str
) -> None:
    bench = begun(pairs_changed(**changes))
    assert words in failures(bench)[0]
    assert not bench.all(StreamChanged)


def test_the_same_rules_in_other_words_are_taken() -> None:
    """The clean twin: 0.010 is 0.01."""
    bench = begun(pairs_changed(tick_size="0.010", ordermin="0.00010000"))
    assert not failures(bench)
    assert bench.all(StreamChanged)[0].is_up


def test_a_pair_that_is_unknown_is_said() -> None:
    """Bad input: an unknown pair."""
    odd = replace(instruments()[0], symbol="NOPE/USD")
    bench = begun(VenueBench(KrakenAdapter([odd], tier=Tier.STARTER)))
    assert "EQuery:Unknown asset pair" in failures(bench)[0]


def test_a_failed_question_is_asked_again_later_and_later() -> None:
    bench = VenueBench()
    bench.fail = lambda _, __: CallFailed(is_sent=True, reason="time-out")
    begun(bench, 70)
    times = [event.ts_ns for event in bench.all(Outage)]
    waits = [(b - a) / SECOND for a, b in pairwise(times)]
    assert waits == sorted(waits)
    assert all(2**i <= wait <= 1.5 * 2**i + 1 for i, wait in enumerate(waits))
    bench.fail = lambda _, __: None
    bench.run(60)
    assert bench.all(StreamChanged)[-1].is_up


def test_wrong_keys_are_said() -> None:
    bench = VenueBench()
    refused = HttpAnswer(200, b'{"error":["EAPI:Invalid key"]}')
    bench.fail = lambda call, _: refused if call.is_private else None
    begun(bench)
    assert "EAPI:Invalid key" in failures(bench)[0]
    assert not bench.all(StreamChanged)


def test_before_the_rules_are_read_nothing_is_sent_and_no_account_is_made_up() -> None:
    bench = VenueBench()
    bench.do(place(1, bench.now_ns))
    bench.do(QueryAccount(START, is_urgent=True))
    (answer,) = bench.all(Answered)
    (view,) = bench.all(AccountSeen)
    assert (answer.result, view.is_complete) == (Result.NOT_SENT, False)
    assert answer.reason == view.reason != ""
    assert not bench.calls


def test_the_fees_are_by_the_names_of_the_pairs() -> None:
    bench = begun(VenueBench())
    assert bench.adapter.fees is not None
    assert set(bench.adapter.fees.taker_bps) == {"XXBTZUSD", "XXRPZUSD"}
    assert bench.adapter.counter_rules == TIERS[Tier.PRO].rules()


@pytest.mark.parametrize(
    ("venue", "asked", "answered", "ahead"),
    [
        (100, 100.2, 100.4, 0), (100, 99.9, 101.5, 0), (101, 100.0, 100.5, 0.5),
        (110, 100.0, 100.5, 9.5), (90, 100.0, 100.5, -9), (99, 100.1, 100.3, -0.1),
    ],
)  # fmt: skip
def test_only_the_proven_lead_of_the_venues_clock_counts(
    venue: int, asked: float, answered: float, ahead: float
) -> None:
    found = proven_ahead_ns(venue * SECOND, round(asked * SECOND), round(answered * SECOND))
    assert found == round(ahead * SECOND)


def test_a_clock_that_is_ten_seconds_off_is_seen() -> None:
    """D05, F14."""
    bench = VenueBench()
    bench.exchange.set_clock_offset(10 * SECOND)
    begun(bench)
    assert bench.adapter.venue_ahead_ns == 10 * SECOND


def test_every_capability_stands_in_the_table() -> None:
    table = capability_table([KRAKEN])
    assert {"name", *MEANINGS} == set(KRAKEN.__dataclass_fields__)
    assert len(table.splitlines()) == len(MEANINGS) + 2
    assert "| an order is checked and not placed | yes |" in table
    assert Decimal(KRAKEN.page_size) == 50
