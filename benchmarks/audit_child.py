"""Audit a strategy and prove the same the naive way, in this process; print both as JSON.

usage: audit_child.py N_BARS N_NAIVE_BARS
"""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from athena.market import load_bars
from athena.platform.config import CostsConfig, RiskConfig
from athena.research import (
    EngineKind,
    Setup,
    align,
    instrument_limits,
    open_instrument_limits,
    open_limits,
    risk_limits,
)
from athena.research.audit import World, audit_strategy
from athena.research.audit._decisions import StrategyDecisions, StrategySignals
from athena.research.audit._prefix import first_difference
from athena.research.strategies import load_strategy
from athena.venues import VenueSettings
from benchmarks.bars import bars_file
from benchmarks.measure import FOLDER, calibrate

FREE = CostsConfig(base_cost_bps=Decimal(0))
VENUE = VenueSettings(
    seed=42, taker_fee_bps=Decimal(0), maker_fee_bps=Decimal(0), base_cost_bps=Decimal(0)
)


def setup_of(bars: tuple[Any, ...], *, is_open: bool) -> Setup:
    """Set a run up, without costs."""
    (only,) = bars
    own = open_instrument_limits() if is_open else instrument_limits(only.instrument, RiskConfig())
    return Setup(
        instruments=(only.instrument,),
        interval_ns=only.interval_ns,
        columns=align(bars, with_risk_inputs=not is_open),
        limits=open_limits(FREE) if is_open else risk_limits(RiskConfig(), FREE),
        instrument_limits=(own,),
        venue=VENUE,
        cash=Decimal(1_000_000),
        engine=EngineKind.PYTHON,
        cache_folder=Path("unused"),
    )


def make() -> Any:
    """Build the strategy."""
    return load_strategy("sma_cross", {})[1]


def audited(world: World) -> float:
    """Return the CPU seconds of an audit, which must find nothing."""
    started_s = time.process_time()
    result = audit_strategy(
        "sma_cross",
        lambda: make,
        world,
        make_setup=lambda bars: setup_of(bars, is_open=False),
        make_open_setup=lambda bars: setup_of(bars, is_open=True),
    )
    if not result.is_clean:
        message = f"expected a clean audit, was {result.violations}"
        raise RuntimeError(message)
    return time.process_time() - started_s


def naive(world: World) -> float:
    """Return the CPU seconds of one run on every prefix, signals and decisions."""
    started_s = time.process_time()
    subjects = [
        StrategySignals("sma_cross", make, {}),
        StrategyDecisions("sma_cross", make, lambda bars: setup_of(bars, is_open=False)),
    ]
    for subject in subjects:
        full = subject.evaluate(world)
        for cut in world.moments().tolist():
            found = subject.evaluate(world.until(cut))
            if any(first_difference(full[name], found[name], cut) >= 0 for name in full):
                message = f"expected nothing, was a difference at {cut}"
                raise RuntimeError(message)
    return time.process_time() - started_s


def main() -> None:
    """Measure."""
    n_bars, n_naive = (int(text) for text in sys.argv[1:3])
    bars = load_bars(str(bars_file(FOLDER)), FOLDER / "home", symbol="TEST/USD")
    calib_s = calibrate()
    whole, short = (World.of([bars.rows(0, n)]) for n in (n_bars, n_naive))
    found = {
        "calib_s": calib_s,
        "cpu_s": audited(whole),
        "short_cpu_s": audited(short),
        "naive_cpu_s": naive(short),
    }
    print(json.dumps(found))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
