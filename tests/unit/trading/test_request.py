"""C13, C14, C15, D06: numbers of the outside become an intent, or a refusal with a code."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from athena.domain import Action, DenialCode, OrderType, Purpose, Regime, Side
from athena.errors import InputError
from athena.trading import (
    Intent,
    OrderRequest,
    Refusal,
    apply_modification,
    closing_intent,
    to_intent,
)
from tests.core_builder import BTC

REQUEST = OrderRequest(side=Side.BUY, quantity="0.5")


def code_of(result: Intent | Refusal) -> str:
    return result.code.value if isinstance(result, Refusal) else "intent"


def test_a_request_becomes_whole_ticks_and_lots() -> None:
    """C12: to the last digit."""
    request = OrderRequest(
        side=Side.SELL,
        quantity=Decimal("123456789.12345678"),
        type=OrderType.LIMIT,
        limit_price="45000.01",
        stop_price="45900",
        target_price=43_000,
        leverage="2",
        confidence="0.8",
        regime=Regime.RANGING,
        key=7,
    )
    assert to_intent(request, BTC, 3) == Intent(
        side=Side.SELL,
        lots=12_345_678_912_345_678,
        instrument=3,
        type=OrderType.LIMIT,
        limit_ticks=4_500_001,
        stop_ticks=4_590_000,
        target_ticks=4_300_000,
        leverage=2,
        confidence_ppm=800_000,
        regime=Regime.RANGING,
        key=7,
    )


def test_a_quote_amount_becomes_money_units() -> None:
    request = replace(REQUEST, quantity=None, quote_amount="10.00000001")
    intent = to_intent(request, BTC)
    assert isinstance(intent, Intent)
    assert (intent.lots, intent.quote_amount) == (0, 1_000_000_001)


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "big", "", Decimal("sNaN"), True])
@pytest.mark.parametrize(
    "name",
    [
        "quantity",
        "limit_price",
        "trigger_price",
        "stop_price",
        "target_price",
        "leverage",
        "confidence",
    ],
)
def test_what_is_no_finite_number_is_refused(name: str, bad: object) -> None:
    """C13, C15: NaN, infinite, "big"."""
    result = to_intent(replace(REQUEST, **{name: bad}), BTC)
    assert code_of(result) == "invalid_value"
    assert isinstance(result, Refusal)
    assert name in result.message


@pytest.mark.parametrize("bad", [0.5, float("nan"), [1], object()])
def test_a_float_or_an_object_is_no_number(bad: object) -> None:
    result = to_intent(replace(REQUEST, quantity=bad), BTC)  # type: ignore[arg-type]
    assert code_of(result) == "invalid_value"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("quantity", 0, "invalid_value"),
        ("quantity", -1, "invalid_value"),
        ("quantity", "0.123456789", "precision"),
        ("quantity", "1e30", "invalid_value"),
        ("quantity", "1e999999", "invalid_value"),
        ("quantity", "1e-999999", "precision"),
        ("limit_price", 0, "invalid_value"),
        ("limit_price", "-45000", "invalid_value"),
        ("limit_price", "45000.001", "precision"),
        ("limit_price", "1e12", "invalid_value"),
        ("stop_price", 0, "invalid_value"),
        ("leverage", 0, "leverage"),
        ("leverage", -2, "leverage"),
        ("leverage", 6, "leverage"),
        ("leverage", "2.5", "leverage"),
        ("confidence", "1.01", "invalid_value"),
        ("confidence", "-0.1", "invalid_value"),
        ("quote_amount", "10", "invalid_value"),
    ],
)
def test_a_number_out_of_range_or_too_fine_is_refused(name: str, value: object, code: str) -> None:
    """C14, C15; the last names both a quantity and an amount."""
    assert code_of(to_intent(replace(REQUEST, **{name: value}), BTC)) == code


def test_neither_size_nor_amount_is_refused() -> None:
    assert code_of(to_intent(replace(REQUEST, quantity=None), BTC)) == "invalid_value"


@pytest.mark.parametrize("amount", ["0.000000001", "1e-12"])
def test_an_amount_finer_than_a_money_unit_is_refused(amount: str) -> None:
    request = replace(REQUEST, quantity=None, quote_amount=amount)
    assert code_of(to_intent(request, BTC)) == "precision"


# --- C13: modifications -----------------------------------------------------------------------

APPROVED = Intent(side=Side.BUY, lots=1_000, leverage=3)


@pytest.mark.parametrize(
    ("modification", "code"),
    [
        ({"size_cut_frac": "1.5"}, "invalid_value"),
        ({"size_cut_frac": "-0.2"}, "invalid_value"),
        ({"leverage": 9}, "leverage"),
        ({"leverage": 0}, "leverage"),
        ({"quantity": "NaN"}, "invalid_value"),
        ({"quantity": "big"}, "invalid_value"),
        ({"quantity": float("nan")}, "invalid_value"),
        ({"quantity": "0.00001001"}, "invalid_value"),
        ({"quantity": "-0.00000001"}, "invalid_value"),
        ({"quantity": "1e-99999999"}, "precision"),
        ({"quantity": "0.00001", "size_cut_frac": 0}, "invalid_value"),
        ({"side": "sell"}, "invalid_value"),
    ],
)
def test_a_modification_out_of_range_is_refused(
    modification: dict[str, object], code: str
) -> None:
    """C13."""
    assert code_of(apply_modification(APPROVED, modification, BTC)) == code


@pytest.mark.parametrize(
    ("modification", "lots", "leverage"),
    [
        ({}, 1_000, 3),
        ({"quantity": "0.00001"}, 1_000, 3),
        ({"quantity": "0.000005009"}, 500, 3),
        ({"quantity": 0}, 0, 3),
        ({"size_cut_frac": "0.25"}, 750, 3),
        ({"size_cut_frac": "0.3333"}, 666, 3),
        ({"size_cut_frac": 1}, 0, 3),
        ({"leverage": 2}, 1_000, 2),
        ({"leverage": 5}, 1_000, 3),
    ],
)
def test_a_modification_within_its_range_shrinks(
    modification: dict[str, object], lots: int, leverage: int
) -> None:
    """C13: size in [0, original]; the original's leverage is never exceeded."""
    changed = apply_modification(APPROVED, modification, BTC)
    assert changed == replace(APPROVED, lots=lots, leverage=leverage)


def test_a_cut_to_nothing_does_not_fall_back_to_the_quote_amount() -> None:
    amount = replace(APPROVED, lots=0, quote_amount=10**10)
    gone = apply_modification(amount, {"quantity": 0}, BTC)
    assert gone == replace(amount, quote_amount=0)
    half = apply_modification(amount, {"size_cut_frac": "0.5"}, BTC)
    assert half == replace(amount, quote_amount=5 * 10**9)


def test_a_lower_leverage_cap_applies() -> None:
    assert code_of(apply_modification(APPROVED, {"leverage": 3}, BTC, 2)) == "leverage"


# --- D06 --------------------------------------------------------------------------------------


def test_close_short_of_3_with_5_buys_3_reduce_only() -> None:
    """D06."""
    intent = closing_intent(Action.CLOSE_SHORT, -3, 5, 1)
    assert intent == Intent(side=Side.BUY, lots=3, instrument=1, purpose=Purpose.EXIT)


@pytest.mark.parametrize(
    ("action", "held", "lots"),
    [
        (Action.CLOSE_LONG, 0, 5),
        (Action.CLOSE_LONG, -3, 5),
        (Action.CLOSE_SHORT, 3, 5),
        (Action.CLOSE_LONG, 3, 0),
        (Action.CLOSE_LONG, 3, -1),
    ],
)
def test_closing_what_is_not_there_sends_nothing(action: Action, held: int, lots: int) -> None:
    """D06."""
    assert closing_intent(action, held, lots) is None


@pytest.mark.parametrize("action", [Action.BUY, Action.SELL, Action.HOLD])
def test_an_action_that_closes_nothing_is_an_error(action: Action) -> None:
    with pytest.raises(InputError, match="close_long or close_short, was"):
        closing_intent(action, 3, 3)


def test_every_refusal_has_a_code_of_the_enum() -> None:
    result = to_intent(replace(REQUEST, quantity=0), BTC)
    assert result == Refusal(DenialCode.INVALID_VALUE, "expected quantity > 0, was 0")
