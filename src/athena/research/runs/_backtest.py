"""`athena backtest`: one run through the core, beside its baselines, kept in a folder."""

from __future__ import annotations

import math
import shutil
import time
import traceback
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import from_money
from athena.errors import StrategyError
from athena.platform import home_folder, publish_folder, staged_folder, storage_errors
from athena.research._record import RunRecord
from athena.research._trials import (
    Trial,
    TrialLedger,
    append_trials,
    locked_trials,
    read_trials,
    record_trials,
)
from athena.research.engine import Outcome, open_instrument_limits, open_limits, simulate
from athena.research.runs._baselines import Baseline, list_baselines, run_baseline, run_random
from athena.research.runs._candles import candles_of
from athena.research.runs._journal_files import JOURNAL_FOLDER, FileStore
from athena.research.runs._plan import (
    RunPlan,
    data_sha256,
    describe_run,
    environment,
    plan_backtest,
    sources_sha256,
    trial_parameters,
)
from athena.research.runs._results import (
    costs_of,
    follow_account,
    list_fills,
    list_trades,
    make_curve,
)
from athena.research.runs._run_files import write_run
from athena.research.statistics import summarise
from athena.trading import (
    FrameKind,
    JournalWriter,
    describe_end,
    fill_columns,
    read_frames,
)
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from decimal import Decimal
    from pathlib import Path

    from athena.platform.config import Config
    from athena.research._record import Curve
    from athena.research.runs._request import BacktestRequest
    from athena.research.statistics import RunSummary
    from athena.trading import Ints, JournalEnd

    ProgressReport = Callable[[str, int, int], None]
    RecordSink = Callable[[Path, RunRecord, RunSummary], None]


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """What a backtest came to.

    Attributes:
        record: everything a report needs.
        summary: its statistics.
        folder: of the run.
        n_bars: of all instruments together.
        final_equity: exact, at the last close.
        bars_per_cpu_s: bars per CPU second of the loop, strategy and journal included.
        wall_s: of everything, baselines included.
        is_compiled: who ran the core.
        warnings: what a person should know.
    """

    record: RunRecord
    summary: RunSummary
    folder: Path
    n_bars: int
    final_equity: Decimal
    bars_per_cpu_s: float
    wall_s: float
    is_compiled: bool
    warnings: tuple[str, ...]


def _say_nothing(_label: str, _done: int, _total: int) -> None:
    """Report no progress."""


def _add_nothing(_folder: Path, _record: RunRecord, _summary: RunSummary) -> None:
    """Leave the run's folder as it is."""


def run_backtest(  # noqa: PLR0913 - where from, where to, when, and who is told
    request: BacktestRequest,
    config: Config,
    home: Path,
    *,
    run_id: str,
    now_ns: int,
    on_progress: ProgressReport = _say_nothing,
    on_record: RecordSink = _add_nothing,
) -> BacktestResult:
    """Run a strategy and its baselines, record the trial, and keep everything in `runs/<id>`.

    Args:
        request: what is asked.
        config: costs, execution, risk and seed.
        home: data home.
        run_id: name of the run's folder.
        now_ns: when it was asked for.
        on_progress: told label, step and number of steps, of the run and of each baseline.
        on_record: may add files to the run's folder before it is published; when it raises, there
            is neither a run nor a trial.

    Raises:
        InputError: something asked for is not valid; nothing is written.
        StrategyError: the strategy raised; a bundle to replay it is kept in `crashes`.
    """
    started_s = time.perf_counter()
    plan = plan_backtest(request, config, home, run_id=run_id, now_ns=now_ns)
    result = carry_out(plan, on_progress=on_progress, on_record=on_record)
    return replace(result, wall_s=time.perf_counter() - started_s)


def carry_out(
    plan: RunPlan,
    *,
    on_progress: ProgressReport = _say_nothing,
    on_record: RecordSink = _add_nothing,
) -> BacktestResult:
    """Run what is planned and its baselines, record the trials, and keep it all in `runs/<id>`.

    Args:
        plan: of the run.
        on_progress: told label, step and number of steps, of the run and of each baseline.
        on_record: may add files to the run's folder before it is published; when it raises, there
            is neither a run nor a trial.

    Raises:
        StrategyError: the strategy raised; a bundle to replay it is kept in `crashes`.
    """
    started_s = time.perf_counter()
    setup, home = plan.setup, plan.home
    final = home_folder(home, "runs") / plan.run_id
    with _all_or_nothing(final), ExitStack() as lock:
        with staged_folder(final) as folder:
            with _diary(plan, folder) as files:
                outcome, end, groups = _run(plan, folder, on_progress)
            record = _record(plan, outcome, end, groups, on_progress)
            record = replace(record, files=dict(files))
            trials = [*plan.tried, _trial(plan, record)]
            # Until its own entry is there: else two runs that end together count one too few.
            lock.enter_context(locked_trials(home))
            record, warning = _counted(record, trials, read_trials(home))
            write_run(folder, record)
            summary = summarise(record)
            on_record(folder, record, summary)
        with storage_errors(home):
            cut = append_trials(home, trials)
    n_bars = int((setup.columns.volume >= 0).sum())
    return BacktestResult(
        record=record,
        summary=summary,
        folder=final,
        n_bars=n_bars,
        final_equity=from_money(int(outcome.state.arrays.account[at.EQUITY])),
        bars_per_cpu_s=n_bars / max(outcome.cpu_s, 1e-9),
        wall_s=time.perf_counter() - started_s,
        is_compiled=outcome.is_compiled,
        warnings=tuple(text for text in (cut or warning,) if text),
    )


@contextmanager
def _all_or_nothing(final: Path) -> Iterator[None]:
    """Remove a run's folder when the block raises: what failed is neither seen nor counted."""
    try:
        yield
    except BaseException:
        shutil.rmtree(final, ignore_errors=True)
        raise


@contextmanager
def _diary(plan: RunPlan, folder: Path) -> Iterator[dict[str, str]]:
    """Have the diary written while the block runs; what is yielded names its files afterwards."""
    files: dict[str, str] = {}
    if plan.diary is None:
        yield files
        return
    plan.diary.begin(folder)
    try:
        yield files
    finally:
        files.update(plan.diary.end())


class _JournalGroups:
    """The journal's groups of words; each pass reads them anew, so that none is kept."""

    def __init__(self, store: FileStore) -> None:
        self._store = store

    def __iter__(self) -> Iterator[Ints]:
        for frame in read_frames(self._store):
            if frame.kind is FrameKind.WORDS:
                yield np.frombuffer(frame.payload, np.int64)


def _run(
    plan: RunPlan, folder: Path, on_progress: ProgressReport
) -> tuple[Outcome, JournalEnd, _JournalGroups]:
    """Run the strategy with its journal; return the journal's groups of words too."""
    store = FileStore(folder / JOURNAL_FOLDER)
    writer = JournalWriter(store, describe_run(plan))
    try:
        outcome = simulate(
            plan.setup,
            plan.strategies,
            shares=plan.shares,
            on_records=writer.commit,
            on_progress=partial(_report, on_progress, plan.n_steps, plan.name),
        )
    except StrategyError as error:
        raise _kept(plan, writer, folder, error) from error
    except BaseException:
        store.close()
        raise
    end = writer.close(describe_end(outcome.state.arrays))
    return outcome, end, _JournalGroups(store)


def _report(on_progress: ProgressReport, n_steps: int, label: str, step: int) -> None:
    on_progress(label, step, n_steps)


def _kept(
    plan: RunPlan, writer: JournalWriter, folder: Path, error: StrategyError
) -> StrategyError:
    """Keep the journal of a run whose strategy raised: it holds all that is needed to repeat it.

    A run that came beyond its first bar is a trial: what it did until then was seen.

    Returns:
        The same error, with the place of the bundle in its hint.
    """
    trace = "".join(traceback.format_exception(error))
    writer.note(FrameKind.CRASH, {"error": error.message, "traceback": trace})
    writer.abandon()
    bundle = home_folder(plan.home, "crashes") / plan.run_id
    publish_folder(folder / JOURNAL_FOLDER, bundle)
    hints = [f"crash bundle: {bundle}"]
    trials = [*plan.tried, *([_begun(plan)] if error.n_bars else [])]
    if trials and (warning := record_trials(plan.home, trials)):
        hints.append(warning)
    return StrategyError(error.message, hint="; ".join(hints), n_bars=error.n_bars)


def _record(
    plan: RunPlan,
    outcome: Outcome,
    end: JournalEnd,
    groups: Iterable[Ints],
    on_progress: ProgressReport,
) -> RunRecord:
    """Describe the run beside its baselines; its trials are not counted yet."""
    setup = plan.setup
    fills = fill_columns(groups)
    book = follow_account(setup, fills)
    trades = list_trades(setup, outcome, fills)
    costs = plan.config.costs
    dealt = run_random(
        setup,
        book.equity,
        trades,
        fee_frac=float(costs.taker_fee_bps) / 1e4,
        slippage_frac=float(costs.base_cost_bps) / 1e4,
    )
    return RunRecord(
        run_id=plan.run_id,
        created_at_ns=plan.now_ns,
        parameters=plan.parameters,
        interval_ns=setup.interval_ns,
        ts_ns=setup.columns.close_ns,
        main=make_curve(plan.name, outcome, book.equity, groups),
        gross_exposure=book.gross_exposure,
        baselines=_baselines(plan, on_progress) + ([dealt] if dealt else []),
        fills=list_fills(setup, outcome, fills),
        trades=trades,
        candles=[candles_of(setup, k) for k in range(len(setup.instruments))],
        provenance=[item.provenance for item in plan.bars],
        costs=costs_of(outcome),
        quote=setup.instruments[0].quote,
        cash=plan.request.cash,
        digest=outcome.digest,
        journal_sha256=end.segment_sha256.hex(),
        trials=0,
        trial_sharpes=np.zeros(0),
        environment=environment(),
    )


def _baselines(plan: RunPlan, on_progress: ProgressReport) -> list[Curve]:
    """Run the alternatives, and the same strategy without limits when the run has some."""
    setup = plan.setup
    open_setup = replace(
        setup,
        limits=open_limits(plan.config.costs),
        instrument_limits=tuple(open_instrument_limits() for _ in setup.instruments),
    )
    baselines = list_baselines(open_setup)
    if not plan.request.is_open_risk:
        name = f"{plan.name}, risk open"
        baselines.insert(0, Baseline(name, plan.again(), open_setup, plan.shares))
    curves = list(plan.beside)
    for baseline in baselines:
        on_step = partial(_report, on_progress, plan.n_steps, baseline.name)
        on_step(0)
        curves.append(run_baseline(baseline, on_step))
    return curves


def _trial(plan: RunPlan, record: RunRecord) -> Trial:
    """Describe the run as a trial on its data; who executed it makes no difference."""
    summary = summarise(record)
    return replace(
        _begun(plan),
        sharpe=summary.sharpe_per_period,
        n=summary.main.sharpe.n,
        digest=record.digest,
    )


def _begun(plan: RunPlan) -> Trial:
    """Describe a run that has come to nothing yet."""
    return Trial(
        recorded_at_ns=plan.now_ns,
        command=plan.command,
        run_id=plan.run_id,
        data_sha256=data_sha256(plan.bars),
        strategy=plan.parameters["strategy"],
        parameters=trial_parameters(plan.parameters),
        sharpe=math.nan,
        n=0,
        sources_sha256=sources_sha256(plan.bars),
    )


def _counted(
    record: RunRecord, trials: Sequence[Trial], ledger: TrialLedger
) -> tuple[RunRecord, str]:
    """Count a run among the trials on its data, itself included."""
    known = replace(ledger, trials=(*ledger.trials, *trials))
    own = trials[-1]
    n_trials, sharpes = known.tried_on(own, max(own.n, 1))
    return replace(record, trials=n_trials, trial_sharpes=sharpes), ledger.warning
