"""Laws of bars that are made of trades: nothing lost, nothing invented, however they come."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from athena.domain import MINUTE_NS, SECOND_NS
from athena.market import BarBuilder, BarChecker, FeedSource, LiveBar, TradeFate

_GRACE_NS = 2 * SECOND_NS
_TRADES = st.lists(
    st.tuples(
        st.integers(0, 90 * SECOND_NS),  # time since the trade before
        st.integers(1, 10**6),  # price
        st.integers(1, 10**9),  # lots
        st.integers(0, 3 * SECOND_NS),  # how late it is heard
    ),
    max_size=40,
)


def by_minute(trades: list[tuple[int, int, int]]) -> list[tuple[int, ...]]:
    """Group trades the plain way."""
    found = []
    for number, group in groupby(trades, lambda trade: trade[0] // MINUTE_NS):
        _, prices, lots = zip(*group, strict=True)
        found.append(
            (number * MINUTE_NS, prices[0], max(prices), min(prices), prices[-1], sum(lots))
        )
    return found


def values(bar: LiveBar) -> tuple[int, ...]:
    return bar.ts_ns, bar.open, bar.high, bar.low, bar.close, bar.volume


@given(_TRADES)
def test_bars_are_the_trades_that_were_taken_each_once(
    moves: list[tuple[int, int, int, int]],
) -> None:
    made = BarBuilder(MINUTE_NS, FeedSource.MOCK, heard_ns=0, grace_ns=_GRACE_NS)
    checker = BarChecker(MINUTE_NS, FeedSource.MOCK)
    ts_ns = now_ns = 0
    taken, bars = [], []
    for gap_ns, price, lots, delay_ns in moves:
        ts_ns += gap_ns
        now_ns = max(now_ns, ts_ns + delay_ns)
        for bar in made.advance(now_ns):
            assert bar.close_ns + _GRACE_NS <= now_ns
            assert checker.check(bar, bar.close_ns) is None
            bars.append(bar)
        if made.trade(ts_ns, price, lots, now_ns) is TradeFate.TAKEN:
            taken.append((ts_ns, price, lots))
    bars += made.advance(ts_ns + MINUTE_NS + _GRACE_NS)
    assert [values(bar) for bar in bars] == by_minute(taken)
    assert len(taken) + sum(made.n_refused.values()) == len(moves)
    assert made.n_incomplete == 0


@given(_TRADES)
def test_trades_that_are_heard_within_the_grace_are_all_taken(
    moves: list[tuple[int, int, int, int]],
) -> None:
    made = BarBuilder(MINUTE_NS, FeedSource.MOCK, heard_ns=0, grace_ns=_GRACE_NS)
    ts_ns = now_ns = 0
    for gap_ns, price, lots, delay_ns in moves:
        ts_ns += gap_ns
        now_ns = max(now_ns, ts_ns + delay_ns % _GRACE_NS)
        made.advance(now_ns)
        assert made.trade(ts_ns, price, lots, now_ns) is TradeFate.TAKEN
