"""What happens on the account and was not asked for here: others' orders, trades of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.domain import Liquidity, OrderType, Purpose, Side
from athena.trading._core import layout as at
from athena.trading.live._effects import Urgency
from athena.trading.live._identity import key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.trading.live._core import Core
    from athena.trading.live._events import FillSeen, OrderSeen
    from athena.trading.live._memory import Memory

    Tell = Callable[[Urgency, str, str], None]

_TYPES = {kind: code for code, kind in enumerate(OrderType)}
_PURPOSES = {kind: code for code, kind in enumerate(Purpose)}
_FINER_LOTS = 100  # what fees in coins that are finer than a lot may have added up to
_LIQUIDITY = {kind: code for code, kind in enumerate(Liquidity)}


class Foreign:
    """Book what others do with the account, on slots that the system sells nothing of.

    What others buy is set aside; what they sell is taken from what is set aside, and from a
    strategy only where there is no more.
    """

    __slots__ = ("_core", "_external", "_holdings", "_memory", "_tell")

    def __init__(
        self, core: Core, memory: Memory, tell: Tell, *, external: int, holdings: int
    ) -> None:
        """Begin; `external` and `holdings` are the slots of what is not a strategy's."""
        self._core = core
        self._memory = memory
        self._tell = tell
        self._external = external
        self._holdings = holdings

    # --- orders ---------------------------------------------------------------------------------

    def adopt(self, order: OrderSeen, unbooked_lots: int) -> int:
        """Take up an order: it counts in exposure, and it is never cancelled from here.

        Returns:
            Its number in the core; 0 when there is no room for it.
        """
        owner = self._owner(order.side, order.instrument, order.lots)
        kind = order.type or (OrderType.LIMIT if order.limit_ticks else OrderType.MARKET)
        if kind is OrderType.TRAILING_STOP:
            kind = OrderType.STOP
        # A view reads orders before fills, so that there may be more of these.
        filled_lots = max(0, order.filled_lots - unbooked_lots)
        terms = (order.lots, order.limit_ticks, order.trigger_ticks, filled_lots)
        key = key_of(order.venue_id)
        number = self._take_up(owner, order.instrument, order.side, kind, terms, key)
        self._memory.remember_adopted(key if number else 0, number)
        if number:
            sells_ours = self._is_strategy(owner)
            whose = "sells what a strategy holds" if sells_ours else "is not ours"
            text = f"order {order.venue_id} at the venue {whose}; it is counted as order {number}"
            self._tell(Urgency.URGENT if sells_ours else Urgency.WARNING, "adopted", text)
        return number

    def is_foreign(self, row: int) -> bool:
        """Tell whether a live order was taken up."""
        return bool(self._core.s.orders[row, at.FLAGS] & at.FLAG_EXTERNAL)

    # --- trades ---------------------------------------------------------------------------------

    def book_forgotten(self, fill: FillSeen, number: int, key: int) -> None:
        """Book a fill of an order of ours that the core has forgotten, or had denied.

        Its strategy and its stop are not known any more, so that a purchase is set aside.
        """
        slot = self._external
        if fill.side is Side.SELL:
            slot = max(self._strategies(), key=lambda slot: (self._held(slot, fill), -slot))
        if self._book(slot, fill, key):
            came = "bought {} lots, which are set aside without a stop"
            went = "sold {} lots, which its largest holder has no more"
            what = (came if fill.side is Side.BUY else went).format(fill.lots)
            text = f"order {number} filled long after its end (trade {fill.trade_id}): it {what}"
            self._tell(Urgency.URGENT, "late_fill", text)

    def book_alone(self, fill: FillSeen, key: int) -> None:
        """Book a fill of another's order whose size in lots nobody knows."""
        slot = self._owner(fill.side, fill.instrument, fill.lots)
        if self._book(slot, fill, key) and self._is_strategy(slot):
            text = f"trade {fill.trade_id} by hand sold what a strategy holds"
            self._tell(Urgency.URGENT, "adopted", text)

    def _book(self, slot: int, fill: FillSeen, key: int) -> bool:
        """Book a fill on an order of its own, once; False when there is no room for that."""
        terms = (fill.lots, 0, 0, 0)
        number = self._take_up(slot, fill.instrument, fill.side, OrderType.MARKET, terms)
        if number:
            self.make_room(slot, fill.side, fill.instrument, fill.lots)
            liquidity = _LIQUIDITY[fill.liquidity]
            self._core.fill(number, fill.lots, fill.price_ticks, fill.fee_units, liquidity, key)
            self._memory.remember(key)
        return bool(number)

    def book_fee(self, slot: int, fill: FillSeen) -> None:
        """Book a fee that was taken in coins, once.

        It is a sale of these coins at the fill's price, whose proceeds are the fee: so it reduces
        the position, costs what they were worth, and moves no money.
        """
        key = key_of(f"fee {fill.trade_id}")
        lots = min(fill.fee_lots, self._core.held_lots(fill.instrument))
        if lots <= 0 or self._memory.has(key):
            return
        terms = (lots, 0, 0, 0)
        number = self._take_up(
            slot, fill.instrument, Side.SELL, OrderType.MARKET, terms, is_closing=True
        )
        if number:
            self.make_room(slot, Side.SELL, fill.instrument, lots)
            worth = self._core.worth(fill.instrument, fill.price_ticks, lots)
            liquidity = _LIQUIDITY[fill.liquidity]
            self._core.fill(number, lots, fill.price_ticks, worth, liquidity, key)
            self._memory.remember(key)

    def _take_up(  # noqa: PLR0913, PLR0917 - what an order is
        self,
        slot: int,
        instrument: int,
        side: Side,
        kind: OrderType,
        terms: tuple[int, int, int, int],
        key: int = 0,
        *,
        is_closing: bool = False,
    ) -> int:
        """Take up an order of (lots, limit, trigger, filled); `key` is of its venue id, or 0."""
        closes = is_closing or (side is Side.SELL and self._is_strategy(slot))
        purpose = Purpose.LIQUIDATE if closes else Purpose.MANUAL
        return self._core.adopt(
            (
                slot,
                instrument,
                _PURPOSES[purpose],
                1 if side is Side.BUY else -1,
                _TYPES[kind],
                *terms,
                key,
            )
        )

    # --- whose coins ----------------------------------------------------------------------------

    def has_coins_for(self, fill: FillSeen) -> bool:
        """Tell whether the books hold what a fill sells; on spot the venue held it (F05)."""
        if fill.side is Side.BUY or self._core.s.instruments[fill.instrument, at.IS_MARGIN]:
            return True
        held = self._core.held_lots(fill.instrument)
        return held >= fill.lots and held >= fill.lots + fill.fee_lots - _FINER_LOTS

    @property
    def slot(self) -> int:
        """Return the slot of what others bought."""
        return self._external

    def make_room(self, slot: int, side: Side, instrument: int, lots: int) -> None:
        """Before a sale is booked on a slot that holds less, move there what it sells from others.

        The venue knows one holding and sells from it; how it is shared among the slots is ours to
        say. So it is when the account's owner sells by hand, and when a stop and a market exit of
        one position meet. On spot no slot ever falls below zero.
        """
        s = self._core.s
        if side is Side.BUY or s.instruments[instrument, at.IS_MARGIN]:
            return
        n = s.account[at.N_INSTRUMENTS]
        short = lots - s.positions[slot * n + instrument, at.QUANTITY]
        ticks = max(1, s.instruments[instrument, at.LAST])
        for other in range(s.account[at.N_STRATEGIES] - 1, -1, -1):
            held = s.positions[other * n + instrument, at.QUANTITY]
            moved = min(short, held) if other != slot else 0
            if moved > 0:
                self._core.holding(other, instrument, -moved, ticks, 0)
                self._core.holding(slot, instrument, moved, ticks, 0)
                short -= moved

    def _owner(self, side: Side, instrument: int, lots: int) -> int:
        """Return the slot that a trade of others is booked on.

        A purchase is set aside; a sale takes what is set aside if that is enough, else it is the
        largest holder's.
        """
        if side is Side.BUY:
            return self._external

        def held(slot: int) -> int:
            return self._core.slot_lots(slot, instrument)

        if held(self._holdings) >= lots > held(self._external):
            return self._holdings
        if held(self._external) + held(self._holdings) >= lots:
            return self._external
        return max(self._all_slots(), key=lambda slot: (held(slot), -slot))

    def _held(self, slot: int, fill: FillSeen) -> int:
        return self._core.slot_lots(slot, fill.instrument)

    def _all_slots(self) -> range:
        return range(self._core.s.account[at.N_STRATEGIES])

    def _strategies(self) -> list[int]:
        return [slot for slot in self._all_slots() if self._is_strategy(slot)]

    def _is_strategy(self, slot: int) -> bool:
        return slot not in (self._external, self._holdings)
