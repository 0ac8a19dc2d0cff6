"""The REST side: an HTTP request in, the exchange's answer out, or what a fault leaves of it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

from athena.domain import SECOND_NS
from athena.venues.faults import Answer
from athena.venues.serving._credentials import refusal_of

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from athena.venues.faults import RequestFate
    from athena.venues.serving._host import Host
    from athena.venues.serving._wires import Wires

_BAD_REQUEST = 400
_JSON = "application/json"
_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


@dataclass(frozen=True, slots=True)
class House:
    """What every connection works with.

    Attributes:
        closing: set when the server stops; whoever waits must not keep it.
    """

    host: Host
    wires: Wires
    closing: asyncio.Event

    async def pause(self, delay_s: float) -> None:
        """Wait, but not beyond the server's end."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closing.wait(), delay_s)


class Rest:
    """Answer the public endpoints or the private ones; an ASGI application."""

    __slots__ = ("_house", "_is_private")

    def __init__(self, house: House, *, is_private: bool) -> None:
        """Answer for a house."""
        self._house = house
        self._is_private = is_private

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return  # it left before its request was complete: nothing was carried out
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        endpoint = request.path_params["endpoint"]
        fields = await _read_fields(request)
        if fields is None:
            return Response("expected a form in UTF-8", _BAD_REQUEST)
        house = self._house
        fate = house.host.next_fate(endpoint)
        if fate.delay_ns:
            await house.pause(fate.delay_ns / SECOND_NS)
        body = b""
        if fate.is_carried_out or fate.answer is Answer.UNRESOLVED:
            # Whoever speaks to us has found us: an outage of names stops new connections only.
            body = self._carry_out(request, endpoint, fields)
        if fate.answer_delay_ns:
            await house.pause(fate.answer_delay_ns / SECOND_NS)
        if fate.answer is Answer.NONE:
            return _Silence(house)
        return _response(fate, body)

    def _carry_out(self, request: Request, endpoint: str, fields: dict[str, str]) -> bytes:
        if not self._is_private:
            return self._house.host.public(endpoint, fields)
        refusal = refusal_of(request.headers, fields)
        if refusal:
            return _error_body(refusal)
        return self._house.host.private(request.headers["api-key"], endpoint, fields)


class _Silence(Response):
    """Never answer: the client has to give up, or the server to stop."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        leaving = asyncio.create_task(_until_gone(receive))
        closing = asyncio.create_task(self._house.closing.wait())
        await asyncio.wait({leaving, closing}, return_when=asyncio.FIRST_COMPLETED)
        for task in (leaving, closing):
            task.cancel()
        self._house.wires.cut(tuple(scope["client"]))


class _Cut(Response):
    """Promise a body, send its first half and end the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_fields(request: Request) -> dict[str, str] | None:
    """Read query and form; None when the form is no text."""
    body = await request.body()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    return dict(pairs + parse_qsl(text, keep_blank_values=True))


def _response(fate: RequestFate, body: bytes) -> Response:
    if fate.answer is Answer.CUT:
        return _Cut(body, media_type=_JSON)
    if fate.answer in {Answer.HTML, Answer.SERVER_ERROR}:
        title = f"{fate.status} upstream" if fate.status != 200 else "One moment"  # noqa: PLR2004
        return HTMLResponse(_PAGE.format(title), fate.status)
    if fate.answer is Answer.TOO_MANY:
        hint = fate.retry_after_s
        headers = {} if hint is None else {"Retry-After": str(hint)}
        return Response(_error_body("EAPI:Rate limit exceeded"), fate.status, headers, _JSON)
    if fate.answer is Answer.BAD_NONCE:
        return Response(_error_body("EAPI:Invalid nonce"), media_type=_JSON)
    return Response(body, media_type=_JSON)


def _error_body(code: str) -> bytes:
    return json.dumps({"error": [code]}).encode()
