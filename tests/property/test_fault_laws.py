"""Laws of fault plans: pure, independent of the order of questions, and as often as they say."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from athena.domain import MINUTE_NS, SECOND_NS
from athena.venues.faults import VENUE_FAULTS, Answer, Fault, FaultPlan, Link

if TYPE_CHECKING:
    import random

NOW = 1_700_000_000 * SECOND_NS
_RATES = st.dictionaries(st.sampled_from(sorted(VENUE_FAULTS)), st.floats(0, 1))
_PLANS = st.builds(FaultPlan, seed=st.integers(0, 2**63), rates=_RATES)


def _fates(plan: FaultPlan, counters: list[int]) -> dict[int, object]:
    return {
        counter: (
            plan.request_fate(counter, "AddOrder", NOW + counter),
            plan.message_fate(counter, NOW + counter, is_partial_fill=bool(counter % 2)),
        )
        for counter in counters
    }


@given(_PLANS, st.randoms(use_true_random=False))
def test_fates_do_not_depend_on_the_order_of_questions(
    plan: FaultPlan, shuffler: random.Random
) -> None:
    counters = list(range(30))
    straight = _fates(plan, counters)
    shuffler.shuffle(counters)
    assert _fates(plan, counters) == straight
    same = FaultPlan(plan.seed, dict(plan.rates))
    assert _fates(same, counters) == straight


@given(_PLANS, st.lists(st.integers(0, 10 * MINUTE_NS), min_size=1, max_size=8))
def test_events_asked_piece_by_piece_are_those_asked_at_once(
    plan: FaultPlan, cuts: list[int]
) -> None:
    """F06, F10-F14: whoever asks every 10 ms meets each event once."""
    moments = [NOW, *sorted(NOW + cut for cut in cuts), NOW + 10 * MINUTE_NS]
    pieces = [
        event for start, end in pairwise(moments) for event in plan.exchange_events(start, end)
    ]
    assert pieces == plan.exchange_events(moments[0], moments[-1])


@given(_PLANS, st.sampled_from(sorted(VENUE_FAULTS)))
def test_a_fault_that_is_off_never_strikes_and_leaves_the_others_alone(
    plan: FaultPlan, fault: Fault
) -> None:
    without = FaultPlan(plan.seed, {**plan.rates, fault: 0.0})
    for counter in range(20):
        assert not without.strikes(fault, counter, NOW)
        for other in set(plan.rates) - {fault}:
            assert without.strikes(other, counter, NOW) == plan.strikes(other, counter, NOW)
    start, end = NOW, NOW + 10 * MINUTE_NS
    kept = [event for event in plan.exchange_events(start, end) if event.fault is not fault]
    assert without.exchange_events(start, end) == kept


@given(st.integers(0, 2**32), st.sampled_from([0.02, 0.1, 0.5]))
def test_rates_hold(seed: int, rate: float) -> None:
    """Within five standard errors, so that one run in a million is accused wrongly."""
    n = 1_000
    slack = 5 * (rate * (1 - rate) / n) ** 0.5
    plan = FaultPlan(seed, {Fault.TIMEOUT_AFTER_ACCEPT: rate, Fault.HALF_OPEN_SOCKET: rate})
    silent = sum(plan.request_fate(i, "AddOrder", NOW).answer is Answer.NONE for i in range(n))
    frozen = sum(plan.message_fate(i, NOW).link is Link.FROZEN for i in range(n))
    assert abs(silent / n - rate) < slack
    assert abs(frozen / n - rate) < slack
