"""What every provider of models promises, over HTTP in both shapes and without."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from athena.language import Completion, Failed, Provider, Why
from athena.language.providers import KNOWN, HttpProvider
from athena.language.providers._http import MAX_BYTES
from athena.language.questions import first_request
from athena.platform import Secret
from tests.language_builder import BUY, model, opinion_question
from tests.model_server import ModelServer, Script, model_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUEST = first_request(opinion_question(), model())
KEY = "canary-key-0123456789"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as serving:
        yield serving


@pytest.fixture(params=sorted(KNOWN))
def ask(request: pytest.FixtureRequest, server: ModelServer) -> Callable[[], Any]:
    """Return a function that asks a provider once; every provider that is known is tried."""

    async def once() -> Completion | Failed:
        async with httpx2.AsyncClient(timeout=5) as client:
            provider: Provider = HttpProvider(
                request.param,
                url=server.url,
                shape=KNOWN[request.param].shape,
                structured="schema",
                key=Secret(KEY),
                client=client,
            )
            assert provider.name == request.param
            return await provider.complete(REQUEST)

    return lambda: asyncio.run(once())


def test_a_text_comes_back_whole_with_its_tokens(ask: Any, server: ModelServer) -> None:
    server.usual = Script(BUY)
    assert ask() == Completion(BUY, 100, 20, "first-model-scripted")
    (asked,) = server.asked
    assert KEY in {asked.headers.get("x-api-key"), asked.headers.get("authorization", "")[7:]}
    assert KEY not in asked.text


def test_tokens_that_are_not_told_are_not_known(ask: Any, server: ModelServer) -> None:
    server.usual = Script(BUY, n_input=None)
    assert ask() == Completion(BUY, None, None, "first-model-scripted")


REFUSAL = b'{"error": {"type": "x", "message": "no\\u001b[2J such\\nmodel"}}'


@pytest.mark.parametrize(
    ("script", "failed"),
    [
        (Script(status=429), Failed(Why.BUSY, "HTTP 429")),
        (
            Script(status=429, body=REFUSAL, headers={"retry-after": "3600"}),
            Failed(Why.BUSY, "HTTP 429: no [2J such model", retry_after_s=3600.0),
        ),
        (
            Script(status=429, headers={"retry-after": "Fri, 20 Nov 2026 16:00:00 GMT"}),
            Failed(Why.BUSY, "HTTP 429"),
        ),
        (
            Script(status=503, headers={"retry-after": "1" * 400}),
            Failed(Why.UNREACHABLE, "HTTP 503", retry_after_s=86_400.0),
        ),
        (Script(status=500, body=b"<html>"), Failed(Why.UNREACHABLE, "HTTP 500")),
        (Script(status=529, body=b'"sorry"'), Failed(Why.UNREACHABLE, "HTTP 529")),
        (Script(status=408), Failed(Why.UNREACHABLE, "HTTP 408")),
        (Script(status=401, body=REFUSAL), Failed(Why.REFUSED, "HTTP 401: no [2J such model")),
        (Script(status=400, body=b'{"error": "bad"}'), Failed(Why.REFUSED, "HTTP 400: bad")),
        (
            Script(status=307, headers={"location": "http://127.0.0.1:1/"}),
            Failed(Why.REFUSED, "HTTP 307: it leads elsewhere, and is not followed"),
        ),
        (Script(body=b"{}"), Failed(Why.BROKEN, "an answer of another shape", may_cost=True)),
        (Script(body=b"[1]"), Failed(Why.BROKEN, "an answer of another shape", may_cost=True)),
        (Script(body=b"hello"), Failed(Why.BROKEN, "an answer of another shape", may_cost=True)),
        (
            Script(body=b"[" * 100_000),
            Failed(Why.BROKEN, "an answer of another shape", may_cost=True),
        ),
        (
            Script(body=b" " * (MAX_BYTES + 1)),
            Failed(Why.BROKEN, f"longer than {MAX_BYTES} bytes", may_cost=True),
        ),
        (
            Script(BUY, is_cut=True),
            Failed(Why.BROKEN, "cut off: RemoteProtocolError", may_cost=True),
        ),
    ],
)
def test_a_failure_is_a_value_and_says_whether_it_may_cost(
    ask: Any, server: ModelServer, script: Script, failed: Failed
) -> None:
    server.usual = dataclasses.replace(
        script,
        body=script.body if script.body is not None else (None if script.status == 200 else b""),
    )
    assert ask() == failed


def test_nobody_there_is_a_failure_that_costs_nothing(ask: Any, server: ModelServer) -> None:
    server.shutdown()
    server.server_close()
    assert ask() == Failed(Why.UNREACHABLE, "no connection: ConnectError")
