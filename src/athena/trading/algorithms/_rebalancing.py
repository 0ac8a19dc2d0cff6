"""Rebalancing end to end: look, sell, buy, measure; every state is a fold of the journal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS, OrderType, Purpose, Side
from athena.errors import InputError
from athena.trading._core.arithmetic import scaled
from athena.trading._intent import Intent
from athena.trading._rebalance import (
    RebalanceTrade,
    check_weights,
    largest_deviation_ppm,
    rebalance_trades,
)
from athena.trading.algorithms._due import Due, due, is_over
from athena.trading.algorithms._plan import Measure, Plan, PlanKind
from athena.trading.algorithms._progress import News, Progress, Stopped, after
from athena.trading.algorithms._schedules import (
    CENT,
    DCA_BATCHES,
    DCA_FROM,
    DCA_INTERVAL_NS,
    dca_batches,
)
from athena.trading.algorithms._splits import money_parts, proportional_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

_PPM = 1_000_000
_DOLLAR = 100 * CENT
_FORCED_NS = -2  # in the place of the newest look


class RebalanceStyle(StrEnum):
    """How a rebalance is carried out; the only thing that a model may choose."""

    LIMIT_NOW = "limit_now"
    DCA = "dca"
    WAIT = "wait"


class RebalanceStage(StrEnum):
    """Where a rebalance is; it only moves downwards."""

    SELLING = "selling"
    BUYING = "buying"
    MEASURING = "measuring"
    DONE = "done"


class DeviationLevel(StrEnum):
    """How far off the farthest weight is."""

    WITHIN = "within"
    OFF = "off"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class RebalanceRules:
    """What holdings are kept at, and when; money in units of 10^-8 of the quote currency.

    Attributes:
        strategy: slot of the core book.
        weights_ppm: (S,) targets per instrument; what is missing from all is cash.
        check_ns: between looks.
        rest_ns: between the starts of two rebalances.
        off_ppm, warning_ppm, critical_ppm: deviations; above the first it acts, from the others
            on it tells.
        smallest: trades under it are skipped.
        limit_offset_ppm: how far beyond the last price its limit orders may pay.
        slice_ns: life of a limit order of the style `limit_now`.
        tries: orders per planned slice before the leg is left as it is.
    """

    strategy: int
    weights_ppm: tuple[int, ...]
    check_ns: int = HOUR_NS
    rest_ns: int = DAY_NS
    off_ppm: int = 50_000
    warning_ppm: int = 80_000
    critical_ppm: int = 150_000
    smallest: int = 10 * _DOLLAR
    limit_offset_ppm: int = 5_000
    slice_ns: int = 10 * MINUTE_NS
    tries: int = 3

    def __post_init__(self) -> None:
        """Refuse weights that cannot be kept, and times or sizes that are not positive."""
        check_weights(self.weights_ppm)
        sizes = (self.check_ns, self.rest_ns, self.smallest, self.slice_ns, self.tries)
        if not self.weights_ppm or min(sizes) < 1 or not 0 <= self.limit_offset_ppm < _PPM:
            message = f"expected weights, positive times and sizes, an offset < 1, was {self}"
            raise InputError(message)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a look sees of the book, hodl bags left out.

    Attributes:
        values: (S,) money held per instrument at `prices`.
        equity: of the book (its share of the account), cash included.
        prices: (S,) last prices in ticks, 0 where not known or stale.
        order_caps: (S,) largest order in money, at least the smallest trade.
        in_flight: instruments in which an order of anybody else works.
        is_breaker_active: a halt, a loss breaker or a pause is on.
    """

    values: tuple[int, ...]
    equity: int
    prices: tuple[int, ...]
    order_caps: tuple[int, ...]
    in_flight: frozenset[int] = frozenset()
    is_breaker_active: bool = False


@dataclass(frozen=True, slots=True)
class RebalancePlan:
    """One rebalance, as it was decided.

    Attributes:
        id: unique in the account.
        style: `limit_now` or `dca`.
        started_ns: UTC.
        legs: one plan per trade, sells first; each starts when its stage is entered.
        off_ppm: deviation that started it.
    """

    id: str
    style: RebalanceStyle
    started_ns: int
    legs: tuple[Plan, ...]
    off_ppm: int


@dataclass(frozen=True, slots=True)
class Looked:
    """The weights were looked at.

    Attributes:
        off_ppm: largest deviation; 0 when it could not be measured.
        level: of the deviation.
        refusal: why nothing was started although it was due; empty otherwise.
        plan: what was started, None for nothing.
    """

    ts_ns: int
    off_ppm: int
    level: DeviationLevel
    refusal: str = ""
    plan: RebalancePlan | None = None


@dataclass(frozen=True, slots=True)
class StageEntered:
    """A rebalance went on to its next stage."""

    plan_id: str
    stage: RebalanceStage
    ts_ns: int


@dataclass(frozen=True, slots=True)
class Measured:
    """The weights after the fills of a rebalance.

    Attributes:
        weights_ppm: (S,) of the equity; empty when they could not be measured.
        off_ppm: largest deviation.
        is_within: no weight is farther off than what starts a rebalance.
    """

    plan_id: str
    ts_ns: int
    weights_ppm: tuple[int, ...]
    off_ppm: int
    is_within: bool


@dataclass(frozen=True, slots=True)
class RebalanceForced:
    """An admin wants a rebalance now, however small the deviation and recent the last one."""

    ts_ns: int


@dataclass(frozen=True, slots=True)
class RebalanceSkipped:
    """An admin wants none before the rest that follows one has passed again."""

    ts_ns: int


RebalanceNews = Looked | StageEntered | Measured | RebalanceForced | RebalanceSkipped | News


@dataclass(frozen=True, slots=True)
class Rebalancing:
    """State of rebalancing: a fold of the journal.

    Attributes:
        looked_ns: newest look; -1 before the first, -2 where one was forced that is still due.
        started_ns: start of the newest rebalance, or when one was skipped; -1 before the first.
        plan: under way, or the newest; None before the first.
        stage: of that plan; `done` when none is under way.
        entered_ns: when the stage began.
        legs: progress of the plan's legs.
        measured: result of the newest rebalance that was finished.
    """

    looked_ns: int = -1
    started_ns: int = -1
    plan: RebalancePlan | None = None
    stage: RebalanceStage = RebalanceStage.DONE
    entered_ns: int = 0
    legs: tuple[Progress, ...] = ()
    measured: Measured | None = None

    @property
    def is_under_way(self) -> bool:
        """Tell whether a rebalance is under way."""
        return self.plan is not None and self.stage is not RebalanceStage.DONE


@dataclass(frozen=True, slots=True)
class LegDue:
    """An order of a rebalance to be asked for now; `leg` counts from 0 in its plan."""

    leg: int
    due: Due


RebalanceAction = Looked | StageEntered | Measured | LegDue


def deviation_level(rules: RebalanceRules, off_ppm: int) -> DeviationLevel:
    """Return how serious a deviation is: off above 5 points, warning from 8, critical from 15."""
    if off_ppm >= rules.critical_ppm:
        return DeviationLevel.CRITICAL
    if off_ppm >= rules.warning_ppm:
        return DeviationLevel.WARNING
    return DeviationLevel.OFF if off_ppm > rules.off_ppm else DeviationLevel.WITHIN


def rebalance_due(
    rules: RebalanceRules,
    state: Rebalancing,
    holdings: Holdings,
    now_ns: int,
    *,
    style: RebalanceStyle = RebalanceStyle.LIMIT_NOW,
) -> tuple[RebalanceAction, ...]:
    """Return what rebalancing wants now: a look, orders, the next stage, or the result.

    A look, a stage and a result are news themselves: journal them, then fold them. Orders are
    asked for, and answered by the news of orders. Sells come first; purchases begin when every
    sell is final. Nothing is asked for while a breaker is active, or in an asset where another
    order works (TR-21); the time of a leg goes on meanwhile.

    Args:
        rules: of the book.
        state: folded from the journal; `Rebalancing()` at the start.
        holdings: of the book, now.
        now_ns: UTC.
        style: what the desk chose for a rebalance that starts now.
    """
    plan = state.plan
    if plan is None or state.stage is RebalanceStage.DONE:
        return _look(rules, state, holdings, now_ns, style)
    if state.stage is RebalanceStage.MEASURING:
        return (_measure(rules, plan, holdings, now_ns),)
    side = Side.SELL if state.stage is RebalanceStage.SELLING else Side.BUY
    legs = [
        (k, replace(leg, start_ns=state.entered_ns), state.legs[k])
        for k, leg in enumerate(plan.legs)
        if leg.order.side is side
    ]
    if all(is_over(leg, progress, now_ns) for _, leg, progress in legs):
        return (StageEntered(plan.id, _next_stage(state.stage), now_ns),)
    asked = [
        LegDue(k, slice_due)
        for k, leg, progress in legs
        if (slice_due := _leg_due(rules, leg, progress, holdings, now_ns)) is not None
    ]
    return tuple(asked)


def _next_stage(stage: RebalanceStage) -> RebalanceStage:
    return RebalanceStage.BUYING if stage is RebalanceStage.SELLING else RebalanceStage.MEASURING


def _look(
    rules: RebalanceRules,
    state: Rebalancing,
    holdings: Holdings,
    now_ns: int,
    style: RebalanceStyle,
) -> tuple[Looked, ...]:
    is_forced = state.looked_ns == _FORCED_NS
    if state.looked_ns >= 0 and now_ns - state.looked_ns < rules.check_ns:
        return ()
    if holdings.equity <= 0 or min(holdings.prices) <= 0:
        reason = "equity or a price is not known"
        return (Looked(now_ns, 0, DeviationLevel.WITHIN, reason),)
    off_ppm = largest_deviation_ppm(holdings.values, holdings.equity, rules.weights_ppm)
    level = deviation_level(rules, off_ppm)
    if level is DeviationLevel.WITHIN and not is_forced:
        return (Looked(now_ns, off_ppm, level),)
    rested = replace(state, started_ns=-1) if is_forced else state
    refusal = _refusal(rules, rested, holdings, now_ns, style)
    plan = None
    if not refusal:
        plan = _plan(rules, holdings, now_ns, style, off_ppm)
        refusal = "" if plan is not None else "every trade is below the smallest"
    return (Looked(now_ns, off_ppm, level, refusal, plan),)


def _refusal(
    rules: RebalanceRules,
    state: Rebalancing,
    holdings: Holdings,
    now_ns: int,
    style: RebalanceStyle,
) -> str:
    if style is RebalanceStyle.WAIT:
        return "the desk chose to wait"
    if holdings.is_breaker_active:
        return "a halt, a loss breaker or a pause is active"
    if state.started_ns >= 0 and now_ns - state.started_ns < rules.rest_ns:
        return "the last rebalance is too recent"
    if min(holdings.order_caps) < rules.smallest:
        return "an order cap is below the smallest trade"
    return ""


def _plan(
    rules: RebalanceRules,
    holdings: Holdings,
    now_ns: int,
    style: RebalanceStyle,
    off_ppm: int,
) -> RebalancePlan | None:
    trades = rebalance_trades(
        holdings.values,
        holdings.equity,
        rules.weights_ppm,
        smallest=rules.smallest,
        largest=2 * holdings.equity,  # cut below, into slices
    )
    if not trades:
        return None
    plan_id = f"rebalance/{rules.strategy}/{now_ns}"
    legs = tuple(
        _leg(rules, f"{plan_id}/{trade.instrument}", trade, holdings, style, now_ns)
        for trade in trades
    )
    return RebalancePlan(plan_id, style, now_ns, legs, off_ppm)


def _leg(  # noqa: PLR0913, PLR0917 - a trade and its circumstances
    rules: RebalanceRules,
    leg_id: str,
    trade: RebalanceTrade,
    holdings: Holdings,
    style: RebalanceStyle,
    now_ns: int,
) -> Plan:
    amount = abs(trade.amount)
    is_dca = style is RebalanceStyle.DCA
    parts = _leg_parts(rules, amount, holdings.order_caps[trade.instrument], is_dca=is_dca)
    n = len(parts)
    interval_ns = DCA_INTERVAL_NS if is_dca else rules.slice_ns
    order = Intent(
        side=Side.BUY if trade.amount > 0 else Side.SELL,
        instrument=trade.instrument,
        purpose=Purpose.REBALANCE,
        type=OrderType.LIMIT,
        limit_ticks=_limit(rules, trade.amount, holdings.prices[trade.instrument]),
        target_ppm=trade.target_ppm,
    )
    return Plan(
        kind=PlanKind.REBALANCE,
        id=leg_id,
        strategy=rules.strategy,
        order=order,
        measure=Measure.MONEY,
        parts=parts,
        step=CENT,
        smallest=rules.smallest,
        start_ns=now_ns,
        interval_ns=interval_ns,
        lasts_ns=rules.tries * n * interval_ns,
        growth=1,
        asks_max=rules.tries * n,
        remark="",
    )


def _leg_parts(rules: RebalanceRules, amount: int, cap: int, *, is_dca: bool) -> tuple[int, ...]:
    """Cut a leg into batches, or as few slices as the order cap allows; cents to the first."""
    n = 1
    if is_dca and amount >= DCA_FROM:
        n = dca_batches(amount, DCA_BATCHES, rules.smallest)
    cents = amount // CENT
    n = max(n, -(-cents // (cap // CENT)))
    parts = money_parts(cents * CENT, n, CENT)
    if max(parts) <= cap:
        return parts
    return tuple(part * CENT for part in proportional_parts(cents, [1] * n))


def _limit(rules: RebalanceRules, side: int, price: int) -> int:
    """Return the limit of an order at a price: as far beyond it as the rules let it pay."""
    offset = rules.limit_offset_ppm if side > 0 else -rules.limit_offset_ppm
    return scaled(price, _PPM + offset)


def _leg_due(
    rules: RebalanceRules, leg: Plan, progress: Progress, holdings: Holdings, now_ns: int
) -> Due | None:
    instrument = leg.order.instrument
    price = holdings.prices[instrument]
    if price <= 0 or instrument in holdings.in_flight or holdings.is_breaker_active:
        return None
    side = 1 if leg.order.side is Side.BUY else -1
    return due(leg, progress, now_ns, limit_ticks=_limit(rules, side, price))


def _measure(
    rules: RebalanceRules, plan: RebalancePlan, holdings: Holdings, now_ns: int
) -> Measured:
    if holdings.equity <= 0 or min(holdings.prices) <= 0:
        return Measured(plan.id, now_ns, (), 0, is_within=False)
    weights = tuple(value * _PPM // holdings.equity for value in holdings.values)
    off_ppm = largest_deviation_ppm(holdings.values, holdings.equity, rules.weights_ppm)
    return Measured(plan.id, now_ns, weights, off_ppm, is_within=off_ppm <= rules.off_ppm)


def rebalance_after(state: Rebalancing, news: RebalanceNews) -> Rebalancing:
    """Fold one piece of news into the state; what is about another plan changes nothing.

    Args:
        state: so far; `Rebalancing()` at the start.
        news: in the order of the journal.
    """
    if isinstance(news, Looked):
        return _after_look(state, news)
    if isinstance(news, RebalanceForced):
        return state if state.is_under_way else replace(state, looked_ns=_FORCED_NS)
    if isinstance(news, RebalanceSkipped):
        return replace(state, started_ns=max(state.started_ns, news.ts_ns))
    plan = state.plan
    if plan is None:
        return state
    if isinstance(news, StageEntered | Measured):
        return _after_stage(state, news) if news.plan_id == plan.id else state
    legs = [after(leg, have, news) for leg, have in zip(plan.legs, state.legs, strict=True)]
    return replace(state, legs=_stopped_with(plan, legs, news))


def _after_look(state: Rebalancing, news: Looked) -> Rebalancing:
    state = replace(state, looked_ns=max(state.looked_ns, news.ts_ns))
    if news.plan is None or state.stage is not RebalanceStage.DONE:
        return state
    return replace(
        state,
        started_ns=news.plan.started_ns,
        plan=news.plan,
        stage=RebalanceStage.SELLING,
        entered_ns=news.plan.started_ns,
        legs=tuple(Progress() for _ in news.plan.legs),
    )


def _after_stage(state: Rebalancing, news: StageEntered | Measured) -> Rebalancing:
    if isinstance(news, StageEntered):
        if _rank(news.stage) <= _rank(state.stage):
            return state
        return replace(state, stage=news.stage, entered_ns=news.ts_ns)
    if state.stage is not RebalanceStage.MEASURING:
        return state
    return replace(state, stage=RebalanceStage.DONE, entered_ns=news.ts_ns, measured=news)


def _rank(stage: RebalanceStage) -> int:
    return list(RebalanceStage).index(stage)


def _stopped_with(
    plan: RebalancePlan, legs: Sequence[Progress], news: News
) -> tuple[Progress, ...]:
    """Stop every leg when the whole rebalance is stopped by its own id."""
    if not isinstance(news, Stopped) or news.plan_id != plan.id:
        return tuple(legs)
    return tuple(replace(leg, stop=leg.stop or news.reason) for leg in legs)
