"""A session's journal, read like a run's: its records carry the clock, not the bar."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import Book, Purpose, parse_interval_ns, to_money
from athena.errors import CheckFailed
from athena.research.comparison._bars import SeenBars
from athena.research.comparison._orders import Order, OrderLog
from athena.research.comparison._reading import ReadRun, named, sell_all
from athena.trading import SETUP_KEY, arithmetic, instruments_of, read_frames
from athena.trading import layout as at
from athena.trading.live import fold_journal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.research.engine import Columns
    from athena.trading import Ints, JournalStore, StateTables

_PERSONS = frozenset({"manual", "external"})


@dataclass(slots=True)
class SessionLog(OrderLog):
    """The orders of a live or paper session.

    A decision is taken when a bar has closed, so it belongs to the newest close that its clock has
    passed; what happens meanwhile belongs to the bar that is open.
    """

    clock_ns: int = 0
    books: tuple[Book, ...] = ()

    def steps_before(self, marks: int) -> int:
        """Return how many bars had closed; a session marks its account many times between two."""
        del marks
        return int(np.searchsorted(self.bars.columns.close_ns, self.clock_ns, side="right"))

    def is_over(self, marks: int) -> bool:
        """Tell whether the last bar has closed: the backtest has none that could fill an order."""
        return marks >= self.bars.n_steps

    def take_outside(self, kind: int, fields: Sequence[int]) -> None:
        """Follow the clock, and coins that came or went without an order."""
        if kind == at.R_TICK:
            self.clock_ns = max(self.clock_ns, fields[0])
        elif kind == at.R_HOLDING:
            self._hold(*fields[:4])

    def _hold(self, strategy: int, instrument: int, lots: int, ticks: int) -> None:
        """Book coins that came as bought with money that came with them: neither gain nor loss.

        What is set aside counts for nothing, as in the account's equity.
        """
        row = strategy, instrument
        held = self.positions.get(row, 0)
        is_counted = self.books[strategy] != Book.HODL and ticks > 0 and held + lots >= 0
        if not is_counted or self.is_over(self.steps_before(0)):
            return
        side = 1 if lots > 0 else -1
        worth = arithmetic.value(ticks, lots, *self.instruments[instrument].value_ratio())
        step = self.steps_before(0)
        self.transfers += worth
        self.orders.append(
            Order(
                strategy=self.strategies[strategy],
                symbol=self.instruments[instrument].symbol,
                side=side,
                purpose=Purpose.MANUAL,
                decided_ns=self.bars.close_ns(step - 1),
                asked=abs(lots),
                approved=abs(lots),
                filled=abs(lots),
                paid=worth,
                filled_ns=self.clock_ns,
                bar_ns=self.bars.close_ns(step),
            )
        )
        self.positions[row] = held + lots


def read_session_journal(name: str, store: JournalStore, columns: Columns) -> ReadRun:
    """Read a session's orders; its whole journal is replayed and compared on the way.

    Args:
        name: of the session.
        store: its journal; a torn tail is left out.
        columns: the bars that it was shown.

    Raises:
        CheckFailed: the journal is damaged, replay makes something else, or its fills do not give
            the cash it ends with.
        InputError: it is no session's journal.
    """
    with named(name):
        manifest = next(read_frames(store)).values()
        log = _empty_log(manifest, columns)

        def take(_tables: StateTables, words: Ints) -> None:
            log.take(words)

        folded = fold_journal(store, from_beginning=True, on_words=take)
        start = to_money(Decimal(manifest[SETUP_KEY]["cash"]))
        paid = sum(order.paid + order.fee for order in log.orders)
        cash = start + log.funding + log.transfers - paid
        booked = int(folded.tables.arrays.account[at.CASH])
        if cash - log.spent_late != booked:
            message = f"expected fills that give the cash {booked}, was {cash - log.spent_late}"
            raise CheckFailed(message, hint=f"athena journal replay {name}")
        return ReadRun(name, manifest, log, start, cash + sell_all(log, manifest))


def _empty_log(manifest: Mapping[str, Any], columns: Columns) -> SessionLog:
    instruments, slots = instruments_of(manifest), manifest[SETUP_KEY]["strategies"]
    closes = columns.close_ns
    rows = {item.symbol: row for row, item in enumerate(instruments)}
    interval_ns = parse_interval_ns(manifest["interval"])
    log = SessionLog(
        instruments,
        [slot["name"] for slot in slots],
        SeenBars(columns, rows, len(closes), interval_ns),
        clock_ns=int(manifest[SETUP_KEY]["start_ns"]),
        books=tuple(Book(slot["book"]) for slot in slots),
    )
    log.by_hand = _PERSONS
    return log
