"""The data behind every specimen: a fair walk with an outage, and a figure known late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import (
    BAR_COLUMNS,
    DAY_NS,
    HOUR_NS,
    Bars,
    Provenance,
    built_in_instrument,
    content_sha256,
)
from athena.errors import CoreError
from athena.research.audit._world import Observations, World

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_START_NS = 1_577_836_800 * 10**9  # 2020-01-01
_N_BARS = 1_440
_OUTAGE = slice(700, 716)
_MOVE = 0.004
_SYMBOL = "TEST/USD"


def gallery_world(seed: int = 20_240_607, n_bars: int = _N_BARS) -> World:
    """Draw hourly bars of a fair walk, 16 of them missing, and a daily figure known 6 hours late.

    Args:
        seed: of the walk.
        n_bars: before the outage is taken out, more than 720.

    Raises:
        CoreError: the built-in test instrument is gone.
    """
    instrument = built_in_instrument(_SYMBOL)
    if instrument is None:
        message = f"expected the built-in instrument {_SYMBOL}, was none"
        raise CoreError(message)
    rng = np.random.Generator(np.random.PCG64(seed))
    close = 20_000 * np.exp(np.cumsum(_MOVE * rng.standard_normal(n_bars)))
    open_ = np.concatenate(([20_000.0], close[:-1]))
    reach = 1 + _MOVE / 2 * np.abs(rng.standard_normal((2, n_bars)))
    high = np.maximum(open_, close) * reach[0]
    low = np.minimum(open_, close) / reach[1]
    ts_ns = _START_NS + HOUR_NS * np.arange(n_bars)
    volume = rng.integers(500_000, 1_500_000, n_bars)
    kept = np.ones(n_bars, np.bool_)
    kept[_OUTAGE] = False
    prices = [np.rint(column).astype(np.int64)[kept] for column in (open_, high, low, close)]
    table = (ts_ns[kept], *prices, volume[kept])
    provenance = Provenance(
        "gallery", "a seeded fair walk", content_sha256(table), is_synthetic=True
    )
    figure_ns = np.arange(ts_ns[0], ts_ns[-1], DAY_NS) + 6 * HOUR_NS
    figure = Observations("figure", figure_ns, rng.standard_normal(len(figure_ns)))
    columns: dict[str, Any] = dict(zip(BAR_COLUMNS, table, strict=True))
    bars = Bars(instrument=instrument, interval_ns=HOUR_NS, provenance=provenance, **columns)
    return World.of([bars], [figure])


def closes(world: World) -> Floats:
    """Return the closes of the first instrument, in ticks."""
    return world.bars[0].close_ticks.astype(np.float64)


def close_times(world: World) -> Ints:
    """Return when each of them is known."""
    return world.bars[0].ts_ns + world.bars[0].interval_ns


def returns(world: World) -> Floats:
    """Return ln(c_t / c_{t-1}); 0 at the first bar."""
    logs = np.log(closes(world))
    return np.diff(logs, prepend=logs[:1])


def trailing_mean(values: Floats, length: int) -> Floats:
    """Return the mean of the last `length` values; NaN before there are as many."""
    mean = np.full(len(values), np.nan)
    if len(values) >= length:
        mean[length - 1 :] = np.lib.stride_tricks.sliding_window_view(values, length).mean(axis=1)
    return mean
