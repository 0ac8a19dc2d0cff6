"""The market of a served exchange: bars as trades, in order, on the exchange's clock."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.app._venue_feed import Market, bar_trades, load_market
from athena.domain import MINUTE_NS, SECOND_NS, Bars, Instrument
from athena.errors import InputError, MissingError
from athena.venues.exchange import Exchange, ExchangeSettings, Listing
from athena.venues.faults import NO_FAULTS
from athena.venues.serving import Feed, Host, ServedClock
from tests.market_builder import START_NS, bars_of, driftless_bars, instrument_of

if TYPE_CHECKING:
    from pathlib import Path

    from athena.venues.serving import MarketTrade

NOW_NS = 1_750_000_000 * SECOND_NS + 17 * SECOND_NS + 5  # nowhere near a whole minute


def one_bar(open_: int, high: int, low: int, close: int, lots: int) -> Bars:
    return bars_of([[START_NS], [open_], [high], [low], [close], [lots]])


def told(trades: list[MarketTrade]) -> list[tuple[int, str, int]]:
    return [(item.offset_ns, str(item.price), int(item.quantity)) for item in trades]


def test_a_bar_is_four_trades_along_its_path() -> None:
    """The nearer extreme comes first; what does not divide goes to the close."""
    near_low = list(bar_trades(one_bar(1000, 1030, 990, 1010, 43), START_NS))
    third = MINUTE_NS // 3
    assert told(near_low) == [
        (0, "10.00", 10),
        (third, "9.90", 10),
        (2 * third, "10.30", 10),
        (MINUTE_NS - 1, "10.10", 13),
    ]
    near_high = list(bar_trades(one_bar(1000, 1010, 970, 980, 40), START_NS))
    assert [str(item.price) for item in near_high] == ["10.00", "10.10", "9.70", "9.80"]


def test_few_lots_trade_at_the_close_and_none_do_not() -> None:
    assert told(list(bar_trades(one_bar(1000, 1030, 990, 1010, 3), START_NS))) == [
        (MINUTE_NS - 1, "10.10", 3)
    ]
    assert list(bar_trades(one_bar(1000, 1030, 990, 1010, 0), START_NS)) == []


def test_prices_finer_than_the_listed_tick_are_rounded() -> None:
    """Bitfinex' records have eight decimals, the exchange lists two."""
    fine = Instrument("BTC/USD", Decimal("0.00000001"), Decimal("0.00000001"))
    made = one_bar(1_000_600_000, 1_000_600_000, 1_000_600_000, 1_000_600_000, 8)
    bars = Bars(fine, made.interval_ns, *made.columns(), made.provenance)
    trades = list(bar_trades(bars, START_NS))
    assert {str(item.price) for item in trades} == {"10.01"}
    assert sum(item.quantity for item in trades) == Decimal("8e-8")
    assert Market((bars,), START_NS).instruments == (instrument_of("BTC/USD"),)


def test_what_began_before_the_start_gives_a_price_at_once() -> None:
    bars = driftless_bars(4, seed=1)
    start_ns = START_NS + 2 * MINUTE_NS + 30 * SECOND_NS
    trades = list(bar_trades(bars, start_ns))
    assert [item.offset_ns for item in trades[:2]] == [0, 0]
    assert trades[0].price == Decimal(int(bars.open_ticks[2])) / 100
    assert len(trades) == 8


def test_sets_are_merged_by_time_from_where_all_have_prices() -> None:
    early = driftless_bars(10, seed=1, symbol="BTC/USD")
    late = driftless_bars(20, seed=2, symbol="ETH/USD").rows(3, 20)
    market = Market((early, late), int(late.ts_ns[0]))
    offsets = [item.offset_ns for item in market.trades()]
    assert offsets == sorted(offsets)
    assert {item.symbol for item in market.trades()} == {"BTC/USD", "ETH/USD"}
    assert len(offsets) == 4 * (7 + 17)
    assert market.n_bars == 17


@pytest.mark.parametrize("n_history", [0, 1, 5])
def test_the_exchanges_bars_are_the_datas(n_history: int) -> None:
    """A bar keeps its place in the minute, so OHLC shows the same bars, moved as a whole."""
    bars = driftless_bars(12, seed=3, symbol="BTC/USD")
    market = Market((bars,), START_NS)
    origin_ns = market.origin_ns(NOW_NS, n_history)
    assert origin_ns % MINUTE_NS == 0
    assert 0 <= NOW_NS - origin_ns - n_history * MINUTE_NS < MINUTE_NS
    exchange = Exchange(
        [Listing(instrument_of("BTC/USD"))], ExchangeSettings(seed=0), now_ns=origin_ns
    )
    clock = ServedClock.starting_at(origin_ns + 12 * MINUTE_NS - 1, speed=1e-6)
    host = Host(exchange, Feed(market.trades(), origin_ns), clock, NO_FAULTS)
    result = json.loads(host.public("OHLC", {"pair": "XBTUSD", "interval": "1"}))["result"]
    shown = [
        [int(row[0]) * SECOND_NS - origin_ns, *(Decimal(row[i]) for i in (1, 2, 3, 4, 6))]
        for row in result["XXBTZUSD"]
    ]
    assert shown == [
        [
            int(bars.ts_ns[row]) - START_NS,
            *(bars.instrument.ticks_to_price(int(column[row])) for column in bars.columns()[1:5]),
            bars.instrument.lots_to_quantity(int(bars.volume_lots[row])),
        ]
        for row in range(12)
    ]


def test_a_made_up_walk_says_so_and_follows_its_seed(home: Path) -> None:
    """D03: nothing synthetic without a name that says so."""
    market = load_market(["mock", "mock:XRP/USD"], (), home, seed=7)
    assert [item.instrument.symbol for item in market.bars] == ["BTC/USD", "XRP/USD"]
    assert all(item.provenance.is_synthetic for item in market.bars)
    again = load_market(["mock", "mock:XRP/USD"], (), home, seed=7)
    other = load_market(["mock", "mock:XRP/USD"], (), home, seed=8)
    assert again.identity == market.identity != other.identity
    assert "mock-btc-usd-7" in market.identity


def test_files_are_read_with_the_symbol_that_is_named(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(
        "ts,open,high,low,close,volume\n"
        "2026-01-01T00:00:00Z,10,11,9,10,5\n2026-01-01T00:01:00Z,10,11,9,10,5\n"
    )
    market = load_market([str(file)], ["ETH/USD"], home, seed=0)
    assert market.instruments == (instrument_of("ETH/USD"),)
    assert len(list(market.trades())) == 8


def test_a_market_that_cannot_be_is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="nothing-here"):
        load_market(["nothing-here"], (), home, seed=0)
    with pytest.raises(InputError, match="expected each symbol once, was BTC/USD"):
        load_market(["mock", "mock"], (), home, seed=0)
    with pytest.raises(InputError, match="expected one --symbol for each of 1 --data, was 2"):
        load_market(["mock"], ["BTC/USD", "ETH/USD"], home, seed=0)
    with pytest.raises(InputError, match="DOGE/USD"):
        load_market(["mock:DOGE/USD"], (), home, seed=0)
    file = tmp_path / "ETHUSD_1m.csv"
    rows = [f"{1_900_000_000 + 60 * i},10,11,9,10,5" for i in range(3)]
    file.write_text("\n".join(["ts,open,high,low,close,volume", *rows]))
    with pytest.raises(InputError, match="share some time, was mock-btc-usd-0"):
        load_market(["mock", str(file)], (), home, seed=0)


def test_the_order_of_trades_does_not_depend_on_numpy_integers() -> None:
    """What leaves the feed is plain Python: exact decimals and integers."""
    for item in bar_trades(driftless_bars(2, seed=1), START_NS):
        assert type(item.offset_ns) is int
        assert not isinstance(item.price, np.generic)
