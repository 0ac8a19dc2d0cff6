"""What a running account leaves in the database, the same in SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from athena.app.live import (
    Answer,
    OrderRow,
    Recorder,
    RequestState,
    Verb,
    alert_row,
    answer,
    ask,
    choose_session,
    fills_of,
    find_break,
    find_request,
    find_snapshot,
    newest_alerts,
    newest_entries,
    newest_orders,
    offer_confirmation,
    open_sessions,
    pending,
    working_orders,
)
from athena.domain import MINUTE_NS, OrderState
from athena.errors import DatabaseConflict, DatabaseDown, InputError, MissingError, RefusedError
from athena.platform import SeededIds
from athena.platform.database import open_database
from athena.trading.live import Alert, Urgency
from tests.operator_cases import (
    NOW_NS,
    SYMBOLS,
    admin_of,
    fill_row,
    order_row,
    prepared,
    session_row,
    snapshot,
    wish,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from athena.platform.database import Database
    from tests.postgres_server import PostgresServer

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
TIMEOUT_S = 60


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return "sqlite:///test.db"
    address: str = request.getfixturevalue("postgres_url")
    return address


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Database]:
    opened = prepared(url, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def connect(url: str, tmp_path: Path, database: Database) -> Callable[[], Database]:
    assert database.where
    return lambda: open_database(url, tmp_path, environment={})


@pytest.fixture
def ids() -> SeededIds:
    return SeededIds(1)


# --- what the recorder writes -----------------------------------------------------------------


def test_five_thousand_closed_orders_are_all_in_storage(
    connect: Callable[[], Database], database: Database
) -> None:
    """C25; and C12: to the last digit."""
    rows = [order_row(number, OrderState.FILLED) for number in range(1, 5_001)]
    with Recorder(connect) as recorder:
        for row in rows:
            recorder.put(row)
        assert recorder.wait_until_written(TIMEOUT_S)
        assert recorder.state.n_lost == 0
    with database.read() as transaction:
        found = newest_orders(transaction, "s1", 10_000)
    assert found[::-1] == rows
    assert found[0].quantity == Decimal("123456789.12345678")


def test_a_row_that_comes_again_replaces_the_first(
    connect: Callable[[], Database], database: Database
) -> None:
    alert = alert_row("s1", Alert(Urgency.WARNING, "late", "the order is late", NOW_NS))
    with Recorder(connect) as recorder:
        for state in (OrderState.OPEN, OrderState.PARTIALLY_FILLED, OrderState.CANCELLED):
            recorder.put(order_row(1, state), fill_row("t1"), fill_row("t1"), alert, alert)
            assert recorder.wait_until_written(TIMEOUT_S)
    with database.read() as transaction:
        assert newest_orders(transaction, "s1", 9) == [order_row(1, OrderState.CANCELLED)]
        assert fills_of(transaction, "c1") == [fill_row("t1")]
        assert newest_alerts(transaction, "s1", 9) == [alert]
        assert working_orders(transaction, "s1") == []


def test_only_orders_that_are_not_final_are_working(
    connect: Callable[[], Database], database: Database
) -> None:
    final = {"denied", "filled", "cancelled", "expired", "rejected"}
    rows = [order_row(number, state) for number, state in enumerate(OrderState, start=1)]
    with Recorder(connect) as recorder:
        recorder.put(*rows)
    with database.read() as transaction:
        assert working_orders(transaction, "s1") == [row for row in rows if row.state not in final]


def test_sessions_and_their_status_come_back(
    connect: Callable[[], Database], database: Database
) -> None:
    with Recorder(connect) as recorder:
        recorder.put(session_row(), snapshot().row())
    with database.read() as transaction:
        assert choose_session(transaction, None, now_ns=NOW_NS) == session_row()
        assert find_snapshot(transaction, "s1") == snapshot()
        assert find_snapshot(transaction, "s2") is None


def test_a_session_that_ended_or_fell_silent_is_not_chosen_before_a_live_one(
    connect: Callable[[], Database], database: Database
) -> None:
    later = NOW_NS + MINUTE_NS
    ended = replace(session_row("ended", later), ended_ns=later, end_reason="SIGTERM")
    with Recorder(connect) as recorder:
        recorder.put(ended, session_row("silent", later), session_row("alive"))
        recorder.put(snapshot(NOW_NS, "silent").row(), snapshot(later, "alive").row())
    with database.read() as transaction:
        assert choose_session(transaction, None, now_ns=later).id == "alive"
        # When nobody wrote lately the newest may still come back.
        much_later = later + MINUTE_NS
        assert [item.id for item in open_sessions(transaction, now_ns=much_later)] == ["silent"]
        with pytest.raises(MissingError, match="'ended'"):
            choose_session(transaction, "ended", now_ns=later)
    with Recorder(connect) as recorder:
        recorder.put(snapshot(later, "silent").row())
    with database.read() as transaction, pytest.raises(InputError, match="one session, was 2"):
        choose_session(transaction, None, now_ns=later)


def test_a_database_that_comes_late_gets_every_row(
    connect: Callable[[], Database], database: Database
) -> None:
    """The core never waits: rows are taken while nothing answers, and written afterwards."""
    is_up, was_asked = threading.Event(), threading.Event()

    def connect_later() -> Database:
        was_asked.set()
        if not is_up.is_set():
            message = "expected an answer, was none"
            raise DatabaseDown(message)
        return connect()

    with Recorder(connect_later) as recorder:
        recorder.put(order_row(1))
        assert was_asked.wait(TIMEOUT_S)
        recorder.put(order_row(2), order_row(1, OrderState.FILLED))
        while not recorder.state.fault:
            assert recorder.state.n_waiting == 2
        assert recorder.state.fault == "expected an answer, was none"
        is_up.set()
        assert recorder.wait_until_written(TIMEOUT_S)
        assert recorder.state.fault == ""
    with database.read() as transaction:
        assert newest_orders(transaction, "s1", 9) == [
            order_row(2),
            order_row(1, OrderState.FILLED),
        ]


@pytest.mark.service
def test_a_server_that_crashes_and_comes_back_gets_every_row(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    database = prepared(postgres_url, tmp_path)
    rows = [order_row(number) for number in range(1, 1_501)]
    with Recorder(lambda: open_database(postgres_url, tmp_path, environment={})) as recorder:
        recorder.put(*rows[:500])
        assert recorder.wait_until_written(TIMEOUT_S)
        postgres.crash()
        try:
            recorder.put(*rows[500:])
            while not recorder.state.fault:
                assert recorder.state.n_waiting == 1_000
        finally:
            postgres.start()
        assert recorder.wait_until_written(TIMEOUT_S)
    with database.read() as transaction:
        assert newest_orders(transaction, "s1", 9_999)[::-1] == rows
    database.close()


# --- the inbox --------------------------------------------------------------------------------


def test_requests_are_read_in_the_order_they_came_and_answered_once(
    database: Database, tmp_path: Path, ids: SeededIds
) -> None:
    proof = admin_of(database, tmp_path)
    verbs = [Verb.PAUSE, Verb.HALT, Verb.RESUME, Verb.PAUSE]
    # All at one time: the order is that of arrival, not of the clock.
    asked = [ask(database, wish(verb), proof, ids=ids, now_ns=NOW_NS) for verb in verbs]
    assert pending(database, "another", now_ns=NOW_NS) == []
    assert pending(database, "s1", now_ns=NOW_NS) == asked
    said = Answer(
        is_executed=True,
        text="paused",
        state_before={"halts": []},
        state_after={"halts": ["paused"]},
    )
    assert answer(database, asked[0].id, said, now_ns=NOW_NS + 5)
    refused = Answer(is_executed=False, text="no")
    assert not answer(database, asked[0].id, refused, now_ns=NOW_NS + 6)
    assert pending(database, "s1", now_ns=NOW_NS) == asked[1:]
    with database.read() as transaction:
        found = find_request(transaction, asked[0].id)
    assert found == replace(
        asked[0],
        state=RequestState.EXECUTED,
        answer="paused",
        answered_ns=NOW_NS + 5,
        state_before={"halts": []},
        state_after={"halts": ["paused"]},
    )


def test_what_would_add_risk_is_void_after_a_minute_and_what_takes_it_away_stands(
    database: Database, tmp_path: Path, ids: SeededIds
) -> None:
    proof = admin_of(database, tmp_path)
    verbs = (Verb.RESUME, Verb.PAUSE, Verb.APPROVE, Verb.REJECT)
    asked = {
        verb: ask(database, wish(verb, decision="d1"), proof, ids=ids, now_ns=NOW_NS)
        for verb in verbs
    }
    in_time = pending(database, "s1", now_ns=NOW_NS + MINUTE_NS - 1)
    assert [item.wish.verb for item in in_time] == list(verbs)
    late = pending(database, "s1", now_ns=NOW_NS + MINUTE_NS)
    assert [item.wish.verb for item in late] == [Verb.PAUSE, Verb.REJECT]
    with database.read() as transaction:
        void = find_request(transaction, asked[Verb.RESUME].id)
    assert void.state is RequestState.REJECTED
    assert "did not read it in time" in void.answer


def test_a_confirmation_is_used_once_and_only_for_what_it_confirms(
    database: Database, tmp_path: Path, ids: SeededIds
) -> None:
    """C20: a single-use token, 60 s."""
    proof = admin_of(database, tmp_path)
    close = wish(Verb.CLOSE, symbol="BTC/USD")

    def confirmed(at_ns: int) -> str:
        return offer_confirmation(database, close, proof, ids=ids, now_ns=at_ns).token

    with pytest.raises(RefusedError, match="confirmation for close, was none"):
        ask(database, close, proof, ids=ids, now_ns=NOW_NS)
    other = wish(Verb.CLOSE, symbol="ETH/USD")
    token = confirmed(NOW_NS)
    with pytest.raises(RefusedError, match="another, an old or a used one"):
        ask(database, other, replace(proof, confirmation=token), ids=ids, now_ns=NOW_NS)
    with pytest.raises(RefusedError, match="another, an old or a used one"):
        ask(
            database,
            close,
            replace(proof, confirmation=confirmed(NOW_NS)),
            ids=ids,
            now_ns=NOW_NS + MINUTE_NS,
        )
    token = confirmed(NOW_NS)
    asked = ask(database, close, replace(proof, confirmation=token), ids=ids, now_ns=NOW_NS)
    assert asked.wish == close
    with pytest.raises(RefusedError, match="another, an old or a used one"):
        ask(database, close, replace(proof, confirmation=token), ids=ids, now_ns=NOW_NS)
    assert pending(database, "s1", now_ns=NOW_NS) == [asked]


def test_two_operators_at_once_leave_one_unbroken_record(
    connect: Callable[[], Database], database: Database, tmp_path: Path
) -> None:
    proof = admin_of(database, tmp_path)

    def operate(seed: int) -> None:
        own, ids = connect(), SeededIds(seed)
        for _ in range(20):
            ask(own, wish(Verb.PAUSE), proof, ids=ids, now_ns=NOW_NS + seed)
        own.close()

    threads = [threading.Thread(target=operate, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as transaction:
        assert find_break(transaction) is None
        assert len(newest_entries(transaction, 100)) == 41


@pytest.mark.parametrize(
    "statement",
    ["UPDATE app_audit SET reason = 'another'", "DELETE FROM app_audit WHERE position = 1"],
)
def test_the_database_refuses_to_change_the_record(
    database: Database, tmp_path: Path, ids: SeededIds, statement: str
) -> None:
    ask(database, wish(Verb.PAUSE), admin_of(database, tmp_path), ids=ids, now_ns=NOW_NS)
    with (
        pytest.raises(DatabaseConflict, match="only appended to"),
        database.write() as transaction,
    ):
        transaction.execute(statement)
    with database.read() as transaction:
        assert find_break(transaction) is None


def test_rows_are_read_as_what_was_written(
    connect: Callable[[], Database], database: Database
) -> None:
    """A venue's words, zero characters and half surrogates too, never keep a row out."""
    with Recorder(connect) as recorder:
        recorder.put(order_row(1, reason="a\0b \ud800 né"))
        assert recorder.wait_until_written(TIMEOUT_S)
    with database.read() as transaction:
        (found,) = working_orders(transaction, "s1")
    assert isinstance(found, OrderRow)
    assert found.reason == "a\N{REPLACEMENT CHARACTER}b ? né"
    assert session_row().symbols == SYMBOLS
