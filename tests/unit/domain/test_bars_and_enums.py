"""Bars are equal columns of integers; enums are read with aliases and written without."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import numpy as np
import pytest

import athena.domain as vocabulary
from athena.domain import (
    Bars,
    DenialCode,
    Instrument,
    OrderState,
    Provenance,
    content_sha256,
    parse_enum,
)
from athena.errors import InputError

TEST = Instrument("TEST/USD", Decimal("0.01"), Decimal(1))
WHERE = Provenance("t", "test", "0" * 64)
ENUMS = [
    item
    for item in vars(vocabulary).values()
    if isinstance(item, type) and issubclass(item, StrEnum)
]


def bars(n: int = 5) -> Bars:
    column = np.arange(1, n + 1)
    return Bars(TEST, 60, 60 * column, column, column, column, column, column, WHERE)


def test_a_cut_holds_the_bars_that_open_in_it() -> None:
    assert bars().between(120, 240).ts_ns.tolist() == [120, 180]
    assert bars().between(None, 60).ts_ns.tolist() == []
    assert bars().between(301, None).ts_ns.tolist() == []
    assert len(bars().between(None, None)) == 5
    assert len(bars().between(240, 120)) == 0


def test_columns_of_another_type_or_length_are_refused() -> None:
    column = np.arange(5)
    with pytest.raises(InputError, match="expected low_ticks as int64"):
        Bars(TEST, 60, column, column, column, column.astype(float), column, column, WHERE)
    with pytest.raises(InputError, match="expected volume_lots"):
        Bars(TEST, 60, column, column, column, column, column, column[:4], WHERE)


def test_the_digest_tells_one_changed_number() -> None:
    same, other = bars().columns(), [column.copy() for column in bars().columns()]
    assert content_sha256(same) == content_sha256(tuple(other))
    other[3][2] += 1
    assert content_sha256(same) != content_sha256(tuple(other))


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_every_member_round_trips_by_its_value(kind: type[StrEnum]) -> None:
    """A04."""
    assert [parse_enum(kind, member.value) for member in kind] == list(kind)


@pytest.mark.parametrize(
    ("alias", "state"),
    [
        ("partial", OrderState.PARTIALLY_FILLED),
        ("pending", OrderState.SUBMITTING),
        ("submitted", OrderState.SUBMITTING),
        ("canceled", OrderState.CANCELLED),
        (" Filled ", OrderState.FILLED),
    ],
)
def test_aliases_are_read_and_never_written(alias: str, state: OrderState) -> None:
    assert parse_enum(OrderState, alias) is state
    assert alias not in [member.value for member in OrderState]


def test_an_unknown_value_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="expected one of created, denied"):
        parse_enum(OrderState, "done")


def test_every_denial_says_what_it_means() -> None:
    assert all(code.meaning.endswith(".") for code in DenialCode)
    assert len({code.meaning for code in DenialCode}) == len(DenialCode)
