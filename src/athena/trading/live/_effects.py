"""What a session wants done outside; nothing leaves before the journal holds why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from athena.domain import OrderType, Side, TimeInForce


class Urgency(StrEnum):
    """How soon a person should look."""

    NOTICE = "notice"
    WARNING = "warning"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Place one order; it is never sent twice.

    Attributes:
        number: of the order in the core.
        client_id: 32 hex digits, for ever this order's.
        limit_ticks, trigger_ticks: 0 where the type has none.
        expires_ns: 0, or when a GTD order ends.
        deadline_ns: the venue has to refuse it after this time, our clock.
        is_reduce_only: it closes; the core has capped it at the position.
        is_protection: it takes risk away, and goes first; a target does not.
    """

    number: int
    client_id: str
    instrument: int
    side: Side
    type: OrderType
    lots: int
    limit_ticks: int
    trigger_ticks: int
    time_in_force: TimeInForce
    expires_ns: int
    deadline_ns: int
    leverage: int
    is_post_only: bool
    is_reduce_only: bool
    is_protection: bool


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel one order; `opened_ns` is when it was sent, for the venue's price of cancelling."""

    number: int
    client_id: str
    instrument: int
    opened_ns: int


@dataclass(frozen=True, slots=True)
class AmendOrder:
    """Change size or trigger of one order; 0 leaves a trigger as it is.

    Attributes:
        lots: the order's whole new quantity, filled part included.
        serial: counts the amendments of the order; its answer carries it.
    """

    number: int
    client_id: str
    instrument: int
    lots: int
    trigger_ticks: int
    deadline_ns: int
    opened_ns: int
    is_protection: bool
    serial: int


@dataclass(frozen=True, slots=True)
class QueryAccount:
    """Read the whole account; answered by one `AccountSeen`, complete or not.

    Attributes:
        since_ns: how far closed orders, fills and transfers have to reach back, venue's clock.
        is_urgent: an order's fate hangs on it.
    """

    since_ns: int
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class Alert:
    """Tell a person.

    Attributes:
        code: one word, stable, to filter by.
        text: what happened and what to do.
    """

    urgency: Urgency
    code: str
    text: str
    ts_ns: int


Effect = PlaceOrder | CancelOrder | AmendOrder | QueryAccount | Alert
