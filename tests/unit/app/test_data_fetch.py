"""`athena data fetch`: the contract, the provenance, going on, and nothing stored on a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.app._fetch import limits_file
from athena.market import list_datasets, open_dataset
from athena.platform import SystemClock, file_lock
from athena.venues.limits import Counter, LimitState, write_state
from tests.kraken_messages import body
from tests.kraken_server import FIRST, HOUR, Fault, KrakenServer, kraken_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Cli = Any


@pytest.fixture
def server() -> Iterator[KrakenServer]:
    with kraken_server() as served:
        yield served


@pytest.fixture
def cli(cli: Cli, home: Path) -> Cli:  # it stands before the one of all tests
    """Run a command as on a machine that has asked nothing for a minute, so that none waits."""

    def call(*words: object) -> Any:
        counter = Counter(0, SystemClock().now_ns())
        write_state(limits_file(home), LimitState({"calls": counter}))
        return cli(*words)

    return call


def arguments(server: KrakenServer, *more: str) -> list[str]:
    since = ("--interval", "1h", "--since", "2023-11-14T22:00:00Z")
    return [
        "data", "fetch", "--venue", "kraken", "--symbol", "BTC/USD", *since,
        "--url", server.url, *more,
    ]  # fmt: skip


def part_files(home: Path) -> list[Path]:
    return sorted((home / "cache").glob("kraken-btc-usd-1h-*.csv"))


def test_fetched_bars_become_a_data_set_with_provenance(
    cli: Cli, server: KrakenServer, home: Path
) -> None:
    payload = cli(*arguments(server, "--json")).json()
    assert {"name", "rows", "first", "last", "sha256", "defects"} <= set(payload)
    assert (payload["name"], payload["rows"], payload["venue"]) == ("btc-usd-1h", 49, "kraken")
    assert payload["first"] == "2023-11-14T22:00:00Z"
    assert payload["origin"].startswith(f"kraken, public bars of {server.url}, fetched 20")
    assert "Kraken's" in payload["licence_note"]
    assert (payload["tick"], payload["lot"]) == ("0.1", "0.00000001")
    bars = open_dataset(home, "btc-usd-1h")
    assert bars.open_ticks[1] == 300_100
    assert bars.volume_lots[1] == 100_000_001
    assert np.diff(bars.ts_ns).tolist() == [HOUR * 10**9] * 48


def test_a_gap_is_told_and_not_filled(cli: Cli, server: KrakenServer) -> None:
    server.missing = {5, 6}
    payload = cli(*arguments(server, "--json")).json()
    assert payload["rows"] == 47
    assert [defect["kind"] for defect in payload["defects"]] == ["gaps"]


def test_the_same_request_goes_on_where_it_was_broken_off(
    cli: Cli, server: KrakenServer, home: Path
) -> None:
    """The first page is kept when the second fails, and not asked again."""
    server.page = 20
    page = body(server.answer("OHLC", {"since": str(FIRST - 1)}))
    server.faults["OHLC"] = [Fault(body=page), Fault(body=b"<html>")]
    result = cli(*arguments(server))
    assert (result.exit_code, list_datasets(home)) == (3, [])
    assert "as JSON" in result.err
    (part,) = part_files(home)
    assert len(part.read_text().splitlines()) == 2 + 20
    server.asked.clear()
    assert cli(*arguments(server, "--json")).json()["rows"] == 49
    asked = [query["since"] for endpoint, query in server.asked if endpoint == "OHLC"]
    assert int(asked[0]) == FIRST + 19 * HOUR
    again = cli(*arguments(server, "--json")).json()
    assert again["rows"] == 49


def test_later_bars_need_a_name_of_their_own(cli: Cli, server: KrakenServer, home: Path) -> None:
    cli(*arguments(server))
    server.n_bars = 60
    refused = cli(*arguments(server))
    assert (refused.exit_code, "--name" in refused.err) == (2, True)
    assert cli(*arguments(server, "--name", "longer", "--json")).json()["rows"] == 59
    assert [info.rows for info in list_datasets(home)] == [49, 59]


def test_bars_copied_over_an_outage_are_refused(
    cli: Cli, server: KrakenServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gap filled silently by the venue: the bars of hours 30 to 35 are those of 10 to 15."""
    true_row = server.row
    copies = {hour: hour - 20 for hour in range(30, 36)}

    def row(hour: int) -> list[Any]:
        return [FIRST + hour * HOUR, *true_row(copies.get(hour, hour))[1:]]

    monkeypatch.setattr(server, "row", row)
    result = cli(*arguments(server))
    assert (result.exit_code, list_datasets(home)) == (2, [])
    assert "repeated_blocks" in result.err


def test_prices_finer_than_the_pairs_step_are_refused(
    cli: Cli, server: KrakenServer, home: Path
) -> None:
    """TR-01: no silent rounding."""
    server.pair["tick_size"] = "1"
    result = cli(*arguments(server))
    assert (result.exit_code, list_datasets(home)) == (2, [])
    assert "a multiple of the tick 1" in result.err


def test_two_fetches_of_the_same_bars_do_not_meet(
    cli: Cli, server: KrakenServer, home: Path
) -> None:
    cli(*arguments(server))
    (part,) = part_files(home)
    with file_lock(part.with_name(f"{part.name}.lock")):
        result = cli(*arguments(server))
    assert result.exit_code == 4
    assert "held by another process" in result.err


def test_a_part_file_with_half_a_row_is_refused(
    cli: Cli, server: KrakenServer, home: Path
) -> None:
    cli(*arguments(server))
    (part,) = part_files(home)
    part.write_text(part.read_text()[:-5])
    result = cli(*arguments(server, "--name", "other"))
    assert (result.exit_code, str(part) in result.err) == (2, True)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--venue", "binance", "expected --venue kraken"),
        ("--interval", "2h", "one of Kraken's intervals"),
        ("--since", "yesterday", "ISO-8601"),
        ("--since", "2030-01-01", "a finished bar"),
        ("--url", "ftp://127.0.0.1", "venues.kraken.url"),
        ("--name", "No Name", "data-set name"),
        ("--symbol", "BTC", "BASE/QUOTE"),
    ],
)
def test_a_wrong_option_is_named_and_nothing_is_stored(  # noqa: PLR0913, PLR0917  # three fixtures, three cases
    cli: Cli, server: KrakenServer, home: Path, option: str, value: str, says: str
) -> None:
    result = cli(*arguments(server, option, value))
    assert result.exit_code == 2, result.err
    assert says in result.err
    assert list_datasets(home) == []


def test_a_pair_that_kraken_lacks_is_named_and_exit_2(cli: Cli, server: KrakenServer) -> None:
    server.faults["AssetPairs"] = [Fault(body=body(None, "EQuery:Unknown asset pair"))]
    result = cli(*arguments(server))
    assert result.exit_code == 2
    assert "trades, was BTC/USD" in result.err
    assert "Unknown asset pair" in result.err
    assert "check the symbol" in result.err


def test_the_address_may_stand_in_the_configuration(
    cli: Cli, server: KrakenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATHENA_VENUES__KRAKEN__URL", server.url)
    given = arguments(server, "--json")
    at = given.index("--url")
    result = cli(*given[:at], *given[at + 2 :])
    assert result.json()["rows"] == 49
