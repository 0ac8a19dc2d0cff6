"""The state of the stream: when to connect, what is confirmed, what was missed, if it lives."""

from __future__ import annotations

import json
from enum import Enum, StrEnum, auto
from hashlib import sha256
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.venues.kraken._stream import ChannelMessage

SILENCE_NS = 10 * SECOND_NS  # a heartbeat comes every second: a socket this quiet is dead (F09)
_LONGEST_WAIT_S = 60
_SETTLED_NS = 60 * SECOND_NS


class Channel(StrEnum):
    """What an adapter listens to."""

    EXECUTIONS = "executions"
    BALANCES = "balances"
    TICKER = "ticker"
    INSTRUMENT = "instrument"


class LinkState(Enum):
    """How far the stream is."""

    WAITING = auto()  # for the next try
    ASKING = auto()  # for a token
    OPENING = auto()  # with a token; the driver connects
    SUBSCRIBING = auto()  # open, our orders not confirmed
    UP = auto()


class Backoff:
    """Space tries out: 1, 2, 4 .. 60 s, each with up to half as much again, by key."""

    __slots__ = ("_kind", "_n_tries", "_retry_ns", "_seed")

    def __init__(self, seed: int, kind: str) -> None:
        """Start with a try that is due; seed and kind decide how the waits are spread."""
        self._seed = seed
        self._kind = kind
        self._n_tries = 0
        self._retry_ns = 0

    def is_over(self, now_ns: int) -> bool:
        """Tell whether the wait is over."""
        # A wait longer than any that we set means that our clock was set back (F14).
        return not 0 < self._retry_ns - now_ns <= 2 * _LONGEST_WAIT_S * SECOND_NS

    def wait(self, now_ns: int) -> None:
        """Note a try that failed."""
        wait_ns = min(_LONGEST_WAIT_S, 1 << min(self._n_tries, 6)) * SECOND_NS
        draw = sha256(f"{self._seed}:{self._kind}:{self._n_tries}".encode()).digest()
        self._retry_ns = now_ns + wait_ns + wait_ns * int.from_bytes(draw[:4], "big") // 2**33
        self._n_tries += 1

    def settle(self) -> None:
        """Note a success: the next wait is a short one."""
        self._n_tries = 0


class Link:
    """Follow one stream through its connections; it holds no socket.

    Attributes:
        state: how far it is.
    """

    __slots__ = (
        "_alive_ns", "_backoff", "_heard_ns", "_sequences", "_since_ns", "_token", "state",
    )  # fmt: skip

    def __init__(self, seed: int) -> None:
        """Wait to be asked for; the seed decides how the waits are spread."""
        self.state = LinkState.WAITING
        self._backoff = Backoff(seed, "stream")
        self._token = ""
        self._since_ns = 0
        self._heard_ns = 0
        self._alive_ns = 0
        self._sequences: dict[str, int] = {}

    @property
    def is_wanted(self) -> bool:
        """Tell whether the socket is to be open."""
        return self.state in {LinkState.OPENING, LinkState.SUBSCRIBING, LinkState.UP}

    @property
    def has_orders(self) -> bool:
        """Tell whether this connection has told our orders."""
        return Channel.EXECUTIONS in self._sequences

    @property
    def is_open(self) -> bool:
        """Tell whether what is heard counts."""
        return self.state in {LinkState.SUBSCRIBING, LinkState.UP}

    def is_due(self, now_ns: int) -> bool:
        """Tell whether it is time for a token and a new connection."""
        return self.state is LinkState.WAITING and self._backoff.is_over(now_ns)

    def ask(self) -> None:
        """Note that a token was asked for."""
        self.state = LinkState.ASKING

    def authorise(self, token: str) -> None:
        """Note the token with which the next connection subscribes."""
        self._token = token
        self.state = LinkState.OPENING

    def open(self, now_ns: int) -> None:
        """Note that the socket is open."""
        self.state = LinkState.SUBSCRIBING
        self._since_ns = self._heard_ns = now_ns
        self._sequences = {}

    def subscriptions(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """Return what to say on a new connection: our orders first."""
        private = {"token": self._token}
        return (
            _subscribe(
                1, Channel.EXECUTIONS, private | {"snap_orders": True, "snap_trades": False}
            ),
            _subscribe(2, Channel.BALANCES, private | {"snapshot": True}),
            _subscribe(3, Channel.TICKER, {"symbol": list(symbols), "snapshot": True}),
            _subscribe(4, Channel.INSTRUMENT, {"snapshot": False}),
        )

    def confirm(self) -> None:
        """Note that our orders come in from here on."""
        self.state = LinkState.UP

    def hear(self, now_ns: int) -> bool:
        """Note that something was said; True once a second at most, to pass the news on."""
        self._heard_ns = now_ns
        if self._alive_ns <= now_ns < self._alive_ns + SECOND_NS:
            return False
        self._alive_ns = now_ns
        return True

    def is_next(self, message: ChannelMessage) -> bool | None:
        """Tell whether a message is the next of its channel; None for one that was heard before.

        A connection begins with a snapshot, or with number one.
        """
        sequence = message.sequence
        if sequence is None:
            return True
        before = self._sequences.get(message.channel)
        if before is not None and sequence <= before:
            return None
        is_first = before is None and message.is_snapshot
        if not is_first and sequence != (before or 0) + 1:
            return False
        self._sequences[message.channel] = sequence
        return True

    def trouble(self, now_ns: int) -> str:
        """Return why the connection is of no use any more; empty when it is fine."""
        self._heard_ns = min(self._heard_ns, now_ns)  # our clock may have been set back (F14)
        if self.is_open and now_ns - self._heard_ns >= SILENCE_NS:
            return f"nothing was heard for {SILENCE_NS // SECOND_NS} s"
        if self.state is LinkState.SUBSCRIBING and now_ns - self._since_ns >= SILENCE_NS:
            return f"our orders were not confirmed within {SILENCE_NS // SECOND_NS} s"
        return ""

    def lose(self, now_ns: int) -> None:
        """Note that it is gone; a stream that held a minute is tried again after a second."""
        if self.state is LinkState.UP and now_ns - self._since_ns >= _SETTLED_NS:
            self._backoff.settle()
        self._backoff.wait(now_ns)
        self.state = LinkState.WAITING
        self._token = ""


def _subscribe(number: int, channel: Channel, parameters: dict[str, object]) -> str:
    message = {
        "method": "subscribe",
        "params": {"channel": channel, **parameters},
        "req_id": number,
    }
    return json.dumps(message)
