"""`athena paper --venue kraken`: the real adapter over real sockets, without faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athena.domain import SECOND_NS
from athena.venues.serving import ServedClock
from tests.paper_process import BUSY, write_strategy
from tests.venue_server import START_NS, host_of, market_of, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CliResult

pytest.importorskip("uvicorn")
pytest.importorskip("ccxt")
_SPEED = 60


@pytest.fixture(autouse=True)
def _busy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BUSY.items():
        monkeypatch.setenv(name, value)


def test_orders_fills_and_coins_that_were_there_before_are_in_the_books(
    cli: Callable[..., CliResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D05, D09: start-up conditions are met one by one, then a strategy trades at the venue."""
    strategy = write_strategy(tmp_path / "busy.py")
    prices = [str(50_000 + k % 7) for k in range(400)]
    trades = market_of(*prices, step_ns=5 * SECOND_NS)
    host = host_of(trades, clock=ServedClock.starting_at(START_NS, _SPEED))
    with serving(host) as server:
        monkeypatch.setenv("ATHENA_VENUES__KRAKEN__URL", server.rest_url)
        options = ("--venue", "kraken", "--speed", str(_SPEED), "--strategy", strategy)
        first = cli("paper", *options, "--duration", "5m", "--json")
        assert first.exit_code == 0, first.err
        payload = first.json()
        assert payload["violations"] == []
        assert payload["fills"] >= 1
        assert payload["steps"] >= 2
        # Two coins were there before; what the strategy bought or sold comes on top.
        assert float(payload["positions"]["BTC/USD"]) >= 2
        again = cli("paper", *options, "--duration", "1m", "--json")
        assert again.exit_code == 0, again.err
        assert again.json()["session"] == payload["session"]
        other = cli("paper", *options, "--param", "x=1", "--duration", "1m")
        assert other.exit_code == 2
        odd = cli("paper", *options[:-1], "hold", "--duration", "1m")
        assert odd.exit_code == 4
        assert "--new" in odd.err


def test_a_venue_that_is_not_there_is_named(
    cli: Callable[..., CliResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATHENA_VENUES__KRAKEN__URL", "http://127.0.0.1:9")
    result = cli("paper", "--venue", "kraken", "--speed", "100", "--duration", "1m")
    assert result.exit_code == 3
    assert "athena venue serve" in result.err
