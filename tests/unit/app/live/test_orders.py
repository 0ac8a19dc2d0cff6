"""A person's orders and plans, from the request to what the session does with it (TR-28)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from athena.app.live import (
    ORDERING,
    Request,
    RequestState,
    Role,
    Verb,
    Wish,
    ordered_answer,
    to_ordered,
)
from athena.domain import MINUTE_NS, Book, OrderType, Purpose, Side, TimeInForce
from athena.errors import InputError
from athena.trading import StrategySlot
from athena.trading.algorithms import Measure, PlanKind, RebalanceRules
from athena.trading.live import PlaceOrder, PlanRules, PlanStarted, PlanStopped, Wanted
from tests.core_builder import MONEY
from tests.session_builder import PRICE, Desk, buy, only

if TYPE_CHECKING:
    from athena.app.live import Answer

SLOTS = [
    StrategySlot("trend", share_ppm=500_000),
    StrategySlot("manual"),
    StrategySlot("core", Book.CORE),
]
BUY = {"symbol": "BTC/USDT", "side": "buy"}


@pytest.fixture
def desk() -> Desk:
    found = Desk(strategies=list(SLOTS), rules=PlanRules())
    found.wait(2)
    found.tell(found.account())
    found.wait(1)
    return found


def request(verb: Verb, request_id: str = "4f2a", **arguments: str) -> Request:
    wish = Wish("s1", verb, "because", arguments)
    return Request(
        id=request_id,
        wish=wish,
        operator="ann",
        role=Role.TRADER,
        asked_ns=0,
        expires_ns=None,
        state=RequestState.PENDING,
        answer="",
        answered_ns=None,
        state_before={},
        state_after={},
    )


def do(desk: Desk, asked: Request) -> tuple[Answer, list[PlaceOrder]]:
    """Do what the engine does with a request."""
    event = to_ordered(asked, desk.session, desk.now_ns)
    placed = only(PlaceOrder, desk.tell(event))
    return ordered_answer(event, desk.session), placed


def test_only_what_takes_risk_away_stands_until_it_is_read() -> None:
    own = {Verb.REBALANCE, Verb.SKIP_REBALANCE, Verb.PURCHASE}
    assert frozenset({Verb.ORDER, Verb.PLAN, Verb.PLAN_STOP} | own) == ORDERING
    assert [request(verb).wish.stands for verb in (Verb.ORDER, Verb.PLAN, Verb.PLAN_STOP)] == [
        False,
        False,
        True,
    ]
    assert {request(verb).wish.role for verb in ORDERING - own} == {Role.TRADER}


# --- orders -------------------------------------------------------------------------------------


def test_a_market_order_goes_to_the_slot_of_people(desk: Desk) -> None:
    said, (order,) = do(desk, request(Verb.ORDER, **BUY, quantity="0.5"))
    assert said.is_executed
    assert said.text == f"order {order.number}: buy 0.5 BTC"
    assert (order.side, order.type, order.lots) == (Side.BUY, OrderType.MARKET, 50_000_000)
    desk.answer(order)
    desk.fill(order, order.lots)
    assert desk.session.core.s.positions[1, 0] == 50_000_000


def test_every_price_and_option_arrives_exactly(desk: Desk) -> None:
    """C12."""
    asked = request(
        Verb.ORDER,
        **BUY,
        type="limit",
        quantity="0.12345678",
        limit="44999.99",
        stop="44000.01",
        target="47000.5",
        time_in_force="ioc",
        post_only="true",
    )
    event = to_ordered(asked, desk.session, desk.now_ns)
    assert isinstance(event, Wanted)
    intent = event.intent
    assert (intent.lots, intent.limit_ticks) == (12_345_678, 4_499_999)
    assert (intent.stop_ticks, intent.target_ticks) == (4_400_001, 4_700_050)
    assert (intent.time_in_force, intent.post_only) == (TimeInForce.IOC, True)
    assert event.correlation_id == "4f2a"


def test_money_buys_as_much_as_it_pays_for(desk: Desk) -> None:
    _, (order,) = do(desk, request(Verb.ORDER, **BUY, quote_amount="4500"))
    assert order.lots == 10_000_000


def test_a_sale_closes_and_never_goes_beyond_the_holding(desk: Desk) -> None:
    (entry,) = desk.want(buy(30_000_000), strategy=1)
    desk.fill(entry, entry.lots)
    sale = request(Verb.ORDER, symbol="BTC/USDT", side="sell", quantity="1")
    said, (order,) = do(desk, sale)
    assert order.lots == 30_000_000
    assert order.is_reduce_only
    assert said.text.endswith("the risk engine allows no more, 1 BTC was asked for")


def test_the_same_request_twice_is_one_order(desk: Desk) -> None:
    """An engine that was killed between doing and answering finds the request again."""
    asked = request(Verb.ORDER, **BUY, quantity="0.5")
    do(desk, asked)
    desk.restart()
    desk.wait(2)
    said, placed = do(desk, asked)
    assert placed == []
    assert said.is_executed
    assert "already" in said.text


def test_an_order_above_the_cap_is_denied_with_its_code_or_shrunk() -> None:
    """TR-28: a person's order is judged like any other."""
    desk = Desk(strategies=list(SLOTS), is_open=False)
    desk.wait(2)
    desk.tell(desk.account())
    desk.wait(1)
    said, placed = do(desk, request(Verb.ORDER, **BUY, quantity="1"))
    assert (said.is_executed, placed) == (False, [])
    assert said.text == (
        "the risk engine denied it (stop_missing): No stop was given and no volatility is known "
        "to derive one."
    )
    stop = str((Decimal(PRICE) * Decimal("0.98") / 100).quantize(Decimal("0.01")))
    said, (order,) = do(desk, request(Verb.ORDER, "5a", **BUY, quantity="1", stop=stop))
    assert order.lots < 100_000_000
    assert "allows no more" in said.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbol": "DOGE/USDT"}, "expected one of BTC/USDT"),
        ({"side": "up"}, "for Side"),
        ({"quantity": "0"}, "quantity > 0"),
        ({"quantity": "0.123456789"}, "0.123456789"),
        ({"quantity": "a lot"}, "a lot"),
        ({"slot": "holdings"}, "expected a slot of trend, manual, core"),
        ({"slot": "external"}, "expected a slot of trend, manual, core"),
        ({"type": "limit", "limit": "-1"}, "limit_price > 0"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    desk: Desk, changes: dict[str, str], words: str
) -> None:
    asked = request(Verb.ORDER, **(BUY | {"quantity": "1"} | changes))
    with pytest.raises(InputError, match=words):
        to_ordered(asked, desk.session, desk.now_ns)


# --- plans --------------------------------------------------------------------------------------


def test_a_twap_has_the_id_of_its_request_and_is_begun_once(desk: Desk) -> None:
    asked = request(Verb.PLAN, **BUY, kind="twap", quantity="1", slices="4", window="20m")
    said, _ = do(desk, asked)
    assert said.text == "plan 4f2a: buy 1 BTC in 4 orders, one every 5m (TWAP)"
    plan = desk.session.plans.running["4f2a"].plan
    assert (plan.kind, plan.strategy, plan.order.purpose) == (PlanKind.TWAP, 1, Purpose.MANUAL)
    assert plan.parts == (25_000_000,) * 4
    again, _ = do(desk, asked)
    assert again.is_executed
    assert list(desk.session.plans.running) == ["4f2a"]


def test_a_dca_is_money_for_the_core_book(desk: Desk) -> None:
    """C19."""
    do(desk, request(Verb.PLAN, **BUY, kind="dca", quote_amount="1000.01", every="1h"))
    plan = desk.session.plans.running["4f2a"].plan
    assert (plan.strategy, plan.measure, plan.order.purpose) == (2, Measure.MONEY, Purpose.DCA)
    assert plan.total == 100_001 * MONEY // 100
    assert plan.interval_ns == 60 * MINUTE_NS


def test_a_vwap_follows_the_profile_and_without_one_says_what_it_is(desk: Desk) -> None:
    do(desk, request(Verb.PLAN, **BUY, kind="vwap", quantity="1", profile="1, 2,1"))
    assert desk.session.plans.running["4f2a"].plan.parts == (25_000_000, 50_000_000, 25_000_000)
    said, _ = do(desk, request(Verb.PLAN, "5b", **BUY, kind="vwap", quantity="1"))
    assert "TWAP instead of VWAP" in said.text


def test_slices_below_the_least_order_become_fewer(desk: Desk) -> None:
    said, _ = do(desk, request(Verb.PLAN, **BUY, kind="twap", quantity="0.0005", slices="10"))
    assert "5 slices instead of 10" in said.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "rebalance"}, "twap, vwap or dca"),
        ({"kind": "magic"}, "for PlanKind"),
        ({"window": "30s"}, "a minute apart"),
        ({"window": "90d"}, "30 days"),
        ({"slices": "0"}, "a minute apart"),
        ({"slices": "501"}, "slices"),
        ({"slices": "-1"}, "slices"),
        ({"kind": "vwap", "profile": "1,x"}, "volume"),
        ({"kind": "dca"}, "amount in quote currency"),
        ({"quantity": "0.00001"}, "total of at least"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_words(
    desk: Desk, changes: dict[str, str], words: str
) -> None:
    asked = request(Verb.PLAN, **(BUY | {"kind": "twap", "quantity": "1"} | changes))
    with pytest.raises(InputError, match=words):
        to_ordered(asked, desk.session, desk.now_ns)


def test_a_plan_is_stopped_by_the_beginning_of_its_id(desk: Desk) -> None:
    do(desk, request(Verb.PLAN, "4f2a", **BUY, kind="twap", quantity="1"))
    event = to_ordered(request(Verb.PLAN_STOP, plan="4f"), desk.session, desk.now_ns)
    assert event == PlanStopped("4f2a", desk.now_ns, "ann", "because")
    do(desk, request(Verb.PLAN_STOP, plan="4f"))
    desk.wait(1)
    assert not desk.session.plans.running


def test_an_id_that_is_none_or_not_the_only_one_is_refused(desk: Desk) -> None:
    for plan in ("4f2a", "4f2b"):
        do(desk, request(Verb.PLAN, plan, **BUY, kind="twap", quantity="1"))
    for wanted in ("", "zz", "4f2"):
        with pytest.raises(InputError, match="a plan that runs"):
            to_ordered(request(Verb.PLAN_STOP, plan=wanted), desk.session, desk.now_ns)


def test_a_plan_too_many_is_answered_as_rejected(desk: Desk) -> None:
    arguments = {**BUY, "kind": "twap", "quantity": "1"}
    answers = [do(desk, request(Verb.PLAN, f"p{k}", **arguments))[0] for k in range(33)]
    assert [said.is_executed for said in answers] == [*[True] * 32, False]
    assert answers[-1].text == "the plan was not begun: 32 plans run, stop one first"
    assert isinstance(
        to_ordered(request(Verb.PLAN, "p99", **arguments), desk.session, 0), PlanStarted
    )


# --- what goes on by itself ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "arguments", "words"),
    [
        (Verb.REBALANCE, {}, "a session that rebalances"),
        (Verb.SKIP_REBALANCE, {}, "a session that rebalances"),
        (Verb.PURCHASE, {"asset": "BTC"}, "a session that keeps bags"),
    ],
)
def test_what_the_session_does_not_do_cannot_be_forced(
    desk: Desk, verb: Verb, arguments: dict[str, str], words: str
) -> None:
    assert verb in ORDERING
    with pytest.raises(InputError, match=words):
        to_ordered(request(verb, **arguments), desk.session, desk.now_ns)


def test_only_an_admin_forces_a_rebalance_or_a_purchase() -> None:
    """C20, section 12."""
    for verb in (Verb.REBALANCE, Verb.SKIP_REBALANCE, Verb.PURCHASE):
        assert Wish("s1", verb, "because").role is Role.ADMIN


def test_a_forced_rebalance_is_answered_in_words() -> None:
    rules = PlanRules(rebalance=RebalanceRules(2, (30_000,)))
    found = Desk(strategies=list(SLOTS), rules=rules)
    found.wait(2)
    said, _ = do(found, request(Verb.REBALANCE))
    assert said.is_executed
    assert "the weights are looked at now" in said.text
    skipped, _ = do(found, request(Verb.SKIP_REBALANCE, "5b"))
    assert "no rebalance before" in skipped.text
