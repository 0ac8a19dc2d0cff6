"""The account's owner, who trades by hand at the venue, past the desk."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import Side
from athena.research.simulation._stage import ACCOUNT
from athena.venues.exchange import Status

if TYPE_CHECKING:
    from athena.domain import Instrument
    from athena.research.simulation._stage import Stage
    from athena.venues.exchange import Order

_STREAM = 3  # of the seed's random numbers
_BUYS, _SELLS, _CANCELS = 0.35, 0.7, 0.85  # what is above edits an order
_A_HALF = 0.5
_MOST = Decimal(1_500)


class Owner:
    """Buy, sell, cancel and edit at random: own orders and the desk's alike."""

    def __init__(self, world: Stage) -> None:
        """Own a world's account."""
        self._world = world
        self._random = np.random.default_rng([world.seed, _STREAM])

    def act(self) -> None:
        """Do one thing."""
        draw = float(self._random.random())
        if draw < _SELLS:
            self._trade(Side.BUY if draw < _BUYS else Side.SELL)
            return
        order = self._some_order()
        if order is None:
            return
        if draw < _CANCELS:
            self._world.by_hand({"txid": order.id}, endpoint="CancelOrder")
        else:
            self._edit(order)

    def _trade(self, side: Side) -> None:
        """Trade for up to 1,500 quote units, or what is held; at once, or at a limit."""
        k = int(self._random.integers(0, len(self._world.instruments)))
        item, price = self._world.instruments[k], self._world.price(k)
        worth = _MOST * Decimal(round(float(self._random.random()), 6))
        quantity = (worth / price).quantize(item.lot)
        if side is Side.SELL:
            account = self._world.exchange.account(ACCOUNT)
            quantity = min(quantity, account.balances.get(item.base, Decimal(0)))
        if quantity < item.min_quantity:
            return
        fields = {
            "pair": pair_of(item),
            "type": side.value,
            "ordertype": "market",
            "volume": f"{quantity:f}",
        }
        if float(self._random.random()) < _A_HALF:
            away = Decimal(99 if side is Side.BUY else 101) / 100
            fields |= {
                "ordertype": "limit",
                "price": f"{price * away // item.tick * item.tick:f}",
            }
        self._world.by_hand(fields)

    def _some_order(self) -> Order | None:
        account = self._world.exchange.account(ACCOUNT)
        working = [account.orders[item][-1] for item in account.working]
        working = [order for order in working if order.status is Status.OPEN]
        return working[int(self._random.integers(0, len(working)))] if working else None

    def _edit(self, order: Order) -> None:
        """Move an order's price a little, or make it smaller."""
        item = next(x for x in self._world.instruments if x.symbol == order.request.symbol)
        fields = {"txid": order.id}
        factor = 1 + Decimal(int(self._random.integers(-3, 4))) / 1_000
        is_smaller = float(self._random.random()) < _A_HALF
        if is_smaller:
            fields["order_qty"] = f"{(order.quantity * 3 / 4).quantize(item.lot):f}"
        elif order.terms.trigger is not None:
            fields["trigger_price"] = f"{order.terms.trigger * factor // item.tick * item.tick:f}"
        elif order.terms.limit is not None:
            fields["limit_price"] = f"{order.terms.limit * factor // item.tick * item.tick:f}"
        else:
            return
        self._world.by_hand(fields, endpoint="AmendOrder")


def pair_of(item: Instrument) -> str:
    """Return the name that requests take."""
    return item.symbol.replace("BTC", "XBT").replace("/", "")
