"""What every question of the desk shares: facts quoted open or blind, and the time left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from athena.errors import CheckFailed
from athena.language import Asset, PriceOf, VolumeOf, blind_block, data_block

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.language import Answered, Fact, Unanswered, Words

_MS_PER_S = 1_000
_PRICES = (
    "atr_", "bollinger_", "close", "ema_", "keltner_", "macd", "session_vwap", "sma_",
    "supertrend",
)  # fmt: skip
_VOLUMES = ("obv", "volume_")
_SIDES = frozenset({"supertrend_side"})


def quoted(name: str, facts: Fact, as_of_ns: int, *, is_blind: bool) -> str:
    """Quote facts for a prompt; blind without names, dates and price levels (DK-21).

    Raises:
        CheckFailed: a fact would give the market away, because it does not say what it is.
    """
    if is_blind:
        return blind_block(name, facts, as_of_ns).block
    return data_block(name, facts)


def number_of(symbol: str, name: str, value: float) -> Fact:
    """Say of a number what it is, by the name of its indicator, so that it can be shown blind."""
    if name.startswith(_PRICES) and name not in _SIDES:
        return PriceOf(symbol, value)
    return VolumeOf(symbol, value) if name.startswith(_VOLUMES) else value


def gives_away(
    symbol: str, text: str | Words, as_of_ns: int, beside: Mapping[str, Fact] | None = None
) -> bool:
    """Tell whether a text says which market or when: it may not be shown blind.

    Args:
        symbol: instrument that must not be named.
        text: of a model, which may hold no name, date or level; as `Words`, of others, which may
            hold nothing but words that fit any market.
        as_of_ns: moment of the decision, UTC.
        beside: facts whose price levels must not be in it either.
    """
    facts: dict[str, Fact] = {**(beside or {}), "instrument": Asset(symbol)}
    dropped = blind_block("facts", facts, as_of_ns).n_dropped
    try:
        return blind_block("facts", {**facts, "text": text}, as_of_ns).n_dropped > dropped
    except CheckFailed:
        return True


class Countdown:
    """The time that several questions share, counted by what they report.

    No clock is read, so that a replay stops where the first run did.
    """

    def __init__(self, total_s: float) -> None:
        """Begin with all of it."""
        self.left_s = total_s

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more can be asked."""
        return self.left_s <= 0

    def take(self, reply: Answered[Any] | Unanswered) -> None:
        """Take off what a question took."""
        self.left_s -= sum(attempt.latency_ms for attempt in reply.attempts) / _MS_PER_S


def why_not(reply: Unanswered) -> str:
    """Say in words why there is no answer."""
    return f"{reply.why}: {reply.detail}"
