"""Run an exchange as a server on this machine: HTTP and WebSocket, one thread, one event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from athena.errors import MissingExtra
from athena.venues.serving._wires import LOOPBACK, Wires, bind

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send
    from uvicorn import Server

    from athena.venues.serving._host import Host

_TICK_S = 0.01  # how late the exchange may notice that time has passed
_KEEP_ALIVE_S = 75  # as long as a client may leave its connection idle
_LAST_WORDS_S = 1


class VenueServer:
    """An exchange that clients on this machine can reach; made once, run once."""

    __slots__ = ("_failure", "_host", "_is_stopping", "_listener", "port")

    def __init__(self, host: Host, port: int = 0) -> None:
        """Take the port, so that its number is known; nothing is answered yet.

        Args:
            host: of the exchange.
            port: on 127.0.0.1; 0 takes a free one.

        Raises:
            InputError: the port cannot be had.
            MissingExtra: the extra `web` is not installed.
        """
        _check_extra()
        self._host = host
        self._listener: socket.socket = bind(port)
        self._failure: BaseException | None = None
        self._is_stopping = False
        self.port: int = self._listener.getsockname()[1]

    @property
    def rest_url(self) -> str:
        """Return the address of the REST side, without a path."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def stream_url(self) -> str:
        """Return the address of the stream, public and private channels alike."""
        return f"ws://{LOOPBACK}:{self.port}/v2"

    def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until `stop`, SIGINT or SIGTERM; the signal goes on to whoever handles it.

        Args:
            on_ready: called once clients can connect.

        Raises:
            Exception: whatever the exchange or its feed raised; a broken exchange is not served.
        """
        asyncio.run(self._serve(on_ready))

    def stop(self) -> None:
        """Stop soon; may be called from another thread."""
        self._is_stopping = True

    def close(self) -> None:
        """Give the port back; needed only for a server that was never run."""
        self._listener.close()

    async def _serve(self, on_ready: Callable[[], None]) -> None:
        import uvicorn

        from athena.venues.serving._app import House, build_app

        closing = asyncio.Event()
        # The server and its application need each other; the application comes second.
        config = uvicorn.Config(
            _not_yet,
            http="h11",
            ws="websockets-sansio",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",  # it would call every planned fault an error of ours
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ws_ping_interval=None,  # an exchange does not ask whether we are there
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_LAST_WORDS_S,
        )
        server = uvicorn.Server(config)
        config.app = self._guarded(build_app(House(self._host, Wires(server), closing)))
        keeping = asyncio.create_task(self._keep_going(server, closing, on_ready))
        await server.serve(sockets=[self._listener])
        await keeping
        if self._failure is not None:
            raise self._failure

    async def _keep_going(
        self, server: Server, closing: asyncio.Event, on_ready: Callable[[], None]
    ) -> None:
        """Let time pass for the exchange until the server stops or something breaks."""
        is_listening = True
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(_TICK_S / 10)
            on_ready()
            while not (server.should_exit or self._is_stopping or self._failure):
                self._host.advance()
                if is_listening is self._host.is_unreachable:
                    is_listening = not is_listening
                    await self._listen(server, is_listening=is_listening)
                await asyncio.sleep(_TICK_S)
        finally:
            server.should_exit = True
            closing.set()

    async def _listen(self, server: Server, *, is_listening: bool) -> None:
        """Refuse new connections for a while, or take them again; the open ones stay (F20)."""
        if is_listening:
            await server.startup(sockets=[bind(self.port)])
            return
        for listener in server.servers:
            listener.close()

    def _guarded(self, app: ASGIApp) -> ASGIApp:
        """Note what an application raises, so that the server stops instead of going on."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except Exception as error:
                self._failure = error
                raise

        return guarded


async def _not_yet(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in for the application until there is one."""


def _check_extra() -> None:
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
        import websockets  # noqa: F401
    except ImportError as error:
        extra, needed_for = "web", "athena venue serve"
        package = error.name or "uvicorn"
        raise MissingExtra(extra, package=package, needed_for=needed_for) from error
