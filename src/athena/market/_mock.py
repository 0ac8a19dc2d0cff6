"""Made-up bars for modes whose name says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.domain import Bars, Provenance, content_sha256, format_interval
from athena.errors import InputError
from athena.market._datasets import SYNTHETIC_PREFIX

if TYPE_CHECKING:
    from athena.domain import Instrument

_DRIFT = 0.0002
_VOLATILITY = 0.015
_START_TICKS = 1_000_000
_MEAN_LOTS = 10_000_000_000
_FIRST_NS = 1_577_836_800_000_000_000  # 2020-01-01: fixed, so that a seed says everything


def mock_bars(instrument: Instrument, n: int, seed: int, interval_ns: int) -> Bars:
    """Draw a seeded random walk: drift 0.0002 and volatility 1.5 % per bar.

    The same arguments give the same bars in every process (B10). Their provenance says that they
    are synthetic.

    Args:
        instrument: whose ticks and lots to count in.
        n: number of bars, >= 0.
        seed: of the generator (PCG64), >= 0.
        interval_ns: length of a bar, > 0.

    Raises:
        InputError: an argument is out of range.
    """
    if n < 0 or seed < 0 or interval_ns <= 0:
        message = f"expected n and seed >= 0, interval > 0, was {n}, {seed}, {interval_ns}"
        raise InputError(message)
    random = np.random.Generator(np.random.PCG64(seed))
    steps = random.normal(_DRIFT, _VOLATILITY, n)
    close = _ticks(_START_TICKS * np.exp(np.cumsum(steps)))
    open_ = np.concatenate(([_START_TICKS], close[:-1]))[:n]
    reach = np.abs(random.normal(0.0, _VOLATILITY / 2, (2, n)))
    high = np.maximum(
        _ticks(np.maximum(open_, close) * (1.0 + reach[0])), np.maximum(open_, close)
    )
    low = np.minimum(_ticks(np.minimum(open_, close) * (1.0 - reach[1])), np.minimum(open_, close))
    lots = np.floor(_MEAN_LOTS * random.exponential(1.0, n)).astype(np.int64)
    columns = (_FIRST_NS + interval_ns * np.arange(n), open_, high, low, close, lots)
    name = f"{SYNTHETIC_PREFIX}-{instrument.symbol.lower().replace('/', '-')}-{seed}"
    provenance = Provenance(
        name=name,
        origin=f"seeded random walk, seed {seed}, {n} bars of {format_interval(interval_ns)}",
        sha256=content_sha256(columns),
        is_synthetic=True,
    )
    return Bars(instrument, interval_ns, *columns, provenance)


def _ticks(values: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.int64]:
    return np.maximum(np.rint(values), 1).astype(np.int64)
