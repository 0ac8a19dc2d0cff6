"""Execution plans as a fold of the journal: what runs, how far it is, and how it ended."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from athena.errors import InputError
from athena.trading._core import layout as at
from athena.trading.algorithms import (
    Bags,
    HodlRules,
    Kept,
    Looked,
    Measured,
    Plan,
    Progress,
    PurchaseForced,
    RebalanceForced,
    RebalanceRules,
    RebalanceSkipped,
    Rebalancing,
    SnapshotTaken,
    StageEntered,
    Stopped,
    after,
    decode,
    empty_bags,
    encode,
    hodl_after,
    intent_key,
    is_over,
    left,
    rebalance_after,
)
from athena.trading.algorithms._values import from_values, to_values
from athena.trading.live._halt_words import HALT_WORDS
from athena.trading.live._order_news import halts, order_news
from athena.trading.live._profits import Profits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.trading._core.layout import State, Table
    from athena.trading.algorithms import HodlNews, News, RebalanceNews

ItemT = TypeVar("ItemT")

PLAN_NOTE = "plan"
RULES_KEY = "plan_rules"
RUNNING_MAX = 32
_ENDED_MAX = 200
_HEADER = 2


@dataclass(frozen=True, slots=True)
class PlanRules:
    """What goes on by itself in a session; both are off unless given.

    Attributes:
        rebalance: of a slot whose book is `core`.
        hodl: of a slot of its own whose book is `hodl`.
    """

    rebalance: RebalanceRules | None = None
    hodl: HodlRules | None = None

    def to_values(self) -> dict[str, object]:
        """Return them as JSON values, for the manifest."""
        return to_values(self)

    @classmethod
    def from_values(cls, values: Mapping[str, object]) -> PlanRules:
        """Read them back.

        Raises:
            InputError: a field is missing, not known, or not what it has to be.
        """
        return from_values(cls, values)


@dataclass(frozen=True, slots=True)
class RunningPlan:
    """A plan under way."""

    plan: Plan
    progress: Progress

    @property
    def done(self) -> int:
        """Return what is traded for good or may still be, in the plan's measure."""
        return self.plan.total - left(self.plan, self.progress)


@dataclass(frozen=True, slots=True)
class EndedPlan:
    """What became of a plan.

    Attributes:
        done: in the plan's measure, of `total`.
        why: why it ended before it was whole, in words; empty when it is whole.
    """

    id: str
    done: int
    total: int
    why: str
    ended_ns: int


class PlanBook:
    """Plans, rebalancing and bags; notes and records of the journal go in, in its order.

    The same code follows a session that runs and folds the journal of one that was killed.

    Attributes:
        rules: of what goes on by itself.
        running: by id, at most 32.
        ended: by id, the newest 200.
        n_ended: in all.
        rebalancing: state of it; as at the start without rules.
        bags: None without rules.
    """

    __slots__ = ("_profits", "bags", "ended", "n_ended", "rebalancing", "rules", "running")

    def __init__(self, rules: PlanRules) -> None:
        """Begin with no plan."""
        self.rules = rules
        self.running: dict[str, RunningPlan] = {}
        self.ended: OrderedDict[str, EndedPlan] = OrderedDict()
        self.n_ended = 0
        self.rebalancing = Rebalancing()
        self.bags: Bags | None = None if rules.hodl is None else empty_bags(rules.hodl)
        self._profits = Profits()

    def knows(self, plan_id: str) -> bool:
        """Tell whether a plan runs or has ended; the newest 200 that ended are known."""
        return plan_id in self.running or plan_id in self.ended

    def running_ids(self) -> list[str]:
        """List the ids of what runs, the rebalance included."""
        state = self.rebalancing
        under_way = [state.plan.id] if state.plan is not None and state.is_under_way else []
        return [*self.running, *under_way]

    @property
    def kept(self) -> int:
        """Return the quote money of the bags: on the account, and out of the books' cash."""
        return 0 if self.bags is None else self.bags.bags[0].spent

    def keep_key(self) -> int:
        """Return the reference of the next booking that moves quote money into the bags."""
        rules_id = "" if self.rules.hodl is None else self.rules.hodl.id
        return intent_key(f"{rules_id}/keep", "kept", self.kept)

    # --- what goes in ---------------------------------------------------------------------------

    def take_note(self, values: Mapping[str, Any]) -> None:
        """Take a note of the journal that is about plans.

        Raises:
            InputError: it is none that this version writes.
        """
        item = decode(values["news"])
        if isinstance(item, Plan):
            self.running[item.id] = RunningPlan(item, Progress())
        elif isinstance(item, Stopped):
            self._take_news(item)
        elif isinstance(
            item, Looked | StageEntered | Measured | RebalanceForced | RebalanceSkipped
        ):
            self.rebalancing = rebalance_after(self.rebalancing, item)
        elif isinstance(item, PurchaseForced | SnapshotTaken):
            self._take_bag_news(item)

    def take_input(self, s: State, words: Table, position: int, end: int) -> None:
        """Take one input of the core and what it led to.

        Args:
            s: the state after exactly this input.
            words: of the journal.
            position: where the input's record begins.
            end: where the records that it led to end.
        """
        if not self.running and self.rules == _NO_RULES:
            return
        for news in order_news(s, words, position, end):
            self._take_news(news)
        for bit in halts(words, position, end):
            for plan_id in self.running_ids():
                self._take_news(Stopped(plan_id, HALT_WORDS[bit]))
        if self.bags is not None:
            profit = self._profits.take(s, words, position, end)
            if profit is not None:
                self._take_bag_news(profit)
            self._take_booking(words, position)
        if words[position] & 0xFF == at.R_TICK:
            self._end_plans(s.account[at.NOW_NS])

    def _take_news(self, news: News) -> None:
        for plan_id, item in self.running.items():
            progress = after(item.plan, item.progress, news)
            self.running[plan_id] = RunningPlan(item.plan, progress)
        if self.rules.rebalance is not None:
            self.rebalancing = rebalance_after(self.rebalancing, news)
        if not isinstance(news, Stopped):
            self._take_bag_news(news)

    def _take_bag_news(self, news: HodlNews) -> None:
        if self.bags is not None and self.rules.hodl is not None:
            self.bags = hodl_after(self.rules.hodl, self.bags, news)

    def _take_booking(self, words: Table, position: int) -> None:
        """See quote money move into the bags: it is a booking of the core under their next key."""
        first = position + _HEADER
        is_cash = words[position] & 0xFF == at.R_CASH
        if is_cash and words[first + 2] == self.keep_key():
            self._take_bag_news(Kept(-words[first]))

    def _end_plans(self, now_ns: int) -> None:
        for plan_id, item in list(self.running.items()):
            if not is_over(item.plan, item.progress, now_ns):
                continue
            del self.running[plan_id]
            why = item.progress.stop or _shortfall(item, now_ns)
            self.ended[plan_id] = EndedPlan(plan_id, item.done, item.plan.total, why, now_ns)
            self.n_ended += 1
            if len(self.ended) > _ENDED_MAX:
                self.ended.popitem(last=False)

    # --- snapshots ------------------------------------------------------------------------------

    def to_values(self) -> dict[str, object]:
        """Return it as JSON, for a snapshot."""
        return {
            "running": [
                [encode(item.plan), encode(item.progress)] for item in self.running.values()
            ],
            "ended": [to_values(item) for item in self.ended.values()],
            "n_ended": self.n_ended,
            "rebalancing": encode(self.rebalancing),
            "bags": None if self.bags is None else encode(self.bags),
            "profits": self._profits.to_values(),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any], rules: PlanRules) -> PlanBook:
        """Build it from a snapshot's JSON.

        Raises:
            InputError: it is none that this version writes.
        """
        book = cls(rules)
        for plan_values, progress_values in values["running"]:
            plan = _decoded(Plan, plan_values)
            book.running[plan.id] = RunningPlan(plan, _decoded(Progress, progress_values))
        for item in values["ended"]:
            ended = from_values(EndedPlan, item)
            book.ended[ended.id] = ended
        book.n_ended = values["n_ended"]
        book.rebalancing = _decoded(Rebalancing, values["rebalancing"])
        if values["bags"] is not None:
            book.bags = _decoded(Bags, values["bags"])
        book._profits = Profits.from_values(values["profits"])
        return book


_NO_RULES = PlanRules()


def rules_of(manifest: Mapping[str, Any]) -> PlanRules:
    """Read the rules of a session from its manifest.

    Raises:
        InputError: they are none of this version.
    """
    return PlanRules.from_values(manifest[RULES_KEY])


def plan_note(item: Plan | RebalanceNews | HodlNews, **more: object) -> dict[str, object]:
    """Return the note that tells the journal of a plan, or of news that no record holds."""
    return {"kind": PLAN_NOTE, "news": encode(item), **more}


def _shortfall(item: RunningPlan, now_ns: int) -> str:
    """Say why a plan ended that nobody stopped; empty when it is whole."""
    plan, rest = item.plan, left(item.plan, item.progress)
    if rest == 0:
        return ""
    if rest < plan.smallest:
        return "the rest is too small to be sent"
    if 0 < plan.lasts_ns <= now_ns - plan.start_ns:
        return "its time is over"
    return f"it was asked for {len(item.progress.slices)} times, which is as often as it may"


def _decoded(kind: type[ItemT], values: Mapping[str, Any]) -> ItemT:
    item = decode(values)
    if not isinstance(item, kind):
        message = f"expected {kind.__name__} in the journal, was {type(item).__name__}"
        raise InputError(message)
    return item
