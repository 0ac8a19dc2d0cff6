"""What a person asks of a walk-forward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import DAY_NS
from athena.errors import InputError
from athena.research.splits import Window

if TYPE_CHECKING:
    from athena.platform.config import Config
    from athena.research._grid import Grid
    from athena.research.runs import BacktestRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForwardRequest:
    """What a person asks of a walk-forward.

    Attributes:
        backtest: strategy, data, costs and risk; its dates bound the data, its parameters are
            those of every fold.
        grid: the combinations that each fold chooses from, the parameters of `backtest` among
            them; a grid of one leaves nothing to choose.
        train_ns, test_ns: > 0, length of the first training window and of each test window.
        embargo_ns: > 0, between the end of training and its test window.
        purge_bars: bars left out at the end of training; None is the strategy's `horizon_bars`.
        window: whether training windows expand or roll.
        min_trades: round trips that a combination must have closed in training to be chosen.
    """

    backtest: BacktestRequest
    grid: Grid
    train_ns: int
    test_ns: int
    embargo_ns: int = DAY_NS
    purge_bars: int | None = None
    window: Window = Window.EXPANDING
    min_trades: int = 5

    @property
    def has_choice(self) -> bool:
        """Tell whether a fold has anything to choose from."""
        return self.grid.size > 1


def check_costs(config: Config) -> None:
    """Refuse a walk-forward that costs nothing (FC-13).

    Raises:
        InputError: fees and slippage are both off.
    """
    costs = config.costs
    if costs.taker_fee_bps == costs.maker_fee_bps == costs.base_cost_bps == 0:
        message = "expected a walk-forward with costs, was one with fee and slippage 0"
        raise InputError(message, hint="state --fee-bps or --slippage-bps above 0")
