"""The budget: set aside before, settled after, kept over a crash (DK-19)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from athena.domain import DAY_NS
from athena.language import Ledger, Limits, ModelSpending
from athena.language.spending import Call, OverBudget, Reserved, Settlement, day_of
from tests.language_builder import NOW_NS, open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

D = Decimal


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path)
    yield opened
    opened.close()


def call(number: int, usd: str, *, at_ns: int = NOW_NS, decision: str = "") -> Call:
    return Call(
        f"call-{number}", at_ns, decision or f"decision-{number}", "panel", "first", "alpha",
        "key", D(usd),
    )  # fmt: skip


def settled(usd: str, outcome: str = "text") -> Settlement:
    return Settlement(D(usd), 10, 5, 800, outcome)


def spend(ledger: Ledger, usd: str) -> None:
    """Spend a sum in calls of at most half a dollar, each for a decision of its own."""
    number, left = 1_000, D(usd)
    while left:
        part = min(left, D("0.5"))
        assert isinstance(ledger.reserve(call(number, str(part))), Reserved)
        ledger.settle(f"call-{number}", settled(str(part)))
        number, left = number + 1, left - part


def test_a_call_that_does_not_fit_the_day_is_not_made(ledger: Ledger) -> None:
    """DK-19: budget at 4.80, call worth 0.30."""
    spend(ledger, "4.80")
    refused = ledger.reserve(call(1, "0.30"))
    assert isinstance(refused, OverBudget)
    assert "0.30 USD more would pass 5 a day, of which 4.80 are spent" in refused.reason
    assert ledger.day_usd(NOW_NS) == D("4.80")
    assert isinstance(ledger.reserve(call(2, "0.20")), Reserved)
    assert ledger.day_usd(NOW_NS) == 5


def test_a_call_that_does_not_fit_the_decision_is_not_made(ledger: Ledger) -> None:
    assert isinstance(ledger.reserve(call(1, "0.30", decision="d")), Reserved)
    refused = ledger.reserve(call(2, "0.21", decision="d"))
    assert isinstance(refused, OverBudget)
    assert "0.50 a decision, of which 0.30" in refused.reason
    assert isinstance(ledger.reserve(call(3, "0.21", decision="e")), Reserved)
    ledger.settle("call-1", settled("0.01"))
    assert isinstance(ledger.reserve(call(4, "0.21", decision="d")), Reserved)


def test_what_was_not_spent_is_given_back_and_what_was_more_is_taken(ledger: Ledger) -> None:
    ledger.reserve(call(1, "0.40"))
    assert ledger.day_usd(NOW_NS) == D("0.40")
    ledger.settle("call-1", settled("0.0003"))
    assert ledger.day_usd(NOW_NS) == D("0.0003")
    ledger.reserve(call(2, "0.40"))
    ledger.settle("call-2", settled("0.45"))
    assert ledger.day_usd(NOW_NS) == D("0.4503")


def test_a_call_that_nobody_settled_stays_spent_over_a_restart(tmp_path: Path) -> None:
    first = open_ledger(tmp_path)
    first.reserve(call(1, "0.40"))
    first.close()
    second = open_ledger(tmp_path)
    assert second.day_usd(NOW_NS) == D("0.40")
    assert isinstance(second.reserve(call(2, "0.20", decision="decision-1")), OverBudget)
    second.close()


def test_processes_share_one_budget(tmp_path: Path) -> None:
    first, second = open_ledger(tmp_path), open_ledger(tmp_path)
    spend(first, "4.80")
    assert isinstance(second.reserve(call(1, "0.30")), OverBudget)
    first.close()
    second.close()


def test_the_warning_comes_once_a_day(ledger: Ledger) -> None:
    spend(ledger, "3.90")
    told = [ledger.reserve(call(number, "0.10")) for number in range(3)]
    assert [isinstance(item, Reserved) and item.is_first_warning for item in told] == [
        True, False, False
    ]  # fmt: skip
    assert isinstance(told[0], Reserved)
    assert told[0].day_usd == 4


def test_the_day_begins_at_midnight_utc(ledger: Ledger) -> None:
    spend(ledger, "5.00")
    assert isinstance(ledger.reserve(call(1, "0.10")), OverBudget)
    midnight = NOW_NS - NOW_NS % DAY_NS + DAY_NS
    assert isinstance(ledger.reserve(call(2, "0.10", at_ns=midnight - 1)), OverBudget)
    assert isinstance(ledger.reserve(call(3, "0.10", at_ns=midnight)), Reserved)
    assert (day_of(midnight - 1), day_of(midnight)) == ("2026-05-28", "2026-05-29")


def test_a_call_that_is_settled_the_day_after_counts_for_its_own_day(ledger: Ledger) -> None:
    ledger.reserve(call(1, "0.40"))
    ledger.reserve(call(2, "0.10", at_ns=NOW_NS + DAY_NS))
    ledger.settle("call-1", settled("0.05"))
    assert ledger.day_usd(NOW_NS) == D("0.05")
    assert ledger.day_usd(NOW_NS + DAY_NS) == D("0.10")


def test_a_call_that_costs_nothing_is_noted_and_never_refused(ledger: Ledger) -> None:
    spend(ledger, "5.00")
    assert isinstance(ledger.reserve(call(1, "0")), Reserved)
    assert ledger.by_model(NOW_NS)[0].n_calls == 11


def test_limits_are_those_that_were_configured(tmp_path: Path) -> None:
    limits = Limits(D(1), D("0.5"), D("0.2"))
    ledger = open_ledger(tmp_path, limits)
    assert isinstance(ledger.reserve(call(1, "0.21")), OverBudget)
    assert isinstance(ledger.reserve(call(2, "0.20")), Reserved)
    ledger.close()


def test_every_call_is_summed_up_by_model(ledger: Ledger) -> None:
    ledger.reserve(call(1, "0.40"))
    ledger.settle("call-1", settled("0.05"))
    ledger.reserve(call(2, "0.30"))
    ledger.settle("call-2", Settlement(D(0), None, None, 9, "busy"))
    ledger.reserve(call(3, "0.10"))
    assert ledger.by_model(NOW_NS) == [ModelSpending("first", 3, 1, 10, 5, D("0.15"))]
    assert ledger.by_model(NOW_NS + DAY_NS) == []
    assert ledger.day_usd(NOW_NS + DAY_NS) == 0


def test_no_digit_is_lost(ledger: Ledger) -> None:
    for number in range(3):
        ledger.reserve(call(number, "0.1"))
        ledger.settle(f"call-{number}", settled("0.1000000000000000000001"))
    assert ledger.day_usd(NOW_NS) == D("0.3000000000000000000003")


def test_what_a_decision_took_is_summed_up_by_model(ledger: Ledger) -> None:
    asked = call(1, "0.10")
    for number in (1, 2):
        ledger.reserve(replace(call(number, "0.10"), decision_id=asked.decision_id))
        ledger.settle(f"call-{number}", settled("0.05"))
    ledger.reserve(call(3, "0.10"))  # open: nobody knows yet what it took
    took = 2 * settled("0.05").latency_ms
    found = ledger.by_decision(asked.role)
    assert found == {(asked.decision_id, asked.model): (took, D("0.10"))}
    assert ledger.by_decision("another") == {}
