"""Routes of the served exchange; this module and those it imports need the extra `web`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from athena.venues.serving._rest import House, Rest
from athena.venues.serving._stream import converse

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

__all__ = ["House", "build_app"]


def build_app(house: House) -> Starlette:
    """Build the ASGI application."""

    async def stream(websocket: WebSocket) -> None:
        await converse(house, websocket)

    return Starlette(
        routes=[
            Route("/0/public/{endpoint}", Rest(house, is_private=False), methods=["GET", "POST"]),
            Route("/0/private/{endpoint}", Rest(house, is_private=True), methods=["POST"]),
            WebSocketRoute("/v2", stream),
            WebSocketRoute("/v2/auth", stream),
        ]
    )
