"""What a person asks of a sweep, and the combinations that it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research._grid import MAX_COMBINATIONS

if TYPE_CHECKING:
    from athena.research._grid import Grid
    from athena.research.runs import BacktestRequest

DEFAULT_OOS_FRAC = Decimal("0.3")


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """What a person asks of a sweep.

    Attributes:
        run: what all combinations share; its own parameters are those of `grid.fixed`.
        grid: what varies.
        n_random: try so many combinations of the grid, drawn with the run's seed; None tries all.
        oos_frac: part of the time, at its end, that is out of sample, in (0, 1).
    """

    run: BacktestRequest
    grid: Grid
    n_random: int | None = None
    oos_frac: Decimal = DEFAULT_OOS_FRAC

    def __post_init__(self) -> None:
        """Refuse what no sweep could be made of."""
        if not (self.oos_frac.is_finite() and 0 < self.oos_frac < 1):
            message = f"expected an out-of-sample part between 0 and 1, was {self.oos_frac}"
            raise InputError(message, hint="such as --oos 0.3")
        if self.n_random is not None:
            most = min(self.grid.size, MAX_COMBINATIONS)
            if not 1 <= self.n_random <= most:
                message = f"expected --random from 1 to {most:,}, was {self.n_random:,}"
                hint = f"the grid has {self.grid.size:,} combinations"
                raise InputError(message, hint=hint)

    def numbers(self, seed: int) -> list[int]:
        """Return the numbers of the combinations to try, in the grid's order.

        Args:
            seed: of the draw.

        Raises:
            InputError: they are more than 100,000.
        """
        if self.n_random is None:
            return list(range(len(self.grid.combinations())))
        rng = np.random.Generator(np.random.PCG64(seed))
        drawn = rng.choice(self.grid.size, self.n_random, replace=False, shuffle=False)
        return sorted(drawn.tolist())
