"""`athena venue serve`: what it refuses, and what it says once clients can connect."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from athena.app._venue_feed import load_market
from athena.app.commands.venue import _new_exchange
from athena.domain import SECOND_NS
from athena.platform.config import load_config
from athena.venues.serving import VenueServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import CliResult


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--faults", "lait"], "expected a fault, was 'lait'"),
        (["--faults", "restart"], "expected a fault that a venue can show, was restart"),
        (["--faults", "late:7"], "expected the rate of late from 0 to 1, was '7'"),
        (["--balance", "USD"], "expected --balance CUR=AMOUNT, each of BTC, USD"),
        (["--balance", "DOGE=1"], "expected --balance CUR=AMOUNT, each of BTC, USD"),
        (["--balance", "USD=1", "--balance", "USD=2"], "at most once, was 'USD=2'"),
        (["--balance", "USD=much"], "expected --balance of USD as a decimal number"),
        (["--balance", "USD=-1"], "expected an amount of USD from 0"),
        (["--speed", "0"], "--speed"),
        (["--seed", "-1"], "--seed"),
        (["--port", "70000"], "--port"),
        (["--faults", "missing.yaml"], "missing.yaml"),
        (["--data", "mock:DOGE/USD"], "DOGE/USD"),
    ],
)
def test_what_cannot_be_served_is_refused(
    cli: Callable[..., CliResult], arguments: list[str], said: str
) -> None:
    result = cli("venue", "serve", *arguments)
    assert result.exit_code == 2
    assert said in result.err
    assert not result.out


def test_a_data_set_that_is_not_there_is_missing(cli: Callable[..., CliResult]) -> None:
    assert cli("venue", "serve", "--data", "btc-usd-30m").exit_code == 3


def test_a_fault_file_that_is_no_text_is_refused(
    cli: Callable[..., CliResult], tmp_path: Path
) -> None:
    file = tmp_path / "plan.yaml"
    file.write_bytes(b"\xff\xfe")
    result = cli("venue", "serve", "--faults", file)
    assert result.exit_code == 2
    assert f"expected text in UTF-8 in {file}" in result.err


@pytest.fixture
def stopped_when_ready(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let a server stop as soon as it is ready, after one look at it."""
    seen: list[Any] = []
    run = VenueServer.run

    def short(self: VenueServer, on_ready: Callable[[], None]) -> None:
        def look() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                connection.request("GET", "/0/public/SystemStatus")
                seen.append(json.loads(connection.getresponse().read()))
            finally:
                connection.close()
                self.stop()

        def ready() -> None:
            on_ready()
            threading.Thread(target=look).start()

        run(self, ready)

    monkeypatch.setattr(VenueServer, "run", short)
    return seen


def test_it_says_one_object_when_it_is_ready(
    cli: Callable[..., CliResult], stopped_when_ready: list[Any], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("seed: 9\nuntil: 1m\nfaults: {bad_nonce: 0.5}\n")
    payload = cli("venue", "serve", "--faults", plan, "--speed", "60", "--json").json()
    assert payload["url"] == f"http://127.0.0.1:{payload['port']}"
    assert payload["stream_url"] == f"ws://127.0.0.1:{payload['port']}/v2"
    assert (payload["seed"], payload["faults"], payload["speed"]) == (9, {"bad_nonce": 0.5}, 60.0)
    (source,) = payload["data"]
    assert (source["symbol"], source["is_synthetic"]) == ("BTC/USD", True)
    assert stopped_when_ready[0]["result"]["status"] == "online"


def test_it_says_it_in_words_too(
    cli: Callable[..., CliResult], stopped_when_ready: list[Any]
) -> None:
    result = cli("venue", "serve", "--faults", "duplicate:0.1,bad_nonce:0.5")
    assert result.exit_code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("REST:   http://127.0.0.1:")
    assert lines[2].startswith("BTC/USD: mock-btc-usd-42, seeded random walk")
    assert lines[3] == "faults: bad_nonce 0.5, duplicate 0.1"
    assert lines[4].endswith("1 x the wall's clock; Ctrl-C stops")
    assert len(stopped_when_ready) == 1


def test_it_goes_on_from_its_file_and_from_no_other_markets(
    cli: Callable[..., CliResult], stopped_when_ready: list[Any], tmp_path: Path
) -> None:
    file = tmp_path / "venue.json"
    assert cli("venue", "serve", "--state", file).exit_code == 0
    first = json.loads(file.read_text())
    again = cli("venue", "serve", "--state", file)
    assert again.exit_code == 0
    assert f"goes on from {file}" in again.err
    assert json.loads(file.read_text())["origin_ns"] == first["origin_ns"]
    other = cli("venue", "serve", "--state", file, "--seed", "1")
    assert other.exit_code == 2
    assert "expected" in other.err
    assert "mock-btc-usd-42" in other.err
    assert len(stopped_when_ready) == 2


def test_a_state_that_cannot_be_written_is_refused_before_serving(
    cli: Callable[..., CliResult], tmp_path: Path
) -> None:
    result = cli("venue", "serve", "--state", tmp_path / "missing" / "venue.json")
    assert result.exit_code == 2
    assert "missing/venue.json" in result.err
    assert not result.out


def test_a_fast_exchange_gives_signs_of_life_by_its_clock_and_by_the_walls(home: Path) -> None:
    """F09: a client takes a silent stream for dead by its own clock, whichever it lives by."""
    market = load_market(["mock"], (), home, seed=0)
    config = load_config(None, environment={}).config
    exchange = _new_exchange(market, config, {}, 0, speed=60.0)
    exchange.connect()
    exchange.take_messages()
    exchange.advance(3 * SECOND_NS - 1)
    assert exchange.take_messages() == []
    exchange.advance(3 * SECOND_NS)
    assert [text for _, text in exchange.take_messages()] == ['{"channel":"heartbeat"}']


@pytest.fixture
def process(home: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "athena", "--home", str(home), "venue", "serve", "--json"]
    options = ["--state", str(tmp_path / "venue.json")]
    started = subprocess.Popen(  # noqa: S603 - our own command
        command + options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield started
    started.kill()
    started.communicate()


@pytest.mark.service
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_it_and_its_state_is_saved(
    process: subprocess.Popen[str], tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    while lines[-1] != "}\n":
        lines.append(process.stdout.readline())
    assert json.loads("".join(lines))["faults"] == {}
    os.kill(process.pid, sent)
    assert process.wait(10) == code
    assert json.loads((tmp_path / "venue.json").read_text())["format"] == 1
