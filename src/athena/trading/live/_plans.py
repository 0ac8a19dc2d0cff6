"""Carry out execution plans in a session: ask for what is due, and tell people how they end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from athena.domain import DenialCode, Purpose
from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core import limits as limit
from athena.trading._core.arithmetic import mul_div_capped, part
from athena.trading._core.exposure import in_trading_book
from athena.trading._core.orders import is_stop, is_working
from athena.trading._core.positions import equity, position_row, position_value
from athena.trading._core.risk import spendable_cash
from athena.trading.algorithms import (
    DeviationLevel,
    Holdings,
    Keep,
    LegDue,
    Looked,
    Measured,
    PurchaseForced,
    RebalanceForced,
    RebalanceSkipped,
    SnapshotTaken,
    Stopped,
    TakeSnapshot,
    dear_purchases,
    due,
    encode,
    hodl_due,
    rebalance_due,
)
from athena.trading.live._effects import Alert, Urgency
from athena.trading.live._events import PlanStopped
from athena.trading.live._plan_book import RUNNING_MAX, plan_note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.trading._intent import Intent
    from athena.trading.algorithms import HodlRules, Plan, RebalanceRules, Slice
    from athena.trading.live._core import Core
    from athena.trading.live._events import PlanStarted, PurchaseAsked, RebalanceAsked
    from athena.trading.live._memory import Memory
    from athena.trading.live._plan_book import EndedPlan

_ASKED_MAX = 1_000
_CAP_PPM = 980_000  # of the order cap: a limit order pays beyond the last price, which moves
_POINT_PPM = 10_000
_DENIALS = {
    code.value: f"the risk engine denied an order ({code.value}): {code.meaning}"
    for code in DenialCode
}


class Plans:
    """Ask for what plans want, when it is due.

    What they want follows from the journal alone (`PlanBook`), so a session that was killed goes
    on with the next slice, under the key that it would have had.

    Attributes:
        alerts: what a person should be told.
        asked: orders that plans asked for, why they were denied, and the id of the plan; the
            newest 1,000.
    """

    def __init__(
        self, core: Core, memory: Memory, note: Callable[[Mapping[str, object]], None]
    ) -> None:
        """Go on with what the memory knows; `note` writes into the journal."""
        self._core = core
        self._book = memory.plans
        self._note = note
        self._n_told = memory.plans.n_ended
        self._bags = memory.plans.bags
        self.alerts: list[Alert] = []
        self.asked: deque[tuple[int, DenialCode | None, str]] = deque(maxlen=_ASKED_MAX)

    # --- people ---------------------------------------------------------------------------------

    def start(self, event: PlanStarted) -> None:
        """Journal a plan; one that is known is not begun again, one that cannot be is refused."""
        plan, now_ns = event.plan, event.ts_ns
        if self._book.knows(plan.id):
            return
        refusal = self._refusal(plan)
        if refusal:
            text = f"plan {plan.id} is not begun: {refusal}"
            self.alerts.append(Alert(Urgency.WARNING, "plan_refused", text, now_ns))
            return
        self._take_note(plan_note(plan, by=event.by, reason=event.reason, ts_ns=now_ns))

    def _refusal(self, plan: Plan) -> str:
        account = self._core.s.account
        if len(self._book.running) >= RUNNING_MAX:
            return f"{RUNNING_MAX} run already; stop one first"
        if plan.strategy >= account[at.N_STRATEGIES]:
            return f"there is no slot {plan.strategy}"
        if not 0 <= plan.order.instrument < account[at.N_INSTRUMENTS]:
            return f"there is no instrument {plan.order.instrument}"
        return ""

    def stop(self, event: PlanStopped) -> None:
        """Stop a plan for good, or the rebalance of this id; its working order is cancelled."""
        reason = f"stopped by {event.by}: {event.reason}"
        news = Stopped(event.plan_id, reason)
        for number in self._working(event.plan_id):
            self._core.command(codes.COMMAND_CANCEL, number)
        self._take_note(plan_note(news, by=event.by, reason=event.reason, ts_ns=event.ts_ns))

    def ask_rebalance(self, event: RebalanceAsked) -> None:
        """Journal that a rebalance is wanted now, or that none is; one under way is stopped."""
        state, ts_ns = self._book.rebalancing, event.ts_ns
        news: RebalanceForced | RebalanceSkipped = RebalanceSkipped(ts_ns)
        if event.is_wanted:
            news = RebalanceForced(ts_ns)
        elif state.plan is not None and state.is_under_way:
            self.stop(PlanStopped(state.plan.id, ts_ns, event.by, event.reason))
        self._take_note(plan_note(news, by=event.by, reason=event.reason, ts_ns=ts_ns))

    def ask_purchase(self, event: PurchaseAsked) -> None:
        """Journal that a pending purchase of the bags is wanted now."""
        news = PurchaseForced(event.asset)
        self._take_note(plan_note(news, by=event.by, reason=event.reason, ts_ns=event.ts_ns))

    def _working(self, plan_id: str) -> list[int]:
        """Return the numbers of a plan's orders that may still fill."""
        running = self._book.running.get(plan_id)
        slices: list[Slice] = [] if running is None else list(running.progress.slices)
        rebalance = self._book.rebalancing
        if rebalance.plan is not None and rebalance.plan.id == plan_id:
            slices += [piece for leg in rebalance.legs for piece in leg.slices]
        return [piece.number for piece in slices if piece.number and not piece.is_over]

    # --- time -----------------------------------------------------------------------------------

    def carry_on(self, now_ns: int) -> None:
        """Ask for what is due; while the account is not known as it is, nothing is."""
        s = self._core.s
        if s.account[at.HEALTH] == 0:
            is_stopped = bool(s.account[at.HALT]) or now_ns < s.account[at.PAUSE_UNTIL_NS]
            self._carry_on_plans(now_ns, may_trade=not is_stopped)
            self._rebalance(now_ns, may_trade=not is_stopped)
            self._mind_bags(now_ns, may_trade=not is_stopped)
        self._tell_of_ends(now_ns)

    def _carry_on_plans(self, now_ns: int, *, may_trade: bool) -> None:
        """Ask for slices; those that add risk wait while the risk engine takes none."""
        for item in list(self._book.running.values()):
            plan = item.plan
            is_exit = plan.order.purpose is Purpose.EXIT
            is_free = is_exit or (may_trade and not self._is_cooling(plan, now_ns))
            is_priced = self._price(plan.order.instrument, now_ns) > 0
            wanted = due(plan, item.progress, now_ns, may_trade=is_free and is_priced)
            if wanted is not None:
                self._want(plan.strategy, wanted.intent, plan.id)

    def _is_cooling(self, plan: Plan, now_ns: int) -> bool:
        """Tell whether a cool-down holds that the trading book has to wait for."""
        s = self._core.s
        if not in_trading_book(s, plan.strategy):
            return False
        symbol = s.instruments[plan.order.instrument, at.SYMBOL_COOLDOWN_NS]
        account, trading = s.account[at.ACCOUNT_COOLDOWN_NS], s.account[at.TRADING_COOLDOWN_NS]
        return now_ns < max(account, trading, symbol)

    def _want(self, strategy: int, intent: Intent, plan_id: str) -> None:
        number = self._core.want(strategy, intent)
        self.asked.append((number, self._core.verdict(), plan_id))
        self._core.causes.named(number)
        self._note({"kind": "wanted", "order": number, "correlation_id": plan_id})

    def _take_note(self, values: Mapping[str, object]) -> None:
        """Write a note and take it, as the fold will."""
        self._note(values)
        self._book.take_note(values)

    def _price(self, instrument: int, now_ns: int) -> int:
        """Return the last price in ticks; 0 when it is not known or too old."""
        s = self._core.s
        age_ns = now_ns - s.instruments[instrument, at.LAST_NS]
        return s.instruments[instrument, at.LAST] if age_ns < s.limits[limit.QUOTE_AGE_NS] else 0

    # --- rebalancing ----------------------------------------------------------------------------

    def _rebalance(self, now_ns: int, *, may_trade: bool) -> None:
        rules = self._book.rules.rebalance
        if rules is None:
            return
        state = self._book.rebalancing
        plan_id = "" if state.plan is None else state.plan.id
        holdings = self._holdings(rules, now_ns, is_stopped=not may_trade)
        for action in rebalance_due(rules, state, holdings, now_ns):
            if isinstance(action, LegDue):
                self._want(rules.strategy, action.due.intent, plan_id)
                continue
            self._take_note(plan_note(action))
            if isinstance(action, Looked):
                self._tell_of_look(action)
            elif isinstance(action, Measured):
                self._tell_of_result(action)

    def _holdings(self, rules: RebalanceRules, now_ns: int, *, is_stopped: bool) -> Holdings:
        """See what the core book holds of its share of the equity."""
        s = self._core.s
        instruments = range(s.account[at.N_INSTRUMENTS])
        rows = [position_row(s, rules.strategy, k) for k in instruments]
        return Holdings(
            values=tuple(position_value(s, row) for row in rows),
            equity=part(equity(s), s.strategies[rules.strategy, at.SHARE_PPM]),
            prices=tuple(self._price(k, now_ns) for k in instruments),
            order_caps=tuple(self._order_cap(k) for k in instruments),
            in_flight=self._in_flight(),
            is_breaker_active=is_stopped,
        )

    def _order_cap(self, instrument: int) -> int:
        """Return the largest order in money that the risk engine lets through, and a bit less."""
        s = self._core.s
        money = s.instruments[instrument, at.LAST] * s.instruments[instrument, at.VALUE_NUM]
        # Capped: where the limits are open, the largest order is worth more than there is money.
        cap = mul_div_capped(
            money,
            s.instruments[instrument, at.CAP_LOTS],
            s.instruments[instrument, at.VALUE_DEN],
        )
        return part(min(cap, s.limits[limit.ORDER_CAP_MONEY]), _CAP_PPM)

    def _in_flight(self) -> frozenset[int]:
        """Return the instruments in which an order works that is not the rebalance's (TR-21)."""
        s = self._core.s
        legs = self._book.rebalancing.legs
        own = {piece.number for leg in legs for piece in leg.slices}
        return frozenset(
            s.orders[row, at.ORDER_INSTRUMENT]
            for row in self._core.live_rows()
            if is_working(s.orders[row, at.STATE])
            and not is_stop(s.orders[row, at.TYPE])
            and s.orders[row, at.NUMBER] not in own
        )

    def _tell_of_look(self, look: Looked) -> None:
        off = look.off_ppm / _POINT_PPM
        if look.plan is not None:
            text = f"weights are {off:.1f} points off; rebalance {look.plan.id} begins"
            self.alerts.append(Alert(Urgency.NOTICE, "rebalance_begun", text, look.ts_ns))
        elif look.level is DeviationLevel.WITHIN and look.refusal:  # only where it was forced
            text = f"weights are {off:.1f} points off, and nothing is done: {look.refusal}"
            self.alerts.append(Alert(Urgency.NOTICE, "rebalance_refused", text, look.ts_ns))
        elif look.level in (DeviationLevel.WARNING, DeviationLevel.CRITICAL):
            is_critical = look.level is DeviationLevel.CRITICAL
            urgency = Urgency.URGENT if is_critical else Urgency.WARNING
            text = f"weights are {off:.1f} points off, and nothing is done: {look.refusal}"
            self.alerts.append(Alert(urgency, "weights_off", text, look.ts_ns))

    def _tell_of_result(self, result: Measured) -> None:
        off = result.off_ppm / _POINT_PPM
        how = f"weights are {off:.1f} points off" if result.weights_ppm else "weights unknown"
        urgency = Urgency.NOTICE if result.is_within else Urgency.WARNING
        text = f"rebalance {result.plan_id} is over: {how}"
        self.alerts.append(Alert(urgency, "rebalance_over", text, result.ts_ns))

    # --- bags -----------------------------------------------------------------------------------

    def _mind_bags(self, now_ns: int, *, may_trade: bool) -> None:
        rules, bags = self._book.rules.hodl, self._book.bags
        if rules is None or bags is None:
            return
        for action in hodl_due(rules, bags, now_ns, may_trade=may_trade):
            if isinstance(action, Keep):
                self._keep(action.amount)
            elif isinstance(action, TakeSnapshot):
                values = {"bags": encode(bags), "ts_ns": now_ns}
                self._take_note(plan_note(SnapshotTaken(action.day), **values))
            elif self._price(action.intent.instrument, now_ns) > 0:
                self._want(rules.strategy, action.intent, rules.id)
        self._tell_of_dear(rules, now_ns)

    def _keep(self, amount: int) -> None:
        """Move quote money out of the books' cash; without enough of it, later."""
        if spendable_cash(self._core.s) >= amount:
            self._core.cash(-amount, is_transfer=True, reference=self._book.keep_key())

    def _tell_of_dear(self, rules: HodlRules, now_ns: int) -> None:
        before, self._bags = self._bags, self._book.bags
        if before is None or self._bags is None:
            return
        for piece in dear_purchases(rules, before, self._bags):
            percent = piece.slippage_ppm() / _POINT_PPM
            text = f"order {piece.number} of the bags paid {percent:.2f} % above the price"
            self.alerts.append(Alert(Urgency.WARNING, "dear_purchase", text, now_ns))

    # --- how plans end --------------------------------------------------------------------------

    def _tell_of_ends(self, now_ns: int) -> None:
        n_new = self._book.n_ended - self._n_told
        self._n_told = self._book.n_ended
        for ended in list(self._book.ended.values())[-n_new:] if n_new else ():
            self.alerts.append(_end_alert(ended, now_ns))


def _end_alert(ended: EndedPlan, now_ns: int) -> Alert:
    if not ended.why:
        return Alert(Urgency.NOTICE, "plan_done", f"plan {ended.id} is done", now_ns)
    part_ppm = ended.done * at.PPM // ended.total if ended.total else 0
    why = _DENIALS.get(ended.why, ended.why)
    text = f"plan {ended.id} ended with {part_ppm / _POINT_PPM:.1f} % of it done: {why}"
    return Alert(Urgency.WARNING, "plan_ended", text, now_ns)
