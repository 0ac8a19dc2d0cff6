"""`athena backtest`, `report`, `runs`, `why`: the JSON contract, the exit codes, what is named."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.market import store_dataset
from athena.research import read_run, read_trials
from tests.market_builder import HOUR_NS, START_NS, driftless_bars

if TYPE_CHECKING:
    from collections.abc import Callable

Cli = Any
KEYS = {
    "run_id", "digest", "bars", "orders", "fills", "final_equity", "total_return", "cagr",
    "volatility", "sharpe", "sortino", "max_drawdown", "calmar", "win_rate", "profit_factor",
    "turnover", "fees", "exposure", "baselines", "trials", "deflated_sharpe", "data",
    "provenance", "report", "bars_per_cpu_s", "wall_s",
}  # fmt: skip
N_BARS = 400


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write bars as a person would have them."""
    path = tmp_path / "TESTUSD_1h.csv"
    _write(path)
    return path


def _write(path: Path, change: Callable[[list[str]], object] = list) -> None:
    bars = driftless_bars(N_BARS, 5, interval_ns=HOUR_NS)
    rows = ["ts,open,high,low,close,volume"]
    for ts_ns, *prices, lots in zip(*(column.tolist() for column in bars.columns()), strict=True):
        rows.append(
            ",".join([str(ts_ns // 10**9), *(f"{p / 100:.2f}" for p in prices), str(lots)])
        )
    change(rows)
    path.write_text("\n".join(rows) + "\n", "utf-8")


@pytest.fixture
def stored(home: Path) -> None:
    """Store three data sets under the names of the sample."""
    from dataclasses import replace

    for seed, symbol in enumerate(("BTC/USD", "XRP/USD", "ETH/USD")):
        bars = driftless_bars(N_BARS, seed, symbol, HOUR_NS // 2)
        name = f"{symbol[:3].lower()}-usd-30m"
        provenance = replace(bars.provenance, name=name, is_synthetic=False)
        bars = replace(bars, provenance=provenance)
        store_dataset(bars, home, venue="", imported_at_ns=START_NS)


def contents(home: Path) -> dict[str, str]:
    """Digest every file of a home but the log and locks."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.suffix not in {".log", ".lock"}
    }


def run_on(cli: Cli, file: Path, *options: object) -> Any:
    return cli(
        "backtest", "--data", file, "--symbol", "TEST/USD", "--strategy", "sma_cross",
        "--param", "quantity=10", *options,
    )  # fmt: skip


# --- the contract ------------------------------------------------------------------------------


def test_the_json_has_every_key_and_money_as_text(cli: Cli, file: Path, home: Path) -> None:
    result = run_on(cli, file, "--risk", "open", "--json")
    assert result.exit_code == 0, result.err
    payload = result.json()
    assert set(payload) >= KEYS
    assert isinstance(payload["final_equity"], str)
    assert isinstance(payload["fees"], str)
    assert Decimal(payload["fees"]) > 0
    assert payload["data"] == [str(file)]
    assert payload["bars"] == N_BARS
    assert payload["fills"] > 10
    assert payload["trials"] == 1
    assert payload["provenance"][0]["sha256"]
    for baseline in payload["baselines"].values():
        assert isinstance(baseline["final_equity"], str)
        assert isinstance(baseline["fees"], str)
    assert "hold TEST" in payload["baselines"]
    assert (home / "runs" / payload["run_id"] / "report.html").is_file()
    assert payload["report"] == str(home / "runs" / payload["run_id"] / "report.html")


def test_the_exact_equity_is_the_one_of_the_fills(cli: Cli, file: Path, home: Path) -> None:
    """I2 as a user meets it: cash, fills and the last close give the figure that is printed."""
    payload = run_on(cli, file, "--risk", "open", "--json").json()
    record = read_run(home / "runs" / payload["run_id"])
    sign = {"buy": 1, "sell": -1}
    cash = record.cash - sum(
        (sign[fill.side] * fill.quantity * fill.price + fill.fee for fill in record.fills),
        Decimal(0),
    )
    held = sum((sign[fill.side] * fill.quantity for fill in record.fills), Decimal(0))
    last = Decimal(str(round(record.candles[0].close[-1], 2)))
    assert cash + held * last == Decimal(payload["final_equity"])
    assert sum((trade.gain for trade in record.trades), Decimal(0)) == (
        Decimal(payload["final_equity"]) - record.cash
    )
    assert sum((fill.fee for fill in record.fills), Decimal(0)) == Decimal(payload["fees"])
    assert len(record.fills) == payload["fills"]


def test_a_person_is_shown_a_table_a_sentence_and_the_page(cli: Cli, file: Path) -> None:
    result = run_on(cli, file)
    assert result.exit_code == 0
    for words in ("sma_cross", "sma_cross, risk open", "hold TEST", "report: ", "next:", "why"):
        assert words in result.out
    assert "The only trial on this data that the ledger knows" in result.out


@pytest.mark.usefixtures("stored")
def test_without_an_argument_the_portfolio_runs_on_the_sample(cli: Cli) -> None:
    result = cli("backtest", "--json")
    assert result.exit_code == 0, result.err
    payload = result.json()
    assert payload["data"] == ["btc-usd-30m", "xrp-usd-30m", "eth-usd-30m"]
    assert payload["fills"] >= 3
    assert {
        "rebalance, risk open", "hold BTC", "hold XRP", "hold ETH", "monthly equal weight"
    } <= set(payload["baselines"])  # fmt: skip


def test_without_the_sample_it_is_said_how_to_bring_it(cli: Cli) -> None:
    result = cli("backtest")
    assert result.exit_code == 3
    assert "athena data sample" in result.err


def test_the_same_run_twice_has_one_digest_and_is_one_trial(cli: Cli, file: Path) -> None:
    first, second = (run_on(cli, file, "--json").json() for _ in range(2))
    assert first["digest"] == second["digest"]
    assert first["run_id"] != second["run_id"]
    assert second["trials"] == 1
    third = run_on(cli, file, "--json", "--param", "fast=5").json()
    assert third["trials"] == 2


def test_the_three_kinds_and_both_names_of_the_engine_give_one_digest(
    cli: Cli, file: Path
) -> None:
    """TR-34 as a user meets it."""
    digests = {
        run_on(cli, file, "--json", "--engine", "python", "--kind", kind).json()["digest"]
        for kind in ("woken", "bar", "rule")
    }
    assert len(digests) == 1


def test_a_window_is_cut_by_the_open_of_the_bars(cli: Cli, file: Path) -> None:
    result = run_on(cli, file, "--json", "--from", "2020-01-02", "--to", "2020-01-03")
    assert result.json()["bars"] == 24


def test_own_limits_come_from_a_file(cli: Cli, file: Path, tmp_path: Path) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("risk:\n  order_notional_max: 2000\n")
    wide = run_on(cli, file, "--json")
    narrow = run_on(cli, file, "--json", "--risk", limits)
    assert narrow.exit_code == 0, narrow.err
    record = narrow.json()
    assert record["digest"] != wide.json()["digest"]


def test_a_limits_file_with_an_unknown_key_names_the_nearest(
    cli: Cli, file: Path, tmp_path: Path, home: Path
) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("risk:\n  order_notional_mx: 2000\n")
    before = contents(home)
    result = run_on(cli, file, "--risk", limits)
    assert result.exit_code == 2
    assert "order_notional_max" in result.err
    assert contents(home) == before


# --- looking back ------------------------------------------------------------------------------


def test_runs_are_listed_shown_and_reported_again(cli: Cli, file: Path, home: Path) -> None:
    assert cli("runs", "list", "--json").json() == {"runs": []}
    run_id = run_on(cli, file, "--json").json()["run_id"]
    (listed,) = cli("runs", "list", "--json").json()["runs"]
    assert listed["run_id"] == run_id
    assert listed["parameters"]["strategy"] == "sma_cross"
    shown = cli("runs", "show", run_id, "--json").json()
    assert {"run_id", "parameters", "final_equity", "sharpe", "digest"} <= set(shown)
    assert run_id in cli("runs", "list").out
    page = home / "runs" / run_id / "report.html"
    before = page.read_bytes()
    page.unlink()
    reported = cli("report", run_id, "--json").json()
    assert set(reported) == {"html", "png"}
    assert page.read_bytes() == before


def test_a_run_is_shown_with_the_money_that_it_came_to(cli: Cli, file: Path) -> None:
    """A sum that no float holds is the same in the run's own answer and in every later one."""
    run = run_on(cli, file, "--cash", "900000000.12345678", "--json").json()
    shown = cli("runs", "show", run["run_id"], "--json").json()
    assert shown["final_equity"] == run["final_equity"]
    assert shown["baselines"] == run["baselines"]
    held = Decimal(shown["baselines"]["hold TEST"]["final_equity"])
    assert held != Decimal(f"{float(held):.8f}")


def test_why_follows_every_intent_of_the_newest_run(cli: Cli, file: Path) -> None:
    orders = run_on(cli, file, "--json").json()
    result = cli("why", "TEST/USD", "--json")
    payload = result.json()
    assert set(payload) == {"refusals", "chain"}
    assert payload["refusals"] == orders["refusals"]
    approved = [item for item in payload["chain"] if item["risk"] == "approved"]
    assert approved
    assert set(approved[0]) >= {"time", "signal", "confidence", "risk", "size", "fill"}
    assert isinstance(approved[0]["size"], str)
    filled = [item for item in approved if item["state"] == "filled"]
    assert filled
    one = cli("why", "--at", filled[0]["time"], "--json").json()["chain"]
    assert [item["time"] for item in one] == [filled[0]["time"]]
    unknown = cli("why", "NONE/USD")
    assert unknown.exit_code == 2
    assert "TEST/USD, was 'NONE/USD'" in unknown.err
    assert "intents" in cli("why").out


def test_why_before_the_first_decision_has_nothing_to_tell(cli: Cli, file: Path) -> None:
    run_on(cli, file)
    assert cli("why", "--at", "2019-01-01", "--json").json() == {"refusals": {}, "chain": []}


@pytest.mark.parametrize("command", [("why", "--run"), ("report",), ("runs", "show")])
def test_an_unknown_run_is_missing(cli: Cli, command: tuple[str, ...]) -> None:
    result = cli(*command, "20200101-none")
    assert result.exit_code == 3
    assert "athena runs list" in result.err
    assert cli(*command, "../x").exit_code == 2


def test_why_without_a_run_says_how_to_get_one(cli: Cli) -> None:
    result = cli("why")
    assert result.exit_code == 3
    assert "athena backtest" in result.err


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"run_id": "z"}', "\udc80"])
def test_what_is_no_sound_run_does_not_hide_the_others(
    cli: Cli, file: Path, home: Path, content: str
) -> None:
    run_id = run_on(cli, file, "--json").json()["run_id"]
    runs = home / "runs"
    (runs / "zz-notes.txt").write_text("mine")
    (runs / "zz-empty").mkdir()
    (runs / "zz-damaged").mkdir()
    (runs / "zz-damaged" / "run.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    shown = cli("runs", "list")
    assert shown.exit_code == 0, shown.err
    assert run_id in shown.out
    assert "zz-damaged" in shown.out
    assert "zz-notes" not in shown.out
    assert "zz-empty" not in shown.out
    listed = cli("runs", "list", "--json").json()["runs"]
    assert [item["run_id"] for item in listed] == [run_id, "zz-damaged"]
    assert "run.json" in listed[1]["damage"]
    assert len(cli("why", "--json").json()["chain"]) > 0
    assert cli("runs", "show", "zz-damaged").exit_code == 2


@pytest.mark.parametrize("name", ["run.json", "series.npz", "fills.csv", "trades.csv"])
@pytest.mark.parametrize("damage", [b"", b"{", b"a,b\n1,2\n", None])
def test_a_damaged_file_of_a_run_is_named(
    cli: Cli, file: Path, home: Path, name: str, damage: bytes | None
) -> None:
    run_id = run_on(cli, file, "--json").json()["run_id"]
    path = home / "runs" / run_id / name
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    result = cli("report", run_id)
    assert result.exit_code in {2, 3}
    assert name in result.err or (name == "run.json" and damage is None)


def test_a_run_on_a_relative_path_replays_from_another_folder(
    cli: Cli, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    payload = run_on(cli, Path(file.name), "--json").json()
    assert payload["data"] == [file.name]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    replayed = cli("journal", "replay", payload["run_id"], "--json")
    assert replayed.exit_code == 0, replayed.err
    assert replayed.json()["digest"] == payload["digest"]


@pytest.mark.parametrize("command", ["verify", "replay"])
def test_another_run_s_journal_fails_and_both_are_named(
    cli: Cli, file: Path, home: Path, command: str
) -> None:
    """TR-06: a sound journal in the wrong folder is no journal of that run."""
    one, other = (run_on(cli, file, "--json", "--param", f"fast={n}").json() for n in (3, 5))
    folders = [home / "runs" / item["run_id"] / "journal" for item in (one, other)]
    assert cli("journal", command, one["run_id"]).exit_code == 0
    shutil.rmtree(folders[0])
    shutil.copytree(folders[1], folders[0])
    result = cli("journal", command, one["run_id"])
    assert result.exit_code == 1
    said = result.out + result.err
    assert one["digest"] in said
    assert other["digest"] in said
    assert cli("journal", command, other["run_id"]).exit_code == 0


# --- bad input ---------------------------------------------------------------------------------

BAD_OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "from after to": (("--from", "2020-01-03", "--to", "2020-01-02"), "--from"),
    "from is to": (("--from", "2020-01-03", "--to", "2020-01-03"), "--from"),
    "no bar in the time": (("--from", "2030-01-01"), "2020-01-01"),
    "no time": (("--from", "soon"), "soon"),
    "no cash": (("--cash", "0"), "cash"),
    "less than no cash": (("--cash", "-1"), "cash"),
    "cash that is none": (("--cash", "much"), "--cash"),
    "cash finer than it can be": (("--cash", "1.123456789"), "1.123456789"),
    "a negative fee": (("--fee-bps", "-1"), "fee"),
    "a fee that is none": (("--fee-bps", "x"), "fee"),
    "negative slippage": (("--slippage-bps", "-1"), "base_cost_bps"),
    "an unknown strategy": (("--strategy", "sma_cros"), "sma_cross"),
    "an unknown parameter": (("--param", "fats=3"), "fast"),
    "a parameter without a value": (("--param", "fast"), "fast"),
    "a parameter twice": (("--param", "fast=3", "--param", "fast=4"), "fast"),
    "a parameter of another type": (("--param", "fast=soon"), "soon"),
    "parameters that contradict": (("--param", "fast=30", "--param", "slow=10"), "slow=10"),
    "a quantity between lots": (("--param", "stop=1"), "stop"),
    "too many symbols": (("--symbol", "BTC/USD"), "--symbol"),
    "a limits file that is none": (("--risk", "none.yaml"), "none.yaml"),
    "a negative seed": (("--seed", "-1"), "seed"),
    "an unknown rule of filling": (("--limit-fill", "never"), "never"),
    "a class in no file": (("--strategy", "none.py:Mine"), "none.py"),
    "a class in no module": (("--strategy", "no_such_module:Mine"), "no_such_module"),
    "a kind that is not written": (("--strategy", "hold", "--kind", "rule"), "rule"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_a_bad_option_is_named_and_nothing_is_written(
    cli: Cli, file: Path, home: Path, case: str
) -> None:
    options, named = BAD_OPTIONS[case]
    before = contents(home)
    result = cli("backtest", "--data", file, "--symbol", "TEST/USD", *_default(options), *options)
    assert result.exit_code == 2, result.err
    assert named in result.err
    assert "Traceback" not in result.err
    assert contents(home) == before


def _default(options: tuple[str, ...]) -> tuple[str, ...]:
    return () if "--strategy" in options else ("--strategy", "sma_cross")


def _replaced(number: int, column: int, value: str) -> Callable[[list[str]], None]:
    def change(rows: list[str]) -> None:
        cells = rows[number].split(",")
        cells[column] = value
        rows[number] = ",".join(cells)

    return change


BAD_ROWS: dict[str, tuple[Callable[[list[str]], object], str]] = {
    "nothing": (lambda rows: rows.clear(), "TESTUSD_1h.csv"),
    "a header only": (lambda rows: rows.__delitem__(slice(1, None)), "TESTUSD_1h.csv"),
    "not a number": (_replaced(7, 4, "nan"), "row 8"),
    "no volume in the first row": (_replaced(1, 5, "nan"), "row 2, column volume, was 'nan'"),
    "no price in the first row": (_replaced(1, 4, "inf"), "row 2, column close, was 'inf'"),
    "text": (_replaced(7, 4, "much"), "row 8"),
    "negative": (_replaced(7, 3, "-5"), "row 8"),
    "zero": (_replaced(7, 1, "0"), "row 8"),
    "infinite": (_replaced(7, 2, "inf"), "row 8"),
    "unsorted": (lambda rows: rows.insert(9, rows.pop(3)), "row"),
    "twice": (lambda rows: rows.insert(9, rows[9]), "row"),
    "a cell too few": (lambda rows: rows.__setitem__(7, rows[7].rpartition(",")[0]), "row 8"),
    "off the tick": (_replaced(7, 4, "1000.001"), "row 8"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_named_and_nothing_is_written(
    cli: Cli, file: Path, home: Path, case: str
) -> None:
    change, named = BAD_ROWS[case]
    _write(file, change)
    before = contents(home)
    result = run_on(cli, file)
    assert result.exit_code == 2, result.err
    assert named in result.err
    assert file.name in result.err
    assert contents(home) == before


def test_what_is_no_file_of_bars_is_named(cli: Cli, file: Path, tmp_path: Path) -> None:
    parquet, latin = tmp_path / "cut.parquet", tmp_path / "latin.csv"
    parquet.write_bytes(b"PAR1" + b"\0" * 40)
    latin.write_bytes(
        "ts,open,high,low,close,volume,Bemerkung\n1,1,1,1,1,1,größer\n".encode("latin-1")
    )
    for path in (tmp_path, tmp_path / "none.csv", parquet, latin):
        result = run_on(cli, path)
        assert result.exit_code in {2, 3}, path
        assert path.name in result.err
    assert cli("backtest", "--data", file, "--strategy", "hold").exit_code == 0


def test_a_symbol_without_instrument_data_names_the_options(cli: Cli, file: Path) -> None:
    result = cli("backtest", "--data", file, "--symbol", "DOGE/USD", "--strategy", "hold")
    assert result.exit_code == 2
    assert "athena data import FILE --symbol DOGE/USD --interval 1h --tick" in result.err


def test_a_single_bar_is_refused_with_a_command_that_takes_its_interval(
    cli: Cli, file: Path
) -> None:
    _write(file, lambda rows: rows.__delitem__(slice(2, None)))
    result = run_on(cli, file)
    assert result.exit_code == 2
    assert "athena data import FILE --symbol BTC/USDT --interval 1h" in result.err


@pytest.mark.usefixtures("stored")
def test_another_symbol_than_the_data_set_s_is_refused(cli: Cli) -> None:
    result = cli("backtest", "--data", "btc-usd-30m", "--symbol", "ETH/USD", "--strategy", "hold")
    assert result.exit_code == 2
    assert "BTC/USD" in result.err


@pytest.mark.usefixtures("stored")
def test_two_intervals_in_one_run_are_refused(cli: Cli, file: Path) -> None:
    result = cli(
        "backtest", "--data", "btc-usd-30m", "--symbol", "BTC/USD", "--data", file,
        "--symbol", "TEST/USD",
    )  # fmt: skip
    assert result.exit_code == 2
    assert "30m" in result.err
    assert "1h" in result.err


@pytest.mark.usefixtures("stored")
def test_one_symbol_twice_is_refused(cli: Cli) -> None:
    result = cli("backtest", "--data", "btc-usd-30m", "--data", "btc-usd-30m")
    assert result.exit_code == 2
    assert "BTC/USD" in result.err


@pytest.mark.usefixtures("stored")
def test_weights_that_do_not_fit_the_symbols_are_a_wrong_input(cli: Cli, home: Path) -> None:
    before = contents(home)
    result = cli("backtest", "--param", "weights=0.5,0.5")
    assert result.exit_code == 2
    assert "3 weights" in result.err
    assert contents(home) == before


def test_a_home_that_cannot_be_written_is_named(cli: Cli, file: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, where the home should be")
    result = cli("--home", blocked, "backtest", "--data", file, "--strategy", "hold")
    assert result.exit_code == 2
    assert "blocked" in result.err


@pytest.mark.parametrize("n_writes", [0, 1, 2, 3, 5, 8])
def test_a_full_disk_leaves_nothing_half_written(
    cli: Cli, file: Path, home: Path, monkeypatch: pytest.MonkeyPatch, n_writes: int
) -> None:
    """F19: the disk is full from the n-th sync on."""
    assert run_on(cli, file).exit_code == 0
    before = contents(home)
    real, left = os.fsync, [n_writes]

    def fsync(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    result = run_on(cli, file, "--param", "fast=3")
    monkeypatch.undo()
    assert result.exit_code == 3, result.err
    assert "full" in result.err
    assert contents(home) == before
    assert len(read_trials(home).trials) == 1


def test_a_report_goes_into_another_folder_too(
    cli: Cli, file: Path, home: Path, tmp_path: Path
) -> None:
    payload = run_on(cli, file, "--json", "--report", tmp_path / "new" / "here").json()
    assert payload["report"] == str(tmp_path / "new" / "here" / "report.html")
    own = home / "runs" / payload["run_id"]
    for path in map(Path, (payload["report"], *payload["png"])):
        assert path.read_bytes() == (own / path.name).read_bytes()


def test_a_report_folder_that_cannot_be_written_is_named_before_the_run(
    cli: Cli, file: Path, home: Path
) -> None:
    before = contents(home)
    result = run_on(cli, file, "--report", file / "below")
    assert result.exit_code == 2
    assert file.name in result.err
    assert "--report" in result.err
    assert contents(home) == before


def test_a_report_that_fails_leaves_no_run_and_no_trial(
    cli: Cli, file: Path, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "here" / "report.html").mkdir(parents=True)
    result = run_on(cli, file, "--report", tmp_path / "here")
    assert result.exit_code == 2, result.err
    assert "report.html" in result.err
    assert not list((home / "runs").iterdir())
    assert read_trials(home).trials == ()


# --- a user's strategy -------------------------------------------------------------------------

MINE = """
from athena.domain import Side
from athena.trading import BarStrategy, Intent, Wake, WokenStrategy


class Mine(BarStrategy):
    def on_bar(self, view):
        if view.step == 3:
            return Intent(side=Side.BUY, lots=2)


class Woken(WokenStrategy):
    wake = Wake(every_ns=86_400_000_000_000)

    def on_wake(self, view):
        return [Intent(side=Side.BUY, lots=1)]


class Raising(BarStrategy):
    def on_bar(self, view):
        if view.step == 100:
            return view.no_such_name


class Odd(BarStrategy):
    def on_bar(self, view):
        return 5


class Half(BarStrategy):
    def on_bar(self, view):
        return Intent(side=Side.BUY, lots=0.5)


class Lazy(BarStrategy):
    def on_bar(self, view):
        def later():
            yield Intent(side=Side.BUY, lots=1)
            raise RuntimeError("late")

        return later()


class Talking(BarStrategy):
    def on_bar(self, view):
        if view.step == 3:
            print("I was here")


class Leaving(BarStrategy):
    def on_bar(self, view):
        if view.step == 50:
            raise SystemExit(0)


class LeavingEarly(BarStrategy):
    def signals(self, market):
        raise SystemExit(0)

    def on_bar(self, view):
        return None


class Strange(BaseException):
    pass  # no Exception: what catches those lets it through


class Escaping(BarStrategy):
    def on_bar(self, view):
        if view.step == 50:
            raise Strange("out of here")


class EscapingEarly(BarStrategy):
    def signals(self, market):
        raise GeneratorExit

    def on_bar(self, view):
        return None


class Unbuilt(BarStrategy):
    def __init__(self):
        raise Strange("not even built")

    def on_bar(self, view):
        return None


class Interrupted(BarStrategy):
    def on_bar(self, view):
        raise KeyboardInterrupt


class Terminated(BarStrategy):
    def on_bar(self, view):
        raise SystemExit(143)
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "my_file.py"
    path.write_text(MINE)
    return path


@pytest.mark.parametrize(("name", "n_fills"), [("Mine", 1), ("Woken", 16)])
def test_a_class_in_a_file_is_run(
    cli: Cli, file: Path, mine: Path, name: str, n_fills: int
) -> None:
    result = cli(
        "backtest", "--data", file, "--strategy", f"{mine}:{name}", "--risk", "open", "--json"
    )
    assert result.exit_code == 0, result.err
    assert result.json()["fills"] == n_fills


def test_a_name_that_is_no_strategy_lists_those_there_are(
    cli: Cli, file: Path, mine: Path
) -> None:
    result = cli("backtest", "--data", file, "--strategy", f"{mine}:Mone")
    assert result.exit_code == 2
    assert "Mine" in result.err


def test_a_file_that_does_not_parse_names_the_line(cli: Cli, file: Path, mine: Path) -> None:
    mine.write_text("x = 1\nclass:\n")
    result = cli("backtest", "--data", file, "--strategy", f"{mine}:Mine")
    assert result.exit_code == 2
    assert "line 2" in result.err


RAISE_AT_ONCE = {"Odd", "Half", "Lazy", "LeavingEarly", "EscapingEarly"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Raising", "no_such_name"),
        ("Odd", "int"),
        ("Half", "whole numbers"),
        ("Lazy", "late"),
        ("Leaving", "SystemExit: 0"),
        ("LeavingEarly", "SystemExit: 0"),
        ("Escaping", "Strange: out of here"),
        ("EscapingEarly", "GeneratorExit"),
    ],
)
def test_a_strategy_that_raises_fails_the_run_with_a_bundle_that_repeats_it(  # noqa: PLR0913, PLR0917 - fixtures
    cli: Cli, file: Path, home: Path, mine: Path, name: str, words: str
) -> None:
    """TR-03: exit 70, no run, the journal kept; the same command raises the same."""
    line = ("backtest", "--data", file, "--strategy", f"{mine}:{name}", "--risk", "open")
    first, second = cli(*line), cli(*line)
    for result in (first, second):
        assert result.exit_code == 70
        assert words in result.err
        assert name in result.err
    assert first.err.splitlines()[0] == second.err.splitlines()[0]
    assert "Traceback" not in first.err
    bundles = [path for path in (home / "crashes").iterdir() if path.is_dir()]
    assert len(bundles) == 2
    assert str(bundles[0]) in first.err + second.err
    assert not list((home / "runs").iterdir())
    # Beyond its first bar something of it was seen: that is a try, and its repetition is none.
    trials = read_trials(home).trials
    assert len(trials) == (0 if name in RAISE_AT_ONCE else 2)
    assert len({trial.identity for trial in trials}) <= 1
    assert all(math.isnan(trial.sharpe) for trial in trials)


def test_the_bundle_of_a_crash_names_the_bar_and_the_place(
    cli: Cli, file: Path, home: Path, mine: Path
) -> None:
    """TR-03."""
    from athena.research import FileStore
    from athena.trading import FrameKind, read_frames

    result = cli("backtest", "--data", file, "--strategy", f"{mine}:Raising", "--json")
    assert result.exit_code == 70
    error = json.loads(result.out)["error"]
    (bundle,) = (path for path in (home / "crashes").iterdir() if path.is_dir())
    frames = list(read_frames(FileStore(bundle)))
    manifest = frames[0].values()
    assert manifest["parameters"]["strategy"] == f"{mine}:Raising"
    assert manifest["seed"] == 42
    (crash,) = (frame.values() for frame in frames if frame.kind is FrameKind.CRASH)
    assert crash["error"] == error["message"]
    assert "on bar 100" in crash["error"]
    assert "my_file.py:22" in crash["error"]


def test_what_a_strategy_prints_is_talk(cli: Cli, file: Path, mine: Path) -> None:
    result = cli("backtest", "--data", file, "--strategy", f"{mine}:Talking", "--json")
    assert result.exit_code == 0
    assert result.json()["fills"] == 0
    assert "I was here" in result.err


@pytest.mark.parametrize("name", ["Escaping", "EscapingEarly", "Unbuilt"])
def test_whatever_a_strategy_raises_is_one_json_object(
    cli: Cli, file: Path, mine: Path, name: str
) -> None:
    """What is no Exception too, and where it is built: exit 70 and no raw traceback."""
    result = cli("backtest", "--data", file, "--strategy", f"{mine}:{name}", "--json")
    assert result.exit_code == 70
    error = result.json()["error"]
    assert error["exit_code"] == 70
    assert "crash bundle" in error["hint"]
    assert "Traceback" not in result.out + result.err


def test_ctrl_c_is_not_blamed_on_the_strategy(
    cli: Cli, file: Path, home: Path, mine: Path
) -> None:
    result = cli("backtest", "--data", file, "--strategy", f"{mine}:Interrupted")
    assert (result.exit_code, result.err) == (130, "interrupted\n")
    assert not list((home / "runs").iterdir())


def test_sigterm_is_not_blamed_on_the_strategy(
    cli: Cli, file: Path, home: Path, mine: Path
) -> None:
    with pytest.raises(SystemExit) as leaving:
        cli("backtest", "--data", file, "--strategy", f"{mine}:Terminated")
    assert leaving.value.code == 143
    assert not list((home / "runs").iterdir())
    assert not (home / "crashes").exists()


def test_a_strategy_file_that_ends_the_process_fails_the_run(
    cli: Cli, file: Path, mine: Path
) -> None:
    mine.write_text("import sys\nsys.exit(0)\n")
    result = cli("backtest", "--data", file, "--strategy", f"{mine}:Mine")
    assert result.exit_code == 70
    assert "SystemExit: 0, while it was loaded" in result.err


def test_halts_are_told_with_their_reasons(cli: Cli, tmp_path: Path) -> None:
    """The limits that halted a run, in its table, its record and its page."""
    path = tmp_path / "fall.csv"
    rows = ["ts,open,high,low,close,volume"]
    price = 1000.0
    for k in range(24 * 30):
        after = round(price * (0.985 if 200 < k < 320 and k % 6 == 0 else 1.0001), 2)
        high, low = max(price, after), min(price, after)
        cells = (START_NS // 10**9 + 3600 * k, price, high, low, after, 10**7)
        rows.append(",".join(str(cell) for cell in cells))
        price = after
    path.write_text("\n".join(rows) + "\n")
    line = ("backtest", "--data", path, "--symbol", "TEST/USD", "--strategy", "rebalance",
            "--param", "weights=0.9")  # fmt: skip
    payload = cli(*line, "--json").json()
    reasons = [item["reason"] for item in payload["halts"]]
    assert "drawdown stop" in reasons
    assert all(item["at"].startswith("2020-01-") for item in payload["halts"])
    shown = cli(*line).out
    assert "rebalance: " in shown
    assert "drawdown stop at 2020-01-" in shown
    assert "drawdown stop at 2020-01-" in Path(payload["report"]).read_text("utf-8")
    assert np.isfinite(payload["max_drawdown"])
