"""Write what happens into the database without ever making the core wait (C25)."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Self

from athena.app.live._rows import row_columns, row_key, upsert
from athena.errors import AthenaError, DatabaseDown
from athena.platform import get_logger, known_secrets, mask_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from athena.app.live._rows import Row
    from athena.platform.database import Database, Parameter

    Key = tuple[object, ...]

_CAPACITY = 50_000  # rows; at 30 orders a minute a day without a database
_ROWS_AT_ONCE = 500  # a long transaction would hold up every other writer
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0
_ENDED = "the recorder's thread has ended"


@dataclass(frozen=True, slots=True)
class RecorderState:
    """How far a recorder is.

    Attributes:
        n_waiting: rows that are not in the database yet.
        n_lost: rows that found no room; the journal still holds what they say.
        fault: why the last attempt to write failed; empty when it did not.
        n_anew: how often the database had to be opened anew; it may be another one since, which
            knows nothing of what was written before.
    """

    n_waiting: int
    n_lost: int
    fault: str
    n_anew: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    statement: str
    columns: dict[str, Parameter]


class Recorder:
    """Take rows at once and write them in a thread of its own, oldest first.

    A row that comes again replaces the one that waits, and the one in the database: to write a row
    twice changes nothing. So a commit whose outcome is not known is simply repeated here. When the
    database goes away the rows wait, up to a bound; beyond it new ones are counted as lost, and
    the driver has to hand over what its journal says once the database is back.
    """

    def __init__(
        self,
        connect: Callable[[], Database],
        *,
        capacity: int = _CAPACITY,
    ) -> None:
        """Start the thread.

        Args:
            connect: opens the database, whose tables are up to date; called in the thread.
            capacity: most rows that wait.
        """
        self._connect = connect
        self._capacity = capacity
        self._changed = threading.Condition()
        self._waiting: dict[Key, _Waiting] = {}
        self._n_lost = 0
        self._n_anew = 0
        self._fault = ""
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="athena-recorder", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what waits and end the thread."""
        self.close()

    def put(self, *rows: Row) -> None:
        """Take rows; never waits for the database.

        Raises:
            CoreError: a decimal of a row is not finite; none of the rows is taken.
        """
        items = [(row_key(row), _Waiting(upsert(row), row_columns(row))) for row in rows]
        with self._changed:
            for key, item in items:
                if key in self._waiting or len(self._waiting) < self._capacity:
                    self._waiting[key] = item
                else:
                    self._n_lost += 1
            self._changed.notify_all()

    @property
    def state(self) -> RecorderState:
        """Say how far it is."""
        with self._changed:
            is_dead = not (self._thread.is_alive() or self._is_closing)
            return RecorderState(
                len(self._waiting),
                self._n_lost,
                _ENDED if is_dead else self._fault,
                self._n_anew,
            )

    def wait_until_written(self, timeout_s: float) -> bool:
        """Wait until nothing waits any more; False when that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout_s)

    def close(self, timeout_s: float = 10.0) -> int:
        """Write what waits, end the thread and return how many rows were left unwritten.

        An attempt that fails is not repeated. A second call only counts.
        """
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join(timeout_s)
        with self._changed:
            return len(self._waiting)

    def _run(self) -> None:
        database: Database | None = None
        pause_s = 0.0
        try:
            while batch := self._next_batch(pause_s):
                try:
                    database = database or self._connect()
                    _write(database, batch)
                except AthenaError as error:
                    # Whatever kept it from the database may pass, a full disk too.
                    if isinstance(error, DatabaseDown) and database is not None:
                        self._let_go(database)
                        database = None
                    pause_s = min(max(_FIRST_PAUSE_S, 2 * pause_s), _LONGEST_PAUSE_S)
                    if self._note_failure(error):
                        return
                else:
                    pause_s = 0.0
                    self._note_written(batch)
        finally:
            if database is not None:
                with suppress(AthenaError):  # nothing is written any more
                    database.close()

    def _let_go(self, database: Database) -> None:
        """Close a database that is gone, so that it is opened anew."""
        with suppress(AthenaError):  # it is gone
            database.close()
        with self._changed:
            self._n_anew += 1

    def _next_batch(self, pause_s: float) -> dict[Key, _Waiting]:
        """Wait for rows, after a failure for a while first; empty when it is time to end."""
        with self._changed:
            if pause_s:
                self._changed.wait_for(lambda: self._is_closing, pause_s)
            self._changed.wait_for(lambda: bool(self._waiting) or self._is_closing)
            return dict(islice(self._waiting.items(), _ROWS_AT_ONCE))

    def _note_written(self, batch: dict[Key, _Waiting]) -> None:
        with self._changed:
            for key, item in batch.items():
                # A row that came again meanwhile still waits.
                if self._waiting[key] is item:
                    del self._waiting[key]
            had_fault, self._fault = self._fault, ""
            self._changed.notify_all()
        if had_fault:
            get_logger("athena.recorder").info("the database takes rows again")

    def _note_failure(self, error: AthenaError) -> bool:
        """Remember why; tell whether there is no time to try again."""
        with self._changed:
            is_new = error.message != self._fault
            self._fault = error.message
            is_closing = self._is_closing
        if is_new:
            get_logger("athena.recorder").warning("rows wait for the database", why=error.message)
        return is_closing


def _write(database: Database, batch: dict[Key, _Waiting]) -> None:
    secrets = known_secrets()  # now: some are found after the recorder was made (C23)
    with database.write() as transaction:
        for item in batch.values():
            columns = {name: _masked(value, secrets) for name, value in item.columns.items()}
            transaction.execute(item.statement, columns)


def _masked(value: Parameter, secrets: Sequence[str]) -> Parameter:
    return mask_text(value, secrets) if isinstance(value, str) else value
