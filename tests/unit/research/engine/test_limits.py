"""What differs by instrument: farthest stop, largest order, sector."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from athena.domain import Instrument, built_in_instrument
from athena.platform.config import RiskConfig
from athena.research import instrument_limits
from athena.research.engine._limits import sector_number


@pytest.mark.parametrize(
    ("symbol", "max_stop_ppm", "cap"),
    [("BTC/USDT", 30_000, 10_000), ("XRP/USDT", 50_000, 1_000_000), ("ETH/USDT", 50_000, 10_000)],
)
def test_stop_and_order_cap_are_those_of_the_base_currency(
    symbol: str, max_stop_ppm: int, cap: int
) -> None:
    instrument = built_in_instrument(symbol)
    assert instrument is not None
    own = instrument_limits(instrument, RiskConfig())
    assert own.max_stop_ppm == max_stop_ppm
    assert instrument.lots_to_quantity(own.cap_lots) == cap


def test_instruments_of_one_sector_share_its_number_and_others_have_none_of_it() -> None:
    plain = Instrument("A/USD", Decimal("0.01"), Decimal(1))
    bank, other_bank, mine = (
        replace(plain, symbol=f"{name}/USD", sector=sector)
        for name, sector in (("B", "banks"), ("C", "banks"), ("D", "mines"))
    )
    numbers = [instrument_limits(item, RiskConfig()).sector for item in (bank, other_bank, mine)]
    assert numbers[0] == numbers[1] != numbers[2]
    assert instrument_limits(plain, RiskConfig()).sector == sector_number("") == 0
    assert all(0 < number < 2**62 for number in numbers)
