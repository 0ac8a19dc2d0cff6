"""How agents hear each other: typed messages on fixed topics, in one process or over NATS."""

from athena.desk.bus._archive import TABLES, DatabaseArchive
from athena.desk.bus._link import LinkState
from athena.desk.bus._local import LocalBus
from athena.desk.bus._message import (
    EVERYONE,
    MAX_TTL_S,
    SCHEMA_VERSION,
    Message,
    check_message,
    decode_message,
    encode_message,
)
from athena.desk.bus._nats import NatsBus
from athena.desk.bus._open import check_bus, open_bus
from athena.desk.bus._payloads import (
    BreakerAlert,
    Command,
    Executed,
    Payload,
    Request,
    RiskReport,
    SnapshotTaken,
    SystemEvent,
    Unanswered,
    Veto,
    payload_forms,
)
from athena.desk.bus._protocol import Archive, Bus, Filter, Handler, InboxLost
from athena.desk.bus._queue import QUEUE_SIZE
from athena.desk.bus._statistics import BusStatistics, TopicStatistics
from athena.desk.bus._stream import Place
from athena.desk.bus._topics import MessageType, Priority, Topic, Verb

__all__ = [
    "EVERYONE",
    "MAX_TTL_S",
    "QUEUE_SIZE",
    "SCHEMA_VERSION",
    "TABLES",
    "Archive",
    "BreakerAlert",
    "Bus",
    "BusStatistics",
    "Command",
    "DatabaseArchive",
    "Executed",
    "Filter",
    "Handler",
    "InboxLost",
    "LinkState",
    "LocalBus",
    "Message",
    "MessageType",
    "NatsBus",
    "Payload",
    "Place",
    "Priority",
    "Request",
    "RiskReport",
    "SnapshotTaken",
    "SystemEvent",
    "Topic",
    "TopicStatistics",
    "Unanswered",
    "Verb",
    "Veto",
    "check_bus",
    "check_message",
    "decode_message",
    "encode_message",
    "open_bus",
    "payload_forms",
]
