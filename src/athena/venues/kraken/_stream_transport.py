"""Keep Kraken's streams open: private and public channels have an address each, and one voice."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from athena.errors import InputError, MissingExtra, ServiceDown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from websockets.asyncio.client import ClientConnection

_OPEN_TIMEOUT_S = 10.0
_SILENCE_S = 10.0  # a heartbeat comes every second on each address
_MAX_BYTES = 16 * 2**20  # of one message
_MAX_WAITING = 10_000  # messages that nobody has read yet; then the sockets wait

# The library's own log shows every message, and one of them carries the token: this logger stands
# outside the tree, so that no setting of the log opens it.
_QUIET = logging.Logger("quiet", level=logging.CRITICAL)  # noqa: LOG001 (see above)


class StreamTransport:
    """Sockets that are open; `open_stream` makes one."""

    __slots__ = ("_private", "_public", "_texts")

    def __init__(
        self,
        private: ClientConnection,
        public: ClientConnection,
        texts: asyncio.Queue[str | ServiceDown],
    ) -> None:
        """Join sockets; they may be one and the same."""
        self._private = private
        self._public = public
        self._texts = texts

    async def say(self, text: str) -> None:
        """Say a text where it belongs: what carries a token on the private socket.

        Raises:
            ServiceDown: the socket is closed.
        """
        from websockets.exceptions import ConnectionClosed

        has_token = "token" in json.loads(text).get("params", {})
        try:
            await (self._private if has_token else self._public).send(text)
        except ConnectionClosed as error:
            message = "expected an open stream, was closed"
            raise ServiceDown(message) from error

    async def hear(self) -> str:
        """Return the next text.

        Raises:
            ServiceDown: a socket closed, or said nothing for ten seconds (F09).
        """
        heard = await self._texts.get()
        if isinstance(heard, ServiceDown):
            raise heard
        return heard


@asynccontextmanager
async def open_stream(
    private_url: str, public_url: str, *, silence_s: float = _SILENCE_S
) -> AsyncIterator[StreamTransport]:
    """Connect, and close at the end of the block.

    Args:
        private_url: such as `wss://ws-auth.kraken.com/v2`.
        public_url: such as `wss://ws.kraken.com/v2`; the same address is one socket.
        silence_s: how long a socket may say nothing.

    Raises:
        ServiceDown: no connection.
        InputError: an address is none.
        MissingExtra: the extra `live` is not installed.
    """
    texts: asyncio.Queue[str | ServiceDown] = asyncio.Queue(_MAX_WAITING)
    sockets: dict[str, ClientConnection] = {}
    readers: list[asyncio.Task[None]] = []
    try:
        for url in dict.fromkeys((private_url, public_url)):
            sockets[url] = await _connect(url)
        readers = [asyncio.create_task(_read(s, texts, silence_s)) for s in sockets.values()]
        yield StreamTransport(sockets[private_url], sockets[public_url], texts)
    finally:
        await _close(sockets, readers)


async def _connect(url: str) -> ClientConnection:
    try:
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake, InvalidURI
    except ImportError as error:
        extra, needed_for = "live", "the stream of Kraken"
        raise MissingExtra(extra, package="websockets", needed_for=needed_for) from error
    try:
        return await connect(url, open_timeout=_OPEN_TIMEOUT_S, max_size=_MAX_BYTES, logger=_QUIET)
    except InvalidURI as error:
        message = f"expected an address such as wss://ws.kraken.com/v2, was {url}"
        raise InputError(message) from error
    except (OSError, InvalidHandshake) as error:
        message = f"expected a stream at {url}, was {type(error).__name__}"
        raise ServiceDown(message, hint="check the connection and try again") from error


async def _read(
    socket: ClientConnection, texts: asyncio.Queue[str | ServiceDown], silence_s: float
) -> None:
    """Pass on what is heard; the last word is why nothing more comes."""
    from websockets.exceptions import ConnectionClosed

    try:
        while True:
            async with asyncio.timeout(silence_s):
                text = await socket.recv()
            if isinstance(text, bytes):
                await texts.put(ServiceDown("expected text on the stream, was bytes"))
                return
            await texts.put(text)
    except ConnectionClosed as error:
        await texts.put(ServiceDown(f"expected an open stream, was {type(error).__name__}"))
    except TimeoutError:
        await texts.put(ServiceDown(f"expected a sign of life, was nothing for {silence_s:g} s"))


async def _close(
    sockets: Mapping[str, ClientConnection], readers: list[asyncio.Task[None]]
) -> None:
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    for socket in sockets.values():
        # A peer that no longer answers must not keep us for its closing words.
        socket.transport.abort()
        await socket.wait_closed()
