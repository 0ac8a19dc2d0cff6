"""TR-34 with quantities whose products leave 64 bits: compiled integers wrap, CPython's do not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.domain import Bars, built_in_instrument
from athena.market import mock_bars
from athena.platform.config import CostsConfig
from athena.research import EngineKind, Setup, align, open_instrument_limits, open_limits, simulate
from athena.research.strategies import load_strategy
from athena.trading import layout as at
from athena.trading._core.arithmetic import same_sign
from athena.venues import VenueSettings

if TYPE_CHECKING:
    from pathlib import Path

HALF_HOUR_NS = 30 * 60 * 10**9


def thick(symbol: str, seed: int) -> Bars:
    """Return bars of an instrument in lots of 10^-8, with volume that never limits a fill."""
    instrument = built_in_instrument(symbol, "bitfinex")
    assert instrument is not None
    bars = mock_bars(instrument, 1_500, seed, HALF_HOUR_NS)
    return replace(bars, volume_lots=np.full(len(bars), 10**16))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "parameters"), [("rebalance", {}), ("monthly", {})])
def test_millions_of_units_in_tiny_lots_give_the_same_state_compiled(
    name: str, parameters: dict[str, str], compiler_cache: Path
) -> None:
    """Two buys of 4.8e12 and 1.3e13 lots multiplied to a negative number: booked as a close."""
    pytest.importorskip("numba")
    bars = [thick("XRP/USD", 1), thick("ETH/USD", 2)]
    setup = Setup(
        instruments=tuple(item.instrument for item in bars),
        interval_ns=HALF_HOUR_NS,
        columns=align(bars, with_risk_inputs=True),
        limits=open_limits(CostsConfig()),
        instrument_limits=tuple(open_instrument_limits() for _ in bars),
        venue=VenueSettings(seed=1),
        cash=Decimal(10**8),
        engine=EngineKind.PYTHON,
        cache_folder=compiler_cache,
    )
    outcomes = [
        simulate(
            replace(setup, engine=engine),
            [load_strategy(name, parameters)],
            on_records=lambda words: None,  # noqa: ARG005
        )
        for engine in (EngineKind.PYTHON, EngineKind.COMPILED)
    ]
    python, compiled = (outcome.state.arrays for outcome in outcomes)
    assert int(np.abs(python.positions[:, at.QUANTITY]).max()) ** 2 > 2**63
    assert np.array_equal(python.positions, compiled.positions)
    assert np.array_equal(python.account, compiled.account)
    assert outcomes[0].digest == outcomes[1].digest


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [(1, 2, True), (-1, -2, True), (1, -1, False), (0, 5, False), (5, 0, False), (0, 0, False)],
)
def test_signs_are_compared_and_never_multiplied(a: int, b: int, same: bool) -> None:
    assert same_sign(a, b) is same
    assert same_sign(a * 2**61, b * 2**61) is same
