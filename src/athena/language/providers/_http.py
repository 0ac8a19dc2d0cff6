"""Ask a provider over HTTP: one request, the whole answer or why there is none."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

from athena.language.questions import Completion, Failed, Why

if TYPE_CHECKING:
    import httpx2

    from athena.language.providers._shapes import Shape, Structured
    from athena.language.questions import Request
    from athena.platform import Secret

MAX_BYTES = 1_000_000
_OK = 200
_REDIRECTS = range(300, 400)
_TIMED_OUT = 408
_BUSY = 429
_SERVER_ERRORS = range(500, 600)
_LONGEST_WORDS = 200
_LONGEST_WAIT_S = 86_400.0


class HttpProvider:
    """A provider that is reached over HTTP; connections are kept by the client it is given."""

    def __init__(  # noqa: PLR0913  # what a provider is
        self,
        name: str,
        *,
        url: str,
        shape: Shape,
        structured: Structured,
        key: Secret | None,
        client: httpx2.AsyncClient,
    ) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            name: that models are configured with.
            url: address, to which the shape's path is added.
            shape: how it is spoken to.
            structured: how it takes the form of an answer.
            key: proves who asks; None where nobody has to.
            client: shared by all providers; its owner closes it.
        """
        self._name = name
        self._url = f"{url.rstrip('/')}{shape.path}"
        self._shape = shape
        self._structured: Structured = structured
        self._key = key
        self._client = client

    @property
    def name(self) -> str:
        """Return the name that models are configured with."""
        return self._name

    async def complete(self, request: Request) -> Completion | Failed:
        """Ask once and return the whole text, or why there is none."""
        import httpx2

        body = json.dumps(self._shape.body(request, self._structured), ensure_ascii=False)
        key = self._key.reveal() if self._key else ""
        headers = {"Content-Type": "application/json", **self._shape.headers(key)}
        try:
            async with self._client.stream(
                "POST", self._url, content=body.encode(), headers=headers
            ) as answer:
                content = await _whole(answer)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            return Failed(Why.UNREACHABLE, f"no connection: {type(error).__name__}")
        # Errors of the library may quote the address, never more than that: the kind is enough.
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Failed(Why.BROKEN, f"cut off: {type(error).__name__}", may_cost=True)
        if content is None:
            return Failed(Why.BROKEN, f"longer than {MAX_BYTES} bytes", may_cost=True)
        if answer.status_code != _OK:
            return _failure(answer.status_code, answer.headers.get("retry-after"), content)
        return self._read(content)

    def _read(self, content: bytes) -> Completion | Failed:
        values = _object(content)
        found = self._shape.read(values) if values is not None else None
        if found is None:
            return Failed(Why.BROKEN, "an answer of another shape", may_cost=True)
        return Completion(found.text, found.n_input, found.n_output, _shown(found.served_by))


async def _whole(answer: httpx2.Response) -> bytes | None:
    """Read to the end; None when there is more than anybody would ask for."""
    content = bytearray()
    async for chunk in answer.aiter_bytes():
        content += chunk
        if len(content) > MAX_BYTES:
            return None
    return bytes(content)


def _failure(status: int, retry_after: str | None, content: bytes) -> Failed:
    words = _words(content)
    detail = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    if status == _BUSY:
        return Failed(Why.BUSY, detail, retry_after_s=_seconds(retry_after))
    if status == _TIMED_OUT or status in _SERVER_ERRORS:
        return Failed(Why.UNREACHABLE, detail, retry_after_s=_seconds(retry_after))
    if status in _REDIRECTS:
        return Failed(Why.REFUSED, f"HTTP {status}: it leads elsewhere, and is not followed")
    return Failed(Why.REFUSED, detail)


def _seconds(text: str | None) -> float | None:
    # The other form, a date, is read by nobody who asks models: it counts as not said.
    if text is None or not text.strip().isdecimal():
        return None
    return min(float(text), _LONGEST_WAIT_S)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _words(content: bytes) -> str:
    """Return what a refusal says, for a person."""
    match _object(content):
        case {"error": {"message": str() as words}} | {"error": str() as words}:
            return _shown(words)
    return ""


def _shown(text: str) -> str:
    """Make a text of others fit for one line of a log."""
    readable = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join(readable.split())[:_LONGEST_WORDS]
