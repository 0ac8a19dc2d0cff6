"""What checks and people see of a world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from athena.domain import Instrument
    from athena.research.simulation._heap import Heap
    from athena.research.simulation._network import Network
    from athena.research.simulation._scene import Scene
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
        guarded: slots of strategies whose positions have to have a stop.
        scene: what it is like.
        core_slot: slot of the core book, where plans run.
        opened_ns: the venue's clock when the session took over the account.
    """

    seed: int
    guarded: frozenset[int]
    opened_ns: int
    scene: Scene
    core_slot: int
    plan: FaultPlan
    heap: Heap
    exchange: Exchange
    network: Network
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

    def by_hand(self, fields: Mapping[str, str], *, endpoint: str = "AddOrder") -> None:
        """Ask the venue for something past the desk."""
        ...

    def set_clock(self, off_ns: int) -> None:
        """Set the clock of the process's machine off true time."""
        ...

    def troubled_ns(self) -> int:
        """Return until when the line between desk and venue was not whole; now, if it is not."""
        ...

    def latest_venue_ns(self) -> int:
        """Return the latest time that the venue's clock may have shown."""
        ...
