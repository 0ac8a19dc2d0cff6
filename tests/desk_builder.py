"""Snapshots, contexts and accounts for tests of the desk's agents."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from athena.desk.contract import Context
from athena.desk.inputs import (
    AccountView,
    ClosedBar,
    PositionView,
    SymbolFeed,
)
from athena.domain import HOUR_NS, Instrument, Provenance, built_in_instrument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.desk.contract import Output
    from athena.desk.inputs import QualityRules, Snapshot

InputsT = TypeVar("InputsT")

START_NS = 1_704_067_200 * 10**9  # 2024-01-01, a Monday
MADE = Provenance("made", "test", "0" * 64, is_synthetic=True)


def instrument_of(symbol: str = "BTC/USDT", *, is_margin: bool = False) -> Instrument:
    """Return a built-in instrument, with or without margin."""
    found = built_in_instrument(symbol)
    assert found is not None
    return replace(found, is_margin=is_margin)


def bars_of(
    closes: Sequence[float],
    *,
    interval_ns: int = HOUR_NS,
    reach: float = 0.001,
    start_ns: int = START_NS,
    instrument: Instrument | None = None,
) -> list[ClosedBar]:
    """Make bars that open at the close before and reach a little beyond both."""
    tick = float((instrument or instrument_of()).tick)
    ticks = [max(1, round(close / tick)) for close in closes]
    bars = []
    for k, close in enumerate(ticks):
        open_ = ticks[k - 1] if k else close
        high = round(max(open_, close) * (1 + reach))
        low = max(1, round(min(open_, close) * (1 - reach)))
        bars.append(ClosedBar(start_ns + k * interval_ns, open_, high, low, close, 10**10))
    return bars


def feed_of(
    bars: Sequence[ClosedBar],
    *,
    interval_ns: int = HOUR_NS,
    working_ns: int = 0,
    instrument: Instrument | None = None,
    rules: QualityRules | None = None,
) -> SymbolFeed:
    """Push bars into a feed; all of them must be taken."""
    feed = SymbolFeed(
        instrument or instrument_of(), interval_ns, working_ns or interval_ns, MADE, rules
    )
    assert [feed.push(bar) for bar in bars] == [""] * len(bars)
    return feed


def snapshot_of(
    closes: Sequence[float],
    *,
    late_ns: int = 0,
    interval_ns: int = HOUR_NS,
    instrument: Instrument | None = None,
) -> Snapshot:
    """Make a snapshot of hourly closes at the moment the newest bar closes."""
    bars = bars_of(closes, interval_ns=interval_ns, instrument=instrument)
    feed = feed_of(bars, interval_ns=interval_ns, instrument=instrument)
    return feed.at(bars[-1].ts_ns + interval_ns + late_ns)


def with_values(snapshot: Snapshot, values: Mapping[str, float | None]) -> Snapshot:
    """Put other indicator values into the working frame; None takes one away."""
    frames = []
    for frame in snapshot.frames:
        if frame.interval_ns == snapshot.working_interval_ns:
            merged: dict[str, Any] = {**frame.values, **values}
            known = {name: value for name, value in merged.items() if value is not None}
            frames.append(replace(frame, values=known))
        else:
            frames.append(frame)
    return replace(snapshot, frames=tuple(frames))


def context_of(
    inputs: InputsT, *, as_of_ns: int = START_NS, symbol: str = "BTC/USDT"
) -> Context[InputsT]:
    """Put inputs into a context."""
    return Context(
        task="decide", symbol=symbol, as_of_ns=as_of_ns, correlation_id="c-1", inputs=inputs
    )


def account_of(*positions: PositionView, equity: str | None = "10000", **more: Any) -> AccountView:
    """Make an account."""
    return AccountView(
        as_of_ns=START_NS,
        equity=None if equity is None else Decimal(equity),
        cash=Decimal(1_000),
        positions=positions,
        **more,
    )


def held(symbol: str, quantity: str, value: str, **more: Any) -> PositionView:
    """Make a position."""
    return PositionView(symbol=symbol, quantity=Decimal(quantity), value=Decimal(value), **more)


def walk(n: int, seed: int, *, drift: float = 0.0, deviation: float = 0.005) -> list[float]:
    """Draw closes."""
    steps = np.random.default_rng(seed).normal(drift, deviation, n)
    closes: list[float] = (40_000.0 * np.exp(np.cumsum(steps))).tolist()
    return closes


class Outbox:
    """Keep what agents publish."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []

    def __call__(self, output: Output) -> None:
        self.outputs.append(output)
