"""Small markets, requests and sweeps for the tests of the sweep."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.market import store_dataset
from athena.platform.config import Config
from athena.research import BacktestRequest, EngineKind, parse_grid
from athena.research.sweep import SweepRequest, run_sweep
from tests.market_builder import HOUR_NS, START_NS, driftless_bars

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from athena.domain import Bars
    from athena.research.sweep import SweepResult

N_BARS = 720  # 30 days of hours
DATASET = "walk"


def hourly_bars(seed: int = 5, n: int = N_BARS) -> Bars:
    """Draw a fair walk in hours."""
    return driftless_bars(n, seed, interval_ns=HOUR_NS)


def store(bars: Bars, home: Path, name: str = DATASET, *, is_synthetic: bool = False) -> None:
    """Store bars under a name, as real ones unless said otherwise."""
    provenance = replace(bars.provenance, name=name, is_synthetic=is_synthetic)
    store_dataset(replace(bars, provenance=provenance), home, venue="", imported_at_ns=START_NS)


def sweep_request(
    *grid: str, strategy: str = "sma_cross", n_random: int | None = None, **run: Any
) -> SweepRequest:
    """Ask for a sweep of a strategy of a fixed size over the stored walk."""
    parameters = run.pop("parameters", {"quantity": "10"})
    asked = BacktestRequest(
        strategy=strategy,
        parameters=parameters,
        **{"sources": (DATASET,), "engine": EngineKind.PYTHON, "risk": "open", **run},
    )
    return SweepRequest(run=asked, grid=parse_grid(grid, parameters), n_random=n_random)


def config_of(**costs: Any) -> Config:
    """Return the default configuration, costs changed."""
    config = Config()
    return config.model_copy(update={"costs": config.costs.model_copy(update=costs)})


CHEAP = config_of(taker_fee_bps=Decimal(1), maker_fee_bps=Decimal(1), base_cost_bps=Decimal(0))


def sweep_of(request: SweepRequest, home: Path, **options: Any) -> SweepResult:
    """Run a sweep with low costs, in this process."""
    return run_sweep(request, CHEAP, home, **{"now_ns": START_NS, "n_workers": 1, **options})


def tables(results: Sequence[SweepResult]) -> list[bytes]:
    """Return the tables that sweeps have written."""
    return [(result.folder / "table.csv").read_bytes() for result in results]
