"""The simulation catches bugs: each one planted here breaks its invariant, the clean twin none.

A bug is planted by replacing one piece of safety code. Chance says which of a few seeds meets it;
one that does is enough, and none of them accuses the code as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.domain import MINUTE_NS, SECOND_NS, OrderState, OrderType, Side
from athena.research.simulation import CrashKind, CrashPoint, crash_at
from athena.research.simulation._limits import busy_limits
from athena.research.simulation._scene import Scene
from athena.research.simulation._seed import scene_of
from athena.research.simulation._stage import ACCOUNT, START_NS
from athena.research.simulation._world import World
from athena.trading import Command, Intent, JournalWriter, codes, limits, step
from athena.trading import layout as at
from athena.trading._core import exposure, protection, risk, validity
from athena.trading.live import (
    Operated,
    Request,
    Result,
    Session,
    Wanted,
    _account,
    _core,
    _evidence,
    _memory,
    _outbox,
    _watch,
)
from athena.venues.faults import Answer, Fault, FaultPlan, RequestFate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.trading.live import (
        AccountSeen,
        Answered,
        OrderSeen,
        QueryAccount,
        StreamChanged,
    )

    Plant = Callable[[pytest.MonkeyPatch], None]

pytestmark = pytest.mark.slow

# Above what chance needs to break a limit within minutes, far below what the default allows.
TIGHT_GROSS = {limits.GROSS_PPM: 150_000}


# --- the bugs ----------------------------------------------------------------------------------


def sends_again_after_a_time_out(patch: pytest.MonkeyPatch) -> None:
    """An order whose fate is unknown is sent once more, with its client id."""
    real = Session._on_answer

    def on_answer(self: Session, event: Answered) -> None:
        real(self, event)
        row = self.core.row_of(self.number_of(event.client_id, ""))
        is_unknown = event.request is Request.PLACE and event.result is Result.UNKNOWN
        if is_unknown and row >= 0:
            self._news.requests.append(self._outbox._place(row, self._now_ns))

    patch.setattr(Session, "_on_answer", on_answer)


def books_a_fill_twice(patch: pytest.MonkeyPatch) -> None:
    """Neither the session nor the core remembers what it has booked."""
    patch.setattr(_memory.Memory, "has", lambda *_: False)
    patch.setattr(step, "_is_booked", lambda *_: False)


def takes_a_time_out_for_accepted(patch: pytest.MonkeyPatch) -> None:
    """No answer to a request counts as yes."""
    real = _evidence.Evidence.answer

    def answer(self: _evidence.Evidence, given: Answered) -> None:
        if given.result is Result.UNKNOWN:
            given = replace(given, result=Result.ACCEPTED)
        real(self, given)

    patch.setattr(_evidence.Evidence, "answer", answer)


def sends_before_the_journal_is_safe(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(JournalWriter, "sync", lambda _: None)


def ignores_orders_of_others(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_evidence.Evidence, "adopt", lambda *_: 0)


def forgets_fees(patch: pytest.MonkeyPatch) -> None:
    real = _core.Core.fill

    def fill(self: _core.Core, *terms: int) -> None:
        number, lots, price, _, liquidity, trade = terms
        real(self, number, lots, price, 0, liquidity, trade)

    patch.setattr(_core.Core, "fill", fill)


def changes_the_state_past_the_journal(patch: pytest.MonkeyPatch) -> None:
    def health(self: _core.Core, bits: int, account_ns: int) -> None:
        self.s.account[at.HEALTH] = bits
        self.s.account[at.ACCOUNT_NS] = account_ns

    patch.setattr(_core.Core, "health", health)


def forgets_at_a_restart_whose_orders_it_took_up(patch: pytest.MonkeyPatch) -> None:
    real = Session.resume

    def resume(self: Session) -> None:
        self._memory._keys.clear()
        self._memory.adopted.clear()
        real(self)

    patch.setattr(Session, "resume", resume)


def sends_again_after_a_restart(patch: pytest.MonkeyPatch) -> None:
    """An order that was on its way when the process died is sent once more."""
    real = Session._on_stream

    def on_stream(self: Session, event: StreamChanged) -> None:
        real(self, event)
        s = self.core.s
        for row in self.core.live_rows() if event.is_up else ():
            if s.orders[row, at.STATE] == codes.UNKNOWN:
                self._news.requests.append(self._outbox._place(row, self._now_ns))

    patch.setattr(Session, "_on_stream", on_stream)


def takes_entries_after_the_kill_switch(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(risk, "_check_halts", lambda *_: None)


def checks_no_exposure(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(risk, "_check_exposure", lambda *_: None)


def counts_no_working_orders(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(exposure, "counts", lambda *_: False)


def never_reads_the_account(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "_query", lambda _: None)


def trusts_the_stream_alone(patch: pytest.MonkeyPatch) -> None:
    real = Session._query

    def query(self: Session) -> QueryAccount | None:
        return None if self.readiness.is_stream_up else real(self)

    patch.setattr(Session, "_query", query)


def books_no_fills_of_a_view(patch: pytest.MonkeyPatch) -> None:
    real = _account.AccountBook.take

    def take(self: _account.AccountBook, view: AccountSeen, now_ns: int) -> None:
        real(self, replace(view, fills=()), now_ns)

    patch.setattr(_account.AccountBook, "take", take)


def cancels_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_outbox.Sent, "may_cancel_again", lambda *_: False)


def amends_once(patch: pytest.MonkeyPatch) -> None:
    """An amendment that came to nothing is never asked for again."""
    real = _outbox.Outbox.amend

    def amend(self: _outbox.Outbox, row: int, now_ns: int) -> Any:
        sent = self._sent(self._core.s.orders[row, at.NUMBER], now_ns)
        return None if sent.amend_deadline_ns else real(self, row, now_ns)

    patch.setattr(_outbox.Outbox, "amend", amend)


def brings_ended_orders_back_to_life(patch: pytest.MonkeyPatch) -> None:
    def mind(self: _evidence.Evidence, order: OrderSeen, number: int, *_: Any) -> None:
        closed = self._core.s.closed
        slot = number % len(closed)
        is_working = order.state in {OrderState.OPEN, OrderState.PARTIALLY_FILLED}
        if number and closed[slot, at.NUMBER] == number and is_working:
            closed[slot, at.STATE] = codes.OPEN
            self._core.report(codes.ACCEPTED, number)

    patch.setattr(_evidence.Evidence, "_mind_ended", mind)


def books_no_fill_after_the_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(step, "_report_on_closed", lambda *_: None)


def books_no_transfer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_account.AccountBook, "transfer", lambda *_: None)


def books_a_transfer_twice(patch: pytest.MonkeyPatch) -> None:
    real = _account.AccountBook.transfer

    def transfer(self: _account.AccountBook, seen: Any, now_ns: int) -> None:
        self._memory._keys.pop(_account.key_of(seen.ledger_id), None)
        real(self, seen, now_ns)

    patch.setattr(_account.AccountBook, "transfer", transfer)


def watches_and_does_nothing(patch: pytest.MonkeyPatch) -> None:
    """The watch over protections never acts."""
    patch.setattr(_watch.ProtectionWatch, "look", lambda *_: [])


def cancels_no_entries(patch: pytest.MonkeyPatch) -> None:
    """A kill switch closes positions and leaves the entries in the book."""
    patch.setattr(protection, "cancel_entries", lambda _: None)


def counts_no_unknown_orders(patch: pytest.MonkeyPatch) -> None:
    real = exposure.counts

    def counts(s: Any, row: int) -> bool:
        return s.orders[row, at.STATE] != codes.UNKNOWN and real(s, row)

    patch.setattr(exposure, "counts", counts)


def caps_no_size(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(risk, "_check_size", lambda *_: None)


def budgets_no_risk(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(risk, "_check_risk_budget", lambda *_: None)


def knows_no_correlation(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(risk, "_check_correlation", lambda *_: None)


def counts_no_positions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(risk, "_check_count", lambda _: None)


def caps_no_order(patch: pytest.MonkeyPatch) -> None:
    """An order may be of any size, as far as validity is concerned."""
    real = validity.check_validity

    def check(s: Any, price: int) -> None:
        cap = s.limits[limits.ORDER_CAP_MONEY]
        s.limits[limits.ORDER_CAP_MONEY] = at.NEVER_NS
        real(s, price)
        s.limits[limits.ORDER_CAP_MONEY] = cap

    patch.setattr(risk, "check_validity", check)


def sends_at_any_rate(patch: pytest.MonkeyPatch) -> None:
    def refill(s: Any) -> None:
        s.account[at.RATE_TOKENS] = 10 * at.PPM
        s.account[at.RATE_NS] = s.account[at.NOW_NS]

    patch.setattr(step, "_refill_rate", refill)


def takes_a_time_out_for_rejected(patch: pytest.MonkeyPatch) -> None:
    """No answer to a request counts as no."""
    real = Session._on_answer

    def on_answer(self: Session, event: Answered) -> None:
        if event.result is Result.UNKNOWN:
            event = replace(event, result=Result.REFUSED, reason="no answer")
        real(self, event)

    patch.setattr(Session, "_on_answer", on_answer)


def believes_one_view_of_absence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_account, "ABSENT_VIEWS", 1)


def believes_absence_at_once(patch: pytest.MonkeyPatch) -> None:
    """Absence counts from when the order was sent, not from half a minute after its deadline."""
    patch.setattr(_account, "ABSENT_AFTER_NS", -MINUTE_NS)


def amends_twice_at_once(patch: pytest.MonkeyPatch) -> None:
    real = _outbox.Outbox.amend

    def amend(self: _outbox.Outbox, row: int, now_ns: int) -> Any:
        self._sent(self._core.s.orders[row, at.NUMBER], now_ns).amend = None
        return real(self, row, now_ns)

    patch.setattr(_outbox.Outbox, "amend", amend)


def sends_again_under_another_client_id(patch: pytest.MonkeyPatch) -> None:
    """An order whose fate is unknown is sent once more, as if it were another."""
    real = Session._on_answer

    def on_answer(self: Session, event: Answered) -> None:
        real(self, event)
        row = self.core.row_of(self.number_of(event.client_id, ""))
        is_unknown = event.request is Request.PLACE and event.result is Result.UNKNOWN
        if is_unknown and row >= 0:
            again = self._outbox._place(row, self._now_ns)
            self._news.requests.append(replace(again, client_id=again.client_id[::-1]))

    patch.setattr(Session, "_on_answer", on_answer)


def wants_again_what_is_unknown(patch: pytest.MonkeyPatch) -> None:
    """An entry whose fate is unknown is wanted once more, under an intent of its own."""
    real = Session._on_answer

    def on_answer(self: Session, event: Answered) -> None:
        real(self, event)
        row = self.core.row_of(self.number_of(event.client_id, ""))
        is_unknown = event.request is Request.PLACE and event.result is Result.UNKNOWN
        if is_unknown and row >= 0 and self.core.s.orders[row, at.SIDE] > 0:
            orders = self.core.s.orders
            again = Intent(
                side=Side.BUY,
                lots=orders[row, at.LOTS],
                instrument=orders[row, at.ORDER_INSTRUMENT],
                stop_ticks=orders[row, at.STOP],
            )
            self.core.want(orders[row, at.ORDER_STRATEGY], again)

    patch.setattr(Session, "_on_answer", on_answer)


# --- at random ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """A bug, the invariant that it breaks, and where it is met.

    Attributes:
        plant: the bug.
        invariant: that has to be among those reported.
        rates: of the faults, all of which may strike.
        seeds: tried until one meets it.
        tight: limits that are tighter than the default.
    """

    plant: Plant
    invariant: str
    rates: Mapping[Fault, float] = field(default_factory=dict)
    seeds: range = range(3)
    tight: Mapping[int, int] = field(default_factory=dict)


LOST_ANSWERS = {Fault.TIMEOUT_AFTER_ACCEPT: 0.3}
LOST_REQUESTS = {Fault.TIMEOUT_BEFORE_ACCEPT: 0.3}
DEAF = {Fault.TIMEOUT_AFTER_ACCEPT: 0.3, Fault.HALF_OPEN_SOCKET: 0.03}
ROUGH = {
    **LOST_ANSWERS,
    Fault.LATE: 0.05,
    Fault.DUPLICATE: 0.1,
    Fault.PARTIAL_FILL_THEN_DISCONNECT: 0.3,
    Fault.HALF_OPEN_SOCKET: 0.005,
    Fault.RESTART: 0.02,
}

SOME_LOST = {Fault.TIMEOUT_BEFORE_ACCEPT: 0.06}
SLOW_LINE = {Fault.LATE: 0.3}
SLOW = {limits.ORDERS_PER_MINUTE: 2, limits.ORDER_BURST: 1}

CASES = (
    Case(sends_again_after_a_time_out, "I4", LOST_ANSWERS),
    Case(books_a_fill_twice, "I1", {Fault.DUPLICATE: 0.3}),
    Case(takes_a_time_out_for_accepted, "I1", LOST_REQUESTS, range(5)),
    Case(sends_before_the_journal_is_safe, "I3"),
    Case(ignores_orders_of_others, "I1"),
    Case(forgets_fees, "I2"),
    Case(changes_the_state_past_the_journal, "I9"),
    Case(forgets_at_a_restart_whose_orders_it_took_up, "I1", {Fault.RESTART: 0.03}, range(5)),
    Case(checks_no_exposure, "I6", tight=TIGHT_GROSS),
    Case(counts_no_working_orders, "I6", tight=TIGHT_GROSS),
    Case(never_reads_the_account, "I8", DEAF),
    Case(trusts_the_stream_alone, "I1", ROUGH, range(5)),
    Case(books_no_fills_of_a_view, "I1", DEAF),
    Case(cancels_once, "I8", LOST_REQUESTS, range(8)),
    Case(amends_once, "I8", LOST_REQUESTS, range(5)),
    Case(brings_ended_orders_back_to_life, "I5", ROUGH, range(5)),
    Case(watches_and_does_nothing, "I11", LOST_REQUESTS, range(5)),
    Case(takes_entries_after_the_kill_switch, "I10", seeds=range(10)),
    Case(caps_no_size, "I6", seeds=range(5), tight={limits.POSITION_PPM: 30_000}),
    Case(budgets_no_risk, "I6", seeds=range(5), tight={limits.RISK_PER_TRADE_PPM: 200}),
    Case(knows_no_correlation, "I6", seeds=range(5), tight={limits.CORRELATED_PPM: 60_000}),
    Case(counts_no_positions, "I6", seeds=range(5), tight={limits.MAX_POSITIONS: 1}),
    Case(caps_no_order, "I6", seeds=range(5), tight={limits.ORDER_CAP_MONEY: 3_000 * 10**8}),
    Case(sends_at_any_rate, "I6", seeds=range(5), tight=SLOW),
    Case(takes_a_time_out_for_rejected, "I4", LOST_REQUESTS),
    Case(believes_one_view_of_absence, "I4", LOST_REQUESTS, range(10)),
    Case(believes_absence_at_once, "I4", SOME_LOST, range(10)),
    Case(amends_twice_at_once, "I4", SLOW_LINE, range(10)),
    Case(sends_again_under_another_client_id, "I3", LOST_ANSWERS),
    Case(wants_again_what_is_unknown, "I3", LOST_REQUESTS, range(6)),
)


def broken_by(case: Case, seed: int) -> set[str]:
    """Return the invariants that one seed finds broken."""
    scene = scene_of(seed, case.rates)
    for column, value in case.tight.items():
        scene.limits[column] = value
    return broken_in(World(scene))


def broken_in(world: World) -> set[str]:
    """Let a world run and settle; return the invariants that did not hold."""
    world.run()
    world.checks.settled()
    return {violation.split()[0] for violation in world.checks.violations}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.plant.__name__)
def test_a_bug_is_caught_and_its_clean_twin_is_not_accused(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TR-29: a checker that no bug fails proves nothing."""
    tried = []
    with monkeypatch.context() as patch:
        case.plant(patch)
        for seed in case.seeds:
            tried.append((seed, broken_by(case, seed)))
            if case.invariant in tried[-1][1]:
                break
    assert case.invariant in tried[-1][1], tried
    assert [broken_by(case, seed) for seed, _ in tried] == [set()] * len(tried)


# --- in stories --------------------------------------------------------------------------------


def buy(world: World) -> None:
    """Want 0.1 BTC at market, with a stop."""
    order(world, OrderType.MARKET, below_ppm=0)


def bid(world: World) -> None:
    """Want 0.1 BTC a little below the market."""
    order(world, OrderType.LIMIT, below_ppm=9_000)


def order(world: World, kind: OrderType, *, below_ppm: int) -> None:
    assert world.session is not None
    price = world.session.core.s.instruments[0, at.LAST]
    price -= price * below_ppm // at.PPM
    intent = Intent(
        side=Side.BUY,
        lots=10_000_000,
        instrument=0,
        type=kind,
        limit_ticks=price if kind is OrderType.LIMIT else 0,
        stop_ticks=price * 98 // 100,
    )
    world.tell(Wanted(0, intent, world.heap.now_ns))


def cancel(world: World) -> None:
    """Cancel the only order."""
    assert world.session is not None
    (row,) = world.session.core.live_rows()
    number = world.session.core.s.orders[row, at.NUMBER]
    operate(world, Command.CANCEL, number)


def kill(world: World) -> None:
    operate(world, Command.KILL)


def operate(world: World, command: Command, argument: int = 0) -> None:
    world.tell(Operated(command, world.heap.now_ns, "operator", "scripted", argument))


def fall(world: World) -> None:
    world.move_price(0, Decimal("0.985"))


def deposit(world: World) -> None:
    world.exchange.deposit(ACCOUNT, "USD", Decimal(5_000))
    world.network.deliver()


class FirstOrderLost(FaultPlan):
    """Lose what is placed in the first seconds of the story on its way, and nothing else."""

    def request_fate(self, counter: int, endpoint: str, now_ns: int) -> RequestFate:
        """Lose an order that is placed before 25 s."""
        if endpoint == "AddOrder" and now_ns < START_NS + 25 * SECOND_NS:
            return RequestFate(Answer.NONE, is_carried_out=False)
        return super().request_fate(counter, endpoint, now_ns)


KILLED_WITH_A_BID = ((20.0, bid), (24.0, kill))
LATE_FILL = ((20.0, bid), (24.0, cancel), (30.0, fall))
KILLED = ((20.0, kill), (24.0, buy))
DEPOSITED = ((20.0, deposit),)
STORIES = (
    (books_no_fill_after_the_end, "I1", LATE_FILL),
    (takes_entries_after_the_kill_switch, "I10", KILLED),
    (cancels_no_entries, "I10", KILLED_WITH_A_BID),
    (books_no_transfer, "I2", DEPOSITED),
    (books_a_transfer_twice, "I2", DEPOSITED),
)


def told(script: tuple[tuple[float, Callable[[World], None]], ...]) -> World:
    """Return the world of a story, whose venue fills what was cancelled when it can."""
    plan = FaultPlan(7, {Fault.FILL_AFTER_CANCEL: 1.0})
    return World(
        Scene(
            seed=7,
            plan=plan,
            limits=busy_limits(),
            has_people=False,
            script=script,
            volatility_frac=0.0001,
            faulty_ns=MINUTE_NS,
            calm_ns=3 * MINUTE_NS,
        )
    )


@pytest.mark.parametrize(("plant", "invariant", "script"), STORIES)
def test_a_bug_in_a_story_is_caught_and_its_clean_twin_is_not_accused(
    plant: Plant,
    invariant: str,
    script: tuple[tuple[float, Callable[[World], None]], ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert broken_in(told(script)) == set()
    with monkeypatch.context() as patch:
        plant(patch)
        assert invariant in broken_in(told(script))


def test_an_order_of_unknown_fate_counts_at_its_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    """I6: the first order never arrives; until that is proven there is no room for a second."""

    def broken() -> set[str]:
        scene = told(((20.0, buy), (30.0, buy))).scene
        scene.limits[limits.POSITION_PPM] = 60_000  # 6,000; each order is worth 4,500
        return broken_in(World(replace(scene, plan=FirstOrderLost(7))))

    assert broken() == set()
    counts_no_unknown_orders(monkeypatch)
    assert broken() == {"I6"}


def test_the_story_of_the_late_fill_has_one() -> None:
    world = told(LATE_FILL)
    assert broken_in(world) == set()
    assert world.session is not None
    assert world.session.core.held_lots(0) == 10_000_000


def test_an_order_that_a_restart_sends_again_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """TR-30: dying between the way out of the two exits and the first answer."""

    def broken() -> set[str]:
        points = [CrashPoint(CrashKind.AFTER_SEND, index) for index in range(28, 34)]
        found = [crash_at("entry with stop and target", point) for point in points]
        return {text.split()[0] for result in found for text in result.violations}

    assert broken() == set()
    sends_again_after_a_restart(monkeypatch)
    assert "I4" in broken()
