"""What an effect becomes on the wire, what it costs, and what each answer proves."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.domain import OrderState, OrderType, Side
from athena.trading.live import (
    Alert,
    Answered,
    OrderSeen,
    Outage,
    Request,
    Result,
    Urgency,
)
from athena.venues import WITHDRAWN, CallFailed, HttpAnswer, Pause
from athena.venues.kraken import KrakenAdapter, Tier
from athena.venues.limits import Charge, Priority
from tests.venue_bench import (
    BTC,
    SECOND,
    VenueBench,
    amend,
    cancel,
    client_id,
    instruments,
    place,
)

if TYPE_CHECKING:
    from athena.trading.live import Effect
    from athena.venues import Call, Step

STOP: dict[str, Any] = {
    "type": OrderType.STOP, "side": Side.SELL, "limit_ticks": 0, "trigger_ticks": 4_900_000,
}  # fmt: skip


@pytest.fixture
def bench() -> VenueBench:
    bench = VenueBench()
    bench.start()
    return bench


def call_for(bench: VenueBench, effect: Effect) -> Call:
    (call,) = bench.adapter.carry_out(effect, bench.now_ns).calls
    return call


def answered(bench: VenueBench, effect: Effect, answer: HttpAnswer | CallFailed) -> Step:
    call = call_for(bench, effect)
    return bench.adapter.answered(call, answer, bench.now_ns)


def body(result: object, *errors: str) -> HttpAnswer:
    return HttpAnswer(200, json.dumps({"error": list(errors), "result": result}).encode())


def verdict(step: Step) -> tuple[Result, bool]:
    """Return what an answer proves, and whether the venue failed."""
    outcome, outage = step.events
    assert isinstance(outcome, Answered)
    assert isinstance(outage, Outage)
    return outcome.result, outage.has_failed


def test_a_stop_limit_says_trigger_then_limit_id_deadline_and_fee(bench: VenueBench) -> None:
    """TR-11: `price` is the trigger and `price2` the limit."""
    wish = place(
        7, bench.now_ns, type=OrderType.STOP_LIMIT, side=Side.SELL, lots=12_345_678,
        trigger_ticks=10_000, limit_ticks=9_900, is_protection=True, is_reduce_only=True,
    )  # fmt: skip
    call = call_for(bench, wish)
    assert (call.endpoint, call.is_private) == ("AddOrder", True)
    assert call.fields == {
        "pair": "XBTUSD",
        "type": "sell",
        "ordertype": "stop-loss-limit",
        "price": "100",
        "price2": "99",
        "volume": "0.12345678",
        "cl_ord_id": client_id(7),
        "deadline": "2026-11-20T12:00:05.000Z",
        "timeinforce": "GTC",
        "oflags": "fciq",
    }


def test_protection_and_closing_go_first_and_an_order_waits_no_longer_than_its_deadline(
    bench: VenueBench,
) -> None:
    now = bench.now_ns
    entry = call_for(bench, place(1, now))
    stop = call_for(bench, place(2, now, is_protection=True, **STOP))
    close = call_for(bench, place(3, now, side=Side.SELL, is_reduce_only=True, is_protection=True))
    target = call_for(bench, place(4, now, side=Side.SELL, is_reduce_only=True))
    move = call_for(bench, amend(2, now, lots=1_000_000, trigger_ticks=4_910_000))
    end = call_for(bench, cancel(1, now))
    assert {c.priority for c in (entry, target)} == {Priority.TRADE}
    assert {c.priority for c in (stop, close, move, end)} == {Priority.PROTECT}
    assert entry.deadline_ns == now + 5 * SECOND - SECOND // 2
    assert len({c.id for c in (entry, stop, close, move, end)}) == 5


def test_each_action_costs_what_the_venue_counts(bench: VenueBench) -> None:
    """C05: the trading counter by pair and age, the house's calls and orders."""
    now = bench.now_ns
    assert call_for(bench, place(1, now)).charges == (
        Charge("calls", 1), Charge("trading:XBTUSD", 1), Charge("orders", 1),
    )  # fmt: skip
    assert call_for(bench, cancel(1, now - 4 * SECOND)).charges == (
        Charge("calls", 1), Charge("trading:XBTUSD", 8),
    )  # fmt: skip
    assert call_for(bench, cancel(1, now - 400 * SECOND)).charges == (Charge("calls", 1),)
    young = replace(amend(1, now, lots=1), opened_ns=now + SECOND)  # sent by a faster clock
    assert Charge("trading:XBTUSD", 4) in call_for(bench, young).charges


def test_cancel_and_amend_name_the_order_by_our_id(bench: VenueBench) -> None:
    assert call_for(bench, cancel(1, bench.now_ns)).fields == {"cl_ord_id": client_id(1)}
    fields = call_for(bench, amend(1, bench.now_ns, lots=50, trigger_ticks=4_900_001)).fields
    assert fields == {
        "cl_ord_id": client_id(1),
        "deadline": "2026-11-20T12:00:05.000Z",
        "order_qty": "0.0000005",
        "trigger_price": "49000.01",
    }


ADDED = {"descr": {"order": "buy"}, "txid": ["OABC-DEF"]}
PLACE, CANCEL = Request.PLACE, Request.CANCEL


@pytest.mark.parametrize(
    ("request_", "answer", "expected"),
    [
        (PLACE, body(ADDED), (Result.ACCEPTED, False)),
        (PLACE, body(None, "EOrder:Insufficient funds"), (Result.REFUSED, False)),
        (PLACE, body(None, "EOrder:Rate limit exceeded"), (Result.REFUSED, True)),
        (PLACE, body(None, "EAPI:Invalid nonce"), (Result.REFUSED, True)),
        (PLACE, HttpAnswer(429, b""), (Result.REFUSED, True)),
        (PLACE, body(None, "EService:Unavailable"), (Result.UNKNOWN, True)),
        (PLACE, body(None, "EOrder:Something new"), (Result.UNKNOWN, True)),
        (PLACE, body(None, "EOrder:Insufficient funds", "EGeneral:Internal error"),
         (Result.UNKNOWN, True)),
        (PLACE, body({"descr": {"order": "buy"}}), (Result.UNKNOWN, True)),
        (PLACE, body({"descr": {"order": "buy"}, "txid": ["O1", "O2"]}), (Result.UNKNOWN, True)),
        (PLACE, HttpAnswer(200, b"<html>"), (Result.UNKNOWN, True)),
        (PLACE, HttpAnswer(200, b'{"error":[],"result":{"txi'), (Result.UNKNOWN, True)),
        (PLACE, HttpAnswer(502, b""), (Result.UNKNOWN, True)),
        (PLACE, CallFailed(is_sent=True, reason="time-out"), (Result.UNKNOWN, True)),
        (PLACE, CallFailed(is_sent=False, reason="refused"), (Result.NOT_SENT, True)),
        (CANCEL, body({"count": 1}), (Result.ACCEPTED, False)),
        (CANCEL, body({"count": 1, "pending": True}), (Result.ACCEPTED, False)),
        (CANCEL, body({"count": 0}), (Result.UNKNOWN, True)),
        (CANCEL, body(None, "EOrder:Unknown order"), (Result.REFUSED, False)),
        (CANCEL, body(None, "EService:Busy"), (Result.UNKNOWN, True)),
    ],
)  # fmt: skip
def test_only_proof_refuses(
    bench: VenueBench,
    request_: Request,
    answer: HttpAnswer | CallFailed,
    expected: tuple[Result, bool],
) -> None:
    """F01, F02, F07, F08: never refused unless the code is known."""
    effect = place(1, bench.now_ns) if request_ is PLACE else cancel(1, bench.now_ns)
    step = answered(bench, effect, answer)
    assert verdict(step) == expected
    (outcome, _) = step.events
    assert isinstance(outcome, Answered)
    assert bool(outcome.reason) is (expected[0] is not Result.ACCEPTED)


def test_the_second_answer_to_a_call_says_nothing(bench: VenueBench) -> None:
    """F03."""
    call = call_for(bench, place(1, bench.now_ns))
    assert bench.adapter.answered(call, body(ADDED), bench.now_ns).events
    again = bench.adapter.answered(call, HttpAnswer(429, b""), bench.now_ns)
    assert (again.events, again.pauses) == ((), ())


@pytest.mark.parametrize(
    ("answer", "bucket", "seconds"),
    [
        (HttpAnswer(429, b"", retry_after_s=7), "calls", 7),
        (HttpAnswer(418, b""), "calls", 15),
        (body(None, "EOrder:Rate limit exceeded"), "trading:XBTUSD", 15),
        (body(None, "EGeneral:Temporary lockout"), "calls", 15),
        (body(None, "EAPI:Rate limit exceeded"), "calls", 15),
    ],
)
def test_a_venue_that_asks_for_rest_gets_it_in_the_right_place(
    bench: VenueBench, answer: HttpAnswer, bucket: str, seconds: int
) -> None:
    """C05, F07: an order limit of one pair stops neither other pairs nor reads."""
    step = answered(bench, place(1, bench.now_ns), answer)
    assert step.pauses == (Pause(bucket, bench.now_ns + seconds * SECOND),)


def test_a_read_that_is_too_many_rests_the_reads(bench: VenueBench) -> None:
    from athena.trading.live import QueryAccount

    (time,) = bench.adapter.carry_out(QueryAccount(0, is_urgent=False), bench.now_ns).calls
    (orders,) = bench.adapter.answered(time, body({"unixtime": 1}), bench.now_ns).calls
    step = bench.adapter.answered(orders, body(None, "EAPI:Rate limit exceeded"), bench.now_ns)
    assert step.pauses == (Pause("rest", bench.now_ns + 15 * SECOND),)


def test_an_alert_is_none_of_the_venues_business(bench: VenueBench) -> None:
    alert = Alert(Urgency.URGENT, "halt", "look", bench.now_ns)
    step = bench.adapter.carry_out(alert, bench.now_ns)
    assert (step.calls, step.messages, step.events) == ((), (), ())
    assert step.wants_stream


def test_no_call_shows_its_fields(bench: VenueBench) -> None:
    assert client_id(1) not in repr(call_for(bench, place(1, bench.now_ns)))


# The self-test


def test_the_self_test_asks_the_smallest_order_of_each_instrument(bench: VenueBench) -> None:
    first, second = bench.adapter.self_test_calls(bench.now_ns)
    assert (first.fields["volume"], first.fields["price"]) == ("0.0001", "50000")
    assert (second.fields["pair"], second.fields["volume"]) == ("XRPUSD", "10")
    assert {first.fields["validate"], second.fields["validate"]} == {"true"}
    assert first.fields["cl_ord_id"] != second.fields["cl_ord_id"]


def test_the_self_test_meets_a_smallest_value() -> None:
    dear = replace(instruments()[BTC], min_notional=instruments()[BTC].min_quantity * 100_000)
    from athena.venues.exchange import Exchange, Listing
    from tests.venue_bench import START, settings

    exchange = Exchange([Listing(dear)], settings(), now_ns=START)
    exchange.trade("BTC/USD", dear.ticks_to_price(3_000_000), dear.lot)
    bench = VenueBench(KrakenAdapter([dear], tier=Tier.PRO), exchange)
    bench.start()
    (call,) = bench.adapter.self_test_calls(bench.now_ns)
    assert call.fields["volume"] == "0.00033334"  # 10 USD at 30,000, rounded up
    assert bench.adapter.read_self_test(bench.make_calls((call,))[0]) == ""


def test_a_self_test_waits_for_rules_and_prices() -> None:
    bench = VenueBench()
    assert bench.adapter.self_test_calls(bench.now_ns) == ()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (body({"descr": {"order": "buy"}}), ""),
        (body(None, "EOrder:Insufficient funds"), ""),
        (body(ADDED), "was placed"),
        (body(None, "EGeneral:Permission denied"), "EGeneral:Permission denied"),
        (body(None, "EService:Unavailable"), "EService:Unavailable"),
        (HttpAnswer(502, b""), "HTTP 502"),
        (CallFailed(is_sent=False, reason="refused"), "refused"),
    ],
)
def test_a_self_test_passes_or_says_why_not(
    bench: VenueBench, answer: HttpAnswer | CallFailed, words: str
) -> None:
    """D05: the self-test order."""
    found = bench.adapter.read_self_test(answer)
    assert words in found
    assert bool(found) is bool(words)


# The dead-man switch


def dead_man_bench() -> VenueBench:
    adapter = KrakenAdapter(instruments(), tier=Tier.PRO, wants_dead_man=True)
    bench = VenueBench(adapter)
    bench.start()
    return bench


def timeouts(bench: VenueBench) -> list[str]:
    return [c.fields["timeout"] for c in bench.calls if c.endpoint == "CancelAllOrdersAfter"]


def test_a_cancel_takes_back_a_placing_that_has_no_answer_yet(bench: VenueBench) -> None:
    """I10: it may still wait for the rate limit."""
    placing = call_for(bench, place(1, bench.now_ns))
    other = call_for(bench, cancel(2, bench.now_ns))
    taking = call_for(bench, cancel(1, bench.now_ns))
    assert (placing.withdraws, other.withdraws, taking.withdraws) == (0, 0, placing.id)
    (outcome,) = bench.adapter.answered(placing, WITHDRAWN, bench.now_ns).events
    assert isinstance(outcome, Answered)
    assert (outcome.request, outcome.result) == (Request.PLACE, Result.NOT_SENT)
    (outcome,) = bench.adapter.answered(taking, WITHDRAWN, bench.now_ns).events
    assert isinstance(outcome, Answered)
    assert (outcome.request, outcome.result) == (Request.CANCEL, Result.NOT_SENT)
    assert call_for(bench, cancel(1, bench.now_ns)).withdraws == 0


def test_the_switch_is_off_unless_it_is_asked_for(bench: VenueBench) -> None:
    bench.run(60)
    assert timeouts(bench) == []


def test_the_switch_is_renewed_every_twenty_seconds() -> None:
    bench = dead_man_bench()
    bench.run(61)
    assert timeouts(bench) == ["60"] * 4
    bench.do(place(1, bench.now_ns))
    bench.run(1)
    bench.now_ns += 61 * SECOND  # we are gone
    bench.exchange.advance(bench.now_ns)
    bench._deliver()
    assert bench.wait_for(OrderSeen, lambda e: e.state is OrderState.CANCELLED)


def test_the_switch_is_taken_back_before_a_stop_and_stays_off_while_it_rests() -> None:
    """The dead-man switch would cancel the stop: protections survive us."""
    bench = dead_man_bench()
    bench.run(2)
    bench.do(place(1, bench.now_ns, **STOP))
    sent = [call.endpoint for call in bench.calls[-2:]]
    assert sent == ["CancelAllOrdersAfter", "AddOrder"]
    assert timeouts(bench) == ["60", "0"]
    bench.run(100)
    assert timeouts(bench) == ["60", "0"]
    view = bench.account()
    assert [order.state for order in view.orders] == [OrderState.OPEN]
    bench.do(cancel(1, bench.now_ns))
    bench.run(2)
    assert timeouts(bench) == ["60", "0", "60"]
    armed, off = "the dead-man switch is armed", "the dead-man switch is off while a stop rests"
    assert [alert.text.partition(":")[0] for alert in bench.alerts] == [armed, off, armed]


def test_a_switch_that_could_not_be_taken_back_is_tried_again() -> None:
    bench = dead_man_bench()
    bench.run(2)
    bench.fail = lambda call, _: (
        CallFailed(is_sent=True, reason="time-out")
        if call.endpoint == "CancelAllOrdersAfter"
        else None
    )
    bench.do(place(1, bench.now_ns, **STOP))
    bench.run(3)
    assert timeouts(bench) == ["60", "0", "0", "0", "0"]
    bench.fail = lambda _, __: None
    bench.run(5)
    assert timeouts(bench) == ["60", "0", "0", "0", "0", "0"]


def test_a_stop_that_was_refused_does_not_hold_the_switch() -> None:
    bench = dead_man_bench()
    bench.run(2)
    bench.do(place(1, bench.now_ns, **(STOP | {"lots": 1})))
    assert bench.all(Answered)[-1].result is Result.REFUSED
    bench.run(2)
    assert timeouts(bench) == ["60", "0", "60"]


def test_a_stop_that_already_rests_keeps_the_switch_off() -> None:
    """After a restart the orders are known before the switch is touched."""
    first = VenueBench()
    first.start()
    first.do(place(1, first.now_ns, **STOP))
    first.run(1)
    adapter = KrakenAdapter(instruments(), tier=Tier.PRO, wants_dead_man=True)
    second = VenueBench(adapter, first.exchange)
    second.now_ns = first.now_ns
    second.start()
    second.run(60)
    assert timeouts(second) == []
