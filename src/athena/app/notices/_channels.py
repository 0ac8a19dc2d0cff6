"""The channels that the configuration names, with their secrets."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Protocol

from athena.app.notices._email import EmailChannel
from athena.app.notices._http import TelegramChannel, WebhookChannel
from athena.errors import InputError
from athena.platform import Secret, SecretName, find_secret, need_secret
from athena.trading.live import Urgency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.app.notices._message import Message
    from athena.platform.config import NoticesConfig

_SAFE_ADDRESS = re.compile(
    r"https://[^\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s]*)?"
)


class Channel(Protocol):
    """A way to a person."""

    @property
    def name(self) -> str:
        """Return its name in the configuration."""
        ...

    @property
    def urgency_min(self) -> Urgency:
        """Return the least urgent message that it is for."""
        ...

    def deliver(self, message: Message) -> str:
        """Send a message and return the answer in words; may take 10 s for each exchange.

        Raises:
            ServiceDown: it was not taken, or nobody knows.
        """
        ...


def open_channels(
    config: NoticesConfig, environment: Mapping[str, str] = os.environ
) -> list[Channel]:
    """Build every channel that the configuration switches on; nothing is sent.

    Raises:
        MissingError: a secret that one needs is nowhere; the hint says how to set it.
        InputError: a secret cannot be one.
    """
    found = (
        _webhook(config, environment),
        _email(config, environment),
        _telegram(config, environment),
    )
    return [channel for channel in found if channel is not None]


def _webhook(config: NoticesConfig, environment: Mapping[str, str]) -> WebhookChannel | None:
    hidden = find_secret(SecretName.WEBHOOK_URL, environment)
    if hidden is not None:
        url = hidden.secret
        if not _SAFE_ADDRESS.fullmatch(url.reveal()):
            message = f"expected {hidden.name} as an address https://..., was another text"
            raise InputError(message, hint="http:// is for this machine only")
    elif config.webhook.url:
        url = Secret(config.webhook.url)
    else:
        return None
    token = find_secret(SecretName.WEBHOOK_TOKEN, environment)
    urgency_min = Urgency(config.webhook.urgency_min)
    return WebhookChannel(url, None if token is None else token.secret, urgency_min)


def _email(config: NoticesConfig, environment: Mapping[str, str]) -> EmailChannel | None:
    email = config.email
    if not email.host:
        return None
    password = None
    if email.user:
        password = need_secret(
            SecretName.EMAIL_PASSWORD, needed_for="notices.email", environment=environment
        )
    return EmailChannel(
        host=email.host,
        port=email.port,
        security=email.security,
        sender=email.sender,
        recipients=tuple(item.strip() for item in email.recipients.split(",")),
        user=email.user,
        password=password,
        urgency_min=Urgency(email.urgency_min),
    )


def _telegram(config: NoticesConfig, environment: Mapping[str, str]) -> TelegramChannel | None:
    telegram = config.telegram
    if not telegram.chat_id:
        return None
    token = need_secret(
        SecretName.TELEGRAM_TOKEN, needed_for="notices.telegram", environment=environment
    )
    return TelegramChannel(telegram.url, token, telegram.chat_id, Urgency(telegram.urgency_min))
