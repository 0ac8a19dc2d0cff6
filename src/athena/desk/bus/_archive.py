"""Messages kept in a database after they left the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.desk.bus._message import decode_message, encode_message
from athena.domain import DAY_NS
from athena.platform.database import Migration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.desk.bus._message import Message
    from athena.platform.database import Database

KEPT_NS = 90 * DAY_NS
_MOST_FOUND = 1_000
TABLES = (
    Migration(
        "0001-messages",
        (
            """CREATE TABLE desk_messages (
                id TEXT PRIMARY KEY,
                ts_ns BIGINT NOT NULL,
                topic TEXT NOT NULL,
                source TEXT NOT NULL,
                symbol TEXT NOT NULL,
                correlation_id TEXT NOT NULL,
                body TEXT NOT NULL
            )""",
            "CREATE INDEX desk_messages_by_correlation ON desk_messages (correlation_id)",
            "CREATE INDEX desk_messages_by_time ON desk_messages (ts_ns)",
        ),
    ),
)
_ADD = (
    "INSERT INTO desk_messages (id, ts_ns, topic, source, symbol, correlation_id, body) VALUES "
    "(:id, :ts_ns, :topic, :source, :symbol, :correlation_id, :body) ON CONFLICT (id) DO NOTHING"
)
_FORGET = "DELETE FROM desk_messages WHERE ts_ns < :before_ns"
_FIND = (
    "SELECT body FROM desk_messages WHERE correlation_id = :correlation_id "
    "ORDER BY ts_ns, id LIMIT :n"
)


class DatabaseArchive:
    """Keep messages for 90 days; see `Archive`. It belongs to the thread of its database."""

    def __init__(self, database: Database) -> None:
        """Keep them in a database that has the tables of `TABLES`."""
        self._database = database

    def keep(self, messages: Sequence[Message], now_ns: int) -> None:
        """Keep messages, and forget those older than 90 days; see `Archive.keep`."""
        with self._database.write() as transaction:
            for message in messages:
                transaction.execute(
                    _ADD,
                    {
                        "id": message.id,
                        "ts_ns": message.ts_ns,
                        "topic": message.topic.value,
                        "source": message.source,
                        "symbol": message.symbol,
                        "correlation_id": message.correlation_id,
                        "body": encode_message(message).decode(),
                    },
                )
            transaction.execute(_FORGET, {"before_ns": now_ns - KEPT_NS})

    def find(self, correlation_id: str) -> tuple[Message, ...]:
        """Return the first 1,000 kept messages of a decision, oldest first.

        Raises:
            InputError: what is kept was not written by this version.
        """
        with self._database.read() as transaction:
            rows = transaction.query(_FIND, {"correlation_id": correlation_id, "n": _MOST_FOUND})
        return tuple(decode_message(str(body).encode()) for (body,) in rows)
