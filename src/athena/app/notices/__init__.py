"""Tell a person what happened: alerts go out by webhook, e-mail and chat, and never hold the core.

Importing this room costs httpx2, so import it inside the function that needs it.
"""

from athena.app.notices._channels import Channel, open_channels
from athena.app.notices._email import EmailChannel
from athena.app.notices._http import TelegramChannel, WebhookChannel
from athena.app.notices._message import Message
from athena.app.notices._notifier import ChannelState, Notifier
from athena.app.notices._outbox import Outbox, Parcel

__all__ = [
    "Channel",
    "ChannelState",
    "EmailChannel",
    "Message",
    "Notifier",
    "Outbox",
    "Parcel",
    "TelegramChannel",
    "WebhookChannel",
    "open_channels",
]
