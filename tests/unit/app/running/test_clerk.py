"""The clerk fetches what operators want without ever holding the loop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from athena.app.live import Answer, RequestState, Verb, ask, find_request
from athena.app.running._clerk import Clerk
from athena.errors import DatabaseDown
from athena.platform import SeededIds, SystemClock
from tests.operator_cases import SQLITE, begun, prepared, wish

if TYPE_CHECKING:
    from pathlib import Path

    from athena.app.live import Request
    from athena.platform.database import Database


def test_a_request_is_handed_over_once_and_its_answer_written(home: Path) -> None:
    proof = begun(home)
    database = prepared(SQLITE, home)
    now_ns = SystemClock().now_ns()
    asked = ask(database, wish(Verb.PAUSE), proof, ids=SeededIds(1), now_ns=now_ns)
    got: list[Request] = []
    has_come = threading.Event()

    def take(request: Request) -> None:
        got.append(request)
        has_come.set()

    clerk = Clerk(lambda: prepared(SQLITE, home), "s1", take)
    assert has_come.wait(10)
    clerk.answered(asked.id, Answer(is_executed=True, text="paused"))
    clerk.close()
    with database.read() as transaction:
        found = find_request(transaction, asked.id)
    assert (found.state, found.answer) == (RequestState.EXECUTED, "paused")
    assert [item.id for item in got] == [asked.id]
    database.close()


def test_a_database_that_is_away_is_asked_again(home: Path) -> None:
    """Bad input: a database that goes away holds nobody up."""
    proof = begun(home)
    database = prepared(SQLITE, home)
    ask(database, wish(Verb.HALT), proof, ids=SeededIds(1), now_ns=SystemClock().now_ns())
    n_tries = 0
    has_come = threading.Event()

    def connect() -> Database:
        nonlocal n_tries
        n_tries += 1
        if n_tries == 1:
            message = "expected a database, was none"
            raise DatabaseDown(message)
        return prepared(SQLITE, home)

    clerk = Clerk(connect, "s1", lambda _: has_come.set())
    assert has_come.wait(20)
    clerk.close()
    assert n_tries == 2
    database.close()


def test_a_database_that_is_deleted_under_the_clerk_is_noticed_and_opened_anew(
    home: Path,
) -> None:
    """Bad input: what operators want arrives in the file of that name, not in one without."""
    n_opened = 0
    got: list[str] = []
    has_come = threading.Event()

    def connect() -> Database:
        nonlocal n_opened
        n_opened += 1
        return prepared(SQLITE, home)

    def take(request: Request) -> None:
        got.append(request.id)
        has_come.set()

    def wanted(seed: int) -> str:
        proof = begun(home)
        database = prepared(SQLITE, home)
        now_ns = SystemClock().now_ns()
        asked = ask(database, wish(Verb.PAUSE), proof, ids=SeededIds(seed), now_ns=now_ns)
        database.close()
        return asked.id

    first = wanted(1)
    clerk = Clerk(connect, "s1", take)
    assert has_come.wait(10)
    has_come.clear()
    for file in home.glob("athena.db*"):
        file.unlink()
    second = wanted(2)
    assert has_come.wait(20)
    clerk.close()
    assert got == [first, second]
    assert n_opened == 2
