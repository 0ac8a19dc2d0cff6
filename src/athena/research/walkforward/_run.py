"""`athena walkforward`: fit on the past, trade what follows, all windows as one run."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from athena.domain import DAY_NS, format_interval, format_time
from athena.errors import InputError, StrategyError
from athena.research._grid import MAX_COMBINATIONS
from athena.research._trials import record_trials
from athena.research.runs import (
    RunPlan,
    carry_out,
    load_sources,
    parameters_of,
    setup_of,
)
from athena.research.strategies import Leg, relay_of
from athena.research.walkforward._choice import Chooser, list_candidates
from athena.research.walkforward._request import check_costs
from athena.research.walkforward._result import (
    WalkForwardResult,
    describe_fold,
    tell_folds,
)
from athena.research.walkforward._windows import lay_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from athena.platform.config import Config
    from athena.research._record import RunRecord
    from athena.research.engine import Setup
    from athena.research.statistics import RunSummary
    from athena.research.walkforward._choice import Candidates, Choice
    from athena.research.walkforward._request import WalkForwardRequest
    from athena.research.walkforward._windows import FoldWindows
    from athena.trading import Strategy

    ProgressReport = Callable[[str, int, int], None]
    RecordSink = Callable[[Path, RunRecord, RunSummary], None]

FITS = "fits"


def _say_nothing(_label: str, _done: int, _total: int) -> None:
    """Report no progress."""


def _add_nothing(_folder: Path, _record: RunRecord, _summary: RunSummary) -> None:
    """Leave the run's folder as it is."""


def run_walk_forward(  # noqa: PLR0913 - where from, where to, when, and who is told
    request: WalkForwardRequest,
    config: Config,
    home: Path,
    *,
    run_id: str,
    now_ns: int,
    on_progress: ProgressReport = _say_nothing,
    on_record: RecordSink = _add_nothing,
) -> WalkForwardResult:
    """Choose the parameters of each fold on its past, and trade all test windows as one run.

    The run is one account from the first test window to the last: positions are handed over from
    fold to fold, and nothing is reset. Every combination of every fold is a trial of the ledger.

    Args:
        request: what is asked.
        config: costs, execution, risk and seed.
        home: data home.
        run_id: name of the run's folder.
        now_ns: when it was asked for.
        on_progress: told label, how much is done and of how much: of the fits (`FITS`), of the
            run and of each baseline.
        on_record: may add files to the run's folder before it is published.

    Raises:
        InputError: something asked for is not valid: no costs, fewer than 5 folds, a purge under
            the strategy's horizon, no combination with enough trades; nothing is written.
        StrategyError: the strategy raised.
    """
    started_s = time.perf_counter()
    check_costs(config)
    candidates = list_candidates(request)
    _, bars = load_sources(request.backtest, home)
    whole = setup_of(request.backtest, config, bars, home)
    purge_bars = _purge_bars(request, candidates)
    windows = lay_windows(request, whole, purge_bars)
    chooser = Chooser(request, config, home, run_id, now_ns, bars, candidates)
    try:
        choices = _choose(chooser, windows, on_progress)
    except StrategyError:
        if chooser.tried:  # what was run until then was seen
            record_trials(home, chooser.tried)
        raise
    plan = _plan(chooser, whole, purge_bars, windows, choices)
    run = carry_out(plan, on_progress=on_progress, on_record=on_record)
    end_ns = int(whole.columns.close_ns[-1])
    return WalkForwardResult(
        run=replace(run, wall_s=time.perf_counter() - started_s),
        folds=tell_folds(run.record, windows, choices),
        n_refused=candidates.n_refused,
        left_over_days=max(0, end_ns - windows[-1].test.end_ns) / DAY_NS,
        has_choice=request.has_choice,
        has_fit=candidates.has_fit,
    )


def _purge_bars(request: WalkForwardRequest, candidates: Candidates) -> int:
    """Return the bars to purge; the strategy's labels must not reach beyond them."""
    horizon = candidates.horizon_bars
    purge = horizon if request.purge_bars is None else request.purge_bars
    if purge < horizon:
        message = (
            f"expected a purge of at least {horizon} bars, as far as the labels of "
            f"{candidates.name} reach, was {purge}"
        )
        raise InputError(message, hint="leave --purge out, or state more bars")
    return purge


def _choose(
    chooser: Chooser, windows: Sequence[FoldWindows], on_progress: ProgressReport
) -> list[Choice]:
    """Choose for every fold.

    Raises:
        InputError: there are more than 100,000 fits to make, or nothing to choose.
        StrategyError: the strategy raised.
    """
    total = len(windows) * len(chooser.candidates.combinations)
    if total > MAX_COMBINATIONS:
        message = f"expected at most {MAX_COMBINATIONS:,} fits, was {total:,} in all folds"
        raise InputError(message, hint="widen a step of the grid, or take longer test windows")
    engine = chooser.engine_for(windows)
    done = 0

    def on_fit() -> None:
        nonlocal done
        done += 1
        on_progress(FITS, done, total)

    return [chooser.choose(window, engine, on_fit) for window in windows]


def _plan(
    chooser: Chooser,
    whole: Setup,
    purge_bars: int,
    windows: Sequence[FoldWindows],
    choices: Sequence[Choice],
) -> RunPlan:
    """Plan the joined run: it begins with the first test window and ends with the last."""
    request, config, home = chooser.request, chooser.config, chooser.home
    asked = replace(
        request.backtest,
        start_ns=windows[0].test.start_ns,
        end_ns=windows[-1].test.end_ns,
    )
    references, bars = load_sources(asked, home)
    setup = setup_of(asked, config, bars, home)
    name = f"{chooser.candidates.name}, walk-forward"
    again = partial(_relay, chooser.candidates, whole, windows, choices)
    strategy = again()
    parameters = parameters_of(asked, config, setup, strategy)
    parameters["walk_forward"] = _describe(request, purge_bars, windows, choices)
    return RunPlan(
        request=asked,
        config=config,
        home=home,
        run_id=chooser.run_id,
        now_ns=chooser.now_ns,
        command="walkforward",
        references=references,
        bars=bars,
        setup=setup,
        name=name,
        strategies=[(name, strategy)],
        again=lambda: [(name, again())],
        parameters=parameters,
        tried=[trial for choice in choices for trial in choice.trials],
    )


def _relay(
    candidates: Candidates,
    whole: Setup,
    windows: Sequence[FoldWindows],
    choices: Sequence[Choice],
) -> Strategy:
    """Join the folds' strategies, each fitted anew on its own training window."""
    legs = [
        Leg(candidates.fitted(choice.parameters, choice.market), window.n_test)
        for window, choice in zip(windows, choices, strict=True)
    ]
    # A bar belongs to the window in which it opens.
    opens_ns = whole.columns.close_ns - whole.interval_ns
    n_steps = int(opens_ns.searchsorted(windows[-1].test.end_ns))
    return relay_of(whole.market.until(n_steps), legs)


def _describe(
    request: WalkForwardRequest,
    purge_bars: int,
    windows: Sequence[FoldWindows],
    choices: Sequence[Choice],
) -> dict[str, Any]:
    """Describe the walk-forward as JSON, for the run's parameters."""
    start_ns, end_ns = request.backtest.start_ns, request.backtest.end_ns
    return {
        "train": format_interval(request.train_ns),
        "test": format_interval(request.test_ns),
        "embargo": format_interval(request.embargo_ns),
        "purge_bars": purge_bars,
        "window": request.window.value,
        "min_trades": request.min_trades,
        "grid": {axis.name: list(axis.values) for axis in request.grid.axes},
        "data_from": None if start_ns is None else format_time(start_ns),
        "data_to": None if end_ns is None else format_time(end_ns),
        "folds": {
            str(window.number): describe_fold(window, choice)
            for window, choice in zip(windows, choices, strict=True)
        },
    }
