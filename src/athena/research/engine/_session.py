"""One simulation under way: its tables, its records, and who is told of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from athena.research.engine import _loop
from athena.research.engine._engine import choose_engine
from athena.trading import Ints
from athena.trading import layout as at

if TYPE_CHECKING:
    from pathlib import Path

    from athena.research.engine._setup import Setup
    from athena.research.engine._shares import ShareChange
    from athena.trading import Market, StateTables
    from athena.venues import VenueTables

FLUSH_WORDS = at.RECORD_RESERVE // 2

RecordSink = Callable[[Ints], None]
ProgressSink = Callable[[int], None]


@dataclass(slots=True)
class Session:
    """One simulation under way.

    Attributes:
        setup: what it is about.
        state, venue: the tables of core and venue.
        on_records: takes the core's records; the array is reused.
        on_progress: told the step now and then.
        shares: of the equity, by the step that changes them.
        control: see `_loop`.
        cpu_s: what the loop has taken.
    """

    setup: Setup
    state: StateTables
    venue: VenueTables
    on_records: RecordSink
    on_progress: ProgressSink
    shares: Sequence[ShareChange] = ()
    control: Ints = field(init=False)
    cpu_s: float = 0.0

    def __post_init__(self) -> None:
        """Begin at the first step."""
        self.control = np.zeros(_loop.N_CONTROL, np.int64)
        self.control[_loop.C_TO] = self.n_steps

    @property
    def n_steps(self) -> int:
        """Return the number of steps of the time line."""
        return len(self.setup.columns.close_ns)

    @property
    def is_compiled(self) -> bool:
        """Tell who runs the core."""
        return choose_engine(self.setup.engine, self.n_steps)

    @property
    def compiled_in(self) -> Path | None:
        """Return where compiled code is kept; None is CPython."""
        return self.setup.cache_folder if self.is_compiled else None

    @property
    def market(self) -> Market:
        """Return the whole market, for signals."""
        return self.setup.market

    @property
    def n_words(self) -> int:
        """Return how many words wait to be handed over."""
        return self.state.views.account[at.N_WORDS]

    def flush(self) -> None:
        """Hand the records over; nothing of a run is kept in memory."""
        if self.n_words:
            self.on_records(self.state.arrays.records[: self.n_words])
            self.state.views.account[at.N_WORDS] = 0
