"""An adapter with a second listener: what the venue says is recorded besides being acted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.trading.live import Effect, Event
    from athena.venues import Adapter, Call, CallFailed, Capabilities, HttpAnswer, Step


class Overheard:
    """Do what an adapter does, and tell somebody of its events."""

    __slots__ = ("_adapter", "_tell")

    def __init__(self, adapter: Adapter, tell: Callable[[Event], None]) -> None:
        """Listen in; `tell` only takes note, the session has not heard of the event yet."""
        self._adapter = adapter
        self._tell = tell

    @property
    def capabilities(self) -> Capabilities:
        """Return what the venue does by itself."""
        return self._adapter.capabilities

    @property
    def venue_ahead_ns(self) -> int | None:
        """Return how far the venue's clock is proven to be ahead of ours."""
        return self._adapter.venue_ahead_ns

    def begin(self, now_ns: int) -> Step:
        """Start."""
        return self._told(self._adapter.begin(now_ns))

    def self_test_calls(self, now_ns: int) -> tuple[Call, ...]:
        """Return what the venue is to check before new risk is taken."""
        return self._adapter.self_test_calls(now_ns)

    def read_self_test(self, answer: HttpAnswer | CallFailed) -> str:
        """Return why the venue would not take a test order; empty when it would."""
        return self._adapter.read_self_test(answer)

    def carry_out(self, effect: Effect, now_ns: int) -> Step:
        """Turn an effect into requests."""
        return self._told(self._adapter.carry_out(effect, now_ns))

    def answered(self, call: Call, answer: HttpAnswer | CallFailed, now_ns: int) -> Step:
        """Hear what came of a request."""
        return self._told(self._adapter.answered(call, answer, now_ns))

    def stream_opened(self, now_ns: int) -> Step:
        """Hear that the stream is open."""
        return self._told(self._adapter.stream_opened(now_ns))

    def heard(self, text: str, now_ns: int) -> Step:
        """Hear one text of the stream."""
        return self._told(self._adapter.heard(text, now_ns))

    def stream_lost(self, reason: str, now_ns: int) -> Step:
        """Hear that the stream is gone."""
        return self._told(self._adapter.stream_lost(reason, now_ns))

    def tick(self, now_ns: int) -> Step:
        """Do what time asks for."""
        return self._told(self._adapter.tick(now_ns))

    def _told(self, step: Step) -> Step:
        for event in step.events:
            self._tell(event)
        return step
