"""What is kept of a running account, row by row; a field's name is its column's."""

# Annotations are read by pydantic, so they are not postponed.
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BeforeValidator, TypeAdapter

from athena.domain import Liquidity, OrderState, OrderType, Purpose, RunMode, Side
from athena.errors import CoreError
from athena.platform import mask_text
from athena.platform.database import Parameter, Transaction
from athena.trading.live import Alert, Urgency

_ID_DIGITS = 32
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def _names(value: object) -> object:
    """Read names as they are kept."""
    return tuple(json.loads(value)) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One account under way.

    Attributes:
        id: name of the session, and of its folder.
        quote: currency that equity and cash are counted in.
        symbols: of the instruments, in the core's order.
        ended_ns: None while it has not ended, a crashed one included.
        end_reason: why it ended; empty before.
        journal: folder of the journal, relative to the home.
        pid: of its process on its machine.
    """

    TABLE: ClassVar = "app_sessions"
    KEY: ClassVar = ("id",)

    id: str
    mode: RunMode
    venue: str
    quote: str
    symbols: Annotated[tuple[str, ...], BeforeValidator(_names)]
    started_ns: int
    config_sha256: str
    journal: str
    pid: int
    ended_ns: int | None = None
    end_reason: str = ""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order as it is now; each change replaces the row.

    Attributes:
        number: of the order in the core.
        client_id, venue_id: ours, and the venue's; the latter is empty until it is known.
        quantity, filled: base units.
        limit_price, trigger_price: None where the type has none.
        average_price: of the fills; None before the first.
        reason: why it was denied, rejected or cancelled; empty when there is nothing to say.
    """

    TABLE: ClassVar = "app_orders"
    KEY: ClassVar = ("session", "number")

    session: str
    number: int
    client_id: str
    venue_id: str
    symbol: str
    side: Side
    type: OrderType
    purpose: Purpose
    strategy: str
    state: OrderState
    quantity: Decimal
    filled: Decimal
    limit_price: Decimal | None
    trigger_price: Decimal | None
    average_price: Decimal | None
    created_ns: int
    updated_ns: int
    correlation_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FillRow:
    """One fill; the same trade id twice is one fill.

    Attributes:
        trade_id: the venue's.
        order_number: of the order in the core.
        fee: in the session's quote currency.
    """

    TABLE: ClassVar = "app_fills"
    KEY: ClassVar = ("session", "trade_id")

    session: str
    trade_id: str
    order_number: int
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    liquidity: Liquidity
    ts_ns: int
    correlation_id: str


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert; `id` is derived from the rest, so that a replay adds none."""

    TABLE: ClassVar = "app_alerts"
    KEY: ClassVar = ("id",)

    id: str
    session: str
    ts_ns: int
    urgency: Urgency
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class StatusRow:
    """What is so now, one row a session; see `Snapshot.row`."""

    TABLE: ClassVar = "app_status"
    KEY: ClassVar = ("session",)

    session: str
    updated_ns: int
    snapshot: str


Row = SessionRow | OrderRow | FillRow | AlertRow | StatusRow
RowT = TypeVar("RowT", SessionRow, OrderRow, FillRow, AlertRow, StatusRow)


def alert_row(session: str, alert: Alert) -> AlertRow:
    """Return the row of an alert of a session."""
    parts = json.dumps([session, alert.ts_ns, alert.urgency, alert.code, alert.text])
    digest = hashlib.sha256(parts.encode()).hexdigest()[:_ID_DIGITS]
    return AlertRow(digest, session, alert.ts_ns, alert.urgency, alert.code, alert.text)


def row_key(row: Row) -> tuple[object, ...]:
    """Return what makes a row the same one in the database."""
    return row.TABLE, *(getattr(row, name) for name in row.KEY)


def row_columns(row: Row) -> dict[str, Parameter]:
    """Return the values of a row as every database keeps them.

    Texts lose the characters that a database refuses: a venue's words must not keep a row out.

    Raises:
        CoreError: a decimal is not finite.
    """
    return {
        field.name: _kept(field.name, getattr(row, field.name))
        for field in dataclasses.fields(row)
    }


def upsert(row: Row) -> str:
    """Return the statement that adds a row or replaces the one of its key."""
    return _UPSERTS[row.TABLE]


def _upsert(kind: type[Row]) -> str:
    names = [field.name for field in dataclasses.fields(kind)]
    changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in kind.KEY)
    places = ", ".join(f":{name}" for name in names)
    return (
        f"INSERT INTO {kind.TABLE} ({', '.join(names)}) VALUES ({places}) "  # noqa: S608 - names of this module
        f"ON CONFLICT ({', '.join(kind.KEY)}) DO UPDATE SET {changed}"
    )


def select_rows(
    transaction: Transaction,
    kind: type[RowT],
    where: str,
    parameters: Mapping[str, Parameter] | None = None,
) -> list[RowT]:
    """Return the rows that a condition names; what follows `WHERE`, order and limit included."""
    names = ", ".join(field.name for field in dataclasses.fields(kind))
    found = transaction.query(f"SELECT {names} FROM {kind.TABLE} WHERE {where}", parameters)  # noqa: S608 - names of this module; values are parameters
    reader: TypeAdapter[RowT] = TypeAdapter(kind)
    columns = names.split(", ")
    return [reader.validate_python(dict(zip(columns, row, strict=True))) for row in found]


def _kept(name: str, value: Any) -> Parameter:  # noqa: ANN401 - a field of any row
    if isinstance(value, tuple):
        return json.dumps(value)
    if isinstance(value, Decimal) and not value.is_finite():
        message = f"expected a finite {name}, was {value}"
        raise CoreError(message)
    if isinstance(value, str):
        return clean_text(value)
    kept: Parameter = value
    return kept


def clean_text(text: str, secrets: Sequence[str] = ()) -> str:
    """Return a text that every database holds, without secrets."""
    plain = str.__str__(text).encode("utf-8", "replace").decode("utf-8")
    return mask_text(plain.replace("\0", _REPLACEMENT), secrets)


_UPSERTS = {
    kind.TABLE: _upsert(kind) for kind in (SessionRow, OrderRow, FillRow, AlertRow, StatusRow)
}
