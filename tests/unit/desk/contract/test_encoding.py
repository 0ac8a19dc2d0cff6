"""Canonical JSON: what is equal is written equally, and what is read is what was written."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from athena.desk.contract import (
    Evidence,
    Output,
    Plan,
    PlannedOrder,
    PlanStyle,
    Proposal,
    RegimeView,
    Role,
    Vote,
    decode,
    digest,
    encode,
)
from athena.domain import Action, OrderType, Regime, Side
from athena.errors import InputError

OUTPUT = Output(
    agent="regime",
    role=Role.REGIME,
    symbol="BTC/USDT",
    as_of_ns=1_700_000_000_000_000_001,
    action=Action.HOLD,
    label="ranging",
    confidence=0.7,
    raw_confidence=1.0,
    reasons=("ADX 12 is under 20",),
    evidence=(Evidence("adx_14", 12.0, "index", "BTC/USDT 1h"),),
    input_ids=("a" * 64,),
    version="regime-1",
    valid_until_ns=1_700_000_600_000_000_001,
    detail=RegimeView(
        regime=Regime.RANGING,
        candidate=Regime.CHOPPY,
        confirmations=1,
        since_ns=5,
        stop_factor=0.8,
        target_multiple=1.5,
    ),
)
PROPOSAL = Proposal(
    id="strategy/BTC/USDT/7",
    symbol="BTC/USDT",
    action=Action.BUY,
    strategy="momentum",
    strength=0.5,
    regime=Regime.TRENDING_BULL,
    entry_price=Decimal("45000.50"),
    stop_price=Decimal(44_100),
    target_price=Decimal("47250.25"),
    size_frac=0.2,
)
PLAN = Plan(
    proposal_id=PROPOSAL.id,
    style=PlanStyle.MARKET,
    orders=(
        PlannedOrder(
            symbol="BTC/USDT",
            side=Side.BUY,
            type=OrderType.MARKET,
            quantity=Decimal("0.007"),
            stop_price=Decimal(44_100),
        ),
    ),
    is_feasible=True,
    refusals=(),
    expected_slippage_bps=11.0,
    expected_fee_bps=26.0,
    expected_gain_bps=None,
)


@pytest.mark.parametrize("detail", [OUTPUT.detail, PROPOSAL, PLAN, None])
def test_an_output_survives_writing_and_reading(detail: object) -> None:
    output = replace(OUTPUT, detail=detail)
    read = decode(Output, encode(output))
    assert read == output
    assert digest(read) == digest(output)


def test_keys_are_sorted_and_nothing_is_spaced() -> None:
    assert encode({"b": (1, 2.5), "a": Action.CLOSE_LONG}) == b'{"a":"close_long","b":[1,2.5]}'


def test_what_is_equal_is_written_equally() -> None:
    assert encode(1.0) == encode(1) == b"1"
    assert encode(-0.0) == b"0"
    assert encode(Decimal("1.50")) == encode(Decimal("1.5")) == b'"1.5"'
    assert encode(Decimal("1E+3")) == b'"1000"'
    assert encode(b"\x01\xff") == b'"01ff"'
    assert json.loads(encode(2.0**60)) == 2.0**60


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("NaN"), np.int64(3), np.ones(2), object()]
)
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="expected values that JSON can hold"):
        encode({"x": value})


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b'"confidence":0.7', b'"confidence":NaN', "confidence"),
        (b'"confidence":0.7', b'"confidence":"0.7"', "confidence"),
        (b'"action":"hold"', b'"action":"STRONG BUY"', "action"),
        (b'"abstains":false', b'"abstains":false,"size":1e9', "size"),
        (b'"kind":"regime"', b'"kind":"oracle"', "detail"),
        (b'"confidence":0.7', b'"confidence":7', "7.0"),
    ],
)
def test_what_was_not_written_by_us_is_refused(old: bytes, new: bytes, where: str) -> None:
    data = encode(OUTPUT)
    assert old in data
    with pytest.raises(InputError, match=f"expected .*was.*{where}"):
        decode(Output, data.replace(old, new))


def test_one_changed_number_changes_the_digest() -> None:
    assert digest(OUTPUT) != digest(replace(OUTPUT, confidence=0.7000000001))


@pytest.mark.parametrize(
    "changes",
    [
        {"confidence": float("nan")},
        {"confidence": 1.01},
        {"raw_confidence": -0.1},
        {"agent": ""},
        {"version": ""},
        {"valid_until_ns": 0},
        {"reasons": ()},
    ],
)
def test_an_output_that_says_nothing_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match="expected"):
        replace(OUTPUT, **changes)  # type: ignore[arg-type]


def test_an_output_is_valid_from_its_time_until_it_expires() -> None:
    assert not OUTPUT.is_valid_at(OUTPUT.as_of_ns - 1)
    assert OUTPUT.is_valid_at(OUTPUT.as_of_ns)
    assert OUTPUT.is_valid_at(OUTPUT.valid_until_ns)
    assert not OUTPUT.is_valid_at(OUTPUT.valid_until_ns + 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"strength": float("nan")},
        {"size_frac": 1e9},
        {"leverage": 9},
        {"stop_price": Decimal(0)},
        {"target_price": Decimal("NaN")},
    ],
)
def test_a_proposal_outside_all_limits_cannot_be_made(changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match="expected"):
        replace(PROPOSAL, **changes)  # type: ignore[arg-type]


def test_a_vote_has_a_confidence_and_a_weight() -> None:
    with pytest.raises(InputError, match="weight"):
        Vote("a", Role.RISK, Action.HOLD, 0.5, -1.0, "x")
