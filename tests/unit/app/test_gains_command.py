"""`athena gains`: exit codes, JSON, CSV, and which journal it reads."""

from __future__ import annotations

import csv
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.app.commands.gains import _GAIN_COLUMNS
from athena.research import JOURNAL_FOLDER, FileStore
from athena.trading import layout as at
from tests.live_journal import LiveJournal

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
E8 = 10**8
HOUR_NS = 3_600 * 10**9


def session(home: Path, name: str = "a-session", place: str = "live") -> LiveJournal:
    return LiveJournal(FileStore(home / place / name / JOURNAL_FOLDER))


def over_new_year(home: Path) -> None:
    """Gain 1,000 in 2026 and 500 in 2027."""
    journal = session(home)
    journal.fill(0, 2 * E8)
    journal.price(0, 4_100_000)
    journal.fill(0, -E8)
    journal.now_ns += 365 * 24 * HOUR_NS
    journal.price(0, 4_050_000)
    journal.fill(0, -E8 // 2)
    journal.end()


def test_the_report_has_rows_lots_and_totals(cli: Cli, home: Path) -> None:
    over_new_year(home)
    result = cli("gains", "--json")
    assert result.exit_code == 0, result.err
    payload = result.json()
    assert (payload["run"], payload["place"], payload["currency"]) == ("a-session", "live", "USDT")
    assert [row["gain"] for row in payload["gains"]] == ["1000", "250"]
    assert payload["gains"][1]["holding_days"] == 365
    assert [row["disposed_by"] for row in payload["gains"]] == ["2", "3"]
    (lot,) = payload["lots"]
    assert (lot["asset"], lot["quantity"], lot["cost"]) == ("BTC", "0.5", "20000")
    assert payload["totals"] == {"proceeds": "61250", "cost": "60000", "gain": "1250"}
    account = payload["account"]
    assert (account["realised"], account["unrealised"]) == ("1250", "250")
    assert Decimal(account["value"]) - Decimal(account["net_deposits"]) == 1_500
    assert payload["reconciled"] is True
    shown = cli("gains").out
    assert "reconciled with the fills to the last unit" in shown
    assert "realised 1250 + funding 0 + unrealised 250" in shown


@pytest.mark.parametrize(("year", "gains"), [(2026, ["1000"]), (2027, ["250"]), (2025, [])])
def test_a_year_keeps_what_was_realised_in_it(
    cli: Cli, home: Path, year: int, gains: list[str]
) -> None:
    over_new_year(home)
    payload = cli("gains", "--year", year, "--json").json()
    assert [row["gain"] for row in payload["gains"]] == gains
    assert payload["totals"]["gain"] == (gains or ["0"])[0]
    assert payload["account"]["realised"] == "1250"


@pytest.mark.parametrize(
    ("method", "gain"), [("fifo", "9000"), ("lifo", "4000"), ("hifo", "4000"), ("average", "6500")]
)
def test_the_method_says_which_lot_goes(cli: Cli, home: Path, method: str, gain: str) -> None:
    journal = session(home)
    for ticks in (4_000_000, 4_500_000):
        journal.price(0, ticks)
        journal.fill(0, E8)
    journal.price(0, 4_900_000)
    journal.fill(0, -E8)
    journal.writer.abandon()
    payload = cli("gains", "--method", method, "--json").json()
    assert [row["gain"] for row in payload["gains"]] == [gain]


def test_the_csv_has_one_row_a_disposal(cli: Cli, home: Path, tmp_path: Path) -> None:
    over_new_year(home)
    file = tmp_path / "gains.csv"
    result = cli("gains", "--csv", file)
    assert result.exit_code == 0, result.err
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == _GAIN_COLUMNS
    shown = cli("gains", "--json").json()["gains"]
    assert rows == [{key: str(value) for key, value in row.items()} for row in shown]


def test_books_that_differ_exit_1_and_write_no_csv(cli: Cli, home: Path, tmp_path: Path) -> None:
    journal = session(home)
    journal.fill(0, E8)
    journal.tables.arrays.account[at.CASH] += 1
    journal.end()
    file = tmp_path / "gains.csv"
    result = cli("gains", "--csv", file, "--json")
    assert result.exit_code == 1
    payload = result.json()
    assert payload["reconciled"] is False
    assert payload["differences"] == [
        "cash of fills and core: 960000 and 960000.00000001, -0.00000001 apart"
    ]
    assert not file.exists()
    shown = cli("gains", "--csv", file)
    assert "differs: cash of fills and core" in shown.out
    assert "was not written" in shown.err


def test_without_a_name_the_journal_written_to_last_is_read(cli: Cli, home: Path) -> None:
    for seconds, (name, place) in enumerate((("b", "live"), ("c", "runs"), ("a", "live"))):
        session(home, name, place).end()
        segment = home / place / name / JOURNAL_FOLDER / "00000001.seg"
        os.utime(segment, ns=(0, (100 + seconds) * 10**9))
    assert cli("gains", "--json").json()["run"] == "a"
    payload = cli("gains", "--run", "c", "--json").json()
    assert (payload["run"], payload["place"]) == ("c", "runs")


def test_a_long_list_is_cut_for_the_eye_only(cli: Cli, home: Path) -> None:
    journal = session(home)
    for _ in range(35):
        journal.fill(0, E8)
        journal.fill(0, -E8)
    journal.writer.abandon()
    assert "and 5 before them: --csv FILE or --json has all" in cli("gains").out
    assert len(cli("gains", "--json").json()["gains"]) == 35


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        ((), 3, "expected a journal in"),
        (("--run", "none"), 3, "expected the journal of 'none'"),
        (("--run", "../runs"), 2, "expected the id of a run or session"),
        (("--method", "best"), 2, "best"),
        (("--year", "12"), 2, "1970"),
    ],
)
def test_what_cannot_be_answered_is_said(
    cli: Cli, arguments: tuple[str, ...], exit_code: int, words: str
) -> None:
    result = cli("gains", *arguments)
    assert result.exit_code == exit_code
    assert words in result.err


def test_a_flipped_byte_exits_1_with_its_place(cli: Cli, home: Path) -> None:
    """TR-06."""
    over_new_year(home)
    segment = home / "live" / "a-session" / JOURNAL_FOLDER / "00000001.seg"
    data = bytearray(segment.read_bytes())
    data[60] ^= 1
    segment.write_bytes(bytes(data))
    result = cli("gains")
    assert result.exit_code == 1
    assert "journal segment 1, offset 52" in result.err


def test_a_journal_that_was_set_aside_is_named_and_not_missing(cli: Cli, home: Path) -> None:
    """Exit 1: it is there, and nothing of it is believed."""
    over_new_year(home)
    store = FileStore(home / "live" / "a-session" / JOURNAL_FOLDER)
    for number in store.segments():
        store.quarantine(number)
    result = cli("gains")
    assert result.exit_code == 1
    assert "set aside as damaged" in result.err
    assert "athena journal verify a-session" in result.err
