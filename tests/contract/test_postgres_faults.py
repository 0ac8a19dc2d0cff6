"""PostgreSQL: a server that restarts, goes away or shuts the door."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from athena.errors import AthenaError, CommitUnknown, DatabaseDown, MissingError
from athena.platform.database import open_database
from tests.database_cases import prepared
from tests.postgres_server import GUARDED_PASSWORD, GUARDED_USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athena.platform.database import Database
    from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.service

CANARY = "canary-7f3a9c"


@pytest.fixture
def database(postgres_url: str, tmp_path: Path) -> Iterator[Database]:
    opened = prepared(postgres_url, tmp_path)
    yield opened
    opened.close()


def names(database: Database) -> list[object]:
    with database.read() as view:
        return [name for (name,) in view.query("SELECT id FROM books ORDER BY id")]


def add(database: Database, name: str) -> None:
    with database.write() as transaction:
        transaction.execute("INSERT INTO books (id) VALUES (:id)", {"id": name})


def test_a_restarted_server_is_reconnected_to_without_a_word(
    database: Database, postgres: PostgresServer
) -> None:
    add(database, "before")
    postgres.crash()
    postgres.start()
    add(database, "after")
    assert names(database) == ["after", "before"]


def test_a_server_that_goes_away_gives_a_typed_error_and_works_again_later(
    database: Database, postgres: PostgresServer
) -> None:
    add(database, "before")
    postgres.crash()
    try:
        for _ in range(2):
            with pytest.raises(DatabaseDown, match="to answer") as caught:
                add(database, "lost")
            assert caught.value.retryable
        assert "to answer" in database.check()
    finally:
        postgres.start()
    assert names(database) == ["before"]
    assert database.check() == ""


def test_a_server_lost_in_the_middle_undoes_the_transaction(
    database: Database, postgres: PostgresServer
) -> None:
    def lose() -> None:
        with database.write() as transaction:
            transaction.execute("INSERT INTO books (id) VALUES ('half')")
            postgres.crash()
            transaction.execute("INSERT INTO books (id) VALUES ('other')")

    try:
        with pytest.raises(DatabaseDown):
            lose()
    finally:
        postgres.start()
    assert names(database) == []


def test_a_server_lost_at_the_commit_says_that_the_outcome_is_not_known(
    database: Database, postgres: PostgresServer
) -> None:
    def lose() -> None:
        with database.write() as transaction:
            transaction.execute("INSERT INTO books (id) VALUES ('a')")
            postgres.crash()

    try:
        with pytest.raises(CommitUnknown) as caught:
            lose()
        assert not caught.value.retryable
        assert "read what the database holds" in caught.value.hint
    finally:
        postgres.start()
    assert names(database) == []


def test_a_connection_that_the_server_ends_undoes_the_transaction(
    database: Database, postgres: PostgresServer
) -> None:
    """As it ends one that holds the writers' lock and says nothing."""

    def stand_still() -> None:
        with database.write() as transaction:
            transaction.execute("INSERT INTO books (id) VALUES ('half')")
            ((pid,),) = transaction.query("SELECT pg_backend_pid()")
            postgres.administer(f"SELECT pg_terminate_backend({pid}, 10000)")
            transaction.execute("INSERT INTO books (id) VALUES ('other')")

    with pytest.raises(DatabaseDown):
        stand_still()
    assert names(database) == []


def test_an_answer_that_was_not_read_is_never_taken_for_the_next_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal in the middle of a question: the connection is given up, not read on."""
    from pg8000.native import Connection

    def interrupt(_connection: Connection, _context: object) -> None:
        raise KeyboardInterrupt

    add(database, "before")
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "handle_messages", interrupt)
        with pytest.raises(KeyboardInterrupt):
            add(database, "lost")
    assert names(database) == ["before"]


@pytest.fixture
def _guarded(postgres: PostgresServer) -> Iterator[None]:
    postgres.administer(f"CREATE ROLE {GUARDED_USER} LOGIN PASSWORD '{GUARDED_PASSWORD}'")
    yield
    postgres.administer(f"DROP ROLE {GUARDED_USER}")


@pytest.mark.usefixtures("_guarded")
def test_the_password_comes_from_the_environment(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.url(user=GUARDED_USER)
    database = open_database(url, tmp_path, environment={"PGPASSWORD": GUARDED_PASSWORD})
    with database.read() as view:
        assert view.query("SELECT current_user = :name", {"name": GUARDED_USER}) == [(1,)]
    database.close()


@pytest.mark.usefixtures("_guarded")
@pytest.mark.parametrize("environment", [{}, {"PGPASSWORD": CANARY}])
def test_a_wrong_password_is_refused_and_never_shown(
    postgres: PostgresServer, tmp_path: Path, environment: dict[str, str]
) -> None:
    """C23."""
    database = open_database(postgres.url(user=GUARDED_USER), tmp_path, environment=environment)
    with pytest.raises(MissingError, match="let us in") as caught, database.read():
        pass
    assert "PGPASSWORD" in caught.value.hint
    assert_hidden(caught.value, database)


def test_a_password_in_the_address_is_never_shown(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """C23: whatever goes wrong."""
    host = f"127.0.0.1:{postgres.port}"
    for address in (f"{host}/nowhere", "127.0.0.1:1/x"):
        database = open_database(f"postgresql://postgres:{CANARY}@{address}", tmp_path)
        with pytest.raises(AthenaError) as caught, database.read():
            pass
        assert_hidden(caught.value, database)


def test_a_server_without_encryption_is_refused_where_it_is_asked_for(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    database = open_database(f"{postgres.url()}?sslmode=verify-full", tmp_path, environment={})
    with pytest.raises(DatabaseDown, match="SSL"), database.read():
        pass


def test_a_socket_of_the_server_can_be_named(postgres: PostgresServer, tmp_path: Path) -> None:
    url = f"postgresql://postgres@:{postgres.port}/postgres?host={postgres.folder}"
    database = open_database(url, tmp_path, environment={})
    with database.read() as view:
        assert view.query("SELECT 1") == [(1,)]
    assert database.where == url
    database.close()


def assert_hidden(error: AthenaError, database: Database) -> None:
    shown = [*traceback.format_exception(error), error.hint, database.where, repr(database)]
    assert CANARY not in "\n".join(shown)
