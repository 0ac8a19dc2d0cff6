"""A scripted server of language models on loopback: speaks both shapes, fails as it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a model says: its text, given the request.
Says = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class Script:
    """How one request is answered.

    Attributes:
        says: the model's text, or a function of the request.
        status: other than 200, with `body` as it stands.
        body: in the place of a model's answer.
        headers: further headers.
        is_silent: nothing is sent until the server closes.
        is_cut: the connection ends in the middle of the body.
        n_input, n_output: tokens it reports; None reports none.
    """

    says: str | Says = ""
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    is_silent: bool = False
    is_cut: bool = False
    n_input: int | None = 100
    n_output: int | None = 20


@dataclass(frozen=True)
class AskedModel:
    """One request that came: path, headers in lower case, JSON body."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """Return everything that the model was told."""
        return json.dumps(self.body, ensure_ascii=False)


class ModelServer(ThreadingHTTPServer):
    """Answers chat completions and Anthropic's messages.

    Attributes:
        planned: the next answers, in order; then `usual`.
        usual: answer when nothing is planned.
        asked: what came, in order.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.planned: list[Script] = []
        self.usual = Script("{}")
        self.asked: list[AskedModel] = []
        self.came = threading.Semaphore(0)
        self.closing = threading.Event()
        self.turn = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is what some tests want."""


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.turn:
            self.server.asked.append(AskedModel(self.path, headers, body))
            planned = self.server.planned
            script = planned.pop(0) if planned else self.server.usual
        self.server.came.release()
        if script.is_silent:
            self.server.closing.wait(60)
            self.close_connection = True
            return
        answer = script.body if script.body is not None else self._answer(script, body)
        self.send_response(script.status)
        for name, value in script.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer[: len(answer) // 2] if script.is_cut else answer)
        self.close_connection = script.is_cut

    def _answer(self, script: Script, body: dict[str, Any]) -> bytes:
        text = script.says if isinstance(script.says, str) else script.says(body)
        if self.path.endswith("/messages"):
            usage = {"input_tokens": script.n_input, "output_tokens": script.n_output}
            thought = {"type": "thinking", "thinking": "hold hold hold", "signature": "x"}
            values: dict[str, Any] = {
                "type": "message", "role": "assistant", "model": f"{body['model']}-scripted",
                "content": [thought, {"type": "text", "text": text}], "stop_reason": "end_turn",
            }  # fmt: skip
        else:
            usage = {"prompt_tokens": script.n_input, "completion_tokens": script.n_output}
            message = {"role": "assistant", "content": text, "reasoning_content": "sell sell"}
            values = {
                "object": "chat.completion", "model": f"{body['model']}-scripted",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            }  # fmt: skip
        if script.n_input is not None:
            values["usage"] = usage
        return json.dumps(values).encode()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """Serve until the block ends; silent answers are let go first."""
    server = ModelServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
