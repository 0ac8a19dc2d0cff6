"""Hand-written candle tables give the fills that the rules give (TR-25).

The compiled execution of the same tables is in `tests/invariant/test_compiled_fills.py`.
"""

from __future__ import annotations

import pytest

from tests.bar_run import INTERPRETED
from tests.candle_tables import check_table, read_tables
from tests.fill_rules import PAGE, RULES, page

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


def test_every_table_names_its_rules_and_every_rule_has_tables() -> None:
    named = [case["rules"] for case in TABLES.values()]
    assert all(rules and set(rules) <= set(RULES) for rules in named)
    for number, rule in RULES.items():
        assert sum(number in rules for rules in named) >= 4, rule.title
        assert number in TABLES[rule.example]["rules"]


def test_the_page_of_the_rules_shows_the_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make golden"
