"""Risk inputs of strategies' seats: days before the session count, and what is unknown is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.app.running._bars import Step
from athena.app.running._seats import Seats
from athena.domain import DAY_NS, MINUTE_NS
from athena.market import resample
from athena.research.strategies import load_strategy
from athena.trading import Bar
from athena.trading.live import RiskSeen
from tests.hosting_driver import state_of
from tests.market_builder import driftless_bars, setup_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from athena.domain import Bars

DAYS = 4
PAST = driftless_bars(DAYS * 1_440 + 720, 1, "BTC/USD", MINUTE_NS)
SHORT = PAST.rows(DAYS * 1_440, len(PAST))  # twelve hours
NONE = PAST.rows(0, 0)


def seats(home: Path, history: Bars, daily: Sequence[Bars] = ()) -> Seats:
    named = [load_strategy("hold", {})]
    return Seats(named, [history], state_of(setup_of([PAST]), named).views, home, daily=daily)


def next_step(bars: Bars) -> Step:
    close_ns = int(bars.ts_ns[-1]) + 2 * MINUTE_NS
    return Step(close_ns, {0: Bar(*(int(column[-1]) for column in bars.columns()[1:]))})


def volume_of(found: Seats, step: Step) -> int:
    return next(seen.day_volume for seen in found.risk_of(step) if isinstance(seen, RiskSeen))


def test_days_before_a_short_history_make_the_volume_of_a_day_known(home: Path) -> None:
    """Kraken serves 720 minutes: without its daily bars nothing may be entered for half a day."""
    step = next_step(SHORT)
    whole = volume_of(seats(home, PAST), step)
    found = seats(home, SHORT, [resample(PAST, DAY_NS)])
    assert found.unknown_volumes(step.close_ns) == {}
    assert abs(volume_of(found, step) - whole) < whole // 10, "the first day must not count twice"


def test_a_volume_that_is_unknown_is_named_with_the_time_at_which_it_will_be(home: Path) -> None:
    """D03: nothing is made up meanwhile."""
    step = next_step(SHORT)
    found = seats(home, SHORT)
    known_ns = int(SHORT.ts_ns[0]) + DAY_NS
    assert found.unknown_volumes(step.close_ns) == {"BTC/USD": known_ns}
    assert volume_of(found, step) == 0
    assert found.unknown_volumes(known_ns) == {}


def test_without_any_bar_the_first_one_begins_the_day(home: Path) -> None:
    found = seats(home, NONE, [resample(NONE, DAY_NS)])
    step = next_step(SHORT)
    assert found.unknown_volumes(step.close_ns) == {"BTC/USD": None}
    found.risk_of(step)
    assert found.unknown_volumes(step.close_ns) == {"BTC/USD": step.close_ns + DAY_NS}
