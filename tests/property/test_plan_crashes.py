"""Kill a session at any moment while plans run: each total is traded once, to the lot (TR-12)."""

from __future__ import annotations

import os
from collections import Counter
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from athena.domain import MINUTE_NS, Book, Purpose, Side
from athena.trading import (
    FrameKind,
    Intent,
    IntentRecord,
    StrategySlot,
    VerdictRecord,
    digest_of,
    read_frames,
    read_records,
)
from athena.trading.algorithms import dca_plan, twap_plan
from athena.trading.live import PlanStarted, fold_journal
from athena.venues.faults import DEFAULT_RATES, NO_FAULTS, Fault, FaultPlan
from tests.core_builder import MONEY, NOON, cheap_limits
from tests.virtual_desk import VirtualDesk

LOTS = 30_000_007
DOLLARS = 1_000
N_SLICES = 4
EXAMPLES = 40 if os.environ.get("ATHENA_FULL") == "1" else 8

WIRE_FAULTS = (
    Fault.TIMEOUT_BEFORE_ACCEPT,
    Fault.TIMEOUT_AFTER_ACCEPT,
    Fault.DUPLICATE,
    Fault.LATE,
    Fault.REORDERED,
    Fault.TOO_MANY_REQUESTS,
    Fault.SERVER_ERROR,
    Fault.PARTIAL_FILL_THEN_DISCONNECT,
)

trade_worths = st.sampled_from([500, 5_000, 10_000_000])
kills = st.lists(st.tuples(st.floats(0.1, 200), st.floats(0.5, 60)), max_size=5)


def desk_with_plans(trade_worth: int, faults: FaultPlan = NO_FAULTS) -> VirtualDesk:
    """Return a desk on which a TWAP of bitcoin and a DCA of ripple have just begun."""
    desk = VirtualDesk(
        limits=cheap_limits(is_open=True),
        balances={"USD": Decimal(100_000)},
        prices=[Decimal(45_000), Decimal("0.5")],
        slots=[StrategySlot("manual"), StrategySlot("core", Book.CORE)],
        trade_worth=Decimal(trade_worth),
        faults=faults,
    )
    desk.run_until(lambda: desk.has_session, 60)
    now_ns = desk.heap.now_ns
    twap = twap_plan(
        "t",
        0,
        Intent(side=Side.BUY, purpose=Purpose.MANUAL),
        LOTS,
        start_ns=now_ns,
        smallest_lots=10_000,
        slices=N_SLICES,
        window_ns=N_SLICES * 4 * MINUTE_NS,
    )
    dca = dca_plan(
        "d",
        1,
        Intent(side=Side.BUY, instrument=1, purpose=Purpose.DCA),
        DOLLARS * MONEY,
        start_ns=now_ns,
        batches=3,
        interval_ns=5 * MINUTE_NS,
    )
    for plan in (twap, dca):
        desk.tell(PlanStarted(plan, now_ns, "ann", "because"))
    desk.session.flush()  # an operator is answered after that
    return desk


def kill_at(desk: VirtualDesk, kills: list[tuple[float, float]]) -> None:
    for after_s, down_s in kills:
        desk.run(after_s)
        desk.kill()
        desk.run(down_s)
        desk.start()


@settings(max_examples=EXAMPLES, deadline=None)
@given(kills=kills, trade_worth=trade_worths)
def test_a_total_is_traded_once_whenever_the_process_is_killed(
    kills: list[tuple[float, float]], trade_worth: int
) -> None:
    desk = desk_with_plans(trade_worth)
    kill_at(desk, kills)
    desk.run(36 * 60)
    assert not desk.session.plans.running
    assert desk.session.plans.ended["t"].why == ""
    held = check_totals(desk)
    assert held == LOTS
    check_orders(desk)
    check_fold(desk)


@settings(max_examples=EXAMPLES, deadline=None)
@given(kills=kills, trade_worth=trade_worths, seed=st.integers(0, 10**6))
def test_no_more_than_the_total_is_traded_when_venue_and_wire_fail_too(
    kills: list[tuple[float, float]], trade_worth: int, seed: int
) -> None:
    """F01 to F08, F18: what fails may cost slices, and never doubles one."""
    rates = {fault: 3 * DEFAULT_RATES[fault] for fault in WIRE_FAULTS}
    faults = FaultPlan(seed, rates, from_ns=NOON + MINUTE_NS, until_ns=NOON + 20 * MINUTE_NS)
    desk = desk_with_plans(trade_worth, faults)
    kill_at(desk, kills)
    desk.run(40 * 60)
    held = check_totals(desk)
    done = desk.session.plans.ended["t"].done
    assert held == done <= LOTS
    check_orders(desk)
    check_fold(desk)


def check_orders(desk: VirtualDesk) -> None:
    """Each order reached the venue once, and each slice was approved under its key once."""
    sent = Counter(order["cl_ord_id"] for order in desk.placed)
    assert set(sent.values()) <= {1}
    approved: Counter[int] = Counter()
    key = 0
    for frame in read_frames(desk.store):
        if frame.kind is not FrameKind.WORDS:
            continue
        for record in read_records(np.frombuffer(frame.payload, "<i8")):
            if isinstance(record, IntentRecord):
                key = record.key
            elif isinstance(record, VerdictRecord) and record.code is None and key:
                approved[key] += 1
    assert set(approved.values()) <= {1}


def check_totals(desk: VirtualDesk) -> int:
    """The DCA spent no more than its money, the books agree; return the lots of bitcoin there."""
    balances = desk.ask_venue("Balance")
    spent = Decimal(balances.get("XXRP", 0)) * desk.prices[1]
    assert float(spent) <= DOLLARS
    assert desk.session.readiness.differences == ()
    return int(Decimal(balances.get("XXBT", 0)) * 10**8)


def check_fold(desk: VirtualDesk) -> None:
    desk.session.flush()
    folded = fold_journal(desk.store, from_beginning=True)
    assert folded.memory.plans.to_values() == desk.session.plans.to_values()
    assert digest_of(folded.tables.views) == digest_of(desk.session.core.s)
