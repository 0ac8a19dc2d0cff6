"""What every venue's adapter promises: effects in, requests out; answers in, events out.

An adapter does no I/O and reads no clock. Whoever drives it makes the HTTP requests, keeps the
stream open, tells it what came back and when, and hands its events to the session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.domain import OrderType, TimeInForce
    from athena.trading.live import Alert, Effect, Event
    from athena.venues.limits import Charge, Priority


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back over HTTP, complete.

    Attributes:
        status: HTTP status code.
        body: the bytes, decompressed.
        retry_after_s: the server's hint how long to wait, or None.
    """

    status: int
    body: bytes
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to make.

    Attributes:
        id: unique within an adapter.
        endpoint: such as `AddOrder`.
        fields: of the form or the query; no key, nonce or signature.
        is_private: signed with the account's key.
        priority: who goes first where the rate limit leaves room for one.
        charges: what it costs the account's counters.
        deadline_ns: when waiting for room ends, our clock; an order that cannot leave in time is
            never sent.
        timeout_ns: how long to wait for the answer.
        withdraws: id of the call that this one makes needless; 0 for none. While not a byte of it
            has left, neither leaves: both are answered as not sent and held back.
    """

    id: int
    endpoint: str
    fields: Mapping[str, str] = field(repr=False)
    is_private: bool
    priority: Priority
    charges: tuple[Charge, ...]
    deadline_ns: int
    timeout_ns: int
    withdraws: int = 0


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A request without an answer that can be read.

    Attributes:
        is_sent: False only with proof that nothing left: a connection that was refused, a name
            that could not be resolved, a deadline that passed while waiting for room.
        reason: what happened, without a secret.
        is_held_back: we kept it from leaving, for our own rate limit or because it was taken back;
            that is no failure of the venue.
    """

    is_sent: bool
    reason: str
    is_held_back: bool = False


NO_ROOM = CallFailed(
    is_sent=False, reason="no room under the rate limit in time", is_held_back=True
)
WITHDRAWN = CallFailed(is_sent=False, reason="taken back before it left", is_held_back=True)


@dataclass(frozen=True, slots=True)
class Pause:
    """The venue asked to be left alone: nothing that charges a counter leaves before a time.

    Attributes:
        bucket: the counter, as a `Charge` names it.
        until_ns: our clock.
    """

    bucket: str
    until_ns: int


@dataclass(frozen=True, slots=True)
class Step:
    """What an adapter wants after it was told something.

    Attributes:
        calls: requests to make, the first first; each is answered once.
        messages: texts to say on the stream, in order.
        events: for the session, in order.
        wants_stream: False where the stream has to be closed, or must not be opened yet.
        pauses: for the account's rate limiter.
        alerts: for people.
    """

    calls: tuple[Call, ...] = ()
    messages: tuple[str, ...] = field(default=(), repr=False)  # they may carry a token
    events: tuple[Event, ...] = ()
    wants_stream: bool = True
    pauses: tuple[Pause, ...] = ()
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a venue does by itself, as the adapter uses it; the docs' table is made from it.

    Attributes:
        name: of the venue.
        order_types: sent as they are; the core emulates the others.
        times_in_force: of a limit order.
        max_leverage: that the adapter sends; 1 is spot.
        has_post_only: a limit order that would take is refused.
        has_reduce_only: an order that can only close.
        has_amend: size and trigger change and the order keeps its ids.
        has_conditional_close: an order placed by the venue for each fill of another.
        has_oco: two orders of which one cancels the other.
        has_trailing: the venue moves a stop by itself.
        has_validate: an order is checked and not placed.
        has_deadline: the venue refuses an order that arrives too late.
        has_dead_man: the venue cancels everything when it hears nothing.
        has_client_ids: an order is found by the id that we gave it.
        has_execution_stream, has_balance_stream, has_price_stream: pushed, not polled.
        has_full_history: closed orders, fills and transfers reach back as far as asked.
        page_size: entries of one page of history.
    """

    name: str
    order_types: tuple[OrderType, ...]
    times_in_force: tuple[TimeInForce, ...]
    max_leverage: int
    has_post_only: bool
    has_reduce_only: bool
    has_amend: bool
    has_conditional_close: bool
    has_oco: bool
    has_trailing: bool
    has_validate: bool
    has_deadline: bool
    has_dead_man: bool
    has_client_ids: bool
    has_execution_stream: bool
    has_balance_stream: bool
    has_price_stream: bool
    has_full_history: bool
    page_size: int


class Adapter(Protocol):
    """Translate between a session and one venue; nothing raises but a bug.

    Every time is UTC nanoseconds of our clock. Each method returns what to do next.
    """

    @property
    def capabilities(self) -> Capabilities:
        """Return what the venue does by itself."""
        ...

    @property
    def venue_ahead_ns(self) -> int | None:
        """Return how far the venue's clock is proven to be ahead of ours; None before it is."""
        ...

    def begin(self, now_ns: int) -> Step:
        """Start: rules and fees first, then the stream and the account."""
        ...

    def self_test_calls(self, now_ns: int) -> tuple[Call, ...]:
        """Return the smallest order of each instrument, to be checked and not placed.

        Nothing before the rules and a price of each are known. The answers go to
        `read_self_test`, not to `answered`.
        """
        ...

    def read_self_test(self, answer: HttpAnswer | CallFailed) -> str:
        """Return why the venue would not take an order of the self-test; empty when it would."""
        ...

    def carry_out(self, effect: Effect, now_ns: int) -> Step:
        """Turn an effect into requests; an `Alert` is none of its business."""
        ...

    def answered(self, call: Call, answer: HttpAnswer | CallFailed, now_ns: int) -> Step:
        """Hear what came of a request."""
        ...

    def stream_opened(self, now_ns: int) -> Step:
        """Hear that the stream is open."""
        ...

    def heard(self, text: str, now_ns: int) -> Step:
        """Hear one text of the stream."""
        ...

    def stream_lost(self, reason: str, now_ns: int) -> Step:
        """Hear that the stream broke, was closed or could not be opened."""
        ...

    def tick(self, now_ns: int) -> Step:
        """Do what time asks for; called about once a second."""
        ...
