"""Laws of the simulated venue that hold for any market and any orders."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athena.trading import digest_of
from athena.trading import layout as at
from athena.venues import books_agree
from athena.venues import table as vt
from tests.bar_cases import play, random_run
from tests.bar_run import STATES, BarRun, Fill
from tests.conftest import IS_FULL

SEEDS = st.integers(0, 2**32 - 1)
N_EXAMPLES = 10_000 if IS_FULL else 50  # each plays a whole run
WORKING = {"submitting", "open", "triggered", "partially_filled"}


def _rng(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - cases, not secrets


def _newest(run: BarRun) -> list[Fill]:
    return [fill for fill in run.fills if fill.bar == run.bar]


def check_books(run: BarRun, bars: list[Any]) -> None:
    """I1, I2: the venue's own cash and holdings are the core's; spot lends nothing."""
    del bars
    assert books_agree(run.venue, run.state)
    if run.state.instruments[0, at.IS_MARGIN] == 0:
        assert run.venue.settings[vt.CASH] >= 0
        assert (run.venue.market[:, vt.HOLDING] >= 0).all()
        assert (run.state.positions[:, at.QUANTITY] >= 0).all()


def check_participation(run: BarRun, bars: list[Any]) -> None:
    """Rule 5: the fills of one bar are at most a tenth of its volume."""
    filled: dict[int, int] = defaultdict(int)
    for fill in _newest(run):
        filled[int(run.order(fill.number)[at.ORDER_INSTRUMENT])] += fill.lots
    for row, lots in filled.items():
        assert bars[row] is not None
        assert lots <= bars[row][4] // 10


def check_orders(run: BarRun, bars: list[Any]) -> None:
    """I3, I7: the venue's book is the core's working orders; no order is over-filled."""
    del bars
    at_core = {
        int(order[at.NUMBER]): int(order[at.LOTS] - order[at.FILLED])
        for order in run.live_orders()
        if STATES[int(order[at.STATE])].value in WORKING
    }
    at_venue = {
        int(row[vt.V_NUMBER]): int(row[vt.V_LEFT])
        for row in run.venue.book[run.venue.book[:, vt.V_NUMBER] != 0]
    }
    assert at_core == at_venue
    assert all(left > 0 for left in at_core.values())
    for fill in _newest(run):
        order = run.order(fill.number)
        assert order[at.FILLED] <= order[at.LOTS]
    assert run.state.account[at.N_ILLEGAL] == 0
    assert run.state.account[at.HALT] == 0


def check_protection(run: BarRun, bars: list[Any]) -> None:
    """TR-10: stops and targets of entries are never larger than the position, nor on its side."""
    del bars
    sums: dict[tuple[int, int, bool], int] = defaultdict(int)
    for order in run.live_orders():
        if not order[at.FLAGS] & at.FLAG_REDUCE_ONLY:
            continue
        row, strategy = int(order[at.ORDER_INSTRUMENT]), int(order[at.ORDER_STRATEGY])
        assert run.position(row, strategy) * int(order[at.SIDE]) < 0
        if order[at.PARENT]:
            left = int(order[at.LOTS] - order[at.FILLED])
            sums[row, strategy, bool(order[at.TRIGGER])] += left
    for (row, strategy, _), lots in sums.items():
        assert lots <= abs(run.position(row, strategy))


def check_prices(run: BarRun, bars: list[Any]) -> None:
    """Rules 2, 3, 6: never better than the bar, never worse than the limit."""
    del bars
    for fill in _newest(run):
        limit = int(run.order(fill.number)[at.LIMIT])
        if limit:
            assert fill.side * (fill.price - limit) <= 0


@pytest.mark.parametrize(
    "check", [check_books, check_participation, check_orders, check_protection, check_prices]
)
@settings(max_examples=N_EXAMPLES)
@given(seed=SEEDS)
def test_a_law_holds_after_every_bar_of_any_run(check: Any, seed: int) -> None:
    rng = _rng(seed)
    n_checked = 0

    def check_and_count(run: BarRun, bars: list[Any]) -> None:
        nonlocal n_checked
        check(run, bars)
        n_checked += 1

    run = play(rng, random_run(rng), after_bar=check_and_count)
    assert n_checked == run.state.account[at.MARKS] > 0


def test_the_random_runs_reach_what_the_laws_are_about() -> None:
    ends: dict[str, int] = defaultdict(int)
    n_amended = n_spot_fills = 0
    for seed in range(60):
        rng = _rng(seed)
        run = play(rng, random_run(rng))
        for fill in run.fills:
            ends[run.state_of(fill.number)] += 1
            n_spot_fills += int(run.state.instruments[0, at.IS_MARGIN] == 0)
            n_amended += int(run.order(fill.number)[at.AMEND_LOTS] > 0)
    assert ends["filled"] > 500
    assert ends["cancelled"] > 50
    assert n_spot_fills > 200
    assert n_amended > 50


def _touch_everything(run: BarRun) -> None:
    run.venue.market[:, vt.WATCH_LOW] = 2**62


@settings(max_examples=N_EXAMPLES)
@given(seed=SEEDS)
def test_the_cheap_test_skips_no_bar_that_fills(seed: int) -> None:
    rng, twin_rng = _rng(seed), _rng(seed)
    run = play(rng, random_run(rng))
    twin = play(twin_rng, random_run(twin_rng), before_bar=_touch_everything)
    assert run.fills == twin.fills
    assert digest_of(run.state) == digest_of(twin.state)


@settings(max_examples=N_EXAMPLES)
@given(seed=SEEDS)
def test_cost_is_always_adverse(seed: int) -> None:
    rng, free_rng = _rng(seed), _rng(seed)
    run = random_run(rng)
    settings = replace(run.venue_settings, base_cost_bps=run.venue_settings.base_cost_bps * 0)
    free = replace(random_run(free_rng), venue_settings=settings)
    first = play(rng, run).fills[:1]
    first_free = play(free_rng, free).fills[:1]
    for paid, unpaid in zip(first, first_free, strict=True):
        assert (paid.bar, paid.number, paid.side) == (unpaid.bar, unpaid.number, unpaid.side)
        assert paid.side * (paid.price - unpaid.price) >= 0
