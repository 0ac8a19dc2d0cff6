"""`athena live --check` against a local exchange: open when all holds, else shut."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.app._live_gate import LiveRequest, confirmation_words
from athena.app.gate import GATE_NAME, LIVE_FOLDER, read_passed
from athena.platform import Secret, SecretName
from athena.platform.config import load_config
from tests.gate_builder import PaperSession
from tests.venue_server import SIGNATURE, host_of, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Cli = Any
pytest.importorskip("ccxt", reason="the extra `live` signs requests")
ASKED = ("--strategy", "sma_cross", "--param", "fast=5", "--symbol", "BTC/USD", "--interval", "1h")
REQUEST = LiveRequest(strategy="sma_cross", param=["fast=5"], symbols=["BTC/USD"], interval="1h")
KEY = "test-key-1a2b"


@pytest.fixture
def ready(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperSession]:
    """Meet every condition: configuration, environment, keys, a venue, and a paper record."""
    with serving(host_of()) as server:
        (home / "athena.yaml").write_text(
            f"live: {{is_enabled: true}}\nvenues: {{kraken: {{url: 'http://127.0.0.1:{server.port}'}}}}\n"
        )
        monkeypatch.setenv("ATHENA_LIVE", "yes")
        monkeypatch.setenv(SecretName.KRAKEN_KEY, KEY)
        monkeypatch.setenv(SecretName.KRAKEN_SECRET, SIGNATURE)
        session = PaperSession(home)
        session.trade(60)
        config = load_config(home / "athena.yaml").config
        session.live_through(15, fingerprint=REQUEST.fingerprint(config).digest)
        session.close()
        yield session


def check(cli: Cli, *more: str) -> tuple[int, dict[str, Any]]:
    result = cli("live", "--check", *ASKED, *more, "--json")
    payload = result.json()
    assert "conditions" in payload, payload
    return result.exit_code, payload


def missing(payload: dict[str, Any]) -> list[str]:
    return [item["name"] for item in payload["conditions"] if item["holds"] is False]


def test_the_gate_opens_when_every_condition_holds(cli: Cli, ready: PaperSession) -> None:
    exit_code, payload = check(cli)
    assert missing(payload) == []
    assert (exit_code, payload["open"]) == (0, True)
    by_name = {item["name"]: item for item in payload["conditions"]}
    assert by_name["confirmation"]["holds"] is None
    assert by_name["wins"]["n"] == 60
    assert None not in by_name["wins"]["interval"]
    assert payload["passed_at"]
    passed = read_passed(ready.home)
    assert passed is not None
    assert passed.session == ready.session
    assert "the gate is open" in cli("live", "--check", *ASKED).out


def test_a_key_that_may_withdraw_is_refused(
    cli: Cli, ready: PaperSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ready
    monkeypatch.setenv(SecretName.KRAKEN_KEY, "withdraw-key")
    exit_code, payload = check(cli)
    assert (exit_code, missing(payload)) == (4, ["withdrawal"])


@pytest.mark.parametrize(
    ("name", "value", "condition"),
    [
        (SecretName.KRAKEN_KEY, "revoked-key", "withdrawal"),
        (SecretName.KRAKEN_SECRET, "not base64!", "withdrawal"),
        (SecretName.KRAKEN_KEY, "", "keys"),
        (SecretName.KRAKEN_SECRET, "", "keys"),
        ("ATHENA_LIVE", "no", "environment"),
    ],
)
def test_wrong_keys_and_environment_are_refused(  # noqa: PLR0913, PLR0917 - fixtures and cases
    cli: Cli,
    ready: PaperSession,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    condition: str,
) -> None:
    assert ready
    monkeypatch.setenv(name, value)
    exit_code, payload = check(cli)
    assert exit_code == 4
    assert condition in missing(payload)
    assert "days" not in missing(payload)


def test_a_venue_that_does_not_answer_proves_nothing(cli: Cli, ready: PaperSession) -> None:
    (ready.home / "athena.yaml").write_text(
        "live: {is_enabled: true}\nvenues: {kraken: {url: 'http://127.0.0.1:9'}}\n"
    )
    exit_code, payload = check(cli)
    assert (exit_code, missing(payload)) == (4, ["withdrawal"])


def test_plain_http_to_another_machine_gets_no_key(cli: Cli, ready: PaperSession) -> None:
    (ready.home / "athena.yaml").write_text(
        "live: {is_enabled: true}\nvenues: {kraken: {url: 'http://api.kraken.com'}}\n"
    )
    exit_code, payload = check(cli)
    assert (exit_code, missing(payload)) == (4, ["keys", "withdrawal"])


def test_the_environment_does_not_stand_in_for_the_configuration(
    cli: Cli, ready: PaperSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ready.home / "athena.yaml").read_text()
    (ready.home / "athena.yaml").write_text(text.replace("live: {is_enabled: true}\n", ""))
    assert missing(check(cli)[1]) == ["configuration"]
    monkeypatch.setenv("ATHENA_LIVE__IS_ENABLED", "true")
    assert missing(check(cli)[1]) == ["configuration"]


def test_a_changed_limit_strategy_or_market_voids_the_gate(cli: Cli, ready: PaperSession) -> None:
    """TR-27: gate passed, then a limit changed: it refuses again, and says what is other."""
    assert check(cli)[0] == 0
    text = (ready.home / "athena.yaml").read_text()
    (ready.home / "athena.yaml").write_text(f"{text}risk: {{positions_max: 4}}\n")
    exit_code, payload = check(cli)
    assert exit_code == 4
    assert missing(payload)[0] == "days"
    assert "with other limits: void" in payload["conditions"][5]["text"]
    result = cli("live", *ASKED)
    assert result.exit_code == 4
    assert "void" in result.err
    (ready.home / "athena.yaml").write_text(text)
    assert check(cli)[0] == 0
    for other in (("--param", "fast=6"), ("--symbol", "ETH/USD"), ("--interval", "5m")):
        asked = [*ASKED]
        asked[asked.index(other[0]) + 1] = other[1]
        result = cli("live", "--check", *asked, "--json")
        assert result.exit_code == 4
        assert "with other strategies: void" in result.json()["conditions"][5]["text"]


def test_a_record_that_has_gone_bad_is_void(cli: Cli, ready: PaperSession) -> None:
    assert check(cli)[0] == 0
    file = ready.home / LIVE_FOLDER / GATE_NAME
    assert file.is_file()
    health = ready.folder / "health.jsonl"
    health.write_text(health.read_text().replace('"is_up":true', '"is_up":false', 1_000))
    exit_code, payload = check(cli)
    assert (exit_code, missing(payload)) == (4, ["uptime"])
    assert not file.exists()


def test_an_open_gate_wants_the_confirmation_typed(cli: Cli, ready: PaperSession) -> None:
    assert ready
    for typed, words in ((None, "was none"), ("live", "was 'live'"), (KEY, "live 1a2b")):
        result = cli("live", *ASKED, *(() if typed is None else ("--confirm", typed)))
        assert result.exit_code == 4
        assert words in result.err
        assert "expected 'live 1a2b' as confirmation" in result.err
    assert [item.name for item in (ready.home / LIVE_FOLDER).iterdir() if item.is_dir()] == [
        ready.session
    ]


def test_a_start_without_the_gate_names_the_first_reason(cli: Cli) -> None:
    result = cli("live", *ASKED, "--json")
    assert result.exit_code == 4
    error = json.loads(result.out)["error"]
    assert "configuration: live.is_enabled is false" in error["message"]
    assert "environment, keys, withdrawal, days" in error["message"]
    assert error["hint"].startswith("athena live --check")


def test_no_key_comes_out_of_the_gate(cli: Cli, ready: PaperSession) -> None:
    """C23 for these commands: neither their output nor the home holds key or secret."""
    said = [cli(*words) for words in (
        ("live", "--check", *ASKED), ("live", "--check", *ASKED, "--json"),
        ("live", *ASKED), ("live", *ASKED, "--confirm", "live"),
        ("dry-run",), ("dry-run", "--json"),
    )]  # fmt: skip
    texts = [item.out + item.err for item in said]
    texts += [
        path.read_bytes().decode("latin-1") for path in ready.home.rglob("*") if path.is_file()
    ]
    assert not [text for text in texts if KEY in text or SIGNATURE in text]


def test_the_confirmation_shows_four_characters_of_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(SecretName.KRAKEN_KEY, KEY)
    assert confirmation_words() == "live 1a2b"
    assert KEY in Secret.given()


def test_what_is_not_asked_for_comes_from_the_configuration() -> None:
    config = load_config(None, environment={}).config
    filled = LiveRequest.of(config, None, (), (), None)
    assert filled == LiveRequest(
        strategy="sma_cross", param=(), symbols=["BTC/USD"], interval="1m"
    )
    assert replace(filled, interval="60m").fingerprint(config) != filled.fingerprint(config)
