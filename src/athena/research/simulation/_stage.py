"""What checks and people see of a world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from athena.domain import Instrument
    from athena.research.simulation._heap import Heap
    from athena.research.simulation._storage import CrashStore
    from athena.trading.live import Event, Session
    from athena.venues.exchange import Exchange
    from athena.venues.faults import FaultPlan

START_NS = 1_700_049_600 * 10**9  # Wednesday 2023-11-15, 12:00 UTC
ACCOUNT = "simulated"  # its key at the exchange


class Stage(Protocol):
    """A world, as it is looked at and acted on.

    Attributes:
        seed: of everything random in it.
        plan: what goes wrong.
        store: the disk of the process.
    """

    seed: int
    plan: FaultPlan
    heap: Heap
    exchange: Exchange
    store: CrashStore

    @property
    def session(self) -> Session | None:
        """Return the session of the life that is on."""
        ...

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Return what is traded."""
        ...

    def price(self, k: int) -> Decimal:
        """Return the market's price of an instrument."""
        ...

    def tell(self, event: Event) -> None:
        """Tell the session something that does not come from the venue."""
        ...

    def crash(self, *, torn_ppm: int = 0) -> None:
        """Kill the process."""
        ...

    def by_hand(self, fields: Mapping[str, str]) -> None:
        """Place an order at the venue past the desk."""
        ...

    def wished(self) -> None:
        """Take note that a wish was told."""
        ...
