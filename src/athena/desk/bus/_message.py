"""One message: its envelope, what makes it valid, and its form on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

from athena.desk.bus._payloads import (
    ROLES,
    Payload,
    Request,
    payload_forms,
    payload_output,
    payload_symbol,
)
from athena.desk.bus._topics import MessageType, Priority, Topic
from athena.desk.contract import STRICT, decode, encode
from athena.domain import SECOND_NS
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import ConfigDict

EVERYONE = "*"
SCHEMA_VERSION = 1
# A message is news: what has to last longer is a record.
MAX_TTL_S = 86_400
# How far the clocks of two machines may be apart; more is denied trading (`clock`).
CLOCK_TOLERANCE_NS = SECOND_NS
_LONGEST_NAME = 100
_DEFAULT_TTL_S = 300
_NAMES = ("id", "source", "target")
_NUMBERS = ("ts_ns", "ttl_s", "schema_version")
_ENUMS: Mapping[str, type[StrEnum]] = {"topic": Topic, "type": MessageType, "priority": Priority}
_EnumT = TypeVar("_EnumT", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one agent says to another, or to everyone.

    Attributes:
        id: unique; the same one twice is one message.
        ts_ns: when it was said, UTC.
        topic, type: what it is about, and what it does.
        source: agent that says it.
        payload: see `athena.desk.bus._payloads`.
        target: agent that it is for; `*` for everyone but the source.
        priority: the urgent ones are heard first.
        correlation_id: of the decision that it belongs to; empty for none.
        causation_id: of the message that caused it; a response names its request.
        symbol: instrument; empty when it is about none.
        ttl_s: seconds, 1..86,400; later nobody hears it.
        schema_version: of envelope and payload.
    """

    id: str
    ts_ns: int
    topic: Topic
    source: str
    payload: Payload
    type: MessageType = MessageType.SIGNAL
    target: str = EVERYONE
    priority: Priority = Priority.NORMAL
    correlation_id: str = ""
    causation_id: str = ""
    symbol: str = ""
    ttl_s: int = _DEFAULT_TTL_S
    schema_version: int = SCHEMA_VERSION

    @property
    def expires_ns(self) -> int:
        """Return from when on nobody hears it, UTC."""
        return self.ts_ns + self.ttl_s * SECOND_NS

    def is_live_at(self, now_ns: int) -> bool:
        """Tell whether it counts at a moment: neither expired nor from the future."""
        return self.ts_ns <= now_ns + CLOCK_TOLERANCE_NS and now_ns < self.expires_ns


def check_message(message: Message) -> None:
    """Refuse a message that nobody could rely on (C01).

    Raises:
        InputError: topic, type, priority or schema version is unknown, an id, source or target is
            missing, the time to live is none, or the payload is not what its topic carries.
    """
    for name, kind in _ENUMS.items():
        if not isinstance(getattr(message, name), kind):
            _refuse(f"{name} to be one of {_listed(kind)}", getattr(message, name))
    for name in _NAMES:
        _check_name(name, getattr(message, name))
    for name in _NUMBERS:
        if type(getattr(message, name)) is not int:
            _refuse(f"{name} as an integer", getattr(message, name))
    if message.schema_version != SCHEMA_VERSION:
        _refuse(f"schema version {SCHEMA_VERSION}", message.schema_version)
    if not 0 < message.ttl_s <= MAX_TTL_S:
        _refuse(f"a time to live of 1 to {MAX_TTL_S:,} s", message.ttl_s)
    if message.source == message.target:
        _refuse("a target other than the source", message.target)
    _check_payload(message)


def encode_message(message: Message) -> bytes:
    """Write a message as one JSON object; `decode_message` reads it back equal.

    Raises:
        InputError: a number in it is NaN or infinite.
    """
    head = {name: getattr(message, name) for name in _HEAD}
    return encode({**head, "form": type(message.payload).__name__, "payload": message.payload})


def decode_message(data: bytes) -> Message:
    """Read a message, strictly: what other processes say is judged like what ours do.

    Raises:
        InputError: it is no message, or not a valid one; the message says why.
    """
    try:
        found = json.loads(data)
    except ValueError as error:
        message = "expected a message as JSON, was something else"
        raise InputError(message) from error
    if not isinstance(found, dict) or not isinstance(found.get("payload"), dict):
        _refuse("a message with a payload", found)
    # A version that is not ours may have other fields, so it is what gets named.
    if found.get("schema_version") != SCHEMA_VERSION:
        _refuse(f"schema version {SCHEMA_VERSION}", found.get("schema_version"))
    topic = _member(Topic, "topic", found.get("topic"))
    kind = _member(MessageType, "type", found.get("type"))
    body, form = found.pop("payload"), found.pop("form", None)
    forms = {item.__name__: item for item in payload_forms(topic, kind)}
    if form not in forms:
        _refuse(f"{_listed(forms)} in a {kind} on {topic}", form)
    payload: Any = decode(forms[form], json.dumps(body).encode())
    head = decode(Envelope, json.dumps(found).encode())
    read = Message(payload=payload, **{name: getattr(head, name) for name in _HEAD})
    check_message(read)
    return read


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The envelope on the wire, without what it carries."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    id: str
    ts_ns: int
    topic: Topic
    source: str
    type: MessageType
    target: str
    priority: Priority
    correlation_id: str
    causation_id: str
    symbol: str
    ttl_s: int
    schema_version: int


_HEAD = tuple(field.name for field in fields(Envelope))


def _check_payload(message: Message) -> None:
    forms = payload_forms(message.topic, message.type)
    if not isinstance(message.payload, forms):
        names = _listed(item.__name__ for item in forms)
        what = f"{names} in a {message.type} on {message.topic}"
        _refuse(what if forms else f"no {message.type} on {message.topic}", message.payload)
    symbol = payload_symbol(message.payload)
    if symbol is not None and symbol != message.symbol:
        _refuse(f"the symbol of the payload, {symbol!r}", message.symbol)
    output = payload_output(message.payload)
    if output is not None and output.agent != message.source:
        _refuse(f"source {output.agent}, who holds this opinion", message.source)
    if output is not None and output.role is not ROLES[message.topic]:
        _refuse(f"an opinion of the {ROLES[message.topic]} role on {message.topic}", output.role)
    if isinstance(message.payload, Request) and message.payload.deadline_ns <= message.ts_ns:
        _refuse(f"a deadline after {message.ts_ns} ns", message.payload.deadline_ns)
    if message.type is MessageType.RESPONSE and not message.causation_id:
        _refuse("a response to name its request as causation_id", message.causation_id)


def _member(kind: type[_EnumT], name: str, value: object) -> _EnumT:
    if isinstance(value, str) and value in set(kind):
        return kind(value)
    return _refuse(f"{name} to be one of {_listed(kind)}", value)


def _check_name(name: str, value: object) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        _refuse(f"{name} of 1 to {_LONGEST_NAME} characters", value)


def _listed(names: Iterable[str]) -> str:
    return " or ".join(names) or "nothing"


def _refuse(expected: str, was: object) -> NoReturn:
    message = f"expected {expected}, was {_shown(was)}"
    raise InputError(message)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}..."
