"""The market of a served exchange: recorded bars, or a made-up walk, as trades in order."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from athena.domain import MINUTE_NS, SECOND_NS, built_in_instrument, format_time
from athena.errors import InputError
from athena.platform import storage_errors
from athena.venues.serving import MarketTrade

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from athena.domain import Bars, Instrument
    from athena.platform.config import Config
    from athena.venues.exchange import ExchangeSettings
    from athena.venues.faults import FaultChoice

MOCK = "mock"
_LIFE_SIGNS_PER_S = 20
_YAML = {".yaml", ".yml"}
_MOCK_SYMBOL = "BTC/USD"
_MOCK_BARS = 10_080  # of minutes, a week
_TRADES_PER_BAR = 4


@dataclass(frozen=True, slots=True)
class Market:
    """What an exchange is fed with; sets of different intervals share one clock.

    Attributes:
        bars: of each instrument that is traded, one set each.
        start_ns: time in the data at which the feed starts: the first at which all have prices.
    """

    bars: tuple[Bars, ...]
    start_ns: int

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Return what is listed: with the steps of the built-in table where it knows the pair."""
        return tuple(_listed(item.instrument) for item in self.bars)

    @property
    def n_bars(self) -> int:
        """Return how many bars the longest set has from the start on."""
        return max(int((item.ts_ns >= self.start_ns).sum()) for item in self.bars)

    def origin_ns(self, now_ns: int, n_history: int) -> int:
        """Return the served time that the data's start becomes.

        Bars keep their place in the day: what was a whole bar is one bar of the exchange's.

        Args:
            now_ns: served time at which serving starts.
            n_history: bars of the set with the longest ones that are over by then.
        """
        grid_ns = max(item.interval_ns for item in self.bars)
        shift_ns = now_ns - n_history * grid_ns - self.start_ns
        return self.start_ns + shift_ns // grid_ns * grid_ns

    @property
    def identity(self) -> str:
        """Return a text that is equal for equal content: names and digests."""
        return ", ".join(
            f"{item.provenance.name} ({item.provenance.sha256[:16]})" for item in self.bars
        )

    def trades(self) -> Iterator[MarketTrade]:
        """Yield the trades of all sets, oldest first."""
        return heapq.merge(
            *(bar_trades(item, self.start_ns) for item in self.bars),
            key=lambda trade: trade.offset_ns,
        )


def load_market(
    sources: Sequence[str],
    symbols: Sequence[str],
    home: Path,
    *,
    seed: int,
    mock_interval_ns: int = MINUTE_NS,
) -> Market:
    """Open data sets, files, or a made-up walk (`mock`, or `mock:ETH/USD`).

    Args:
        sources: what to open.
        symbols: of each source, in the same order; empty reads them from data set or file name.
        home: the data home.
        seed: of a made-up walk, >= 0.
        mock_interval_ns: length of the bars of a made-up walk.

    Raises:
        InputError: a source that cannot be read, two of one symbol, or sets that share no time.
        MissingError: no such data set.
    """
    if symbols and len(symbols) != len(sources):
        message = f"expected one --symbol for each of {len(sources)} --data, was {len(symbols)}"
        raise InputError(message)
    named = list(symbols) or [""] * len(sources)
    bars = tuple(
        _open(source, symbol, home, seed, mock_interval_ns)
        for source, symbol in zip(sources, named, strict=True)
    )
    traded = [item.instrument.symbol for item in bars]
    for symbol in traded:
        if traded.count(symbol) > 1:
            message = f"expected each symbol once, was {symbol} in more than one --data"
            raise InputError(message)
    start_ns = max(int(item.ts_ns[0]) for item in bars)
    for item in bars:
        end_ns = int(item.ts_ns[-1]) + item.interval_ns
        if end_ns <= start_ns:
            message = f"expected data sets that share some time, was {item.provenance.name}, "
            message += f"which ends {format_time(end_ns)}, before {format_time(start_ns)}"
            raise InputError(message)
    return Market(bars, start_ns)


def exchange_settings(
    config: Config, balances: Mapping[str, Decimal], *, speed: float = 1.0
) -> ExchangeSettings:
    """Return how a local exchange charges and fills: as the configuration says.

    Args:
        config: costs, execution and seed.
        balances: of a new account.
        speed: seconds of the exchange in one of the wall's. A sign of life comes each second, on
            a fast exchange as often as twenty times a second of the wall's: whoever lives by the
            exchange's clock takes a stream that is silent for ten of its seconds for dead (F09).
    """
    from athena.venues.exchange import ExchangeSettings

    costs = config.costs
    return ExchangeSettings(
        seed=config.run.seed,
        balances=balances,
        taker_fee_bps=costs.taker_fee_bps,
        maker_fee_bps=costs.maker_fee_bps,
        half_spread_bps=costs.base_cost_bps,
        cost_factor_min=costs.cost_factor_min,
        cost_factor_max=costs.cost_factor_max,
        participation_frac=costs.participation_frac,
        is_touch=config.execution.limit_fill == "touch",
        heartbeat_ns=round(SECOND_NS * max(1.0, speed / _LIFE_SIGNS_PER_S)),
    )


def read_faults(text: str) -> FaultChoice:
    """Read faults as they stand on a command line, or in a YAML file that is named there.

    Raises:
        InputError: no such fault, or a file that is no plan.
    """
    from athena.venues.faults import VENUE_FAULTS, parse_faults, read_fault_file

    if Path(text).suffix.lower() not in _YAML:
        return parse_faults(text, VENUE_FAULTS)
    with storage_errors(Path(text)):
        content = Path(text).read_bytes()
    try:
        return read_fault_file(content.decode(), VENUE_FAULTS, name=text)
    except UnicodeDecodeError:
        message = f"expected text in UTF-8 in {text}, was something else"
        raise InputError(message) from None


def bar_trades(bars: Bars, start_ns: int) -> Iterator[MarketTrade]:
    """Yield the trades that a set's bars stand for, from a time on.

    Each bar is four trades: open, nearer extreme, farther extreme, close, a third of the bar
    apart, the close one nanosecond before the next bar. Its volume is spread evenly; what does
    not divide goes to the close. A bar without volume is no trade, as nothing fills in it.

    Args:
        bars: of one instrument; prices are rounded to the listed tick, quantities down to its lot.
        start_ns: time in the data that becomes offset 0; the bar that covers it comes whole.
    """
    listed = _listed(bars.instrument)
    first = max(0, int(bars.ts_ns.searchsorted(start_ns, side="right")) - 1)
    third_ns = bars.interval_ns // 3
    delays_ns = (0, third_ns, 2 * third_ns, bars.interval_ns - 1)
    for row in range(first, len(bars)):
        opened_ns = int(bars.ts_ns[row]) - start_ns
        volume = bars.instrument.lots_to_quantity(int(bars.volume_lots[row]))
        lots = int(volume // listed.lot)
        share, rest = divmod(lots, _TRADES_PER_BAR)
        quantities = (share, share, share, share + rest)
        for delay_ns, ticks, quantity in zip(delays_ns, _path(bars, row), quantities, strict=True):
            if quantity:
                price = bars.instrument.ticks_to_price(ticks)
                yield MarketTrade(
                    offset_ns=max(0, opened_ns + delay_ns),
                    symbol=listed.symbol,
                    price=listed.ticks_to_price(max(1, round(price / listed.tick))),
                    quantity=listed.lots_to_quantity(quantity),
                )


def _path(bars: Bars, row: int) -> tuple[int, int, int, int]:
    open_, high = int(bars.open_ticks[row]), int(bars.high_ticks[row])
    low, close = int(bars.low_ticks[row]), int(bars.close_ticks[row])
    is_high_nearer = high - open_ < open_ - low
    return (open_, high, low, close) if is_high_nearer else (open_, low, high, close)


def _open(source: str, symbol: str, home: Path, seed: int, mock_interval_ns: int) -> Bars:
    from athena.market import find_instrument, load_bars, mock_bars

    kind, _, of_mock = source.partition(":")
    if kind == MOCK:
        instrument = find_instrument(of_mock or symbol or _MOCK_SYMBOL)
        return mock_bars(instrument, _MOCK_BARS, seed, mock_interval_ns)
    bars = load_bars(source, home, symbol=symbol or None)
    if not len(bars):
        message = f"expected bars in {source}, was none"
        raise InputError(message)
    return bars


def _listed(instrument: Instrument) -> Instrument:
    return built_in_instrument(instrument.symbol) or instrument
