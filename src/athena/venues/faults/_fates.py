"""What a plan answers: the fate of a request, of a stream message, of the exchange itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from athena.venues.faults._menu import Fault


class Answer(StrEnum):
    """What comes back to whoever made a request."""

    WHOLE = "whole"  # the exchange's own answer
    NONE = "none"  # nothing, until the client gives up
    CUT = "cut"  # the first half of the exchange's answer, then the connection ends
    HTML = "html"  # a page of some gateway
    SERVER_ERROR = "server_error"  # HTTP 5xx
    TOO_MANY = "too_many"  # HTTP 429 or 418, or the exchange's own words with HTTP 200
    BAD_NONCE = "bad_nonce"  # the exchange's own words
    UNRESOLVED = "unresolved"  # the venue's name was not found: nothing ever left


@dataclass(frozen=True, slots=True)
class RequestFate:
    """What happens to one request.

    Attributes:
        answer: what comes back.
        is_carried_out: the exchange sees the request.
        status: HTTP status of the answer.
        retry_after_s: hint of an answer that asks to slow down, or None.
        delay_ns: on the way there; a request behind it may arrive first.
        answer_delay_ns: on the way back.
    """

    answer: Answer = Answer.WHOLE
    is_carried_out: bool = True
    status: int = 200
    retry_after_s: int | None = None
    delay_ns: int = 0
    answer_delay_ns: int = 0


class Link(StrEnum):
    """What happens to the connection that carries a stream message."""

    KEPT = "kept"
    CUT = "cut"  # it ends, and the message with it
    FROZEN = "frozen"  # it looks alive and carries nothing any more, in either direction


@dataclass(frozen=True, slots=True)
class MessageFate:
    """What happens to one stream message.

    Attributes:
        link: of the connection; the message is delivered only where it is kept.
        n_copies: delivered one after the other, 1 or 2.
        delay_ns: before it is delivered.
        is_overtaken: messages behind it do not wait for it.
    """

    link: Link = Link.KEPT
    n_copies: int = 1
    delay_ns: int = 0
    is_overtaken: bool = False


@dataclass(frozen=True, slots=True)
class ExchangeEvent:
    """Something of the exchange itself that switches on or off, or happens once.

    Attributes:
        at_ns: when, the exchange's clock.
        fault: which.
        is_on: it begins; a liquidation has no end.
        amount: clock_jump: ns that the exchange's clock is off, signed; stale_snapshot: ns that
            snapshots lag behind; short_history: entries that are still shown; venue_liquidation:
            ppm of the holding that is sold; else 0.
        choice: a number from [0, 2^32) for whoever must choose a victim.
    """

    at_ns: int
    fault: Fault
    is_on: bool
    amount: int = 0
    choice: int = 0


def is_partial_fill(text: str) -> bool:
    """Tell whether a stream message reports a fill that leaves its order working (F18)."""
    if '"partially_filled"' not in text:
        return False  # nearly every message; parsing them all would be wasted
    message: dict[str, Any] = json.loads(text)
    return message.get("type") == "update" and any(
        item.get("exec_type") == "trade" and item.get("order_status") == "partially_filled"
        for item in message.get("data", ())
    )
