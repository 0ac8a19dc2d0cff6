"""One suite for every way to a venue: what an adapter promises the session (D09).

It runs over the local exchange in this process, in virtual time, and (marked `service`) over
real sockets against the served exchange.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from athena.domain import Liquidity, OrderState, OrderType, Side, TimeInForce
from athena.trading.live import (
    NOT_TRADED,
    AccountSeen,
    Answered,
    FillSeen,
    OrderSeen,
    Outage,
    PriceSeen,
    Request,
    Result,
    StreamAlive,
    StreamChanged,
    TransferSeen,
)
from athena.venues import CallFailed
from athena.venues.kraken import KRAKEN
from tests.venue_bench import (
    BTC,
    SECOND,
    XRP,
    VenueBench,
    amend,
    cancel,
    client_id,
    place,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPS = {
    OrderType.STOP: {"side": Side.SELL, "trigger_ticks": 4_900_000, "limit_ticks": 0},
    OrderType.STOP_LIMIT: {
        "side": Side.SELL, "trigger_ticks": 4_900_000, "limit_ticks": 4_890_000,
    },
    OrderType.TAKE_PROFIT: {"side": Side.SELL, "trigger_ticks": 5_100_000, "limit_ticks": 0},
    OrderType.TAKE_PROFIT_LIMIT: {
        "side": Side.SELL, "trigger_ticks": 5_100_000, "limit_ticks": 5_110_000,
    },
}  # fmt: skip


@pytest.fixture(params=["in process", pytest.param("sockets", marks=pytest.mark.service)])
def venue(request: pytest.FixtureRequest) -> Iterator[VenueBench]:
    """Return a venue whose stream is up."""
    if request.param == "sockets":
        pytest.importorskip("ccxt")
        pytest.importorskip("uvicorn")
        from tests.venue_sockets import SocketBench

        bench: VenueBench = SocketBench()
    else:
        bench = VenueBench()
    try:
        bench.start()
        yield bench
    finally:
        bench.close()


def answer(venue: VenueBench, number: int, request: Request = Request.PLACE) -> Answered:
    return venue.wait_for(
        Answered, lambda e: e.client_id == client_id(number) and e.request is request
    )


def seen(venue: VenueBench, number: int, *states: OrderState) -> OrderSeen:
    return venue.wait_for(
        OrderSeen, lambda e: e.client_id == client_id(number) and e.state in states
    )


def accepted(venue: VenueBench, number: int, **changes: object) -> OrderSeen:
    """Place an order and return it as the stream shows it."""
    venue.do(place(number, venue.now_ns, **changes))
    found = answer(venue, number)
    assert found.result is Result.ACCEPTED, found.reason
    venue.run(0.2)  # from the venue's desk to its book
    return seen(venue, number, OrderState.OPEN, OrderState.PARTIALLY_FILLED, OrderState.FILLED)


# Coming up


def test_the_stream_comes_up_after_rules_fees_and_time(venue: VenueBench) -> None:
    asked = [call.endpoint for call in venue.calls]
    assert asked[:4] == ["AssetPairs", "TradeVolume", "Time", "GetWebSocketsToken"]
    assert venue.all(StreamChanged)[0].is_up
    assert not [event for event in venue.all(Outage) if event.has_failed]


def test_the_fees_of_the_account_are_read(venue: VenueBench) -> None:
    fees = venue.adapter.fees
    assert fees is not None
    assert (fees.taker_bps["XXBTZUSD"], fees.maker_bps["XXBTZUSD"]) == (26, 16)


def test_the_venues_clock_is_compared_with_ours(venue: VenueBench) -> None:
    assert venue.adapter.venue_ahead_ns == 0


def test_every_instrument_has_a_price(venue: VenueBench) -> None:
    for index, ticks in ((BTC, 5_000_000), (XRP, 60_000)):
        price = venue.wait_for(PriceSeen, lambda e, index=index: e.instrument == index)  # type: ignore[misc]
        assert (price.last, price.high, price.low) == (ticks, ticks, ticks)


def test_a_new_price_carries_the_extremes_since_the_one_before(venue: VenueBench) -> None:
    venue.trade("BTC/USD", "50100")
    up = venue.wait_for(PriceSeen, lambda e: e.last == 5_010_000)
    assert (up.high, up.low) == (5_010_000, 5_010_000)
    venue.trade("BTC/USD", "49900")
    down = venue.wait_for(PriceSeen, lambda e: e.last == 4_990_000)
    assert (down.high, down.low) == (4_990_000, 4_990_000)


def test_the_stream_says_that_it_lives_once_a_second(venue: VenueBench) -> None:
    venue.run(3)
    times = [event.ts_ns for event in venue.all(StreamAlive)]
    assert len(times) >= 3
    assert all(b - a >= SECOND for a, b in pairwise(times))


def test_what_is_offered_is_stated(venue: VenueBench) -> None:
    assert venue.adapter.capabilities is KRAKEN
    assert OrderType.TRAILING_STOP not in KRAKEN.order_types
    assert KRAKEN.max_leverage == 1


# Orders


def test_a_market_order_fills_once_at_the_price_with_its_fee(venue: VenueBench) -> None:
    accepted(venue, 1, type=OrderType.MARKET, limit_ticks=0)
    seen(venue, 1, OrderState.FILLED)
    (fill,) = venue.all(FillSeen)
    assert (fill.client_id, fill.lots, fill.price_ticks) == (client_id(1), 1_000_000, 5_000_000)
    assert fill.fee_units == 130_000_000  # 26 bps of 500 USD
    assert (fill.side, fill.liquidity) == (Side.BUY, Liquidity.TAKER)


def test_the_fee_of_a_sale_is_in_quote_money(venue: VenueBench) -> None:
    accepted(venue, 1, type=OrderType.MARKET, limit_ticks=0, side=Side.SELL)
    seen(venue, 1, OrderState.FILLED)
    assert venue.all(FillSeen)[0].fee_units == 130_000_000
    assert venue.account().balances["BTC"] == Decimal("0.99")


def test_a_resting_limit_order_keeps_our_id_and_every_digit(venue: VenueBench) -> None:
    order = accepted(venue, 1, lots=1_234_567, limit_ticks=4_000_001)
    assert (order.lots, order.limit_ticks, order.filled_lots) == (1_234_567, 4_000_001, 0)
    assert (order.type, order.side, order.instrument) == (OrderType.LIMIT, Side.BUY, BTC)
    assert order.venue_id == answer(venue, 1).venue_id


def test_a_limit_order_that_is_reached_makes(venue: VenueBench) -> None:
    accepted(venue, 1)
    venue.trade("BTC/USD", "39999.99")
    fill = venue.wait_for(FillSeen)
    assert (fill.price_ticks, fill.liquidity) == (4_000_000, Liquidity.MAKER)
    assert fill.fee_units == 64_000_000  # 16 bps of 400 USD


def test_partial_fills_come_one_by_one_before_the_order_counts_them(venue: VenueBench) -> None:
    accepted(venue, 1, lots=3_000_000)
    venue.trade("BTC/USD", "39999.99", "0.01")
    seen(venue, 1, OrderState.PARTIALLY_FILLED)
    venue.trade("BTC/USD", "39999.98", "5")
    seen(venue, 1, OrderState.FILLED)
    assert [fill.lots for fill in venue.all(FillSeen)] == [1_000_000, 2_000_000]
    kinds = [type(e) for e in venue.events if isinstance(e, FillSeen | OrderSeen)]
    assert kinds.index(FillSeen) < len(kinds) - 1
    booked = 0
    for event in venue.events:
        if isinstance(event, FillSeen):
            booked += event.lots
        elif isinstance(event, OrderSeen):
            assert event.filled_lots <= booked


@pytest.mark.parametrize("kind", STOPS)
def test_a_trigger_order_rests_with_its_prices_in_place(
    venue: VenueBench, kind: OrderType
) -> None:
    """TR-11: the trigger is the trigger and the limit the limit."""
    prices = STOPS[kind]
    order = accepted(venue, 1, type=kind, **prices)
    assert (order.type, order.state) == (kind, OrderState.OPEN)
    assert order.trigger_ticks == prices["trigger_ticks"]
    assert order.limit_ticks == prices["limit_ticks"]
    (shown,) = venue.account().orders
    assert (shown.trigger_ticks, shown.limit_ticks) == (order.trigger_ticks, order.limit_ticks)


def test_a_stop_that_is_reached_sells_once(venue: VenueBench) -> None:
    """C07: one exchange sell exists, and the balance changes."""
    accepted(venue, 1, type=OrderType.STOP, **STOPS[OrderType.STOP])
    venue.trade("BTC/USD", "48900")
    seen(venue, 1, OrderState.FILLED)
    (fill,) = venue.all(FillSeen)
    assert (fill.side, fill.lots) == (Side.SELL, 1_000_000)
    assert venue.account().balances["BTC"] == Decimal("0.99")


def test_a_stop_limit_that_is_passed_over_stays_triggered(venue: VenueBench) -> None:
    accepted(venue, 1, type=OrderType.STOP_LIMIT, **STOPS[OrderType.STOP_LIMIT])
    venue.trade("BTC/USD", "48000")
    seen(venue, 1, OrderState.TRIGGERED)
    assert not venue.all(FillSeen)
    (shown,) = venue.account().orders
    assert shown.state is OrderState.TRIGGERED


def test_a_target_that_is_reached_sells(venue: VenueBench) -> None:
    accepted(venue, 1, type=OrderType.TAKE_PROFIT, **STOPS[OrderType.TAKE_PROFIT])
    venue.trade("BTC/USD", "51100")
    seen(venue, 1, OrderState.FILLED)
    assert venue.all(FillSeen)[0].price_ticks >= 5_100_000


def test_an_order_that_takes_now_or_never_leaves_nothing_behind(venue: VenueBench) -> None:
    venue.do(place(1, venue.now_ns, time_in_force=TimeInForce.IOC))
    seen(venue, 1, OrderState.CANCELLED, OrderState.EXPIRED)
    assert not venue.all(FillSeen)


def test_a_dated_order_ends_by_itself(venue: VenueBench) -> None:
    expires_ns = venue.now_ns + 2 * SECOND
    accepted(venue, 1, time_in_force=TimeInForce.GTD, expires_ns=expires_ns)
    assert seen(venue, 1, OrderState.EXPIRED).filled_lots == 0


def test_an_order_in_another_instrument_is_counted_in_its_own_lots(venue: VenueBench) -> None:
    order = accepted(venue, 1, instrument=XRP, lots=25, limit_ticks=50_001)
    assert (order.instrument, order.lots, order.limit_ticks) == (XRP, 25, 50_001)


# What is refused, and what is not known


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lots": 1_000_000_000}, "EOrder:Insufficient funds"),
        ({"lots": 10}, "minimum"),
        ({"limit_ticks": 5_100_000, "is_post_only": True}, "EOrder:Post only order"),
    ],
)
def test_what_the_venue_refuses_is_refused_with_its_code(
    venue: VenueBench, changes: dict[str, object], reason: str
) -> None:
    venue.do(place(1, venue.now_ns, **changes))
    found = venue.wait_for(
        Answered | OrderSeen,  # type: ignore[arg-type]
        lambda e: (
            getattr(e, "result", None) is Result.REFUSED
            or getattr(e, "state", None) is OrderState.CANCELLED
        ),
    )
    assert reason in found.reason
    assert not venue.all(FillSeen)


@pytest.mark.parametrize(
    "changes",
    [
        {"leverage": 2},
        {"time_in_force": TimeInForce.FOK},
        {"type": OrderType.TRAILING_STOP, "limit_ticks": 0, "trigger_ticks": 1},
        {"lots": 0},
        {"limit_ticks": 0},
        {"client_id": "not one of ours"},
    ],
)
def test_what_cannot_be_said_is_not_sent(venue: VenueBench, changes: dict[str, object]) -> None:
    """C14, C15: zero venue calls."""
    n_before = len(venue.calls)
    venue.do(place(1, venue.now_ns, **changes))
    (found,) = venue.all(Answered)
    assert found.result is Result.NOT_SENT
    assert "expected" in found.reason
    assert len(venue.calls) == n_before


def test_an_order_whose_time_is_over_is_not_sent(venue: VenueBench) -> None:
    venue.do(place(1, venue.now_ns, deadline_ns=venue.now_ns + SECOND // 10))
    assert answer(venue, 1).result is Result.NOT_SENT
    assert not venue.account().orders


def test_an_order_without_an_answer_is_unknown_and_found_in_the_account(
    venue: VenueBench,
) -> None:
    """F02, TR-23: accepted, the answer lost; the account shows it under our id."""
    venue.fail = lambda call, _: (
        CallFailed(is_sent=True, reason="time-out") if call.endpoint == "AddOrder" else None
    )
    venue.do(place(1, venue.now_ns))
    assert answer(venue, 1).result is Result.UNKNOWN
    (order,) = venue.account().orders
    assert (order.client_id, order.state) == (client_id(1), OrderState.OPEN)


def test_a_request_that_never_left_is_not_sent(venue: VenueBench) -> None:
    venue.fail = lambda call, _: (
        CallFailed(is_sent=False, reason="refused") if call.endpoint == "AddOrder" else None
    )
    venue.do(place(1, venue.now_ns))
    assert answer(venue, 1).result is Result.NOT_SENT
    assert venue.all(Outage)[-1].has_failed


# Cancel and amend


def test_a_cancelled_order_is_gone_from_stream_and_account(venue: VenueBench) -> None:
    accepted(venue, 1)
    venue.do(cancel(1, venue.now_ns))
    assert answer(venue, 1, Request.CANCEL).result is Result.ACCEPTED
    seen(venue, 1, OrderState.CANCELLED)
    (order,) = venue.account().orders
    assert order.state is OrderState.CANCELLED


def test_a_cancel_of_what_is_not_open_is_refused(venue: VenueBench) -> None:
    venue.do(cancel(9, venue.now_ns))
    found = answer(venue, 9, Request.CANCEL)
    assert found.result is Result.REFUSED
    assert "EOrder:Unknown order" in found.reason


def test_an_amended_stop_shows_its_new_level_and_size(venue: VenueBench) -> None:
    """C18: the new level is visible in the venue's open orders."""
    accepted(venue, 1, type=OrderType.STOP, **STOPS[OrderType.STOP])
    venue.do(amend(1, venue.now_ns, lots=500_000, trigger_ticks=4_950_000))
    assert answer(venue, 1, Request.AMEND).result is Result.ACCEPTED
    moved = venue.wait_for(OrderSeen, lambda e: e.trigger_ticks == 4_950_000)
    assert moved.lots == 500_000
    (order,) = venue.account().orders
    assert (order.trigger_ticks, order.lots) == (4_950_000, 500_000)


def test_an_amend_of_the_size_alone_leaves_the_trigger(venue: VenueBench) -> None:
    accepted(venue, 1, type=OrderType.STOP, **STOPS[OrderType.STOP])
    venue.do(amend(1, venue.now_ns, lots=400_000))
    order = venue.wait_for(OrderSeen, lambda e: e.lots == 400_000)
    assert order.trigger_ticks == 4_900_000


def test_an_amend_of_what_is_not_open_is_refused(venue: VenueBench) -> None:
    venue.do(amend(9, venue.now_ns, lots=400_000))
    found = answer(venue, 9, Request.AMEND)
    assert found.result is Result.REFUSED
    assert "EOrder:Unknown order" in found.reason


def test_a_cancel_after_a_partial_fill_keeps_the_fill(venue: VenueBench) -> None:
    accepted(venue, 1, lots=3_000_000)
    venue.trade("BTC/USD", "39999.99", "0.01")
    venue.wait_for(FillSeen)
    venue.do(cancel(1, venue.now_ns))
    order = seen(venue, 1, OrderState.CANCELLED)
    assert order.filled_lots == 1_000_000


# The account


def test_the_account_view_is_whole(venue: VenueBench) -> None:
    accepted(venue, 1)
    accepted(venue, 2, type=OrderType.MARKET, limit_ticks=0)
    seen(venue, 2, OrderState.FILLED)
    asked_ns = venue.now_ns
    view = venue.account()
    assert view.is_complete, view.reason
    assert {order.client_id: order.state for order in view.orders} == {
        client_id(1): OrderState.OPEN,
        client_id(2): OrderState.FILLED,
    }
    assert [(fill.client_id, fill.lots) for fill in view.fills] == [(client_id(2), 1_000_000)]
    assert view.balances["BTC"] == Decimal("1.01")
    assert view.balances["USD"] == Decimal("99498.70")  # reserved parts are still there
    assert asked_ns <= view.asked_ns
    assert 0 <= view.asked_ns - view.venue_ns < 2 * SECOND


def test_a_fill_is_the_same_in_stream_and_account(venue: VenueBench) -> None:
    accepted(venue, 1, type=OrderType.MARKET, limit_ticks=0)
    (heard,) = [venue.wait_for(FillSeen)]
    (read,) = venue.account().fills
    assert (read.trade_id, read.venue_id) == (heard.trade_id, heard.venue_id)
    assert (read.lots, read.price_ticks, read.fee_units) == (
        heard.lots, heard.price_ticks, heard.fee_units,
    )  # fmt: skip
    assert abs(read.ts_ns - heard.ts_ns) < 100_000


def test_the_venues_clock_comes_first_and_closed_orders_after_open_ones(
    venue: VenueBench,
) -> None:
    n_before = len(venue.calls)
    venue.account()
    assert [call.endpoint for call in venue.calls[n_before:]] == [
        "Time", "OpenOrders", "ClosedOrders", "TradesHistory", "Ledgers", "Balance",
    ]  # fmt: skip


def test_more_than_a_page_is_read_whole_and_once(venue: VenueBench) -> None:
    for number in range(1, 61):
        venue.do(place(number, venue.now_ns, type=OrderType.MARKET, limit_ticks=0, lots=20_000))
    venue.wait_for(FillSeen, lambda _: len(venue.all(FillSeen)) == 60)
    view = venue.account()
    assert view.is_complete, view.reason
    assert len(view.orders) == len(view.fills) == 60
    assert len({fill.trade_id for fill in view.fills}) == 60
    assert {fill.client_id for fill in view.fills} == {client_id(n) for n in range(1, 61)}


def test_what_lies_before_the_time_asked_is_left_out(venue: VenueBench) -> None:
    accepted(venue, 1, type=OrderType.MARKET, limit_ticks=0)
    seen(venue, 1, OrderState.FILLED)
    venue.run(1)
    view = venue.account(since_ns=venue.now_ns)
    assert view.is_complete
    assert (view.orders, view.fills, view.transfers) == ((), (), ())


def test_money_that_comes_is_a_transfer_in_stream_and_account(venue: VenueBench) -> None:
    venue.run(0.2)
    since_ns = venue.now_ns
    venue.run(0.2)
    venue.deposit("USD", "250.5")
    heard = venue.wait_for(TransferSeen)
    assert (heard.currency, heard.amount) == ("USD", Decimal("250.5"))
    (read,) = venue.account(since_ns).transfers
    assert (read.ledger_id, read.amount) == (heard.ledger_id, heard.amount)


def test_fills_move_money_without_being_transfers(venue: VenueBench) -> None:
    venue.run(0.2)
    since_ns = venue.now_ns
    accepted(venue, 1, type=OrderType.MARKET, limit_ticks=0)
    seen(venue, 1, OrderState.FILLED)
    assert not venue.account(since_ns).transfers
    assert not venue.all(TransferSeen)


def test_two_wishes_for_the_account_are_answered_one_after_the_other(venue: VenueBench) -> None:
    from athena.trading.live import QueryAccount

    early, late = venue.now_ns - 2 * SECOND, venue.now_ns - SECOND
    for since_ns in (late, late, early):
        venue.do(QueryAccount(since_ns, is_urgent=False))
    venue.wait_for(AccountSeen, lambda e: e.since_ns == early)
    assert all(view.is_complete for view in venue.all(AccountSeen))


def test_a_view_that_lacks_an_answer_is_not_whole(venue: VenueBench) -> None:
    """TR-24: no balance is made up."""
    accepted(venue, 1)
    venue.fail = lambda call, _: (
        CallFailed(is_sent=True, reason="time-out") if call.endpoint == "Balance" else None
    )
    view = venue.account()
    assert not view.is_complete
    assert "time-out" in view.reason
    assert not view.balances
    assert [order.client_id for order in view.orders] == [client_id(1)]


# The start-up self-test


def test_a_checked_order_is_not_placed(venue: VenueBench) -> None:
    venue.wait_for(PriceSeen, lambda e: e.instrument == XRP)
    calls = venue.adapter.self_test_calls(venue.now_ns)
    assert [call.fields["validate"] for call in calls] == ["true", "true"]
    assert [venue.adapter.read_self_test(found) for found in venue.make_calls(calls)] == ["", ""]
    view = venue.account()
    assert (view.orders, view.fills) == ((), ())


# The stream breaks


def test_a_broken_stream_comes_back_with_our_orders(venue: VenueBench) -> None:
    accepted(venue, 1)
    n_before = len(venue.all(OrderSeen))
    venue.break_stream()
    venue.wait_for(StreamChanged, lambda e: not e.is_up)
    venue.wait_for(StreamChanged, lambda e: e.is_up and e.ts_ns > venue.events[0].ts_ns)  # type: ignore[union-attr]
    venue.wait_for(OrderSeen, lambda _: len(venue.all(OrderSeen)) > n_before)
    again = venue.all(OrderSeen)[-1]
    assert (again.client_id, again.state, again.lots) == (
        client_id(1), OrderState.OPEN, 1_000_000,
    )  # fmt: skip
    assert [event.is_up for event in venue.all(StreamChanged)] == [True, False, True]


def test_an_order_of_somebody_else_is_shown_without_an_id_of_ours(venue: VenueBench) -> None:
    """C06: what is not ours is evidence too (F12)."""
    venue.liquidate("BTC/USD", "0.5")
    fill = venue.wait_for(FillSeen)
    assert (fill.client_id, fill.lots, fill.side) == ("", 50_000_000, Side.SELL)
    view = venue.account()
    assert [order.client_id for order in view.orders] == [""]
    assert [order.instrument for order in view.orders] != [NOT_TRADED]
