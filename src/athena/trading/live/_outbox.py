"""What the core queued, as requests to a venue; and which of them are under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS, OrderType, Side, TimeInForce
from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading.live._effects import AmendOrder, CancelOrder, PlaceOrder

if TYPE_CHECKING:
    from athena.trading._core.layout import State
    from athena.trading.live._core import Core
    from athena.trading.live._identity import OrderIds

_TYPES = list(OrderType)
_TIMES = list(TimeInForce)
_ENDED_MAX = 1_000
_CANCEL_AGAIN_MAX_NS = 60 * SECOND_NS
_DOUBLINGS_MAX = 6
_PROTECTIVE = frozenset({codes.PROTECT, codes.EXIT, codes.LIQUIDATE})
_TARGETS = frozenset({codes.TAKE_PROFIT, codes.TAKE_PROFIT_LIMIT})


@dataclass(slots=True)
class Sent:
    """What was sent of one order, and when, by our clock.

    Attributes:
        placed_ns: when it was sent; after a restart, when the session began again.
        deadline_ns: the venue takes the order no later.
        amend: (lots, trigger) of the amendment under way, None without one.
        n_amends: amendments so far; the serial of the newest.
        amend_tried: terms of the newest amendment, whatever came of it.
        is_amend_repeated: it asks for the terms of the one before, once more.
        amend_deadline_ns: the venue takes it no later.
        amended_ns: when one was settled last, by our clock.
        amend_again_ns, n_refused: not before then after one that could not leave or was refused,
            and how many were refused in a row.
        news_ns: of the newest terms the stream has shown, by the venue's clock.
        cancel_ns, n_cancels: when a cancel was sent last, and how often; 0 never.
    """

    placed_ns: int
    deadline_ns: int
    amend: tuple[int, int] | None = None
    n_amends: int = 0
    amend_tried: tuple[int, int] | None = None
    is_amend_repeated: bool = False
    amend_deadline_ns: int = 0
    amended_ns: int = 0
    amend_again_ns: int = 0
    n_refused: int = 0
    news_ns: int = 0
    cancel_ns: int = 0
    n_cancels: int = 0

    def may_cancel_again(self, now_ns: int) -> bool:
        """Tell whether a cancel that came to nothing is due again: after 2, 4, 8.. 60 s."""
        wait_ns = min(_CANCEL_AGAIN_MAX_NS, SECOND_NS << min(self.n_cancels, _DOUBLINGS_MAX))
        return now_ns - self.cancel_ns >= wait_ns


class Outbox:
    """Turn the core's effects into requests; one amendment of an order is under way at a time.

    Attributes:
        sent: of every live order that left, by number.
        ended_ns: when the newest 1,000 orders were found to have ended, by our clock.
    """

    __slots__ = ("_core", "_deadline_ns", "_ids", "ended_ns", "sent")

    def __init__(self, core: Core, ids: OrderIds, *, deadline_ns: int) -> None:
        """Begin with nothing under way; a request has `deadline_ns` to be carried out."""
        self._core = core
        self._ids = ids
        self._deadline_ns = deadline_ns
        self.sent: dict[int, Sent] = {}
        self.ended_ns: dict[int, int] = {}

    def collect(self, now_ns: int) -> list[PlaceOrder | CancelOrder | AmendOrder]:
        """Empty the core's queue of effects; protections come first."""
        s = self._core.s
        if s.account[at.N_EFFECTS] == 0:
            return []
        requests: list[PlaceOrder | CancelOrder | AmendOrder] = []
        amended: dict[int, AmendOrder] = {}
        for k in range(s.account[at.N_EFFECTS]):
            row, number = s.effects[k, at.E_ROW], s.effects[k, at.E_NUMBER]
            if s.orders[row, at.NUMBER] != number:
                continue  # it has ended since
            kind = s.effects[k, at.E_KIND]
            if kind == at.SEND and s.orders[row, at.PENDING] == codes.PENDING_CANCEL:
                self._core.report(codes.NOT_SENT, number)  # it was taken back at once
            elif kind == at.SEND:
                requests.append(self._place(row, now_ns))
            elif kind == at.CANCEL:
                requests.append(self.cancel(row, now_ns))
            elif kind == at.AMEND and s.orders[row, at.PENDING] == codes.PENDING_AMEND:
                amendment = self.amend(row, now_ns)
                if amendment is not None:
                    amended[number] = amendment
        s.account[at.N_EFFECTS] = 0
        requests.extend(amended.values())
        return sorted(requests, key=_rank)

    def _place(self, row: int, now_ns: int) -> PlaceOrder:
        s = self._core.s
        order = {name: s.orders[row, column] for name, column in _PLACED.items()}
        number = order["number"]
        self.sent[number] = Sent(now_ns, now_ns + self._deadline_ns)
        kind = _TYPES[order["type"]]
        is_dated = order["time_in_force"] == codes.GTD
        return PlaceOrder(
            number=number,
            client_id=self._ids.client_id(number),
            instrument=order["instrument"],
            side=Side.BUY if order["side"] > 0 else Side.SELL,
            # The core trails; at the venue a trailing stop is a stop that is amended.
            type=OrderType.STOP if kind is OrderType.TRAILING_STOP else kind,
            lots=order["lots"],
            limit_ticks=order["limit"],
            trigger_ticks=order["trigger"],
            time_in_force=_TIMES[order["time_in_force"]],
            expires_ns=order["expires"] if is_dated else 0,
            deadline_ns=now_ns + self._deadline_ns,
            leverage=order["leverage"],
            is_post_only=bool(order["flags"] & at.FLAG_POST_ONLY),
            is_reduce_only=bool(order["flags"] & at.FLAG_REDUCE_ONLY),
            is_protection=_is_urgent(s, row),
        )

    def cancel(self, row: int, now_ns: int) -> CancelOrder:
        """Ask for a live order's cancel, first or once more."""
        number = self._core.s.orders[row, at.NUMBER]
        sent = self._sent(number, now_ns)
        sent.cancel_ns = now_ns
        sent.n_cancels += 1
        instrument = self._core.s.orders[row, at.ORDER_INSTRUMENT]
        return CancelOrder(number, self._ids.client_id(number), instrument, sent.placed_ns)

    def amend(self, row: int, now_ns: int) -> AmendOrder | None:
        """Ask for the amendment a live order waits for; None while another is under way.

        An order that the venue has not shown yet is amended once it has: before, there is nothing
        to amend.
        """
        s = self._core.s
        number = s.orders[row, at.NUMBER]
        sent = self._sent(number, now_ns)
        is_under_way = sent.amend is not None or now_ns < sent.amend_again_ns
        if is_under_way or s.orders[row, at.STATE] < codes.OPEN:
            return None
        sent.amend = (s.orders[row, at.AMEND_LOTS], s.orders[row, at.AMEND_TRIGGER])
        sent.is_amend_repeated = sent.amend == sent.amend_tried
        sent.amend_tried = sent.amend
        sent.n_amends += 1
        sent.amend_deadline_ns = now_ns + self._deadline_ns
        return AmendOrder(
            number=number,
            client_id=self._ids.client_id(number),
            instrument=s.orders[row, at.ORDER_INSTRUMENT],
            lots=sent.amend[0],
            trigger_ticks=sent.amend[1],
            deadline_ns=sent.amend_deadline_ns,
            opened_ns=sent.placed_ns,
            is_protection=_is_urgent(s, row),
            serial=sent.n_amends,
        )

    def take_up(self, number: int, created_ns: int, now_ns: int) -> None:
        """Take up an order that was sent before a restart, by now at the latest.

        An amendment of it may be on its way; the next one waits until it can arrive no more.
        """
        deadline_ns = now_ns + self._deadline_ns
        orders, row = self._core.s.orders, self._core.row_of(number)
        wanted = (orders[row, at.AMEND_LOTS], orders[row, at.AMEND_TRIGGER])
        self.sent[number] = Sent(
            created_ns, deadline_ns, amend_tried=wanted, amend_again_ns=deadline_ns
        )

    def drop_effects(self) -> None:
        """Forget effects that replay queued: before the restart they left, or they never will."""
        self._core.s.account[at.N_EFFECTS] = 0

    def _sent(self, number: int, now_ns: int) -> Sent:
        return self.sent.setdefault(number, Sent(now_ns, now_ns + self._deadline_ns))

    def forget_ended(self, now_ns: int) -> None:
        """Let go of orders that are no longer live."""
        s = self._core.s
        live = {s.orders[row, at.NUMBER] for row in self._core.live_rows()}
        for number in [number for number in self.sent if number not in live]:
            del self.sent[number]
            self.ended_ns[number] = now_ns
            if len(self.ended_ns) > _ENDED_MAX:
                self.ended_ns.pop(next(iter(self.ended_ns)))


_PLACED = {
    "number": at.NUMBER,
    "instrument": at.ORDER_INSTRUMENT,
    "side": at.SIDE,
    "type": at.TYPE,
    "lots": at.LOTS,
    "limit": at.LIMIT,
    "trigger": at.TRIGGER,
    "time_in_force": at.TIME_IN_FORCE,
    "expires": at.EXPIRES_NS,
    "leverage": at.LEVERAGE,
    "flags": at.FLAGS,
}


def _is_urgent(s: State, row: int) -> bool:
    """Tell whether an order takes risk away now: a stop or an exit; a target can wait for them."""
    is_target = s.orders[row, at.TYPE] in _TARGETS
    return s.orders[row, at.PURPOSE] in _PROTECTIVE and not is_target


def _rank(request: PlaceOrder | CancelOrder | AmendOrder) -> int:
    if isinstance(request, CancelOrder):
        return 0
    return 1 if request.is_protection else 2


def is_at_venue(s: State, row: int) -> bool:
    """Tell whether the venue has shown that it has an order, and not its end."""
    return codes.OPEN <= s.orders[row, at.STATE] <= codes.PARTIALLY_FILLED
