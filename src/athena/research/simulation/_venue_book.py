"""What the venue itself knows of the account: positions by whose orders filled, what works there.

The desk is asked for one thing only: for which slot it sent an order. Everything else is read from
the exchange, so that a desk which believes something else can be found out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from athena.domain import Side
from athena.research.simulation._owner import pair_of
from athena.research.simulation._stage import ACCOUNT
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.research.simulation._stage import Stage
    from athena.trading.live import Session
    from athena.venues import Call
    from athena.venues.exchange import Account, Order

_STOPS = frozenset({"stop-loss", "stop-loss-limit"})


class Place(NamedTuple):
    """A position: whose, and in what."""

    slot: int
    instrument: int


@dataclass(slots=True)
class Sent:
    """One order that the desk sent.

    Attributes:
        number: the desk's.
        closes: it is a stop or a market sale: what is left of it at the venue will close.
        ticks: what a lot of it is valued at: its limit, else the last price when it was sent.
        deadline_ns: the venue takes it no later, by its own clock.
        is_refused: the desk was shown that it never came to be.
    """

    client_id: str
    number: int
    place: Place
    is_buy: bool
    is_stop: bool
    closes: bool
    lots: int
    ticks: int
    sent_ns: int
    deadline_ns: int
    is_refused: bool = False


def stamp_ns(text: str) -> int:
    """Return a deadline as Kraken writes it (`2023-11-15T12:00:00.000Z`) in UTC nanoseconds."""
    return round(datetime.fromisoformat(text).timestamp() * 1_000) * 1_000_000


class VenueBook:
    """Follow the account at the venue, order by order and fill by fill.

    Attributes:
        sent: what the desk sent, by client id.
        unseen: those of them that have not come to the venue.
        held: lots that the desk's own orders have left in each position, >= 0.
        gone: lots of each instrument that were sold without being of the position of the order:
            by others, or by two exits of one position that met.
        bought_ns: when a position was enlarged last.
    """

    def __init__(self, world: Stage) -> None:
        """Begin with nothing sent."""
        self._world = world
        self._steps = [(item.lot, item.tick) for item in world.instruments]
        self._index = {item.symbol: k for k, item in enumerate(world.instruments)}
        self._n_fills = 0
        self._n_orders = 0
        self._venue_ids: dict[str, str] = {}
        self.sent: dict[str, Sent] = {}
        self.unseen: dict[str, Sent] = {}
        self.held: dict[Place, int] = {}
        self.gone = [0] * len(world.instruments)
        self.bought_ns: dict[Place, int] = {}
        self._believed: dict[Place, int] = {}

    @property
    def account(self) -> Account:
        """Return the account at the exchange."""
        return self._world.exchange.account(ACCOUNT)

    def note(self, call: Call, session: Session) -> None:
        """Take note of an order that the desk sends."""
        fields, s = call.fields, session.core.s
        client_id = fields["cl_ord_id"]
        number = session.number_of(client_id, "")
        row = session.core.row_of(number) if number else at.NONE
        slot = s.orders[row, at.ORDER_STRATEGY] if row >= 0 else at.NONE
        k = next(
            k for k, item in enumerate(self._world.instruments) if fields["pair"] == pair_of(item)
        )
        kind, is_buy = fields["ordertype"], fields["type"] == "buy"
        lots = self._lots(k, fields["volume"])
        last = s.instruments[k, at.LAST]
        ticks = self._ticks(k, fields["price"]) if kind == "limit" else last
        self.sent[client_id] = self.unseen[client_id] = Sent(
            client_id=client_id,
            number=number,
            place=Place(slot, k),
            is_buy=is_buy,
            is_stop=not is_buy and kind in _STOPS,
            closes=not is_buy and (kind in _STOPS or kind == "market"),
            lots=lots,
            ticks=ticks,
            sent_ns=self._world.heap.now_ns,
            deadline_ns=stamp_ns(fields["deadline"]),
        )

    def _lots(self, k: int, quantity: object) -> int:
        lot = self._steps[k][0]
        return int(type(lot)(str(quantity)) / lot)

    def _ticks(self, k: int, price: object) -> int:
        tick = self._steps[k][1]
        return int(type(tick)(str(price)) / tick)

    def refresh(self) -> None:
        """Take in what has filled since."""
        account = self.account
        if len(account.orders) > self._n_orders:
            for venue_id in islice(account.orders, self._n_orders, None):
                client_id = account.orders[venue_id][0].request.client_id
                if client_id in self.sent:
                    self._venue_ids[client_id] = venue_id
                    self.unseen.pop(client_id, None)
            self._n_orders = len(account.orders)
        for fill in islice(account.fills, self._n_fills, None):
            k = self._index[fill.symbol]
            lots = int(fill.quantity / self._steps[k][0])
            order = account.orders[fill.order_id][0]
            sent = self.sent.get(order.request.client_id)
            is_buy = fill.side is Side.BUY
            if fill.fee_currency == self._world.instruments[k].base:
                self.gone[k] += int(fill.fee / self._steps[k][0]) + 1
            if sent is None:
                self.gone[k] += 0 if is_buy else lots
            elif is_buy:
                self.held[sent.place] = self.held.get(sent.place, 0) + lots
                self.bought_ns[sent.place] = fill.at_ns
            else:
                left = self.held.get(sent.place, 0) - lots
                self.held[sent.place] = max(0, left)
                self.gone[k] += max(0, -left)
        self._n_fills = len(account.fills)

    def order_of(self, sent: Sent) -> Order | None:
        """Return the venue's newest version of an order; None when it never came."""
        venue_id = self._venue_ids.get(sent.client_id)
        return None if venue_id is None else self.account.orders[venue_id][-1]

    def left_at_venue(self) -> Iterator[tuple[Sent, int]]:
        """Yield the desk's orders that work at the venue, and the lots that are left of each."""
        account = self.account
        for venue_id in account.working:
            order = account.orders[venue_id][-1]
            sent = self.sent.get(order.request.client_id)
            if sent is not None:
                yield sent, int(order.left / self._steps[sent.place.instrument][0])

    def refused(self, client_id: str) -> None:
        """Take note that the desk was shown that an order never came to be."""
        if client_id in self.sent:
            self.sent[client_id].is_refused = True
            self.unseen.pop(client_id, None)

    def unknown_exits(self, place: Place) -> Iterator[Sent]:
        """Yield the exits of a position of which nobody knows yet that they never came."""
        return (sent for sent in self.unseen.values() if sent.closes and sent.place == place)

    def locked(self) -> set[int]:
        """Return the instruments of which the resting sale of somebody else reserves coins.

        The venue reserves what a limit order would sell, and the desk does not cancel what is not
        its own: it cannot protect these coins.
        """
        account = self.account
        orders = (account.orders[venue_id][-1] for venue_id in account.working)
        return {
            self._index[order.request.symbol]
            for order in orders
            if order.request.side is Side.SELL and order.request.client_id not in self.sent
        }

    def owned(self) -> dict[Place, int]:
        """Return the lots of each long position that the desk has to answer for.

        The venue knows one holding. When somebody else sells from it, or two exits of one position
        meet, which position gets smaller is the desk's to say: what it says is taken, up to the
        lots that are gone in this way.
        """
        session = self._world.session
        owned = {place: lots for place, lots in self.held.items() if lots > 0}
        if not any(self.gone):
            return owned
        gone = list(self.gone)
        if session is not None:
            s, n = session.core.s, len(self._steps)
            self._believed = {
                place: s.positions[place.slot * n + place.instrument, at.QUANTITY]
                for place in owned
            }
        for place, lots in owned.items():
            less = min(gone[place.instrument], lots - max(0, self._believed.get(place, lots)))
            if less > 0:
                gone[place.instrument] -= less
                owned[place] = lots - less
        return owned
