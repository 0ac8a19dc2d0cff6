"""Words that carry a mood, and the symbols that a text names: the last resort without a model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POSITIVE = frozenset(
    {
        "surge",
        "rally",
        "gain",
        "gains",
        "growth",
        "strong",
        "bullish",
        "record",
        "profit",
        "upgrade",
        "approval",
        "adoption",
        "breakthrough",
    }
)
NEGATIVE = frozenset(
    {
        "crash",
        "plunge",
        "loss",
        "losses",
        "weak",
        "bearish",
        "down",
        "fraud",
        "hack",
        "lawsuit",
        "downgrade",
        "bankruptcy",
    }
)
_NEGATIONS = frozenset({"not", "no", "never", "without", "isn't", "wasn't", "doesn't", "hardly"})
_NEGATION_REACH = 3
_WORD = re.compile(r"[a-z']+")


def score_text(text: str) -> float:
    """Score one text by its words, -1..1; 0 without a word that carries a mood (DK-07).

    Whole words count, and a negation among the three words before turns one around.
    """
    words = _WORD.findall(text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    found = [_mood(words, place) for place in range(len(words))]
    moods = [mood for mood in found if mood]
    return sum(moods) / len(moods) if moods else 0.0


def _mood(words: Sequence[str], place: int) -> int:
    word = words[place]
    mood = (word in POSITIVE) - (word in NEGATIVE)
    before = words[max(0, place - _NEGATION_REACH) : place]
    return -mood if mood and not _NEGATIONS.isdisjoint(before) else mood


def symbols_in(text: str, names: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the known symbols that a text names (DK-08).

    Args:
        text: anything.
        names: symbol -> what it is called. Names in capitals, such as tickers, must stand in
            capitals; others in any case. All must stand as whole words.
    """
    return tuple(
        symbol for symbol, called in names.items() if any(_names(text, name) for name in called)
    )


def _names(text: str, name: str) -> bool:
    flags = re.NOFLAG if name.isupper() else re.IGNORECASE
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, flags) is not None
