"""Small servers on loopback that take notices over HTTP and SMTP, and fail as they are told to."""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Asked:
    """One request: path, headers in lower case, and the JSON of its body."""

    path: str
    headers: dict[str, str]
    values: dict[str, Any]


class HttpServer(ThreadingHTTPServer):
    """Takes JSON by POST and remembers it.

    Attributes:
        planned: status and body of the next answers; then 200 and `{"ok": true}`.
        asked: what came, in order.
        taken: released once for each request that was answered with 200.
        hangs: never answer until the server closes.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _HttpHandler)
        self.planned: list[tuple[int, bytes]] = []
        self.asked: list[Asked] = []
        self.came = threading.Semaphore(0)
        self.taken = threading.Semaphore(0)
        self.hangs = False
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is what some tests want."""


class _HttpHandler(BaseHTTPRequestHandler):
    server: HttpServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked(self.path, headers, json.loads(body)))
        self.server.came.release()
        if self.server.hangs:
            self.server.closing.wait(60)
            return
        planned = self.server.planned
        status, answer = planned.pop(0) if planned else (200, b'{"ok": true}')
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        if status == 200:
            self.server.taken.release()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class SmtpServer(socketserver.ThreadingTCPServer):
    """Takes mail, at choice only after STARTTLS, log-in or both.

    Attributes:
        certificate: files of certificate and key; None offers no STARTTLS.
        answers: verb -> line said instead of the usual one.
        said: what the client said, line by line; log-ins in clear.
        mails: bodies as they came.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, certificate: tuple[str, str] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _SmtpHandler)
        self.certificate = certificate
        self.answers: dict[str, str] = {}
        self.said: list[str] = []
        self.mails: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that distrusts the certificate breaks off."""


_USUAL = {
    "EHLO": "250 HELP", "AUTH": "235 welcome", "MAIL": "250 ok", "RCPT": "250 ok",
    "DATA": "354 go on", "RSET": "250 ok", "QUIT": "221 bye", "STARTTLS": "220 go on",
}  # fmt: skip


@dataclass
class _Wire:
    """The reading and the writing end of a connection."""

    connection: Any
    reader: Any = field(init=False)

    def __post_init__(self) -> None:
        self.reader = self.connection.makefile("rb")

    def say(self, line: str) -> None:
        self.connection.sendall(f"{line}\r\n".encode())


class _SmtpHandler(socketserver.BaseRequestHandler):
    server: SmtpServer

    def handle(self) -> None:
        wire = _Wire(self.request)
        wire.say("220 test")
        while line := wire.reader.readline().decode().rstrip():
            verb = line.partition(" ")[0].upper()
            self.server.said.append(line)
            answer = self.server.answers.get(verb, _USUAL.get(verb, "500 what"))
            if verb == "EHLO":
                has_tls = isinstance(wire.connection, ssl.SSLSocket)
                offers = self.server.certificate is not None and not has_tls
                wire.say("250-here")
                wire.say("250-STARTTLS" if offers else "250-AUTH PLAIN")
            wire.say(answer)
            if verb == "STARTTLS" and answer.startswith("220"):
                wire = self._encrypt(wire)
            elif verb == "DATA" and answer.startswith("354"):
                self.server.mails.append(_read_mail(wire))
                wire.say("250 queued")
            elif verb == "QUIT":
                return

    def _encrypt(self, wire: _Wire) -> _Wire:
        assert self.server.certificate is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server.certificate)
        self.request = context.wrap_socket(
            wire.connection, server_side=True, do_handshake_on_connect=False
        )
        self.request.do_handshake()
        return _Wire(self.request)

    def finish(self) -> None:
        self.request.close()


def _read_mail(wire: _Wire) -> str:
    lines = iter(lambda: wire.reader.readline().decode().rstrip("\r\n"), ".")
    return "\n".join(lines)


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    """Serve while the block runs."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            if isinstance(server, HttpServer):
                server.closing.set()
            server.shutdown()
            thread.join()
