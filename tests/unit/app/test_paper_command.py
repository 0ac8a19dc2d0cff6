"""`athena paper` as a person uses it, on an exchange in the same process."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.app.live import HALT_NAME, Answer, RequestState, Role, Verb, Wish
from athena.app.live import Request as Asked
from athena.app.running._engine import Engine
from athena.app.running._folders import account_locked, read_session
from athena.domain import SECOND_NS
from athena.errors import MissingError
from athena.research import FileStore
from athena.research.hosting import StrategyHost
from tests.paper_process import BUSY, write_market, write_strategy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CliResult

    Cli = Callable[..., CliResult]

FAST = ("--speed", "100000", "--duration")


@pytest.fixture(autouse=True)
def _busy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BUSY.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def options(tmp_path: Path) -> tuple[str, ...]:
    data = write_market(tmp_path / "BTCUSD_1m.csv", 1_600)
    strategy = write_strategy(tmp_path / "busy.py")
    return ("--data", str(data), "--symbol", "BTC/USD", "--strategy", strategy)


def test_a_session_trades_and_its_books_agree_with_the_venue(
    cli: Cli, home: Path, options: tuple[str, ...]
) -> None:
    """D09, TR-21: the live loop end to end; what it did can be looked at afterwards."""
    result = cli("paper", *options, *FAST, "8m", "--json")
    assert result.exit_code == 0, result.err
    payload = result.json()
    assert payload["violations"] == []
    assert payload["end_reason"] == "the duration is over"
    assert payload["resumed"] is False
    assert payload["steps"] >= 7  # the first close may come before the account was read
    assert payload["orders"] >= 6
    assert payload["fills"] >= 4
    assert Decimal(payload["equity"]) != 10_000

    assert cli("journal", "verify", payload["session"]).exit_code == 0
    orders = cli("orders", "--all", "--json").json()["orders"]
    assert len(orders) == payload["orders"] + payload["denied"]
    assert {item["state"] for item in orders} <= {"filled", "cancelled", "open"}
    entry = next(item for item in orders if item["purpose"] == "entry")
    stop = next(item for item in orders if item["purpose"] == "protect")
    assert len(entry["correlation_id"]) == 32
    assert stop["correlation_id"] in {item["correlation_id"] for item in orders} - {""}
    status = cli("status", "--json").json()
    assert status["session"] == payload["session"]
    assert status["end_reason"] == "the duration is over"
    gains = cli("gains", "--json")
    assert gains.exit_code == 0, gains.err
    assert (home / "live" / payload["session"] / "health.jsonl").is_file()


@pytest.mark.slow
def test_the_same_command_goes_on_with_its_session(cli: Cli, options: tuple[str, ...]) -> None:
    first = cli("paper", *options, *FAST, "3m", "--json").json()
    again = cli("paper", *options, "--speed", "50000", "--duration", "3m")
    assert "begun with --speed 100000 and goes on with 50000" in again.err
    assert "3 m" not in again.err
    second = cli("paper", *options, *FAST, "3m", "--json").json()
    assert (second["session"], second["resumed"]) == (first["session"], True)
    assert second["orders"] > first["orders"]
    assert second["violations"] == []
    other = cli("paper", *options, *FAST, "1m", "--cash", "20000", "--json").json()
    assert other["session"] != first["session"]
    assert Decimal(other["equity"]) > 15_000
    new = cli("paper", *options, *FAST, "1m", "--new", "--json").json()
    assert (new["session"] != first["session"], new["resumed"]) == (True, False)


@pytest.mark.slow
def test_orders_keep_their_reasons_after_a_restart(
    cli: Cli, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C25: the database is told again what the journal says."""
    monkeypatch.setenv("ATHENA_RISK__ENTRY_SLIPPAGE_MAX_FRAC", "0.000001")
    for _ in range(2):
        result = cli("paper", *options, *FAST, "3m", "--json").json()
    orders = cli("orders", "--all", "--json").json()["orders"]
    assert result["denied"] == len(orders) > 0
    assert {(item["state"], item["reason"]) for item in orders} == {("denied", "slippage")}


@pytest.mark.parametrize(
    ("interval", "duration", "reason"), [("1h", "2h", ""), ("1m", "60m", "cooldown")]
)
def test_the_first_entry_on_made_up_prices_meets_the_limits_as_they_come(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, interval: str, duration: str, reason: str
) -> None:
    """What the README shows fills; a walk of minutes moves too fast to be entered, and says so.

    In neither does the volume of a day have to be waited for: it is known from before.
    """
    for name in BUSY:
        monkeypatch.delenv(name)
    options = ("--data", "mock", "--interval", interval, "--strategy", "sma_cross")
    payload = cli("paper", *options, *FAST, duration, "--json").json()
    assert (payload["fills"] > 0) is (not reason), payload
    assert payload["findings"] == []
    orders = cli("orders", "--all", "--json").json()["orders"]
    assert [item["reason"] for item in orders if item["purpose"] == "entry"] == [reason]


def test_a_machine_that_is_too_slow_says_how_fast_it_is(
    cli: Cli, options: tuple[str, ...]
) -> None:
    """Late, never wrong: 27 hours of the session a second are more than any machine does."""
    payload = cli("paper", *options, *FAST, "3m", "--json").json()
    assert payload["speed"] == 100_000
    assert 0 < payload["speed_reached"] < 90_000
    result = cli("paper", *options, *FAST, "3m")
    assert "this machine reaches --speed" in result.out
    assert "not 100000" in result.out


def test_a_strategy_that_raises_is_stopped_and_the_session_goes_on(
    cli: Cli, home: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Section 2: no new risk of it, protections stay, a bundle is written, exit 70."""
    file = tmp_path / "busy.py"
    text = file.read_text()
    broken = text.replace(
        "Intent(side=Side.SELL, lots=view.position, purpose=Purpose.EXIT)", "1 / 0"
    )
    file.write_text(broken)
    result = cli("paper", *options, *FAST, "6m", "--json")
    assert result.exit_code == 70, result.err
    payload = result.json()
    assert payload["stopped_strategies"] == ["Busy"]
    assert payload["end_reason"] == "the duration is over"
    assert payload["alerts"]["urgent"] == 1
    assert list(payload["positions"]) == ["BTC/USD"]
    working = cli("orders", "--json").json()["orders"]
    assert [(item["type"], item["purpose"]) for item in working] == [("stop", "protect")]
    (bundle,) = (home / "crashes").iterdir()
    assert "ZeroDivisionError" in bundle.read_text()


def test_a_halt_file_closes_everything_and_stays(
    cli: Cli, home: Path, options: tuple[str, ...]
) -> None:
    """I10: the kill switch needs no database; nothing risky is sent after it."""
    (home / HALT_NAME).write_text("the test says so")
    payload = cli("paper", *options, *FAST, "6m", "--json").json()
    assert payload["fills"] == 0
    assert any("kill switch" in text for text in payload["halts"])
    alerts = cli("status", "--json").json()["alerts"]
    assert "halt" in {item["code"] for item in alerts}


def test_a_damaged_journal_is_refused_and_says_what_to_do(
    cli: Cli, home: Path, options: tuple[str, ...]
) -> None:
    """TR-06: exit 4, and another session may begin beside it."""
    payload = cli("paper", *options, *FAST, "3m", "--json").json()
    (segment,) = (home / "live" / payload["session"] / "journal").glob("*.seg")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0x40
    segment.write_bytes(data)
    result = cli("paper", *options, *FAST, "1m")
    assert result.exit_code == 4
    assert "journal" in result.err
    assert "--new" in result.err
    again = cli("paper", *options, *FAST, "1m", "--new", "--json")
    assert again.exit_code == 0, again.err


def test_a_second_process_on_the_account_is_refused(
    cli: Cli, home: Path, options: tuple[str, ...]
) -> None:
    payload = cli("paper", *options, *FAST, "1m", "--json").json()
    session = read_session(home / "live" / payload["session"])
    assert session is not None
    with account_locked(home, session.place):
        result = cli("paper", *options, *FAST, "1m")
    assert result.exit_code == 4
    assert "another process" in result.err


def test_a_full_disk_stops_at_once_and_the_next_start_goes_on(
    cli: Cli, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F19: exit 3; what the journal does not hold never left, so nothing is lost."""
    append, n_left = FileStore.append, [60]

    def full(self: FileStore, data: bytes | memoryview) -> None:
        n_left[0] -= 1
        if n_left[0] < 0:
            message = "expected room to write the journal, was a full disk"
            raise MissingError(message, hint="free some space")
        append(self, data)

    monkeypatch.setattr(FileStore, "append", full)
    result = cli("paper", *options, *FAST, "60m")
    assert result.exit_code == 3
    assert "full disk" in result.err
    monkeypatch.setattr(FileStore, "append", append)
    payload = cli("paper", *options, *FAST, "3m", "--json").json()
    assert payload["resumed"] is True
    assert payload["violations"] == []


@pytest.mark.slow
def test_a_database_that_cannot_be_used_does_not_stop_trading(
    cli: Cli, home: Path, options: tuple[str, ...]
) -> None:
    """Bad input: a database that goes away; the journal has it all."""
    (home / "athena.db").mkdir()
    result = cli("paper", *options, *FAST, "6m", "--json")
    assert result.exit_code == 0, result.err
    assert result.json()["orders"] > 0


def _request(verb: Verb, **arguments: str) -> Asked:
    wish = Wish("s", verb, "because", arguments)
    return Asked("r", wish, "op", Role.ADMIN, 0, None, RequestState.PENDING, "", None, {}, {})


def test_what_operators_want_is_done_and_said(
    cli: Cli, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C20: before and after stand in the answer; what cannot be is rejected in words."""
    said: dict[str, Answer] = {}
    asked = [
        _request(Verb.PAUSE),
        _request(Verb.LIMIT, name="risk.positions_max", value="3"),
        _request(Verb.LIMIT, name="risk.nonsense", value="3"),
        _request(Verb.CLOSE, symbol="DOGE/USD"),
        _request(Verb.APPROVE, decision="d"),
        _request(Verb.FLATTEN),
        _request(Verb.HALT),
        _request(Verb.RESUME),
    ]
    tick = Engine.tick

    def ticked(self: Engine, now_ns: int) -> None:
        tick(self, now_ns)
        if self.session is not None and self.n_steps == 3 and asked:
            request = asked.pop(0)
            name = request.wish.arguments.get("name", "")
            said[f"{request.wish.verb} {name}".strip()] = self.requested(request, now_ns)

    monkeypatch.setattr(Engine, "tick", ticked)
    payload = cli("paper", *options, *FAST, "6m", "--json").json()
    assert said["pause"].is_executed
    assert said["pause"].state_before["halts"] == []
    assert said["limit risk.positions_max"].is_executed
    assert said["limit risk.positions_max"].text == "risk.positions_max is 3 from now on"
    assert not said["limit risk.nonsense"].is_executed
    assert "nonsense" in said["limit risk.nonsense"].text
    assert "BTC/USD" in said["close"].text
    assert not said["approve"].is_executed
    assert said["flatten"].is_executed
    assert re.search(
        r"order \d+ sells 0\.04\d* BTC at market|nothing is held", said["flatten"].text
    )
    assert "paused" in said["pause"].text
    assert not said["resume"].is_executed, "a halt is not ended by this"
    assert "--admin" in said["resume"].text
    assert payload["positions"] == {}
    assert any("halted" in text for text in payload["halts"])


@pytest.mark.slow
def test_a_crash_between_a_decision_and_its_memory_orders_nothing_twice(
    cli: Cli, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """I4: the step is asked about again, and the core knows the key of the wish."""
    save = StrategyHost.save
    n_left = [2]

    def dying(self: StrategyHost) -> Any:
        n_left[0] -= 1
        if n_left[0] < 0:
            message = "expected to go on, was killed"
            raise MissingError(message)
        return save(self)

    monkeypatch.setattr(StrategyHost, "save", dying)
    assert cli("paper", *options, *FAST, "6m").exit_code == 3
    monkeypatch.setattr(StrategyHost, "save", save)
    payload = cli("paper", *options, *FAST, "1m", "--json").json()
    orders = cli("orders", "--all", "--json").json()["orders"]
    assert payload["resumed"] is True
    assert payload["violations"] == []
    # The last step was asked about twice; each minute has one entry at most.
    entries = [item for item in orders if item["purpose"] == "entry" and item["state"] != "denied"]
    minutes = [item["created_at"][:16] for item in entries]
    assert len(entries) >= 2
    assert sorted(set(minutes)) == sorted(minutes)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("--venue", "kraken"), 4, "use --venue sim, or athena live"),
        (("--strategy", "nonsense", "--data", "mock"), 2, "nonsense"),
        (("--data", "mock", "--interval", "1 hour"), 2, "interval"),
        (("--data", "mock", "--param", "x"), 2, "name=value"),
        (("--data", "mock", "--faults", "meteor"), 2, "meteor"),
        (("--data", "mock", "--cash", "0"), 2, "paper_cash"),
        (("--data", "mock", "--symbol", "BTC/USD", "--symbol", "ETH/USD"), 2, "--symbol"),
        (("--speed", "60"), 2, "--speed 1 with live prices"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_begun(
    cli: Cli, home: Path, arguments: tuple[str, ...], exit_code: int, words: str
) -> None:
    result = cli("paper", *arguments, "--duration", "1m")
    assert result.exit_code == exit_code
    assert words in result.err
    assert not (home / "live").exists()


def test_a_local_exchange_takes_neither_data_nor_faults_of_ours(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATHENA_VENUES__KRAKEN__URL", "http://127.0.0.1:9")
    result = cli("paper", "--venue", "kraken", "--data", "mock")
    assert result.exit_code == 2
    assert "athena venue serve --data" in result.err
    result = cli("paper", "--venue", "kraken", "--speed", "101")
    assert result.exit_code == 2
    assert "--speed up to 100" in result.err


@pytest.mark.slow
def test_health_is_written_by_the_minute(cli: Cli, home: Path, options: tuple[str, ...]) -> None:
    """The live gate reads it: how often it was up, and how long orders took."""
    payload = cli("paper", *options, *FAST, "6m", "--json").json()
    lines = (home / "live" / payload["session"] / "health.jsonl").read_text().splitlines()
    minutes = [json.loads(line) for line in lines]
    assert len(minutes) in {5, 6}
    assert all(item["is_up"] for item in minutes[1:])
    paths_ms = [value for item in minutes for value in item["order_path_ms"]]
    assert paths_ms
    assert all(0 < value < SECOND_NS / 10**6 for value in paths_ms)
    assert sum(item["n_asked"] for item in minutes) >= 4
