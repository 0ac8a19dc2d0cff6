"""What a simulation is about, in the core's units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.trading import Market

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from athena.domain import Instrument
    from athena.research.engine._columns import Columns
    from athena.research.engine._engine import EngineKind
    from athena.trading import InstrumentLimits, Ints
    from athena.venues import VenueSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a simulation is about, all of it already checked and in the core's units.

    Attributes:
        instruments: S of them.
        interval_ns: length of a bar.
        columns: their bars on one time line.
        limits: the core's limits vector.
        instrument_limits: one per instrument.
        venue: how orders are filled and charged.
        cash: to start with.
        engine: who runs the core.
        cache_folder: where compiled code is kept.
    """

    instruments: tuple[Instrument, ...]
    interval_ns: int
    columns: Columns
    limits: Ints
    instrument_limits: tuple[InstrumentLimits, ...]
    venue: VenueSettings
    cash: Decimal
    engine: EngineKind
    cache_folder: Path

    @property
    def start_ns(self) -> int:
        """Return when the first bar opens."""
        return int(self.columns.close_ns[0]) - self.interval_ns

    @property
    def market(self) -> Market:
        """Return the whole market, for signals."""
        return Market(self.instruments, self.interval_ns, *self.columns[:6])
