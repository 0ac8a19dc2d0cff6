"""A small venue on loopback that serves Kraken's public endpoints, and fails as it is told to."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.kraken_messages import PAIR

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = 3_600
FIRST = 1_699_999_200  # 2023-11-14T22:00:00Z


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        status, body: sent instead of the answer; a body of None sends the right one.
        headers: on top.
        cut: end the connection in the middle of the body.
        hangs: never answer, until the server closes.
    """

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    hangs: bool = False


class KrakenServer(ThreadingHTTPServer):
    """Serves hourly bars from `FIRST`; remembers what it was asked.

    Attributes:
        n_bars: of the history; the last one is still running.
        page: most bars of one answer, counted from `since`; 0 serves the newest 720 as Kraken.
        missing: hours without a bar.
        faults: endpoint -> what goes wrong with its next requests, in order.
        asked: each request: endpoint and query.
        repeats: OHLC forgets `since` and shows the first page again.
        hung: set once a request hangs.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.n_bars = 50
        self.page = 0
        self.missing: set[int] = set()
        self.faults: dict[str, list[Fault]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.repeats = False
        self.pair = dict(PAIR)
        self.hung = threading.Event()
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, endpoint: str, query: dict[str, str]) -> dict[str, Any]:
        if endpoint == "Time":
            return {"unixtime": FIRST + self.n_bars * HOUR - HOUR // 2, "rfc1123": ""}
        if endpoint == "AssetPairs":
            return {"XXBTZUSD": self.pair}
        rows = [self.row(hour) for hour in range(self.n_bars) if hour not in self.missing]
        after = 0 if self.repeats else int(query["since"])
        later = [row for row in rows if row[0] > after]
        shown = later[: self.page] if self.page else rows[-720:]
        if not self.page and after >= shown[0][0]:
            shown = later
        shown = shown or rows[-1:]  # the running bar is always there
        return {"XXBTZUSD": shown, "last": shown[-1][0]}

    def row(self, hour: int) -> list[Any]:
        price = 30_000 + 10 * (hour % 17)
        prices = [f"{price}.0", f"{price + 5}.5", f"{price - 5}.5", f"{price + 1}.0"]
        return [FIRST + hour * HOUR, *prices, f"{price}.4", f"1.{hour:08}", 7]


class _Handler(BaseHTTPRequestHandler):
    server: KrakenServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        endpoint = parts.path.removeprefix("/0/public/")
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.server.asked.append((endpoint, query))
        planned = self.server.faults.get(endpoint, [])
        fault = planned.pop(0) if planned else Fault()
        if fault.hangs:
            self.server.hung.set()
            self.server.closing.wait(60)
            return
        body = fault.body
        if body is None:
            answer = {"error": [], "result": self.server.answer(endpoint, query)}
            body = json.dumps(answer).encode()
        self.send_response(fault.status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault.cut else body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def kraken_server() -> Iterator[KrakenServer]:
    """Serve while the block runs."""
    with KrakenServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
