"""The sums that risk checks read are the sums by definition, whatever happened before."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athena.domain import Book
from athena.trading import State
from athena.trading import layout as at
from athena.trading._core import exposure, orders
from athena.trading._core.arithmetic import part
from athena.trading._core.positions import position_value
from athena.venues import matching
from tests.conftest import IS_FULL
from tests.oracles.risk_cases import random_case, to_tables
from tests.property.test_core_invariants import Market

_TRADING = list(Book).index(Book.TRADING)
seeds = st.integers(0, 2**31)


def _works(s: State) -> list[int]:
    """List the rows of working orders that may enlarge a position."""
    return [
        row
        for row in range(s.account[at.N_ROWS])
        if s.orders[row, at.NUMBER]
        and orders.is_working(s.orders[row, at.STATE])
        and not s.orders[row, at.FLAGS] & at.FLAG_REDUCE_ONLY
    ]


def _held(s: State, instrument: int, *, is_trading: bool) -> list[int]:
    """List what the positions in an instrument are worth, of the trading book or the others."""
    n = s.account[at.N_INSTRUMENTS]
    return [
        position_value(s, strategy * n + instrument)
        for strategy in range(s.account[at.N_STRATEGIES])
        if (s.strategies[strategy, at.BOOK] == _TRADING) == is_trading
    ]


def _working(s: State, instrument: int, *, is_counted: bool, sides: tuple[int, ...]) -> int:
    """Sum up what working entries in an instrument may still move."""
    return sum(
        orders.reserved_value(s, row)
        for row in _works(s)
        if s.orders[row, at.ORDER_INSTRUMENT] == instrument
        and exposure.counts(s, row) == is_counted
        and s.orders[row, at.SIDE] in sides
    )


def by_definition(s: State) -> dict[str, Any]:
    """Return every sum, each from the whole of the tables."""
    every = range(s.account[at.N_INSTRUMENTS])
    single = [
        sum(map(abs, _held(s, k, is_trading=True)))
        + _working(s, k, is_counted=True, sides=(1, -1))
        for k in every
    ]
    net = sum(sum(_held(s, k, is_trading=True)) for k in every)
    others = sum(
        sum(map(abs, _held(s, k, is_trading=False)))
        + _working(s, k, is_counted=False, sides=(1, -1))
        for k in every
    )
    return {
        "single": single,
        "gross": sum(single),
        "net": [
            net + side * sum(_working(s, k, is_counted=True, sides=(side,)) for k in every)
            for side in (1, -1)
        ],
        "all": sum(single) + others,
        "sectors": [
            sum(single[k] for k in every if s.instruments[k, at.SECTOR] == sector)
            for sector in range(4)
        ],
        "correlated": [
            sum(single[j] for j in every if j == k or abs(s.correlation[k, j]) >= at.PPM // 2)
            for k in every
        ],
        "var": sum(part(single[k], max(0, s.instruments[k, at.VAR_PPM])) for k in every),
    }


def as_weighed(s: State) -> dict[str, Any]:
    """Return the same from one pass."""
    exposure.weigh(s)
    every = range(s.account[at.N_INSTRUMENTS])
    return {
        "single": [exposure.instrument_exposure(s, k) for k in every],
        "gross": exposure.gross_exposure(s),
        "net": [exposure.net_exposure(s, side) for side in (1, -1)],
        "all": exposure.all_books_exposure(s),
        "sectors": [exposure.sector_exposure(s, sector) for sector in range(4)],
        "correlated": [exposure.correlated_exposure(s, k, at.PPM // 2) for k in every],
        "var": exposure.value_at_risk(s),
    }


def check_after_each_event(seed: int) -> None:
    market = Market(seed)
    s = market.core.s
    for k in range(s.account[at.N_INSTRUMENTS]):
        s.instruments[k, at.SECTOR] = k % 2
        s.instruments[k, at.VAR_PPM] = 20_000 * k
        s.correlation[k, 0] = s.correlation[0, k] = at.PPM * k // 3
    for _ in range(40):
        market.bar()
        assert as_weighed(s) == by_definition(s)
        for _ in range(market.draw.randint(0, 3)):
            market.act()
            assert as_weighed(s) == by_definition(s)
            matching.drain(s, market.venue.views)


@settings(max_examples=500 if IS_FULL else 25, deadline=None)
@given(seeds)
def test_the_sums_hold_after_any_event(seed: int) -> None:
    """TR-16: nothing of an earlier state is left in them."""
    check_after_each_event(seed)


@settings(max_examples=10_000 if IS_FULL else 200, deadline=None)
@given(seeds)
def test_the_sums_hold_in_any_book(seed: int) -> None:
    """TR-16: on the accounts that the risk oracle judges."""
    s = to_tables(*random_case(Random(seed))).views  # noqa: S311 - cases, not secrets
    assert as_weighed(s) == by_definition(s)


@pytest.mark.parametrize("name", ["weigh", "_weigh_positions"])
def test_sums_that_stay_as_they_were_are_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is a gate: sums that are not taken anew fail it."""
    monkeypatch.setattr(exposure, name, lambda *_: None)
    with pytest.raises(AssertionError):
        check_after_each_event(1)
