"""One cycle: who is asked, who sees what, what is decided, and that nothing is raised."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.agents import PanelAnswer, panel_agent
from athena.desk.bus import LocalBus, Message, Topic
from athena.desk.contract import Context, Output, Role, Unavailable, digest
from athena.desk.coordinator import Answer, Conflict, CycleInfo, DeskState, HoldCode
from athena.desk.cycle import CycleInputs, CycleResult, InlineAsker, Latest, run_cycle
from athena.domain import HOUR_NS, Action, Purpose, Regime, Side
from athena.language import RecordingDamaged, RecordingMissing
from athena.platform import VirtualClock
from athena.trading.live import Level
from tests.cycle_builder import (
    PLACE,
    RISING,
    Scripted,
    an_output,
    cycles,
    desk_of,
    inputs_of,
    roster_of,
    rule_based,
    silence,
)
from tests.desk_builder import Outbox, account_of, held, snapshot_of, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.errors import AthenaError

STEPS = [
    {"technical", "regime", "forecast", "sentiment"},
    {"strategy"},
    {"risk"},
    {"execution"},
]
ROLES = {role.value: role for role in Role if role is not Role.PORTFOLIO}


def scripted(**scripts: Callable[[Context[Any]], Output | None]) -> dict[str, Scripted]:
    """Return one scripted agent for each role of a cycle."""
    return {
        name: Scripted(name, role, scripts.get(name, lambda _: None))
        for name, role in ROLES.items()
    }


def seated(agents: dict[str, Scripted], **more: Any) -> Any:
    return desk_of({name: lambda a=agent: a for name, agent in agents.items()}, **more)


def raising(_: Context[Any]) -> Output | None:
    message = "the wire is cut"
    raise OSError(message)


def saying(name: str) -> Callable[[Context[Any]], Output]:
    """Return a script that says sell."""
    return lambda context: an_output(name, ROLES[name], context, action=Action.SELL)


# --- who is asked, and who sees what ----------------------------------------------------------


def test_every_agent_is_asked_and_the_decision_names_each_vote() -> None:
    """DK-28: a loop that asks the coordinator alone would look alive and decide nothing."""
    result = cycles(desk_of(), RISING, 3)[-1]
    assert {output.agent for output in result.outputs} == set(rule_based())
    voters = {output.agent for output in result.outputs if not output.abstains}
    assert {vote.agent for vote in result.decision.votes} == voters
    ids = {digest(output) for output in result.outputs}
    assert {vote.output_id for vote in result.decision.votes} <= ids


@pytest.mark.parametrize("closes", [RISING, walk(130, 1), walk(10, 1)], ids=["up", "walk", "few"])
def test_each_agent_thinks_and_acts_once_and_publishes_one_output(closes: list[float]) -> None:
    """A16: with enough data and without."""
    outbox = Outbox()
    roster = roster_of(rule_based(outbox))
    desk = desk_of(rule_based(outbox), asker=InlineAsker)
    result = run_cycle(desk, inputs_of(closes), PLACE)
    assert [output.agent for output in outbox.outputs] == [o.agent for o in result.outputs]
    assert len(outbox.outputs) == len(roster.names())
    if len(closes) == 10:
        assert result.decision.action is Action.HOLD
        assert all(o.reasons for o in outbox.outputs)


def test_scripted_agents_act_exactly_once_for_a_result() -> None:
    agents = scripted()
    run_cycle(seated(agents), inputs_of(), PLACE)
    assert {name: agent.n_acts for name, agent in agents.items()} == dict.fromkeys(agents, 1)


def test_a_step_sees_what_earlier_steps_published_and_nothing_else() -> None:
    agents = scripted()
    run_cycle(seated(agents), inputs_of(), PLACE)
    before: set[str] = set()
    for step in STEPS:
        for name in step:
            (context,) = agents[name].seen
            assert {output.agent for output in context.inbox} == before, name
        before |= step


def test_everybody_is_shown_the_same_moment_under_one_correlation_id() -> None:
    """C26: one chain under one id."""
    agents = scripted()
    result = run_cycle(seated(agents), inputs_of(id="c-7"), PLACE)
    seen = [context for agent in agents.values() for context in agent.seen]
    assert {context.correlation_id for context in seen} == {"c-7"} == {result.decision.id}
    assert {context.as_of_ns for context in seen} == {result.snapshot.as_of_ns}


def test_several_agents_of_a_role_vote_separately() -> None:
    factories = rule_based()
    agents = {"second": Scripted("second", Role.TECHNICAL)}
    desk = desk_of({**factories, "second": lambda: agents["second"]})
    result = run_cycle(desk, inputs_of(), PLACE)
    assert {"technical", "second"} <= {vote.agent for vote in result.decision.votes}


# --- what is decided --------------------------------------------------------------------------


def test_agreement_to_buy_becomes_one_intent_with_its_protections() -> None:
    """C26: technical signal, decision, intent; all of it under one id."""
    result = cycles(desk_of(), RISING, 3)[-1]
    assert result.decision.action is Action.BUY, result.decision.reasons
    (intent,) = result.intents
    (order,) = result.decision.plan.orders if result.decision.plan else ()
    assert intent.side is Side.BUY
    assert intent.purpose is Purpose.ENTRY
    assert PLACE.instrument.lots_to_quantity(intent.lots) == order.quantity
    assert 0 < intent.stop_ticks < result.snapshot.last_ticks < intent.target_ticks
    assert intent.confidence_ppm == int(result.decision.confidence * 1_000_000)
    assert intent.regime is Regime.TRENDING_BULL is result.decision.regime
    assert intent.key > 0


def test_asking_again_repeats_decision_and_key() -> None:
    first, second = (cycles(desk_of(), RISING, 3)[-1] for _ in range(2))
    assert digest(first.decision) == digest(second.decision)
    assert first.intents == second.intents


def test_what_is_held_is_not_bought_again() -> None:
    account = account_of(held("BTC/USDT", "0.1", "6000"))
    result = cycles(desk_of(), RISING, 3, account=account)[-1]
    assert result.intents == ()
    assert result.decision.hold_code


def test_a_turn_closes_what_is_held_and_can_only_reduce() -> None:
    falling = list(reversed(RISING))
    account = account_of(held("BTC/USDT", "0.1", "4000"))
    result = cycles(desk_of(), falling, 3, account=account)[-1]
    assert result.decision.action is Action.CLOSE_LONG, result.decision.reasons
    (intent,) = result.intents
    assert (intent.side, intent.purpose) == (Side.SELL, Purpose.EXIT)
    assert PLACE.instrument.lots_to_quantity(intent.lots) == account.held("BTC/USDT")


def test_a_wish_to_reduce_without_a_plan_says_why_nothing_is_traded() -> None:
    """The vote may be for less although no strategy proposes it; then nothing is sent."""
    account = account_of(held("BTC/USDT", "0.1", "4000"))
    agents = scripted(technical=saying("technical"), regime=saying("regime"))
    chosen = {name: lambda a=agents[name]: a for name in ("technical", "regime", "strategy")}
    result = run_cycle(desk_of({**rule_based(), **chosen}), inputs_of(account=account), PLACE)
    assert result.decision.action is Action.SELL
    assert (result.intents, result.decision.hold_code) == ((), "no_proposal")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": DeskState.PAUSED}, HoldCode.PAUSED),
        ({"state": DeskState.HALTED}, HoldCode.HALTED),
        ({"level": Level.LIMITED}, HoldCode.DEGRADED),
        ({"confidence_floors": dict.fromkeys(Regime, 1.1)}, HoldCode.CONFIDENCE),
        ({"confidence_floors": {}}, HoldCode.CONFIDENCE),
        ({"account": account_of(compliance=("no licence",))}, HoldCode.VETO),
    ],
)
def test_what_forbids_new_risk_makes_it_hold(changes: dict[str, Any], code: HoldCode) -> None:
    desk = desk_of()
    cycles(desk, RISING[:-1], 2)  # until the regime is confirmed
    result = run_cycle(desk, inputs_of(RISING, **changes), PLACE)
    assert (result.decision.action, result.decision.hold_code) == (Action.HOLD, code.value)
    assert result.intents == ()


def test_without_an_account_it_holds() -> None:
    result = cycles(desk_of(), RISING, 3, account=None)[-1]
    assert (result.decision.action, result.intents) == (Action.HOLD, ())


def test_bars_that_cannot_be_used_decide_nothing() -> None:
    result = run_cycle(
        desk_of(), inputs_of(snapshot=snapshot_of(RISING, late_ns=2 * HOUR_NS)), PLACE
    )
    assert (result.decision.action, result.intents) == (Action.HOLD, ())


def test_an_entry_that_rests_is_withdrawn_at_the_next_cycle() -> None:
    desk = desk_of()
    cycles(desk, RISING[:-1], 2)
    inputs = inputs_of(RISING)
    result = run_cycle(desk, inputs, PLACE, expires_ns=inputs.now_ns + HOUR_NS)
    (intent,) = result.intents
    is_limit = intent.limit_ticks > 0
    assert intent.expires_ns == (inputs.now_ns + HOUR_NS if is_limit else 0)


# --- what fails -------------------------------------------------------------------------------


def test_without_models_and_network_the_rules_decide() -> None:
    """DK-02: those who have nothing to go by abstain and say why; nothing is made up."""
    result = cycles(desk_of(), RISING, 3)[-1]
    abstaining = {o.agent: o.reasons[0] for o in result.outputs if o.abstains}
    assert abstaining["forecast"] == "no verified model is served"
    assert abstaining["sentiment"] == "no texts"
    assert result.decision.action is Action.BUY


@pytest.mark.parametrize("name", sorted(ROLES))
def test_an_agent_that_raises_costs_his_word_and_no_more(name: str) -> None:
    """DK-02: required views missing make it hold; the cycle completes in any case."""
    factories = {**rule_based(), name: lambda: Scripted(name, ROLES[name], raising)}
    result = cycles(desk_of(factories), RISING, 3)[-1]
    (missing,) = [item for item in result.missing if item.what == name]
    assert "the wire is cut" in missing.reason or missing.reason == "disabled"
    if name == "risk":
        assert result.decision.hold_code == HoldCode.MISSING_VIEW.value
    if name in {"sentiment", "forecast"}:
        assert result.decision.action is Action.BUY
    else:
        assert result.intents == ()


def test_all_agents_failing_is_no_trade_and_no_default() -> None:
    """DK-17, C26: hold, with the reason."""
    result = run_cycle(seated(scripted(**dict.fromkeys(ROLES, raising))), inputs_of(RISING), PLACE)
    assert result.decision.action is Action.HOLD
    assert result.decision.hold_code == HoldCode.NO_RECOMMENDATION.value
    assert result.outputs == result.intents == ()
    assert len(result.missing) == len(ROLES)
    assert result.decision.reasons


def test_a_view_that_failed_is_replaced_by_the_last_one_while_that_counts() -> None:
    inputs = inputs_of(RISING)
    latest = Latest()
    context = Context(
        task="view", symbol="BTC/USDT", as_of_ns=inputs.as_of_ns - 1, correlation_id="",
        inputs=None,
    )  # fmt: skip
    kept = an_output("technical", Role.TECHNICAL, context, action=Action.BUY)
    latest.note(kept)
    expired = replace(kept, agent="regime", role=Role.REGIME, valid_until_ns=kept.as_of_ns)
    latest.note(expired)
    factories = {
        **rule_based(),
        "technical": lambda: Scripted("technical", Role.TECHNICAL, raising),
        "regime": lambda: Scripted("regime", Role.REGIME, raising),
    }
    result = run_cycle(desk_of(factories, latest=latest), inputs, PLACE)
    assert kept in result.outputs
    assert expired not in result.outputs
    assert {item.what for item in result.missing} == {"technical", "regime"}


def test_a_newer_word_is_not_replaced_by_an_older_one() -> None:
    latest = Latest()
    context = Context(task="", symbol="X", as_of_ns=10, correlation_id="", inputs=None)
    newer = an_output("a", Role.TECHNICAL, context)
    latest.note(newer)
    latest.note(replace(newer, as_of_ns=9))
    assert latest.valid("a", "X", 10) is newer
    assert latest.valid("a", "Y", 10) is None


def test_a_subscriber_that_raises_does_not_stop_the_cycle() -> None:
    """C26: agents publish on the bus, whose subscribers are isolated."""
    bus = LocalBus(VirtualClock(inputs_of(RISING).now_ns))

    def fail(_: Message) -> None:
        message = "a subscriber"
        raise ValueError(message)

    heard: list[Message] = []
    for name in rule_based():
        bus.register(name)
    for name, handler in (("deaf", fail), ("listener", heard.append)):
        bus.register(name, handler)
        bus.subscribe(name, Topic.TA_SIGNALS)

    def publish(output: Output) -> None:
        if output.role is Role.TECHNICAL:
            bus.publish(
                Message(
                    id=output.agent, ts_ns=output.as_of_ns, topic=Topic.TA_SIGNALS,
                    source=output.agent, payload=output, symbol=output.symbol,
                )
            )  # fmt: skip

    result = cycles(desk_of(rule_based(publish)), RISING, 3)[-1]
    assert result.decision.action is Action.BUY
    assert result.missing == ()
    assert [message.payload for message in heard] == [result.outputs[0]]


# --- memory and hooks -------------------------------------------------------------------------


class Memory:
    def __init__(self, error: Exception | None = None) -> None:
        self.kept: list[CycleResult] = []
        self._error = error

    def remember(self, result: CycleResult) -> None:
        self.kept.append(result)
        if self._error is not None:
            raise self._error


def test_one_decision_is_one_memory_write_after_it_with_its_id() -> None:
    """A18: and the hooks come after the memory."""
    memory, order = Memory(), []

    def hook(actions: Any, info: CycleInfo) -> None:
        order.append((len(memory.kept), info.cycle, actions["technical"]))

    desk = desk_of(memory=memory, hooks=(hook,))
    result = run_cycle(desk, inputs_of(id="c-9"), PLACE, info=CycleInfo("t", 3))
    (kept,) = memory.kept
    assert kept is result
    assert kept.decision.id == "c-9"
    assert order == [(1, 3, order[0][2])]


def test_neither_memory_nor_hooks_can_change_what_was_decided() -> None:
    """DK-41: what they raise is logged; the next hook runs."""
    ran = []

    def bad(_actions: Any, _info: CycleInfo) -> None:
        message = "a hook"
        raise RuntimeError(message)

    def spoil(actions: Any, _info: CycleInfo) -> None:
        actions.clear()
        ran.append(1)

    plain = run_cycle(desk_of(), inputs_of(RISING), PLACE)
    desk = desk_of(memory=Memory(ValueError("full")), hooks=(bad, spoil))
    result = run_cycle(desk, inputs_of(RISING), PLACE)
    assert digest(result.decision) == digest(plain.decision)
    assert ran == [1]


# --- panel and judge --------------------------------------------------------------------------


def answers(n: int, action: Action = Action.BUY) -> tuple[PanelAnswer, ...]:
    return tuple(
        PanelAnswer(model=f"m{k}", action=action, confidence=0.8, size_frac=0.1) for k in range(n)
    )


def with_panel() -> dict[str, Any]:
    return {**rule_based(), "panel": lambda: panel_agent(silence)}


def test_a_panel_votes_as_a_strategy_of_its_own() -> None:
    desk = desk_of(with_panel(), panels=("panel",))
    result = run_cycle(desk, inputs_of(walk(130, 3), panel=answers(5)), PLACE)
    votes = {vote.agent: vote for vote in result.decision.votes}
    assert votes["panel"].action is Action.BUY
    assert votes["panel"].weight == votes["strategy"].weight


def test_without_models_the_panel_abstains_and_says_why() -> None:
    desk = desk_of(with_panel(), panels=("panel",))
    result = run_cycle(desk, inputs_of(walk(130, 3)), PLACE)
    (said,) = [output for output in result.outputs if output.agent == "panel"]
    assert said.abstains
    assert said.reasons == ("no panel: no models are configured",)


def choppy_desk(**more: Any) -> tuple[Any, CycleInputs]:
    """Return a desk whose regime agent is silent: risk then takes the market for choppy."""
    from athena.desk.contract import RegimeView

    def say(context: Context[Any]) -> Output:
        view = RegimeView(
            regime=Regime.CHOPPY, candidate=Regime.CHOPPY, confirmations=2, since_ns=0,
            stop_factor=1.0, target_multiple=1.0,
        )  # fmt: skip
        return an_output("regime", Role.REGIME, context, action=Action.BUY, detail=view)

    factories = {
        **with_panel(),
        "regime": lambda: Scripted("regime", Role.REGIME, say),
    }
    desk = desk_of(factories, panels=("panel",), **more)
    return desk, inputs_of(RISING, panel=answers(6))


def test_without_a_judge_a_trade_in_a_choppy_market_is_given_up() -> None:
    desk, inputs = choppy_desk()
    assert run_cycle(desk, inputs, PLACE).decision.hold_code == HoldCode.CONFLICT_ABORT.value


def test_what_a_judge_said_and_what_was_planned_anew_is_kept() -> None:
    said = {"answer": "modify", "size_cut_pct": 50}
    asked: list[Conflict] = []

    def judge(conflict: Conflict, deadline_ns: int) -> Answer:
        asked.append(conflict)
        return Answer(said, deadline_ns)

    desk, inputs = choppy_desk(judge=judge)
    result = run_cycle(desk, inputs, PLACE)
    assert asked[0].decision_id == inputs.id
    assert result.answer is not None
    assert result.answer.said is said
    assert result.replanned is not None
    assert result.replanned.is_feasible
    assert result.decision.plan == result.replanned
    whole_desk, whole = choppy_desk(judge=lambda _, at: Answer({"answer": "proceed"}, at))
    uncut = run_cycle(whole_desk, whole, PLACE)
    assert result.intents[0].lots == pytest.approx(uncut.intents[0].lots / 2, abs=1)


def test_an_unavailable_judge_is_no_answer() -> None:
    def judge(_: Conflict, deadline_ns: int) -> Answer:
        return Answer(Unavailable("model:conflict", "429 for an hour"), deadline_ns)

    desk, inputs = choppy_desk(judge=judge)
    result = run_cycle(desk, inputs, PLACE)
    assert result.decision.hold_code == HoldCode.CONFLICT_ABORT.value
    assert any("429 for an hour" in reason for reason in result.decision.reasons)


@pytest.mark.parametrize("error", [RecordingMissing, RecordingDamaged])
def test_a_judge_without_its_recording_ends_the_replay(error: type[AthenaError]) -> None:
    """DK-20: a miss is an error; to hold would look like what was recorded."""

    def judge(_conflict: Conflict, _deadline_ns: int) -> Answer:
        message = "expected a recording, was none"
        raise error(message)

    desk, inputs = choppy_desk(judge=judge)
    with pytest.raises(error):
        run_cycle(desk, inputs, PLACE)


def test_a_judge_that_raises_is_no_answer() -> None:
    """DK-02: the wait or the abort of its kind of conflict, never an exception."""

    def judge(_conflict: Conflict, _deadline_ns: int) -> Answer:
        message = "broken pipe"
        raise OSError(message)

    desk, inputs = choppy_desk(judge=judge)
    result = run_cycle(desk, inputs, PLACE)
    assert result.decision.hold_code == HoldCode.CONFLICT_ABORT.value
    assert any("broken pipe" in reason for reason in result.decision.reasons)
