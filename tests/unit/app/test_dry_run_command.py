"""`athena dry-run` (A21, B03) and `athena advise`: all is built and judged, nothing sent."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.app._fetch import limits_file
from athena.domain import content_sha256
from athena.market import store_dataset
from athena.platform import SystemClock
from athena.venues.limits import Counter, LimitState, write_state
from tests.kraken_server import KrakenServer, kraken_server
from tests.market_builder import HOUR_NS, START_NS, driftless_bars

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Cli = Any
N_BARS = 400
LAST_CLOSE = "2020-01-17T16:00:00Z"


def keep(home: Path, symbol: str, name: str, n_bars: int = N_BARS) -> None:
    """Store the first bars of a walk as a data set."""
    bars = driftless_bars(N_BARS, 1, symbol, HOUR_NS).rows(0, n_bars)
    sha256 = content_sha256(bars.columns())
    provenance = replace(bars.provenance, name=name, sha256=sha256, is_synthetic=False)
    store_dataset(replace(bars, provenance=provenance), home, venue="", imported_at_ns=START_NS)


@pytest.fixture
def bitcoin(home: Path) -> Path:
    keep(home, "BTC/USD", "btc-usd-1h")
    return home


# --- dry-run ----------------------------------------------------------------------------------


def test_a_fresh_install_needs_neither_network_nor_data_nor_key(cli: Cli, home: Path) -> None:
    """A21: it is the documented way in."""
    result = cli("dry-run")
    assert result.exit_code == 0, result.err
    assert "nothing to decide on: athena data sample" in result.out
    assert "nothing was sent" in result.out
    for part in ("configuration", "risk limits", "instruments", "strategy", "account",
                 "database", "journal", "venue", "keys"):  # fmt: skip
        assert part in result.out
    assert list(home.iterdir()) == []


def test_without_data_the_json_holds_no_decision(cli: Cli) -> None:
    """B03: none fetched, none made up."""
    payload = cli("dry-run", "--json").json()
    assert payload["data"] == payload["decisions"] == payload["would_send"] == []
    assert payload["bar_closed"] is None
    assert payload["sent"] == 0


def test_it_decides_on_the_newest_bar_and_shows_what_would_be_sent(
    cli: Cli, bitcoin: Path
) -> None:
    keep(bitcoin, "ETH/USD", "eth-usd-1h", n_bars=100)
    payload = cli("dry-run", "--strategy", "hold", "--risk", "open", "--json").json()
    assert payload["data"] == ["btc-usd-1h"]
    assert payload["bar_closed"] == LAST_CLOSE
    (decision,) = payload["decisions"]
    (order,) = payload["would_send"]
    assert decision["action"] == order["side"] == "buy"
    assert Decimal(order["quantity"]) == Decimal(decision["quantity"]) > 0
    assert "assumed: 10000 USD" in payload["parts"]["account"]
    assert payload["sent"] == 0


def test_a_refusal_is_shown_with_its_code_and_its_meaning(cli: Cli, bitcoin: Path) -> None:
    """Three bars know no volatility, so no stop can be derived."""
    keep(bitcoin, "ETH/USD", "short", n_bars=3)
    arguments = ("--strategy", "hold", "--data", "short")
    (decision,) = cli("dry-run", *arguments, "--json").json()["decisions"]
    assert decision["code"] == "stop_missing"
    assert decision["meaning"].startswith("No stop was given")
    assert decision["quantity"] == "0"
    assert "0 of 1 would be sent" in cli("dry-run", *arguments).out


def test_nothing_is_written_into_the_home(cli: Cli, bitcoin: Path) -> None:
    before = sorted(path for path in bitcoin.rglob("*") if path.is_file())
    assert cli("dry-run", "--strategy", "sma_cross").exit_code == 0
    assert sorted(path for path in bitcoin.rglob("*") if path.is_file()) == before


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["--strategy", "sma_corss"], 2, "sma_cross"),
        (["--param", "fast=x", "--strategy", "sma_cross"], 2, "fast"),
        (["--cash", "0"], 2, "0"),
        (["--data", "nosuch"], 3, "nosuch"),
        (["--risk", "nosuch.yaml"], 2, "nosuch.yaml"),
    ],
)
def test_what_cannot_be_built_is_named(
    cli: Cli, arguments: list[str], exit_code: int, words: str
) -> None:
    result = cli("dry-run", *arguments)
    assert result.exit_code == exit_code, result.err
    assert words in result.err


def test_a_database_that_is_down_is_no_dry_run(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATHENA_DATABASE__URL", "postgresql://nobody@127.0.0.1:9/none")
    result = cli("dry-run")
    assert result.exit_code in {2, 3}
    assert "127.0.0.1:9/none to answer" in result.err


# --- advise -----------------------------------------------------------------------------------


def test_advice_names_symbol_action_quantity_reason_evidence_and_trace(
    cli: Cli, bitcoin: Path
) -> None:
    assert bitcoin
    arguments = ("advise", "--strategy", "hold", "--data", "btc-usd-1h", "--json")
    payload = cli(*arguments).json()
    (item,) = payload["suggestions"]
    assert set(item) >= {"symbol", "action", "quantity", "rationale", "evidence", "trace_id"}
    assert (item["symbol"], item["action"], item["time"]) == ("BTC/USD", "buy", LAST_CLOSE)
    assert isinstance(item["quantity"], str)
    assert isinstance(item["evidence"]["price"], str)
    assert payload["account"]["is_assumed"] is True
    assert payload["data"][0]["sha256"]
    again = cli(*arguments).json()["suggestions"][0]["trace_id"]
    assert again == item["trace_id"]


def test_each_bar_of_a_time_is_advised_on_by_itself(cli: Cli, bitcoin: Path) -> None:
    assert bitcoin
    arguments = ("--strategy", "sma_cross", "--data", "btc-usd-1h", "--risk", "open")
    payload = cli("advise", *arguments, "--from", "2020-01-05", "--json").json()
    assert payload["bars"] == N_BARS - 4 * 24
    times = [item["time"] for item in payload["suggestions"]]
    assert len(times) > 2
    assert times == sorted(times)
    until = cli(
        "advise", *arguments, "--from", "2020-01-05", "--to", "2020-01-10", "--json"
    ).json()
    assert until["bars"] == 5 * 24
    n = len(until["suggestions"])
    assert until["suggestions"] == payload["suggestions"][:n]


def test_a_time_without_bars_is_named(cli: Cli, bitcoin: Path) -> None:
    assert bitcoin
    result = cli("advise", "--data", "btc-usd-1h", "--from", "2030-01-01")
    assert result.exit_code == 2
    assert "2020-01-17T15:00:00Z" in result.err


def test_a_suggestion_depends_on_no_later_bar(cli: Cli, home: Path) -> None:
    """D02: what is advised at a bar is the same when more bars are known."""
    keep(home, "BTC/USD", "long", n_bars=300)
    keep(home, "BTC/USD", "short", n_bars=250)
    last = cli("advise", "--strategy", "sma_cross", "--data", "short", "--from", "2020-01-08",
               "--risk", "open", "--json").json()["suggestions"]  # fmt: skip
    more = cli("advise", "--strategy", "sma_cross", "--data", "long", "--from", "2020-01-08",
               "--risk", "open", "--json").json()["suggestions"]  # fmt: skip
    assert last
    assert more[: len(last)] == last


def test_advice_writes_nothing_and_makes_no_order(cli: Cli, bitcoin: Path) -> None:
    before = {path: path.read_bytes() for path in bitcoin.rglob("*") if path.is_file()}
    result = cli("advise", "--strategy", "hold", "--data", "btc-usd-1h")
    assert result.exit_code == 0
    assert "nothing was sent" in result.out
    assert {path: path.read_bytes() for path in bitcoin.rglob("*") if path.is_file()} == before


def test_without_the_sample_it_says_what_brings_it(cli: Cli) -> None:
    result = cli("advise", "--json")
    assert result.exit_code == 3
    assert "athena data sample" in json.loads(result.out)["error"]["hint"]


def test_what_a_strategy_prints_is_talk(cli: Cli, bitcoin: Path, tmp_path: Path) -> None:
    assert bitcoin
    file = tmp_path / "loud.py"
    file.write_text(
        "from athena.trading import BarStrategy\n"
        "class Loud(BarStrategy):\n"
        "    def on_bar(self, view):\n"
        "        print('hello')\n"
        "        return ()\n"
    )
    result = cli("advise", "--strategy", f"{file}:Loud", "--data", "btc-usd-1h", "--json")
    assert result.json()["suggestions"] == []
    assert "hello" in result.err


# --- bars of a venue --------------------------------------------------------------------------


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KrakenServer]:
    with kraken_server() as served:
        monkeypatch.setenv("ATHENA_VENUES__KRAKEN__URL", served.url)
        counter = Counter(0, SystemClock().now_ns())
        write_state(limits_file(home), LimitState({"calls": counter}))
        yield served


def test_the_newest_bar_of_a_venue_is_advised_on(cli: Cli, server: KrakenServer) -> None:
    payload = cli("advise", "--strategy", "hold", "--venue", "kraken", "--symbol", "BTC/USD",
                  "--risk", "open", "--json").json()  # fmt: skip
    assert payload["data"][0]["origin"].startswith(f"kraken, public bars of {server.url}")
    assert payload["bars"] == 1
    (item,) = payload["suggestions"]
    assert item["time"] == payload["data"][0]["last_closed"]


def test_bars_that_ended_long_ago_are_no_market(cli: Cli, server: KrakenServer) -> None:
    """D03: the market is down; nothing is decided on what is left of it."""
    server.missing = set(range(server.n_bars - 10, server.n_bars))
    result = cli("advise", "--strategy", "hold", "--venue", "kraken", "--symbol", "BTC/USD")
    assert result.exit_code == 3, result.out
    assert "expected a bar of BTC/USD closed by" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--venue", "binance", "--symbol", "BTC/USD"],
        ["--venue", "kraken"],
        ["--venue", "kraken", "--symbol", "BTC/USD", "--data", "x"],
        ["--venue", "kraken", "--symbol", "BTC/USD", "--from", "2020-01-01"],
    ],
)
def test_options_that_do_not_go_together_are_refused(cli: Cli, arguments: list[str]) -> None:
    assert cli("advise", *arguments).exit_code == 2
