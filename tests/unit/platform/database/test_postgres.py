"""PostgreSQL without a server: an absent driver, a shut port, a stranger behind it."""

from __future__ import annotations

import socket
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import pytest

from athena.errors import AthenaError, DatabaseDown, MissingExtra
from athena.platform.database import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CANARY = "canary-7f3a9c"
ANSWERS = [
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    b"",
    b"R\x00\x00\x00\x08\x00\x00\x00\x63",
    b"Z\x00\x00\x00\x05",
    b"E\x00\x00\x00\x04",
    b"\xff" * 64,
]


def test_without_the_driver_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pg8000", None)
    with pytest.raises(MissingExtra) as caught:
        open_database("postgresql://me@/d", tmp_path, environment={})
    assert caught.value.hint == "pip install 'athena-desk[postgres]'"


@pytest.fixture(params=ANSWERS, ids=range(len(ANSWERS)))
def stranger(request: pytest.FixtureRequest) -> Iterator[int]:
    """Return the port of something that answers, but not as PostgreSQL does."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        link, _ = listener.accept()
        with link:
            link.recv(1024)
            link.sendall(request.param)

    thread = threading.Thread(target=answer)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(10)
    listener.close()


def test_a_stranger_behind_the_port_is_a_server_that_is_down(
    stranger: int, tmp_path: Path
) -> None:
    pytest.importorskip("pg8000")
    url = f"postgresql://me:{CANARY}@127.0.0.1:{stranger}/d"
    database = open_database(url, tmp_path, environment={})
    with pytest.raises(AthenaError) as caught, database.read():
        pass
    assert isinstance(caught.value, DatabaseDown)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    database.close()


def test_a_shut_port_is_a_server_that_is_down(tmp_path: Path) -> None:
    pytest.importorskip("pg8000")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    database = open_database(f"postgresql://me@127.0.0.1:{port}/d", tmp_path, environment={})
    with (
        pytest.raises(DatabaseDown, match=f"127.0.0.1:{port}/d to answer") as caught,
        database.write(),
    ):
        pass
    assert caught.value.retryable
    assert caught.value.exit_code == 3
