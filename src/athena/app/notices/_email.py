"""The channel that sends e-mail through a server of the user's."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import TYPE_CHECKING, Literal

from athena.domain import SECOND_NS
from athena.errors import ServiceDown
from athena.trading.live import Urgency

if TYPE_CHECKING:
    from athena.app.notices._message import Message
    from athena.platform import Secret

_TIMEOUT_S = 10.0
# The default asks the name service for this machine's name, which may take long.
_OWN_NAME = "[127.0.0.1]"


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """Send each message as one e-mail.

    Attributes:
        security: `starttls` begins in the clear and encrypts before anything is said.
        user, password: to log in; an empty user does not.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: Secret | None = None
    urgency_min: Urgency = Urgency.WARNING
    name: str = "email"

    def deliver(self, message: Message) -> str:
        """Send a message and return the answer in words.

        Raises:
            ServiceDown: no server, no trusted encryption, no log-in, or a recipient refused.
        """
        try:
            with self._connect() as server:
                if self.security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if self.password is not None:
                    server.login(self.user, self.password.reveal())
                refused = server.send_message(self._mail(message))
        # Their own words may quote what was sent.
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise _failure(error) from None
        if refused:
            problem = f"expected every recipient to be taken, was {len(refused)} refused"
            raise ServiceDown(problem, hint="notices.email.recipients")
        return f"taken for {len(self.recipients)} recipients"

    def _connect(self) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(
                self.host,
                self.port,
                local_hostname=_OWN_NAME,
                timeout=_TIMEOUT_S,
                context=ssl.create_default_context(),
            )
        return smtplib.SMTP(self.host, self.port, local_hostname=_OWN_NAME, timeout=_TIMEOUT_S)

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = message.title
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.recipients)
        mail["Date"] = formatdate(message.ts_ns // SECOND_NS)
        mail.set_content(message.body)
        return mail


def _failure(error: Exception) -> ServiceDown:
    code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
    message = f"expected the mail server to take the notice, was {type(error).__name__}{code}"
    return ServiceDown(message, hint="athena notify test")
