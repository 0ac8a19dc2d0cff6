"""Instruments: steps, minima, and what a tick times a lot is worth."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from athena.domain import Instrument, built_in_instrument, built_in_symbols, with_steps
from athena.errors import InputError

BTC = Instrument("BTC/USDT", Decimal("0.01"), Decimal("0.00000001"), Decimal("0.0001"))


def test_prices_and_quantities_are_whole_steps_or_refused() -> None:
    """TR-01, C14."""
    assert BTC.price_to_ticks(Decimal("45000.01")) == 4_500_001
    assert BTC.quantity_to_lots(Decimal("0.007")) == 700_000
    assert BTC.ticks_to_price(4_500_001) == Decimal("45000.01")
    assert BTC.lots_to_quantity(700_000) == Decimal("0.007")
    with pytest.raises(
        InputError, match=r"price of BTC/USDT as a multiple of 0\.01, was 45000\.001"
    ):
        BTC.price_to_ticks(Decimal("45000.001"))


@pytest.mark.parametrize("symbol", ["", "BTC", "BTC/", "/USD", "btc/usd"])
def test_a_symbol_that_names_no_pair_is_refused(symbol: str) -> None:
    with pytest.raises(InputError, match="expected a symbol like BTC/USDT"):
        Instrument(symbol, Decimal("0.01"), Decimal(1))


@pytest.mark.parametrize(("tick", "lot"), [("0", "1"), ("-1", "1"), ("NaN", "1"), ("1", "0")])
def test_a_step_that_is_none_is_refused(tick: str, lot: str) -> None:
    with pytest.raises(InputError, match="> 0"):
        Instrument("A/B", Decimal(tick), Decimal(lot))


def test_the_minimum_is_rounded_up_to_a_lot_and_never_zero() -> None:
    assert BTC.min_lots == 10_000
    assert Instrument("A/B", Decimal(1), Decimal(3), Decimal(10)).min_lots == 4
    assert Instrument("A/B", Decimal(1), Decimal(1)).min_lots == 1


@pytest.mark.parametrize("symbol", built_in_symbols())
def test_the_value_ratio_is_exact(symbol: str) -> None:
    instrument = built_in_instrument(symbol)
    assert instrument is not None
    numerator, denominator = instrument.value_ratio()
    exact = Fraction(instrument.tick) * Fraction(instrument.lot) * 10**8
    assert Fraction(numerator, denominator) == exact


def test_a_venue_may_have_steps_of_its_own() -> None:
    kraken = built_in_instrument("BTC/USD")
    bitfinex = built_in_instrument("BTC/USD", "bitfinex")
    assert kraken is not None
    assert bitfinex is not None
    assert kraken.tick == Decimal("0.01")
    assert bitfinex.tick == Decimal("0.00000001")
    assert built_in_instrument("BTC/USDT", "bitfinex") == built_in_instrument("BTC/USDT")
    assert built_in_instrument("NOPE/USD") is None
    assert with_steps(kraken, Decimal(1), Decimal(2)).lot == 2
