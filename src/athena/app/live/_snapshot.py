"""What is so now in a session, as the engine last wrote it."""

# Annotations are read by pydantic, so they are not postponed.
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from athena.app.live._rows import StatusRow
from athena.domain import SECOND_NS, PositionSide, RunMode, Side
from athena.errors import InputError
from athena.trading.algorithms import PlanKind

# The engine writes every second, and sooner when something happened.
STALE_NS = 10 * SECOND_NS
# The risk engine takes no new risk on an older price or account (spec, section 7, health).
PRICE_STALE_NS = 60 * SECOND_NS
BALANCE_STALE_NS = 30 * SECOND_NS
LEVELS = {1: "normal", 2: "reduced", 3: "limited", 4: "emergency"}


@dataclass(frozen=True, slots=True)
class PositionSeen:
    """One position.

    Attributes:
        quantity: base units, > 0.
        entry_price: average.
        mark_price, marked_ns: the last price and its time; None when no price is known.
        unrealised: in quote currency; None when it is not known, never 0 instead.
        stop_price, target_price: None when there is none.
    """

    symbol: str
    strategy: str
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal | None = None
    marked_ns: int | None = None
    unrealised: Decimal | None = None
    stop_price: Decimal | None = None
    target_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class BalanceSeen:
    """What the account holds of one currency; `free` leaves out what working orders reserve."""

    currency: str
    total: Decimal
    free: Decimal
    seen_ns: int


@dataclass(frozen=True, slots=True)
class LimitUse:
    """One risk limit and how much of it is used.

    Attributes:
        name: its configuration key, such as `risk.gross_exposure_frac`.
        limit, used: in the key's unit; `used` is None when it is not known.
    """

    name: str
    limit: Decimal
    used: Decimal | None

    @property
    def head_room(self) -> Decimal | None:
        """Return what is left, negative beyond the limit; None when it is not known."""
        return None if self.used is None else self.limit - self.used


@dataclass(frozen=True, slots=True)
class PlanSeen:
    """One execution plan under way.

    Attributes:
        id: of the plan; of the rebalance, for each of its trades.
        slot: whose position it is.
        currency: of `total` and `done`.
        done: traded, or on its way.
        n_asked, n_planned: orders that were asked for, and that it was cut into.
    """

    id: str
    kind: PlanKind
    symbol: str
    side: Side
    slot: str
    currency: str
    total: Decimal
    done: Decimal
    n_asked: int
    n_planned: int
    started_ns: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is so now in a session.

    Attributes:
        session: its id.
        updated_ns: when this was written, the machine's clock.
        clock_ns: what the session's own clock said then, by which all its other times are; it
            runs as fast as the session. None where an older version wrote it.
        pid: of the engine.
        digest: of the state transitions so far.
        equity, cash: in `quote`; None when not known (C16), never 0 instead.
        priced_ns: time of the newest price; None before the first.
        is_linked: the venue's stream is up.
        reconciled_ns: when local state and the venue's last agreed; None before the first time.
        level: of degradation, 1 normal to 4 emergency.
        halts: what forbids new risk, in words; empty when nothing does.
        waiting_for: start-up conditions that do not hold yet, in words (D05).
        unknown_orders: client ids of orders whose outcome is not known.
    """

    session: str
    updated_ns: int
    mode: RunMode
    venue: str
    pid: int
    digest: str
    quote: str
    equity: Decimal | None
    cash: Decimal | None
    priced_ns: int | None
    is_linked: bool
    reconciled_ns: int | None
    level: Literal[1, 2, 3, 4] = 1
    halts: tuple[str, ...] = ()
    waiting_for: tuple[str, ...] = ()
    unknown_orders: tuple[str, ...] = ()
    positions: tuple[PositionSeen, ...] = ()
    balances: tuple[BalanceSeen, ...] = ()
    limits: tuple[LimitUse, ...] = ()
    plans: tuple[PlanSeen, ...] = ()
    clock_ns: int | None = None

    def session_ns(self, now_ns: int) -> int:
        """Return the time by the session's clock; since the last figures it goes like the wall's.

        Args:
            now_ns: by the machine's clock.
        """
        return now_ns if self.clock_ns is None else self.clock_ns + now_ns - self.updated_ns

    def row(self) -> StatusRow:
        """Return the row that keeps it; every digit of a decimal is kept (C12)."""
        text = _adapter().dump_json(self).decode()
        return StatusRow(self.session, self.updated_ns, text)


def read_snapshot(row: StatusRow) -> Snapshot:
    """Return the snapshot that a row keeps.

    Raises:
        InputError: it is none, or one of another version.
    """
    try:
        return _adapter().validate_json(row.snapshot)
    except ValidationError as error:
        message = f"expected a status of session {row.session}, was unreadable: {error.title}"
        raise InputError(message, hint="another Athena wrote it: use that version") from error


@cache
def _adapter() -> TypeAdapter[Snapshot]:
    return TypeAdapter(Snapshot)
