"""The account is read whole or said to be incomplete, however much it moves meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.domain import OrderState, OrderType, Side
from athena.trading.live import AccountSeen, FillSeen, Outage, QueryAccount
from athena.venues import HttpAnswer
from athena.venues.kraken._adapter_account import AccountReading
from athena.venues.kraken._adapter_orders import OrderMemory
from athena.venues.kraken._markets import Markets
from athena.venues.limits import Priority
from tests.kraken_messages import ORDER, TRADE, changed, result
from tests.venue_bench import SECOND, START, VenueBench, client_id, instruments, place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athena.venues import Call

T0 = 1_700_000_000
SINCE = T0 * SECOND
FILL_TIME = T0 + 5
DEPOSIT = {
    "refid": "QGB", "time": FILL_TIME, "type": "deposit", "aclass": "currency",
    "asset": "ZUSD", "amount": "12.50", "fee": "0.25", "balance": "12.25",
}  # fmt: skip
BARE = Markets.of(instruments())
MARKETS = replace(BARE, indexes={**BARE.indexes, "XXBTZUSD": 0, "XXRPZUSD": 1})
EMPTY: dict[str, dict[str, Any]] = {
    "Time": {"unixtime": T0 + 60},
    "OpenOrders": {"open": {}},
    "ClosedOrders": {"closed": {}, "count": 0},
    "TradesHistory": {"trades": {}, "count": 0},
    "Ledgers": {"ledger": {}, "count": 0},
    "Balance": {"ZUSD": "10.0000", "XXBT": "0.5000000000"},
}


def closed_order(**changes: object) -> dict[str, Any]:
    ended = {
        "status": "closed", "closetm": FILL_TIME, "vol_exec": "1.25000000",
        "cost": "46875.00000", "price": "37500.0",
    }  # fmt: skip
    return changed(ORDER, **(ended | changes))


def fill(**changes: object) -> dict[str, Any]:
    return changed(TRADE, time=FILL_TIME, **changes)


class Venue:
    """Answers by endpoint: one answer for ever, or a list of them, one after the other."""

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, Any] = EMPTY | answers
        self.asked: list[tuple[str, dict[str, str]]] = []

    def read(self, since_ns: int = SINCE, memory: OrderMemory | None = None) -> AccountSeen:
        reading = AccountReading(
            QueryAccount(since_ns, is_urgent=True),
            SINCE + 60 * SECOND,
            MARKETS,
            memory or OrderMemory(),
        )
        while (question := reading.question()) is not None:
            self.asked.append((question.endpoint, dict(question.fields)))
            answer = self.answers[question.endpoint]
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            reading.take(result(answer, question.endpoint))
        return reading.seen()

    def offsets(self, endpoint: str) -> list[str]:
        return [fields["ofs"] for name, fields in self.asked if name == endpoint]


def page(ids: Iterable[int], count: int) -> dict[str, Any]:
    return {"trades": {f"T{number}": fill() for number in ids}, "count": count}


def test_an_empty_account_is_whole() -> None:
    view = Venue().read()
    assert view.is_complete
    assert (view.asked_ns, view.venue_ns) == (SINCE + 60 * SECOND, SINCE + 60 * SECOND)
    assert view.balances == {"USD": Decimal("10.0000"), "BTC": Decimal("0.5000000000")}


def test_the_time_asked_is_included_and_closed_orders_go_by_when_they_closed() -> None:
    venue = Venue()
    venue.read()
    asked = dict(venue.asked)
    assert asked["ClosedOrders"] == {"start": str(T0 - 1), "closetime": "close", "ofs": "0"}
    assert asked["TradesHistory"]["start"] == asked["Ledgers"]["start"] == str(T0 - 1)


def test_pages_are_read_to_the_end() -> None:
    venue = Venue(TradesHistory=[page(range(50), 120), page(range(50, 100), 120),
                                 page(range(100, 120), 120)])  # fmt: skip
    view = venue.read()
    assert view.is_complete
    assert len(view.fills) == 120
    assert venue.offsets("TradesHistory") == ["0", "50", "100"]


def test_a_list_that_grows_while_it_is_read_is_read_again() -> None:
    """One more fill pushes the last of page one onto page two: none is lost, none counts twice."""
    grown = [page(range(1, 51), 60), page(range(50, 61), 61)]
    settled = [page(range(50), 61), page(range(50, 61), 61)]
    venue = Venue(TradesHistory=grown + settled)
    view = venue.read()
    assert view.is_complete
    assert len({seen.trade_id for seen in view.fills}) == 61
    assert venue.offsets("TradesHistory") == ["0", "50", "0", "50"]


def test_an_entry_that_is_shown_twice_for_another_is_noticed() -> None:
    """The count stands still but a page repeats: something was shifted out of sight."""
    shifted = [page(range(50), 60), page(range(49, 59), 60)]
    whole = [page(range(50), 60), page(range(50, 60), 60)]
    view = Venue(TradesHistory=shifted + whole).read()
    assert view.is_complete
    assert len(view.fills) == 60


def test_a_list_that_never_stands_still_is_incomplete() -> None:
    always = [page(range(50), n) for pair in ((60, 61), (62, 63), (64, 65)) for n in pair]
    venue = Venue(TradesHistory=always)
    view = venue.read()
    assert not view.is_complete
    assert "a list that stays as it is while it is read of TradesHistory" in view.reason
    assert len(venue.offsets("TradesHistory")) == 6
    assert not view.balances  # it never came to them


def test_a_list_that_counts_more_than_it_shows_is_incomplete() -> None:
    """F11, where the count tells: the planted fault of the test of pages."""
    view = Venue(TradesHistory=[page(range(50), 60), page((), 60)]).read()
    assert not view.is_complete
    assert "entries, three times" in view.reason


def test_too_long_a_time_is_refused_in_words() -> None:
    view = Venue(Ledgers={"ledger": {}, "count": 10_001}).read()
    assert not view.is_complete
    assert "at most 10000 entries of Ledgers, was 10001" in view.reason


def test_an_order_that_ends_between_two_questions_is_shown_ended() -> None:
    view = Venue(
        OpenOrders={"open": {"OABC": ORDER}},
        ClosedOrders={"closed": {"OABC": closed_order()}, "count": 1},
    ).read()
    assert [order.state for order in view.orders] == [OrderState.FILLED]


def test_an_order_shows_what_it_asks() -> None:
    stop = changed(
        ORDER["descr"], ordertype="stop-loss-limit", type="sell", price="36000.5",
        price2="35990.25",
    )  # fmt: skip
    (order,) = Venue(
        OpenOrders={"open": {"OABC": changed(ORDER, descr=stop, misc="stopped", vol_exec="0",
                                             cost="0", price="0")}},
    ).read().orders  # fmt: skip
    assert (order.type, order.side, order.state) == (
        OrderType.STOP_LIMIT, Side.SELL, OrderState.TRIGGERED,
    )  # fmt: skip
    assert (order.trigger_ticks, order.limit_ticks) == (3_600_050, 3_599_025)
    assert (order.lots, order.opened_ns) == (125_000_000, 1_700_000_000_123_400_000)


def test_fills_carry_our_id_from_their_order_or_from_memory() -> None:
    known = {"OQCLML": "a" * 32, "OLDER1": "b" * 32}
    memory = OrderMemory()
    memory.note_id("OLDER1", known["OLDER1"])
    view = Venue(
        ClosedOrders={"closed": {"OQCLML": closed_order(cl_ord_id=known["OQCLML"])}, "count": 1},
        TradesHistory={
            "trades": {
                "T1": fill(ordertxid="OQCLML"),
                "T2": fill(ordertxid="OLDER1"),
                "T3": fill(ordertxid="OALIEN"),
            },
            "count": 3,
        },
    ).read(memory=memory)
    assert {seen.trade_id: seen.client_id for seen in view.fills} == {
        "T1": "a" * 32, "T2": "b" * 32, "T3": "",
    }  # fmt: skip


def test_everything_is_told_oldest_first() -> None:
    trades = {f"T{n}": fill() | {"time": FILL_TIME + n} for n in (3, 1, 2)}
    view = Venue(TradesHistory={"trades": trades, "count": 3}).read()
    assert [seen.trade_id for seen in view.fills] == ["T1", "T2", "T3"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"price": "30010.00100"}, "multiple of 0.01"),
        ({"maker": "yes"}, "true or false"),
        ({"cost": "1.00"}, "a cost near"),
        ({"fee": "-0.1"}, "fee of 0 or more"),
    ],
)
def test_a_fill_that_cannot_be_booked_makes_the_view_incomplete(
    changes: dict[str, Any], words: str
) -> None:
    view = Venue(TradesHistory={"trades": {"T1": fill(**changes)}, "count": 1}).read()
    assert not view.is_complete
    assert words in view.reason
    assert not view.fills


def test_a_fee_that_was_taken_in_coins_is_what_the_ledger_says() -> None:
    """Its clean twin, with `fciq`, is in the tests above; REST names no currency of a fee."""
    paid = DEPOSIT | {"type": "trade", "refid": "T1", "asset": "XXBT", "amount": "0.1"}
    view = Venue(
        ClosedOrders={
            "closed": {"OQCLML-BW3P3-BUCMWZ": closed_order(oflags="fcib")}, "count": 1,
        },
        TradesHistory={"trades": {"T1": fill()}, "count": 1},
        Ledgers={"ledger": {"L1": paid | {"fee": "0.0000260001"}}, "count": 1},
    ).read()  # fmt: skip
    assert view.is_complete
    (seen,) = view.fills
    assert (seen.fee_lots, seen.fee_units) == (2_601, 0)


def test_a_fee_in_coins_that_the_ledger_does_not_show_yet_makes_the_view_incomplete() -> None:
    view = Venue(
        ClosedOrders={
            "closed": {"OQCLML-BW3P3-BUCMWZ": closed_order(oflags="fcib")}, "count": 1,
        },
        TradesHistory={"trades": {"T1": fill()}, "count": 1},
    ).read()  # fmt: skip
    assert not view.is_complete
    assert "expected the fee of T1 in the ledger" in view.reason


def test_an_order_for_an_amount_of_money_has_no_lots() -> None:
    (order,) = Venue(
        OpenOrders={"open": {"OABC": changed(ORDER, oflags="viqc", vol="100", vol_exec="0",
                                             cost="0", price="0")}},
    ).read().orders  # fmt: skip
    assert (order.lots, order.filled_lots, order.is_for_amount) == (0, 0, True)


def test_only_what_no_fill_explains_is_a_transfer() -> None:
    ledger = {
        "L1": DEPOSIT,
        "L2": DEPOSIT | {"type": "trade", "refid": "T1"},
        "L3": DEPOSIT | {"type": "trade", "refid": "TFOREIGN"},
        "L4": DEPOSIT | {"type": "staking", "asset": "XXBT"},
    }
    view = Venue(
        TradesHistory={
            "trades": {"T1": fill(), "TFOREIGN": fill(pair="XETHZEUR")}, "count": 2,
        },
        Ledgers={"ledger": ledger, "count": 4},
    ).read()  # fmt: skip
    assert [seen.trade_id for seen in view.fills] == ["T1"]
    assert {(t.ledger_id, t.currency, t.amount) for t in view.transfers} == {
        ("L1", "USD", Decimal("12.25")),
        ("L3", "USD", Decimal("12.25")),
        ("L4", "BTC", Decimal("12.25")),
    }


def test_a_fill_is_not_lost_to_the_digits_that_rest_leaves_out() -> None:
    """The stream said .880255, REST says .8802: asked since then, it is still there."""
    trade = fill() | {"time": "1700000005.8802"}
    venue = Venue(TradesHistory={"trades": {"T1": trade}, "count": 1})
    assert len(venue.read(since_ns=1_700_000_005_880_255_000).fills) == 1
    venue = Venue(TradesHistory={"trades": {"T1": trade}, "count": 1})
    assert len(venue.read(since_ns=1_700_000_005_880_300_000).fills) == 0


# Through the adapter


def test_urgent_questions_go_before_others_and_history_costs_double() -> None:
    bench = VenueBench()
    bench.start()
    bench.do(QueryAccount(START, is_urgent=False))
    bench.do(QueryAccount(START, is_urgent=True))
    asked: list[Call] = bench.calls[-12:]
    assert {call.priority for call in asked[:6]} == {Priority.READ}
    assert {call.priority for call in asked[6:]} == {Priority.TRADE}
    costs = {call.endpoint: sum(c.points for c in call.charges if c.bucket == "rest")
             for call in asked}  # fmt: skip
    assert costs == {
        "Time": 0, "OpenOrders": 1, "ClosedOrders": 1, "TradesHistory": 2, "Ledgers": 2,
        "Balance": 1,
    }  # fmt: skip


def test_a_wish_that_comes_while_the_account_is_read_is_not_forgotten() -> None:
    bench = VenueBench()
    bench.start()
    step = bench.adapter.carry_out(QueryAccount(START + 5, is_urgent=False), bench.now_ns)
    bench.do(QueryAccount(START + 9, is_urgent=False))
    bench.do(QueryAccount(START + 1, is_urgent=True))
    assert not bench.all(AccountSeen)
    bench._take(step)
    assert [view.since_ns for view in bench.all(AccountSeen)] == [START + 5, START + 1]


def test_a_failed_answer_is_an_outage_and_ends_the_reading() -> None:
    """F08: 5xx."""
    bench = VenueBench()
    bench.start()
    bench.fail = lambda call, _: HttpAnswer(503, b"") if call.endpoint == "ClosedOrders" else None
    view = bench.account()
    assert (view.is_complete, view.venue_ns > 0) == (False, True)
    assert bench.all(Outage)[-1].has_failed
    assert bench.calls[-1].endpoint == "ClosedOrders"


def test_a_list_of_the_exchange_that_grows_between_pages_is_whole() -> None:
    """The same over the exchange: a fill arrives after the first page."""
    bench = VenueBench()
    bench.start()
    for number in range(1, 61):
        changes: dict[str, Any] = {"type": OrderType.MARKET, "limit_ticks": 0, "lots": 20_000}
        bench.do(place(number, bench.now_ns, **changes))
    bench.run(1)
    n_seen = 0

    def one_more(call: Call, _: bytes) -> None:
        nonlocal n_seen
        if call.endpoint == "TradesHistory" and n_seen == 0:
            n_seen = 1
            late = {"pair": "XBTUSD", "type": "buy", "ordertype": "market", "volume": "0.001"}
            answer = json.loads(bench.exchange.private("bench", "AddOrder", late))
            assert not answer["error"]
            bench.exchange.advance(bench.now_ns)

    bench.fail = one_more
    view = bench.account()
    assert view.is_complete, view.reason
    assert len({seen.trade_id for seen in view.fills}) == 61
    assert len(bench.all(FillSeen)) == 61
    ours = {seen.client_id for seen in view.fills}
    assert client_id(60) in ours
    assert "" in ours
