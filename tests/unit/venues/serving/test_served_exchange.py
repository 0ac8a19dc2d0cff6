"""The served exchange over real sockets: what a client sees, with and without faults."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import sys
import time
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from athena.domain import SECOND_NS
from athena.errors import InputError, MissingExtra
from athena.venues.faults import NO_FAULTS, Fault, FaultPlan, Link, MessageFate
from athena.venues.serving import Host, VenueServer
from athena.venues.serving._outbox import Outbox
from tests.venue_server import HEADERS, SIGNATURE, START_NS, host_of, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from websockets.sync.client import ClientConnection

    from athena.venues.serving import MarketTrade

PATIENCE_S = 5.0  # of a client that expects an answer
GIVES_UP_S = 0.1  # of one that expects none
BUY = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "40000", "volume": "0.1"}


class Client:
    """A client that does as little as it can."""

    def __init__(self, server: VenueServer, host: Host) -> None:
        self.server = server
        self.host = host
        self._nonce = time.time_ns()

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout_s: float = PATIENCE_S,
    ) -> tuple[int, Mapping[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout_s)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def private(
        self,
        endpoint: str,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] = HEADERS,
        *,
        timeout_s: float = PATIENCE_S,
    ) -> tuple[int, Mapping[str, str], bytes]:
        self._nonce += 1
        form = urlencode({"nonce": str(self._nonce), **(fields or {})})
        path = f"/0/private/{endpoint}"
        return self.request("POST", path, form, headers, timeout_s=timeout_s)

    def result(self, endpoint: str, fields: Mapping[str, str] | None = None) -> Any:
        status, _, body = self.private(endpoint, fields)
        answer = json.loads(body)
        assert (status, answer["error"]) == (200, [])
        return answer["result"]

    def error(self, *args: Any, **options: Any) -> list[str]:
        codes = json.loads(self.private(*args, **options)[2])["error"]
        assert isinstance(codes, list)
        return codes

    def n_open(self) -> int:
        return len(self.result("OpenOrders")["open"])

    @contextmanager
    def stream(self) -> Iterator[ClientConnection]:
        with connect(self.server.stream_url, close_timeout=0.05) as stream:
            yield stream

    @contextmanager
    def failing(self, *faults: Fault, **settings: Any) -> Iterator[None]:
        self.host.plan = FaultPlan(0, dict.fromkeys(faults, 1.0), **settings)
        try:
            yield
        finally:
            self.host.plan = NO_FAULTS


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[VenueServer, Host]]:
    host = host_of()
    with serving(host) as server:
        yield server, host


@pytest.fixture
def client(served: tuple[VenueServer, Host]) -> Iterator[Client]:
    client = Client(*served)
    yield client
    client.result("CancelAll")


def answers(stream: ClientConnection, n: int) -> list[Any]:
    """Return the next `n` answers to what was asked; signs of life and status do not count."""
    found: list[Any] = []
    while len(found) < n:
        message = json.loads(stream.recv(PATIENCE_S))
        if message.get("channel") not in {"heartbeat", "status"}:
            found.append(message)
    return found


def ping(stream: ClientConnection, number: int) -> None:
    stream.send(json.dumps({"method": "ping", "req_id": number}))


def test_public_endpoints_are_asked_with_get_or_post(client: Client) -> None:
    """D09: the paths, methods and envelope are Kraken's."""
    for method, path, body in (
        ("GET", "/0/public/Ticker?pair=XBTUSD", None),
        ("POST", "/0/public/Ticker", "pair=XBTUSD"),
    ):
        status, headers, answer = client.request(method, path, body)
        assert (status, headers["content-type"]) == (200, "application/json")
        assert "XXBTZUSD" in json.loads(answer)["result"]
    assert (
        client.request("GET", "/0/public/Nothing")[2] == b'{"error":["EGeneral:Unknown method"]}'
    )
    assert client.request("GET", "/1/public/Time")[0] == 404
    assert client.request("POST", "/0/public/Time", b"\xff")[0] == 400
    assert client.request("GET", "/0/private/Balance")[0] == 405


def test_any_key_opens_an_account_and_a_revoked_one_does_not(client: Client) -> None:
    signed = {"API-Sign": SIGNATURE}
    answer = json.loads(client.private("Balance", headers={"API-Key": "other", **signed})[2])
    assert Decimal(answer["result"]["ZUSD"]) == 100_000
    revoked = {"API-Key": "revoked-1", **signed}
    assert client.error("Balance", headers=revoked) == ["EAPI:Invalid key"]
    assert client.error("Balance", headers=signed) == ["EAPI:Invalid key"]


@pytest.mark.parametrize("signature", ["", "not base64!", "c2hvcnQ="])
def test_a_signature_has_the_shape_of_one(client: Client, signature: str) -> None:
    headers = {"API-Key": "test", "API-Sign": signature}
    assert client.error("Balance", headers=headers) == ["EAPI:Invalid signature"]


def test_a_nonce_only_rises_for_each_key(client: Client) -> None:
    client.result("Balance")
    headers = {"API-Key": "third", "API-Sign": SIGNATURE}
    for nonce, codes in (("7", []), ("7", ["EAPI:Invalid nonce"]), ("8", [])):
        assert client.error("Balance", {"nonce": nonce}, headers) == codes
    body = client.request("POST", "/0/private/Balance", "asset=XBT", HEADERS)[2]
    assert json.loads(body)["error"] == ["EAPI:Invalid nonce"]


def test_a_request_is_lost_and_nothing_happens(client: Client) -> None:
    """F01: the client waits in vain, and no order exists."""
    with client.failing(Fault.TIMEOUT_BEFORE_ACCEPT), pytest.raises(TimeoutError):
        client.private("AddOrder", BUY, timeout_s=GIVES_UP_S)
    assert client.n_open() == 0


def test_an_answer_is_lost_and_the_order_stands(client: Client) -> None:
    """F02: the client waits in vain, and the order exists."""
    with client.failing(Fault.TIMEOUT_AFTER_ACCEPT), pytest.raises(TimeoutError):
        client.private("AddOrder", BUY, timeout_s=GIVES_UP_S)
    assert client.n_open() == 1


def test_an_answer_comes_late_and_whole(client: Client) -> None:
    """F04: the client waits as long as the plan says."""
    with client.failing(Fault.LATE, max_delay_ns=SECOND_NS // 10):
        host = client.host
        first = host._n_requests
        fates = [host.plan.request_fate(first + i, "AddOrder", START_NS) for i in range(4)]
        started_ns = time.monotonic_ns()
        for _ in fates:
            assert len(client.result("AddOrder", BUY)["txid"]) == 1
        waited_ns = time.monotonic_ns() - started_ns
    assert waited_ns >= sum(fate.answer_delay_ns for fate in fates) > 0
    assert client.n_open() == 4


def test_too_many_requests_are_turned_away(client: Client) -> None:
    """F07, C05: 429, 418 or Kraken's own words; nothing is carried out."""
    with client.failing(Fault.TOO_MANY_REQUESTS):
        seen = [client.private("AddOrder", BUY) for _ in range(24)]
    assert {status for status, _, _ in seen} == {429, 418, 200}
    assert {body for _, _, body in seen} == {b'{"error": ["EAPI:Rate limit exceeded"]}'}
    hints = {headers.get("retry-after") for _, headers, _ in seen}
    assert {None, "1", "5"} <= hints
    assert client.n_open() == 0


def test_a_gateway_fails_before_or_after_the_order(client: Client) -> None:
    """F08: a page instead of an answer; some of the orders stand."""
    with client.failing(Fault.SERVER_ERROR):
        seen = [client.private("AddOrder", BUY) for _ in range(12)]
    assert all(status >= 500 and b"<html>" in body for status, _, body in seen)
    assert 0 < client.n_open() < 12


def test_a_page_comes_instead_of_an_answer(client: Client) -> None:
    with client.failing(Fault.HTML_ANSWER):
        seen = [client.private("AddOrder", BUY) for _ in range(12)]
    assert 200 in {status for status, _, _ in seen}
    assert all(headers["content-type"].startswith("text/html") for _, headers, _ in seen)
    assert 0 < client.n_open() < 12


def test_a_body_breaks_off_and_the_order_stands(client: Client) -> None:
    with client.failing(Fault.CUT_BODY), pytest.raises(http.client.IncompleteRead) as caught:
        client.private("AddOrder", BUY)
    assert caught.value.partial
    assert client.n_open() == 1


def test_a_nonce_is_called_invalid_and_nothing_happens(client: Client) -> None:
    with client.failing(Fault.BAD_NONCE):
        assert client.error("AddOrder", BUY) == ["EAPI:Invalid nonce"]
        assert client.request("GET", "/0/public/Time")[0] == 200
    assert client.n_open() == 0


def test_new_connections_are_refused_for_a_while(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F20: nothing leaves; a connection that stands goes on."""
    port = client.server.port
    standing = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    standing.request("GET", "/0/public/Time")
    standing.getresponse().read()

    with monkeypatch.context() as patch:
        patch.setattr(Host, "is_unreachable", property(lambda _: True))
        _wait_until(lambda: _is_refused(port))
        standing.request("GET", "/0/public/Time")
        assert standing.getresponse().status == 200
        standing.close()
    _wait_until(lambda: not _is_refused(port))
    assert client.n_open() == 0


def test_the_stream_answers_at_both_paths(client: Client) -> None:
    """D09."""
    with client.stream() as stream:
        assert json.loads(stream.recv(PATIENCE_S))["channel"] == "status"
        ping(stream, 1)
        assert answers(stream, 1)[0]["method"] == "pong"
    with connect(f"{client.server.stream_url}/auth") as stream:
        ping(stream, 2)
        assert answers(stream, 1)[0]["req_id"] == 2


def test_the_stream_takes_text_alone(client: Client) -> None:
    with client.stream() as stream:
        stream.send(b"\x00")
        with pytest.raises(ConnectionClosedError) as caught:
            answers(stream, 1)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1003


def test_an_order_is_told_on_the_stream(client: Client) -> None:
    """D09: private channels open with a token of the REST side."""
    with client.stream() as stream:
        _follow_executions(client, stream)
        order_id = client.result("AddOrder", BUY)["txid"][0]
        update = answers(stream, 1)[0]
    assert update["channel"] == "executions"
    assert update["data"][0]["order_id"] == order_id


def test_messages_come_twice(client: Client) -> None:
    """F03."""
    with client.failing(Fault.DUPLICATE), client.stream() as stream:
        ping(stream, 1)
        first, second = answers(stream, 2)
    assert first == second


def test_late_messages_keep_their_order(client: Client) -> None:
    """F04."""
    with client.failing(Fault.LATE, max_delay_ns=SECOND_NS // 10), client.stream() as stream:
        for number in range(8):
            ping(stream, number)
        assert [item["req_id"] for item in answers(stream, 8)] == list(range(8))


def test_overtaken_messages_do_not(client: Client) -> None:
    """F05: all arrive, in another order."""
    with client.failing(Fault.REORDERED, max_delay_ns=SECOND_NS // 5), client.stream() as stream:
        for number in range(16):
            ping(stream, number)
        seen = [item["req_id"] for item in answers(stream, 16)]
    assert sorted(seen) == list(range(16))
    assert seen != list(range(16))


def test_a_half_open_socket_says_nothing_and_stays(client: Client) -> None:
    """F09: no message, no pong, no end."""
    with client.stream() as stream:
        ping(stream, 1)
        answers(stream, 1)
        with client.failing(Fault.HALF_OPEN_SOCKET):
            ping(stream, 2)
            with pytest.raises(TimeoutError):
                stream.recv(GIVES_UP_S)
        pong = stream.ping()
        ping(stream, 3)
        with pytest.raises(TimeoutError):
            stream.recv(GIVES_UP_S)
        assert not pong.is_set()
        assert stream.close_code is None


def test_the_link_ends_with_a_partial_fill(client: Client) -> None:
    """F18: the stream breaks before the fill is told; REST knows of it."""
    with client.stream() as stream:
        _follow_executions(client, stream)
        with client.failing(Fault.PARTIAL_FILL_THEN_DISCONNECT):
            order = {**BUY, "ordertype": "market", "volume": "1.5"}
            order_id = client.result("AddOrder", order)["txid"][0]
            with pytest.raises(ConnectionClosedError):
                answers(stream, 99)
    (shown,) = client.result("QueryOrders", {"txid": order_id}).values()
    assert 0 < Decimal(shown["vol_exec"]) < Decimal(shown["vol"])


def test_a_server_stops_at_once_though_a_client_still_waits() -> None:
    host = host_of(plan=FaultPlan(0, {Fault.TIMEOUT_BEFORE_ACCEPT: 1.0}))
    with serving(host) as server:
        waiting = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
        waiting.request("GET", "/0/public/Time")
        started_s = time.monotonic()
    assert time.monotonic() - started_s < 1.0
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        waiting.getresponse()
    waiting.close()


def test_what_breaks_the_feed_stops_the_server() -> None:
    """A market that went wrong is not served on as if nothing had been."""

    def broken() -> Iterator[MarketTrade]:
        message = "expected a price, was none"
        raise InputError(message)
        yield

    with pytest.raises(InputError, match="expected a price"):
        host_of(broken())  # type: ignore[arg-type]


class _BrokenHost(Host):
    def public(self, endpoint: str, fields: Mapping[str, str]) -> bytes:
        message = f"broken at {endpoint}{fields}"
        raise ZeroDivisionError(message)


def test_what_breaks_an_answer_stops_the_server() -> None:
    sound = host_of()
    host = _BrokenHost(sound.exchange, sound.feed, sound._clock, NO_FAULTS)

    def ask() -> None:
        with serving(host) as server:
            assert Client(server, host).request("GET", "/0/public/Time")[0] == 500
            _wait_until(lambda: _is_refused(server.port))

    with pytest.raises(ZeroDivisionError, match="broken at Time"):
        ask()


def test_a_port_that_is_taken_is_refused(client: Client) -> None:
    with pytest.raises(InputError, match=f"expected port {client.server.port} of 127.0.0.1"):
        VenueServer(client.host, client.server.port)


def test_without_the_extra_it_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtra, match="athena venue serve needs the package 'uvicorn'"):
        VenueServer(client.host)


def test_an_outbox_keeps_nothing_behind_the_end_of_its_link() -> None:
    async def run() -> list[str | Link]:
        outbox = Outbox()
        for text in ("one", "two"):
            outbox.put(text, MessageFate())
        outbox.put("lost", MessageFate(Link.CUT))
        outbox.put("late", MessageFate())
        taken = [await outbox.take() for _ in range(3)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(outbox.take(), 0.01)
        return taken

    assert asyncio.run(run()) == ["one", "two", Link.CUT]


def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("athena.venues.serving._outbox._MAX_WAITING", 2)

    async def run() -> list[str | Link]:
        outbox = Outbox()
        for number in range(4):
            outbox.put(str(number), MessageFate())
        return [await outbox.take() for _ in range(3)]

    assert asyncio.run(run()) == ["0", "1", Link.CUT]


def _follow_executions(client: Client, stream: ClientConnection) -> None:
    token = client.result("GetWebSocketsToken")["token"]
    params = {"channel": "executions", "token": token, "snap_orders": True}
    stream.send(json.dumps({"method": "subscribe", "params": params}))
    kinds = {item.get("method") or item.get("type") for item in answers(stream, 2)}
    assert kinds == {"subscribe", "snapshot"}


def _wait_until(is_so: Any) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline_s


def _is_refused(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S):
            return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # it stood in the queue when the listener closed: ask again
