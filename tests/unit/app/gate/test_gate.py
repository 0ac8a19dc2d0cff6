"""TR-27: any one condition missing refuses with that reason; a changed limit voids the gate."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.app.gate import (
    Condition,
    Evidence,
    Fingerprint,
    PaperRecord,
    PassedGate,
    check_gate,
    no_record,
    read_passed,
    record_conditions,
    void_passed,
    write_passed,
)
from athena.errors import InputError
from athena.research.statistics import Estimate

if TYPE_CHECKING:
    from pathlib import Path

PRINT = Fingerprint("c" * 64, "l" * 64, "s" * 64)
NAMES = [
    "configuration", "environment", "confirmation", "keys", "withdrawal", "days", "trades",
    "sharpe", "drawdown", "wins", "uptime", "agent_errors", "order_path",
]  # fmt: skip
GOOD = Evidence(
    enabled_by="file athena.yaml",
    environment="yes",
    is_confirmed=True,
    key_fault="",
    withdrawal=(),
)


def value(x: float, n: int = 100) -> Estimate:
    return Estimate(x, x - 0.1, x + 0.1, n, "made up")


def record(**changes: float) -> PaperRecord:
    """Return a record that holds, unless changed."""
    values = {
        "days": 14.0,
        "trades": 50.0,
        "sharpe": 1.01,
        "drawdown": 0.149,
        "wins": 0.451,
        "uptime": 0.9901,
        "failures": 0.0099,
        "order_path_s": 0.999,
    }
    figures: dict[str, Any] = {name: value(x) for name, x in {**values, **changes}.items()}
    return PaperRecord(session="a" * 32, **figures)


def test_a_gate_whose_every_condition_holds_is_open() -> None:
    report = check_gate(GOOD, record_conditions(record()))
    assert [item.name for item in report.conditions] == NAMES
    assert all(item.holds for item in report.conditions)
    assert report.is_open


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({"enabled_by": None}, "configuration", "false"),
        ({"enabled_by": "environment ATHENA_LIVE__IS_ENABLED"}, "configuration", "file"),
        ({"environment": ""}, "environment", "was not set"),
        ({"environment": "1"}, "environment", "was '1'"),
        ({"is_confirmed": False}, "confirmation", "not what was asked for"),
        ({"key_fault": "ATHENA_KRAKEN_KEY is missing"}, "keys", "is missing"),
        ({"withdrawal": ("withdraw-funds",)}, "withdrawal", "withdraw-funds"),
        ({"withdrawal": None, "rights_fault": "HTTP 503"}, "withdrawal", "not proven: HTTP 503"),
    ],
)
def test_each_condition_of_the_start_refuses_alone(
    changes: dict[str, Any], name: str, words: str
) -> None:
    report = check_gate(replace(GOOD, **changes), record_conditions(record()))
    (missing,) = report.missing
    assert not report.is_open
    assert missing.name == name
    assert words in missing.text


@pytest.mark.parametrize(
    ("name", "figure", "x"),
    [
        ("days", "days", 13.99),
        ("trades", "trades", 49),
        ("sharpe", "sharpe", 1.0),
        ("drawdown", "drawdown", 0.15),
        ("wins", "wins", 0.45),
        ("uptime", "uptime", 0.99),
        ("agent_errors", "failures", 0.01),
        ("order_path", "order_path_s", 1.0),
    ],
)
def test_each_figure_of_the_record_refuses_alone(name: str, figure: str, x: float) -> None:
    report = check_gate(GOOD, record_conditions(record(**{figure: x})))
    assert [item.name for item in report.missing] == [name]
    (missing,) = report.missing
    assert (missing.value, missing.n) == (x, 100)
    assert missing.low is not None
    assert missing.high is not None


@pytest.mark.parametrize("figure", ["sharpe", "wins", "failures", "order_path_s", "drawdown"])
def test_a_figure_that_is_not_known_does_not_hold(figure: str) -> None:
    conditions = record_conditions(record(**{figure: math.nan}))
    (missing,) = [item for item in conditions if not item.holds]
    assert missing.value is None
    assert "not known" in missing.text


def test_without_a_record_every_figure_refuses() -> None:
    report = check_gate(GOOD, no_record("no paper session here"))
    assert [item.name for item in report.missing] == NAMES[5:]
    assert all("no paper session here" in item.text for item in report.missing)


def test_a_confirmation_that_is_asked_for_later_is_not_missing() -> None:
    report = check_gate(replace(GOOD, is_confirmed=None), record_conditions(record()))
    assert report.is_open
    assert report.conditions[2].holds is None


# --- the record of a passed gate ------------------------------------------------------------


def passed() -> PassedGate:
    return PassedGate(
        passed_ns=5,
        session="a" * 32,
        fingerprint=PRINT,
        conditions=record_conditions(record()),
    )


def test_a_passed_gate_is_read_back_as_it_was(home: Path) -> None:
    assert read_passed(home) is None
    write_passed(home, passed())
    assert read_passed(home) == passed()
    void_passed(home)
    void_passed(home)
    assert read_passed(home) is None


@pytest.mark.parametrize("change", ["cut", "condition", "none"])
def test_a_record_that_says_less_than_a_pass_is_refused(home: Path, change: str) -> None:
    """Planted: a cut file, a condition that does not hold, and no condition at all."""
    bad = passed()
    if change == "condition":
        bad = replace(bad, conditions=(Condition("days", holds=False, text="3 days"),))
    elif change == "none":
        bad = replace(bad, conditions=())
    path = write_passed(home, bad)
    if change == "cut":
        path.write_text(path.read_text()[:-20])
    with pytest.raises(InputError, match=r"gate\.json"):
        read_passed(home)


def test_a_fingerprint_names_what_differs() -> None:
    other = Fingerprint("c" * 64, "x" * 64, "s" * 64)
    assert other.differences(PRINT.to_values()) == ["limits"]
    assert other.digest != PRINT.digest
    assert PRINT.differences(PRINT.to_values()) == []
    assert PRINT.differences({}) == ["code", "limits", "strategies"]
