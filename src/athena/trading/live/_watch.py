"""Every position that needs a stop has one working at the venue, or is closed (I11, TR-10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS, OrderType, Purpose, Side, format_time
from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core.exposure import in_trading_book
from athena.trading._core.orders import is_stop, is_working
from athena.trading._core.positions import worth
from athena.trading._intent import Intent
from athena.trading.live._effects import Alert, Urgency
from athena.trading.live._outbox import is_at_venue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.trading._core.layout import State, Table
    from athena.trading.live._core import Core

PROTECTED_WITHIN_NS = 2 * SECOND_NS
CLOSED_AFTER_NS = 10 * SECOND_NS
_PLACED_AT_MOST = 3  # stops placed anew for one gap before the position is closed
_RETRY_NS = 5 * SECOND_NS  # doubles with every try
_RETRY_MAX_NS = 60 * SECOND_NS


@dataclass(slots=True)
class _Gap:
    """A part of a position that no stop at the venue covers."""

    since_ns: int
    is_told: bool = False
    n_placed: int = 0
    n_closed: int = 0
    next_ns: int = 0


class ProtectionWatch:
    """Look after positions that were opened with a stop, and after those that must be closed.

    Attributes:
        unprotected_ns: time that positions were unprotected for beyond the deadline, in all.
    """

    __slots__ = ("_core", "_gaps", "_looked_ns", "unprotected_ns")

    def __init__(self, core: Core) -> None:
        """Begin with no gap."""
        self._core = core
        self._gaps: dict[int, _Gap] = {}
        self._looked_ns = 0
        self.unprotected_ns = 0

    @property
    def has_gaps(self) -> bool:
        """Tell whether some position was not protected at the last look."""
        return bool(self._gaps)

    def gaps(self, symbols: Sequence[str]) -> list[str]:
        """List in words the positions that were not protected at the last look."""
        return [
            f"a position in {symbols[position % len(symbols)]} has had no whole stop at the venue "
            f"since {format_time(gap.since_ns)}"
            for position, gap in self._gaps.items()
        ]

    def look(self, now_ns: int) -> list[Alert]:
        """Cover what is not covered: stops anew, at most three; after ten seconds at market."""
        s = self._core.s
        alerts: list[Alert] = []
        n = s.account[at.N_INSTRUMENTS]
        must_close = s.account[at.HALT] & (at.HALT_KILL | at.HALT_LIMIT) != 0
        for position in range(s.account[at.N_POSITIONS]):
            held = s.positions[position, at.QUANTITY]
            needs_stop = s.positions[position, at.GUARD] > 0
            if (
                held == 0
                or not (needs_stop or must_close)
                or not in_trading_book(s, position // n)
            ):
                self._gaps.pop(position, None)
                continue
            if must_close and not self._is_dust(position, abs(held)):
                self._close_all(position, now_ns)
            elif needs_stop and not self._is_dust(position, abs(held) - self._covered(position)):
                alerts.extend(self._mind(position, now_ns))
            else:
                self._gaps.pop(position, None)
        self._looked_ns = now_ns
        return alerts

    def _is_dust(self, position: int, lots: int) -> bool:
        """Tell whether lots are fewer than the venue takes in one order: nothing can be done."""
        s = self._core.s
        instrument = position % s.account[at.N_INSTRUMENTS]
        last = s.instruments[instrument, at.LAST]
        is_worth = worth(s, instrument, last, lots) >= s.instruments[instrument, at.MIN_NOTIONAL]
        return lots < max(1, s.instruments[instrument, at.MIN_LOTS]) or not is_worth

    def _covered(self, position: int, *, counts_coming: bool = False) -> int:
        """Return the lots that stops at the venue, or market exits under way, will close.

        With `counts_coming`, stops that were sent and sizes that were asked for count too.
        """
        s = self._core.s
        total = 0
        for row in self._core.live_rows():
            if not _closes(s, s.orders, row, position):
                continue
            closes_now = s.orders[row, at.TYPE] == codes.MARKET and is_working(
                s.orders[row, at.STATE]
            )
            is_leaving = s.orders[row, at.PENDING] == codes.PENDING_CANCEL
            if not closes_now and (is_leaving or not is_stop(s.orders[row, at.TYPE])):
                continue
            lots = s.orders[row, at.LOTS]
            if s.orders[row, at.PENDING] == codes.PENDING_AMEND:
                new = s.orders[row, at.AMEND_LOTS]
                lots = max(lots, new) if counts_coming else min(lots, new)
            if closes_now or counts_coming or is_at_venue(s, row):
                total += lots - s.orders[row, at.FILLED]
        return total

    def _mind(self, position: int, now_ns: int) -> list[Alert]:
        """Do something about a gap."""
        gap = self._gaps.setdefault(position, _Gap(now_ns))
        s = self._core.s
        held = s.positions[position, at.QUANTITY]
        age_ns = now_ns - gap.since_ns
        if age_ns > PROTECTED_WITHIN_NS:
            late_ns = gap.since_ns + PROTECTED_WITHIN_NS
            self.unprotected_ns += now_ns - max(self._looked_ns, late_ns)
        alerts = []
        if age_ns >= PROTECTED_WITHIN_NS and not gap.is_told:
            gap.is_told = True
            text = (
                f"position {position}: {abs(held) - self._covered(position)} lots have no stop at "
                f"the venue for {age_ns // SECOND_NS} s; they are closed at market after 10 s"
            )
            alerts.append(Alert(Urgency.URGENT, "unprotected", text, now_ns))
        if now_ns < gap.next_ns:
            return alerts
        uncovered = abs(held) - self._covered(position)
        coming = abs(held) - self._covered(position, counts_coming=True)
        if age_ns >= CLOSED_AFTER_NS or self._is_beyond(position):
            self._reduce(gap, position, uncovered, now_ns)
        elif coming > 0 and gap.n_placed < _PLACED_AT_MOST:
            gap.n_placed += 1
            gap.next_ns = now_ns + SECOND_NS
            self._place_stop(position, coming)
        return alerts

    def _trigger(self, position: int) -> int:
        """Return the level that the newest stop of a position had, else the one asked for."""
        s = self._core.s
        newest, trigger = 0, s.positions[position, at.GUARD]
        for row in self._core.live_rows():
            if s.orders[row, at.NUMBER] > newest and self._is_stop_of(s.orders, row, position):
                newest, trigger = s.orders[row, at.NUMBER], s.orders[row, at.TRIGGER]
        last = s.account[at.NEXT_NUMBER] - 1
        for number in range(last, max(newest, last - len(s.closed)), -1):
            row = number % len(s.closed)
            found = s.closed[row, at.NUMBER]  # an older one where `number` is still live
            is_before = s.closed[row, at.CREATED_NS] < s.positions[position, at.OPENED_NS]
            if newest >= number or (found == number and is_before):
                break  # what remains is older still
            if found > newest and self._is_stop_of(s.closed, row, position):
                newest, trigger = found, s.closed[row, at.TRIGGER]
        return trigger

    def _is_stop_of(self, orders: Table, row: int, position: int) -> bool:
        """Tell whether a row holds a stop that protected a position since it was opened."""
        s = self._core.s
        return (
            _closes(s, orders, row, position)
            and is_stop(orders[row, at.TYPE])
            and orders[row, at.CREATED_NS] >= s.positions[position, at.OPENED_NS]
            and orders[row, at.STATE] != codes.DENIED  # a wish that protected nothing
        )

    def _is_beyond(self, position: int) -> bool:
        """Tell whether the price has passed where the stop would be: it is too late for one."""
        s = self._core.s
        side = 1 if s.positions[position, at.QUANTITY] > 0 else -1
        last = s.instruments[position % s.account[at.N_INSTRUMENTS], at.LAST]
        return last > 0 and side * (last - self._trigger(position)) <= 0

    def _place_stop(self, position: int, lots: int) -> None:
        s = self._core.s
        n = s.account[at.N_INSTRUMENTS]
        intent = Intent(
            side=Side.SELL if s.positions[position, at.QUANTITY] > 0 else Side.BUY,
            lots=lots,
            instrument=position % n,
            purpose=Purpose.PROTECT,
            type=OrderType.STOP,
            trigger_ticks=self._trigger(position),
        )
        self._core.want(position // n, intent)

    def _close_all(self, position: int, now_ns: int) -> None:
        gap = self._gaps.setdefault(position, _Gap(now_ns))
        if now_ns >= gap.next_ns:
            held = abs(self._core.s.positions[position, at.QUANTITY])
            self._reduce(gap, position, held, now_ns)

    def _reduce(self, gap: _Gap, position: int, lots: int, now_ns: int) -> None:
        """Close lots at market, less what is being closed already; again while they are there."""
        gap.next_ns = now_ns + min(_RETRY_MAX_NS, _RETRY_NS << min(gap.n_closed, 4))
        gap.n_closed += 1
        self._core.command(codes.COMMAND_REDUCE, position, lots)


def _closes(s: State, orders: Table, row: int, position: int) -> bool:
    """Tell whether a row of orders, live or closed, may only make a position smaller."""
    return (
        orders[row, at.ORDER_INSTRUMENT] == position % s.account[at.N_INSTRUMENTS]
        and orders[row, at.ORDER_STRATEGY] == position // s.account[at.N_INSTRUMENTS]
        and orders[row, at.FLAGS] & at.FLAG_REDUCE_ONLY != 0
    )
