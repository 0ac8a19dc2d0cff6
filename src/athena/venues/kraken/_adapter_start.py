"""What has to be read before the first order: rules, fees, the venue's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.venues.kraken._adapter_calls import Question
from athena.venues.kraken._market import read_server_time
from athena.venues.kraken._pairs import read_asset_pairs, read_trade_volume

if TYPE_CHECKING:
    from athena.venues.kraken._fields import Fields
    from athena.venues.kraken._markets import Markets
    from athena.venues.kraken._pairs import AccountFees


class Opening:
    """Ask for rules, fees and time, in this order; each answer is checked before the next.

    Attributes:
        markets: with every name once the rules are in.
        fees: of the account, or None before they are in.
        is_done: everything was read and agrees with the session.
    """

    __slots__ = ("_left", "fees", "is_done", "markets")

    def __init__(self, markets: Markets) -> None:
        """Begin with the session's own instruments."""
        self.markets = markets
        self.fees: AccountFees | None = None
        self.is_done = False
        self._left = ["AssetPairs", "TradeVolume", "Time"]

    def question(self) -> Question | None:
        """Return what to ask next; None when all is read."""
        if not self._left:
            return None
        pairs = {"pair": ",".join(self.markets.pairs)}
        match self._left[0]:
            case "AssetPairs":
                return Question("AssetPairs", pairs, is_private=False)
            case "TradeVolume":
                return Question("TradeVolume", pairs)
        return Question("Time", is_private=False)

    def take(self, result: Fields) -> None:
        """Take the answer to the last question in.

        Raises:
            VenueError: it cannot be read, or the rules are not the session's.
        """
        match self._left[0]:
            case "AssetPairs":
                self.markets = self.markets.with_rules(read_asset_pairs(result))
            case "TradeVolume":
                self.fees = read_trade_volume(result)
            case _:
                read_server_time(result)
        del self._left[0]
        self.is_done = not self._left
