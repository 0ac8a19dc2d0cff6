"""Bars are made of trades that were heard; what was not heard is a gap."""

from __future__ import annotations

import pytest

from athena.domain import HOUR_NS, MINUTE_NS, SECOND_NS, WEEK_NS, parse_time_ns
from athena.errors import InputError
from athena.market import BarBuilder, FeedSource, LiveBar, TradeFate

START_NS = parse_time_ns("2026-01-05T00:00:00")  # a Monday
GRACE_NS = 2 * SECOND_NS


def at(seconds: float) -> int:
    return START_NS + round(seconds * SECOND_NS)


def builder(heard: float = 0.0, interval_ns: int = MINUTE_NS) -> BarBuilder:
    return BarBuilder(interval_ns, FeedSource.LIVE, heard_ns=at(heard), grace_ns=GRACE_NS)


def feed(made: BarBuilder, *trades: tuple[float, int, int]) -> list[TradeFate]:
    """Hand trades over as they happen."""
    return [made.trade(at(when), price, lots, at(when)) for when, price, lots in trades]


def minute(number: int, *prices: int, volume: int) -> LiveBar:
    return LiveBar(at(60 * number), MINUTE_NS, *prices, volume, FeedSource.LIVE)


def test_a_bar_holds_first_highest_lowest_last_and_the_volume() -> None:
    made = builder()
    feed(made, (0, 100, 5), (10, 120, 1), (20, 90, 2), (59.999, 110, 3))
    (bar,) = made.advance(at(62))
    assert bar == minute(0, 100, 120, 90, 110, volume=11)
    assert bar.close_ns == at(60)
    assert bar.source is FeedSource.LIVE


def test_a_bar_is_closed_only_when_the_venues_clock_is_past_its_end_and_grace() -> None:
    made = builder()
    feed(made, (1, 100, 1), (61, 105, 1))
    assert made.advance(at(61.999)) == ()
    assert made.advance(at(62)) == (minute(0, 100, 100, 100, 100, volume=1),)
    assert made.advance(at(62)) == ()


def test_an_interval_without_a_trade_has_no_bar() -> None:
    """D03: nothing is invented."""
    made = builder()
    feed(made, (1, 100, 1), (181, 105, 1))
    assert [bar.ts_ns for bar in made.advance(at(242))] == [at(0), at(180)]


def test_a_trade_on_the_border_belongs_to_the_bar_that_opens() -> None:
    made = builder()
    feed(made, (59, 100, 1), (60, 105, 1))
    assert [bar.close for bar in made.advance(at(122))] == [100, 105]


@pytest.mark.parametrize(
    ("seconds", "price", "lots", "fate"),
    [
        (55, 100, 1, TradeFate.LATE),
        (64, 100, 1, TradeFate.OUT_OF_ORDER),
        (65, 100, 1, TradeFate.TAKEN),
        (67, 100, 1, TradeFate.TAKEN),
        (67.1, 100, 1, TradeFate.AHEAD),
        (65, 0, 1, TradeFate.IMPOSSIBLE),
        (65, -5, 1, TradeFate.IMPOSSIBLE),
        (65, 100, 0, TradeFate.IMPOSSIBLE),
    ],
)
def test_what_does_not_fit_is_refused_counted_and_changes_nothing(
    seconds: float, price: int, lots: int, fate: TradeFate
) -> None:
    made = builder()
    feed(made, (1, 100, 1), (65, 200, 7))
    made.advance(at(62))
    assert made.trade(at(seconds), price, lots, at(65)) is fate
    is_taken = fate is TradeFate.TAKEN
    assert sum(made.n_refused.values()) == (0 if is_taken else 1)
    (bar,) = made.advance(at(122))
    expected = minute(1, 200, 200, 100, 100, volume=8) if is_taken else None
    assert bar == (expected or minute(1, 200, 200, 200, 200, volume=7))


def test_a_trade_of_an_empty_interval_that_is_over_is_late() -> None:
    made = builder()
    feed(made, (1, 100, 1))
    made.advance(at(125))
    assert made.trade(at(70), 100, 1, at(125)) is TradeFate.LATE
    assert made.trade(at(121), 100, 1, at(125)) is TradeFate.TAKEN


def test_a_venues_clock_that_is_set_back_opens_no_closed_bar_again() -> None:
    made = builder()
    feed(made, (1, 100, 1), (65, 101, 1))
    made.advance(at(62))
    assert made.advance(at(30)) == ()
    assert made.trade(at(40), 100, 1, at(65)) is TradeFate.LATE


def test_within_the_grace_a_bar_waits_for_a_trade_that_is_late() -> None:
    made = builder()
    feed(made, (1, 100, 1))
    made.advance(at(61))
    assert made.trade(at(59), 130, 1, at(61)) is TradeFate.TAKEN
    assert made.advance(at(62))[0].high == 130


def test_the_bar_in_which_listening_began_is_not_made() -> None:
    """Its extremes and its volume are not known; one heard from its open on is whole."""
    made = builder(heard=1)
    feed(made, (5, 100, 1), (60, 101, 1))
    assert made.advance(at(122)) == (minute(1, 101, 101, 101, 101, volume=1),)
    assert made.n_incomplete == 1
    whole = builder(heard=0)
    feed(whole, (5, 100, 1))
    assert len(whole.advance(at(62))) == 1


def test_a_lost_feed_leaves_a_gap_until_an_interval_is_heard_as_a_whole() -> None:
    """D03: the bars of the outage are missing, not made of what was heard of them."""
    made = builder()
    feed(made, (5, 100, 1), (65, 101, 1), (110, 102, 1))
    assert [bar.ts_ns for bar in made.lost(at(115))] == [at(0)]
    assert made.advance(at(400)) == ()
    made.resumed(at(450))
    feed(made, (455, 103, 1), (481, 104, 1), (545, 105, 1))
    assert [bar.ts_ns for bar in made.advance(at(603))] == [at(480), at(540)]
    assert made.n_incomplete == 2


def test_a_feed_that_is_lost_for_a_moment_within_a_bar_spoils_that_bar() -> None:
    """The planted fault would be a bar made of its two ends; the bar after it is whole."""
    made = builder()
    feed(made, (5, 100, 1))
    made.lost(at(10))
    made.resumed(at(20))
    feed(made, (30, 101, 1), (70, 102, 1))
    assert [bar.ts_ns for bar in made.advance(at(122))] == [at(60)]


def test_trades_that_dribble_in_while_the_feed_is_lost_make_no_bar() -> None:
    made = builder()
    made.lost(at(1))
    feed(made, (5, 100, 1), (65, 101, 1))
    assert made.advance(at(200)) == ()
    assert made.n_incomplete == 2


def test_weeks_open_on_monday() -> None:
    made = builder(interval_ns=WEEK_NS)
    feed(made, (3 * 86_400, 100, 1))
    (bar,) = made.advance(START_NS + WEEK_NS + GRACE_NS)
    assert bar.ts_ns == START_NS


def test_where_trades_come_from_travels_with_the_bar() -> None:
    made = BarBuilder(HOUR_NS, FeedSource.MOCK, heard_ns=START_NS)
    feed(made, (0, 100, 1))
    assert made.advance(at(3_700))[0].source is FeedSource.MOCK


def test_an_interval_or_a_grace_that_is_none_is_refused() -> None:
    for interval_ns, grace_ns in ((0, 0), (MINUTE_NS, -1)):
        with pytest.raises(InputError, match="expected interval > 0 and grace >= 0"):
            BarBuilder(interval_ns, FeedSource.LIVE, heard_ns=0, grace_ns=grace_ns)
