"""The WebSocket side: one connection's texts in and out, until it or a fault ends it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.websockets import WebSocketDisconnect

from athena.venues.faults import Link

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from athena.venues.serving._outbox import Outbox
    from athena.venues.serving._rest import House

_FROZEN_S = 300.0  # a frozen client cannot be seen leaving: its socket is given up at last
_NO_TEXT = 1003  # close code: binary messages are not understood


async def converse(house: House, websocket: WebSocket) -> None:
    """Carry one connection of the stream."""
    await websocket.accept()
    number, outbox = house.host.join()
    hears = asyncio.create_task(_hear(house, websocket, number))
    tells = asyncio.create_task(_tell(websocket, outbox))
    try:
        await asyncio.wait({hears, tells}, return_when=asyncio.FIRST_COMPLETED)
        link = tells.result() if tells.done() else Link.KEPT
        if hears.done():
            hears.result()  # a bug in there must be heard
        hears.cancel()
        tells.cancel()
        if link is not Link.KEPT:
            await _end(house, websocket, link)
    finally:
        house.host.leave(number)


async def _hear(house: House, websocket: WebSocket, number: int) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is None:
            await websocket.close(_NO_TEXT)
            return
        house.host.say(number, text)


async def _tell(websocket: WebSocket, outbox: Outbox) -> Link:
    """Send until the link ends; returns how (kept: the client ended it)."""
    while True:
        item = await outbox.take()
        if isinstance(item, Link):
            return item
        try:
            await websocket.send_text(item)
        except WebSocketDisconnect:
            return Link.KEPT


async def _end(house: House, websocket: WebSocket, link: Link) -> None:
    if websocket.client is None:
        return
    client = (websocket.client.host, websocket.client.port)
    if link is Link.FROZEN:
        house.wires.freeze(client)
        await house.pause(_FROZEN_S)
    house.wires.cut(client)
