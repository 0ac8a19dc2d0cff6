"""Paper over sockets with faults is killed, goes on, and loses nothing (TR-31)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.venues.kraken import our_currency
from tests.conftest import IS_FULL
from tests.paper_process import (
    BUSY,
    Served,
    eventually_empty,
    let_trade,
    served,
    start_paper,
    write_market,
    write_strategy,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CliResult

pytest.importorskip("uvicorn")
pytest.importorskip("ccxt")
_SPEED = 60
_LIFE_S = 19.0 if IS_FULL else 9.0  # of the wall: 60 times as long for those who trade
_LAST = "20m" if IS_FULL else "10m"
_TOLERANCE = {"USD": Decimal("0.01")}
_CLOSED = {"filled", "cancelled", "expired"}


def _differences(venue: Served, orders: list[dict[str, Any]], books: dict[str, Any]) -> list[str]:
    """Compare what the venue shows with what the session recorded."""
    shown = {**venue.ask("OpenOrders")["open"], **venue.ask("ClosedOrders")["closed"]}
    ours = [item["cl_ord_id"] for item in shown.values() if item.get("cl_ord_id")]
    found = [f"order {name} is there twice" for name in set(ours) if ours.count(name) > 1]
    at_venue = {item["cl_ord_id"]: item for item in shown.values() if item.get("cl_ord_id")}
    recorded = {item["client_id"]: item for item in orders}
    found += [f"order {name} is not in the books" for name in at_venue if name not in recorded]
    for name, item in at_venue.items():
        booked = Decimal(recorded.get(name, {}).get("filled", "0"))
        if booked != Decimal(str(item["vol_exec"])):
            found.append(f"order {name}: booked {booked}, the venue {item['vol_exec']}")
    working = {item["cl_ord_id"] for item in venue.ask("OpenOrders")["open"].values()}
    live = {name for name, item in recorded.items() if item["state"] == "open"}
    found += [f"order {name} works on one side only" for name in working ^ live]
    balances = {our_currency(k): Decimal(str(v)) for k, v in venue.ask("Balance").items()}
    for currency, booked in books.items():
        difference = abs(balances.get(currency, Decimal(0)) - Decimal(booked))
        if difference > _TOLERANCE.get(currency, Decimal(0)):
            found.append(f"{currency}: booked {booked}, the venue {balances.get(currency)}")
    return found


@pytest.mark.slow
@pytest.mark.service
def test_paper_over_sockets_with_all_faults_is_killed_twice_and_goes_on(
    home: Path, tmp_path: Path, cli: Callable[..., CliResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """TR-31, I1, I2, I4, I7: no order lost or doubled, books equal the venue's."""
    data = write_market(tmp_path / "BTCUSD_1m.csv")
    strategy = write_strategy(tmp_path / "busy.py")
    faults = ("--faults", "all", "--speed", str(_SPEED), "--seed", "3")
    with served(home, data, *faults) as venue:
        monkeypatch.setenv("ATHENA_VENUES__KRAKEN__URL", venue.url)
        options = ("--venue", "kraken", "--speed", str(_SPEED), "--strategy", strategy)
        for _ in range(2):
            process = start_paper(home, *options)
            let_trade(process, home, _LIFE_S)
            process.kill()
            process.communicate()
        process = start_paper(home, *options, "--duration", _LAST)
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, out + err
        result = json.loads(out)
        assert result["resumed"] is True
        assert result["violations"] == []
        assert result["orders"] > 5
        assert result["fills"] > 3

        monkeypatch.delenv("ATHENA_VENUES__KRAKEN__URL")
        orders = cli("orders", "--all", "--limit", "1000", "--json").json()["orders"]
        books = {"USD": result["cash"], "BTC": result["positions"].get("BTC/USD", "0")}
        assert eventually_empty(lambda: _differences(venue, orders, books)) == []
    verified = cli("journal", "verify", result["session"])
    assert verified.exit_code == 0, verified.err


@pytest.mark.slow
@pytest.mark.service
def test_a_venue_in_the_process_survives_a_kill_together_with_the_session(
    home: Path, tmp_path: Path
) -> None:
    """A05 of the simulated venue: its state is there again, and the books agree with it."""
    data = write_market(tmp_path / "BTCUSD_1m.csv")
    strategy = write_strategy(tmp_path / "busy.py")
    options = ("--data", str(data), "--symbol", "BTC/USD", "--strategy", strategy, "--speed", "60")
    for _ in range(2):
        process = start_paper(home, *options, "--faults", "all")
        let_trade(process, home, 5)
        process.kill()
        process.communicate()
    process = start_paper(home, *options, "--duration", "5m")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    result = json.loads(out)
    assert result["resumed"] is True
    assert result["violations"] == []
    assert result["orders"] > 0


@pytest.mark.slow
@pytest.mark.service
def test_sigterm_ends_a_session_in_order_and_it_goes_on(home: Path, tmp_path: Path) -> None:
    """Section 11: no new risk, journal whole, exit 143, stops stay; the next start goes on."""
    data = write_market(tmp_path / "BTCUSD_1m.csv")
    options = (
        "--data",
        str(data),
        "--symbol",
        "BTC/USD",
        "--strategy",
        "random",
        "--speed",
        "120",
    )
    process = start_paper(home, *options)
    let_trade(process, home, 5)
    process.terminate()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 143, out + err
    first = json.loads(out)
    assert first["end_reason"] == "SIGTERM"
    assert first["violations"] == []
    process = start_paper(home, *options, "--duration", "1m")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    second = json.loads(out)
    assert (second["session"], second["resumed"]) == (first["session"], True)
    assert second["orders"] >= first["orders"]


def test_the_limits_of_the_tests_are_known_to_the_configuration() -> None:
    """A name that nobody reads would leave a limit as it is."""
    from athena.platform.config import load_config

    config = load_config(None, environment=BUSY).config
    assert config.risk.orders_burst == 100
    assert config.risk.cooldowns.after_trade_minutes == 0
