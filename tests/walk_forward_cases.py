"""Strategies and requests for tests of the walk-forward; `tests.walk_forward_cases:Name` runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from athena.domain import DAY_NS, Purpose, Side
from athena.market import store_dataset
from athena.platform.config import Config
from athena.research import (
    BacktestRequest,
    EngineKind,
    WalkForwardRequest,
    WalkForwardResult,
    parse_grid,
    run_walk_forward,
)
from athena.trading import BarStrategy, Intent, Wake, WokenStrategy
from tests.market_builder import HOUR_NS, START_NS, driftless_bars

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from athena.domain import Bars
    from athena.trading import Market, View

N_BARS = 24 * 33
TRAIN_NS = 10 * DAY_NS
TEST_NS = 4 * DAY_NS
NAME = "mock-walk"
COSTS = Config().costs.model_copy(
    update={
        "taker_fee_bps": Decimal(2),
        "maker_fee_bps": Decimal(2),
        "base_cost_bps": Decimal(0),
    }
)


@dataclass
class Above(WokenStrategy):
    """Hold while the close is above a level that was learned: the mean of training."""

    wake: ClassVar[Wake] = Wake(on_change=("side",), on_fill=True)

    shift: float = 1.0
    quantity: Decimal = Decimal(10)

    def fit(self, market: Market) -> None:
        """Learn the mean close."""
        self.fitted_until = int(market.close_ns[-1])
        self._level = float(market.close[0].mean()) * self.shift

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Tell on which side of the level each close is."""
        return {"side": np.sign(market.close[0] - self._level).astype(np.int8)}

    def on_wake(self, view: View) -> Intent | None:
        """Hold above, be flat below."""
        if view.n_working:
            return None
        if view.signals[0] > 0 and view.position == 0:
            return Intent(side=Side.BUY, lots=int(self.quantity))
        if view.signals[0] < 0 and view.position > 0:
            return Intent(side=Side.SELL, lots=view.position, purpose=Purpose.EXIT)
        return None


class FarSighted(Above):
    """`Above`, with labels that reach a day beyond their bar."""

    horizon_bars: ClassVar[int] = 24


@dataclass
class Choosing(Above):
    """`Above`, whose horizon is a parameter."""

    horizon_bars: int = 6  # type: ignore[misc] # of an instance, which a class may do as well


class Keeper(BarStrategy):
    """Keep the closes, and buy where they are not those of the bar."""

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Keep a column of its own."""
        self._close = market.close[0]
        return {}

    def on_bar(self, view: View) -> Intent | None:
        """Compare."""
        is_mine = self._close[view.step] == view.bar.close
        return None if is_mine else Intent(side=Side.BUY, lots=1)


class Broken(Above):
    """`Above`, which raises while it learns."""

    def fit(self, market: Market) -> None:
        """Raise."""
        message = f"no use for {len(market.close_ns)} bars"
        raise ValueError(message)


def walk_bars(seed: int = 7, n: int = N_BARS) -> Bars:
    """Draw a fair walk of hours."""
    return driftless_bars(n, seed, interval_ns=HOUR_NS)


def store(home: Path, bars: Bars, name: str = NAME) -> None:
    """Keep bars as a data set."""
    named = replace(bars, provenance=replace(bars.provenance, name=name))
    store_dataset(named, home, venue="", imported_at_ns=START_NS)


def request_of(  # noqa: PLR0913 - what tests vary
    *,
    strategy: str = "sma_cross",
    parameters: Mapping[str, str] | None = None,
    grid: Sequence[str] = ("slow=20,30,40",),
    kind: str = "",
    risk: str = "open",
    engine: EngineKind = EngineKind.PYTHON,
    start_ns: int | None = None,
    end_ns: int | None = None,
    **more: Any,
) -> WalkForwardRequest:
    """Ask for a walk-forward of a few small windows."""
    given = dict(parameters or {})
    asked = BacktestRequest(
        strategy=strategy,
        parameters=given,
        kind=kind,
        sources=(NAME,),
        risk=risk,
        engine=engine,
        start_ns=start_ns,
        end_ns=end_ns,
    )
    lengths = {"train_ns": TRAIN_NS, "test_ns": TEST_NS, "min_trades": 1, **more}
    return WalkForwardRequest(backtest=asked, grid=parse_grid(grid, given), **lengths)


def config_of(**costs: Decimal) -> Config:
    """Return a configuration whose only cost is a small fee, unless others are named."""
    return Config().model_copy(update={"costs": COSTS.model_copy(update=costs)})


def walk(
    home: Path,
    request: WalkForwardRequest,
    config: Config | None = None,
    *,
    run_id: str = "walked",
    **more: Any,
) -> WalkForwardResult:
    """Run a walk-forward."""
    return run_walk_forward(
        request, config or config_of(), home, run_id=run_id, now_ns=START_NS, **more
    )
