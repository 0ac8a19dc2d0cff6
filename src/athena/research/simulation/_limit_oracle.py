"""A second opinion on every approval, from what the venue knows and what may still reach it (I6).

Positions are those of the venue. An order that the desk sent counts with what is left of it at the
venue; one that the venue has not seen counts whole until the desk was shown that it never came to
be, or until the earliest time at which its absence could be proven. So an order whose fate is
unknown counts at its worst, whatever the desk makes of it.

Equity and last prices are the desk's, which I1 and I2 compare with the venue; a resting order is
valued at its limit, a market order at the price when it was sent. Coins that others bought are
left out. Two percent of each limit are let pass: prices move between two valuations, and the desk
values a market order whose fill it has not seen at the price when it was sent.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from athena.domain import MINUTE_NS, OrderType, Purpose, Side, from_money
from athena.research.simulation._protection import ABSENT_AFTER_NS
from athena.trading import layout as at
from athena.trading import limits as limit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.research.simulation._stage import Stage
    from athena.research.simulation._venue_book import Place, Sent, VenueBook
    from athena.trading import Intent
    from athena.trading.live import Session

_MONEY = 10**8
_SLACK_PPM = 20_000


class LimitOracle:
    """Judge approvals again, by sums of its own."""

    def __init__(self, world: Stage, book: VenueBook) -> None:
        """Look at a world's orders, as its venue knows them."""
        self._world = world
        self._book = book
        self._value = [
            Fraction(item.lot) * Fraction(item.tick) * _MONEY for item in world.instruments
        ]
        self._pending: dict[str, Sent] = {}
        self._tokens: Fraction | None = None
        self._token_ns = 0

    def sent(self, sent: Sent) -> None:
        """Take note of an order that may enlarge a position."""
        if sent.is_buy:
            self._pending[sent.client_id] = sent

    # --- an approval ----------------------------------------------------------------------------

    def approved(self, session: Session, slot: int, intent: Intent, number: int) -> Iterator[str]:
        """Yield every limit that an approved entry breaks."""
        sent = next((x for x in self._pending.values() if x.number == number), None)
        if sent is None or intent.purpose is not Purpose.ENTRY or intent.side is Side.SELL:
            return
        s = session.core.s
        equity, limits = s.account[at.EQUITY], s.limits
        at_stake = self._at_stake(session)
        k = sent.place.instrument
        by_instrument = [0] * len(self._value)
        by_slot = 0
        for place, money in at_stake.items():
            by_instrument[place.instrument] += money
            by_slot += money * (place.slot == slot)
        gross = sum(by_instrument)
        group = sum(
            money
            for other, money in enumerate(by_instrument)
            if other == k or abs(s.correlation[k, other]) >= limits[limit.CORRELATION_PPM]
        )

        def part(ppm: int) -> int:
            return equity * ppm // at.PPM

        share = part(s.strategies[slot, at.SHARE_PPM])
        price = intent.limit_ticks if intent.type is OrderType.LIMIT else sent.ticks
        worth = self._worth(k, sent.ticks, sent.lots)
        loss = self._worth(k, abs(price - intent.stop_ticks), sent.lots)
        checked = (
            ("position", by_instrument[k], part(limits[limit.POSITION_PPM])),
            ("gross", gross, part(limits[limit.GROSS_PPM])),
            ("net", gross, part(limits[limit.NET_PPM])),  # spot: nothing is short
            ("correlated", group, part(limits[limit.CORRELATED_PPM])),
            ("account leverage", gross, part(limits[limit.ACCOUNT_LEVERAGE_PPM])),
            ("total gross", gross, limits[limit.TOTAL_GROSS_MONEY]),
            ("share", by_slot, share * limits[limit.GROSS_PPM] // at.PPM),
            ("order cap", worth, limits[limit.ORDER_CAP_MONEY]),
            ("risk per trade", loss, part(limits[limit.RISK_PER_TRADE_PPM])),
            ("cash", self._reserved(), s.account[at.CASH]),
        )
        for name, is_money, allowed in checked:
            if is_money > allowed + allowed * _SLACK_PPM // at.PPM:
                yield f"{name}: {from_money(is_money)} of at most {from_money(allowed)}"
        if sent.lots > s.instruments[k, at.CAP_LOTS]:
            yield f"order cap: {sent.lots} lots of at most {s.instruments[k, at.CAP_LOTS]}"
        yield from self._counts(session, sent, at_stake)
        yield from self._distances(session, k, intent, price)
        yield from self._rate(session)

    def _at_stake(self, session: Session) -> dict[Place, int]:
        """Return the money of every position of a strategy, what may still enlarge it included."""
        s = session.core.s
        total: dict[Place, int] = {}
        for place, lots in self._book.owned().items():
            if place.slot in self._world.guarded:
                last = s.instruments[place.instrument, at.LAST]
                total[place] = self._worth(place.instrument, last, lots)
        for sent, lots in self._working():
            if sent.place.slot in self._world.guarded:
                worth = self._worth(sent.place.instrument, sent.ticks, lots)
                total[sent.place] = total.get(sent.place, 0) + worth
        return total

    def _working(self) -> Iterator[tuple[Sent, int]]:
        """Yield every purchase that may still fill, and the lots that are left of it."""
        for client_id, sent in list(self._pending.items()):
            order = self._book.order_of(sent)
            if order is None:
                if sent.is_refused or self.is_absence_provable(sent):
                    del self._pending[client_id]
                else:
                    yield sent, sent.lots
            elif order.is_working:
                item = self._world.instruments[sent.place.instrument]
                yield sent, int(order.left / item.lot)
            else:
                del self._pending[client_id]

    def is_absence_provable(self, sent: Sent) -> bool:
        """Tell whether the venue's clock is half a minute past an order's deadline."""
        return self._world.latest_venue_ns() > sent.deadline_ns + ABSENT_AFTER_NS

    def _reserved(self) -> int:
        return sum(
            self._worth(sent.place.instrument, sent.ticks, lots) for sent, lots in self._working()
        )

    def _counts(self, session: Session, sent: Sent, at_stake: dict[Place, int]) -> Iterator[str]:
        limits = session.core.s.limits
        if self._book.held.get(sent.place, 0) > 0:
            return  # more of what is there is no new position
        here = sum(place.instrument == sent.place.instrument for place in at_stake)
        for name, count, column in (
            ("count", len(at_stake), limit.MAX_POSITIONS),
            ("count per symbol", here, limit.MAX_POSITIONS_PER_SYMBOL),
        ):
            if count > limits[column]:
                yield f"{name}: {count} of at most {limits[column]}"

    def _distances(self, session: Session, k: int, intent: Intent, price: int) -> Iterator[str]:
        s = session.core.s
        stop, target = price - intent.stop_ticks, intent.target_ticks - price
        least = price * s.limits[limit.STOP_MIN_PPM] // at.PPM
        most = price * s.instruments[k, at.MAX_STOP_PPM] // at.PPM
        if intent.stop_ticks and not least <= stop <= most:
            yield f"stop distance: {stop} ticks, not from {least} to {most}"
        if intent.target_ticks and target < stop * s.limits[limit.REWARD_RISK_PPM] // at.PPM:
            yield f"reward to risk: {target} to {stop} ticks"

    def _rate(self, session: Session) -> Iterator[str]:
        """Keep a bucket of our own: it fills with time, and every entry takes one out."""
        s = session.core.s
        burst, now_ns = s.limits[limit.ORDER_BURST], s.account[at.NOW_NS]
        tokens = Fraction(burst) if self._tokens is None else self._tokens
        gone = Fraction(max(0, now_ns - self._token_ns), MINUTE_NS)
        tokens = min(Fraction(burst), tokens + gone * s.limits[limit.ORDERS_PER_MINUTE])
        self._tokens, self._token_ns = tokens - 1, max(now_ns, self._token_ns)
        if self._tokens < -Fraction(1, 1000):
            yield f"order rate: {float(tokens):.2f} of the one order that was left"
            self._tokens = Fraction(0)

    def _worth(self, k: int, ticks: int, lots: int) -> int:
        return int(ticks * lots * self._value[k])
