"""Laws of the coordinator: nothing a later step does gives back what an earlier one took (C02)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from athena.desk.contract import Role, Unavailable
from athena.desk.coordinator import (
    Answer,
    Change,
    DeskState,
    Ended,
    ResourceRequest,
    Schedule,
    Task,
    agreement_multiplier,
    allocate,
    apply_change,
    can_reduce,
    cast_votes,
    count_votes,
    deliberate,
)
from athena.domain import SECOND_NS, Action, PositionSide, Regime, RiskLevel
from athena.trading.live import Level
from tests.desk_cases import (
    BTC,
    NOW_NS,
    TICK,
    a_case,
    a_plan,
    a_proposal,
    a_regime,
    a_risk,
    an_opinion,
    outputs,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from athena.desk.contract import Plan, Proposal
    from athena.desk.coordinator import Conflict, Judge

actions = st.sampled_from(Action)
shares = st.floats(0, 1)
junk: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), st.text(max_size=8)
)
answers: st.SearchStrategy[Any] = st.one_of(
    st.builds(Unavailable, st.just("model"), st.just("silent")),
    st.dictionaries(
        st.sampled_from(["answer", "reason", "size_cut_pct", "leverage", "entry_shift_frac", "x"]),
        st.one_of(junk, st.sampled_from(["proceed", "wait", "abort", "modify"])),
    ),
    st.fixed_dictionaries(
        {"answer": st.just("modify")},
        optional={
            "size_cut_pct": st.floats(-50, 300),
            "leverage": st.integers(0, 9),
            "entry_shift_frac": st.floats(-0.012, 0.012),
        },
    ),
)
quantities = st.decimals("0.01", "9", places=2)


def a_judge(said: Any, late_ns: int) -> Judge:
    def judge(_: Conflict, deadline_ns: int) -> Answer:
        return Answer(said, deadline_ns + late_ns)

    return judge


@st.composite
def cases(draw: st.DrawFn) -> Any:
    """Draw a desk whose agents want anything, in any state of account and desk."""
    wanted = draw(actions)
    proposal = a_proposal(wanted, size_frac=draw(shares), leverage=draw(st.integers(1, 5)))
    regime = draw(st.sampled_from(Regime))
    changes = {
        Role.TECHNICAL: an_opinion(Role.TECHNICAL, draw(actions), draw(shares)),
        Role.REGIME: a_regime(regime, draw(actions), draw(shares)),
        Role.SENTIMENT: an_opinion(Role.SENTIMENT, draw(actions), draw(shares)),
        Role.STRATEGY: an_opinion(Role.STRATEGY, wanted, draw(shares), detail=proposal),
        Role.RISK: a_risk(draw(st.sampled_from(RiskLevel)), abstains=draw(st.booleans())),
    }
    for role in draw(st.sets(st.sampled_from(list(changes)), max_size=2)):
        if draw(st.booleans()):
            del changes[role]
    said = tuple(
        one
        for one in outputs(wanted, proposal=proposal, changes=changes)
        if one.role in changes or one.role is Role.EXECUTION
    )
    return a_case(
        said,
        position=draw(st.sampled_from([None, *PositionSide])),
        state=draw(st.sampled_from(DeskState)),
        level=draw(st.sampled_from(Level)),
        has_violation=draw(st.booleans()),
        confidence_min=draw(shares),
    )


@given(cases(), answers, st.integers(-1, 1), quantities)
def test_no_step_makes_a_trade_larger_or_a_denial_a_trade(
    case: Any, said: Any, late_ns: int, quantity: Decimal
) -> None:
    """C02, C13, DK-02: any case, any judge, any planner ends in a decision inside the limits."""

    def plan(proposal: Proposal) -> Plan:
        return a_plan(proposal, str(quantity))

    decision = deliberate(case, a_judge(said, late_ns), plan)
    wish = next((one.detail for one in case.outputs if one.role is Role.STRATEGY), None)
    assert 0 <= decision.confidence <= 1
    assert bool(decision.hold_code) == (decision.plan is None)
    assert decision.hold_code or decision.action is not Action.HOLD
    if decision.proposal is not None:
        assert 0 < decision.proposal.size_frac <= wish.size_frac or (decision.proposal == wish)
        assert 1 <= decision.proposal.leverage <= wish.leverage
    if decision.plan is not None:
        assert sum(order.quantity for order in decision.plan.orders) <= 2
    if decision.action is Action.HOLD:
        assert decision.proposal is None
        assert decision.plan is None
    elif not can_reduce(decision.action, case.position):
        is_calm = decision.risk_level in {RiskLevel.LOW, RiskLevel.MEDIUM}
        assert is_calm
        assert not case.has_violation
        assert case.state is DeskState.RUNNING
        assert case.level < Level.LIMITED
        assert decision.confidence >= case.confidence_min
        assert decision.plan is not None
    elif decision.plan is not None:
        assert all(order.is_exit for order in decision.plan.orders)


@given(cases(), answers)
def test_a_case_that_is_denied_stays_denied_when_more_is_taken_away(case: Any, said: Any) -> None:
    """C02: a stricter desk never trades what a laxer one would not."""
    judge = a_judge(said, 0)
    lax = deliberate(case, judge, a_plan)
    for stricter in (
        replace(case, state=DeskState.HALTED),
        replace(case, level=Level.EMERGENCY),
        replace(case, has_violation=True),
        replace(case, confidence_min=1.0),
    ):
        strict = deliberate(stricter, judge, a_plan)
        assert strict.action in {lax.action, Action.HOLD}


@given(
    st.lists(
        st.builds(
            Change,
            st.floats(0, 100),
            st.one_of(st.none(), st.integers(1, 5)),
            st.floats(-0.01, 0.01),
        ),
        max_size=6,
    ),
    st.sampled_from([Action.BUY, Action.SELL]),
)
def test_any_number_of_changes_only_shrinks(changes: list[Change], action: Action) -> None:
    """C02, C13."""
    current = a_proposal(action)
    for change in changes:
        changed = apply_change(current, change, TICK)
        if isinstance(changed, str):
            continue
        assert 0 < changed.size_frac <= current.size_frac
        assert 1 <= changed.leverage <= current.leverage
        assert changed.entry_price is not None
        assert changed.entry_price % TICK == 0
        assert loss_at_stop(changed) <= loss_at_stop(current) * (1 + 1e-12)
        current = changed


def loss_at_stop(proposal: Proposal) -> float:
    entry, stop = proposal.entry_price, proposal.stop_price
    assert entry is not None
    assert stop is not None
    return proposal.size_frac * float(abs(entry - stop) / entry)


@given(st.lists(st.tuples(st.sampled_from(Role), actions, shares), max_size=8))
def test_a_vote_is_a_wish_of_a_voter_with_a_confidence(
    said: list[tuple[Role, Action, float]],
) -> None:
    opinions = [
        an_opinion(role, action, confidence, agent=f"agent {k}", detail=None)
        for k, (role, action, confidence) in enumerate(said)
    ]
    votes = cast_votes(opinions, BTC, NOW_NS).votes
    found = count_votes(votes)
    assert 0 <= found.confidence <= 1
    if found.winner:
        winner = next(vote for vote in votes if vote.agent == found.winner)
        assert winner.action is found.action
        assert winner.weight > 0
    else:
        assert found.action is Action.HOLD
        assert found.method in {"tie", "none"}


@given(shares, shares)
def test_the_multiplier_rises_with_agreement(one: float, other: float) -> None:
    low, high = sorted([one, other])
    assert 0.85 <= agreement_multiplier(low) <= agreement_multiplier(high) <= 1.3


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.floats(0, 1e9))))
def test_the_shares_of_a_resource_sum_to_one(asked: list[tuple[str, str, float]]) -> None:
    """A19."""
    found = allocate([ResourceRequest(*one) for one in asked])
    for resource in {one.resource for one in found}:
        total = sum(one.share for one in found if one.resource == resource)
        assert total == 0 or abs(total - 1) < 1e-9


TASKS = (
    Task(name="a", interval_s=3, timeout_s=4, is_at_start=True),
    Task(name="b", interval_s=5, timeout_s=2, after=("a",)),
    Task(name="c", interval_s=7, timeout_s=9, after=("a", "b")),
    Task(name="d", interval_s=2, timeout_s=50),
    Task(name="e", interval_s=2, timeout_s=50),
    Task(name="f", interval_s=2, timeout_s=50),
    Task(name="g", interval_s=2, timeout_s=50),
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["tick", "tick", "tick", "end", "crash", "toggle", "want"]),
            st.integers(0, 20),
        ),
        max_size=60,
    )
)
def test_whatever_happens_the_schedule_keeps_its_word(steps: list[tuple[str, int]]) -> None:
    """At most five at once, none beside itself, none while disabled, none lost by a crash."""
    now_ns = NOW_NS
    schedule = Schedule(TASKS, now_ns)
    running: dict[str, Any] = {}
    for what, n in steps:
        name = TASKS[n % len(TASKS)].name
        if what == "tick":
            now_ns += n * SECOND_NS
            for late in schedule.give_up(now_ns):
                del running[late.task]
            for run in schedule.start(now_ns):
                assert run.task not in running
                assert schedule.find(run.task).is_enabled
                running[run.task] = run
            assert len(running) <= 5
        elif what == "end" and name in running:
            assert schedule.end(running.pop(name), Ended.DONE, now_ns)
        elif what == "crash":
            now_ns += n * SECOND_NS
            before = schedule.records
            schedule = Schedule(TASKS, now_ns, before)
            again = {one.name for one in schedule.records if one.is_wanted}
            assert again >= set(running)
            assert [(r.n_runs, r.is_enabled) for r in before] == [
                (r.n_runs, r.is_enabled) for r in schedule.records
            ]
            running.clear()
        elif what == "toggle":
            is_enabled = not schedule.find(name).is_enabled
            schedule.enable(name, is_enabled=is_enabled, now_ns=now_ns)
        elif what == "want":
            schedule.want(name)
        assert {r.name for r in schedule.records if r.is_running} == set(running)
