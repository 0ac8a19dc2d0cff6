"""Decide everything about a sweep before its first combination."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from athena.domain import format_decimal
from athena.errors import InputError
from athena.research._trials import Trial
from athena.research.engine import EngineKind, choose_engine
from athena.research.runs import (
    data_sha256,
    environment,
    load_sources,
    parameters_of,
    setup_of,
    sources_sha256,
    trial_parameters,
)
from athena.research.statistics import sharpe_per_period
from athena.research.strategies import BUILT_IN, build_strategy
from athena.research.sweep._bench import Job, find_class, without_columns
from athena.research.sweep._code import code_sha256, source_sha256
from athena.research.sweep._marks import marks_of
from athena.trading import needs_fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from athena.domain import Bars
    from athena.platform.config import Config
    from athena.research.engine import Setup
    from athena.research.sweep._bench import Found
    from athena.research.sweep._marks import Marks
    from athena.research.sweep._request import SweepRequest
    from athena.trading import Strategy

_COMPILED_FROM_STEPS = 2_000_000  # CPython takes 15 s for them, a compiler's first time a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything about a sweep that is decided before its first combination.

    Attributes:
        request: what is asked.
        setup: of every run; its engine is `python` or `compiled`.
        bars: of each source.
        marks: when accounts are valued.
        numbers: of the combinations to try.
        kind: of a built-in strategy.
        run: what all runs share, as the trial ledger tells runs apart.
        strategy_sha256: of the strategy's file, and what that imports from its own folder.
        manifest: what is asked, and of which data and code; JSON values.
    """

    request: SweepRequest
    setup: Setup
    bars: Sequence[Bars]
    marks: Marks
    numbers: Sequence[int]
    kind: str
    run: Mapping[str, Any]
    strategy_sha256: str
    manifest: Mapping[str, Any]

    @property
    def sweep_id(self) -> str:
        """Name the sweep by what is asked: the same question finds its own answers."""
        text = json.dumps(self.manifest, sort_keys=True)
        stem = self.request.run.strategy.rpartition(":")[2]
        return f"{stem}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    @property
    def n_steps(self) -> int:
        """Return the steps of all combinations together."""
        return len(self.setup.columns.close_ns) * len(self.numbers)

    @property
    def is_compiled(self) -> bool:
        """Tell who runs the core."""
        return self.setup.engine is EngineKind.COMPILED

    def job(self) -> Job:
        """Return what a worker has to know."""
        return Job(
            setup=without_columns(self.setup),
            strategy=self.request.run.strategy,
            kind=self.kind,
            marks=self.marks,
            code_sha256=code_sha256(),
            strategy_sha256=self.strategy_sha256,
        )

    def trial(self, item: Found, now_ns: int) -> Trial:
        """Describe what a combination came to as a trial; a backtest of the same is no other."""
        parameters = dict(sorted(self.request.grid.at(item.number).items()))
        return Trial(
            recorded_at_ns=now_ns,
            command="sweep",
            run_id=self.sweep_id,
            data_sha256=data_sha256(self.bars),
            strategy=self.request.run.strategy,
            parameters={**self.run, "strategy_parameters": parameters},
            sharpe=float(sharpe_per_period(item.returns)),
            n=len(item.returns),
            digest=item.digest,
            sources_sha256=sources_sha256(self.bars),
        )


def plan_sweep(request: SweepRequest, config: Config, home: Path) -> Plan:
    """Plan a sweep; nothing is written.

    Raises:
        InputError: something asked for is not valid, the strategy has to be fitted first, or it
            refuses every combination.
        StrategyError: the strategy's file tried to end the process.
    """
    numbers = request.numbers(config.run.seed)
    _, bars = load_sources(request.run, home)
    setup = setup_of(request.run, config, bars, home)
    is_compiled = _is_compiled(request.run.engine, len(setup.columns.close_ns), len(numbers))
    setup = replace(setup, engine=EngineKind.COMPILED if is_compiled else EngineKind.PYTHON)
    kind = request.run.kind or _fastest_kind(request.run.strategy, is_compiled=is_compiled)
    name, strategy_class = find_class(request.run.strategy, kind)
    first = _first_built(request, strategy_class, numbers)
    if needs_fit(first):
        message = f"expected a strategy that needs no fit, was {name}, which defines one"
        raise InputError(message, hint=f"athena walkforward --strategy {request.run.strategy}")
    strategy_sha256 = source_sha256(strategy_class)
    run = trial_parameters(parameters_of(request.run, config, setup, first))
    return Plan(
        request=request,
        setup=setup,
        bars=bars,
        marks=marks_of(setup, request.oos_frac),
        numbers=numbers,
        kind=kind,
        run=run,
        strategy_sha256=strategy_sha256,
        manifest={
            "run": run,
            "grid": [[axis.name, list(axis.values)] for axis in request.grid.axes],
            "random": request.n_random,
            "out_of_sample": format_decimal(request.oos_frac),
            "data_sha256": [item.provenance.sha256 for item in bars],
            "terms_sha256": _terms_sha256(setup),
            "strategy_sha256": strategy_sha256,
            "code_sha256": code_sha256(),
            "environment": environment(),
        },
    )


def _is_compiled(engine: EngineKind, n_steps: int, n_runs: int) -> bool:
    """Choose as for one run, or for all of them together where that is worth the compiler."""
    n_in_all = n_steps * n_runs
    return choose_engine(engine, n_in_all if n_in_all >= _COMPILED_FROM_STEPS else n_steps)


def _fastest_kind(strategy: str, *, is_compiled: bool) -> str:
    info = BUILT_IN.get(strategy)
    return "rule" if is_compiled and info is not None and "rule" in info.kinds else "woken"


def _first_built(
    request: SweepRequest, strategy_class: type[Strategy], numbers: Sequence[int]
) -> Strategy:
    """Build the first combination that the strategy does not refuse.

    Raises:
        InputError: it refuses all of them; the message is that of the last.
    """
    refusal = InputError("expected a combination, was none")
    for number in numbers:
        try:
            return build_strategy(strategy_class, request.grid.at(number))
        except InputError as error:
            refusal = error
    raise refusal


def _terms_sha256(setup: Setup) -> str:
    """Digest limits, costs and instruments: a risk file may change and keep its name."""
    terms = (
        setup.limits.tolist(),
        setup.instrument_limits,
        setup.instruments,
        setup.venue,
        setup.interval_ns,
    )
    return hashlib.sha256(repr(terms).encode()).hexdigest()
