"""The net result of each trade of the trading book, when it closes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core.exposure import in_trading_book
from athena.trading._core.positions import position_row
from athena.trading.algorithms import ProfitRealised
from athena.trading.live._order_news import is_booked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.trading._core.layout import State, Table

_HEADER = 2


class Profits:
    """Follow the trades that are open; the core forgets what one came to as it closes it."""

    __slots__ = ("_nets", "_realised")

    def __init__(self) -> None:
        """Begin with no trade open and nothing realised."""
        self._realised = 0
        self._nets: dict[int, int] = {}

    def take(self, s: State, words: Table, position: int, end: int) -> ProfitRealised | None:
        """Take one input of the core; return what a trade came to that it closed.

        Args:
            s: the state after exactly this input.
            words: of the journal.
            position: where the input's record begins.
            end: where the records that it led to end.
        """
        realised = s.account[at.REALISED] - self._realised
        self._realised += realised
        first = position + _HEADER
        is_fill = words[position] & 0xFF == at.R_REPORT and words[first] == codes.FILLED_REPORT
        if not is_fill or not is_booked(words, position, end):
            return None
        terms, fee = words[first + 8], words[first + 4]
        instrument, strategy = terms & 0xFF, (terms >> 8) & 0xFF
        if not in_trading_book(s, strategy):
            return None
        row = position_row(s, strategy, instrument)
        net = self._nets.pop(row, 0) + realised - fee
        if s.positions[row, at.TRADE_NET] != net:  # the core began anew: the trade is over
            return ProfitRealised(net, s.account[at.NOW_NS])
        if s.positions[row, at.QUANTITY] != 0:
            self._nets[row] = net
        return None

    def to_values(self) -> dict[str, object]:
        """Return it as JSON, for a snapshot."""
        return {"realised": self._realised, "nets": sorted(map(list, self._nets.items()))}

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Profits:
        """Build it from a snapshot's JSON."""
        profits = cls()
        profits._realised = values["realised"]
        profits._nets = dict(values["nets"])
        return profits
