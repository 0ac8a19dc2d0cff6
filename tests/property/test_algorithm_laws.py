"""Laws of the execution algorithms under any crash, outage, partial fill and denial.

A crash loses everything but the journal: each step rebuilds the state from the news so far. An
order reaches the venue only after its question was journaled; one that was journaled and not sent
is later proven absent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from athena.domain import DAY_NS, DenialCode, OrderType, Side
from athena.trading import Intent
from athena.trading.algorithms import (
    Asked,
    Buy,
    Ended,
    Filled,
    HodlNews,
    HodlRules,
    Holdings,
    Judged,
    Keep,
    Kept,
    LegDue,
    Looked,
    News,
    Plan,
    ProfitRealised,
    RebalanceNews,
    RebalanceRules,
    RebalanceStage,
    RebalanceStyle,
    Rebalancing,
    SnapshotTaken,
    dca_plan,
    default_assets,
    due,
    empty_bags,
    hodl_after,
    hodl_due,
    is_over,
    left,
    rebalance_after,
    rebalance_due,
    set_aside_parts,
    twap_plan,
    vwap_plan,
)
from tests.algorithm_cases import BUY, BUY_DCA, CENT, DOLLAR, SECOND, fold
from tests.core_builder import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.trading.algorithms import Bags, OrderNews

LIMIT_BUY = Intent(side=Side.BUY, type=OrderType.LIMIT, limit_ticks=10_000)

twaps = st.builds(
    lambda lots, smallest, n, order: twap_plan(
        "p", 0, order, lots + smallest, start_ns=NOON, smallest_lots=smallest, slices=n
    ),
    st.integers(0, 10**12),
    st.integers(1, 1_000),
    st.integers(1, 30),
    st.sampled_from([BUY, LIMIT_BUY]),
)
vwaps = st.builds(
    lambda lots, smallest, profile: vwap_plan(
        "p", 0, BUY, lots + smallest, profile, start_ns=NOON, smallest_lots=smallest
    ),
    st.integers(0, 10**12),
    st.integers(1, 1_000),
    st.lists(st.one_of(st.just(0), st.integers(0, 10**9)), max_size=20),
)
dcas = st.builds(
    lambda money, n: dca_plan("p", 0, BUY_DCA, money, start_ns=NOON, batches=n, split_from=0),
    st.integers(10 * DOLLAR, 10**7 * DOLLAR),
    st.integers(1, 12),
)
plans = st.one_of(twaps, vwaps, dcas)
seeds = st.integers(0, 2**32)


@dataclass
class Venue:
    """Orders by key; it takes each at most once, and fills as the dice fall."""

    random: Random
    open: dict[int, int] = field(default_factory=dict)
    amounts: dict[int, int] = field(default_factory=dict)
    filled: dict[int, int] = field(default_factory=dict)

    def place(self, number: int, amount: int) -> None:
        assert number not in self.amounts
        self.open[number] = amount
        self.amounts[number] = amount

    def work(self, number: int, *, all_of_it: bool = False) -> Iterator[OrderNews]:
        """Fill an open order by some, and perhaps end it."""
        rest = self.open[number]
        lots = rest if all_of_it else self.random.randint(0, rest)
        if lots:
            self.filled[number] = self.filled.get(number, 0) + lots
            self.open[number] -= lots
            yield Filled(number, lots, 100, lots)
        if all_of_it or self.open[number] == 0 or self.random.random() < 0.5:
            del self.open[number]
            yield Ended(number)


@dataclass
class Life:
    """A plan in a hostile world."""

    plan: Plan
    seed: int
    is_kind: bool = False
    news: list[News] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    venue: Venue = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - cases, not secrets
        self.venue = Venue(self.random)

    def live(self) -> int:
        """Let time pass until the plan is over; return when that was."""
        now = self.plan.start_ns - self.plan.interval_ns
        while not is_over(self.plan, fold(self.plan, self.news), now):
            now += self.pause()
            self.step(now)
            if now > self.plan.start_ns + 400 * self.plan.interval_ns:
                assert self.venue.open, "expected the plan to end, was it waiting for nothing"
                break
        return now

    def pause(self) -> int:
        interval = self.plan.interval_ns
        if self.is_kind:
            return interval // 7
        return self.random.choice([1, interval // 20, interval // 2, interval, 3 * interval])

    def step(self, now: int) -> None:
        progress = fold(self.plan, self.news)
        wanted = due(self.plan, progress, now)
        assert wanted == due(self.plan, fold(self.plan, self.news), now)
        dice = 1.0 if self.is_kind else self.random.random()
        if wanted is not None and dice >= 0.1:  # else: killed before the journal
            self.ask(wanted.intent.key, wanted.amount, now)
        for number in list(self.venue.open):
            if self.is_kind or self.random.random() < 0.7:
                self.news += self.venue.work(number, all_of_it=self.is_kind)

    def ask(self, key: int, amount: int, now: int) -> None:
        self.keys.append(key)
        self.times.append(now)
        number = len(self.keys)
        self.news.append(Asked(key, amount, now))
        dice = 1.0 if self.is_kind else self.random.random()
        if dice < 0.1:
            self.news.append(Judged(key, number, 0, DenialCode.DATA_STALE))
            return
        approved = amount if self.is_kind else self.random.randint(1, amount)
        self.news.append(Judged(key, number, approved))
        if dice < 0.2:  # killed after the journal, before sending: proven absent
            self.news.append(Ended(number))
            return
        self.venue.place(number, approved)


@given(plans, seeds)
def test_a_plan_never_trades_more_than_its_total_and_asks_each_slice_once(
    plan: Plan, seed: int
) -> None:
    """TR-12, C19: under any interleaving of crashes, outages, partial fills and denials."""
    life = Life(plan, seed)
    life.live()
    at_stake = sum(life.venue.filled.values()) + sum(life.venue.open.values())
    assert at_stake <= plan.total
    assert len(set(life.keys)) == len(life.keys) <= plan.asks_max
    progress = fold(plan, life.news)
    assert left(plan, progress) <= plan.total - at_stake


@given(plans, seeds)
def test_slices_are_never_bunched(plan: Plan, seed: int) -> None:
    """Not in time: nine tenths of a slot apart; not in size: at most `growth` parts and a tail."""
    life = Life(plan, seed)
    life.live()
    gaps = [later - sooner for sooner, later in zip(life.times, life.times[1:], strict=False)]
    assert all(gap >= plan.spacing_ns for gap in gaps)
    slots = [plan.slot(ts) for ts in life.times]
    assert slots == sorted(set(slots))
    largest = plan.growth * max(plan.parts) + plan.smallest
    assert all(item.amount < largest for item in life.news if isinstance(item, Asked))
    assert all(item.amount >= plan.smallest for item in life.news if isinstance(item, Asked))


@given(plans, seeds)
def test_a_kind_world_trades_exactly_the_parts(plan: Plan, seed: int) -> None:
    """Nothing missed, nothing refused: every part as planned, the sum exact."""
    life = Life(plan, seed, is_kind=True)
    life.live()
    asked = [item.amount for item in life.news if isinstance(item, Asked)]
    assert asked == [part for part in plan.parts if part]
    assert sum(life.venue.filled.values()) == plan.total


@given(plans, seeds, st.data())
def test_progress_rebuilt_from_any_prefix_only_grows(
    plan: Plan, seed: int, data: st.DataObject
) -> None:
    """Slices, fills and the stop never go back; saying all but fills again changes nothing."""
    life = Life(plan, seed)
    life.live()
    cut = data.draw(st.integers(0, len(life.news)))
    early, late = fold(plan, life.news[:cut]), fold(plan, life.news)
    assert len(early.slices) <= len(late.slices)
    for before, now in zip(early.slices, late.slices, strict=False):
        assert (before.key, before.amount) == (now.key, now.amount)
        assert before.filled_lots <= now.filled_lots
        assert before.is_over <= now.is_over
    again = [item for item in life.news[:cut] if not isinstance(item, Filled)]
    assert fold(plan, [*life.news[:cut], *again]) == early


@given(plans)
def test_plans_read_back_as_they_were_written(plan: Plan) -> None:
    assert Plan.from_values(plan.to_values()) == plan
    assert all(part == 0 or part >= plan.smallest for part in plan.parts)


# Rebalancing


@dataclass
class Market:
    """A book of two holdings and cash, filled at price 1, with a rebalance under way."""

    seed: int
    style: RebalanceStyle
    values: list[int]
    cash: int
    news: list[RebalanceNews] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)
    keys: set[int] = field(default_factory=set)
    orders: dict[int, tuple[int, Side, int]] = field(default_factory=dict)

    rules = RebalanceRules(0, (333_300, 333_300))

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - cases, not secrets

    @property
    def state(self) -> Rebalancing:
        state = Rebalancing()
        for item in self.news:
            state = rebalance_after(state, item)
        return state

    def step(self, state: Rebalancing, now: int) -> None:
        busy = frozenset(k for k in (0, 1) if self.random.random() < 0.1)
        held = Holdings(
            tuple(self.values), sum(self.values) + self.cash, (100, 100), (700 * DOLLAR,) * 2, busy
        )
        for action in rebalance_due(self.rules, state, held, now, style=self.style):
            if isinstance(action, LegDue):
                assert action.due.intent.instrument not in busy
                self.ask(action, now)
            elif self.random.random() < 0.9:  # else: killed before the journal
                self.news.append(action)
        for number in list(self.orders):
            if self.random.random() < 0.6:
                self.work(number)

    def ask(self, action: LegDue, now: int) -> None:
        intent = action.due.intent
        assert intent.key not in self.keys
        assert all(instrument != intent.instrument for instrument, _, _ in self.orders.values())
        if self.random.random() < 0.1:  # killed before the journal
            return
        if intent.side is Side.BUY:
            assert all(side is Side.BUY for _, side, _ in self.orders.values())
        self.keys.add(intent.key)
        self.sides.append(intent.side)
        number = len(self.keys)
        amount = min(action.due.amount, self.cash if intent.side is Side.BUY else 10**18)
        self.news += [
            Asked(intent.key, action.due.amount, now),
            Judged(intent.key, number, amount),
        ]
        self.orders[number] = (intent.instrument, intent.side, amount)

    def work(self, number: int) -> None:
        instrument, side, rest = self.orders.pop(number)
        spent = self.random.choice([rest, rest, self.random.randint(0, rest)])
        sign = 1 if side is Side.BUY else -1
        self.values[instrument] += sign * spent
        self.cash -= sign * spent
        if spent:
            self.news.append(Filled(number, spent, 1, spent))
        self.news.append(Ended(number))


@given(
    seeds,
    st.sampled_from([RebalanceStyle.LIMIT_NOW, RebalanceStyle.DCA]),
    st.lists(st.integers(0, 5_000), min_size=3, max_size=3),
)
def test_a_rebalance_sells_first_never_doubles_and_always_ends(
    seed: int, style: RebalanceStyle, dollars: list[int]
) -> None:
    """C11: stages only go down, purchases begin when no sale is open, no leg exceeds its trade."""
    market = Market(seed, style, [dollars[0] * DOLLAR, dollars[1] * DOLLAR], dollars[2] * DOLLAR)
    now = NOON
    ranks = list(RebalanceStage)
    state = market.state
    for _ in range(600):
        market.step(state, now)
        before, state = state, market.state
        if state.plan == before.plan:
            assert ranks.index(state.stage) >= ranks.index(before.stage)
        now += market.random.choice([SECOND, 60 * SECOND, 700 * SECOND, 4 * 3_600 * SECOND])
        if state.measured is not None or now > NOON + DAY_NS * 20:
            break
    started = [item for item in market.news if isinstance(item, Looked) and item.plan]
    assert state.measured is not None or not started
    if state.plan is not None:
        assert market.sides == sorted(market.sides, key=[Side.SELL, Side.BUY].index)
        for leg, progress in zip(state.plan.legs, state.legs, strict=True):
            assert sum(piece.spent for piece in progress.slices) <= leg.total


# Hodl

RULES = HodlRules("hodl", 0, default_assets("USDT", 1, 0))


@dataclass
class Purse:
    """Hodl bags in a hostile world."""

    seed: int
    news: list[HodlNews] = field(default_factory=list)
    keys: set[int] = field(default_factory=set)
    working: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - cases, not secrets

    def states(self) -> list[Bags]:
        """Return the state before the first news, and after each."""
        states = [empty_bags(RULES)]
        for item in self.news:
            states.append(hodl_after(RULES, states[-1], item))
        return states

    def step(self, now: int) -> None:
        for action in hodl_due(RULES, self.states()[-1], now):
            if self.random.random() < 0.2:  # killed before the journal
                continue
            if isinstance(action, Keep):
                self.news.append(Kept(action.amount))
            elif isinstance(action, Buy):
                self.ask(action, now)
            else:
                self.news.append(SnapshotTaken(action.day))
        for number in list(self.working):
            if self.random.random() < 0.5:
                self.work(number)

    def ask(self, buy: Buy, now: int) -> None:
        assert buy.intent.key not in self.keys
        assert all(asset != buy.asset for asset, _ in self.working.values())
        self.keys.add(buy.intent.key)
        number = len(self.keys)
        self.working[number] = (buy.asset, buy.amount)
        self.news += [Asked(buy.intent.key, buy.amount, now), Judged(buy.intent.key, number, 10)]

    def work(self, number: int) -> None:
        _, amount = self.working.pop(number)
        spent = self.random.choice([0, amount, self.random.randint(0, amount)])
        if spent:
            self.news.append(Filled(number, 1, 1, spent))
        self.news.append(Ended(number))


@given(seeds, st.lists(st.integers(-1_000 * DOLLAR, 30_000 * DOLLAR), max_size=30))
def test_hodl_money_is_conserved_capped_and_spent_once(seed: int, profits: list[int]) -> None:
    """TR-20: what was set aside is pending or spent; one order per asset at a time."""
    purse = Purse(seed)
    now = NOON
    for profit in [*profits, *[0] * 20]:
        now += purse.random.choice([SECOND, 40 * SECOND, DAY_NS // 3])
        purse.news.append(ProfitRealised(profit, now))
        purse.step(now)
    states = purse.states()
    for item, before, state in zip(purse.news, states, states[1:], strict=False):
        most = 0
        if isinstance(item, ProfitRealised):
            most = min(RULES.event_cap, max(0, item.amount // 10))
        assert 0 <= _money(state) - _money(before) <= most
        assert state.set_aside <= RULES.day_cap
        assert all(bag.pending >= 0 for bag in state.bags)


def _money(state: Bags) -> int:
    return sum(bag.pending + bag.spent for bag in state.bags)


@given(st.integers(0, 10**15))
def test_hodl_parts_add_up(amount: int) -> None:
    parts = set_aside_parts(RULES, amount)
    assert sum(parts) == amount
    assert all(part % CENT == 0 for part in parts[1:])
    assert min(parts) >= 0
