"""Plans and news as JSON: what was written reads back, what was changed is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from athena.domain import DenialCode
from athena.errors import InputError
from athena.trading.algorithms import (
    Asked,
    Ended,
    Filled,
    Journaled,
    Judged,
    Kept,
    Plan,
    ProfitRealised,
    Progress,
    PurchaseForced,
    SnapshotTaken,
    Stopped,
    decode,
    encode,
    twap_plan,
)
from athena.trading.algorithms._values import to_values
from tests.algorithm_cases import BUY, Road
from tests.core_builder import NOON

PLAN = twap_plan("p", 2, BUY, 100, start_ns=NOON, smallest_lots=1)


def progress() -> Progress:
    road = Road(PLAN)
    road.trade(NOON)
    return road.progress


ITEMS: list[Journaled] = [
    PLAN,
    progress(),
    Asked(1, 2, 3, 4),
    Judged(1, 2, 3),
    Judged(1, 2, 0, DenialCode.HALTED),
    Filled(1, 2, 3, 4),
    Ended(1),
    Stopped("p", "operator"),
    ProfitRealised(-5, 6),
    Kept(7),
    PurchaseForced(1),
    SnapshotTaken(9),
]


@pytest.mark.parametrize(
    "item", ITEMS, ids=[f"{type(item).__name__}_{k}" for k, item in enumerate(ITEMS)]
)
def test_what_is_journaled_reads_back_from_its_text(item: Journaled) -> None:
    assert decode(json.loads(json.dumps(encode(item)))) == item


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("strategy", "2", "expected Plan.strategy as int, was '2'"),
        ("strategy", True, "expected Plan.strategy as int, was True"),
        ("strategy", 2.0, "expected Plan.strategy as int, was 2.0"),
        ("kind", "iceberg", "expected Plan.kind as one of twap, vwap, dca, rebalance"),
        ("parts", 5, "expected Plan.parts as a list, was 5"),
        ("parts", [1, "2"], "expected Plan.parts as int, was '2'"),
        ("order", [], "expected Plan.order as an object"),
        ("id", None, "expected Plan.id as str, was None"),
        ("parts", [-1, 101], "expected parts >= 0"),
        ("interval_ns", 0, "expected a plan with an id and positive sizes"),
    ],
)
def test_a_changed_field_is_named(field: str, value: Any, words: str) -> None:
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        Plan.from_values({**PLAN.to_values(), field: value})


def test_a_missing_and_an_unknown_field_are_named() -> None:
    values = PLAN.to_values()
    values["colour"] = values.pop("remark")
    with pytest.raises(InputError, match="was odd in colour, remark"):
        Plan.from_values(values)


@pytest.mark.parametrize("values", [{}, {"kind": "Ended"}, {"kind": "Nothing", "item": {}}])
def test_an_unknown_kind_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(InputError, match="expected one of Plan"):
        decode(values)


def test_what_is_no_dataclass_is_not_written() -> None:
    with pytest.raises(InputError, match="expected a dataclass, was int"):
        to_values(5)
