"""The configuration holds no secret: shown, recorded and backed up as it is (C23)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athena.errors import ConfigError
from athena.platform.config import Config, load_config

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-1234567890"


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("venues: {kraken: {key: %s}}", "venues.kraken.key", "ATHENA_KRAKEN_KEY"),
        ("venues: {kraken: {secret: %s}}", "venues.kraken.secret", "ATHENA_KRAKEN_SECRET"),
        ("venues: {kraken: {api_key: %s}}", "venues.kraken.api_key", "athena doctor"),
        ("notices: {email: {password: %s}}", "notices.email.password", "EMAIL_PASSWORD"),
        ("notices: {telegram: {token: %s}}", "notices.telegram.token", "TELEGRAM_TOKEN"),
        ("database: {password: %s}", "database.password", "athena doctor"),
        ("secrets: {kraken: {a: %s}}", "secrets.kraken.a", "athena doctor"),
    ],
)
def test_a_secret_in_the_file_is_refused_by_its_key_and_not_quoted(
    tmp_path: Path, text: str, key: str, hint: str
) -> None:
    file = tmp_path / "athena.yaml"
    file.write_text(text % CANARY)
    with pytest.raises(ConfigError, match=f"expected no secret .* was '{key}'") as caught:
        load_config(file, environment={})
    assert str(file) in caught.value.message
    assert hint in caught.value.hint
    assert CANARY not in caught.value.message + caught.value.hint


def test_a_key_that_is_only_misspelt_is_not_accused(tmp_path: Path) -> None:
    file = tmp_path / "athena.yaml"
    file.write_text("venues: {kraken: {ulr: https://a}}")
    with pytest.raises(ConfigError, match="expected a known key"):
        load_config(file, environment={})


def test_a_secret_as_a_configuration_variable_is_refused() -> None:
    with pytest.raises(ConfigError, match="ATHENA_VENUES__KRAKEN__SECRET") as caught:
        load_config(environment={"ATHENA_VENUES__KRAKEN__SECRET": CANARY})
    assert "export ATHENA_KRAKEN_SECRET" in caught.value.hint
    assert CANARY not in caught.value.message


def test_the_variables_of_secrets_are_no_configuration() -> None:
    environment = {
        "ATHENA_KRAKEN_KEY": CANARY,
        "ATHENA_NOTICES_WEBHOOK_URL": CANARY,
        "ATHENA_NOTICES_TELEGRAM_TOKEN": CANARY,
    }
    assert load_config(environment=environment).config == Config()
    with pytest.raises(ConfigError, match="ATHENA_NOTICES_TELEGRAM_TOKE"):
        load_config(environment={"ATHENA_NOTICES_TELEGRAM_TOKE": CANARY})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("notices.webhook.url", f"https://user:{CANARY}@example.org/"),
        ("notices.webhook.url", f"https://example.org/?key={CANARY}"),
        ("notices.webhook.url", f"http://example.org/{CANARY}"),
        ("notices.telegram.url", f"http://example.org/{CANARY}"),
    ],
)
def test_an_address_with_a_secret_or_in_clear_is_refused_and_not_quoted(
    path: str, value: str
) -> None:
    with pytest.raises(ConfigError, match=path) as caught:
        load_config(options={path: value}, environment={})
    assert CANARY not in caught.value.message


@pytest.mark.parametrize(
    "url", ["", "https://example.org", "https://h:8443/a/b", "http://127.0.0.1:99/x"]
)
def test_an_address_over_tls_or_on_this_machine_is_taken(url: str) -> None:
    config = load_config(options={"notices.webhook.url": url}, environment={}).config
    assert config.notices.webhook.url == url


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"host": "mail.example.org"}, "sender and recipients"),
        ({"host": "h", "sender": "a@b", "recipients": "c@d", "security": "none"}, "to reach h"),
        (
            {
                "host": "localhost", "sender": "a@b", "recipients": "c@d", "security": "none",
                "user": "u",
            },
            "to log in",
        ),
        ({"sender": "a@b\nBcc: x@y"}, "sender"),
        ({"recipients": "nobody"}, "recipients"),
        ({"port": 0}, "port"),
    ],
)  # fmt: skip
def test_an_e_mail_section_that_cannot_work_is_refused(
    keys: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        load_config(
            options={f"notices.email.{key}": value for key, value in keys.items()}, environment={}
        )


def test_an_e_mail_section_that_can_work_is_taken() -> None:
    keys = {"host": "localhost", "sender": "a@b", "recipients": "c@d,e@f", "security": "none"}
    options = {f"notices.email.{key}": value for key, value in keys.items()}
    assert load_config(options=options, environment={}).config.notices.email.host == "localhost"
