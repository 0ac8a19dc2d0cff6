"""Rebalancing end to end: what is traded, in which order, when, and where it leads (C11)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.domain import DAY_NS, Purpose
from athena.errors import InputError
from athena.research.strategies import load_strategy
from athena.trading import check_weights, largest_deviation_ppm, rebalance_trades
from athena.trading import layout as at
from tests.market_builder import HOUR_NS, START_NS, Simulated, bars_of, run, run_named, setup_of

if TYPE_CHECKING:
    from athena.domain import Bars

PPM = 1_000_000
SYMBOLS = ("BTC/USD", "XRP/USD", "ETH/USD")


def market(paths: list[np.ndarray[tuple[int], np.dtype[np.float64]]]) -> list[Bars]:
    """Build hourly bars of three symbols from closes around 1.0."""
    starts = (1_000_000, 200_000, 300_000)
    bars = []
    for symbol, start, path in zip(SYMBOLS, starts, paths, strict=True):
        close = np.rint(start * path).astype(np.int64)
        open_ = np.concatenate((close[:1], close[:-1]))
        high, low = np.maximum(open_, close) + 5, np.minimum(open_, close) - 5
        times = START_NS + HOUR_NS * np.arange(len(close))
        volume = np.full(len(close), 10**14)
        bars.append(bars_of((times, open_, high, low, close, volume), symbol, HOUR_NS))
    return bars


def flat(n: int = 24 * 6) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    return [np.ones(n) for _ in SYMBOLS]


def weights(done: Simulated) -> list[float]:
    """Return the share of the equity that each instrument is at the end."""
    closes = done.setup.columns.close[:, -1]
    held = done.outcome.state.arrays.positions[: len(closes), at.QUANTITY]
    equity = done.equity / 1e8
    shares = []
    for instrument, close, lots in zip(done.setup.instruments, closes, held, strict=True):
        value = instrument.ticks_to_price(int(close)) * instrument.lots_to_quantity(int(lots))
        shares.append(float(value) / equity)
    return shares


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "default"])
def test_the_weights_are_reached_and_kept_within_tolerance(is_open: bool) -> None:
    """C11: 45/25/30, costs on, from all cash."""
    rng = np.random.default_rng(1)
    paths = [np.exp(np.cumsum(rng.normal(0, 0.002, 24 * 20))) for _ in SYMBOLS]
    setup = setup_of(
        market(paths), cash=100_000, is_open=is_open, taker_fee_bps=Decimal(26), is_touch=True
    )
    done = run_named(setup, "rebalance", weights="0.45,0.25,0.30")
    assert len(done.fills.side) >= 3
    for found, target in zip(weights(done), (0.45, 0.25, 0.30), strict=True):
        assert abs(found - target) <= 0.05 + 0.01


def test_sells_come_before_buys() -> None:
    """C11: what is sold pays for what is bought."""
    paths = flat()
    paths[0][48:] = 2.0
    done = run_named(setup_of(market(paths), cash=100_000), "rebalance", weights="0.45,0.25,0.30")
    later = done.fills.marks > 48
    orders, sides = done.fills.order[later], done.fills.side[later]
    assert sides.tolist() == sorted(sides.tolist())
    assert {-1, 1} <= set(sides[np.argsort(orders)].tolist())
    assert done.fills.instrument[later][sides < 0].tolist() == [0]
    assert list(Purpose)[int(done.fills.purpose[0])] is Purpose.REBALANCE
    for found, target in zip(weights(done), (0.45, 0.25, 0.30), strict=True):
        assert abs(found - target) <= 0.05


def test_within_tolerance_nothing_is_traded() -> None:
    paths = flat()
    paths[0][48:] = 1.05
    done = run_named(setup_of(market(paths), cash=100_000), "rebalance", weights="0.45,0.25,0.30")
    assert (done.fills.marks < 6).all()  # the first one, taken up once for what it left
    assert set(done.fills.instrument.tolist()) == {0, 1, 2}


def test_a_rebalance_starts_at_most_once_a_day() -> None:
    """The price doubles and falls back every three hours; trades stay within patience of a day."""
    paths = flat(24 * 8)
    for k in range(30, 24 * 8):
        paths[0][k] = 2.0 if (k // 3) % 2 else 1.0
    setup = setup_of(market(paths), cash=100_000)
    done = run_named(setup, "rebalance", weights="0.45,0.25,0.30", patience_hours=0)
    times = np.unique(done.fills.marks) * HOUR_NS
    assert len(times) >= 4
    assert (np.diff(times) >= DAY_NS).all()


def test_an_order_cap_is_taken_up_at_the_following_looks() -> None:
    """A larger rebalance is sliced: 1,000,000 under a cap of 100,000 takes several hours."""
    setup = setup_of(market(flat()), cash=1_000_000, is_open=False)
    done = run_named(setup, "rebalance", weights="0.3,0.3,0.3")
    amounts = [
        instrument.ticks_to_price(int(ticks)) * instrument.lots_to_quantity(int(lots))
        for instrument, ticks, lots in zip(
            (setup.instruments[k] for k in done.fills.instrument),
            done.fills.price_ticks,
            done.fills.lots,
            strict=True,
        )
    ]
    assert max(amounts) <= 100_000
    assert len(amounts) > 6
    for found in weights(done):
        assert abs(found - 0.3) <= 0.06


def test_a_missing_first_price_waits() -> None:
    bars = market(flat())
    late = replace(bars[2].rows(48, 144))
    done = run_named(setup_of([*bars[:2], late], cash=100_000), "rebalance")
    assert done.fills.marks.min() >= 48
    assert set(done.fills.instrument.tolist()) == {0, 1, 2}


def test_the_monthly_one_acts_at_the_first_look_of_a_month() -> None:
    paths = flat(24 * 62)
    paths[0][24 * 10 :] = 1.3
    done = run_named(setup_of(market(paths), cash=100_000), "monthly")
    days = np.unique(done.fills.marks // 24)
    assert days.tolist() == [0, 31]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.5,-0.1,0.2", ">= 0"),
        ("0.5,0.6,0.2", "at most 1"),
        ("a,b,c", "fractions"),
        ("0.5,nan,0.1", "weights"),
    ],
)
def test_weights_that_cannot_be_kept_are_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_strategy("rebalance", {"weights": text})


def test_the_count_of_weights_is_checked_against_the_instruments() -> None:
    strategy = load_strategy("rebalance", {"weights": "0.5,0.5"})[1]
    with pytest.raises(InputError, match="expected 3 weights"):
        run(setup_of(market(flat())), strategy)


# --- the pure rules ----------------------------------------------------------------------------


def test_no_equity_gives_no_trades() -> None:
    for equity in (0, -5):
        assert rebalance_trades([0, 0], equity, [PPM // 2, PPM // 2], smallest=1, largest=9) == []


def test_trades_lead_to_the_targets_smallest_skipped_largest_cut() -> None:
    trades = rebalance_trades(
        [600, 100, 299], 1_000, [400_000, 300_000, 300_000], smallest=10, largest=150
    )
    assert [(trade.instrument, trade.amount) for trade in trades] == [(0, -150), (1, 150)]
    assert trades[1].target_ppm == 300_000


def test_the_largest_deviation_counts_cash() -> None:
    assert largest_deviation_ppm([0, 0], 1_000, [450_000, 250_000]) == 700_000
    assert largest_deviation_ppm([450, 250], 1_000, [450_000, 250_000]) == 0
    assert largest_deviation_ppm([500, 200], 1_000, [450_000, 250_000]) == 50_000


def test_weights_may_add_up_to_a_thousandth_more_than_all() -> None:
    check_weights([333_400, 333_300, 333_400])
    with pytest.raises(InputError, match=r"1\.01"):
        check_weights([500_000, 510_000])
