"""C23: keys planted in environment and keyring come out of no command, file or crash bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from athena.app.commands import gains
from athena.platform import Secret, SecretName, find_secret, mask_text
from tests.keyrings import kept_in_keyring
from tests.live_journal import LiveJournal
from tests.market_builder import HOUR_NS, driftless_bars
from tests.notice_servers import HttpServer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Cli = Any
CANARIES = {name: f"canary-{number}-0123456789" for number, name in enumerate(SecretName)}
IN_KEYRING = {SecretName.KRAKEN_SECRET, SecretName.TELEGRAM_TOKEN}


@pytest.fixture
def planted(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Plant a canary under every name, and send every log line to a file of the home."""
    with serving(HttpServer()) as server:
        server.planned = [(500, b"no")] * 20
        url = f"{server.url}/{CANARIES[SecretName.WEBHOOK_URL]}"
        canaries = {**CANARIES, SecretName.WEBHOOK_URL: url}
        (home / "athena.yaml").write_text(
            f"log: {{level: debug, file: {home / 'athena.log'}}}\n"
            f"notices: {{telegram: {{url: '{server.url}', chat_id: '7'}}}}\n"
        )
        for name, value in canaries.items():
            if name not in IN_KEYRING:
                monkeypatch.setenv(name, value)
        with kept_in_keyring({name: canaries[name] for name in IN_KEYRING}):
            yield dict(CANARIES)
    assert server.asked, "the channels were really used"


def bars_file(tmp_path: Path) -> Path:
    bars = driftless_bars(200, 5, interval_ns=HOUR_NS)
    columns = [column.tolist() for column in bars.columns()]
    rows = ["ts,open,high,low,close,volume"]
    for ts_ns, *prices, lots in zip(*columns, strict=True):
        shown = ",".join(f"{price / 100:.2f}" for price in prices)
        rows.append(f"{ts_ns // 10**9},{shown},{lots}")
    file = tmp_path / "TESTUSD_1h.csv"
    file.write_text("\n".join(rows) + "\n", "utf-8")
    return file


def leaks(home: Path, canaries: dict[str, str], outputs: list[str]) -> list[str]:
    """Name every place that holds a canary."""
    texts = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    texts.update({f"output {k}": text.encode() for k, text in enumerate(outputs)})
    return [
        f"{place}: {name}"
        for place, text in texts.items()
        for name, value in canaries.items()
        if value.encode() in text
    ]


def test_no_command_shows_or_keeps_a_secret(
    cli: Cli, home: Path, tmp_path: Path, planted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = bars_file(tmp_path)

    def fail(*_: object) -> None:
        secret = find_secret(SecretName.KRAKEN_SECRET)
        assert isinstance(secret.secret if secret else None, Secret)
        assert secret is not None
        message = f"a bug that quotes {secret.secret.reveal()} and {planted['ATHENA_KRAKEN_KEY']}"
        raise ValueError(message)

    run = ("backtest", "--data", file, "--symbol", "TEST/USD", "--strategy", "sma_cross")
    commands: list[tuple[object, ...]] = [
        ("-v", "doctor"),
        ("doctor", "--json"),
        ("config", "show", "--origin"),
        ("config", "show", "--json"),
        ("-v", *run, "--param", "quantity=10"),
        ("-v", "notify", "test"),
        ("-v", "notify", "test", "--json"),
        ("-v", "gains"),
        ("trials",),
        ("backup", tmp_path / "home.zip"),
    ]
    outputs = []
    for command in commands:
        result = cli(*command)
        assert result.exit_code in {0, 1, 3}, result.err
        outputs += [result.out, result.err]
    with monkeypatch.context() as patch:
        patch.setattr(gains, "_folder", fail)
        result = cli("-v", "gains", "--json")
    assert result.exit_code == 70
    crash = next((home / "crashes").iterdir()).read_text()
    assert "a bug that quotes *** and ***" in crash
    assert "a bug that quotes *** and ***" in result.err
    outputs += [result.out, result.err]
    assert leaks(home, planted, outputs) == []


def test_a_canary_that_is_kept_is_found(home: Path, planted: dict[str, str], cli: Cli) -> None:
    """The planted fault."""
    cli("notify", "test")
    name = SecretName.KRAKEN_KEY
    (home / "notes.txt").write_text(f"key: {CANARIES[name]}")
    assert leaks(home, planted, []) == [f"{home / 'notes.txt'}: {name}"]
    assert mask_text(CANARIES[name], (CANARIES[name],)) == "***"


def test_the_doctor_says_where_a_secret_is_and_not_what(
    cli: Cli, planted: dict[str, str], home: Path
) -> None:
    cli("notify", "test")
    found = {item["name"]: item for item in cli("doctor", "--json").json()["findings"]}
    assert found["ATHENA_KRAKEN_KEY"]["detail"] == "*** (environment)"
    assert found["ATHENA_KRAKEN_SECRET"]["detail"] == "*** (keyring)"
    assert found["ATHENA_KRAKEN_SECRET"]["status"] == "ok"
    assert leaks(home, planted, []) == []


def test_the_doctor_says_how_to_set_the_keys_of_the_venue(cli: Cli) -> None:
    found = {item["name"]: item for item in cli("doctor", "--json").json()["findings"]}
    assert found["ATHENA_KRAKEN_KEY"]["status"] == "missing"
    assert "export ATHENA_KRAKEN_KEY=..." in found["ATHENA_KRAKEN_KEY"]["fix"]
    assert "ATHENA_NOTICES_TELEGRAM_TOKEN" not in found


def test_gains_of_a_live_session_hold_no_secret(
    cli: Cli, home: Path, planted: dict[str, str]
) -> None:
    from athena.research import FileStore

    cli("notify", "test")
    journal = LiveJournal(FileStore(home / "live" / "a" / "journal"))
    journal.fill(0, 10**8)
    journal.end()
    result = cli("gains", "--json")
    assert result.exit_code == 0, result.err
    assert leaks(home, planted, [result.out]) == []
