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
from tests.core_builder import MONEY, cheap_limits
from tests.virtual_desk import VirtualDesk

LOTS = 30_000_007
DOLLARS = 1_000
N_SLICES = 4
EXAMPLES = 150 if os.environ.get("ATHENA_FULL") == "1" else 8

kills = st.lists(st.tuples(st.floats(0.1, 200), st.floats(0.5, 60)), max_size=5)


@settings(max_examples=EXAMPLES, deadline=None)
@given(kills=kills, trade_worth=st.sampled_from([500, 5_000, 10_000_000]))
def test_a_total_is_traded_once_whenever_the_process_is_killed(
    kills: list[tuple[float, float]], trade_worth: int
) -> None:
    desk = VirtualDesk(
        limits=cheap_limits(is_open=True),
        balances={"USD": Decimal(100_000)},
        prices=[Decimal(45_000), Decimal("0.5")],
        slots=[StrategySlot("manual"), StrategySlot("core", Book.CORE)],
        trade_worth=Decimal(trade_worth),
    )
    desk.run(20)
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
    for after_s, down_s in kills:
        desk.run(after_s)
        desk.kill()
        desk.run(down_s)
        desk.start()
    desk.run(36 * 60)

    check_orders(desk)
    check_totals(desk)
    desk.session.flush()
    folded = fold_journal(desk.store, from_beginning=True)
    assert folded.memory.plans.to_values() == desk.session.plans.to_values()
    assert digest_of(folded.tables.views) == digest_of(desk.session.core.s)


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


def check_totals(desk: VirtualDesk) -> None:
    """The venue holds the TWAP's total to the lot, and the DCA spent no more than its money."""
    balances = desk.ask_venue("Balance")
    assert not desk.session.plans.running
    assert desk.session.plans.ended["t"].why == ""
    assert Decimal(balances["XXBT"]) == Decimal(LOTS) / 10**8
    spent = Decimal(balances["XXRP"]) * desk.prices[1]
    assert float(spent) <= DOLLARS
    assert float(spent) > 0.99 * DOLLARS
    assert desk.session.readiness.differences == ()
