"""Decide everything about a run before its first bar."""

from __future__ import annotations

import hashlib
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

import athena
from athena.domain import format_decimal, format_interval, format_time
from athena.errors import InputError
from athena.research.engine import (
    Setup,
    align,
    choose_engine,
    instrument_limits,
    open_instrument_limits,
    open_limits,
    risk_limits,
    strategy_error,
    strategy_slots,
)
from athena.research.runs._replay import describe_bars
from athena.research.runs._request import load_sources
from athena.research.strategies import BUILT_IN, load_strategy
from athena.trading import RuleStrategy, describe_setup, needs_fit
from athena.venues import VenueSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from athena.domain import Bars
    from athena.platform.config import Config
    from athena.research._record import Curve
    from athena.research._trials import Trial
    from athena.research.engine import ShareChange
    from athena.research.runs._request import BacktestRequest
    from athena.trading import BarsReference, Strategy


class Diary(Protocol):
    """What a run writes into its folder while its strategies decide, beside the journal."""

    def begin(self, folder: Path) -> None:
        """Begin to write into the folder of a run."""

    def end(self) -> Mapping[str, str]:
        """End it; return name of file -> SHA-256 of what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Everything about a run that is decided before its first bar.

    Attributes:
        request: what is asked: data, dates and risk are those of the run.
        config: costs, execution, risk and seed.
        home: data home.
        run_id: name of the run's folder.
        now_ns: when it was asked for.
        command: what asks, for the trial ledger.
        references, bars: of each source.
        setup: the same in the core's units.
        name: of the run, as shown.
        strategies: what is run, by name, on one account; an instance serves one run.
        again: builds the same strategies anew, for the run without limits beside it.
        parameters: what was asked for, with everything that was left to a default.
        tried: what was tried on the way to this run; it is recorded and counted with it.
        shares: what the strategies' shares of the equity change to; they begin equal.
        beside: curves that this run is compared with before the plain alternatives.
        diary: written while the strategies run; None writes none.
    """

    request: BacktestRequest
    config: Config
    home: Path
    run_id: str
    now_ns: int
    command: str
    references: Sequence[BarsReference]
    bars: Sequence[Bars]
    setup: Setup
    name: str
    strategies: Sequence[tuple[str, Strategy]]
    again: Callable[[], Sequence[tuple[str, Strategy]]]
    parameters: dict[str, Any]
    tried: Sequence[Trial] = ()
    shares: Sequence[ShareChange] = ()
    beside: Sequence[Curve] = ()
    diary: Diary | None = None

    @property
    def n_steps(self) -> int:
        """Return the number of steps of the time line."""
        return len(self.setup.columns.close_ns)


def plan_backtest(
    request: BacktestRequest, config: Config, home: Path, *, run_id: str, now_ns: int
) -> RunPlan:
    """Plan a backtest; nothing is written.

    Raises:
        InputError: something asked for is not valid, or the strategy has to be fitted first.
    """
    references, bars = load_sources(request, home)
    setup = setup_of(request, config, bars, home)
    name, strategy = strategy_of(request, len(setup.columns.close_ns))
    if needs_fit(strategy):
        message = f"expected a strategy that needs no fit, was {name}, which defines one"
        raise InputError(message, hint=f"athena walkforward --strategy {request.strategy}")
    return RunPlan(
        request=request,
        config=config,
        home=home,
        run_id=run_id,
        now_ns=now_ns,
        command="backtest",
        references=references,
        bars=bars,
        setup=setup,
        name=name,
        strategies=[(name, strategy)],
        again=lambda: [strategy_of(request, len(setup.columns.close_ns))],
        parameters=parameters_of(request, config, setup, strategy),
    )


def setup_of(request: BacktestRequest, config: Config, bars: Sequence[Bars], home: Path) -> Setup:
    """Translate what is asked into the core's units.

    Raises:
        InputError: the bars have different intervals.
    """
    costs = config.costs
    asks_risk = not request.is_open_risk or costs.base_cost_bps > 0
    instruments = tuple(item.instrument for item in bars)
    own_limits = tuple(
        open_instrument_limits() if request.is_open_risk else instrument_limits(item, config.risk)
        for item in instruments
    )
    return Setup(
        instruments=instruments,
        interval_ns=bars[0].interval_ns,
        columns=align(bars, with_risk_inputs=asks_risk),
        limits=open_limits(costs) if request.is_open_risk else risk_limits(config.risk, costs),
        instrument_limits=own_limits,
        venue=venue_settings(config),
        cash=request.cash,
        engine=request.engine,
        cache_folder=home / "cache",
    )


def venue_settings(config: Config) -> VenueSettings:
    """Return how the simulated venue of a backtest charges and fills."""
    costs = config.costs
    return VenueSettings(
        seed=config.run.seed,
        taker_fee_bps=costs.taker_fee_bps,
        maker_fee_bps=costs.maker_fee_bps,
        base_cost_bps=costs.base_cost_bps,
        participation_frac=costs.participation_frac,
        is_touch=config.execution.limit_fill == "touch",
        is_path=config.execution.intrabar == "path",
        cost_factor_min=costs.cost_factor_min,
        cost_factor_max=costs.cost_factor_max,
        impact_cap_frac=costs.impact_cap_frac,
        impact_unknown_frac=costs.impact_unknown_frac,
    )


def strategy_of(request: BacktestRequest, n_steps: int) -> tuple[str, Strategy]:
    """Build the strategy; a built-in one is run as a rule where the core is compiled.

    Raises:
        InputError: there is none of that name, or a parameter does not fit.
        StrategyError: its file tried to end the process.
    """
    kind = request.kind
    if not kind:
        info = BUILT_IN.get(request.strategy)
        has_rule = info is not None and "rule" in info.kinds
        kind = "rule" if has_rule and choose_engine(request.engine, n_steps) else "woken"
    try:
        return load_strategy(request.strategy, request.parameters, kind=kind)
    except SystemExit as error:
        raise strategy_error(request.strategy, "while it was loaded", error) from error


def describe_run(plan: RunPlan) -> dict[str, object]:
    """Describe the run for its journal: all that replay needs, and where everything came from.

    The same run gives the same bytes: no clock and no id is in it.
    """
    setup = plan.setup
    return {
        "setup": describe_setup(
            instruments=setup.instruments,
            instrument_limits=setup.instrument_limits,
            strategies=strategy_slots(plan.strategies),
            limits=setup.limits,
            cash=setup.cash,
            start_ns=setup.start_ns,
        ),
        **describe_bars(plan.references, setup.columns),
        "parameters": plan.parameters,
        "seed": plan.config.run.seed,
        "environment": environment(),
    }


def environment() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    return {
        "athena": athena.__version__,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "platform": sys.platform,
    }


def parameters_of(
    request: BacktestRequest, config: Config, setup: Setup, strategy: Strategy
) -> dict[str, Any]:
    """Return what was asked for, with everything that was left to a default."""
    costs = config.costs
    return {
        "strategy": request.strategy,
        "kind": "rule" if isinstance(strategy, RuleStrategy) else "called",
        "strategy_parameters": dict(sorted(request.parameters.items())),
        "data": list(request.sources),
        "symbols": [instrument.symbol for instrument in setup.instruments],
        "interval": format_interval(setup.interval_ns),
        "from": None if request.start_ns is None else format_time(request.start_ns),
        "to": None if request.end_ns is None else format_time(request.end_ns),
        "cash": format_decimal(request.cash),
        "taker_fee_bps": format_decimal(costs.taker_fee_bps),
        "maker_fee_bps": format_decimal(costs.maker_fee_bps),
        "slippage_bps": format_decimal(costs.base_cost_bps),
        "participation_frac": format_decimal(costs.participation_frac),
        "limit_fill": config.execution.limit_fill,
        "intrabar": config.execution.intrabar,
        "risk": request.risk,
        "seed": config.run.seed,
    }


def data_sha256(bars: Sequence[Bars]) -> str:
    """Digest which data a run sees: all of each source, whatever part of it is run on."""
    return hashlib.sha256("".join(sources_sha256(bars)).encode()).hexdigest()


def sources_sha256(bars: Sequence[Bars]) -> tuple[str, ...]:
    """Digest each source apart: a run on two of them is a try on either."""
    return tuple(item.provenance.sha256 for item in bars)


def trial_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes two trials different: all but how the strategy is written."""
    return {key: value for key, value in parameters.items() if key != "kind"}
