"""Choose the parameters of a fold on its training window, and on nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from athena.errors import AthenaError, CoreError, InputError, StrategyError
from athena.research._trials import Trial
from athena.research.engine import EngineKind, choose_engine, strategy_error
from athena.research.runs import (
    data_sha256,
    measure_simulation,
    parameters_of,
    setup_of,
    sources_sha256,
    trial_parameters,
)
from athena.research.strategies import build_strategy, find_strategy
from athena.trading import BarStrategy, WokenStrategy, needs_fit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from athena.domain import Bars
    from athena.platform.config import Config
    from athena.research.engine import Setup
    from athena.research.runs import BacktestRequest, Measured
    from athena.research.walkforward._request import WalkForwardRequest
    from athena.research.walkforward._windows import FoldWindows
    from athena.trading import Market

    Called = BarStrategy | WokenStrategy


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What every fold chooses from.

    Attributes:
        name: of the strategy.
        asked: what names it, with the kind it is written in.
        combinations: the parameters that the strategy accepts, in the order of the grid.
        n_refused: how many it refuses.
        horizon_bars: how far the labels of any of them reach, >= 1.
        has_fit: whether they learn from a training window.
    """

    name: str
    asked: BacktestRequest
    combinations: tuple[Mapping[str, str], ...]
    n_refused: int
    horizon_bars: int
    has_fit: bool

    def fitted(self, parameters: Mapping[str, str], market: Market) -> Called:
        """Build a strategy and let it learn from a training window.

        Each is loaded anew: what another one of them keeps on its class or module may be of bars
        that this one must not know.

        Raises:
            StrategyError: it raised in its fit, or its file tried to end the process.
        """
        strategy = _build(_load(self.asked)[1], parameters)
        if needs_fit(strategy):
            try:
                strategy.fit(market)
            except AthenaError:
                raise
            except (Exception, SystemExit) as error:
                raise strategy_error(self.name, "in its fit", error) from error
        return strategy


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What a fold decided.

    Attributes:
        parameters: chosen.
        measured: what they did on the training window.
        market: of the training window, for the fit.
        trials: one for each combination that was run.
    """

    parameters: Mapping[str, str]
    measured: Measured
    market: Market
    trials: tuple[Trial, ...]

    @property
    def n_tried(self) -> int:
        """Return how many combinations were run."""
        return len(self.trials)


def list_candidates(request: WalkForwardRequest) -> Candidates:
    """Build every combination once, to know which ones the strategy accepts.

    Raises:
        InputError: it accepts none, or it is a rule, which has no signals to join.
        StrategyError: its file tried to end the process.
    """
    asked = request.backtest
    name, kind = _load(asked)
    accepted: list[Mapping[str, str]] = []
    refusals: list[InputError] = []
    horizon_bars = 1
    has_fit = False
    for parameters in request.grid.combinations():
        try:
            strategy = _build(kind, parameters)
        except InputError as refusal:
            refusals.append(refusal)
        else:
            accepted.append(parameters)
            horizon_bars = max(horizon_bars, strategy.horizon_bars)
            has_fit = has_fit or needs_fit(strategy)
    if not accepted:
        raise refusals[0]
    return Candidates(
        name=name,
        asked=asked,
        combinations=tuple(accepted),
        n_refused=len(refusals),
        horizon_bars=horizon_bars,
        has_fit=has_fit,
    )


def _load(asked: BacktestRequest) -> tuple[str, type[Called]]:
    """Find the class of the strategy, which a file makes anew each time.

    Raises:
        InputError: there is none of that name, or it is a rule, which has no signals to join.
        StrategyError: its file tried to end the process.
    """
    try:
        name, kind = find_strategy(asked.strategy, kind=asked.kind or "woken")
    except SystemExit as error:
        raise strategy_error(asked.strategy, "while it was loaded", error) from error
    if not issubclass(kind, BarStrategy | WokenStrategy):
        message = f"expected a strategy that is called or woken, was {kind.__name__}, a rule"
        raise InputError(message, hint="--kind woken, or write it as a WokenStrategy")
    return name, kind


def _build(kind: type[Called], parameters: Mapping[str, str]) -> Called:
    """Build a strategy of a class that is called."""
    strategy = build_strategy(kind, parameters)
    if not isinstance(strategy, BarStrategy | WokenStrategy):
        message = f"expected a strategy that is called or woken, was {type(strategy).__name__}"
        raise CoreError(message)
    return strategy


@dataclass(frozen=True, slots=True, eq=False)
class Chooser:
    """Choose parameters, fold by fold.

    Attributes:
        request: what is asked.
        config: costs, execution, risk and seed.
        home: data home.
        run_id: that the trials belong to.
        now_ns: when they were asked for.
        bars: all of each source; a fold is given its training window's, cut.
        candidates: to choose from.
        tried: every training run so far, oldest first; one that raised after its first bar too.
    """

    request: WalkForwardRequest
    config: Config
    home: Path
    run_id: str
    now_ns: int
    bars: Sequence[Bars]
    candidates: Candidates
    tried: list[Trial] = field(default_factory=list)

    def engine_for(self, windows: Sequence[FoldWindows]) -> EngineKind:
        """Say who runs the fits: all of them together decide whether compiling pays."""
        n_steps = sum(window.n_train for window in windows) * len(self.candidates.combinations)
        is_compiled = choose_engine(self.request.backtest.engine, n_steps)
        return EngineKind.COMPILED if is_compiled else EngineKind.PYTHON

    def choose(
        self, window: FoldWindows, engine: EngineKind, on_fit: Callable[[], None]
    ) -> Choice:
        """Run every combination on the training window and take the best.

        The best has the highest Sharpe ratio after costs among those with enough closed trades;
        of equal ones the first in the grid.

        Raises:
            InputError: none has a Sharpe ratio and enough trades.
            StrategyError: the strategy raised; names the fold and the parameters.
        """
        setup = self._setup(window, engine)
        measured: list[Measured] = []
        for parameters in self.candidates.combinations:
            measured.append(self._measure(window, setup, parameters))
            on_fit()
        best = self._best(window, measured)
        chosen = self.candidates.combinations[best]
        trials = tuple(self.tried[-len(measured) :])
        return Choice(chosen, measured[best], setup.market, trials)

    def _setup(self, window: FoldWindows, engine: EngineKind) -> Setup:
        """Cut the bars to the training window; nothing after it goes into what the fold sees."""
        train = window.train
        cut = [item.between(train.start_ns, train.end_ns) for item in self.bars]
        asked = replace(self.request.backtest, engine=engine)
        return setup_of(asked, self.config, cut, self.home)

    def _measure(
        self, window: FoldWindows, setup: Setup, parameters: Mapping[str, str]
    ) -> Measured:
        try:
            strategy = self.candidates.fitted(parameters, setup.market)
            return self._try(window, setup, parameters, strategy)
        except StrategyError as error:
            where = f"in the training of fold {window.number} with {_as_text(parameters)}"
            message = f"{error.message}, {where}"
            raise StrategyError(message, hint=error.hint, n_bars=error.n_bars) from error

    def _try(
        self,
        window: FoldWindows,
        setup: Setup,
        parameters: Mapping[str, str],
        strategy: Called,
    ) -> Measured:
        """Run a fitted strategy on the training window, and remember that it was tried."""
        begun = self._begun(window, setup, parameters, strategy)
        try:
            measured = measure_simulation(setup, self.candidates.name, strategy)
        except StrategyError as error:
            if error.n_bars:
                self.tried.append(begun)
            raise
        ended = replace(
            begun,
            sharpe=measured.sharpe_per_period,
            n=len(measured.series.returns),
            digest=measured.digest,
        )
        self.tried.append(ended)
        return measured

    def _best(self, window: FoldWindows, measured: Sequence[Measured]) -> int:
        if not self.request.has_choice:
            return 0
        least = self.request.min_trades
        ratios = [
            result.sharpe_per_period if result.n_trades >= least else math.nan
            for result in measured
        ]
        known = [k for k, ratio in enumerate(ratios) if math.isfinite(ratio)]
        if not known:
            most = max(result.n_trades for result in measured)
            message = (
                f"expected a combination with {least} closed trades in the training of fold "
                f"{window.number}, {window.train}, was {most} at most"
            )
            raise InputError(message, hint="train longer, lower --min-trades or widen the grid")
        return max(known, key=lambda k: (ratios[k], -k))

    def _begun(
        self,
        window: FoldWindows,
        setup: Setup,
        parameters: Mapping[str, str],
        strategy: Called,
    ) -> Trial:
        """Describe a fit as the backtest of its training window that it is; it has no end yet."""
        asked = replace(
            self.request.backtest,
            parameters=parameters,
            start_ns=window.train.start_ns,
            end_ns=window.train.end_ns,
        )
        return Trial(
            recorded_at_ns=self.now_ns,
            command="walkforward",
            run_id=self.run_id,
            data_sha256=data_sha256(self.bars),
            strategy=asked.strategy,
            parameters=trial_parameters(parameters_of(asked, self.config, setup, strategy)),
            sharpe=math.nan,
            n=0,
            sources_sha256=sources_sha256(self.bars),
        )


def _as_text(parameters: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in parameters.items()) or "no parameters"
