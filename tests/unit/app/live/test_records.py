"""Rows, the snapshot, the recorder without a database, the HALT file."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from athena.app.live import (
    HALT_NAME,
    HaltFile,
    LimitUse,
    Recorder,
    alert_row,
    clear_halt,
    newest_orders,
    read_halt,
    write_halt,
)
from athena.app.live._snapshot import read_snapshot
from athena.domain import OrderState
from athena.errors import CoreError, DatabaseDown, InputError
from athena.platform.database import open_database
from athena.trading.live import Alert, Urgency
from tests.operator_cases import NOW_NS, SQLITE, order_row, prepared, record, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from athena.platform.database import Database

CANARY = "canary-7f3a9c-of-a-secret"
ALERT = Alert(Urgency.URGENT, "overfill", "more was filled than asked", NOW_NS)


class Away:
    """A database that never answers, and says when it was asked."""

    def __init__(self) -> None:
        self.was_asked = threading.Event()

    def __call__(self) -> Database:
        self.was_asked.set()
        message = "expected an answer, was none"
        raise DatabaseDown(message)


def test_a_snapshot_comes_back_with_every_digit_and_nothing_unknown_becomes_zero() -> None:
    """C12, C16."""
    found = read_snapshot(snapshot().row())
    assert found == snapshot()
    assert str(found.equity) == "10012.33000001"
    assert found.cash is None
    tiny = replace(snapshot(), equity=Decimal("1E-18"), cash=Decimal("99999999999999999999.99"))
    assert read_snapshot(tiny.row()) == tiny


@pytest.mark.parametrize("text", ["", "{}", '{"session": 1}', "[1"])
def test_a_status_of_another_kind_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="a status of session s1"):
        read_snapshot(replace(snapshot().row(), snapshot=text))


def test_what_is_left_of_a_limit_may_be_negative_or_unknown() -> None:
    assert LimitUse("a", Decimal(5), Decimal(7)).head_room == -2
    assert LimitUse("a", Decimal(5), None).head_room is None


def test_the_same_alert_has_the_same_id_and_another_has_another() -> None:
    others = [
        replace(ALERT, ts_ns=NOW_NS + 1),
        replace(ALERT, code="other"),
        replace(ALERT, text="other"),
        replace(ALERT, urgency=Urgency.NOTICE),
    ]
    ids = [alert_row("s1", alert).id for alert in (ALERT, ALERT, *others)]
    assert len(set(ids)) == 5
    assert alert_row("s2", ALERT).id not in ids


def test_rows_are_taken_at_once_while_no_database_answers_and_counted_when_there_is_no_room() -> (
    None
):
    """C25: the core never waits; what found no room is said."""
    away = Away()
    recorder = Recorder(away, capacity=3)
    assert away.was_asked.is_set() is False
    recorder.put(*(order_row(number) for number in range(1, 6)))
    assert away.was_asked.wait(60)
    recorder.put(order_row(2, OrderState.FILLED))
    assert not recorder.wait_until_written(0)
    assert (recorder.state.n_waiting, recorder.state.n_lost) == (3, 2)
    assert recorder.close() == 3
    assert recorder.close() == 3
    assert recorder.state.fault == "expected an answer, was none"


def test_what_waits_when_the_recorder_is_closed_is_written_first(home: Path) -> None:
    rows = [order_row(number) for number in range(1, 1_202)]
    record(home, *rows)
    database = prepared(SQLITE, home)
    with database.read() as transaction:
        assert newest_orders(transaction, "s1", 2_000)[::-1] == rows
    database.close()


def test_a_decimal_that_is_no_number_is_refused_before_any_row_is_taken(home: Path) -> None:
    prepared(SQLITE, home).close()
    with Recorder(lambda: open_database(SQLITE, home, environment={})) as recorder:
        with pytest.raises(CoreError, match="a finite filled, was NaN"):
            recorder.put(order_row(1), replace(order_row(2), filled=Decimal("NaN")))
        assert recorder.state.n_waiting == 0


def test_a_secret_in_a_reason_or_an_alert_never_reaches_the_database(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C23."""
    monkeypatch.setenv("KRAKEN_API_SECRET", CANARY)
    alert = alert_row("s1", replace(ALERT, text=f"refused: {CANARY}"))
    record(home, order_row(1, reason=f"key {CANARY}"), alert)
    files = [path for path in home.iterdir() if path.name.startswith("athena.db")]
    assert files
    assert not any(CANARY.encode() in path.read_bytes() for path in files)


def test_a_database_that_is_deleted_under_the_recorder_is_opened_anew_and_said(
    home: Path,
) -> None:
    """What was written before is gone with it: whoever records has to tell everything again."""
    prepared(SQLITE, home).close()
    with Recorder(lambda: prepared(SQLITE, home)) as recorder:
        recorder.put(order_row(1))
        assert recorder.wait_until_written(60)
        assert recorder.state.n_anew == 0
        for file in home.glob("athena.db*"):
            file.unlink()
        recorder.put(order_row(2))
        assert recorder.wait_until_written(60)
        assert (recorder.state.n_anew, recorder.state.fault) == (1, "")
    database = prepared(SQLITE, home)
    with database.read() as transaction:
        assert [item.number for item in newest_orders(transaction, "s1", 9)] == [2]
    database.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_recorder_whose_thread_died_says_so() -> None:
    """A bug is loud: it is no fault of the database that may pass."""

    def broken() -> Database:
        raise ZeroDivisionError

    recorder = Recorder(broken)
    recorder.put(order_row(1))
    recorder._thread.join(60)
    assert recorder.state.fault == "the recorder's thread has ended"
    assert recorder.close() == 1


# --- the HALT file ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", HaltFile(keeps_positions=False, reason="")),
        ("the venue lies\n", HaltFile(keeps_positions=False, reason="the venue lies")),
        ("keep positions\nwhy\nwho\n", HaltFile(keeps_positions=True, reason="why\nwho")),
        ("keep positions", HaltFile(keeps_positions=True, reason="")),
        ("do not keep positions", HaltFile(False, "do not keep positions")),
        ("\xff\xfe", HaltFile(keeps_positions=False, reason="\xff\xfe")),
    ],
)
def test_any_file_halts_and_only_the_agreed_words_keep_positions(
    home: Path, text: str, expected: HaltFile
) -> None:
    (home / HALT_NAME).write_text(text, "utf-8")
    assert read_halt(home) == expected


def test_a_halt_file_that_cannot_be_read_halts_all_the_same(home: Path) -> None:
    assert read_halt(home) is None
    (home / HALT_NAME).mkdir()
    found = read_halt(home)
    assert found is not None
    assert not found.keeps_positions
    assert "cannot be read" in found.reason


def test_the_kill_switch_is_never_weakened_and_can_be_strengthened(home: Path) -> None:
    write_halt(home, "first", keeps_positions=True)
    assert read_halt(home) == HaltFile(keeps_positions=True, reason="first")
    write_halt(home, "second", keeps_positions=False)
    write_halt(home, "third", keeps_positions=True)
    assert read_halt(home) == HaltFile(keeps_positions=False, reason="second")
    assert clear_halt(home)
    assert not clear_halt(home)
    assert read_halt(home) is None
