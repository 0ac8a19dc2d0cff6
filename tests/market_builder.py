"""Seeded bars, and simulations over them, for tests of strategies and of the backtest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import Bars, Provenance, built_in_instrument, content_sha256
from athena.platform.config import CostsConfig, RiskConfig
from athena.research import (
    EngineKind,
    Outcome,
    Setup,
    align,
    instrument_limits,
    open_instrument_limits,
    open_limits,
    risk_limits,
    simulate,
)
from athena.research.strategies import load_strategy
from athena.trading import FillColumns, codes, fill_columns
from athena.trading import layout as at
from athena.venues import VenueSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from athena.domain import Instrument
    from athena.trading import Strategy

    Ints = NDArray[np.int64]

MINUTE_NS = 60 * 10**9
HOUR_NS = 60 * MINUTE_NS
START_NS = 1_577_836_800 * 10**9  # 2020-01-01, a Wednesday
_STEPS_PER_BAR = 900  # 30 ticks of deviation a bar, 0.15 %
_NO_COSTS = CostsConfig(base_cost_bps=Decimal(0))


def instrument_of(symbol: str) -> Instrument:
    """Return a built-in instrument."""
    found = built_in_instrument(symbol)
    assert found is not None
    return found


def bars_of(
    columns: Sequence[Any], symbol: str = "TEST/USD", interval_ns: int = MINUTE_NS
) -> Bars:
    """Build bars from time, open, high, low, close and volume."""
    table = tuple(np.ascontiguousarray(column, np.int64) for column in columns)
    provenance = Provenance(f"made-{symbol}", "test", content_sha256(table), is_synthetic=True)
    return Bars(instrument_of(symbol), interval_ns, *table, provenance)


def driftless_bars(
    n: int, seed: int, symbol: str = "TEST/USD", interval_ns: int = MINUTE_NS
) -> Bars:
    """Draw a fair walk, one tick up or down at a time, and cut it into bars.

    Inside a bar it is as fair as between bars: whoever leaves where it first stands at a price
    gains nothing. Bars whose extremes are drawn apart from their path would pay for limits there.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    moves = rng.integers(0, 2, (n, _STEPS_PER_BAR), np.int8) * 2 - 1
    path = 20_000 + np.cumsum(moves, dtype=np.int64).reshape(n, _STEPS_PER_BAR)
    close = path[:, -1]
    open_ = np.concatenate(([20_000], close[:-1]))
    return bars_of(
        (
            START_NS + interval_ns * np.arange(n),
            open_,
            np.maximum(path.max(axis=1), open_),
            np.minimum(path.min(axis=1), open_),
            close,
            rng.integers(500_000, 1_500_000, n) * round(1 / instrument_of(symbol).lot),
        ),
        symbol,
        interval_ns,
    )


def benchmark_bars(n: int) -> Bars:
    """Draw the bars of the trading benchmark: a bridge around 1,000 at 0.05 % a minute."""
    rng = np.random.Generator(np.random.PCG64(20_240_607))
    normal = rng.standard_normal((3, n))
    volume = np.exp(5.0 + 0.5 * rng.standard_normal(n))
    walk = np.cumsum(normal[0] * 0.0005)
    walk -= np.linspace(0.0, walk[-1], n)
    close = np.maximum(np.round(1000.0 * np.exp(walk) / 0.01), 1.0)
    open_ = np.concatenate(([100_000.0], close[:-1]))
    reach = np.floor(np.abs(normal[1:]) * 0.0005 * 0.5 * close)
    low = np.maximum(np.minimum(open_, close) - reach[1], 1.0)
    high = np.maximum(open_, close) + reach[0]
    times = START_NS + MINUTE_NS * np.arange(n)
    return bars_of((times, open_, high, low, close, np.round(volume)))


def after(bars: Bars, step: int, rng: np.random.Generator) -> Bars:
    """Return bars that are the same up to `step` and others behind it."""
    columns = [column.copy() for column in bars.columns()]
    n = len(bars) - step - 1
    shift = np.cumsum(rng.integers(-30, 31, n))
    for column in columns[1:5]:
        column[step + 1 :] = np.maximum(column[step + 1 :] + shift, 1)
    columns[5][step + 1 :] = rng.integers(1, 2_000_000, n)
    return bars_of(columns, bars.instrument.symbol, bars.interval_ns)


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulation that has ended.

    Attributes:
        words: everything its journal would hold.
    """

    setup: Setup
    outcome: Outcome
    words: Ints

    @property
    def fills(self) -> FillColumns:
        """Return its fills."""
        return fill_columns([self.words])

    @property
    def digest(self) -> str:
        """Return the digest of all state transitions."""
        return self.outcome.digest

    @property
    def equity(self) -> int:
        """Return the account's value at the last close, in money units."""
        return int(self.outcome.state.views.account[at.EQUITY])

    @property
    def n_denied(self) -> int:
        """Return how many intents the risk engine refused."""
        return int(self.outcome.state.views.account[at.N_DENIED])

    def words_until(self, step: int) -> list[int]:
        """Return the records made by the close of a step, decisions at that close included."""
        kept: list[int] = []
        words = self.words.tolist()
        start = 0
        while start < len(words) and words[start + 1] <= step + 1:
            kind, length = words[start] & 0xFF, words[start] >> 8
            is_of_next_bar = words[start + 1] == step + 1 and (
                kind == at.R_REPORT and words[start + 2] != codes.ACCEPTED
            )
            if is_of_next_bar:
                break
            kept += words[start : start + length]
            start += length
        return kept


def setup_of(
    bars: Sequence[Bars],
    *,
    cash: int = 1_000_000,
    is_open: bool = True,
    engine: EngineKind = EngineKind.PYTHON,
    cache: Path = Path("unused"),
    **venue: Any,
) -> Setup:
    """Build a setup; costs are off unless the venue's settings say otherwise."""
    settings = VenueSettings(
        seed=42, taker_fee_bps=Decimal(0), maker_fee_bps=Decimal(0), base_cost_bps=Decimal(0)
    )
    own = [
        open_instrument_limits() if is_open else instrument_limits(item.instrument, RiskConfig())
        for item in bars
    ]
    return Setup(
        instruments=tuple(item.instrument for item in bars),
        interval_ns=bars[0].interval_ns,
        columns=align(bars, with_risk_inputs=not is_open),
        limits=open_limits(_NO_COSTS) if is_open else risk_limits(RiskConfig(), _NO_COSTS),
        instrument_limits=tuple(own),
        venue=replace(settings, **venue),
        cash=Decimal(cash),
        engine=engine,
        cache_folder=cache,
    )


def run(setup: Setup, *strategies: Strategy) -> Simulated:
    """Run strategies over the bars of a setup."""
    groups: list[Any] = []
    named = [(type(item).__name__, item) for item in strategies]
    outcome = simulate(setup, named, on_records=lambda words: groups.append(words.copy()))
    words = np.concatenate(groups) if groups else np.zeros(0, np.int64)
    return Simulated(setup, outcome, words)


def run_named(setup: Setup, name: str, kind: str = "woken", **parameters: object) -> Simulated:
    """Run a built-in strategy by name."""
    texts = {key: str(value) for key, value in parameters.items()}
    return run(setup, load_strategy(name, texts, kind=kind)[1])
