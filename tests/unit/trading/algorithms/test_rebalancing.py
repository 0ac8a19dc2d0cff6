"""Rebalancing: when it acts, in which order, and that the weights come back (C11, TR-21)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS, Book, Instrument, OrderType, Purpose, Side
from athena.errors import InputError
from athena.trading import Intent, StrategySlot, codes
from athena.trading import layout as at
from athena.trading.algorithms import (
    DeviationLevel,
    Ended,
    Holdings,
    LegDue,
    Looked,
    Measured,
    RebalanceNews,
    RebalanceRules,
    RebalanceStage,
    RebalanceStyle,
    Rebalancing,
    StageEntered,
    Stopped,
    decode,
    deviation_level,
    encode,
    rebalance_after,
    rebalance_due,
)
from tests.algorithm_cases import CENT, DOLLAR, core_asked, core_filled, worth
from tests.core_builder import BTC, NOON, Core

XRP = Instrument("XRP/USDT", Decimal("0.00001"), Decimal(1), Decimal(10))
RULES = RebalanceRules(0, (333_300, 333_300))
EQUITY = 10_000 * DOLLAR


def holdings(*percent: int, equity: int = EQUITY, cap: int = 90_000, **others: object) -> Holdings:
    """Hold these percents of the equity; the rest is cash."""
    plain = Holdings(
        tuple(equity * part // 100 for part in percent),
        equity,
        (10_000,) * len(percent),
        (cap * DOLLAR,) * len(percent),
    )
    return replace(plain, **others)  # type: ignore[arg-type]


def look(
    state: Rebalancing, held: Holdings, now_ns: int = NOON, **style: RebalanceStyle
) -> Looked:
    (looked,) = rebalance_due(RULES, state, held, now_ns, **style)
    assert isinstance(looked, Looked)
    return looked


def test_weights_of_45_25_30_sell_the_first_and_buy_the_second() -> None:
    """C11."""
    looked = look(Rebalancing(), holdings(45, 25))
    assert looked.level is DeviationLevel.WARNING
    assert looked.plan is not None
    sell, buy = looked.plan.legs
    assert (sell.order.side, sell.order.instrument, sell.total) == (Side.SELL, 0, 1_167 * DOLLAR)
    assert (buy.order.side, buy.order.instrument, buy.total) == (Side.BUY, 1, 833 * DOLLAR)
    assert {leg.order.type for leg in looked.plan.legs} == {OrderType.LIMIT}
    assert {leg.order.purpose for leg in looked.plan.legs} == {Purpose.REBALANCE}


@pytest.mark.parametrize(
    ("off", "level"),
    [
        (50_000, DeviationLevel.WITHIN),
        (50_001, DeviationLevel.OFF),
        (79_999, DeviationLevel.OFF),
        (80_000, DeviationLevel.WARNING),
        (149_999, DeviationLevel.WARNING),
        (150_000, DeviationLevel.CRITICAL),
    ],
)
def test_deviations_have_levels(off: int, level: DeviationLevel) -> None:
    assert deviation_level(RULES, off) is level


def test_five_points_off_is_left_alone() -> None:
    assert look(Rebalancing(), holdings(38, 33)).plan is None
    assert look(Rebalancing(), holdings(39, 33)).plan is not None


def test_it_looks_once_an_hour() -> None:
    state = rebalance_after(Rebalancing(), look(Rebalancing(), holdings(33, 33)))
    assert rebalance_due(RULES, state, holdings(60, 20), NOON + HOUR_NS - 1) == ()
    assert look(state, holdings(60, 20), NOON + HOUR_NS).plan is not None


def test_it_acts_at_most_once_in_24_hours() -> None:
    state = Rebalancing(looked_ns=NOON, started_ns=NOON)
    later = look(state, holdings(60, 20), NOON + DAY_NS - 1)
    assert (later.plan, later.refusal) == (None, "the last rebalance is too recent")
    assert look(state, holdings(60, 20), NOON + DAY_NS).plan is not None


def test_a_breaker_refuses_the_start() -> None:
    held = holdings(60, 20, is_breaker_active=True)
    looked = look(Rebalancing(), held)
    assert looked.plan is None
    assert "breaker" in looked.refusal


@pytest.mark.parametrize("others", [{"equity": 0}, {"equity": -1}, {"prices": (0, 10_000)}])
def test_unknown_equity_or_price_starts_nothing(others: dict[str, object]) -> None:
    looked = look(Rebalancing(), replace(holdings(60, 20), **others))  # type: ignore[arg-type]
    assert (looked.plan, looked.refusal) == (None, "equity or a price is not known")


def test_trades_below_ten_dollars_are_skipped() -> None:
    held = holdings(60, 20, equity=30 * DOLLAR)
    looked = look(Rebalancing(), held)
    assert (looked.plan, looked.refusal) == (None, "every trade is below the smallest")


def test_the_desk_may_wait_and_the_day_is_not_used_up() -> None:
    waited = look(Rebalancing(), holdings(60, 20), style=RebalanceStyle.WAIT)
    assert (waited.plan, waited.refusal) == (None, "the desk chose to wait")
    state = rebalance_after(Rebalancing(), waited)
    assert look(state, holdings(60, 20), NOON + HOUR_NS).plan is not None


def test_the_desk_may_average_in() -> None:
    plan = look(Rebalancing(), holdings(45, 25), style=RebalanceStyle.DCA).plan
    assert plan is not None
    sell, buy = plan.legs
    assert (len(sell.parts), len(buy.parts)) == (6, 6)
    assert sell.interval_ns == 4 * HOUR_NS
    assert sum(sell.parts) == 1_167 * DOLLAR


def test_a_leg_above_the_order_cap_is_sliced() -> None:
    plan = look(Rebalancing(), holdings(45, 25, cap=500)).plan
    assert plan is not None
    assert [len(leg.parts) for leg in plan.legs] == [3, 2]
    assert max(max(leg.parts) for leg in plan.legs) <= 500 * DOLLAR


@pytest.mark.parametrize("style", [RebalanceStyle.LIMIT_NOW, RebalanceStyle.DCA])
@pytest.mark.parametrize(
    "cap", [10 * DOLLAR, 116_700 * CENT // 3 + 1, 38_891 * CENT, 58_350 * CENT]
)
def test_no_slice_is_above_the_cap_and_the_cents_add_up(style: RebalanceStyle, cap: int) -> None:
    held = holdings(45, 25, order_caps=(cap,) * 2)
    plan = look(Rebalancing(), held, style=style).plan
    assert plan is not None
    for leg, total in zip(plan.legs, (1_167 * DOLLAR, 833 * DOLLAR), strict=True):
        assert max(leg.parts) <= held.order_caps[0]
        assert sum(leg.parts) == total


def test_a_cap_below_the_smallest_trade_starts_nothing() -> None:
    looked = look(Rebalancing(), holdings(45, 25, order_caps=(9 * DOLLAR, 900 * DOLLAR)))
    assert (looked.plan, looked.refusal) == (None, "an order cap is below the smallest trade")


def test_limits_lie_half_a_percent_beyond_the_newest_price() -> None:
    """Sales below it, purchases above it; a renewed order follows the price."""
    state = rebalance_after(Rebalancing(), look(Rebalancing(), holdings(45, 25)))
    moved = holdings(45, 25, prices=(20_000, 30_000))
    limits = []
    for stage in (RebalanceStage.SELLING, RebalanceStage.BUYING):
        (action,) = rebalance_due(RULES, replace(state, stage=stage), moved, NOON)
        assert isinstance(action, LegDue)
        limits.append(action.due.intent.limit_ticks)
    assert limits == [19_900, 30_150]


def test_a_look_during_a_rebalance_starts_no_other() -> None:
    first = look(Rebalancing(), holdings(45, 25))
    second = look(Rebalancing(), holdings(60, 20), NOON + HOUR_NS)
    state = rebalance_after(rebalance_after(Rebalancing(), first), second)
    assert state.plan == first.plan
    assert state.looked_ns == NOON + HOUR_NS


@dataclass
class Life:
    """A rebalance on the real core; its only memory is the journal."""

    core: Core = field(
        default_factory=lambda: Core(
            instruments=[BTC, XRP],
            strategies=[StrategySlot("core", Book.CORE)],
            cash=Decimal(10_000),
        )
    )
    prices: tuple[int, int] = (4_500_000, 50_000)
    rules: RebalanceRules = RULES
    news: list[RebalanceNews] = field(default_factory=list)
    asked: list[tuple[int, Side]] = field(default_factory=list)
    style: RebalanceStyle = RebalanceStyle.LIMIT_NOW

    def set_time(self, now_ns: int) -> None:
        for k, price in enumerate(self.prices):
            self.core.price(price, now_ns, k)

    def hold(self, *lots: int) -> None:
        self.set_time(NOON)
        for k, quantity in enumerate(lots):
            wish = Intent(side=Side.BUY, lots=quantity, instrument=k, purpose=Purpose.DCA)
            self.core.trade(wish, self.prices[k])

    @property
    def state(self) -> Rebalancing:
        state = Rebalancing()
        for item in self.news:
            state = rebalance_after(state, item)
        return state

    def holdings(self, in_flight: frozenset[int] = frozenset()) -> Holdings:
        values = tuple(
            worth(self.core, k, self.prices[k], self.core.quantity(0, k)) for k in (0, 1)
        )
        equity = int(self.core.get(at.CASH)) + sum(values)
        caps = (90_000 * DOLLAR,) * 2
        return Holdings(values, equity, self.prices, caps, in_flight)

    def tick(self, now_ns: int, share: float = 1, in_flight: frozenset[int] = frozenset()) -> None:
        """Let rebalancing do what is due, and fill a share of each of its orders at once."""
        self.set_time(now_ns)
        state = self.state
        for action in rebalance_due(
            self.rules, state, self.holdings(in_flight), now_ns, style=self.style
        ):
            if not isinstance(action, LegDue):
                self.news.append(action)
                continue
            intent = action.due.intent
            news = core_asked(self.core, intent, action.due.amount, 0)
            news += core_filled(self.core, news[1], self.prices[intent.instrument], share)
            self.asked.append((intent.instrument, intent.side))
            self.news += news

    def run(self, minutes: int, share: float = 1, start: int = 0) -> None:
        for minute in range(start, start + minutes):
            self.tick(NOON + minute * MINUTE_NS, share)


def life_45_25_30() -> Life:
    """Hold 4,500 of BTC, 2,500 of XRP and 3,000 in cash."""
    life = Life()
    life.hold(10_000_000, 5_000)
    return life


def test_after_the_fills_every_weight_is_within_tolerance_and_it_is_recorded() -> None:
    """C11 through the core: looked, sold, bought, measured."""
    life = life_45_25_30()
    life.run(30)
    assert life.asked == [(0, Side.SELL), (1, Side.BUY)]
    measured = life.state.measured
    assert measured is not None
    assert measured.is_within
    assert measured.weights_ppm == pytest.approx((333_300, 333_300), abs=5_000)
    assert life.state.stage is RebalanceStage.DONE


@pytest.mark.parametrize("style", [RebalanceStyle.LIMIT_NOW, RebalanceStyle.DCA])
def test_sells_are_final_before_the_first_purchase(style: RebalanceStyle) -> None:
    life = life_45_25_30()
    life.style = style
    for quarter in range(300):
        life.tick(NOON + quarter * 15 * MINUTE_NS)
        if life.state.measured is not None:
            break
    sides = [side for _, side in life.asked]
    assert sides == sorted(sides, key=[Side.SELL, Side.BUY].index)
    assert len(sides) == (2 if style is RebalanceStyle.LIMIT_NOW else 12)
    assert life.state.measured is not None
    assert life.state.measured.is_within


def test_partial_fills_are_taken_up_by_later_orders() -> None:
    life = life_45_25_30()
    life.run(90, share=0.6)
    assert len(life.asked) > 2
    assert life.state.measured is not None
    assert life.state.measured.is_within


def test_orders_that_never_fill_end_the_rebalance_and_it_says_that_it_failed() -> None:
    life = life_45_25_30()
    life.run(120, share=0)
    assert life.asked == [(0, Side.SELL)] * 3 + [(1, Side.BUY)] * 3
    assert life.state.measured is not None
    assert not life.state.measured.is_within


def test_a_rebalance_waits_while_another_order_works_in_the_asset() -> None:
    """TR-21: the sale of asset 0 waits for the trade in it."""
    life = life_45_25_30()
    for minute in range(8):
        life.tick(NOON + minute * MINUTE_NS, in_flight=frozenset({0}))
    assert life.asked == []
    life.run(40, start=8)
    assert life.asked == [(0, Side.SELL), (1, Side.BUY)]


def test_the_core_itself_refuses_a_rebalance_beside_a_working_order() -> None:
    """TR-21: the second lock."""
    life = life_45_25_30()
    other = Intent(side=Side.BUY, lots=20_000, purpose=Purpose.DCA)
    number = life.core.ask(other, 0)
    life.core.report(codes.ACCEPTED, number)
    life.run(2)
    assert life.asked == [(0, Side.SELL)]
    assert life.core.all_codes == {"cooldown"}


def test_an_open_outcome_of_a_sale_keeps_the_purchases_waiting() -> None:
    life = life_45_25_30()
    life.tick(NOON)
    life.tick(NOON)
    assert isinstance(life.news.pop(), Ended)
    life.news.pop()  # neither its fill nor its end is known
    for minute in range(200):
        life.tick(NOON + minute * MINUTE_NS)
    assert life.asked == [(0, Side.SELL)]
    assert life.state.stage is RebalanceStage.SELLING


def test_a_breaker_during_a_rebalance_asks_for_nothing_more() -> None:
    life = life_45_25_30()
    life.tick(NOON)
    held = replace(life.holdings(), is_breaker_active=True)
    assert rebalance_due(RULES, life.state, held, NOON + MINUTE_NS) == ()


def test_a_rebalance_that_is_stopped_is_measured_and_left() -> None:
    life = life_45_25_30()
    life.tick(NOON)
    plan = life.state.plan
    assert plan is not None
    life.news.append(Stopped(plan.id, "operator"))
    life.run(5)
    assert life.asked == []
    assert life.state.measured is not None
    assert not life.state.measured.is_within


def test_a_restart_at_any_point_goes_on_as_if_nothing_had_happened() -> None:
    """The journal written as JSON and read back gives the same state after every news."""
    life = life_45_25_30()
    life.run(30, share=0.6)
    state = Rebalancing()
    for item in life.news:
        again = decode(encode(item))
        assert again == item
        state = rebalance_after(state, again)
        assert decode(encode(state)) == state
    assert state == life.state


def test_news_of_another_rebalance_change_nothing() -> None:
    life = life_45_25_30()
    life.tick(NOON)
    state = life.state
    foreign: list[RebalanceNews] = [
        StageEntered("x", RebalanceStage.MEASURING, NOON),
        Measured("x", NOON, (), 0, is_within=True),
        Stopped("x", "operator"),
        Ended(99),
    ]
    for item in foreign:
        assert rebalance_after(state, item) == state
        assert rebalance_after(Rebalancing(), item) == Rebalancing()


def test_a_stage_is_never_entered_again() -> None:
    life = life_45_25_30()
    life.run(30)
    plan = life.state.plan
    assert plan is not None
    back = StageEntered(plan.id, RebalanceStage.SELLING, NOON)
    assert rebalance_after(life.state, back) == life.state
    again = Measured(plan.id, NOON, (), 0, is_within=False)
    assert rebalance_after(life.state, again) == life.state


def test_a_measure_without_prices_says_that_it_is_none() -> None:
    life = life_45_25_30()
    state = replace(
        rebalance_after(Rebalancing(), look(Rebalancing(), holdings(60, 20))),
        stage=RebalanceStage.MEASURING,
    )
    blind = replace(life.holdings(), prices=(0, 0))
    (measured,) = rebalance_due(RULES, state, blind, NOON)
    assert isinstance(measured, Measured)
    assert (measured.weights_ppm, measured.is_within) == ((), False)


@pytest.mark.parametrize(
    "change", [{"weights_ppm": ()}, {"check_ns": 0}, {"limit_offset_ppm": 10**6}, {"tries": 0}]
)
def test_rules_that_cannot_be_followed_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="expected weights, positive times"):
        replace(RULES, **change)  # type: ignore[arg-type]
