"""`athena notify test`: what each channel answered, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.notice_servers import HttpServer, SmtpServer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Cli = Any
TOKEN = "canary-token-0123456789"  # noqa: S105  # no secret


@pytest.fixture
def http() -> Iterator[HttpServer]:
    with serving(HttpServer()) as server:
        yield server


def configure(home: Path, text: str) -> None:
    (home / "athena.yaml").write_text(f"notices: {{{text}}}\n", encoding="utf-8")


def test_each_channel_says_what_it_answered(
    cli: Cli, home: Path, http: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATHENA_NOTICES_TELEGRAM_TOKEN", TOKEN)
    with serving(SmtpServer()) as smtp:
        configure(
            home,
            f"webhook: {{url: '{http.url}/hook'}}, "
            f"telegram: {{url: '{http.url}', chat_id: '7'}}, "
            f"email: {{host: 127.0.0.1, port: {smtp.port}, security: none, "
            "sender: a@example.org, recipients: b@example.org}",
        )
        result = cli("notify", "test", "--json")
    assert result.exit_code == 0, result.err
    rows = result.json()["channels"]
    assert [(row["name"], row["ok"], row["answer"]) for row in rows] == [
        ("webhook", True, "HTTP 200"),
        ("email", True, "taken for 1 recipients"),
        ("telegram", True, "HTTP 200, ok"),
    ]
    assert [item.path for item in http.asked] == ["/hook", f"/bot{TOKEN}/sendMessage"]
    assert "nothing is to be done" in smtp.mails[0]
    assert "nothing is to be done" in http.asked[0].values["what"]


def test_a_channel_that_does_not_take_it_exits_3_and_the_others_are_tried(
    cli: Cli, home: Path, http: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATHENA_NOTICES_TELEGRAM_TOKEN", TOKEN)
    http.planned = [(500, b"")]
    configure(
        home, f"webhook: {{url: '{http.url}'}}, telegram: {{url: '{http.url}', chat_id: '7'}}"
    )
    result = cli("notify", "test")
    assert result.exit_code == 3
    assert "not taken   expected webhook to take the notice, was HTTP 500" in result.out
    assert "HTTP 200, ok" in result.out
    only = cli("notify", "test", "--channel", "telegram", "--json")
    assert only.exit_code == 0
    assert [row["name"] for row in only.json()["channels"]] == ["telegram"]


def test_without_a_channel_it_exits_2_with_the_lines_to_write(cli: Cli) -> None:
    result = cli("notify", "test")
    assert result.exit_code == 2
    assert "notices: {webhook: {url: https://...}}" in result.err


def test_a_channel_that_is_not_configured_is_named_with_those_that_are(
    cli: Cli, home: Path, http: HttpServer
) -> None:
    configure(home, f"webhook: {{url: '{http.url}'}}")
    result = cli("notify", "test", "--channel", "email")
    assert result.exit_code == 2
    assert "expected a configured channel (webhook), was 'email'" in result.err
    assert http.asked == []


def test_a_secret_that_is_nowhere_exits_3_with_how_to_set_it(cli: Cli, home: Path) -> None:
    configure(home, "telegram: {chat_id: '7'}")
    result = cli("notify", "test")
    assert result.exit_code == 3
    assert "export ATHENA_NOTICES_TELEGRAM_TOKEN=..." in result.err


def test_the_lines_of_the_hint_work(cli: Cli, home: Path, http: HttpServer) -> None:
    configure(home, "webhook: {url: https://...}".replace("https://...", f"'{http.url}'"))
    assert cli("notify", "test").exit_code == 0
