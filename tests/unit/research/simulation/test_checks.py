"""The checks themselves: what they see at the venue, and what they accuse (I6, I10, I11)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from athena.domain import MINUTE_NS, SECOND_NS, OrderType, Side
from athena.research.simulation._limits import busy_limits, drawn_limits
from athena.research.simulation._scene import Scene
from athena.research.simulation._stage import ACCOUNT
from athena.research.simulation._venue_book import Place, stamp_ns
from athena.research.simulation._world import World
from athena.trading import Command, Intent
from athena.trading import layout as at
from athena.trading.live import Operated, Wanted
from athena.venues.exchange import Status
from athena.venues.faults import FaultPlan

BTC = Place(0, 0)
LOTS = 10_000_000
SOLD = Decimal("0.04")


def buy(world: World) -> None:
    """Want 0.1 BTC at market with a stop 2 % below."""
    assert world.session is not None
    last = world.session.core.s.instruments[0, at.LAST]
    intent = Intent(side=Side.BUY, lots=LOTS, instrument=0, stop_ticks=last * 98 // 100)
    world.tell(Wanted(0, intent, world.heap.now_ns))


def bid(world: World) -> None:
    """Want 0.1 BTC one percent below the market."""
    assert world.session is not None
    limit = world.session.core.s.instruments[0, at.LAST] * 99 // 100
    intent = Intent(
        side=Side.BUY, lots=LOTS, instrument=0, type=OrderType.LIMIT,
        limit_ticks=limit, stop_ticks=limit * 98 // 100,
    )  # fmt: skip
    world.tell(Wanted(0, intent, world.heap.now_ns))


def kill(world: World) -> None:
    world.tell(Operated(Command.KILL, world.heap.now_ns, "operator", "test"))


def cancel_stops(world: World) -> None:
    """Cancel every stop past the desk, without a word to it."""
    account = world.exchange.account(ACCOUNT)
    for venue_id in list(account.working):
        world.exchange.private(ACCOUNT, "CancelOrder", {"txid": venue_id})
    world.exchange.take_messages()


def told(*script: tuple[float, object], lasts_ns: int = MINUTE_NS) -> World:
    """Return a world without faults after a story, its market quiet."""
    scene = Scene(
        seed=7, plan=FaultPlan(7), limits=busy_limits(), has_people=False,
        script=script, volatility_frac=0.0001, faulty_ns=lasts_ns, calm_ns=MINUTE_NS,
    )  # fmt: skip
    world = World(scene)
    world.run()
    return world


def test_a_position_is_what_the_desks_own_orders_filled() -> None:
    world = told((20.0, buy))
    world.checks.settled()
    assert world.checks.violations == []
    book = world.checks._book
    assert book.owned() == {BTC: LOTS}
    assert [(sent.is_stop, left) for sent, left in book.left_at_venue()] == [(True, LOTS)]
    assert world.checks.protection.uncovered() == {}
    assert world.checks.protection.unprotected_ns == 0


def test_a_stop_that_is_gone_is_seen_at_the_venue_and_not_in_the_books() -> None:
    """I11: the desk still believes in its stop."""
    world = told((20.0, buy))
    cancel_stops(world)
    assert world.session is not None
    assert not world.session.watch.has_gaps
    assert world.checks.protection.uncovered() == {BTC: LOTS}
    world.checks.settled()
    assert any(text.startswith("I11") for text in world.checks.violations)


def test_a_stop_over_more_than_is_held_is_too_much() -> None:
    """TR-10: never more than the position."""
    world = told((20.0, buy))
    book = world.checks._book
    book.held[BTC] = LOTS // 2
    assert [text.split()[-4:] for text in world.checks.protection.oversized()] == [
        ["0.05000000", "BTC", "too", "much"]
    ]


def test_time_beyond_two_seconds_is_counted_and_accused_where_the_line_is_whole() -> None:
    world = told((20.0, buy))
    cancel_stops(world)
    checks, heap = world.checks, world.heap
    for _ in range(6):
        heap.now_ns += SECOND_NS
        checks.look()
    assert checks.protection.unprotected_ns == 3 * SECOND_NS
    assert sum(text.startswith("I11") for text in checks.violations) == 1


def test_trouble_excuses_and_still_counts() -> None:
    world = told((20.0, buy))
    cancel_stops(world)
    checks, heap = world.checks, world.heap
    for _ in range(6):
        heap.now_ns += SECOND_NS
        world.network.trouble(heap.now_ns)
        checks.look()
    assert checks.protection.unprotected_ns == 3 * SECOND_NS
    assert checks.violations == []


def test_the_resting_sale_of_the_owner_locks_coins() -> None:
    world = told((20.0, buy))
    sale = {"pair": "XBTUSD", "type": "sell", "ordertype": "limit", "price": "50000.0"}
    world.by_hand({**sale, "volume": "0.1"})
    assert world.checks._book.locked() == {0}
    assert world.checks.protection.holdings() == {}


def test_coins_that_others_sold_are_excused_as_far_as_they_are_gone() -> None:
    world = told((20.0, buy), (30.0, lambda w: w.exchange.liquidate(ACCOUNT, "BTC/USD", SOLD)))
    world.checks.settled()
    assert world.checks.violations == []
    assert world.checks._book.gone[0] == 4_000_000
    assert world.checks._book.owned() == {BTC: LOTS - 4_000_000}


def test_a_kill_leaves_neither_entries_nor_positions() -> None:
    """I10."""
    world = told((20.0, buy), (21.0, bid), (26.0, kill))
    world.checks.settled()
    assert world.checks.violations == []
    orders = world.exchange.account(ACCOUNT).orders.values()
    assert sum(order[-1].status is Status.CANCELED for order in orders) >= 1
    assert world.checks.protection.holdings() == {}


def test_an_approval_beyond_a_limit_is_a_breach() -> None:
    """I6: the oracle judges by sums of its own."""
    world = told((20.0, buy))
    session = world.session
    assert session is not None
    sent = next(sent for sent in world.checks._book.sent.values() if sent.is_buy)
    oracle = world.checks._limits
    deadline_ns = world.heap.now_ns + 5 * SECOND_NS
    later = replace(sent, client_id="0" * 32, number=99, lots=100 * LOTS, deadline_ns=deadline_ns)
    oracle.sent(later)
    intent = Intent(side=Side.BUY, lots=LOTS, instrument=0, stop_ticks=sent.ticks * 98 // 100)
    found = {text.split(":")[0] for text in oracle.approved(session, 0, intent, 99)}
    assert {"position", "gross", "net", "order cap", "risk per trade", "cash"} <= found


def test_half_of_the_seeds_have_tight_limits() -> None:
    usual = busy_limits()
    n_tight = sum((drawn_limits(seed) != usual).any() for seed in range(200))
    assert 70 < n_tight < 130


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1970-01-01T00:00:01.500Z", 1_500_000_000), ("1970-01-01T00:00:00.000Z", 0)],
)
def test_a_deadline_is_read_as_kraken_writes_it(text: str, expected: int) -> None:
    assert stamp_ns(text) == expected
