"""What a session books in the database of the home; a database that is away never holds it up."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

from athena.app._database import bring_up_to_date
from athena.app.live import SessionRow, enrol_home
from athena.errors import AthenaError, RefusedError
from athena.platform import RandomIds, SystemClock, get_logger
from athena.platform.database import database_url, open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from athena.app.running._account_rows import Titles
    from athena.app.running._accounts import Account
    from athena.domain import Instrument
    from athena.platform.config import Config
    from athena.platform.database import Database


def connector(url: str, home: Path) -> Callable[[], Database]:
    """Return what opens the home's database, up to date and with its owner enrolled.

    It is called in the threads that use the database, so that nobody else waits for it.
    """
    turn = threading.Lock()

    def connect() -> Database:
        database = open_database(database_url(url), home)
        try:
            with turn:
                bring_up_to_date(database, home, SystemClock().now_ns())
                _enrol(database, home)
        except AthenaError:
            database.close()
            raise
        return database

    return connect


def _enrol(database: Database, home: Path) -> None:
    try:
        enrol_home(database, home, ids=RandomIds(), now_ns=SystemClock().now_ns())
    except RefusedError as error:  # the HALT file works without a token
        log = get_logger("athena.session")
        log.warning("the owner of the home cannot operate it", why=error.message, do=error.hint)


def session_row(
    account: Account, titles: Titles, instruments: Sequence[Instrument], config: Config, pid: int
) -> SessionRow:
    """Return the row of a session under way."""
    from athena.platform.config import dump_config

    return SessionRow(
        id=account.file.id,
        mode=titles.mode,
        venue=titles.venue,
        quote=instruments[0].quote,
        symbols=tuple(item.symbol for item in instruments),
        started_ns=account.file.started_ns,
        config_sha256=hashlib.sha256(dump_config(config).encode()).hexdigest(),
        journal=account.journal,
        pid=pid,
    )
