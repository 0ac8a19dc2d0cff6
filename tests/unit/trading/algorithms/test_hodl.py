"""Hodl bags: what is set aside, when it is bought, and that it is bought once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from athena.domain import DAY_NS, Book, DenialCode, OrderType, Purpose, Side
from athena.errors import InputError
from athena.trading import StrategySlot
from athena.trading.algorithms import (
    Asked,
    Bags,
    Buy,
    Ended,
    Filled,
    HodlAction,
    HodlAsset,
    HodlNews,
    HodlRules,
    Judged,
    Keep,
    Kept,
    ProfitRealised,
    PurchaseForced,
    SnapshotTaken,
    TakeSnapshot,
    dear_purchases,
    decode,
    default_assets,
    empty_bags,
    encode,
    hodl_after,
    hodl_due,
    set_aside_parts,
)
from tests.algorithm_cases import CENT, DOLLAR, SECOND, core_asked, core_filled
from tests.core_builder import BTC, DAY, NOON, Core

QUOTE, XRP, COIN = 0, 1, 2
RULES = HodlRules("hodl", 1, default_assets("USDT", 1, 0))


@dataclass
class Life:
    """Bags whose only memory is the journal."""

    rules: HodlRules = RULES
    news: list[HodlNews] = field(default_factory=lambda: [SnapshotTaken(NOON // DAY_NS)])
    n_orders: int = 0

    @property
    def state(self) -> Bags:
        state = empty_bags(self.rules)
        for item in self.news:
            state = hodl_after(self.rules, state, item)
        return state

    @property
    def pending(self) -> list[int]:
        return [bag.pending for bag in self.state.bags]

    def profit(self, dollars: int, ts_ns: int = NOON) -> None:
        self.news.append(ProfitRealised(dollars * DOLLAR, ts_ns))

    def due(self, now_ns: int = NOON, *, may_trade: bool = True) -> list[HodlAction]:
        return list(hodl_due(self.rules, self.state, now_ns, may_trade=may_trade))

    def buys(self, now_ns: int = NOON) -> list[Buy]:
        return [action for action in self.due(now_ns) if isinstance(action, Buy)]

    def ask(self, buy: Buy, now_ns: int = NOON, price: int = 100) -> None:
        self.n_orders += 1
        self.news += [
            Asked(buy.intent.key, buy.amount, now_ns, price),
            Judged(buy.intent.key, self.n_orders, 10),
        ]

    def end(self, spent: int, price: int = 100) -> None:
        if spent:
            self.news.append(Filled(self.n_orders, 10, price, spent))
        self.news.append(Ended(self.n_orders))


def test_a_profit_of_100_sets_aside_10_split_three_ways() -> None:
    """TR-20: 3.34 USDT, 3.33 XRP, 3.33 BTC."""
    life = Life()
    life.profit(100)
    assert life.pending == [334 * CENT, 333 * CENT, 333 * CENT]


@pytest.mark.parametrize("cents", [0, -1, -10_000, 99])
def test_a_loss_and_a_profit_below_a_dollar_set_nothing_aside(cents: int) -> None:
    """TR-20."""
    life = Life()
    life.news.append(ProfitRealised(cents * CENT, NOON))
    assert life.pending == [0, 0, 0]


def test_a_profit_of_one_dollar_does() -> None:
    life = Life()
    life.profit(1)
    assert sum(life.pending) == 10 * CENT


def test_one_profit_sets_aside_at_most_a_thousand() -> None:
    """TR-20: 12,000 gives 1,000."""
    life = Life()
    life.profit(12_000)
    assert sum(life.pending) == 1_000 * DOLLAR


def test_ten_profits_on_a_day_set_aside_at_most_five_thousand_and_the_next_day_more() -> None:
    """TR-20: 60,000 in ten events gives 5,000."""
    life = Life()
    for k in range(10):
        life.profit(6_000, NOON + k)
    assert sum(life.pending) == 5_000 * DOLLAR
    life.profit(6_000, NOON + DAY)
    assert sum(life.pending) == 5_600 * DOLLAR


def test_an_event_of_the_day_before_does_not_open_its_cap_again() -> None:
    life = Life()
    for k in range(10):
        life.profit(6_000, NOON + k)
    life.profit(6_000, NOON - DAY)
    assert sum(life.pending) == 5_000 * DOLLAR


def test_the_quote_is_kept_from_a_dollar_on() -> None:
    """2.90 gives 0.98 to the quote, 0.10 more 0.04: the assets get whole cents each time."""
    life = Life()
    life.profit(29)
    assert life.due() == []
    life.profit(1)
    assert life.due() == [Keep(102 * CENT)]
    life.news.append(Kept(102 * CENT))
    assert life.due() == []
    assert life.state.bags[QUOTE].spent == 102 * CENT


def test_an_asset_waits_for_its_threshold_and_is_then_bought_at_market() -> None:
    """BTC from 15, XRP from 25 dollars."""
    life = Life()
    life.profit(450)
    assert life.buys() == []  # 14.99
    life.profit(1)
    (buy,) = life.buys()
    assert buy.asset == COIN
    assert buy.amount == 1_502 * CENT
    intent = buy.intent
    assert (intent.side, intent.type, intent.purpose) == (Side.BUY, OrderType.MARKET, Purpose.HODL)
    assert (intent.instrument, intent.quote_amount) == (0, buy.amount)
    life.profit(300)
    assert {action.asset for action in life.buys()} == {XRP, COIN}


def test_asking_after_a_crash_gives_the_same_key() -> None:
    life = Life()
    life.profit(500)
    assert life.buys()[0].intent.key == life.buys(NOON + 5)[0].intent.key


def test_a_purchase_that_timed_out_is_not_asked_again_and_buys_once() -> None:
    """TR-20: the order's outcome is open, then its fill is found."""
    life = Life()
    life.profit(500)
    life.ask(life.buys()[0])
    assert life.buys(NOON + 10**6 * SECOND) == []
    life.end(1_666 * CENT)
    assert life.buys(NOON + 10**6 * SECOND) == []
    assert life.state.bags[COIN].lots == 10
    assert life.pending[COIN] == 0


def test_a_try_that_is_proven_absent_is_repeated_after_30_s_under_a_new_key() -> None:
    life = Life()
    life.profit(500)
    first = life.buys()[0]
    life.ask(first)
    life.end(0)
    assert life.buys(NOON + 30 * SECOND - 1) == []
    (second,) = life.buys(NOON + 30 * SECOND)
    assert second.intent.key != first.intent.key
    assert second.amount == first.amount


def test_after_three_tries_it_rests_until_new_money_comes() -> None:
    life = Life()
    life.profit(500)
    for k in range(3):
        now = NOON + k * 30 * SECOND
        life.ask(life.buys(now)[0], now)
        life.end(0)
    assert life.buys(NOON + 3_600 * SECOND) == []
    assert life.pending[COIN] == 1_666 * CENT
    life.profit(100)
    assert [buy.amount for buy in life.buys(NOON + 3_600 * SECOND)] == [1_999 * CENT]


def test_a_denied_try_counts_and_a_pause_uses_none_up() -> None:
    life = Life()
    life.profit(500)
    assert life.due(may_trade=False) == [Keep(1_668 * CENT)]
    buy = life.buys()[0]
    denied = Judged(buy.intent.key, 1, 0, DenialCode.DATA_STALE)
    life.news += [Asked(buy.intent.key, buy.amount, NOON), denied]
    assert life.buys(NOON + SECOND) == []
    assert len(life.buys(NOON + 30 * SECOND)) == 1


def test_an_admin_forces_a_purchase_below_the_threshold_once() -> None:
    life = Life()
    life.profit(100)
    assert life.buys() == []
    life.news.append(PurchaseForced(COIN))
    (buy,) = life.buys()
    assert buy.amount == 333 * CENT
    life.ask(buy)
    life.end(333 * CENT)
    life.profit(100)
    assert life.buys() == []


def test_an_admin_forces_the_quote_too_and_nothing_that_has_no_bag() -> None:
    life = Life()
    life.profit(10)
    life.news.append(PurchaseForced(QUOTE))
    assert life.due() == [Keep(34 * CENT)]
    for asset in (3, -1):
        with pytest.raises(InputError, match="expected an asset from 0 to 2"):
            hodl_after(RULES, life.state, PurchaseForced(asset))


def test_what_a_partial_fill_left_stays_pending() -> None:
    life = Life()
    life.profit(500)
    life.ask(life.buys()[0])
    life.end(1_000 * CENT)
    assert life.pending[COIN] == 666 * CENT
    assert life.buys(NOON + 3_600 * SECOND) == []


def test_a_fill_that_comes_after_the_end_is_booked() -> None:
    life = Life()
    life.profit(500)
    life.ask(life.buys()[0])
    life.end(1_000 * CENT)
    life.news.append(Filled(1, 5, 100, 700 * CENT))
    assert life.pending[COIN] == -34 * CENT
    assert life.state.bags[COIN].lots == 15
    assert life.buys() == []


@pytest.mark.parametrize(("price", "is_dear"), [(1_005, False), (1_006, True), (990, False)])
def test_slippage_above_half_a_percent_is_told_once(price: int, is_dear: bool) -> None:
    life = Life()
    life.profit(500)
    life.ask(life.buys()[0], price=1_000)
    before = life.state
    life.end(1_600 * CENT, price)
    assert bool(dear_purchases(RULES, before, life.state)) == is_dear
    assert dear_purchases(RULES, life.state, life.state) == ()


def test_a_snapshot_is_due_once_a_utc_day() -> None:
    life = Life(news=[])
    day = NOON // DAY_NS
    assert life.due() == [TakeSnapshot(day)]
    life.news.append(SnapshotTaken(day))
    assert life.due() == []
    assert life.due(NOON + DAY) == [TakeSnapshot(day + 1)]


def test_the_snapshot_reads_back() -> None:
    life = Life()
    life.profit(500)
    life.ask(life.buys()[0])
    assert decode(encode(life.state)) == life.state


@pytest.mark.parametrize("amount", [1, CENT, 999 * CENT + 1, 123_456_789_012])
def test_parts_add_up_and_the_rounding_goes_to_the_quote(amount: int) -> None:
    parts = set_aside_parts(RULES, amount)
    assert sum(parts) == amount
    assert all(part % CENT == 0 for part in parts[1:])


@pytest.mark.parametrize(
    "assets",
    [
        (),
        (HodlAsset("USDT", -1, 999_999, 1),),
        (HodlAsset("BTC", 0, 1_000_000, 1),),
        (HodlAsset("USDT", -1, 500_000, 1), HodlAsset("EUR", -1, 500_000, 1)),
    ],
)
def test_assets_that_would_lose_money_or_buy_the_quote_are_refused(
    assets: tuple[HodlAsset, ...],
) -> None:
    with pytest.raises(InputError):
        HodlRules("hodl", 1, assets)
    assert replace(RULES, share_ppm=1).share_ppm == 1


def test_the_core_lets_the_hodl_book_buy_and_denies_the_same_try_twice() -> None:
    """TR-20 through the core: one purchase, in the hodl book."""
    core = Core(
        instruments=[BTC],
        strategies=[StrategySlot("a", share_ppm=900_000), StrategySlot("h", Book.HODL, 100_000)],
        cash=Decimal(10_000),
    )
    core.price(4_500_000)
    assets = (HodlAsset("USDT", -1, 0, DOLLAR), HodlAsset("BTC", 0, 1_000_000, 15 * DOLLAR))
    life = Life(HodlRules("hodl", 1, assets))
    life.profit(1_000)
    (buy,) = life.buys()
    asked, judged = core_asked(core, buy.intent, buy.amount, 1)
    _, again = core_asked(core, buy.intent, buy.amount, 1)
    life.news += [asked, judged, again]
    life.news += core_filled(core, judged, 4_500_000)
    bag = life.state.bags[1]
    assert core.quantity(1) == bag.lots == 100 * DOLLAR * 10**8 // (45_000 * 10**8)
    assert bag.spent + bag.pending == 100 * DOLLAR
    assert life.buys() == []
