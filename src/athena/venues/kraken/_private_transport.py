"""Make an adapter's calls over HTTP, signed where they are private; tell what left and what came.

Only a request of which not a byte was written counts as not sent.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from athena.domain import SECOND_NS
from athena.errors import InputError
from athena.venues._contract import CallFailed, HttpAnswer
from athena.venues.kraken._transport import MAX_BYTES, retry_after_s

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    import httpx2

    from athena.venues._contract import Call
    from athena.venues.kraken._signing import Signer

_CONNECT_TIMEOUT_S = 3.0  # others wait for their turn meanwhile
# Two requests written at once on two connections may be read in either order, and the older nonce
# is then refused: the next one waits for the answer, or this long where the answer is slow.
_LEAD_S = 0.25


def _nothing() -> None:
    """Do nothing."""


class _Departure:
    """How far a request got; it holds its turn until Kraken must have seen its nonce."""

    def __init__(self, turn: asyncio.Lock, on_leaving: Callable[[], None]) -> None:
        self._turn = turn
        self._on_leaving = on_leaving
        self._is_mine = False
        self._timer: asyncio.TimerHandle | None = None
        self.has_begun = False

    async def wait_for_turn(self) -> None:
        await self._turn.acquire()
        self._is_mine = True

    def end_turn(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._is_mine:
            self._is_mine = False
            self._turn.release()

    async def note(self, name: str, _: object) -> None:
        """Hear what the connection does; called by httpx2."""
        if name.endswith("send_request_headers.started"):
            self.has_begun = True
            self._on_leaving()
        elif name.endswith("send_request_body.complete") and self._is_mine:
            self._timer = asyncio.get_running_loop().call_later(_LEAD_S, self.end_turn)


class PrivateTransport:
    """Connections to the REST interface; use it in an `async with` block.

    Calls may wait for their answers at the same time, but Kraken refuses a nonce below one that
    it has seen, so that a call is signed only when the one before is answered or well on its way.
    """

    __slots__ = ("_client", "_signer", "_turn", "_url")

    def __init__(self, url: str, signer: Signer) -> None:
        """Prepare to connect; nothing is sent yet.

        Args:
            url: address without a path, such as `https://api.kraken.com`.
            signer: for private calls, to the same address.
        """
        import httpx2

        self._url = url.rstrip("/")
        self._signer = signer
        # A call has a timeout of its own; this one only bounds how long it may keep the turn.
        self._client = httpx2.AsyncClient(timeout=httpx2.Timeout(None, connect=_CONNECT_TIMEOUT_S))
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def make(
        self, call: Call, on_leaving: Callable[[], None] = _nothing
    ) -> HttpAnswer | CallFailed:
        """Make a call and return its complete answer, whatever its status, or why there is none.

        Args:
            call: its `timeout_ns` covers everything, from the wait for the turn to the last byte.
            on_leaving: told before the first byte leaves; until then a call can be cancelled.

        Raises:
            InputError: the address is none.
        """
        import httpx2

        departure = _Departure(self._turn, on_leaving)
        try:
            async with asyncio.timeout(call.timeout_ns / SECOND_NS):
                return await self._exchange(call, departure)
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            message = f"expected an address such as https://api.kraken.com, was {self._url}"
            raise InputError(message) from error
        except TimeoutError:
            reason = f"no answer to {call.endpoint} within {call.timeout_ns / SECOND_NS:g} s"
        except (httpx2.DecodingError, httpx2.TransportError) as error:
            reason = f"{type(error).__name__} at {call.endpoint}"
        finally:
            departure.end_turn()
        return CallFailed(is_sent=departure.has_begun, reason=reason)

    async def _exchange(self, call: Call, departure: _Departure) -> HttpAnswer | CallFailed:
        if call.is_private:
            await departure.wait_for_turn()
        request = self._request(call, departure)
        answer = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    return CallFailed(is_sent=True, reason=f"more than {MAX_BYTES} bytes")
        finally:
            await answer.aclose()
        return HttpAnswer(answer.status_code, bytes(body), retry_after_s(answer))

    def _request(self, call: Call, departure: _Departure) -> httpx2.Request:
        extensions = {"trace": departure.note}
        if not call.is_private:
            address = f"{self._url}/0/public/{call.endpoint}"
            return self._client.build_request(
                "GET", address, params=dict(call.fields), extensions=extensions
            )
        signed = self._signer.sign(call.endpoint, call.fields)
        return self._client.build_request(
            "POST",
            signed.url,
            content=signed.body,
            headers=dict(signed.headers),
            extensions=extensions,
        )
