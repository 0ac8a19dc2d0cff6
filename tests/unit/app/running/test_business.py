"""What a configuration adds to a session: slots of people and holdings, rules of both."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError

from athena.app.running._business import business_of
from athena.domain import Book, Instrument
from athena.errors import InputError
from athena.platform.config import Config
from tests.core_builder import BTC, MONEY

XRP = Instrument("XRP/USDT", Decimal("0.00001"), Decimal(1), Decimal(10))
ETH = Instrument("ETH/USDT", Decimal("0.01"), Decimal("0.0001"), Decimal("0.001"))
WEIGHTS = {"weights": {"BTC": "0.3333", "XRP": "0.3333"}}


def config(**sections: object) -> Config:
    return Config.model_validate(sections)


def test_by_default_there_are_slots_for_people_and_holdings_and_nothing_goes_on_by_itself() -> (
    None
):
    found = business_of(Config(), [BTC], 2, "s")
    assert [(slot.name, slot.book) for slot in found.slots] == [
        ("manual", Book.TRADING),
        ("core", Book.CORE),
    ]
    assert (found.rules.rebalance, found.rules.hodl, found.coins_slot) == (None, None, None)


def test_weights_follow_the_order_of_the_instruments() -> None:
    found = business_of(
        config(rebalance={**WEIGHTS, "share_frac": "0.5"}), [XRP, ETH, BTC], 1, "s"
    )
    rules = found.rules.rebalance
    assert rules is not None
    assert rules.weights_ppm == (333_300, 0, 333_300)
    assert rules.strategy == 2
    assert found.slots[1].share_ppm == 500_000
    assert found.coins_slot is None


def test_coins_are_taken_over_only_when_it_is_said() -> None:
    assert business_of(config(rebalance={"takes_coins": True}), [BTC], 1, "s").coins_slot is None
    wants = config(rebalance={**WEIGHTS, "takes_coins": True})
    assert business_of(wants, [BTC, XRP], 1, "s").coins_slot == 2


def test_bags_have_a_slot_that_nobody_sells_from_and_the_specified_thresholds() -> None:
    """TR-20."""
    found = business_of(config(hodl={"is_enabled": True}), [BTC, XRP], 1, "s")
    assert [slot.book for slot in found.slots] == [Book.TRADING, Book.CORE, Book.HODL]
    rules = found.rules.hodl
    assert rules is not None
    assert rules.strategy == 3
    assert [(a.name, a.weight_ppm, a.threshold) for a in rules.assets] == [
        ("USDT", 333_400, MONEY),
        ("BTC", 333_300, 15 * MONEY),
        ("XRP", 333_300, 25 * MONEY),
    ]
    assert (rules.event_cap, rules.day_cap) == (1_000 * MONEY, 5_000 * MONEY)


def test_a_third_that_nothing_traded_can_take_stays_quote_currency() -> None:
    rules = business_of(config(hodl={"is_enabled": True}), [BTC], 1, "s").rules.hodl
    assert rules is not None
    assert [(a.name, a.weight_ppm) for a in rules.assets] == [("USDT", 666_700), ("BTC", 333_300)]


@pytest.mark.parametrize(
    "sections",
    [{"rebalance": WEIGHTS}, {"hodl": {"is_enabled": True, "weights": {"XRP": "0.5"}}}],
)
def test_a_coin_that_the_session_does_not_trade_is_refused(sections: dict[str, object]) -> None:
    with pytest.raises(InputError, match="was XRP"):
        business_of(config(**sections), [BTC], 1, "s")


@pytest.mark.parametrize(
    "sections",
    [
        {"rebalance": {"weights": {"BTC": "0.8", "XRP": "0.3"}}},
        {"hodl": {"weights": {"BTC": "0.8", "XRP": "0.3"}}},
        {"hodl": {"weights": {"ETH": "0.5"}}},
    ],
)
def test_weights_beyond_all_and_coins_without_a_threshold_are_refused(
    sections: dict[str, object],
) -> None:
    with pytest.raises(ValidationError, match=r"add up|purchase_min"):
        config(**sections)
