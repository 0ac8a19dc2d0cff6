"""Which bars a run saw, by symbol and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from athena.research.engine import Columns


@dataclass(frozen=True, slots=True)
class SeenBars:
    """The bars of a run up to its last step.

    Attributes:
        columns: of the whole data; row k belongs to the k-th symbol.
        rows: symbol -> row.
        n_steps: steps that the run processed.
        interval_ns: length of a bar.
    """

    columns: Columns
    rows: dict[str, int]
    n_steps: int
    interval_ns: int

    def close_ns(self, step: int) -> int:
        """Return when a step's bar closes; the steps before and behind the data have one each."""
        closes = self.columns.close_ns
        if step < 0:
            return int(closes[0]) - self.interval_ns
        if step >= len(closes):
            return int(closes[-1]) + self.interval_ns
        return int(closes[step])

    def has_bar(self, symbol: str, ts_ns: int) -> bool:
        """Tell whether the run has a bar of the symbol that covers a time, its close included."""
        if symbol not in self.rows:
            return False
        closes = self.columns.close_ns[: self.n_steps]
        step = int(np.searchsorted(closes, ts_ns))
        return (
            step < self.n_steps
            and int(closes[step]) - self.interval_ns < ts_ns
            and int(self.columns.volume[self.rows[symbol], step]) >= 0
        )

    def last_bar(self, symbol: str) -> tuple[int, int]:
        """Return close time and close in ticks of the symbol's last bar; zeros without one."""
        if symbol not in self.rows:
            return 0, 0
        row = self.rows[symbol]
        (steps,) = np.nonzero(self.columns.volume[row, : self.n_steps] >= 0)
        if len(steps) == 0:
            return 0, 0
        return int(self.columns.close_ns[steps[-1]]), int(self.columns.close[row, steps[-1]])
