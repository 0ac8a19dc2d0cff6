"""Two sockets, one voice: what goes where, what is heard, and how a dead socket is noticed."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from athena.errors import InputError, MissingExtra, ServiceDown
from athena.venues.kraken import open_stream

pytest.importorskip("websockets")

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

TOKEN = "canary-token-6c1d"  # noqa: S105  # planted
PRIVATE = json.dumps({"method": "subscribe", "params": {"channel": "executions", "token": TOKEN}})
PUBLIC = json.dumps({"method": "subscribe", "params": {"channel": "ticker"}})


@asynccontextmanager
async def venue(
    behave: Callable[[str, Any], Awaitable[None]],
) -> AsyncIterator[tuple[str, str]]:
    """Serve two paths on loopback and yield their addresses."""
    from websockets.asyncio.server import serve

    async def handle(connection: Any) -> None:
        await behave(connection.request.path, connection)

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/auth", f"ws://127.0.0.1:{port}/public"


async def echo(path: str, connection: Any) -> None:
    async for text in connection:
        await connection.send(f"{path} {text}")


def test_what_carries_a_token_goes_to_the_private_address_alone() -> None:
    async def run() -> list[str]:
        async with venue(echo) as urls, open_stream(*urls) as stream:
            await stream.say(PRIVATE)
            first = await stream.hear()
            await stream.say(PUBLIC)
            return [first, await stream.hear()]

    assert asyncio.run(run()) == [f"/auth {PRIVATE}", f"/public {PUBLIC}"]


def test_one_address_is_one_socket() -> None:
    paths: list[str] = []

    async def note(path: str, connection: Any) -> None:
        paths.append(path)
        await echo(path, connection)

    async def run() -> list[str]:
        async with venue(note) as (url, _), open_stream(url, url) as stream:
            await stream.say(PRIVATE)
            await stream.say(PUBLIC)
            return [await stream.hear(), await stream.hear()]

    assert len(asyncio.run(run())) == 2
    assert paths == ["/auth"]


@pytest.mark.parametrize("dead", ["/auth", "/public"])
def test_a_socket_that_is_closed_ends_the_stream(dead: str) -> None:
    async def close(path: str, connection: Any) -> None:
        if path == dead:
            return
        await connection.wait_closed()

    async def run() -> None:
        async with venue(close) as urls, open_stream(*urls) as stream:
            await stream.hear()

    with pytest.raises(ServiceDown, match="expected an open stream"):
        asyncio.run(run())


def test_one_silent_socket_is_noticed_though_the_other_talks() -> None:
    """F09: a public heartbeat must not hide that our orders are no longer told."""

    async def behave(path: str, connection: Any) -> None:
        while path == "/public":
            await connection.send('{"channel":"heartbeat"}')
            await asyncio.sleep(0.01)
        await connection.wait_closed()

    async def run() -> int:
        n_heard = 0
        async with venue(behave) as urls, open_stream(*urls, silence_s=0.2) as stream:
            try:
                while True:
                    await stream.hear()
                    n_heard += 1
            except ServiceDown as error:
                assert "was nothing for 0.2 s" in error.message  # noqa: PT017 - with the count
        return n_heard

    assert asyncio.run(run()) > 5


def test_bytes_are_no_text() -> None:
    async def send(_: str, connection: Any) -> None:
        await connection.send(b"\x00")
        await connection.wait_closed()

    async def run() -> None:
        async with venue(send) as urls, open_stream(*urls) as stream:
            await stream.hear()

    with pytest.raises(ServiceDown, match="was bytes"):
        asyncio.run(run())


def test_nothing_can_be_said_on_a_closed_socket() -> None:
    async def close(_: str, __: Any) -> None:
        return

    async def run() -> None:
        async with venue(close) as urls, open_stream(*urls) as stream:
            with pytest.raises(ServiceDown):
                await stream.hear()
            await stream.say(PUBLIC)

    with pytest.raises(ServiceDown, match="was closed"):
        asyncio.run(run())


def opened(url: str) -> None:
    async def run() -> None:
        async with open_stream(url, url):
            pass

    asyncio.run(run())


def test_no_connection_is_a_service_that_is_down() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(ServiceDown, match=f"expected a stream at ws://127.0.0.1:{port}"):
        opened(f"ws://127.0.0.1:{port}")


def test_a_door_that_is_shut_is_a_service_that_is_down() -> None:
    async def run() -> None:
        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, open_stream(f"ws://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"):
            pass

    with pytest.raises(ServiceDown, match="InvalidStatus"):
        asyncio.run(run())


def test_an_address_that_is_none_is_wrong_usage() -> None:
    with pytest.raises(InputError, match=r"such as wss://ws\.kraken\.com/v2"):
        opened("https://ws.kraken.com")


def test_without_the_extra_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "websockets.asyncio.client", None)
    with pytest.raises(MissingExtra, match="websockets"):
        opened("ws://127.0.0.1:9")


def test_the_token_shows_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """C23: the library would log every message; nobody can open that log by accident."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets").setLevel(logging.DEBUG)

    async def listen(_: str, connection: Any) -> None:
        async for _text in connection:
            await connection.send("{}")

    async def run() -> None:
        async with venue(listen) as urls, open_stream(*urls) as stream:
            await stream.say(PRIVATE)
            assert await stream.hear() == "{}"

    asyncio.run(run())
    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    assert TOKEN not in "\n".join(repr(vars(record)) for record in ours)
