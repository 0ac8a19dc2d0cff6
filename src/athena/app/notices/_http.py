"""Channels over HTTP: a webhook that takes JSON, and a chat that speaks like Telegram."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2

from athena.domain import format_time
from athena.errors import ServiceDown
from athena.trading.live import Urgency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.app.notices._message import Message
    from athena.platform import Secret

_TIMEOUT_S = 10.0
_MAX_BYTES = 4_096
_MAX_CHAT_TEXT = 4_000  # Telegram takes 4,096
_CHECK = "athena notify test"


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """POST each message as one JSON object.

    Attributes:
        url: address; hidden, as it may hold a secret.
        token: sent as a bearer token; None without.
    """

    url: Secret
    token: Secret | None = None
    urgency_min: Urgency = Urgency.NOTICE
    name: str = "webhook"

    def deliver(self, message: Message) -> str:
        """Send a message and return the answer in words.

        Raises:
            ServiceDown: no answer in time, or one that is no success.
        """
        headers = {}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.reveal()}"
        values = {
            "text": message.body,  # what chat services show
            "origin": message.origin,
            "urgency": message.urgency,
            "code": message.code,
            "what": message.text,
            "at": format_time(message.ts_ns),
            "count": message.count,
        }
        status, _ = _post(self.name, self.url.reveal(), values, headers)
        if not httpx2.codes.is_success(status):
            raise _refused(self.name, f"HTTP {status}")
        return f"HTTP {status}"


@dataclass(frozen=True, slots=True)
class TelegramChannel:
    """POST each message to a chat, as Telegram's `sendMessage` takes it.

    Attributes:
        url: address of the interface, without the bot's part.
    """

    url: str
    token: Secret
    chat_id: str
    urgency_min: Urgency = Urgency.NOTICE
    name: str = "telegram"

    def deliver(self, message: Message) -> str:
        """Send a message and return the answer in words.

        Raises:
            ServiceDown: no answer in time, or one that does not say `ok`.
        """
        address = f"{self.url.rstrip('/')}/bot{self.token.reveal()}/sendMessage"
        values = {"chat_id": self.chat_id, "text": message.body[:_MAX_CHAT_TEXT]}
        status, body = _post(self.name, address, values, {})
        answer = _json(body)
        if answer.get("ok") is not True:
            raise _refused(self.name, f"HTTP {status}, {answer.get('description', 'no ok')}")
        return f"HTTP {status}, ok"


def _post(
    name: str, address: str, values: Mapping[str, object], headers: Mapping[str, str]
) -> tuple[int, bytes]:
    """Send JSON and return status and the first bytes of the answer; never follow elsewhere."""
    deadline_s = time.monotonic() + _TIMEOUT_S
    body = b""
    try:
        with (
            httpx2.Client(timeout=_TIMEOUT_S) as client,
            client.stream("POST", address, json=values, headers=headers) as answer,
        ):
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES or time.monotonic() > deadline_s:
                    break
            return answer.status_code, body
    # The errors' own words may hold the address, and with it a secret.
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        message = f"expected an answer of {name}, was {type(error).__name__}"
        raise ServiceDown(message, hint=_CHECK) from None


def _json(body: bytes) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _refused(name: str, answer: str) -> ServiceDown:
    return ServiceDown(f"expected {name} to take the notice, was {answer}", hint=_CHECK)
