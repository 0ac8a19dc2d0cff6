"""The core as a session drives it: one method an event, words for the journal, effects to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from athena.domain import DenialCode
from athena.trading._core import codes, outside, positions, step
from athena.trading._core import layout as at
from athena.trading._core.orders import find_row
from athena.trading._core.records import record_effects
from athena.trading._intent import write_intent

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.trading._core.layout import State, Table
    from athena.trading._intent import Intent
    from athena.trading._setup import StateTables
    from athena.trading.live._causes import Causes

    Follower = Callable[[State, Table, int, int], None]

ResultT = TypeVar("ResultT")


class Core:
    """Apply events to the core; every method records what it applies.

    Attributes:
        tables: the state.
        s: the same as memory views, which CPython reads best.
        causes: why it made orders, and took them back.
    """

    __slots__ = ("_follow", "causes", "s", "tables")

    def __init__(self, tables: StateTables, follow: Follower, causes: Causes) -> None:
        """Drive a state.

        Args:
            tables: the state.
            follow: told the state after each input, the records, and where those of it lie.
            causes: told the same, and what the input led to.
        """
        self.tables = tables
        self.causes = causes
        self.s: State = tables.views
        self._follow = follow

    def _apply(self, apply: Callable[..., ResultT], *arguments: int) -> ResultT:
        s = self.s
        begin, n_effects = s.account[at.N_WORDS], s.account[at.N_EFFECTS]
        number = s.account[at.NEXT_NUMBER]
        result = apply(s, *arguments)
        end = s.account[at.N_WORDS]
        self._follow(s, s.records, begin, end)
        self.causes.take_input(s, (begin, end), n_effects, number)
        record_effects(s, n_effects)
        return result

    # --- what is read ---------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Return the core's clock."""
        return self.s.account[at.NOW_NS]

    def row_of(self, number: int) -> int:
        """Return the row of a live order, -1 when it is not live."""
        return find_row(self.s, number)

    def live_rows(self) -> list[int]:
        """List the rows of live orders."""
        s = self.s
        return [row for row in range(s.account[at.N_ROWS]) if s.orders[row, at.NUMBER] != 0]

    def held_lots(self, instrument: int) -> int:
        """Return the signed lots that all slots together hold of an instrument."""
        s = self.s
        n = s.account[at.N_INSTRUMENTS]
        rows = range(instrument, s.account[at.N_POSITIONS], n)
        return sum(s.positions[row, at.QUANTITY] for row in rows)

    def slot_lots(self, slot: int, instrument: int) -> int:
        """Return the signed lots that one slot holds of an instrument."""
        return self.s.positions[positions.position_row(self.s, slot, instrument), at.QUANTITY]

    def worth(self, instrument: int, ticks: int, lots: int) -> int:
        """Return what lots are worth at a price, in money units."""
        return positions.worth(self.s, instrument, ticks, lots)

    # --- what is applied ------------------------------------------------------------------------

    def tick(self, now_ns: int, *, moves_stops: bool) -> None:
        """Let time pass."""
        self._apply(outside.apply_tick, now_ns, int(moves_stops))

    def price(self, instrument: int, last: int, high: int, low: int, now_ns: int) -> None:
        """Take a price."""
        self._apply(outside.apply_price, instrument, last, high, low, now_ns)

    def risk(self, instrument: int, values: tuple[int, ...]) -> None:
        """Take an instrument's N_RISK risk inputs."""
        for field, value in enumerate((instrument, *values)):
            self.s.intent[field] = value
        self._apply(outside.apply_risk)

    def correlation(self, first: int, second: int, ppm: int) -> None:
        """Take the correlation of two instruments."""
        self._apply(outside.apply_correlation, first, second, ppm)

    def limit(self, column: int, value: int) -> None:
        """Move a limit."""
        self._apply(outside.apply_limit, column, value)

    def want(self, strategy: int, intent: Intent) -> int:
        """Judge an intent and return its order's number; `verdict` says what came of it."""
        write_intent(intent, strategy, self.s.intent)
        return self._apply(step.apply_intent)

    def verdict(self) -> DenialCode | None:
        """Return why the last intent was denied; None when it was approved."""
        code = self.s.verdict[at.CODE]
        return None if code == 0 else list(DenialCode)[code - 1]

    def report(self, what: int, number: int, lots: int = 0, price: int = 0) -> None:
        """Apply what the venue reported of an order, other than a fill."""
        self._apply(step.apply_report, what, number, lots, price, 0, 0, 0)

    def fill(  # noqa: PLR0913, PLR0917 - what a fill is
        self, number: int, lots: int, price: int, fee: int, liquidity: int, trade: int
    ) -> None:
        """Apply a fill; `trade` numbers it."""
        report = (codes.FILLED_REPORT, number, lots, price, fee, liquidity, trade)
        self._apply(step.apply_report, *report)

    def command(self, command: int, argument: int = 0, argument_2: int = 0) -> None:
        """Apply a command."""
        self._apply(step.apply_command, command, argument, argument_2)

    def cash(self, amount: int, *, is_transfer: bool, reference: int) -> None:
        """Book money that came or went without an order."""
        self._apply(step.apply_cash, amount, int(is_transfer), reference)

    def holding(
        self, strategy: int, instrument: int, lots: int, ticks: int, reference: int
    ) -> None:
        """Book coins that came or went without an order."""
        self._apply(outside.apply_holding, strategy, instrument, lots, ticks, reference)

    def adopt(self, terms: tuple[int, ...]) -> int:
        """Take up an order of the venue; its terms in the order of `outside`'s fields."""
        for field, value in enumerate(terms):
            self.s.intent[field] = value
        return self._apply(outside.apply_adopt)

    def health(self, bits: int, account_ns: int) -> None:
        """Say what is known of venue, clock and reconciliation, and when equity was confirmed."""
        if (self.s.account[at.HEALTH], self.s.account[at.ACCOUNT_NS]) != (bits, account_ns):
            self._apply(step.apply_health, bits, account_ns)
