"""`athena backtest --desk`: the desk in a run, its trace, and the best of its strategies alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from athena.desk.agents import SignalStrategy, StrategyName
from athena.desk.hosting import DeskStrategy, Parts
from athena.desk.trace import TRACE_FILE, TraceWriter
from athena.errors import CoreError
from athena.research.runs import Baseline, carry_out, plan_backtest, run_baseline
from athena.research.strategies import solo_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from athena.desk.cycle import CycleResult
    from athena.platform.config import Config
    from athena.research import BacktestRequest, BacktestResult, Curve
    from athena.research.runs import RunPlan
    from athena.trading import Strategy

    ProgressReport = Callable[[str, int, int], None]

DESK_STRATEGY = "athena.desk.hosting:DeskStrategy"
DESK_NAME = "desk"
# A pair takes two instruments that can be sold short, and looks at the first two only.
_SINGLE = tuple(name for name in StrategyName if name is not StrategyName.PAIRS)


class DeskDiary:
    """Write each cycle of a desk into its run's folder, and count what was decided."""

    def __init__(self) -> None:
        """Begin with nothing decided."""
        self.actions: Counter[str] = Counter()
        self.holds: Counter[str] = Counter()
        self._writer: TraceWriter | None = None

    def begin(self, folder: Path) -> None:
        """Open the trace in a run's folder."""
        self._writer = TraceWriter(folder / TRACE_FILE)

    def record(self, result: CycleResult) -> None:
        """Take one cycle.

        Raises:
            MissingError: the disk is full.
        """
        if self._writer is None:
            message = "expected a diary that has begun, was not"
            raise CoreError(message)
        self._writer.append(result)
        self.actions[result.decision.action.value] += 1
        if result.decision.hold_code:
            self.holds[result.decision.hold_code] += 1

    def end(self) -> Mapping[str, str]:
        """Close the trace; return its name and the head of its chain."""
        if self._writer is None:
            return {}
        self._writer.close()
        return {TRACE_FILE: self._writer.head}

    def to_values(self) -> dict[str, object]:
        """Return the counts as JSON values, the most frequent first."""
        return {
            "n": sum(self.actions.values()),
            "by_action": dict(self.actions.most_common()),
            "holds": dict(self.holds.most_common()),
        }

    def lines(self) -> list[str]:
        """Say the counts in words."""
        n = sum(self.actions.values())
        actions = ", ".join(f"{count:,} {name}" for name, count in self.actions.most_common())
        holds = ", ".join(f"{name} {count:,}" for name, count in self.holds.most_common())
        return [f"{n:,} decisions: {actions}", f"not traded because of: {holds or 'nothing'}"]


def run_desk(  # noqa: PLR0913 - as of `run_backtest`
    diary: DeskDiary,
    request: BacktestRequest,
    config: Config,
    home: Path,
    *,
    run_id: str,
    now_ns: int,
    on_progress: ProgressReport,
    on_record: Callable[..., None],
) -> BacktestResult:
    """Run the full rule-based desk, beside the plain alternatives and its best single strategy.

    Args:
        diary: takes what is decided.
        request: what is asked; its strategy is not.
        config: costs, execution, risk and seed.
        home: data home.
        run_id: name of the run's folder.
        now_ns: when it was asked for.
        on_progress: told label, step and number of steps, of each part.
        on_record: may add files to the run's folder before it is published.

    Raises:
        InputError: something asked for is not valid; nothing is written.
        StrategyError: a part of the desk raised where it must not.
    """
    planned = plan_backtest(
        _asking_for_the_desk(request, config), config, home, run_id=run_id, now_ns=now_ns
    )
    desk = planned.strategies[0][1]
    if not isinstance(desk, DeskStrategy):
        message = f"expected a desk, was {type(desk).__name__}"
        raise CoreError(message)
    desk.plug(
        Parts(record=diary.record, provenance=tuple(item.provenance for item in planned.bars))
    )
    single = _best_single(planned, on_progress)
    plan = replace(
        planned,
        name=DESK_NAME,
        strategies=[(DESK_NAME, desk)],
        again=lambda: [(DESK_NAME, planned.again()[0][1])],
        beside=(*planned.beside, single),
        diary=diary,
    )
    return carry_out(plan, on_progress=on_progress, on_record=on_record)


def _asking_for_the_desk(request: BacktestRequest, config: Config) -> BacktestRequest:
    """Ask for the desk's strategy, at the fees of the run where none was typed."""
    costs = config.costs
    fees = {"taker_fee_bps": str(costs.taker_fee_bps), "maker_fee_bps": str(costs.maker_fee_bps)}
    return replace(
        request, strategy=DESK_STRATEGY, kind="", parameters={**fees, **request.parameters}
    )


def _best_single(plan: RunPlan, on_progress: ProgressReport) -> Curve:
    """Run each strategy of the desk alone, under the run's limits; return what came out best.

    It is chosen afterwards, so that it flatters itself: the desk is held against more than it
    could have known.
    """
    curves = []
    for name in _SINGLE:
        label = f"{name.value.replace('_', ' ')} alone"
        report = partial(_report, on_progress, label, plan.n_steps)
        report(0)
        curves.append(run_baseline(Baseline(label, _alone(name, plan), plan.setup), report))
    best = max(curves, key=lambda curve: curve.equity[-1])
    return replace(best, name=f"best of {len(curves)} single: {best.name}")


def _alone(name: StrategyName, plan: RunPlan) -> Sequence[tuple[str, Strategy]]:
    """Put one strategy on each instrument, each on an equal share of the account."""
    return [
        (f"{name.value} {item.symbol}", solo_of(SignalStrategy(name=name), k))
        for k, item in enumerate(plan.setup.instruments)
    ]


def _report(on_progress: ProgressReport, label: str, n_steps: int, step: int) -> None:
    on_progress(label, step, n_steps)
