"""Records of the core as news of orders: the one place where plans learn what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import DenialCode, OrderType, Side
from athena.research.engine._limits import open_instrument_limits
from athena.trading import Intent, StrategySlot, codes, new_state
from athena.trading import layout as at
from athena.trading.algorithms import Asked, Ended, Filled, Judged
from athena.trading.live._causes import Causes
from athena.trading.live._core import Core
from athena.trading.live._order_news import halts, order_news
from athena.trading.live._profits import Profits
from tests.core_builder import BTC, MONEY, NOON, cheap_limits

if TYPE_CHECKING:
    from athena.trading import State, Table
    from athena.trading.algorithms import OrderNews

PRICE = 4_500_000
COIN = 100_000_000


@dataclass
class Reader:
    """A core that a reader of news follows."""

    news: list[OrderNews] = field(default_factory=list)
    halts: list[int] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    profits: Profits = field(default_factory=Profits)
    core: Core = field(init=False)

    def __post_init__(self) -> None:
        tables = new_state(
            instruments=[BTC],
            instrument_limits=[open_instrument_limits()],
            strategies=[StrategySlot("a")],
            limits=cheap_limits(is_open=True),
            cash=Decimal(1_000_000),
            start_ns=NOON,
        )
        self.core = Core(tables, self._follow, Causes("5" * 32))
        self.core.price(0, PRICE, PRICE, PRICE, NOON)
        self.core.health(0, NOON)

    def _follow(self, s: State, words: Table, position: int, end: int) -> None:
        self.news += order_news(s, words, position, end)
        self.halts += halts(words, position, end)
        profit = self.profits.take(s, words, position, end)
        if profit is not None:
            self.results.append(profit.amount)

    def take(self) -> list[OrderNews]:
        news, self.news = self.news, []
        return news

    def bought(self, key: int = 7, lots: int = COIN) -> int:
        number = self.core.want(0, Intent(side=Side.BUY, lots=lots, key=key))
        self.core.report(codes.ACCEPTED, number)
        self.take()
        return number

    def fill(self, number: int, lots: int, price: int = PRICE, fee: int = 0) -> None:
        trade = self.core.s.account[at.N_WORDS]  # another one each time
        self.core.fill(number, lots, price, fee, codes.TAKER, trade)


def test_an_intent_is_asked_and_judged_at_once() -> None:
    reader = Reader()
    number = reader.core.want(0, Intent(side=Side.BUY, lots=COIN, key=7))
    assert reader.take() == [Asked(7, COIN, NOON, PRICE), Judged(7, number, COIN)]


def test_money_is_what_was_asked_for_where_there_are_no_lots() -> None:
    reader = Reader()
    reader.core.want(0, Intent(side=Side.BUY, quote_amount=4_500 * MONEY, key=7))
    asked, judged = reader.take()
    assert isinstance(asked, Asked)
    assert isinstance(judged, Judged)
    assert (asked.amount, judged.approved_lots) == (4_500 * MONEY, COIN // 10)


def test_a_denial_carries_its_code() -> None:
    reader = Reader()
    reader.core.command(codes.COMMAND_HALT)
    number = reader.core.want(0, Intent(side=Side.BUY, lots=COIN, key=7))
    assert reader.take()[1] == Judged(7, number, 0, DenialCode.HALTED)


def test_an_intent_without_a_key_is_nobodys_plan() -> None:
    reader = Reader()
    reader.core.want(0, Intent(side=Side.BUY, lots=COIN))
    assert reader.take() == []


def test_an_intent_that_names_no_instrument_is_denied_and_read() -> None:
    reader = Reader()
    number = reader.core.want(0, Intent(side=Side.BUY, lots=COIN, instrument=60, key=7))
    assert reader.take() == [
        Asked(7, COIN, NOON, 0),
        Judged(7, number, 0, DenialCode.INVALID_VALUE),
    ]


def test_a_part_fills_and_the_rest_ends_the_order() -> None:
    reader = Reader()
    number = reader.bought()
    reader.fill(number, COIN // 4)
    assert reader.take() == [Filled(number, COIN // 4, PRICE, 11_250 * MONEY)]
    reader.fill(number, COIN - COIN // 4)
    assert reader.take()[1] == Ended(number)


def test_a_fill_that_comes_twice_is_news_once() -> None:
    """The planted fault is the same trade id again; the twin is the same fill under another."""
    reader = Reader()
    number = reader.bought()
    for trade in (5, 5, 6):
        reader.core.fill(number, 1_000, PRICE, 0, codes.TAKER, trade)
    assert len(reader.take()) == 2


def test_a_fill_that_cannot_be_is_no_news_of_a_fill() -> None:
    reader = Reader()
    number = reader.bought()
    reader.core.fill(number, 0, PRICE, 0, codes.TAKER, 5)
    reader.core.fill(999, COIN, PRICE, 0, codes.TAKER, 6)
    assert reader.take() == [Ended(999)]


def test_a_fill_after_the_end_is_news_all_the_same() -> None:
    reader = Reader()
    number = reader.core.want(
        0, Intent(side=Side.BUY, lots=COIN, type=OrderType.LIMIT, limit_ticks=PRICE, key=7)
    )
    reader.core.report(codes.ACCEPTED, number)
    reader.take()
    reader.core.report(codes.CANCELLED_REPORT, number)
    assert reader.take() == [Ended(number)]
    reader.fill(number, COIN)
    assert reader.take() == [Filled(number, COIN, PRICE, 45_000 * MONEY), Ended(number)]


def test_an_order_whose_fate_is_unknown_has_not_ended() -> None:
    reader = Reader()
    number = reader.core.want(0, Intent(side=Side.BUY, lots=COIN, key=7))
    reader.take()
    reader.core.report(codes.AMBIGUOUS, number)
    assert reader.take() == []
    reader.core.report(codes.ABSENT_PROVEN, number)
    assert reader.take() == [Ended(number)]


def test_a_halt_is_read_and_a_pause_is_none() -> None:
    reader = Reader()
    reader.core.command(codes.COMMAND_PAUSE)
    assert reader.halts == []
    reader.core.command(codes.COMMAND_KILL)
    assert reader.halts == [at.HALT_KILL]


# --- results of trades --------------------------------------------------------------------------


def trade(reader: Reader, gain: int, fees: tuple[int, int] = (0, 0), key: int = 1) -> None:
    entry = reader.bought(key)
    reader.fill(entry, COIN, fee=fees[0])
    leave = reader.core.want(0, Intent(side=Side.SELL, lots=COIN, key=key + 1))
    reader.fill(leave, COIN, PRICE + gain * 100, fee=fees[1])


def test_a_trade_comes_to_its_gain_less_both_fees() -> None:
    reader = Reader()
    trade(reader, 100, (3 * MONEY, 4 * MONEY))
    trade(reader, -50, key=10)
    assert reader.results == [93 * MONEY, -50 * MONEY]


def test_a_trade_that_is_closed_in_parts_comes_to_one_result_at_its_end() -> None:
    reader = Reader()
    entry = reader.bought()
    reader.fill(entry, COIN)
    leave = reader.core.want(0, Intent(side=Side.SELL, lots=COIN, key=8))
    reader.fill(leave, COIN // 2, PRICE + 10_000, fee=MONEY)
    assert reader.results == []
    reader.fill(leave, COIN // 2, PRICE + 30_000, fee=MONEY)
    assert reader.results == [198 * MONEY]


def test_results_go_on_from_a_snapshot_in_the_middle_of_a_trade() -> None:
    reader = Reader()
    entry = reader.bought()
    reader.fill(entry, COIN, fee=5 * MONEY)
    reader.profits = Profits.from_values(reader.profits.to_values())
    leave = reader.core.want(0, Intent(side=Side.SELL, lots=COIN, key=8))
    reader.fill(leave, COIN, PRICE + 10_000)
    assert reader.results == [95 * MONEY]
