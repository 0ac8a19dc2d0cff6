"""The record of costs keeps its promises on every database: SQLite, and PostgreSQL if there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from athena.language import TABLES, Ledger, Limits
from athena.language.spending import Call, OverBudget, Reserved, Settlement
from athena.platform.database import migrate, open_database
from tests.language_builder import NOW_NS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

D = Decimal
KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Ledger]:
    """Return a function that opens the record anew, as another process would."""
    is_file = request.param == "sqlite"
    url = "sqlite:///costs.db" if is_file else str(request.getfixturevalue("postgres_url"))

    def open_it() -> Ledger:
        database = open_database(url, tmp_path)
        migrate(database, {"language": TABLES}, now_ns=NOW_NS, keep_in=tmp_path / "kept")
        return Ledger(database, Limits())

    return open_it


def call(name: str, usd: str) -> Call:
    return Call(name, NOW_NS, name, "panel", "first", "alpha", "key", D(usd))


def test_sums_are_exact_and_survive_a_restart(opened: Callable[[], Ledger]) -> None:
    ledger = opened()
    assert isinstance(ledger.reserve(call("a", "0.5")), Reserved)
    ledger.settle("a", Settlement(D("0.000000000000123"), 10, 5, 800, "text"))
    assert isinstance(ledger.reserve(call("b", "0.1")), Reserved)
    ledger.close()
    again = opened()
    assert again.day_usd(NOW_NS) == D("0.100000000000123")
    (spending,) = again.by_model(NOW_NS)
    assert (spending.n_calls, spending.n_texts, spending.cost_usd) == (
        2,
        1,
        D("0.100000000000123"),
    )
    again.close()


def test_processes_that_ask_at_once_never_pass_the_budget_together(
    opened: Callable[[], Ledger],
) -> None:
    """DK-19: each has a connection of its own, as processes have."""
    opened().close()

    def spend(k: int) -> int:
        ledger = opened()
        try:
            found = [ledger.reserve(call(f"{k}-{j}", "0.3")) for j in range(6)]
        finally:
            ledger.close()
        return sum(isinstance(item, Reserved) for item in found)

    with ThreadPoolExecutor(4) as pool:
        made = sum(pool.map(spend, range(4)))
    assert made == 16, "16 x 0.30 are 4.80, one more would be 5.10"
    ledger = opened()
    assert ledger.day_usd(NOW_NS) == D("4.8")
    assert isinstance(ledger.reserve(call("late", "0.3")), OverBudget)
    ledger.close()
