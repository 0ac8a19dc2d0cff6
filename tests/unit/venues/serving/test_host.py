"""The host of a served exchange: time, trades, and faults of the exchange itself."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.domain import MINUTE_NS, SECOND_NS
from athena.errors import CoreError, InputError
from athena.platform import VirtualClock
from athena.venues.exchange import Exchange
from athena.venues.faults import NO_FAULTS, ExchangeEvent, Fault, FaultPlan, strike
from athena.venues.serving import Feed, Host, ServedState, read_state, write_state
from tests.venue_server import START_NS, host_of, market_of

if TYPE_CHECKING:
    from pathlib import Path

    from athena.venues.serving import MarketTrade

MARKET = "btc-usd-30m (0123456789abcdef)"


class Desk:
    """A host whose clock the test moves."""

    def __init__(
        self, trades: list[MarketTrade] | None = None, plan: FaultPlan = NO_FAULTS
    ) -> None:
        self.clock = VirtualClock(START_NS)
        self.host = host_of(trades or [], plan, clock=self.clock)
        self.host.advance()

    def until(self, at_ns: int) -> None:
        self.clock.set(at_ns)
        self.host.advance()

    def ask(self, endpoint: str, **fields: str) -> Any:
        body = json.loads(self.host.private("key", endpoint, fields))
        assert body["error"] == []
        return body["result"]

    def place(self, **fields: str) -> str:
        order = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "0.1"}
        (order_id,) = self.ask("AddOrder", **order | fields)["txid"]
        return str(order_id)


def switched(fault: Fault) -> tuple[FaultPlan, ExchangeEvent, ExchangeEvent]:
    """Return a plan that switches one fault, and its first on and off."""
    plan = FaultPlan(seed=0, rates={fault: 1.0})
    on, off = plan.exchange_events(START_NS + 2 * MINUTE_NS, START_NS + 4 * MINUTE_NS)[:2]
    assert on.is_on
    assert not off.is_on
    return plan, on, off


def test_trades_happen_at_their_time() -> None:
    desk = Desk(market_of("50100", "50200", "50300", step_ns=MINUTE_NS))
    prices = []
    for minutes in range(4):
        desk.until(START_NS + minutes * MINUTE_NS)
        ticker = json.loads(desk.host.public("Ticker", {"pair": "XBTUSD"}))["result"]
        prices.append(Decimal(ticker["XXBTZUSD"]["c"][0]))
    assert prices == [50100, 50200, 50300, 50300]
    assert desk.host.feed.is_over


def test_a_clock_jump_moves_the_exchanges_clock_and_goes_back() -> None:
    """F14."""
    plan, on, off = switched(Fault.CLOCK_JUMP)
    desk = Desk(plan=plan)

    def error_s() -> int:
        said = json.loads(desk.host.public("Time", {}))["result"]["unixtime"]
        return int(said) - desk.clock.now_ns() // SECOND_NS

    desk.until(on.at_ns - 1)
    assert error_s() == 0
    desk.until(on.at_ns)
    assert abs(error_s() - on.amount / SECOND_NS) <= 1
    desk.until(off.at_ns)
    assert error_s() == 0


def test_a_stale_snapshot_hides_what_is_new() -> None:
    """F10."""
    plan, on, off = switched(Fault.STALE_SNAPSHOT)
    desk = Desk(plan=plan)
    desk.until(on.at_ns)
    order_id = desk.place(price="40000")
    assert order_id not in desk.ask("OpenOrders")["open"]
    desk.until(off.at_ns)
    assert order_id in desk.ask("OpenOrders")["open"]


def test_a_short_history_forgets_the_oldest() -> None:
    """F11."""
    plan, on, off = switched(Fault.SHORT_HISTORY)
    desk = Desk(plan=plan)
    for _ in range(6):
        desk.ask("CancelOrder", txid=desk.place(price="40000"))
    assert desk.ask("ClosedOrders")["count"] == 6
    desk.until(on.at_ns)
    assert desk.ask("ClosedOrders")["count"] == on.amount
    assert len(desk.ask("ClosedOrders")["closed"]) == on.amount < 6
    desk.until(off.at_ns)
    assert desk.ask("ClosedOrders")["count"] == 6


def test_a_cancelled_order_fills_once_more() -> None:
    """F06."""
    plan, on, _ = switched(Fault.FILL_AFTER_CANCEL)
    offset_ns = on.at_ns - START_NS + SECOND_NS
    trades = market_of("50000", "40000", step_ns=offset_ns)
    filled = {}
    for is_faulty, chosen in ((True, plan), (False, NO_FAULTS)):
        desk = Desk(trades, chosen)
        desk.until(on.at_ns)
        order_id = desk.place(price="45000")
        assert desk.ask("CancelOrder", txid=order_id) == {"count": 1}
        desk.until(on.at_ns + 2 * SECOND_NS)
        (shown,) = desk.ask("QueryOrders", txid=order_id).values()
        assert shown["status"] == "canceled"
        filled[is_faulty] = Decimal(shown["vol_exec"])
    assert filled[True] > 0
    assert filled[False] == 0


def test_fees_are_rounded_otherwise_for_a_while() -> None:
    """F13."""
    plan, on, off = switched(Fault.ROUNDING_SURPRISE)
    desk = Desk(market_of("50000.01"), plan)

    def fee() -> Decimal:
        order_id = desk.place(ordertype="market", volume="0.00012345")
        trades = desk.ask("TradesHistory")["trades"].values()
        (found,) = [Decimal(item["fee"]) for item in trades if item["ordertxid"] == order_id]
        return found

    assert fee() % Decimal("0.0001") != 0
    desk.until(on.at_ns)
    assert fee() % Decimal("0.0001") == 0
    desk.until(off.at_ns)
    assert fee() % Decimal("0.0001") != 0


def test_no_new_connection_is_taken_while_the_name_is_not_found() -> None:
    """F20; whoever speaks to the exchange already is answered."""
    plan, on, off = switched(Fault.NAME_RESOLUTION)
    desk = Desk(plan=plan)
    seen = []
    for moment in (on.at_ns - 1, on.at_ns, off.at_ns):
        desk.until(moment)
        seen.append(desk.host.is_unreachable)
        assert desk.ask("Balance")
    assert seen == [False, True, False]


def test_the_venue_sells_by_force_and_the_account_shows_it() -> None:
    """F12."""
    plan = FaultPlan(seed=0, rates={Fault.VENUE_LIQUIDATION: 1.0})
    desk = Desk(plan=plan)
    before = Decimal(desk.ask("Balance")["XXBT"])
    event = plan.exchange_events(START_NS, START_NS + 2 * MINUTE_NS)[0]
    desk.until(event.at_ns)
    (trade,) = desk.ask("TradesHistory")["trades"].values()
    (order,) = desk.ask("QueryOrders", txid=trade["ordertxid"]).values()
    assert trade["type"] == "sell"
    assert "cl_ord_id" not in order
    assert Decimal(order["vol"]) == (before * event.amount / 1_000_000).quantize(
        Decimal("1e-8"), "ROUND_DOWN"
    )


def test_nobody_holds_anything_nothing_is_sold() -> None:
    """F12: before the first account there is no victim."""
    exchange = host_of().exchange
    before = exchange.save()
    strike(exchange, ExchangeEvent(START_NS, Fault.VENUE_LIQUIDATION, is_on=True))
    assert exchange.save() == before


def test_a_fault_that_is_none_of_the_exchanges_is_a_bug() -> None:
    with pytest.raises(CoreError, match="expected a fault of an exchange, was late"):
        strike(host_of().exchange, ExchangeEvent(START_NS, Fault.LATE, is_on=True))


def test_a_new_host_switches_off_what_an_older_plan_left_on() -> None:
    """F14: with the plan its end is gone too."""
    plan, on, _ = switched(Fault.CLOCK_JUMP)
    desk = Desk(plan=plan)
    desk.until(on.at_ns)
    exchange = Exchange.restore(desk.host.exchange.save())
    healed = Host(exchange, Feed(iter(()), START_NS), desk.clock, NO_FAULTS)
    said = json.loads(healed.public("Time", {}))["result"]["unixtime"]
    assert said == desk.clock.now_ns() // SECOND_NS


def test_a_restored_exchange_goes_on_where_it_stopped(tmp_path: Path) -> None:
    trades = market_of("50100", "50200", "50300", "50400", step_ns=MINUTE_NS)
    desk = Desk(trades)
    desk.until(START_NS + MINUTE_NS)
    order_id = desk.place(price="40000")
    file = tmp_path / "state.json"
    write_state(ServedState(desk.host.exchange.save(), MARKET, desk.host.feed.origin_ns), file)

    saved = read_state(file, MARKET)
    assert saved is not None
    exchange = Exchange.restore(saved.exchange)
    feed = Feed(iter(trades), saved.origin_ns, after_ns=exchange.now_ns)
    again = Host(exchange, feed, desk.clock, NO_FAULTS)
    desk.clock.set(START_NS + 3 * MINUTE_NS)
    desk.until(START_NS + 3 * MINUTE_NS)
    again.advance()
    assert again.exchange.save() == desk.host.exchange.save()
    assert order_id in json.loads(again.private("key", "OpenOrders", {}))["result"]["open"]


def test_a_state_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    assert read_state(file, MARKET) is None
    write_state(ServedState("{}", "xrp-usd-30m (ff)", 0), file)
    with pytest.raises(InputError, match=r"to go with btc-usd-30m .* was xrp-usd-30m"):
        read_state(file, MARKET)
    for text in ("", "[]", "{}", '{"format": 2, "exchange": "", "market": "", "origin_ns": 0}'):
        file.write_text(text)
        with pytest.raises(InputError, match="expected the state of a served exchange"):
            read_state(file, MARKET)
