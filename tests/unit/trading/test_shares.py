"""A strategy's share of the equity: an input of the core, kept by the risk engine (I6)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from athena.domain import Book, OrderType, Purpose, Side
from athena.trading import (
    Intent,
    Notice,
    NoticeRecord,
    ShareRecord,
    StrategySlot,
    codes,
    limits,
    read_records,
    record_values,
    step,
)
from athena.trading import layout as at
from tests.core_builder import MONEY, Core

HALVES = [StrategySlot("a", share_ppm=500_000), StrategySlot("b", share_ppm=500_000)]


def trading(**terms: object) -> Core:
    """Return a core with two strategies, 10,000 of cash and a price of 100."""
    core = Core(strategies=list(HALVES), cash=Decimal(10_000), **terms)  # type: ignore[arg-type]
    for column in (limits.POSITION_PPM, limits.TIER_1_CAP_PPM, limits.CORRELATED_PPM):
        core.s.limits[column] = at.PPM
    core.s.limits[limits.SIZES_BY_RISK] = 0
    core.price(10_000)
    return core


def entry(lots: int, **terms: object) -> Intent:
    return replace(Intent(side=Side.BUY, lots=lots, stop_ticks=9_800), **terms)


def share(core: Core, strategy: int) -> int:
    return core.s.strategies[strategy, at.SHARE_PPM]


# --- the limit ---------------------------------------------------------------------------------


def test_a_share_bounds_the_part_of_the_equity_that_a_strategy_may_use() -> None:
    """I6: 80 % gross of a half, then of a quarter; the other strategy keeps its own."""
    core = trading()
    core.ask(entry(1_000))
    assert core.approved == 40
    step.apply_share(core.s, 0, 250_000)
    core.ask(entry(1_000))
    assert core.s.verdict[at.CODE] == codes.GROSS  # 40 are working already
    core = trading()
    step.apply_share(core.s, 0, 250_000)
    core.ask(entry(1_000))
    assert core.approved == 20
    core.ask(entry(1_000), strategy=1)
    assert core.approved == 40


def test_without_a_share_nothing_is_entered_and_everything_is_left() -> None:
    core = trading()
    core.trade(entry(10), 10_000)
    step.apply_share(core.s, 0, 0)
    assert core.verdict(entry(1)) == "gross"
    leave = Intent(side=Side.SELL, lots=10, purpose=Purpose.EXIT)
    assert core.verdict(leave) == "approved"


def test_the_limits_of_the_account_hold_whatever_the_shares() -> None:
    """I6: two strategies with all of the equity between them stay under its gross limit."""
    core = trading()
    step.apply_share(core.s, 0, 100_000)
    step.apply_share(core.s, 1, 900_000)
    core.trade(entry(8), 10_000)
    core.ask(entry(1_000), strategy=1)
    assert core.approved == 72  # 80 % of 10,000 in all
    core.s.limits[limits.POSITION_PPM] = 200_000
    core.ask(entry(1_000), strategy=1)
    assert core.s.verdict[at.APPROVED] <= 20 - 8


def test_a_strategy_beyond_its_new_share_keeps_what_it_has_and_adds_nothing() -> None:
    """No trade is forced; new risk waits until it holds less than its share allows."""
    core = trading()
    core.trade(entry(40), 10_000)
    core.effects()
    step.apply_share(core.s, 0, 250_000)
    assert core.effects() == []
    assert core.quantity() == 40
    assert core.verdict(entry(1)) == "gross"
    core.trade(Intent(side=Side.SELL, lots=19, purpose=Purpose.EXIT), 10_000)
    core.s.account[at.TRADING_COOLDOWN_NS] = core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] = 0
    assert core.verdict(entry(1)) == "gross"
    core.trade(Intent(side=Side.SELL, lots=2, purpose=Purpose.EXIT), 10_000)
    assert core.verdict(entry(5)) == "approved"
    assert core.approved == 1


def test_working_entries_beyond_a_new_share_are_cancelled_and_protections_stay() -> None:
    core = trading()
    held = core.trade(entry(20), 10_000)
    core.accept_all()
    waiting = core.ask(entry(15, type=OrderType.LIMIT, limit_ticks=9_950))
    core.accept_all()
    other = core.ask(entry(15, type=OrderType.LIMIT, limit_ticks=9_950), strategy=1)
    core.accept_all()
    step.apply_share(core.s, 0, 437_500)  # 35 of 35: still enough
    assert core.effects() == []
    step.apply_share(core.s, 0, 400_000)
    assert core.effects() == [(at.CANCEL, waiting)]
    assert core.children(held)
    assert core.state(other) == "open"


def test_a_limit_that_never_binds_leaves_shares_to_those_who_size_by_them() -> None:
    """`--risk open`: the requested size is kept, but of no share at all there is no part."""
    core = trading(is_open=True)
    step.apply_share(core.s, 0, 2_000)
    assert core.verdict(entry(90, stop_ticks=0)) == "approved"
    assert core.approved == 90
    step.apply_share(core.s, 0, 0)
    assert core.verdict(entry(1, stop_ticks=0)) == "gross"


# --- holdings ----------------------------------------------------------------------------------


def holding(share_ppm: int) -> Core:
    slots = [StrategySlot("core", Book.CORE, share_ppm), StrategySlot("b", Book.TRADING, 1)]
    core = Core(strategies=slots, cash=Decimal(10_000))
    core.price(10_000)
    return core


def rebalance(lots: int, side: Side = Side.BUY, target_ppm: int = 500_000) -> Intent:
    return Intent(side=side, lots=lots, purpose=Purpose.REBALANCE, target_ppm=target_ppm)


@pytest.mark.parametrize(("share_ppm", "lots"), [(1_000_000, 50), (400_000, 20), (0, 0)])
def test_a_target_is_a_weight_in_the_share(share_ppm: int, lots: int) -> None:
    core = holding(share_ppm)
    core.ask(rebalance(1_000))
    assert core.approved == lots


def test_a_smaller_share_lets_a_holding_be_sold_down_to_its_target() -> None:
    core = holding(1_000_000)
    core.trade(rebalance(50), 10_000)
    step.apply_share(core.s, 0, 400_000)
    assert core.verdict(rebalance(5)) == "position"
    core.ask(rebalance(1_000, Side.SELL))
    assert core.approved == 30


def test_purchases_without_a_target_stay_within_the_share() -> None:
    """The account may be twice its equity in all books, and a strategy twice its share."""
    core = holding(300_000)
    core.ask(Intent(side=Side.BUY, lots=1_000, purpose=Purpose.DCA))
    assert core.approved == 60
    step.apply_share(core.s, 0, 100_000)
    assert len(core.effects()) == 2  # sent, then cancelled


# --- the event ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "share_ppm"),
    [(-1, 1), (2, 1), (0, -1), (0, 1_000_001), (0, 500_001)],
    ids=["before", "behind", "negative", "more than all", "more than is left"],
)
def test_a_share_that_cannot_be_changes_nothing_and_says_so(strategy: int, share_ppm: int) -> None:
    core = trading()
    core.s.account[at.N_WORDS] = 0
    step.apply_share(core.s, strategy, share_ppm)
    assert [share(core, 0), share(core, 1)] == [500_000, 500_000]
    assert core.notices() == [codes.NOTICE_SHARE_REFUSED]
    words = np.array(core.s.records[: core.s.account[at.N_WORDS]])
    event, notice = read_records(words)
    assert event == ShareRecord(core.get(at.MARKS), strategy, share_ppm)
    assert isinstance(notice, NoticeRecord)
    assert (notice.notice, notice.argument) == (Notice.SHARE_REFUSED, strategy)


def test_less_is_always_taken_even_where_shares_were_more_than_the_whole() -> None:
    """A share that falls lowers the risk."""
    core = Core(strategies=[StrategySlot("a"), StrategySlot("b")])
    step.apply_share(core.s, 0, 900_000)
    assert share(core, 0) == 900_000
    step.apply_share(core.s, 0, 950_000)
    assert share(core, 0) == 900_000
    step.apply_share(core.s, 1, 100_000)
    step.apply_share(core.s, 0, 850_000)
    step.apply_share(core.s, 0, 900_000)
    assert [share(core, 0), share(core, 1)] == [900_000, 100_000]


def test_the_share_that_is_had_and_the_whole_are_shares_like_others() -> None:
    core = Core(strategies=[StrategySlot("a"), StrategySlot("b")])
    step.apply_share(core.s, 0, 1_000_000)  # more than the whole already, and no more than before
    step.apply_share(core.s, 0, 0)
    step.apply_share(core.s, 1, 0)
    step.apply_share(core.s, 0, 1_000_000)
    assert core.notices() == []
    assert share(core, 0) == 1_000_000


def test_a_share_is_read_by_people_with_its_kind() -> None:
    assert record_values(ShareRecord(3, 1, 250_000)) == {
        "kind": "share",
        "marks": 3,
        "strategy": 1,
        "share_ppm": 250_000,
    }


def test_a_share_is_in_the_digest() -> None:
    cores = [trading(), trading(), trading()]
    for core, ppm in zip(cores, (400_000, 400_000, 400_001), strict=True):
        step.apply_share(core.s, 0, ppm)
    digests = [(core.get(at.DIGEST_A), core.get(at.DIGEST_B)) for core in cores]
    assert digests[0] == digests[1] != digests[2]
    assert cores[0].get(at.EQUITY) == 10_000 * MONEY
