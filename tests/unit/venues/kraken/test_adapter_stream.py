"""What the stream says becomes events; what it hides, garbles or forgets is found out."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.domain import OrderState, OrderType, Side
from athena.trading.live import (
    NOT_TRADED,
    AccountSeen,
    FillSeen,
    OrderSeen,
    Outage,
    PriceSeen,
    QueryAccount,
    StreamAlive,
    StreamChanged,
    TransferSeen,
)
from athena.venues import CallFailed, HttpAnswer
from athena.venues.kraken._adapter_link import Backoff
from athena.venues.kraken._adapter_orders import MAX_REMEMBERED, OrderMemory
from tests.kraken_messages import EXECUTION, LEDGER_ENTRY, changed, stream, without
from tests.venue_bench import SECOND, START, VenueBench, client_id, place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.trading.live import Event

TICKER = {
    "symbol": "BTC/USD", "bid": 50000.0, "bid_qty": 1, "ask": 50001.0, "ask_qty": 1,
    "last": 50000.0, "volume": 1, "vwap": 50000, "low": 49000.0, "high": 51000.0,
    "change": 0, "change_pct": 0,
}  # fmt: skip
NEW = {
    "order_id": "ONEW11-AAAAA-BBBBBB",
    "cl_ord_id": "0123456789abcdef0123456789abcdef",
    "exec_type": "pending_new",
    "order_status": "pending_new",
    "symbol": "BTC/USD",
    "side": "sell",
    "order_type": "stop-loss-limit",
    "order_qty": 0.02,
    "limit_price": 48900.5,
    "triggers": {"price": 49000.25, "price_type": "static", "status": "untriggered"},
    "timestamp": "2026-11-20T12:00:00.500000Z",
}
PATCH = {
    "order_id": NEW["order_id"],
    "exec_type": "new",
    "order_status": "new",
    "timestamp": "2026-11-20T12:00:00.600000Z",
}


@pytest.fixture
def bench() -> VenueBench:
    """Return a bench whose exchange says nothing of its own from here on."""
    bench = VenueBench()
    bench.start()
    bench.is_deaf = True
    return bench


class Talk:
    """Say messages of a channel, numbered as Kraken does."""

    def __init__(self, bench: VenueBench) -> None:
        self.bench = bench
        self.sequences = {"executions": 1, "balances": 1}

    def __call__(self, channel: str, *data: Mapping[str, Any]) -> list[Event]:
        if channel not in self.sequences:
            message = {"channel": channel, "type": "update", "data": list(data)}
            return self.text(json.dumps(message))
        self.sequences[channel] += 1
        return self.text(stream(channel, list(data), sequence=self.sequences[channel]).decode())

    def text(self, text: str) -> list[Event]:
        n_before = len(self.bench.events)
        self.bench._take(self.bench.adapter.heard(text, self.bench.now_ns))
        return [
            event for event in self.bench.events[n_before:] if not isinstance(event, StreamAlive)
        ]


@pytest.fixture
def say(bench: VenueBench) -> Talk:
    return Talk(bench)


def test_an_update_keeps_what_it_leaves_out(say: Talk) -> None:
    (first,) = say("executions", NEW)
    (second,) = say("executions", PATCH)
    assert isinstance(first, OrderSeen)
    assert isinstance(second, OrderSeen)
    assert (first.type, first.trigger_ticks, first.limit_ticks) == (
        OrderType.STOP_LIMIT, 4_900_025, 4_890_050,
    )  # fmt: skip
    assert (second.type, second.trigger_ticks, second.lots) == (first.type, 4_900_025, 2_000_000)
    assert (second.client_id, second.side) == (first.client_id, Side.SELL)
    assert second.ts_ns - second.opened_ns == SECOND // 10


def test_an_amended_order_changes_what_the_update_says(say: Talk) -> None:
    say("executions", NEW)
    moved = {"exec_type": "amended", "order_qty": 0.01, "triggers": {"price": 49500}}
    (event,) = say("executions", PATCH | moved)
    assert isinstance(event, OrderSeen)
    assert (event.lots, event.trigger_ticks, event.limit_ticks) == (
        1_000_000,
        4_950_000,
        4_890_050,
    )


def test_a_triggered_order_stays_triggered(say: Talk) -> None:
    say("executions", NEW)
    fired = {"exec_type": "status", "triggers": {"price": 49000.25, "status": "triggered"}}
    (event,) = say("executions", PATCH | fired)
    (later,) = say("executions", PATCH | {"exec_type": "restated"})
    assert isinstance(event, OrderSeen)
    assert isinstance(later, OrderSeen)
    assert event.state is later.state is OrderState.TRIGGERED


def test_a_change_of_an_order_never_seen_is_dropped_and_the_account_read(
    bench: VenueBench, say: Talk
) -> None:
    bench.account()
    (event,) = say("executions", PATCH)
    assert isinstance(event, Outage)
    assert "expected the whole order ONEW11-AAAAA-BBBBBB first" in event.reason
    bench.run(1.1)
    assert len(bench.all(AccountSeen)) == 2


def test_a_fill_comes_before_its_order_and_once(say: Talk) -> None:
    """F03: the same message twice is one."""
    fill, order = say("executions", EXECUTION)
    assert isinstance(fill, FillSeen)
    assert isinstance(order, OrderSeen)
    assert (fill.trade_id, fill.lots, fill.price_ticks) == (
        "TIB6NP-KBJUZ-YCYVR7", 500_000, 2_659_990,
    )  # fmt: skip
    assert fill.fee_units == 34_580_000
    assert order.filled_lots == 500_000
    say.sequences["executions"] -= 1
    assert say("executions", EXECUTION) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"fees": [{"asset": "KFEE", "qty": 1}]},
            "fee of TIB6NP-KBJUZ-YCYVR7 in USD or BTC, was in KFEE",
        ),
        ({"fees": [{"asset": "USD", "qty": -0.1}]}, "fee of 0 or more"),
        ({"last_price": 26599.901}, "multiple of 0.01"),
        ({"last_qty": "0.005000000001"}, "multiple of 1E-8"),
        ({"cost": 100}, "a cost near"),
        ({"order_status": "unheard of"}, "order_status"),
    ],
)
def test_a_fill_that_cannot_be_booked_exactly_is_dropped_in_words(
    say: Talk, changes: dict[str, Any], words: str
) -> None:
    (event,) = say("executions", changed(EXECUTION, **changes))
    assert isinstance(event, Outage)
    assert event.has_failed
    assert words in event.reason


@pytest.mark.parametrize(("fee", "lots"), [("0.0001", 10_000), ("0.000000011", 2)])
def test_a_fee_in_coins_is_said_in_lots_rounded_up(say: Talk, fee: str, lots: int) -> None:
    fill, _ = say("executions", changed(EXECUTION, fees=[{"asset": "BTC", "qty": fee}]))
    assert isinstance(fill, FillSeen)
    assert (fill.fee_lots, fill.fee_units) == (lots, 0)


def test_a_fee_finer_than_our_money_is_rounded_up(say: Talk) -> None:
    fill, _ = say("executions", changed(EXECUTION, fees=[{"asset": "USD", "qty": "0.000000011"}]))
    assert isinstance(fill, FillSeen)
    assert fill.fee_units == 2


def test_an_order_in_another_pair_is_shown_and_its_fill_is_a_movement_of_money(
    say: Talk,
) -> None:
    (order,) = say("executions", changed(EXECUTION, symbol="ETH/EUR"))
    assert isinstance(order, OrderSeen)
    assert (order.instrument, order.lots, order.filled_lots) == (NOT_TRADED, 0, 0)
    (moved,) = say("balances", changed(LEDGER_ENTRY, ref_id="TIB6NP-KBJUZ-YCYVR7"))
    assert isinstance(moved, TransferSeen)
    assert (moved.currency, moved.amount) == ("USD", Decimal("-12.75"))
    assert say("balances", LEDGER_ENTRY) == []


@pytest.mark.parametrize(
    ("changes", "amounts"),
    [
        ({"type": "deposit", "amount": 5}, [Decimal("4.75")]),
        ({"type": "withdrawal"}, [Decimal("-12.75")]),
        ({"type": "adjustment"}, [Decimal("-12.75")]),
        ({"type": "deposit", "wallet_type": "earn"}, []),
        ({"type": "trade"}, []),
    ],
)
def test_money_that_moves_without_an_order_is_a_transfer(
    say: Talk, changes: dict[str, Any], amounts: list[Decimal]
) -> None:
    events = say("balances", changed(LEDGER_ENTRY, **changes))
    assert [event.amount for event in events if isinstance(event, TransferSeen)] == amounts


def test_a_price_has_the_extremes_that_the_day_reveals(say: Talk) -> None:
    say("ticker", TICKER)
    rose, fell, quiet = (
        say("ticker", TICKER | {"last": 50100.0, "high": 51500.0})[0],
        say("ticker", TICKER | {"last": 50050.0, "high": 51500.0, "low": 48000.0})[0],
        say("ticker", TICKER | {"last": 50060.0, "high": 51400.0, "low": 48100.0})[0],
    )
    assert isinstance(rose, PriceSeen)
    assert isinstance(fell, PriceSeen)
    assert isinstance(quiet, PriceSeen)
    assert (rose.last, rose.high, rose.low) == (5_010_000, 5_150_000, 5_010_000)
    assert (fell.last, fell.high, fell.low) == (5_005_000, 5_005_000, 4_800_000)
    assert (quiet.high, quiet.low) == (5_006_000, 5_006_000)


def test_a_price_held_up_on_its_way_keeps_the_venues_time(say: Talk) -> None:
    """F04: a late message is no fresh price."""
    (late,) = say("ticker", TICKER | {"timestamp": "2026-11-20T11:58:00.000000Z"})
    assert isinstance(late, PriceSeen)
    assert late.ts_ns == START - 120 * SECOND
    (undated,) = say("ticker", TICKER)
    assert isinstance(undated, PriceSeen)
    assert undated.ts_ns == say.bench.now_ns


def test_a_price_of_something_else_or_off_the_grid_is_none(say: Talk) -> None:
    assert say("ticker", TICKER | {"symbol": "ETH/EUR"}) == []
    (event,) = say("ticker", TICKER | {"last": 50000.001})
    assert isinstance(event, Outage)


def test_a_day_without_a_trade_has_no_low(say: Talk) -> None:
    say("ticker", TICKER)
    (event,) = say("ticker", TICKER | {"low": 0, "high": 51000})
    assert isinstance(event, PriceSeen)
    assert event.low == 5_000_000


def test_rules_that_change_while_we_trade_are_said(say: Talk) -> None:
    pair = {
        "symbol": "BTC/USD", "base": "BTC", "quote": "USD", "status": "online",
        "price_precision": 2, "qty_precision": 8, "price_increment": 0.01,
        "qty_increment": 1e-8, "qty_min": 0.0001, "cost_min": "0",
    }  # fmt: skip

    def tell(**changes: object) -> list[Event]:
        data = {"assets": [], "pairs": [changed(pair, **changes)]}
        message = {"channel": "instrument", "type": "update", "data": data}
        return say.text(json.dumps(message))

    assert tell() == []
    assert tell(symbol="ETH/EUR", price_increment=5) == []
    for changes, words in (
        ({"status": "cancel_only"}, "online"),
        ({"price_increment": 0.1}, "tick 0.01 of BTC/USD"),
    ):
        (event,) = tell(**changes)
        assert isinstance(event, Outage)
        assert words in event.reason


@pytest.mark.parametrize("text", ["<html>", "{", "[]", '{"channel": "executions"}', "\ud800"])
def test_a_text_that_cannot_be_read_is_dropped_and_the_account_is_read(
    bench: VenueBench, say: Talk, text: str
) -> None:
    bench.account()
    (event,) = say.text(text)
    assert isinstance(event, Outage)
    assert event.has_failed
    bench.run(1.1)
    assert len(bench.all(AccountSeen)) == 2
    bench.run(5)
    assert len(bench.all(AccountSeen)) == 2  # once for what was dropped


def test_the_venue_that_closes_says_so(say: Talk) -> None:
    status = '{"channel":"status","type":"update","data":[{"system":"maintenance"}]}'
    (event,) = say.text(status)
    assert isinstance(event, Outage)
    assert "maintenance" in event.reason
    (again,) = say.text(status.replace("maintenance", "online"))
    assert isinstance(again, Outage)
    assert not again.has_failed


def test_heartbeats_and_pongs_say_nothing_but_life(say: Talk) -> None:
    assert say.text('{"channel":"heartbeat"}') == []
    assert say.text('{"method":"pong","time_in":"x","time_out":"y"}') == []


# The connection


def test_a_gap_brings_the_stream_down_and_up_again(bench: VenueBench) -> None:
    bench.is_deaf = False
    bench.do(place(1, bench.now_ns))
    text = stream("executions", [NEW], sequence=99).decode()
    bench._take(bench.adapter.heard(text, bench.now_ns))
    down = bench.all(StreamChanged)[-1]
    assert (down.is_up, down.reason) == (False, "messages of executions were missed")
    n_before = len(bench.all(OrderSeen))
    bench.run(3)
    assert bench.all(StreamChanged)[-1].is_up
    assert client_id(1) in {order.client_id for order in bench.all(OrderSeen)[n_before:]}


def test_what_comes_twice_or_before_its_snapshot_is_noticed() -> None:
    """F03, F05: a doubled confirmation and snapshot say nothing; an overtaken one is a gap."""
    bench = VenueBench()
    bench.is_deaf = True
    bench._take(bench.adapter.begin(bench.now_ns))
    confirmation = '{"method":"subscribe","success":true,"result":{"channel":"executions"}}'
    snapshot = stream("executions", [NEW], kind="snapshot", sequence=1).decode()
    for text in (confirmation, confirmation, snapshot, snapshot):
        bench._take(bench.adapter.heard(text, bench.now_ns))
    assert len(bench.all(StreamChanged)) == len(bench.all(OrderSeen)) == 1
    say = Talk(bench)
    (event,) = say("executions", PATCH)
    assert isinstance(event, OrderSeen)
    say.sequences["balances"] = 1
    (down,) = say("balances", LEDGER_ENTRY)
    assert isinstance(down, StreamChanged)
    assert not down.is_up


@pytest.mark.parametrize("channel", ["executions", "balances"])
def test_a_gap_in_any_counted_channel_is_found(bench: VenueBench, say: Talk, channel: str) -> None:
    say.sequences[channel] += 1
    entry = NEW if channel == "executions" else LEDGER_ENTRY
    (event,) = say(channel, entry)
    assert event == StreamChanged(
        is_up=False, ts_ns=bench.now_ns, reason=f"messages of {channel} were missed"
    )


def test_a_socket_that_says_nothing_is_given_up_after_ten_seconds(bench: VenueBench) -> None:
    """F09: half open; its clean twin hears a heartbeat every second."""
    bench.run(9)
    assert all(event.is_up for event in bench.all(StreamChanged))
    bench.run(2)
    down = bench.all(StreamChanged)[-1]
    assert (down.is_up, down.reason) == (False, "nothing was heard for 10 s")
    bench.is_deaf = False
    bench.run(5)
    assert bench.all(StreamChanged)[-1].is_up
    bench.run(30)
    assert bench.all(StreamChanged)[-1].is_up


def test_a_clock_that_is_set_back_kills_no_stream_and_stops_no_try(bench: VenueBench) -> None:
    """F14."""
    bench.is_deaf = False
    bench.run(2)
    adapter = bench.adapter
    before_ns = bench.now_ns
    assert adapter.tick(before_ns - 3_600 * SECOND).wants_stream
    adapter.stream_lost("cut", before_ns)
    step = adapter.tick(before_ns - 3_600 * SECOND)
    assert [call.endpoint for call in step.calls] == ["GetWebSocketsToken"]


def test_a_subscription_that_is_refused_is_tried_again_with_a_new_token() -> None:
    bench = VenueBench()
    refusal = '{"method":"subscribe","success":false,"error":"ESession:Invalid session"}'
    bench.is_deaf = True
    bench._take(bench.adapter.begin(bench.now_ns))
    step = bench.adapter.heard(refusal, bench.now_ns)
    assert not step.wants_stream
    assert any(
        "ESession:Invalid session" in event.reason
        for event in step.events
        if isinstance(event, Outage)
    )
    bench._take(step)
    bench.is_deaf = False
    bench.run(3)
    assert bench.all(StreamChanged)[-1].is_up
    assert [call.endpoint for call in bench.calls].count("GetWebSocketsToken") == 2


def test_orders_that_are_not_confirmed_in_time_mean_another_connection() -> None:
    bench = VenueBench()
    bench.is_deaf = True
    bench._take(bench.adapter.begin(bench.now_ns))
    for _ in range(11):
        bench.run(1)
        bench._take(bench.adapter.heard('{"channel":"heartbeat"}', bench.now_ns))
    reasons = [event.reason for event in bench.all(Outage) if event.has_failed]
    assert any("were not confirmed within 10 s" in reason for reason in reasons)
    assert not bench.all(StreamChanged)


def test_what_a_lost_connection_still_says_is_not_heard(bench: VenueBench, say: Talk) -> None:
    bench._take(bench.adapter.stream_lost("cut", bench.now_ns))
    assert say("executions", EXECUTION) == []
    n_changes = len(bench.all(StreamChanged))
    bench._take(bench.adapter.stream_lost("cut again", bench.now_ns))
    assert len(bench.all(StreamChanged)) == n_changes


def test_each_connection_gets_a_token_of_its_own_and_no_step_shows_it(bench: VenueBench) -> None:
    """C23: the token is a secret."""
    token = "canary-token-0123456789"  # noqa: S105  # planted
    body = json.dumps({"error": [], "result": {"token": token, "expires": 900}}).encode()
    adapter = bench.adapter
    adapter.stream_lost("cut", bench.now_ns)
    step = adapter.tick(bench.now_ns + 2 * SECOND)
    (call,) = step.calls
    adapter.answered(call, HttpAnswer(200, body), bench.now_ns)
    opened = adapter.stream_opened(bench.now_ns)
    assert [token in text for text in opened.messages] == [True, True, False, False]
    assert token not in repr(opened)


def test_a_failed_token_is_asked_for_again(bench: VenueBench) -> None:
    bench.is_deaf = False
    bench.fail = lambda call, _: (
        CallFailed(is_sent=False, reason="refused")
        if call.endpoint == "GetWebSocketsToken"
        else None
    )
    bench.break_stream()
    bench.run(10)
    assert not bench.all(StreamChanged)[-1].is_up
    bench.fail = lambda _, __: None
    bench.run(15)
    assert bench.all(StreamChanged)[-1].is_up


def test_waits_double_to_a_minute_and_are_spread_by_seed() -> None:
    def waits(seed: int) -> list[int]:
        backoff = Backoff(seed, "stream")
        found = []
        for _ in range(9):
            backoff.wait(START)
            found.append(next(s for s in range(100) if backoff.is_over(START + s * SECOND)))
        return found

    first, second = waits(0), waits(1)
    assert first == waits(0) != second
    for found in (first, second):
        for number, wait in enumerate(found):
            assert min(60, 2**number) <= wait <= min(60, 2**number) * 1.5 + 1


def test_an_early_snapshot_brings_no_ended_order_back_to_life(bench: VenueBench) -> None:
    """F10: an answer older than the stream is remembered as what it is."""
    bench.is_deaf = False
    bench.do(place(1, bench.now_ns, type=OrderType.MARKET, limit_ticks=0))
    bench.run(0.2)
    order = next(o for o in bench.all(OrderSeen) if o.state is OrderState.FILLED)
    memory = bench.adapter._memory
    assert order.venue_id not in memory.working
    bench.exchange.set_snapshot_lag(SECOND)
    bench.do(QueryAccount(START, is_urgent=False))
    assert order.venue_id not in memory.working
    assert memory.client_id(order.venue_id) == client_id(1)


def test_the_memory_is_bounded() -> None:
    memory = OrderMemory()
    for number in range(MAX_REMEMBERED + 5):
        memory.note_id(f"O{number}", f"{number:032x}")
        memory.note_foreign_fill(f"T{number}")
    assert memory.client_id("O4") == ""
    assert memory.client_id("O5") != ""
    assert not memory.is_foreign_fill("T4")
    assert memory.is_foreign_fill(f"T{MAX_REMEMBERED + 4}")


def test_a_field_that_is_missing_is_named(say: Talk) -> None:
    (event,) = say("executions", without(EXECUTION, "last_qty"))
    assert isinstance(event, Outage)
    assert "executions.data[0].last_qty" in event.reason
