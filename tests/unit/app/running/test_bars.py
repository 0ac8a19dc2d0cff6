"""Closed bars for strategies beside a session, and the prices of an exchange that follows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.app.running._bars import RecordedBars, bars_of, first_shown, moved
from athena.app.running._local_venue import PushedTrades
from athena.app.running._public_bars import PolledBars, PricePoll, bar_of
from athena.domain import DAY_NS, MINUTE_NS, SECOND_NS, Instrument
from athena.errors import InputError, ServiceDown
from athena.market import FeedSource, mock_bars
from athena.trading import Bar
from athena.venues.kraken import Candle
from athena.venues.serving import ServedClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from athena.app.running._bars import Step
    from athena.domain import Bars

BTC = Instrument("BTC/USD", Decimal("0.1"), Decimal("0.00000001"))
ETH = Instrument("ETH/USD", Decimal("0.01"), Decimal("0.00000001"))
START_NS = 1_750_000_020 * SECOND_NS


def recorded(n: int = 6, **gaps: int) -> RecordedBars:
    """Return two sets of n bars from START_NS on; `eth_gap` leaves out a bar of the second."""
    first = _bars(BTC, n)
    second = _bars(ETH, n)
    if "eth_gap" in gaps:
        keep = np.arange(n) != gaps["eth_gap"]
        second = replace(
            second,
            **{
                name: getattr(second, name)[keep]
                for name in (
                    "ts_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots",
                )
            },
        )  # fmt: skip
    return RecordedBars([first, second], FeedSource.MOCK)


def _bars(instrument: Instrument, n: int) -> Bars:
    rows = [
        (START_NS + k * MINUTE_NS, Bar(100 + k, 110 + k, 90 + k, 105 + k, 7)) for k in range(n)
    ]
    return bars_of(instrument, MINUTE_NS, rows, "test")


def test_a_new_session_sees_the_past_as_history_and_each_close_as_a_step() -> None:
    bars = recorded()
    history = bars.begin(-1, START_NS + 2 * MINUTE_NS + 1)
    assert history is not None
    assert [len(item) for item in history] == [2, 2]
    assert bars.take(START_NS + 3 * MINUTE_NS - 1) == []
    (step,) = bars.take(START_NS + 3 * MINUTE_NS)
    assert step.close_ns == START_NS + 3 * MINUTE_NS
    assert step.bars == {0: Bar(102, 112, 92, 107, 7), 1: Bar(102, 112, 92, 107, 7)}
    assert len(bars.take(START_NS + 6 * MINUTE_NS)) == 3
    assert bars.is_over


def test_after_a_restart_the_newest_step_is_shown_again_while_it_is_fresh() -> None:
    """TR-03: what a crash left undecided is decided once; see `Decision.keyed`."""
    decided_ns = START_NS + 2 * MINUTE_NS
    bars = recorded()
    history = bars.begin(decided_ns, START_NS + 4 * MINUTE_NS + 30 * SECOND_NS)
    assert history is not None
    assert [len(item) for item in history] == [3, 3]
    assert [step.close_ns for step in bars.take(START_NS + 4 * MINUTE_NS)] == [
        START_NS + 4 * MINUTE_NS
    ]


def test_a_missing_bar_is_no_bar(home: object) -> None:
    """D03: the step has the others alone."""
    del home
    bars = recorded(eth_gap=3)
    bars.begin(-1, START_NS + 3 * MINUTE_NS)
    (step,) = bars.take(START_NS + 4 * MINUTE_NS)
    assert set(step.bars) == {0}


@pytest.mark.parametrize(
    ("decided", "now", "expected"),
    [(-1, 3.0, 3), (3, 3.5, 3), (2, 3.5, 2), (2, 4.5, 3), (1, 3.9, 2), (-1, 0.0, 0)],
)
def test_the_first_step_to_show(decided: int, now: float, expected: int) -> None:
    closes = [1, 2, 3] if now >= 3 else []
    assert first_shown(closes, decided, now, 1) == expected  # type: ignore[arg-type] # in intervals


def test_bars_are_moved_to_the_steps_of_what_is_traded() -> None:
    fine = Instrument("BTC/USD", Decimal("0.01"), Decimal("0.001"))
    coarse = Instrument("BTC/USD", Decimal("0.1"), Decimal("0.01"))
    rows = [(START_NS, Bar(105, 125, 1, 115, 19))]
    found = moved(bars_of(fine, MINUTE_NS, rows, "test"), coarse, 7)
    # Half to even: 10.5 -> 10, 12.5 -> 12, 11.5 -> 12; nothing falls below one tick.
    values = [int(column[0]) for column in found.columns()]
    assert values == [START_NS + 7, 10, 12, 1, 12, 1]
    assert found.instrument is coarse


def test_moving_to_the_same_steps_changes_nothing_but_the_time() -> None:
    bars = mock_bars(BTC, 50, 3, MINUTE_NS)
    found = moved(bars, BTC, MINUTE_NS)
    assert np.array_equal(found.ts_ns, bars.ts_ns + MINUTE_NS)
    for before, after in zip(bars.columns()[1:], found.columns()[1:], strict=True):
        assert np.array_equal(before, after)


# --- polled --------------------------------------------------------------------------------------


def _candle(ts_ns: int, close: str = "100.0", volume: str = "2") -> Candle:
    price = Decimal(close)
    return Candle(ts_ns, price, price + 1, price - 1, price, Decimal(volume))


class _Kraken:
    """Public bars of every minute; the first questions fail as often as a test says."""

    def __init__(self, clock: ServedClock, n_failures: int = 0) -> None:
        self.clock = clock
        self.n_failures = n_failures
        self.limiter = self

    def bars(
        self, rules: object, interval_ns: int, *, since_ns: int, have_ns: int | None = None
    ) -> Iterator[tuple[Candle, ...]]:
        del rules
        if self.n_failures:
            self.n_failures -= 1
            message = "expected bars, was nothing"
            raise ServiceDown(message)
        now_ns = self.clock.now_ns()
        if interval_ns == DAY_NS:
            opens = range(now_ns // DAY_NS * DAY_NS - 3 * DAY_NS, now_ns - DAY_NS + 1, DAY_NS)
            yield tuple(_candle(ts_ns, "100.04", "9") for ts_ns in opens)
            return
        first_ns = max(START_NS, since_ns if have_ns is None else have_ns + interval_ns)
        opens = range(START_NS, now_ns - interval_ns + 1, interval_ns)
        yield tuple(_candle(ts_ns) for ts_ns in opens if ts_ns >= first_ns)


def test_polled_bars_begin_with_history_and_go_on_with_each_close() -> None:
    """A minute of the session is a tenth of a second here."""
    speed = 600.0
    clock = ServedClock.starting_at(START_NS + 5 * MINUTE_NS + SECOND_NS, speed)
    kraken: Any = _Kraken(clock, n_failures=1)
    rules: Any = [None]
    judged: list[str] = []
    bars = PolledBars(kraken, rules, [BTC], MINUTE_NS, speed=speed)
    history: Any = None
    steps: list[Step] = []

    async def watch() -> None:
        nonlocal history
        keeping = asyncio.create_task(bars.keep(clock, judged.append))
        async with asyncio.timeout(20):
            while len(steps) < 2:
                history = history or bars.begin(-1, clock.now_ns())
                steps.extend(bars.take(clock.now_ns()))
                await asyncio.sleep(0.001)
        keeping.cancel()

    asyncio.run(watch())
    closes = [step.close_ns for step in steps]
    last_ns = int(history[0].ts_ns[-1]) + MINUTE_NS
    assert int(history[0].ts_ns[0]) == START_NS
    assert closes[0] > last_ns
    assert closes[1] > closes[0]
    assert steps[0].bars[0] == Bar(1_000, 1_010, 990, 1_000, 200_000_000)
    (days,) = bars.daily
    assert days.interval_ns == DAY_NS
    assert days.close_ticks.tolist() == [1_000] * 3, "another tick of then is rounded to ours"
    assert days.volume_lots.tolist() == [900_000_000] * 3
    assert judged[0] == "expected bars, was nothing"
    assert judged[1] == ""


def test_a_price_that_is_no_whole_tick_is_no_bar() -> None:
    candle = replace(_candle(START_NS), close=Decimal("100.05"))
    with pytest.raises(InputError, match=r"multiple of 0\.1"):
        bar_of(BTC, candle)


def test_a_running_bar_becomes_the_trades_since_it_was_seen_last() -> None:
    """Nothing before the first look is traded on, and volume is shared out once."""
    trades = PushedTrades()
    poll = PricePoll(lambda _: None, [BTC], trades, every_s=1.0)
    poll.take(0, _candle(START_NS, "100.0", "5"))
    poll.take(0, replace(_candle(START_NS, "102.0", "8"), low=Decimal(99), high=Decimal(103)))
    poll.take(0, replace(_candle(START_NS, "102.0", "8"), low=Decimal(99), high=Decimal(103)))
    poll.take(0, _candle(START_NS + MINUTE_NS, "101.0", "3"))
    found = [(trade.price, trade.quantity) for _, trade in trades.take(7)]
    assert found == [
        (Decimal("100.0"), Decimal(0)),
        (Decimal(103), Decimal("1.50000000")),
        (Decimal("102.0"), Decimal("1.50000000")),
        (Decimal("102.0"), Decimal(0)),
        (Decimal("100.0"), Decimal(1)),
        (Decimal("102.0"), Decimal(1)),
        (Decimal("101.0"), Decimal(1)),
    ]
