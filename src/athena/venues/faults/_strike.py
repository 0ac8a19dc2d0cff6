"""Carry a plan's events out on a local exchange, through the hooks it has for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from athena.errors import CoreError
from athena.venues.faults._menu import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from athena.venues.faults._fates import ExchangeEvent

_PPM = 1_000_000
_COARSE = (4, 4)  # decimals of fees and of quantities while the rounding surprises


class Faultable(Protocol):
    """An exchange that can be set wrong."""

    def holdings(self) -> Sequence[tuple[str, str, Decimal]]:
        """List what could be sold by force: key of the account, symbol, quantity."""
        ...

    def liquidate(self, key: str, symbol: str, quantity: Decimal) -> str:
        """Sell by force."""
        ...

    def set_history_limit(self, n_newest: int | None) -> None:
        """Show only the newest entries of a history; None shows all."""
        ...

    def set_snapshot_lag(self, lag_ns: int) -> None:
        """Answer as of an older time."""
        ...

    def set_fill_after_cancel(self, is_on: bool) -> None:  # noqa: FBT001 - a switch
        """Let a cancelled order fill once more."""
        ...

    def set_clock_offset(self, offset_ns: int) -> None:
        """Set the clock wrong."""
        ...

    def set_rounding(self, fee_decimals: int | None, quantity_decimals: int | None) -> None:
        """Round fees up, and quantities down, to fewer decimals; None as usual."""
        ...


def strike(exchange: Faultable, event: ExchangeEvent) -> None:
    """Set an exchange wrong, or right again, as an event says.

    An outage of names changes nothing at the exchange.

    Raises:
        CoreError: an event of a fault that is none of the exchange's.
    """
    amount = event.amount if event.is_on else 0
    if event.fault is Fault.VENUE_LIQUIDATION:
        _liquidate(exchange, event)
    elif event.fault is Fault.FILL_AFTER_CANCEL:
        exchange.set_fill_after_cancel(event.is_on)
    elif event.fault is Fault.STALE_SNAPSHOT:
        exchange.set_snapshot_lag(amount)
    elif event.fault is Fault.SHORT_HISTORY:
        exchange.set_history_limit(amount if event.is_on else None)
    elif event.fault is Fault.CLOCK_JUMP:
        exchange.set_clock_offset(amount)
    elif event.fault is Fault.ROUNDING_SURPRISE:
        exchange.set_rounding(*(_COARSE if event.is_on else (None, None)))
    elif event.fault is not Fault.NAME_RESOLUTION:
        message = f"expected a fault of an exchange, was {event.fault}"
        raise CoreError(message)


def _liquidate(exchange: Faultable, event: ExchangeEvent) -> None:
    """Sell a share of one account's holding by force; nothing where nobody holds anything."""
    holdings = exchange.holdings()
    if not holdings:
        return
    key, symbol, quantity = holdings[event.choice % len(holdings)]
    exchange.liquidate(key, symbol, quantity * event.amount / _PPM)
