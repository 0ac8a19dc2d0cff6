"""Progress: how far a plan is, folded from what the journal says of its orders."""

from __future__ import annotations

from dataclasses import dataclass, replace

from athena.domain import DenialCode
from athena.trading.algorithms._plan import Measure, Plan

_STOPPING = frozenset({DenialCode.HALTED, DenialCode.BREAKER, DenialCode.REDUCE_ONLY})


@dataclass(frozen=True, slots=True)
class Asked:
    """An intent of a plan was journaled.

    Attributes:
        key: of the intent.
        amount: what was asked for, in lots or money as the plan counts.
        ts_ns: time that the intent was made.
        reference_ticks: price then, for slippage; 0 unknown.
    """

    key: int
    amount: int
    ts_ns: int
    reference_ticks: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """The core judged an intent; `code` is None when it was approved, shrunk or not."""

    key: int
    number: int
    approved_lots: int
    code: DenialCode | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A fill of an order was booked; `spent` is its worth in money units, without fee, > 0."""

    number: int
    lots: int
    price_ticks: int
    spent: int


@dataclass(frozen=True, slots=True)
class Ended:
    """An order reached a final state; an `unknown` order has not."""

    number: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """A plan was stopped for good, by a person or by a halt."""

    plan_id: str
    reason: str


OrderNews = Asked | Judged | Filled | Ended
News = OrderNews | Stopped


@dataclass(frozen=True, slots=True)
class Slice:
    """One order of an algorithm, from the question to its end.

    Attributes:
        key, amount, asked_ns, reference_ticks: as asked.
        number: of the order; 0 until it was judged.
        approved_lots: what the core let through.
        filled_lots, spent: booked so far, money without fee.
        tick_lots: sum of price times lots of the fills.
        is_over: it will fill no more, as far as is known; a late fill is booked all the same.
    """

    key: int
    amount: int
    asked_ns: int
    reference_ticks: int = 0
    number: int = 0
    approved_lots: int = 0
    filled_lots: int = 0
    spent: int = 0
    tick_lots: int = 0
    is_over: bool = False

    def slippage_ppm(self) -> int:
        """Return how far the mean fill was above the price when asked; 0 where either is unknown.

        Rounded down; < 0 when it was below.
        """
        asked = self.reference_ticks * self.filled_lots
        if asked == 0:
            return 0
        return (self.tick_lots - asked) * 1_000_000 // asked


def after_order_news(piece: Slice, news: Judged | Filled | Ended) -> Slice:
    """Fold news of its order into a slice; news of another order changes nothing.

    A denial of the key as a duplicate is none of the slice: the first intent with it is.
    """
    if isinstance(news, Judged):
        is_ours = news.key == piece.key and piece.number == 0
        if not is_ours or news.code is DenialCode.DUPLICATE_INTENT:
            return piece
        return replace(
            piece,
            number=news.number,
            approved_lots=news.approved_lots,
            is_over=news.code is not None,
        )
    if piece.number == 0 or news.number != piece.number:
        return piece
    if isinstance(news, Filled):
        return replace(
            piece,
            filled_lots=piece.filled_lots + news.lots,
            spent=piece.spent + news.spent,
            tick_lots=piece.tick_lots + news.price_ticks * news.lots,
        )
    return replace(piece, is_over=True)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a plan is.

    Attributes:
        slices: those asked for, in order; their number makes the next key.
        stop: why nothing more is asked for; empty while the plan goes on.
    """

    slices: tuple[Slice, ...] = ()
    stop: str = ""

    @property
    def is_working(self) -> bool:
        """Tell whether an order may still fill."""
        return any(not piece.is_over for piece in self.slices)


def after(plan: Plan, progress: Progress, news: News) -> Progress:
    """Fold one piece of news into a plan's progress; what is about another plan changes nothing.

    A denial because of a halt or a loss breaker stops the plan for good: whoever ends the halt
    decides anew. So does one because nothing is left to reduce (D06). Saying the same twice
    changes nothing, but for fills, which the core books once.

    Args:
        plan: whose progress it is.
        progress: so far; `Progress()` at the start.
        news: in the order of the journal.
    """
    if isinstance(news, Stopped):
        is_ours = news.plan_id == plan.id and not progress.stop
        return replace(progress, stop=news.reason) if is_ours else progress
    if isinstance(news, Asked):
        if news.key != plan.key(len(progress.slices)):
            return progress
        piece = Slice(news.key, news.amount, news.ts_ns, news.reference_ticks)
        return replace(progress, slices=(*progress.slices, piece))
    slices = tuple(after_order_news(piece, news) for piece in progress.slices)
    if isinstance(news, Judged) and news.code in _STOPPING and slices != progress.slices:
        return Progress(slices, progress.stop or str(news.code))
    return Progress(slices, progress.stop)


def left(plan: Plan, progress: Progress) -> int:
    """Return what may still be asked for, in the plan's measure, >= 0.

    An order that may still fill counts with all that was asked for. Money counts at most as asked:
    a market order that paid more than its price promised does not shorten the next.
    """
    return max(0, plan.total - sum(_committed(plan, piece) for piece in progress.slices))


def _committed(plan: Plan, piece: Slice) -> int:
    if not piece.is_over:
        return piece.amount
    if plan.measure is Measure.MONEY:
        return min(piece.spent, piece.amount)
    return piece.filled_lots
