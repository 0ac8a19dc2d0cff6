"""The simulated venue's settings, draws, fees and cash; its fills are in the candle tables."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from athena.domain import OrderType, to_money
from athena.errors import InputError
from athena.trading import codes
from athena.trading import layout as at
from athena.venues import VenueSettings, books_agree, matching, new_venue
from athena.venues import table as vt
from tests.bar_cases import play, random_run
from tests.bar_run import BarRun, Fill, buy, sell

FLAT = (10_000, 10_000, 10_000, 10_000, 100_000)
UNIT_LOTS = 10_000  # one lot at one tick is worth 10^-4 in quote currency


def _costs(seed: int, **terms: Any) -> VenueSettings:
    return VenueSettings(seed=seed, **terms)


def _fills(seed: int) -> list[Fill]:
    rng = Random(7)  # noqa: S311 - cases, not secrets
    run = replace(random_run(rng), venue_settings=_costs(seed))
    return play(rng, run).fills


def test_a_venue_without_a_seed_is_refused() -> None:
    """A06."""
    with pytest.raises(InputError, match="expected a seed") as caught:
        new_venue(VenueSettings(seed=None), Decimal(1_000))
    assert "0 is a seed" in str(caught.value.hint)


def test_the_same_seed_gives_the_same_fills_and_another_others() -> None:
    """A06: seed 0 twice, and seed 0 against seed 1."""
    assert _fills(0) == _fills(0)
    assert len(_fills(0)) > 5
    assert _fills(0) != _fills(1)


def test_draws_depend_on_seed_order_and_fill_alone() -> None:
    draws = {
        matching.keyed_draw(seed, number, fill, 10**9)
        for seed in range(5)
        for number in range(1, 40)
        for fill in range(5)
    }
    assert len(draws) == 5 * 39 * 5
    assert matching.keyed_draw(3, 5, 2, 1_000) == matching.keyed_draw(3, 5, 2, 1_000)


def test_draws_are_spread_evenly() -> None:
    counts = [0] * 10
    for number in range(10_000):
        counts[matching.keyed_draw(42, number, 0, 10)] += 1
    assert all(900 < count < 1_100 for count in counts)


@pytest.mark.parametrize(
    "terms",
    [
        {"taker_fee_bps": Decimal(-1)},
        {"base_cost_bps": Decimal("0.001")},
        {"participation_frac": Decimal("NaN")},
    ],
)
def test_a_negative_or_too_fine_setting_is_refused(terms: dict[str, Decimal]) -> None:
    with pytest.raises(InputError, match="whole millionths"):
        new_venue(_costs(0, **terms), Decimal(1_000))


def _first_price(
    *, lots: int, volume: int, volatility_ppm: int, factors: tuple[str, str], seed: int = 42
) -> int:
    """Buy at an open of 10,000 and return the price paid, with a mean volume known or not."""
    settings = _costs(
        seed, cost_factor_min=Decimal(factors[0]), cost_factor_max=Decimal(factors[1])
    )
    run = BarRun(venue_settings=settings)
    run.step(FLAT)
    run.state.instruments[0, at.VOLATILITY_PPM] = volatility_ppm
    run.state.instruments[0, at.BAR_VOLUME] = volume
    run.send(buy(lots))
    run.step(FLAT)
    return run.fills[0].price


def test_cost_is_base_plus_impact() -> None:
    """Rule 6: 10 bps + 2 % x sqrt(100 / 10,000) = 10 + 20 bps."""
    price = _first_price(lots=100, volume=10_000, volatility_ppm=20_000, factors=("1", "1"))
    assert price == 10_030


def test_unknown_volume_costs_one_percent() -> None:
    price = _first_price(lots=100, volume=0, volatility_ppm=0, factors=("1", "1"))
    assert price == 10_110


def test_impact_is_capped_at_five_percent() -> None:
    price = _first_price(lots=10_000, volume=10, volatility_ppm=900_000, factors=("1", "1"))
    assert price == 10_510


def test_the_factor_stays_within_its_range() -> None:
    prices = {
        _first_price(
            lots=100, volume=10_000, volatility_ppm=20_000, factors=("0.5", "1.5"), seed=seed
        )
        for seed in range(100)
    }
    assert min(prices) >= 10_015
    assert max(prices) <= 10_045
    assert len(prices) > 20


def test_maker_and_taker_pay_their_own_fee() -> None:
    """10,000 lots at 10,000 are worth 10,000: 26 bps of it; 16 bps of 10,100."""
    run = BarRun(venue_settings=_costs(0, base_cost_bps=Decimal(0)))
    run.step(FLAT)
    run.send(buy(UNIT_LOTS))
    run.step(FLAT)
    run.send(sell(UNIT_LOTS, type=OrderType.LIMIT, limit_ticks=10_100))
    run.step((10_000, 10_200, 10_000, 10_100, 200_000))
    taken, made = run.fills
    assert (taken.liquidity, taken.fee) == (codes.TAKER, to_money(Decimal("26.0")))
    assert (made.liquidity, made.fee) == (codes.MAKER, to_money(Decimal("16.16")))
    cash = Decimal(1_000_000) - 10_000 - 26 + 10_100 - Decimal("16.16")
    assert run.state.account[at.CASH] == run.venue.settings[vt.CASH] == to_money(cash)


def test_a_bracket_sells_once_and_the_cash_changes_by_it() -> None:
    """C07: one sale at the venue, cash moved by it, the target gone."""
    run = BarRun()
    run.step(FLAT)
    run.send(buy(100, stop_ticks=9_500, target_ticks=11_000))
    run.step(FLAT)
    before = int(run.venue.settings[vt.CASH])
    assert run.working() == ["sell 100 stop 9500", "sell 100 limit 11000"]
    run.step((9_900, 9_950, 9_400, 9_600, 100_000))
    run.step((11_100, 11_200, 11_000, 11_100, 100_000))
    assert [fill.side for fill in run.fills] == [1, -1]
    assert int(run.venue.settings[vt.CASH]) - before == to_money(Decimal(95))
    assert run.working() == []


def test_a_trailing_stop_is_seen_in_the_venues_open_orders() -> None:
    """C18."""
    run = BarRun()
    run.step(FLAT)
    run.send(buy(100, stop_ticks=9_000, trail_ppm=15_000))
    run.step((10_000, 10_090, 9_990, 10_050, 100_000))
    assert run.working() == ["sell 100 stop 9000"]
    run.step((10_050, 10_200, 10_050, 10_150, 100_000))
    assert run.working() == ["sell 100 stop 10047"]
    run.step((10_150, 10_150, 10_049, 10_050, 100_000))
    assert run.working() == ["sell 100 stop 10047"]


def test_books_that_differ_are_seen() -> None:
    run = BarRun()
    run.step(FLAT)
    run.send(buy(100))
    run.step(FLAT)
    assert books_agree(run.venue, run.state)
    run.venue.market[0, vt.HOLDING] += 1
    assert not books_agree(run.venue, run.state)
    run.venue.market[0, vt.HOLDING] -= 1
    run.venue.settings[vt.CASH] -= 1
    assert not books_agree(run.venue, run.state)
