"""What left, what came back, in which order; and keys that never show."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from athena.errors import InputError, MissingExtra
from athena.platform import Secret, VirtualClock
from athena.venues import Call, CallFailed, HttpAnswer
from athena.venues.kraken import Keys, NonceSource, PrivateTransport, Signer
from athena.venues.limits import Priority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

SECOND = 10**9
KEY_CANARY = "canary-key-5b1f7c"
SECRET_CANARY = base64.b64encode(b"canary-secret-93ae77-" * 3).decode()
OK = b'{"error":[],"result":{}}'


def keys() -> Keys:
    return Keys(Secret(KEY_CANARY), Secret(SECRET_CANARY))


def call(
    endpoint: str = "Balance",
    fields: Mapping[str, str] | None = None,
    *,
    is_private: bool = True,
    timeout_s: float = 5,
) -> Call:
    return Call(
        1, endpoint, fields or {}, is_private, Priority.READ, (), 0, round(timeout_s * SECOND)
    )


def answer_of(body: bytes, head: str = "HTTP/1.1 200 OK") -> bytes:
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Server:
    """A server of raw bytes on loopback; keeps every request it read."""

    def __init__(self, reply: Callable[[int], Awaitable[bytes]]) -> None:
        self.reply = reply
        self.requests: list[bytes] = []
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().lower().split("\r\n")
                sizes = [line.split(":")[1] for line in lines if line.startswith("content-length")]
                body = await reader.readexactly(int(sizes[0]) if sizes else 0)
                self.requests.append(head + body)
                writer.write(await self.reply(len(self.requests)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def joined(
    reply: Callable[[int], Awaitable[bytes]],
) -> AsyncIterator[tuple[Server, PrivateTransport]]:
    server = Server(reply)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    try:
        async with PrivateTransport(url, Signer(url, keys(), NonceSource())) as transport:
            yield server, transport
    finally:
        listener.close()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)


def made(
    reply: Callable[[int], Awaitable[bytes]], wish: Call
) -> tuple[Server, HttpAnswer | CallFailed]:
    async def run() -> tuple[Server, HttpAnswer | CallFailed]:
        async with joined(reply) as (server, transport):
            return server, await transport.make(wish)

    return asyncio.run(run())


def always(raw: bytes) -> Callable[[int], Awaitable[bytes]]:
    async def reply(_: int) -> bytes:
        return raw

    return reply


async def never(_: int) -> bytes:
    await asyncio.Event().wait()
    return b""


# Signing


def test_the_signature_is_the_one_of_krakens_page() -> None:
    """Golden: the example of Kraken's page "Spot REST authentication"."""
    example = Keys(
        Secret("any"),
        Secret(
            "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
        ),
    )
    nonces = NonceSource(VirtualClock(1_616_492_376_594))
    signer = Signer("https://api.kraken.com/", example, nonces)
    fields = {
        "ordertype": "limit", "pair": "XBTUSD", "price": "37500", "type": "buy", "volume": "1.25",
    }  # fmt: skip
    signed = signer.sign("AddOrder", fields)
    assert signed.headers["API-Sign"] == (
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
    )
    assert signed.url == "https://api.kraken.com/0/private/AddOrder"
    assert signed.body.startswith(b"nonce=1616492376594&ordertype=limit&")


def test_nonces_rise_though_the_clock_stands_or_goes_back() -> None:
    clock = VirtualClock(1_000)
    nonces = NonceSource(clock)
    assert [nonces(), nonces(), nonces()] == [1_000, 1_001, 1_002]
    clock.advance(5)
    assert [nonces(), nonces()] == [1_005, 1_006]
    assert NonceSource()() < NonceSource()()  # of the machine: a restart goes on above


def test_a_secret_that_is_none_is_refused_and_not_shown() -> None:
    wrong = Keys(Secret("k"), Secret("no base64! canary-77"))
    with pytest.raises(InputError, match="as base64") as caught:
        Signer("https://api.kraken.com", wrong, NonceSource())
    assert "canary-77" not in repr(caught.value.__context__) + str(caught.value)


def test_without_the_extra_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ccxt", None)
    with pytest.raises(MissingExtra, match="ccxt") as caught:
        Signer("https://api.kraken.com", keys(), NonceSource())
    assert "athena-desk[live]" in caught.value.hint


# What came back


def test_a_private_call_is_posted_signed_and_answered_whole() -> None:
    server, answer = made(
        always(answer_of(OK)), call("AddOrder", {"pair": "XBTUSD", "close[price]": "5 %"})
    )
    assert answer == HttpAnswer(200, OK)
    (request,) = server.requests
    head, _, body = request.decode().partition("\r\n\r\n")
    assert head.startswith("POST /0/private/AddOrder HTTP/1.1")
    assert f"api-key: {KEY_CANARY}" in head.lower()
    fields = parse_qs(body)
    assert (fields["pair"], fields["close[price]"]) == (["XBTUSD"], ["5 %"])
    assert len(fields["nonce"][0]) == 19


def test_a_public_call_is_a_plain_question() -> None:
    server, _ = made(always(answer_of(OK)), call("AssetPairs", {"pair": "A,B"}, is_private=False))
    (request,) = server.requests
    assert request.startswith(b"GET /0/public/AssetPairs?pair=A%2CB HTTP/1.1")
    assert b"api-" not in request.lower()


def test_a_refusal_by_status_comes_through_with_its_hint() -> None:
    raw = answer_of(b"<html>", "HTTP/1.1 429 Slow\r\nRetry-After: 9")
    _, answer = made(always(raw), call())
    assert answer == HttpAnswer(429, b"<html>", retry_after_s=9)


# What did not


def test_a_server_that_does_not_answer_in_time_may_have_done_it() -> None:
    """F02."""
    server, failed = made(never, call(timeout_s=0.15))
    assert failed == CallFailed(is_sent=True, reason="no answer to Balance within 0.15 s")
    assert len(server.requests) == 1


def test_a_connection_that_ends_or_a_body_that_is_cut_may_have_done_it() -> None:
    for raw in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", b"nonsense\r\n\r\n"):

        async def cut(_: int, raw: bytes = raw) -> bytes:
            if not raw:
                raise ConnectionResetError
            return raw

        _, failed = made(cut, call(timeout_s=0.3))
        assert isinstance(failed, CallFailed)
        assert failed.is_sent


def test_a_body_that_cannot_be_unpacked_may_have_done_it() -> None:
    raw = answer_of(b"not gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip")
    _, failed = made(always(raw), call())
    assert failed == CallFailed(is_sent=True, reason="DecodingError at Balance")


def failed_at(url: str) -> HttpAnswer | CallFailed:
    async def run() -> HttpAnswer | CallFailed:
        async with PrivateTransport(url, Signer(url, keys(), NonceSource())) as transport:
            return await transport.make(call(timeout_s=2))

    return asyncio.run(run())


def test_a_refused_connection_left_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    failed = failed_at(f"http://127.0.0.1:{port}")
    assert failed == CallFailed(is_sent=False, reason="ConnectError at Balance")


def test_a_name_that_is_not_found_left_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """F20."""

    def lost(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lost)
    failed = failed_at("http://venue.localhost:9")
    assert failed == CallFailed(is_sent=False, reason="ConnectError at Balance")


def test_an_address_that_is_none_is_wrong_usage() -> None:
    with pytest.raises(InputError, match=r"was ftp://api\.kraken\.com"):
        failed_at("ftp://api.kraken.com")


# Several at once


def test_nonces_arrive_in_order_though_many_calls_start_at_once() -> None:
    """A nonce below one that was seen is refused, whichever connection brings it."""

    async def run() -> list[int]:
        async with joined(always(answer_of(OK))) as (server, transport):
            await asyncio.gather(*(transport.make(call()) for _ in range(40)))
            return [int(parse_qs(r.decode())["nonce"][0]) for r in bodies(server)]

    nonces = asyncio.run(run())
    assert nonces == sorted(nonces)
    assert len(set(nonces)) == 40


def bodies(server: Server) -> list[bytes]:
    return [request.partition(b"\r\n\r\n")[2] for request in server.requests]


def test_a_call_that_hangs_holds_the_next_one_up_for_a_moment_only() -> None:
    """F01: a cancel leaves though an order hangs."""

    async def reply(number: int) -> bytes:
        return await never(number) if number == 1 else answer_of(OK)

    async def run() -> tuple[object, object]:
        async with joined(reply) as (_, transport):
            hanging = asyncio.create_task(transport.make(call(timeout_s=1)))
            await asyncio.sleep(0)
            second = await transport.make(call(timeout_s=0.8))
            assert not hanging.done()
            return second, await hanging

    second, first = asyncio.run(run())
    assert isinstance(second, HttpAnswer)
    assert isinstance(first, CallFailed)
    assert first.is_sent


def test_a_call_whose_time_ends_before_its_turn_left_nothing() -> None:
    async def run() -> tuple[object, int]:
        async with joined(never) as (server, transport):
            hanging = asyncio.create_task(transport.make(call(timeout_s=0.3)))
            await asyncio.sleep(0)
            second = await transport.make(call(timeout_s=0.05))
            n_requests = len(server.requests)
            await hanging
            return second, n_requests

    second, n_requests = asyncio.run(run())
    assert second == CallFailed(is_sent=False, reason="no answer to Balance within 0.05 s")
    assert n_requests <= 1


def test_keys_show_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """C23: canaries as keys, everything logged, every text looked at."""
    caplog.set_level(logging.DEBUG)
    server, answer = made(always(answer_of(OK)), call("AddOrder", {"pair": "XBTUSD"}))
    signer = Signer("https://api.kraken.com", keys(), NonceSource())
    signed = signer.sign("Balance", {})
    _, failed = made(never, call(timeout_s=0.05))
    told = "\n".join(
        [caplog.text, repr(answer), repr(failed), repr(keys()), repr(signed), repr(signer)]
        + [repr(vars(record)) for record in caplog.records]
    )
    sent = server.requests[0].decode().lower()
    signature = sent.partition("api-sign: ")[2].partition("\r\n")[0]
    assert len(signature) == 88
    assert "send_request_headers.started" in told  # the log was really open
    for canary in (KEY_CANARY, SECRET_CANARY, signature, signed.headers["API-Sign"]):
        assert canary.lower() not in told.lower()


# Taking back


def test_a_call_that_is_cancelled_before_its_turn_leaves_nothing() -> None:
    """I10: until `on_leaving` not a byte is gone, however long the others take."""

    async def run() -> tuple[list[str], Server]:
        left: list[str] = []
        async with joined(never) as (server, transport):
            first = asyncio.create_task(
                transport.make(call("Balance"), lambda: left.append("first"))
            )
            while not server.requests:  # noqa: ASYNC110 - the server notes what it read
                await asyncio.sleep(0)
            second = asyncio.create_task(
                transport.make(call("AddOrder"), lambda: left.append("second"))
            )
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
        return left, server

    left, server = asyncio.run(run())
    assert left == ["first"]
    assert len(server.requests) == 1
