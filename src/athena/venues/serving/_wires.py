"""The sockets below the server, for faults that no protocol has a word for."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from athena.errors import InputError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from uvicorn import Server

LOOPBACK = "127.0.0.1"  # any key opens an account here: it must not be reached from elsewhere


class Wires:
    """The open connections of a server, found by the client's host and port."""

    __slots__ = ("_server",)

    def __init__(self, server: Server) -> None:
        """Look at the connections of a server."""
        self._server = server

    def cut(self, client: tuple[str, int]) -> None:
        """End a connection without a word: the client sees it reset."""
        for transport in self._transports(client):
            transport.abort()

    def freeze(self, client: tuple[str, int]) -> None:
        """Read no more from a connection: it stays open, and nothing answers (F09)."""
        for transport in self._transports(client):
            transport.pause_reading()

    def _transports(self, client: tuple[str, int]) -> Iterator[asyncio.Transport]:
        for connection in list(self._server.server_state.connections):
            transport = connection.transport
            if transport.get_extra_info("peername") == client and not transport.is_closing():
                yield transport


def bind(port: int) -> socket.socket:
    """Take a port of this machine; 0 takes a free one.

    Raises:
        InputError: the port cannot be had.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        listener.close()
        message = f"expected port {port} of {LOOPBACK} to be free, was {error}"
        raise InputError(message, hint="--port 0 takes a free one") from error
    return listener
