"""Every indicator of the desk by name, as one batch and one stream of the same values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from athena.market.indicators._averages import Ema, Macd, Sma, ema, macd, sma
from athena.market.indicators._momentum import Roc, Rsi, StochRsi, roc, rsi, stoch_rsi
from athena.market.indicators._ranges import (
    Atr,
    Bollinger,
    Choppiness,
    Keltner,
    Squeeze,
    atr,
    bollinger,
    choppiness,
    keltner,
    squeeze,
)
from athena.market.indicators._trend import Adx, Supertrend, adx, supertrend
from athena.market.indicators._volume import Obv, SessionVwap, obv, session_vwap

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from athena.domain import Bars

    Floats = NDArray[np.float64]
    Batch = Callable[["PriceColumns"], tuple[Floats, ...]]
    Stream = Callable[["Candle"], tuple[float, ...]]

State = TypeVar("State")


class Candle(NamedTuple):
    """One closed bar in floats; `ts_ns` is its open."""

    ts_ns: int
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True)
class PriceColumns:
    """Bars in quote and base units.

    Attributes:
        ts_ns: (T,) int64, bar open; the others (T,) float64.
    """

    ts_ns: NDArray[np.int64]
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def candles(self) -> list[Candle]:
        """Return the bars one by one."""
        columns = (self.ts_ns, self.high, self.low, self.close, self.volume)
        return [Candle(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]


@dataclass(frozen=True, slots=True)
class Indicator:
    """Describe an indicator.

    Attributes:
        outputs: names of its columns.
        first_bar: index of the first bar at which all of them are defined.
        batch: bars -> one (T,) float64 per output.
        stream: () -> a function that takes closed bars in order and returns the outputs.
    """

    outputs: tuple[str, ...]
    first_bar: int
    batch: Batch
    stream: Callable[[], Stream]


def price_columns(bars: Bars) -> PriceColumns:
    """Turn ticks and lots into floats, for indicators only: no order is computed from them."""
    tick, lot = np.float64(bars.instrument.tick), np.float64(bars.instrument.lot)
    return PriceColumns(
        bars.ts_ns,
        bars.high_ticks * tick,
        bars.low_ticks * tick,
        bars.close_ticks * tick,
        bars.volume_lots * lot,
    )


def compute_indicators(bars: Bars) -> dict[str, Floats]:
    """Compute every indicator of the catalogue, output name -> (T,) float64, O(T)."""
    columns = price_columns(bars)
    return {
        name: column
        for indicator in INDICATORS
        for name, column in zip(indicator.outputs, indicator.batch(columns), strict=True)
    }


def _stream(
    make: Callable[[], State], step: Callable[[State, Candle], tuple[float, ...]]
) -> Callable[[], Stream]:
    def start() -> Stream:
        state = make()
        return lambda candle: step(state, candle)

    return start


def _ema(length: int) -> Indicator:
    return Indicator(
        (f"ema_{length}",),
        0,
        lambda c: (ema(c.close, length),),
        _stream(lambda: Ema(length), lambda s, c: (s.update(c.close),)),
    )


def _sma(length: int) -> Indicator:
    return Indicator(
        (f"sma_{length}",),
        length - 1,
        lambda c: (sma(c.close, length),),
        _stream(lambda: Sma(length), lambda s, c: (s.update(c.close),)),
    )


INDICATORS: tuple[Indicator, ...] = (
    *(_ema(length) for length in (9, 21, 50, 200)),
    *(_sma(length) for length in (20, 50, 200)),
    Indicator(
        ("macd", "macd_signal", "macd_histogram"),
        25,
        lambda c: macd(c.close),
        _stream(Macd, lambda s, c: s.update(c.close)),
    ),
    Indicator(
        ("rsi_14",),
        0,
        lambda c: (rsi(c.close),),
        _stream(Rsi, lambda s, c: (s.update(c.close),)),
    ),
    Indicator(
        ("stoch_rsi_k", "stoch_rsi_d"),
        31,
        lambda c: stoch_rsi(c.close),
        _stream(StochRsi, lambda s, c: s.update(c.close)),
    ),
    Indicator(
        ("roc_10",),
        10,
        lambda c: (roc(c.close),),
        _stream(Roc, lambda s, c: (s.update(c.close),)),
    ),
    Indicator(
        ("adx_14", "plus_di_14", "minus_di_14"),
        27,
        lambda c: adx(c.high, c.low, c.close),
        _stream(Adx, lambda s, c: s.update(c.high, c.low, c.close)),
    ),
    Indicator(
        ("atr_14",),
        14,
        lambda c: (atr(c.high, c.low, c.close),),
        _stream(Atr, lambda s, c: (s.update(c.high, c.low, c.close),)),
    ),
    Indicator(
        ("supertrend", "supertrend_side"),
        10,
        lambda c: supertrend(c.high, c.low, c.close),
        _stream(Supertrend, lambda s, c: s.update(c.high, c.low, c.close)),
    ),
    Indicator(
        ("bollinger_lower", "bollinger_middle", "bollinger_upper"),
        19,
        lambda c: bollinger(c.close),
        _stream(Bollinger, lambda s, c: s.update(c.close)),
    ),
    Indicator(
        ("keltner_lower", "keltner_middle", "keltner_upper"),
        19,
        lambda c: keltner(c.high, c.low, c.close),
        _stream(Keltner, lambda s, c: s.update(c.high, c.low, c.close)),
    ),
    Indicator(
        ("choppiness_14",),
        14,
        lambda c: (choppiness(c.high, c.low, c.close),),
        _stream(Choppiness, lambda s, c: (s.update(c.high, c.low, c.close),)),
    ),
    Indicator(
        ("obv",),
        0,
        lambda c: (obv(c.close, c.volume),),
        _stream(Obv, lambda s, c: (s.update(c.close, c.volume),)),
    ),
    Indicator(
        ("session_vwap",),
        0,
        lambda c: (session_vwap(c.ts_ns, c.high, c.low, c.close, c.volume),),
        _stream(SessionVwap, lambda s, c: (s.update(c.ts_ns, c.high, c.low, c.close, c.volume),)),
    ),
    Indicator(
        ("volume_sma_20",),
        19,
        lambda c: (sma(c.volume, 20),),
        _stream(lambda: Sma(20), lambda s, c: (s.update(c.volume),)),
    ),
    Indicator(
        ("squeeze",),
        19,
        lambda c: (squeeze(c.high, c.low, c.close),),
        _stream(Squeeze, lambda s, c: (s.update(c.high, c.low, c.close),)),
    ),
)
