"""A local exchange that speaks Kraken's wire: the venue of paper runs, simulation and tests."""

from athena.venues.exchange._exchange import Exchange
from athena.venues.exchange._settings import ExchangeSettings, Listing
from athena.venues.exchange._state import Account, Order, Status

__all__ = ["Account", "Exchange", "ExchangeSettings", "Listing", "Order", "Status"]
