"""What each order of a run was asked for and came to, and who cut it short, from its journal."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from athena.domain import DenialCode, Purpose
from athena.research.comparison._parts import Part
from athena.trading import arithmetic, codes, record_starts
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.domain import Instrument
    from athena.research.comparison._bars import SeenBars
    from athena.trading import Ints

_PURPOSES = list(Purpose)
_CODES = list(DenialCode)
_HEADER = 2
_BY_OPERATOR = at.HALT_KILL | at.HALT_PAUSED | at.HALT_OPERATOR
_UNKNOWN = frozenset(
    {
        DenialCode.DATA_STALE,
        DenialCode.EQUITY_UNKNOWN,
        DenialCode.VENUE_DOWN,
        DenialCode.CLOCK,
        DenialCode.UNRECONCILED,
    }
)
_CLOSING = frozenset({codes.COMMAND_FLATTEN, codes.COMMAND_CLOSE, codes.COMMAND_KILL})
_CANCELLING = _CLOSING | {
    codes.COMMAND_PAUSE,
    codes.COMMAND_HALT,
    codes.COMMAND_CANCEL_ALL,
    codes.COMMAND_CANCEL,
}
_NOT_BOOKED = frozenset({codes.NOTICE_DUPLICATE_FILL, codes.NOTICE_ILLEGAL})
_UNFILLED = frozenset(
    {codes.REFUSED, codes.CANCELLED_REPORT, codes.EXPIRED_REPORT, codes.ABSENT_PROVEN}
)


@dataclass(slots=True, eq=False)
class Order:
    """What one order was asked for and came to; all protections of an entry are one.

    Attributes:
        strategy, symbol: names, so that orders of two runs can be laid side by side.
        side: +1 buys, -1 sells.
        purpose: as the intent states it.
        decided_ns: close of the bar that asked; of what the core made itself, when it appeared.
        asked: lots of the intent, or what was approved where it states an amount of money.
        approved, filled: lots.
        paid: money units for what was filled, negative when sold, without fees.
        fee: money units.
        filled_ns: the core's clock at the first fill; 0 without one.
        bar_ns: close of the bar that filled first; 0 without a fill.
        cause: what refused it, cut it short or made it, where that was not the strategy.
        entry: the order that a protection belongs to.
        is_mark: True for what is still held at the end, sold at the last close.
    """

    strategy: str
    symbol: str
    side: int
    purpose: Purpose
    decided_ns: int
    asked: int = 0
    approved: int = 0
    filled: int = 0
    paid: int = 0
    fee: int = 0
    filled_ns: int = 0
    bar_ns: int = 0
    cause: Part | None = None
    entry: Order | None = None
    is_mark: bool = False

    def scale(self, factor: int) -> None:
        """Count its lots in a unit that is `factor` times smaller."""
        self.asked *= factor
        self.approved *= factor
        self.filled *= factor


class _Act(NamedTuple):
    """Something that cancels orders or moves stops, and when it was done."""

    part: Part
    marks: int

    def is_recent(self, marks: int) -> bool:
        """Tell whether it was in this step or the one before: what it asks for takes a moment."""
        return 0 <= marks - self.marks <= 1


_NEVER = _Act(Part.RISK, -2)


@dataclass(slots=True)
class OrderLog:
    """The orders of a run, filled in by `take` while its journal is read.

    Attributes:
        instruments, strategies: the core's rows, in order.
        bars: what the run saw.
        orders: in the order they appeared.
        positions: (strategy, instrument) -> signed lots.
        funding, transfers: money units that came or went without an order.
        spent_late: money units that fills behind the last bar took.
        by_hand: names of the strategies' slots whose every order is a person's.
    """

    instruments: Sequence[Instrument]
    strategies: Sequence[str]
    bars: SeenBars
    orders: list[Order] = field(default_factory=list)
    positions: dict[tuple[int, int], int] = field(default_factory=dict)
    funding: int = 0
    transfers: int = 0
    spent_late: int = 0
    by_hand: frozenset[str] = frozenset()
    _ratios: list[tuple[int, int]] = field(init=False)
    _known: dict[int, Order] = field(default_factory=dict)  # number -> order
    _guards: dict[Order, Order] = field(default_factory=dict)  # entry -> its protections
    _entries: dict[tuple[int, int], Order] = field(default_factory=dict)  # that filled last
    _seen_at: dict[Order, int] = field(default_factory=dict)  # protections -> marks
    _asked: list[int] = field(default_factory=list)  # the intent whose verdict comes next
    _cancelled: _Act = _NEVER
    _tightened: _Act = _NEVER
    _closer: Part = Part.RISK  # of what the core closes next
    _halt: int = 0
    _stopped: dict[str, int] = field(default_factory=dict)  # strategy -> since
    _control: list[tuple[int, bool]] = field(default_factory=list)  # since, under an operator

    def __post_init__(self) -> None:
        """Look up what a tick times a lot is worth."""
        self._ratios = [item.value_ratio() for item in self.instruments]

    def take(self, group: Ints) -> None:
        """Take the words of one group commit.

        Raises:
            CheckFailed: a record is cut short.
        """
        starts = record_starts(group)
        words = group.tolist()
        for start, following in zip(starts, [*starts[1:], len(words)], strict=True):
            kind, fields = words[start] & 0xFF, words[start + _HEADER : following]
            marks = self.steps_before(words[start + 1])
            if kind == at.R_INTENT:
                self._asked = fields
            elif kind == at.R_VERDICT:
                self._judge(marks, fields)
            elif kind == at.R_REPORT:
                is_booked = not _is_refused(words, following, fields[1])
                self._report(marks, fields, is_booked=is_booked)
            elif kind == at.R_COMMAND:
                self._command(marks, fields)
            elif kind == at.R_NOTICE:
                self._notice(marks, fields)
            elif kind == at.R_SHARE:
                self._cancelled = _Act(Part.RISK, marks)
            elif kind == at.R_CASH:
                self._book_cash(*fields[:2])
            else:
                self.take_outside(kind, fields)

    def steps_before(self, marks: int) -> int:
        """Return how many closed bars the core had seen at a record.

        Args:
            marks: that the record states.
        """
        return marks

    def is_over(self, marks: int) -> bool:
        """Tell whether what happens now lies behind the last bar; in a backtest nothing does."""
        del marks
        return False

    def take_outside(self, kind: int, fields: Sequence[int]) -> None:
        """Take what only a live session is told; a backtest is told nothing."""

    def was_under_operator(self, strategy: str, ts_ns: int) -> bool:
        """Tell whether a person kept the strategy from trading at a time."""
        if strategy in self._stopped and self._stopped[strategy] <= ts_ns:
            return True
        place = bisect_right(self._control, (ts_ns, True))
        return place > 0 and self._control[place - 1][1]

    def _book_cash(self, amount: int, is_transfer: int) -> None:
        if is_transfer:
            self.transfers += amount
        else:
            self.funding += amount

    def _judge(self, marks: int, fields: list[int]) -> None:
        number, code, _, approved = fields[:4]
        asked = self._asked
        if not self._is_sound(asked):
            return  # it was refused for that, and nobody can trade it
        order = Order(
            strategy=self.strategies[asked[at.I_STRATEGY]],
            symbol=self.instruments[asked[at.I_INSTRUMENT]].symbol,
            side=asked[at.I_SIDE],
            purpose=_PURPOSES[asked[at.I_PURPOSE]],
            decided_ns=self.bars.close_ns(marks - 1),
            asked=asked[at.I_LOTS] or approved,
            approved=approved,
            cause=self._refusal(code, asked[at.I_STRATEGY]) if code else None,
        )
        self.orders.append(order)
        self._known[number] = order

    def _is_sound(self, asked: list[int]) -> bool:
        """Tell whether an intent names what there is."""
        return (
            0 <= asked[at.I_STRATEGY] < len(self.strategies)
            and 0 <= asked[at.I_INSTRUMENT] < len(self.instruments)
            and 0 <= asked[at.I_PURPOSE] < len(_PURPOSES)
            and asked[at.I_SIDE] in {1, -1}
        )

    def _refusal(self, code: int, strategy: int) -> Part:
        """Say whose a refusal is."""
        denial = _CODES[code - 1]
        if denial in _UNKNOWN:
            return Part.MISSING_DATA
        is_stopped = self._halt & _BY_OPERATOR or self.strategies[strategy] in self._stopped
        is_operators = denial is DenialCode.HALTED and is_stopped
        return Part.OPERATOR if is_operators else Part.RISK

    def _report(self, marks: int, fields: list[int], *, is_booked: bool) -> None:
        what, number = fields[:2]
        order = self._known.get(number)
        if order is None:
            ts_ns, terms = fields[7:]
            if terms < 0:
                return
            order = self._known[number] = self._made(marks, ts_ns, terms)
        if what == codes.FILLED_REPORT and is_booked:
            self._fill(order, marks, fields)
        elif what in _UNFILLED and self._cancelled.is_recent(marks):
            order.cause = order.cause or self._cancelled.part

    def _made(self, marks: int, ts_ns: int, terms: int) -> Order:
        """Take note of an order that the core made itself: a protection or a liquidation."""
        instrument, strategy, purpose, side = (terms >> shift & 0xFF for shift in (0, 8, 16, 24))
        order = Order(
            strategy=self.strategies[strategy],
            symbol=self.instruments[instrument].symbol,
            side=side - 1,
            purpose=_PURPOSES[purpose],
            decided_ns=ts_ns,
        )
        if order.purpose is Purpose.PROTECT:
            entry = self._entries.get((strategy, instrument))
            if entry in self._guards:
                return self._guards[entry]
            if entry is not None:
                order.entry = entry
                self._guards[entry] = order
            self._seen_at[order] = marks
        else:
            order.cause = self._closer
        self.orders.append(order)
        return order

    def _fill(self, order: Order, marks: int, fields: list[int]) -> None:
        _, _, lots, ticks, fee, _, _, ts_ns, terms = fields
        instrument, strategy = terms & 0xFF, terms >> 8 & 0xFF
        row = strategy, instrument
        paid = order.side * arithmetic.value(ticks, lots, *self._ratios[instrument])
        if self.is_over(marks):
            self.spent_late += paid + fee
            return
        order.filled += lots
        order.paid += paid
        order.fee += fee
        self.positions[row] = self.positions.get(row, 0) + order.side * lots
        if not order.bar_ns:
            order.filled_ns, order.bar_ns = ts_ns, self.bars.close_ns(marks)
        if order.purpose is Purpose.PROTECT:
            if self._tightened.marks >= self._seen_at[order]:
                order.cause = self._tightened.part
        elif order.purpose not in {Purpose.EXIT, Purpose.LIQUIDATE}:
            self._entries[row] = order

    def _command(self, marks: int, fields: list[int]) -> None:
        command, argument = fields[:2]
        if command in _CLOSING:
            self._closer = Part.OPERATOR
        if command in _CANCELLING:
            self._cancelled = _Act(Part.OPERATOR, marks)
        elif command == codes.COMMAND_TIGHTEN:
            self._tightened = _Act(Part.OPERATOR, marks)
        elif command == codes.COMMAND_STOP_STRATEGY and 0 <= argument < len(self.strategies):
            self._stopped.setdefault(self.strategies[argument], self.bars.close_ns(marks - 1))

    def _notice(self, marks: int, fields: list[int]) -> None:
        notice, bit, ts_ns = fields
        if notice == codes.NOTICE_TIME_EXIT:
            self._closer = Part.RISK
        elif notice == codes.NOTICE_HALT:
            self._halt |= bit
            self._latch(marks, bit)
        elif notice == codes.NOTICE_RESET:
            self._halt &= ~bit
        if notice in {codes.NOTICE_HALT, codes.NOTICE_RESET}:
            self._control.append((ts_ns, bool(self._halt & _BY_OPERATOR)))

    def _latch(self, marks: int, bit: int) -> None:
        if bit & _BY_OPERATOR:
            self._cancelled = _Act(Part.OPERATOR, marks)
            return
        self._closer = Part.RISK
        self._cancelled = _Act(Part.RISK, marks)
        if bit == at.HALT_DAY:
            self._tightened = self._cancelled


def _is_refused(words: list[int], following: int, number: int) -> bool:
    """Tell whether the next record says that a fill of this order was not booked."""
    return (
        following + _HEADER + 1 < len(words)
        and words[following] & 0xFF == at.R_NOTICE
        and words[following + _HEADER] in _NOT_BOOKED
        and words[following + _HEADER + 1] == number
    )
