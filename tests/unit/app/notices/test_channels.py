"""Webhook, chat and e-mail against real servers on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from athena.app.notices import (
    EmailChannel,
    Message,
    TelegramChannel,
    WebhookChannel,
    open_channels,
)
from athena.errors import InputError, MissingError, ServiceDown
from athena.platform import Secret
from athena.platform.config import NoticesConfig
from athena.trading.live import Urgency
from tests.notice_servers import HttpServer, SmtpServer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "canary-token-0123456789"  # noqa: S105  # no secret
MESSAGE = Message(
    "paper on a test", Urgency.URGENT, "unprotected", "BTC/USD has no stop", 1_767_225_600 * 10**9
)


@pytest.fixture
def http() -> Iterator[HttpServer]:
    with serving(HttpServer()) as server:
        yield server


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with serving(SmtpServer()) as server:
        yield server


def telegram(server: HttpServer) -> TelegramChannel:
    return TelegramChannel(server.url, Secret(TOKEN), "-100200")


def email(port: int, **more: Any) -> EmailChannel:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "desk@example.org",
        "recipients": ("one@example.org", "two@example.org"),
    }
    return EmailChannel(**{**values, **more})


def test_a_webhook_gets_one_json_object(http: HttpServer) -> None:
    channel = WebhookChannel(Secret(f"{http.url}/hook?key=x"), Secret(TOKEN))
    assert channel.deliver(MESSAGE) == "HTTP 200"
    (asked,) = http.asked
    assert asked.path == "/hook?key=x"
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.values == {
        "text": MESSAGE.body,
        "origin": "paper on a test",
        "urgency": "urgent",
        "code": "unprotected",
        "what": "BTC/USD has no stop",
        "at": "2026-01-01T00:00:00Z",
        "count": 1,
    }


def test_without_a_token_none_is_sent(http: HttpServer) -> None:
    WebhookChannel(Secret(http.url)).deliver(MESSAGE)
    assert "authorization" not in http.asked[0].headers


@pytest.mark.parametrize("status", [302, 401, 404, 429, 500])
def test_a_webhook_that_does_not_take_it_is_named(http: HttpServer, status: int) -> None:
    http.planned = [(status, b"no")]
    with pytest.raises(ServiceDown, match=f"expected webhook to take .* was HTTP {status}"):
        WebhookChannel(Secret(http.url)).deliver(MESSAGE)
    assert len(http.asked) == 1


def test_a_chat_gets_the_text(http: HttpServer) -> None:
    assert telegram(http).deliver(MESSAGE) == "HTTP 200, ok"
    (asked,) = http.asked
    assert asked.path == f"/bot{TOKEN}/sendMessage"
    assert asked.values == {"chat_id": "-100200", "text": MESSAGE.body}


def test_a_text_longer_than_a_chat_takes_is_cut(http: HttpServer) -> None:
    long = Message("a", Urgency.NOTICE, "code", "x" * 10_000, 0)
    telegram(http).deliver(long)
    assert len(http.asked[0].values["text"]) == 4_000


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, b'{"ok": false, "description": "chat not found"}', "HTTP 400, chat not found"),
        (200, b'{"ok": false}', "HTTP 200, no ok"),
        (200, b"<html>", "HTTP 200, no ok"),
        (200, b"[]", "HTTP 200, no ok"),
        (200, b"\xff" * 9_000, "HTTP 200, no ok"),
    ],
)
def test_a_chat_that_does_not_say_ok_did_not_take_it(
    http: HttpServer, status: int, body: bytes, words: str
) -> None:
    http.planned = [(status, body)]
    with pytest.raises(ServiceDown, match=words):
        telegram(http).deliver(MESSAGE)


def test_no_server_is_named_without_the_address() -> None:
    """C23: the address of a chat holds the bot's token."""
    with serving(HttpServer()) as server:
        channel = telegram(server)
    with pytest.raises(ServiceDown, match="expected an answer of telegram, was ConnectError") as e:
        channel.deliver(MESSAGE)
    assert TOKEN not in f"{e.value} {e.value.hint} {e.value.__cause__}"


def test_a_token_that_no_header_can_hold_is_an_answer_not_a_bug(http: HttpServer) -> None:
    for token in ("sécret", "a\nb"):
        with pytest.raises(ServiceDown, match="expected an answer of webhook"):
            WebhookChannel(Secret(http.url), Secret(token)).deliver(MESSAGE)


def test_channels_hide_their_secrets(http: HttpServer) -> None:
    """C23."""
    shown = f"{telegram(http)!r} {WebhookChannel(Secret(TOKEN), Secret(TOKEN))}"
    assert TOKEN not in shown + repr(email(1, password=Secret(TOKEN)))


def test_an_e_mail_goes_to_every_recipient(smtp: SmtpServer) -> None:
    assert email(smtp.port).deliver(MESSAGE) == "taken for 2 recipients"
    (mail,) = smtp.mails
    assert "Subject: [athena] urgent: unprotected" in mail
    assert "To: one@example.org, two@example.org" in mail
    assert "Date: Thu, 01 Jan 2026 00:00:00 -0000" in mail
    assert "BTC/USD has no stop" in mail
    assert not any(line.startswith("AUTH") for line in smtp.said)


@pytest.mark.parametrize(
    ("verb", "answer", "words"),
    [
        ("MAIL", "451 later", "SMTPSenderRefused 451"),
        ("RCPT", "550 nobody", "SMTPRecipientsRefused"),
        ("DATA", "554 no", "SMTPDataError 554"),
    ],
)
def test_a_mail_server_that_refuses_is_named(
    smtp: SmtpServer, verb: str, answer: str, words: str
) -> None:
    smtp.answers[verb] = answer
    with pytest.raises(ServiceDown, match=words):
        email(smtp.port).deliver(MESSAGE)


def test_no_mail_server_is_named() -> None:
    with serving(SmtpServer()) as server:
        port = server.port
    with pytest.raises(ServiceDown, match="ConnectionRefusedError"):
        email(port).deliver(MESSAGE)


def test_a_server_without_starttls_gets_no_password(smtp: SmtpServer) -> None:
    """A stripped STARTTLS must not turn into a log-in in clear."""
    channel = email(smtp.port, security="starttls", user="desk", password=Secret(TOKEN))
    with pytest.raises(ServiceDown, match="SMTPNotSupportedError"):
        channel.deliver(MESSAGE)
    assert not any(line.startswith("AUTH") for line in smtp.said)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that signs itself."""
    x509 = pytest.importorskip("cryptography.x509")
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def test_starttls_with_a_trusted_certificate_logs_in_and_sends(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with serving(SmtpServer((str(certificate[0]), str(certificate[1])))) as server:
        email(server.port, security="starttls", user="desk", password=Secret(TOKEN)).deliver(
            MESSAGE
        )
    assert len(server.mails) == 1
    starttls = server.said.index("STARTTLS")
    (login,) = [k for k, line in enumerate(server.said) if line.startswith("AUTH")]
    assert starttls < login


def test_starttls_with_a_certificate_that_nobody_vouches_for_sends_nothing(
    certificate: tuple[Path, Path],
) -> None:
    with serving(SmtpServer((str(certificate[0]), str(certificate[1])))) as server:
        channel = email(server.port, security="starttls", user="desk", password=Secret(TOKEN))
        with pytest.raises(ServiceDown, match="SSLCertVerificationError"):
            channel.deliver(MESSAGE)
    assert server.mails == []
    assert not any(line.startswith("AUTH") for line in server.said)


def configured(**sections: dict[str, Any]) -> NoticesConfig:
    return NoticesConfig.model_validate(sections)


def test_nothing_configured_opens_nothing() -> None:
    assert open_channels(NoticesConfig(), {}) == []


def test_each_channel_opens_with_its_secrets() -> None:
    config = configured(
        webhook={"url": "https://example.org/hook", "urgency_min": "urgent"},
        email={
            "host": "mail.example.org", "user": "desk", "sender": "a@example.org",
            "recipients": "b@example.org, c@example.org",
        },
        telegram={"chat_id": "5"},
    )  # fmt: skip
    environment = {
        "ATHENA_NOTICES_EMAIL_PASSWORD": "p" * 12,
        "ATHENA_NOTICES_TELEGRAM_TOKEN": TOKEN,
    }
    webhook, mail, chat = open_channels(config, environment)
    assert isinstance(webhook, WebhookChannel)
    assert isinstance(mail, EmailChannel)
    assert isinstance(chat, TelegramChannel)
    assert [item.name for item in (webhook, mail, chat)] == ["webhook", "email", "telegram"]
    assert webhook.url.reveal() == "https://example.org/hook"
    assert webhook.urgency_min is Urgency.URGENT
    assert mail.recipients == ("b@example.org", "c@example.org")
    assert (mail.port, mail.security, mail.urgency_min) == (587, "starttls", Urgency.WARNING)
    assert chat.token.reveal() == TOKEN


def test_an_address_that_is_a_secret_comes_from_the_environment() -> None:
    address = f"https://example.org/{TOKEN}?a=b"
    (webhook,) = open_channels(NoticesConfig(), {"ATHENA_NOTICES_WEBHOOK_URL": address})
    assert isinstance(webhook, WebhookChannel)
    assert webhook.url.reveal() == address


@pytest.mark.parametrize("address", ["http://example.org/x", "example.org", "ftp://h"])
def test_an_address_in_clear_is_refused_without_being_quoted(address: str) -> None:
    with pytest.raises(InputError, match="expected ATHENA_NOTICES_WEBHOOK_URL") as caught:
        open_channels(NoticesConfig(), {"ATHENA_NOTICES_WEBHOOK_URL": address})
    assert address not in caught.value.message


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ({"telegram": {"chat_id": "5"}}, "ATHENA_NOTICES_TELEGRAM_TOKEN"),
        (
            {"email": {"host": "h", "user": "u", "sender": "a@b", "recipients": "c@d"}},
            "ATHENA_NOTICES_EMAIL_PASSWORD",
        ),
    ],
)
def test_a_secret_that_is_nowhere_is_named(section: dict[str, Any], name: str) -> None:
    with pytest.raises(MissingError, match=name) as caught:
        open_channels(configured(**section), {})
    assert f"keyring set athena {name}" in caught.value.hint
