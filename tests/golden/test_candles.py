"""Hand-written candle tables give the fills that the rules give (TR-25).

The compiled execution of the same tables is in `tests/invariant/test_compiled_fills.py`.
"""

from __future__ import annotations

import pytest

from tests.bar_run import INTERPRETED
from tests.candle_tables import check_table, read_tables

TABLES = read_tables()


@pytest.mark.parametrize("name", TABLES)
def test_a_candle_table_gives_its_fills(name: str) -> None:
    check_table(TABLES[name], INTERPRETED)


def test_a_table_with_another_price_is_not_passed() -> None:
    name = "stop: a stop sale fills at an open under it"
    wrong = {**TABLES[name], "fills": ["1 buy 10 @ 100 taker", "2 sell 10 @ 95 taker"]}
    with pytest.raises(AssertionError):
        check_table(wrong, INTERPRETED)


def test_there_are_more_than_a_hundred_tables() -> None:
    assert len(TABLES) > 100
