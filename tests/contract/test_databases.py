"""Every database keeps the promises of `Database`: SQLite, and PostgreSQL where there is one."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.errors import (
    AthenaError,
    DatabaseConflict,
    DatabaseLocked,
    InputError,
    RefusedError,
)
from athena.platform.database import (
    Migration,
    load_dump,
    migrate,
    open_database,
    schema_versions,
    write_dump,
)
from tests.conftest import ROOT
from tests.database_cases import BOOKS, COUNTER, ROOMS, prepared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athena.platform.database import Database

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
PUT = "INSERT INTO books (id, amount, n, proof) VALUES (:id, :amount, :n, :proof)"
LOOK = "SELECT id, amount, n, proof FROM books ORDER BY id"


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


def put(
    database: Database, name: str, amount: Any = None, n: Any = None, proof: Any = None
) -> int:
    with database.write() as transaction:
        values = {"id": name, "amount": amount, "n": n, "proof": proof}
        return transaction.execute(PUT, values)


def books(database: Database) -> list[Any]:
    with database.read() as transaction:
        return transaction.query(LOOK)


@pytest.mark.parametrize(
    "amount",
    ["0.12345678", "123456789.12345678", "1E-18", "-0.10", "99999999999999999999999999.99"],
)
def test_money_comes_back_with_every_digit(database: Database, amount: str) -> None:
    """C12."""
    assert put(database, "a", Decimal(amount)) == 1
    ((_, text, _, _),) = books(database)
    assert Decimal(text) == Decimal(amount)
    assert Decimal(text).as_tuple().digits == Decimal(f"{Decimal(amount):f}").as_tuple().digits


def test_ten_thousand_amounts_add_up_exactly(database: Database) -> None:
    """C12."""
    amounts = [Decimal(k * 7_919 % 100_003).scaleb(-8) for k in range(10_000)]
    with database.write() as transaction:
        for k, amount in enumerate(amounts):
            values = {"id": f"{k:05d}", "amount": amount, "n": k, "proof": None}
            transaction.execute(PUT, values)
    with database.read() as transaction:
        found = [Decimal(str(text)) for (text,) in transaction.stream("SELECT amount FROM books")]
        assert transaction.query("SELECT CAST(sum(n) AS BIGINT) FROM books") == [(49_995_000,)]
    assert sum(found) == sum(amounts)


@pytest.mark.parametrize("n", [0, -1, 2**63 - 1, -(2**63), True])
def test_integers_and_nanoseconds_come_back_equal(database: Database, n: int) -> None:
    put(database, "a", n=n)
    ((_, _, found, _),) = books(database)
    assert (type(found), found) == (int, int(n))


@pytest.mark.parametrize("text", ["", "né €", "' OR 1=1 --", ":n $1 ? %s", "\N{ROCKET}", "a\nb"])
def test_texts_come_back_equal(database: Database, text: str) -> None:
    put(database, "a", amount=text, proof=text.encode())
    assert books(database) == [("a", text, None, text.encode())]


@pytest.mark.parametrize(
    "value",
    [0.5, float("nan"), 2**63, Decimal("NaN"), Decimal("Infinity"), "a\0b", "\ud800", [1]],
)
def test_what_cannot_be_kept_exactly_is_refused_by_name(database: Database, value: Any) -> None:
    with pytest.raises(InputError, match=":n"):
        put(database, "a", n=value)
    assert books(database) == []


def test_a_float_that_the_database_made_is_refused(database: Database) -> None:
    """A sum over decimals kept as text is one in SQLite."""
    with pytest.raises(InputError, match="was float"), database.read() as transaction:
        transaction.query("SELECT CAST(1 AS DOUBLE PRECISION) / 2")


def test_what_raises_is_undone_whole(database: Database) -> None:
    def fail() -> None:
        with database.write() as transaction:
            transaction.execute("INSERT INTO books (id) VALUES ('a')")
            transaction.execute("UPDATE counter SET n = 5")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.read() as transaction:
        assert transaction.query("SELECT n FROM counter") == [(0,)]
        assert transaction.query(LOOK) == []


def test_a_broken_constraint_is_a_conflict_and_undoes_the_transaction(database: Database) -> None:
    put(database, "a")
    with pytest.raises(DatabaseConflict):
        put(database, "a")

    def write_two() -> None:
        with database.write() as transaction:
            transaction.execute("INSERT INTO books (id) VALUES ('b')")
            transaction.execute("INSERT INTO notes (id, book) VALUES ('x', 'nowhere')")

    with pytest.raises(DatabaseConflict):
        write_two()
    assert [row[0] for row in books(database)] == ["a"]
    assert put(database, "c") == 1


def test_a_statement_that_is_wrong_is_an_error_and_the_next_one_works(database: Database) -> None:
    with pytest.raises(AthenaError), database.write() as transaction:
        transaction.execute("INSERT INTO nowhere (id) VALUES ('a')")
    assert put(database, "a") == 1


def test_a_missing_parameter_is_a_bug_of_the_caller(database: Database) -> None:
    with pytest.raises(AthenaError) as caught, database.read() as view:
        view.query("SELECT id FROM books WHERE id = :id AND n = :n", {"n": 1})
    assert (caught.value.exit_code, caught.value.retryable) == (70, False)
    assert put(database, "a") == 1


def test_a_block_that_goes_on_after_an_error_is_undone_whole(database: Database) -> None:
    put(database, "a")

    def go_on() -> None:
        with database.write() as transaction:
            transaction.execute("INSERT INTO books (id) VALUES ('b')")
            with pytest.raises(DatabaseConflict):
                transaction.execute("INSERT INTO books (id) VALUES ('a')")

    with pytest.raises(AthenaError, match="to leave its block"):
        go_on()
    assert [row[0] for row in books(database)] == ["a"]


def test_an_interrupted_transaction_is_undone_and_the_next_one_works(database: Database) -> None:
    def interrupt() -> None:
        with database.write() as transaction:
            transaction.execute("INSERT INTO books (id) VALUES ('a')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert books(database) == []
    assert put(database, "b") == 1


def test_a_view_shows_one_moment_whatever_is_written_meanwhile(
    database: Database, url: str, tmp_path: Path
) -> None:
    other = open_database(url, tmp_path, environment={})
    with database.read() as view:
        assert view.query(LOOK) == []
        put(other, "later")
        assert view.query(LOOK) == []
    other.close()
    assert [row[0] for row in books(database)] == ["later"]


def test_a_view_cannot_change_anything(database: Database) -> None:
    put(database, "a")
    with pytest.raises(AthenaError), database.read() as view:
        view.execute("DELETE FROM books")
    assert len(books(database)) == 1
    put(database, "b")


def test_a_second_transaction_on_one_connection_is_refused(database: Database) -> None:
    with database.write() as transaction:
        transaction.execute("INSERT INTO books (id) VALUES ('a')")
        with pytest.raises(AthenaError, match="one transaction at a time"), database.read():
            pass
        transaction.execute("INSERT INTO books (id) VALUES ('b')")
    assert len(books(database)) == 2


def test_a_stream_yields_every_row(database: Database) -> None:
    with database.write() as transaction:
        for k in range(1_201):
            values = {"id": f"{k:05d}", "amount": None, "n": k, "proof": None}
            transaction.execute(PUT, values)
    with database.read() as view:
        assert [n for (n,) in view.stream("SELECT n FROM books ORDER BY n")] == list(range(1_201))
        assert list(view.stream("SELECT n FROM books WHERE n < 0")) == []


def test_a_sound_database_is_not_accused(database: Database) -> None:
    put(database, "a")
    assert database.check() == ""


def test_closing_twice_does_nothing(database: Database) -> None:
    database.close()
    database.close()
    assert database.where


# Several processes


def child(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "tests.database_cases", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_two_processes_that_start_together_migrate_once_and_lose_no_write(
    url: str, tmp_path: Path
) -> None:
    children = [child("count", url, tmp_path, 60) for _ in range(2)]
    for process in children:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    database = prepared(url, tmp_path)
    with database.read() as view:
        assert view.query("SELECT n FROM counter") == [(120,)]
        assert [(v.room, v.n_applied, v.last) for v in schema_versions(view)] == [
            ("shop", 2, "0002-counter")
        ]
    database.close()


def test_a_process_killed_in_a_transaction_leaves_nothing_half_and_no_lock(
    database: Database, url: str, tmp_path: Path
) -> None:
    process = child("stand", url, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert put(database, "after") == 1
    assert [row[0] for row in books(database)] == ["after"]
    with database.read() as view:
        assert view.query("SELECT n FROM counter") == [(0,)]


def test_a_writer_that_waits_too_long_is_told_so_and_can_try_again(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pg8000")
    monkeypatch.setattr("athena.platform.database._sqlite._BUSY_TIMEOUT_S", 0.05)
    monkeypatch.setattr("athena.platform.database._postgres._LOCK_TIMEOUT_MS", 50)
    holder, waiter = prepared(url, tmp_path), prepared(url, tmp_path)
    with holder.write():
        with pytest.raises(DatabaseLocked) as caught:
            put(waiter, "a")
        assert caught.value.retryable
    assert put(waiter, "a") == 1
    holder.close()
    waiter.close()


# Migrations


def test_a_new_database_gets_every_step_once(url: str, tmp_path: Path) -> None:
    database = open_database(url, tmp_path, environment={})
    with database.read() as view:
        assert schema_versions(view) == []
    first = migrate(database, ROOMS, now_ns=5, keep_in=tmp_path / "kept")
    assert first.applied == ("shop/0001-books", "shop/0002-counter")
    assert first.kept is None
    assert migrate(database, ROOMS, now_ns=6, keep_in=tmp_path / "kept").applied == ()
    database.close()


def test_an_older_database_is_kept_as_a_dump_before_it_is_changed(
    url: str, tmp_path: Path
) -> None:
    database = open_database(url, tmp_path, environment={})
    migrate(database, {"shop": (BOOKS,)}, now_ns=5, keep_in=tmp_path / "kept")
    put(database, "a", Decimal("1.10"))
    done = migrate(database, ROOMS, now_ns=7, keep_in=tmp_path / "kept")
    assert done.applied == ("shop/0002-counter",)
    assert done.kept == tmp_path / "kept" / "database-7.jsonl"
    assert [row[:2] for row in books(database)] == [("a", "1.10")]
    database.close()
    older = open_database("sqlite:///older.db", tmp_path)
    assert load_dump(older, ROOMS, done.kept.read_bytes().splitlines()) == 1
    with older.read() as view:
        assert [item.last for item in schema_versions(view)] == ["0001-books"]
    older.close()


def test_a_step_that_was_changed_after_it_was_applied_is_refused(
    database: Database, tmp_path: Path
) -> None:
    edited = Migration(BOOKS.name, (*BOOKS.statements, "DROP TABLE notes"), BOOKS.postgresql)
    with pytest.raises(RefusedError, match="shop/0001-books as it was applied"):
        migrate(database, {"shop": (edited, COUNTER)}, now_ns=9, keep_in=tmp_path)


def test_a_step_that_this_program_does_not_know_is_refused(
    database: Database, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match="to be 0002-counter"):
        migrate(database, {"shop": (BOOKS,)}, now_ns=9, keep_in=tmp_path)
    with pytest.raises(RefusedError, match="to be 0001-books"):
        migrate(database, {"shop": (COUNTER, BOOKS)}, now_ns=9, keep_in=tmp_path)


def test_another_room_is_left_alone(database: Database, tmp_path: Path) -> None:
    step = Migration("0001-x", ("CREATE TABLE x (id TEXT PRIMARY KEY)",))
    done = migrate(database, {"other": (step,)}, now_ns=9, keep_in=tmp_path)
    assert done.applied == ("other/0001-x",)
    assert migrate(database, ROOMS, now_ns=9, keep_in=tmp_path).applied == ()


def test_a_step_that_fails_leaves_everything_as_it_was(database: Database, tmp_path: Path) -> None:
    put(database, "a")
    broken = Migration("0003-x", ("DELETE FROM notes", "DROP TABLE notes", "CREATE NONSENSE"))
    with pytest.raises(AthenaError):
        migrate(database, {"shop": (BOOKS, COUNTER, broken)}, now_ns=9, keep_in=tmp_path)
    with database.read() as view:
        assert view.query("SELECT count(*) FROM notes") == [(0,)]
        assert [item.n_applied for item in schema_versions(view)] == [2]
    assert len(books(database)) == 1


# Dumps


def dumped(database: Database) -> bytes:
    target = io.BytesIO()
    with database.read() as view:
        write_dump(view, target)
    return target.getvalue()


def test_a_dump_fills_another_database_of_any_kind(
    database: Database, url: str, tmp_path: Path
) -> None:
    put(database, "a", Decimal("0.10"), -(2**63), b"\0\xff")
    put(database, 'né"', None, None, None)
    with database.write() as transaction:
        transaction.execute("INSERT INTO notes (id, book) VALUES ('x', 'a')")
    dump = dumped(database)
    copy = open_database("sqlite:///copy.db", tmp_path)
    assert load_dump(copy, ROOMS, dump.splitlines()) == 4
    assert books(copy) == books(database)
    assert dumped(copy) == dump
    assert migrate(copy, ROOMS, now_ns=3, keep_in=tmp_path).applied == ()
    if url.startswith("postgresql"):
        with database.write() as transaction:
            for table in ("notes", "books", "counter", "athena_migrations"):
                transaction.execute(f"DROP TABLE {table}")
        assert load_dump(database, ROOMS, dump.splitlines()) == 4
        assert dumped(database) == dump
    copy.close()


def test_a_database_with_tables_is_not_filled(database: Database) -> None:
    put(database, "a")
    with pytest.raises(RefusedError, match="empty database"):
        load_dump(database, ROOMS, dumped(database).splitlines())
    assert len(books(database)) == 1


def test_a_dump_of_a_newer_program_is_refused(database: Database, tmp_path: Path) -> None:
    empty = open_database("sqlite:///empty.db", tmp_path)
    with pytest.raises(RefusedError, match="0002-counter"):
        load_dump(empty, {"shop": (BOOKS,)}, dumped(database).splitlines())
    with empty.read() as view:
        assert view.query("SELECT count(*) FROM sqlite_schema") == [(0,)]
    empty.close()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda lines: lines[:-1], "number of rows"),
        (lambda lines: lines[:2] + lines[3:], "the number of rows"),
        (lambda lines: [*lines, b"{}"], "nothing after"),
        (lambda lines: [lines[0], b"[1, 2]", *lines[1:]], "a table"),
        (lambda lines: [lines[0].replace(b"-1", b"-9", 1), *lines[1:]], "format"),
        (lambda lines: [lines[0], lines[1].replace(b"amount", b"amounts"), *lines[2:]], "columns"),
        (lambda lines: [lines[0], lines[1][:-3], *lines[2:]], "a JSON value"),
        (lambda _lines: [], "an object with 'format'"),
        (lambda lines: [lines[0], lines[1], b'[1.5, "x", 1, null]', *lines[3:]], "was float"),
    ],
)
def test_a_damaged_dump_is_refused_and_leaves_nothing(
    tmp_path: Path, change: Any, expected: str
) -> None:
    source, target = (prepared(f"sqlite:///{name}.db", tmp_path) for name in ("from", "kept"))
    put(source, "a", Decimal(1))
    lines = change(dumped(source).splitlines())
    target.close()
    empty = open_database("sqlite:///empty.db", tmp_path)
    with pytest.raises(InputError, match=expected):
        load_dump(empty, ROOMS, lines)
    with empty.read() as view:
        assert view.query("SELECT count(*) FROM sqlite_schema") == [(0,)]
    empty.close()
    source.close()
