"""The causes that a gap between two runs is split into."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    """One cause of a gap; `meaning` says in a sentence what it holds."""

    SIGNAL = "signal"
    SIZE = "size"
    RISK = "risk"
    PRICE_LATENCY = "price_latency"
    PARTIAL_FILL = "partial_fill"
    FEE = "fee"
    FUNDING = "funding"
    MISSING_DATA = "missing_data"
    OPERATOR = "operator"

    @property
    def meaning(self) -> str:
        """Return what a person should know about the part."""
        return _MEANINGS[self]


_MEANINGS = {
    Part.SIGNAL: "Only one run wanted to trade.",
    Part.SIZE: "Both wanted the same trade, in another size.",
    Part.RISK: "Limits or breakers let one trade more than the other, or closed a position.",
    Part.PRICE_LATENCY: "The same quantity at another price, or at another time.",
    Part.PARTIAL_FILL: "The venue filled less of the same order.",
    Part.FEE: "Another fee for the same quantity.",
    Part.FUNDING: "Funding and interest.",
    Part.MISSING_DATA: "One run had no bar, or did not know what it has to know to trade.",
    Part.OPERATOR: "A person paused, stopped, closed or traded by hand.",
}
