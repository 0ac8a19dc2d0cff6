"""`athena live` through its gate to a local exchange: begins, ends in order, and goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from athena.app._live_gate import LiveRequest, live_keys
from athena.app.running import KrakenDoor, read_session
from athena.domain import RunMode
from athena.platform import SecretName, SystemClock, home_folder
from athena.platform.config import load_config
from athena.venues.kraken import TIERS, Tier
from athena.venues.limits import Counter, LimitState, write_state
from tests.gate_builder import PaperSession
from tests.venue_server import SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Cli = Any
KEY = "test-key-1a2b"
ASKED = ("--strategy", "hold", "--symbol", "BTC/USD", "--interval", "1m")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("sys.platform == 'win32'", reason="the server ends by SIGTERM"),
]


@pytest.fixture
def url() -> Iterator[str]:
    """Serve a local exchange in a process of its own."""
    words = ["venue", "serve", "--data", "mock", "--json"]
    server = subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-m", "athena", *words], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        text = ""
        while not text.endswith("}\n") or text.count("{") != text.count("}"):
            line = server.stdout.readline()
            assert line, "the server ended"
            text += line
        yield json.loads(text)["url"]
    finally:
        server.terminate()
        server.wait(20)
        server.stdout.close()


@pytest.fixture
def ready(home: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Meet every condition of the gate but the confirmation."""
    file = home / "athena.yaml"
    file.write_text(
        f"live: {{is_enabled: true}}\nvenues: {{kraken: {{url: '{url}', tier: pro}}}}\n"
    )
    monkeypatch.setenv("ATHENA_LIVE", "yes")
    monkeypatch.setenv(SecretName.KRAKEN_KEY, KEY)
    monkeypatch.setenv(SecretName.KRAKEN_SECRET, SIGNATURE)
    _forget_what_was_asked(home, KrakenDoor(url, live_keys(), RunMode.LIVE))
    request = LiveRequest(strategy="hold", param=(), symbols=["BTC/USD"], interval="1m")
    session = PaperSession(home)
    session.trade(60)
    session.live_through(15, fingerprint=request.fingerprint(load_config(file).config).digest)
    session.close()
    return home


def _forget_what_was_asked(home: Path, door: KrakenDoor) -> None:
    """Let no call wait: counters nobody has kept are taken to be at their maximum."""
    now_ns = SystemClock().now_ns()
    counters = {name: Counter(0, now_ns) for name in TIERS[Tier.STARTER].rules()}
    path = home_folder(home, "cache") / f"kraken-{door.account}-limits.json"
    write_state(path, LimitState(counters))


def start(cli: Cli, *more: str) -> Any:
    confirmed = ("--confirm", "live 1a2b", "--duration", "20s", "--json")
    return cli("live", *ASKED, *confirmed, *more)


def test_a_session_begins_behind_the_gate_and_goes_on_with_the_same_command(
    cli: Cli, ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = start(cli)
    assert result.exit_code == 0, result.err
    first = result.json()
    assert (first["resumed"], first["violations"]) == (False, [])
    kept = read_session(ready / "live" / first["session"])
    assert kept is not None
    assert kept.mode == "live"
    assert KEY not in (ready / "live" / first["session"] / "session.json").read_text()
    assert cli("journal", "verify", first["session"]).exit_code == 0
    assert cli("journal", "replay", first["session"]).exit_code == 0

    result = start(cli)
    assert result.exit_code == 0, result.err
    second = result.json()
    assert (second["session"], second["resumed"]) == (first["session"], True)
    assert second["violations"] == []

    monkeypatch.setenv("ATHENA_LIVE", "no")
    assert start(cli).exit_code == 4
