"""The level of a position's newest stop is found wherever the ring of closed orders begins."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from athena.domain import OrderState, OrderType, Purpose
from athena.trading import State, codes
from athena.trading import layout as at
from athena.trading._core.orders import is_stop
from athena.trading.live._causes import Causes
from athena.trading.live._core import Core as LiveCore
from athena.trading.live._watch import ProtectionWatch
from tests.conftest import IS_FULL
from tests.core_builder import Core

_STATES = list(range(len(OrderState)))
_TYPES = list(range(len(OrderType)))


def _by_definition(s: State, position: int) -> int:
    newest, trigger = 0, s.positions[position, at.GUARD]
    for table in (s.orders, s.closed):
        for row in range(len(table)):
            if (
                table[row, at.NUMBER] > newest
                and is_stop(table[row, at.TYPE])
                and table[row, at.FLAGS] & at.FLAG_REDUCE_ONLY
                and table[row, at.ORDER_INSTRUMENT] == position
                and table[row, at.CREATED_NS] >= s.positions[position, at.OPENED_NS]
                and table[row, at.STATE] != codes.DENIED
            ):
                newest, trigger = table[row, at.NUMBER], table[row, at.TRIGGER]
    return trigger


def _fill(s: State, draw: Random) -> None:
    """Close many orders, some of them long after younger ones."""
    n_orders = draw.choice([3, 400, 1_400, 3_000])
    s.account[at.NEXT_NUMBER] = n_orders + 1
    now, stays = 1, []
    for number in range(max(1, n_orders - 2_100), n_orders + 1):
        now += draw.choice([0, 1, 5])
        values = {
            at.NUMBER: number,
            at.STATE: draw.choice(_STATES),
            at.TYPE: draw.choice(_TYPES),
            at.PURPOSE: list(Purpose).index(Purpose.PROTECT),
            at.FLAGS: at.FLAG_REDUCE_ONLY * (draw.random() < 0.5),
            at.TRIGGER: draw.randint(1, 10**6),
            at.CREATED_NS: now,
        }
        if draw.random() < 0.03:
            stays.append(values)
        else:
            _write(s.closed, number % len(s.closed), values)
    draw.shuffle(stays)
    for row, values in enumerate(stays):
        is_live = draw.random() < 0.5
        table = s.orders if is_live else s.closed
        _write(table, row if is_live else values[at.NUMBER] % len(s.closed), values)
    s.account[at.N_ROWS] = len(stays)
    s.positions[0, at.OPENED_NS] = draw.choice([0, now // 2, now - 3, now + 1])
    s.positions[0, at.GUARD] = 7


def _write(table: at.Table, row: int, values: dict[int, int]) -> None:
    for column, value in values.items():
        table[row, column] = value


@settings(max_examples=1_000 if IS_FULL else 60, deadline=None)
@given(st.integers(0, 2**31))
def test_the_newest_stop_is_the_one_of_the_whole_tables(seed: int) -> None:
    """I11."""
    tables = Core().tables
    _fill(tables.views, Random(seed))  # noqa: S311 - cases, not secrets
    watch = ProtectionWatch(LiveCore(tables, lambda *_: None, Causes("5" * 32)))
    assert watch._trigger(0) == _by_definition(tables.views, 0)
