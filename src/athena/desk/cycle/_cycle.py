"""One decision of the desk about one symbol, as one function to be read from top to bottom.

A backtest, paper and live run the same steps (desk specification 1). They differ in how agents are
asked, and in nothing else: one after the other here, side by side with deadlines there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from athena.desk.agents import (
    ExecutionInputs,
    PanelInputs,
    Place,
    RiskInputs,
    StrategyInputs,
    ends_replay,
    intents_of,
    risk_regime,
)
from athena.desk.contract import (
    Context,
    Output,
    Plan,
    PlanStyle,
    Proposal,
    RegimeView,
    Role,
    TechnicalView,
    Unavailable,
)
from athena.desk.coordinator import (
    ANSWER_NS,
    Answer,
    Case,
    CycleInfo,
    HoldCode,
    deliberate,
    run_hooks,
)
from athena.desk.cycle._asking import DECISION_NS, VIEWS_NS, Request
from athena.desk.cycle._result import CycleResult
from athena.desk.inputs import MarketConditions, conditions_of
from athena.domain import Action, PositionSide
from athena.platform import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athena.desk.contract import Decision
    from athena.desk.coordinator import Conflict, Judge
    from athena.desk.cycle._desk import Desk
    from athena.desk.cycle._inputs import CycleInputs

TASK = "trading decision"
_NO_CYCLE = CycleInfo(TASK, 0)


def run_cycle(
    desk: Desk,
    inputs: CycleInputs,
    place: Place,
    *,
    info: CycleInfo = _NO_CYCLE,
    expires_ns: int = 0,
) -> CycleResult:
    """Decide once about one symbol.

    Nothing that an agent, a judge, a memory or a hook does is raised here: what is missing makes
    the desk hold, and the result says so.

    Args:
        desk: who takes part.
        inputs: step 1: everything is frozen as of one moment.
        place: where orders of the symbol go.
        info: which run of which task this is, for the hooks.
        expires_ns: when an entry that rests is withdrawn, UTC; 0 leaves it to the core.

    Returns:
        The decision, all that led to it, and the intents, which the caller hands to the core.
    """
    board = _begin(desk, inputs)  # 1 the as-of time is frozen
    board = _collect_views(board, desk)  # 2 technical, regime, sentiment, forecast
    board = _build_proposals(board, desk)  # 3 by rules, and by the panel of models
    board = _judge_risk(board, desk)  # 4 with the proposal in sight
    board = _plan_execution(board, desk)  # 5
    deliberation = _Deliberation(board, desk)
    decision = deliberation.decide()  # 6 to 9: vote, agreement, conflict, veto; 10: the decision
    intents = intents_of(  # 11 a translation, exact; the caller sends it or shows it
        decision, place, expires_ns=expires_ns, is_coarse=desk.is_coarse
    )
    result = CycleResult(
        decision=decision,
        case=deliberation.case,
        snapshot=inputs.snapshot,
        intents=intents,
        missing=board.missing,
        answer=deliberation.answer,
        replanned=deliberation.replanned,
        panel=inputs.panel if isinstance(inputs.panel, tuple) else (),
        latencies_ns=board.latencies_after("deliberation", desk.asker.elapsed_ns()),
    )
    _remember(desk, result, info)  # 12 one memory write, then the hooks
    return result


@dataclass(frozen=True, slots=True)
class _Board:
    """What was published so far: a step sees the board that the steps before it left.

    Attributes:
        inputs: frozen.
        outputs: in the order of the steps.
        missing: agents without an output of this cycle.
        ends: step -> time since the cycle began at which it ended.
    """

    inputs: CycleInputs
    outputs: tuple[Output, ...] = ()
    missing: tuple[Unavailable, ...] = ()
    ends: tuple[tuple[str, int], ...] = ()

    def of(self, role: Role) -> tuple[Output, ...]:
        return tuple([output for output in self.outputs if output.role is role])

    @property
    def proposals(self) -> tuple[tuple[Proposal, Output], ...]:
        """Return what is proposed, the strongest last."""
        found = [
            (output.detail, output)
            for output in self.of(Role.STRATEGY)
            if isinstance(output.detail, Proposal) and output.detail.action is not Action.HOLD
        ]
        return tuple(sorted(found, key=lambda item: (item[1].confidence, item[0].id)))

    def latencies_after(self, step: str, elapsed_ns: int) -> dict[str, int]:
        """Return the time of each step, the present one included; empty where none is measured."""
        ends = (*self.ends, (step, elapsed_ns))
        if elapsed_ns == 0:
            return {}
        latencies: dict[str, int] = {}
        before_ns = 0
        for name, end_ns in ends:  # a step that asks for each of two proposals ends twice
            latencies[name] = latencies.get(name, 0) + end_ns - before_ns
            before_ns = end_ns
        return latencies


def _begin(desk: Desk, inputs: CycleInputs) -> _Board:
    desk.asker.begin()
    for output in desk.asker.late():
        desk.latest.note(output)
    return _Board(inputs)


def _collect_views(board: _Board, desk: Desk) -> _Board:
    """Ask for every view at once; who is late is represented by what he said last, if valid."""
    team, inputs = desk.team, board.inputs
    requests = [_request(board, name, "view", inputs.snapshot) for name in team.markets]
    requests += [_request(board, name, "view", inputs.texts) for name in team.texts]
    return _ask(board, desk, "views", requests, VIEWS_NS)


def _build_proposals(board: _Board, desk: Desk) -> _Board:
    team, inputs = desk.team, board.inputs
    regime = risk_regime(_newest(board.of(Role.REGIME)))
    by_rule = StrategyInputs(
        snapshot=inputs.snapshot,
        regime=regime,
        trend_strength=_trend_strength(board.of(Role.TECHNICAL)),
        account=inputs.account,
        pair=inputs.pair,
        fundamentals=inputs.fundamentals,
    )
    by_models = PanelInputs(
        snapshot=inputs.snapshot, regime=regime, account=inputs.account, answers=inputs.panel
    )
    requests = [_request(board, name, "propose", by_rule) for name in team.strategies]
    requests += [_request(board, name, "propose", by_models) for name in team.panels]
    return _ask(board, desk, "proposals", requests, desk.decision_ns)


def _judge_risk(board: _Board, desk: Desk) -> _Board:
    inputs, proposals = board.inputs, board.proposals
    asked = RiskInputs(
        account=inputs.account,
        returns=inputs.returns,
        macro=inputs.macro,
        fundamentals=inputs.fundamentals,
        proposal_id=proposals[-1][0].id if proposals else "",
    )
    requests = [_request(board, name, "judge risk", asked) for name in desk.team.risk]
    return _ask(board, desk, "risk", requests, desk.decision_ns)


def _plan_execution(board: _Board, desk: Desk) -> _Board:
    """Plan each proposal; of a planner's opinions the one on the strongest proposal votes."""
    wanted = tuple([proposal for proposal, _ in board.proposals])
    for proposal in wanted or (None,):
        asked = _execution_inputs(board, proposal)
        requests = [_request(board, name, "plan", asked) for name in desk.team.execution]
        board = _ask(board, desk, "plan", requests, desk.decision_ns)
    return board


class _Deliberation:
    """Steps 6 to 10, which are the coordinator's, with what was asked on the way."""

    def __init__(self, board: _Board, desk: Desk) -> None:
        self._board = board
        self._desk = desk
        self.case = _case(board, board.inputs.now_ns + desk.asker.elapsed_ns())
        self.answer: Answer | None = None
        self.replanned: Plan | None = None

    def decide(self) -> Decision:
        judge = None if self._desk.judge is None else self._judge(self._desk.judge)
        decision = deliberate(self.case, judge, self._plan)
        allowed_ns = self._desk.decision_ns + (0 if self.answer is None else ANSWER_NS)
        took_ns = self._desk.asker.elapsed_ns()
        if took_ns <= allowed_ns or decision.action is Action.HOLD:
            return decision
        reason = f"the decision took {took_ns / 1e9:.1f} s, {allowed_ns / 1e9:.0f} s are allowed"
        return replace(
            decision,
            action=Action.HOLD,
            hold_code=HoldCode.LATE.value,
            reasons=(*decision.reasons, reason),
            proposal=None,
            plan=None,
        )

    def _judge(self, judge: Judge) -> Judge:
        def ask(conflict: Conflict, deadline_ns: int) -> Answer:
            try:
                self.answer = judge(conflict, deadline_ns)
            except Exception as error:  # a judge is a guest, like any agent
                if ends_replay(error):
                    raise
                said = Unavailable("judge", f"{type(error).__name__}: {error}")
                self.answer = Answer(said, conflict.asked_ns)
            return self.answer

        return ask

    def _plan(self, proposal: Proposal) -> Plan:
        """Have a proposal planned anew that a judge has shrunk."""
        asked = _execution_inputs(self._board, proposal)
        requests = [
            _request(self._board, name, "plan", asked) for name in self._desk.team.execution[:1]
        ]
        deadline_ns = self._desk.asker.elapsed_ns() + DECISION_NS
        answers = self._desk.asker.ask(requests, deadline_ns)
        plans = [one.detail for one in answers if isinstance(one, Output)]
        found = next((plan for plan in plans if isinstance(plan, Plan)), None)
        self.replanned = found or _no_plan(proposal)
        return self.replanned


def _remember(desk: Desk, result: CycleResult, info: CycleInfo) -> None:
    """Write once to memory, then run the hooks; neither can change what was decided (A18)."""
    if desk.memory is not None:
        try:
            desk.memory.remember(result)
        except Exception as error:  # noqa: BLE001 - a decision does not depend on its memory
            get_logger("athena.desk").error(
                "a decision was not remembered", decision=result.decision.id, error=repr(error)
            )
    if desk.hooks:
        actions = {output.agent: output.action for output in result.outputs}
        run_hooks(desk.hooks, actions, info)


def _ask(
    board: _Board, desk: Desk, step: str, requests: list[Request], deadline_ns: int
) -> _Board:
    """Ask the agents of a step, and put what they say on the board."""
    said: list[Output] = []
    missing: list[Unavailable] = []
    answers = desk.asker.ask(requests, deadline_ns)
    now_ns = board.inputs.now_ns + desk.asker.elapsed_ns()
    for request, answer in zip(requests, answers, strict=True):
        if isinstance(answer, Output):
            desk.latest.note(answer)
            said.append(answer)
            continue
        missing.append(answer)
        known = desk.latest.valid(request.agent, board.inputs.symbol, now_ns)
        if known is not None and step == "views":
            said.append(known)
    return _Board(
        board.inputs,
        (*board.outputs, *said),
        (*board.missing, *missing),
        (*board.ends, (step, desk.asker.elapsed_ns())),
    )


def _request(board: _Board, name: str, task: str, inputs: object) -> Request:
    context: Context[Any] = Context(
        task=task,
        symbol=board.inputs.symbol,
        as_of_ns=board.inputs.as_of_ns,
        correlation_id=board.inputs.id,
        inputs=inputs,
        inbox=board.outputs,
    )
    return Request(name, context)


def _case(board: _Board, now_ns: int) -> Case:
    inputs = board.inputs
    regime = risk_regime(_newest(board.of(Role.REGIME)))
    account = inputs.account
    return Case(
        id=inputs.id,
        symbol=inputs.symbol,
        as_of_ns=inputs.as_of_ns,
        now_ns=now_ns,
        outputs=board.outputs,
        position=_position(inputs),
        # A floor that nobody knows is the highest.
        confidence_min=inputs.confidence_floors.get(regime, 1.0),
        tick=inputs.snapshot.instrument.tick,
        has_violation=account is not None and bool(account.compliance),
        vetoes=inputs.vetoes,
        weights=inputs.weights,
        state=inputs.state,
        level=inputs.level,
        shift_max_frac=inputs.shift_max_frac,
    )


def _position(inputs: CycleInputs) -> PositionSide | None:
    held = 0 if inputs.account is None else inputs.account.held(inputs.symbol)
    if held == 0:
        return None
    return PositionSide.LONG if held > 0 else PositionSide.SHORT


def _execution_inputs(board: _Board, proposal: Proposal | None) -> ExecutionInputs:
    inputs, snapshot = board.inputs, board.inputs.snapshot
    conditions = (
        MarketConditions(price=snapshot.price, quoted_at_ns=snapshot.last_close_ns)
        if proposal is None  # volume and volatility are measured for what is to be traded
        else conditions_of(snapshot)
    )
    asked = ExecutionInputs(
        instrument=snapshot.instrument,
        proposal=proposal,
        conditions=conditions,
        account=inputs.account,
    )
    if proposal is None:
        return asked
    regime = _newest(board.of(Role.REGIME))
    if regime is None or not isinstance(regime.detail, RegimeView):
        return asked
    view = regime.detail
    return replace(asked, target_multiple=view.target_multiple, stop_factor=view.stop_factor)


def _newest(outputs: Iterable[Output]) -> Output | None:
    """Return the newest of several opinions of a role, the first by name among equals."""
    return min(outputs, key=lambda one: (-one.as_of_ns, one.agent), default=None)


def _trend_strength(outputs: Iterable[Output]) -> float:
    newest = _newest(outputs)
    view = None if newest is None else newest.detail
    return view.trend_strength if isinstance(view, TechnicalView) else 0.0


def _no_plan(proposal: Proposal) -> Plan:
    return Plan(
        proposal_id=proposal.id,
        style=PlanStyle.MARKET,
        orders=(),
        is_feasible=False,
        refusals=("nobody planned it",),
        expected_slippage_bps=0.0,
        expected_fee_bps=0.0,
        expected_gain_bps=None,
    )
