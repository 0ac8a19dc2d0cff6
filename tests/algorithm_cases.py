"""Drive execution algorithms: by hand-made news, or through the real core."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.domain import DenialCode, Purpose, Side
from athena.trading import Intent, arithmetic, codes
from athena.trading import layout as at
from athena.trading.algorithms import (
    Asked,
    Due,
    Ended,
    Filled,
    Judged,
    News,
    OrderNews,
    Plan,
    Progress,
    after,
    due,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.core_builder import Core

CENT = 1_000_000
DOLLAR = 100 * CENT
SECOND = 10**9
BUY = Intent(side=Side.BUY, purpose=Purpose.ENTRY, stop_ticks=9_900)
BUY_DCA = Intent(side=Side.BUY, purpose=Purpose.DCA)


def fold(plan: Plan, news: Iterable[News]) -> Progress:
    """Rebuild a plan's progress, as a restart does."""
    progress = Progress()
    for item in news:
        progress = after(plan, progress, item)
    return progress


@dataclass
class Road:
    """A plan under way whose orders fill as told; its only memory is the journal."""

    plan: Plan
    news: list[News] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    n_orders: int = 0

    @property
    def progress(self) -> Progress:
        return fold(self.plan, self.news)

    def due(self, now_ns: int, *, may_trade: bool = True) -> Due | None:
        return due(self.plan, self.progress, now_ns, may_trade=may_trade)

    def ask(self, now_ns: int) -> int | None:
        """Ask for what is due; return the amount, or None when nothing is."""
        wanted = self.due(now_ns)
        if wanted is None:
            return None
        self.n_orders += 1
        self.news += [
            Asked(wanted.intent.key, wanted.amount, now_ns),
            Judged(wanted.intent.key, self.n_orders, wanted.amount),
        ]
        self.asked.append(wanted.amount)
        return wanted.amount

    def end(self, filled: int) -> None:
        """Fill the newest order by so much, in lots and in money alike, and end it."""
        if filled:
            self.news.append(Filled(self.n_orders, filled, 100, filled))
        self.news.append(Ended(self.n_orders))

    def trade(self, now_ns: int) -> int | None:
        """Ask for what is due, and fill all of it."""
        amount = self.ask(now_ns)
        if amount is not None:
            self.end(amount)
        return amount


def at_slot(plan: Plan, slot: float) -> int:
    """Return the time at which a slot begins; parts of a slot are later in it."""
    return plan.start_ns + int(plan.interval_ns * slot)


def core_asked(core: Core, intent: Intent, amount: int, strategy: int) -> list[OrderNews]:
    """Hand an intent to the real core; return what the journal would say."""
    now = int(core.get(at.NOW_NS))
    reference = int(core.s.instruments[intent.instrument, at.LAST])
    number = core.ask(intent, strategy)
    code = int(core.s.verdict[at.CODE])
    denial = list(DenialCode)[code - 1] if code else None
    return [
        Asked(intent.key, amount, now, reference),
        Judged(intent.key, int(number), int(core.approved), denial),
    ]


def core_filled(core: Core, judged: OrderNews, price: int, share: float = 1) -> list[OrderNews]:
    """Fill a share of an approved order at a price; what does not fill is cancelled."""
    assert isinstance(judged, Judged)
    if judged.code is not None:
        return []
    instrument = int(core.s.orders[core.row(judged.number), at.ORDER_INSTRUMENT])
    lots = int(judged.approved_lots * share)
    core.report(codes.ACCEPTED, judged.number)
    news: list[OrderNews] = []
    if lots:
        core.fill(judged.number, lots, price)
        news.append(Filled(judged.number, lots, price, worth(core, instrument, price, lots)))
    if lots < judged.approved_lots:
        core.report(codes.CANCELLED_REPORT, judged.number)
    return [*news, Ended(judged.number)]


def worth(core: Core, instrument: int, price: int, lots: int) -> int:
    """Return the money that lots of an instrument are worth at a price."""
    numerator = core.s.instruments[instrument, at.VALUE_NUM]
    denominator = core.s.instruments[instrument, at.VALUE_DEN]
    return arithmetic.value(price, lots, numerator, denominator)
