"""Where the state of the coordinator lives, so that it survives its process (C09)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from athena.desk.contract import decode, encode
from athena.desk.coordinator._tasks import DeskRecord
from athena.errors import RefusedError
from athena.platform.database import Migration

if TYPE_CHECKING:
    from athena.platform.database import Database, Parameter

TABLES = (
    Migration(
        "0001-coordinator",
        (
            """CREATE TABLE desk_coordinator (
                desk TEXT PRIMARY KEY,
                revision BIGINT NOT NULL,
                updated_ns BIGINT NOT NULL,
                record TEXT NOT NULL
            )""",
        ),
    ),
)
_READ = "SELECT revision, record FROM desk_coordinator WHERE desk = :desk"
_TAKE = "UPDATE desk_coordinator SET revision = :revision WHERE desk = :desk"
_ADD = (
    "INSERT INTO desk_coordinator (desk, revision, updated_ns, record) "
    "VALUES (:desk, :revision, :updated_ns, :record)"
)
_CHANGE = (
    "UPDATE desk_coordinator SET revision = :revision, updated_ns = :updated_ns, record = :record "
    "WHERE desk = :desk AND revision = :before"
)


class DeskStore(Protocol):
    """Keep the state of one desk."""

    def load(self) -> DeskRecord | None:
        """Return what was kept last and become the only one who may save; None before the first.

        Raises:
            InputError: what is kept was not written by this version.
            ServiceDown: it cannot be read now.
        """
        ...

    def save(self, record: DeskRecord, now_ns: int) -> None:
        """Keep a state; when this returns, it survives the process.

        Raises:
            RefusedError: another process has loaded it since.
            ServiceDown: it was not kept.
        """
        ...


class DatabaseStore:
    """Keep the state of a desk in a database that has the tables of `TABLES`; see `DeskStore`."""

    def __init__(self, database: Database, desk: str) -> None:
        """Keep it under the name of the desk."""
        self._database = database
        self._desk = desk
        self._revision = 0

    def load(self) -> DeskRecord | None:
        """Return what was kept last, and keep others from saving; see `DeskStore.load`."""
        with self._database.write() as transaction:
            rows = transaction.query(_READ, {"desk": self._desk})
            if not rows:
                self._revision = 0
                return None
            ((revision, record),) = rows
            taken = int(revision or 0) + 1
            transaction.execute(_TAKE, {"desk": self._desk, "revision": taken})
        self._revision = taken
        return decode(DeskRecord, str(record).encode())

    def save(self, record: DeskRecord, now_ns: int) -> None:
        """Keep a state; see `DeskStore.save`."""
        values: dict[str, Parameter] = {
            "desk": self._desk,
            "revision": self._revision + 1,
            "updated_ns": now_ns,
            "record": encode(record).decode(),
        }
        with self._database.write() as transaction:
            if not self._revision and not transaction.query(_READ, {"desk": self._desk}):
                n_changed = transaction.execute(_ADD, values)
            else:
                n_changed = transaction.execute(_CHANGE, {**values, "before": self._revision})
            if n_changed != 1:
                message = f"expected to be the only process of the desk {self._desk}, was not"
                raise RefusedError(message, hint="stop the other one, or this one")
        self._revision += 1


class MemoryStore:
    """Keep the state in this process only: for backtests; see `DeskStore`."""

    def __init__(self) -> None:
        """Begin without any."""
        self._record: DeskRecord | None = None

    def load(self) -> DeskRecord | None:
        """Return what was kept last."""
        return self._record

    def save(self, record: DeskRecord, now_ns: int) -> None:  # noqa: ARG002 - the time is of no use here
        """Keep a state."""
        self._record = record
