"""The benchmark's market: a seeded random walk in one-minute bars, the same bits everywhere.

Each bar opens at the close before it, so that an engine that fills at the close which decided and
one that fills at the next open pay the same price: every correct engine ends with the same money.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    Columns = dict[str, Any]  # each an NDArray

SEED = 20_240_607
N_BARS = 1_000_000
DIGEST = "fe8a8e835221f45b"  # of all columns at N_BARS
START_S = 1_577_836_800  # 2020-01-01 UTC
START_PRICE = 1000.0
TICK = 0.01
SIGMA = 0.0005  # of one bar's log return


def make_bars(n_bars: int = N_BARS) -> Columns:
    """Draw the walk: (n_bars,) ts in seconds, open, high, low, close, volume.

    The walk is tied down at both ends; prices are whole ticks.
    """
    random = np.random.Generator(np.random.PCG64(SEED))
    steps, above, below = random.standard_normal((3, n_bars))
    volume = np.exp(random.standard_normal(n_bars) * 0.5 + 5.0)
    path = np.cumsum(steps * SIGMA)
    path -= np.linspace(0.0, path[-1], n_bars)
    close = np.maximum(np.round(START_PRICE * np.exp(path) / TICK), 1.0)
    opening = np.concatenate(([np.round(START_PRICE / TICK)], close[:-1]))
    half_range = SIGMA * 0.5
    high = np.maximum(opening, close) + np.floor(np.abs(above) * half_range * close)
    low = np.minimum(opening, close) - np.floor(np.abs(below) * half_range * close)
    prices = {"open": opening, "high": high, "low": np.maximum(low, 1.0), "close": close}
    return {
        "ts": START_S + 60 * np.arange(n_bars, dtype=np.int64),
        **{name: np.round(ticks * TICK, 2) for name, ticks in prices.items()},
        "volume": np.round(volume, 3),
    }


def digest_of_bars(columns: Columns) -> str:
    """Return the first 16 digits of the SHA-256 over the columns, in their order."""
    sha256 = hashlib.sha256()
    for column in columns.values():
        sha256.update(np.ascontiguousarray(column).tobytes())
    return sha256.hexdigest()[:16]


def bars_file(folder: Path) -> Path:
    """Return the file of the whole walk, written by the first who asks.

    Raises:
        RuntimeError: this machine draws other bars, so that no figure could be compared.
    """
    path = folder / f"bars_{N_BARS}.npz"
    if not path.exists():
        columns = make_bars()
        if digest_of_bars(columns) != DIGEST:
            message = f"expected bars with digest {DIGEST}, was {digest_of_bars(columns)}"
            raise RuntimeError(message)
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, **columns)
        part.replace(path)
    return path
