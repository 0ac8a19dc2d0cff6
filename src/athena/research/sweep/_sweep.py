"""`athena sweep`: many combinations of parameters over one market, each of them a trial."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.errors import InputError, StrategyError
from athena.platform import atomic_write_text, file_lock, home_folder
from athena.research._trials import read_trials, record_trials
from athena.research.statistics import alarms, deflated_sharpe, overfitting
from athena.research.sweep._bench import Status
from athena.research.sweep._executor import InlineExecutor, ProcessExecutor, count_cores
from athena.research.sweep._plan import plan_sweep
from athena.research.sweep._rows import format_table, rank_rows
from athena.research.sweep._store import FOUND_FILE, TABLE_FILE, SweepStore, returns_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from athena.platform.config import Config
    from athena.research._trials import Trial
    from athena.research.statistics import Overfitting
    from athena.research.sweep._bench import Found
    from athena.research.sweep._executor import Chunk, Executor
    from athena.research.sweep._plan import Plan
    from athena.research.sweep._request import SweepRequest
    from athena.research.sweep._rows import SweepRow

_WORTH_WORKERS_STEPS = 2_000_000  # fewer in all are done before a second process has started
_CHUNKS_PER_WORKER = 64
_LARGEST_CHUNK = 64
_COMMIT_S = 1.0  # what a kill may cost


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What a sweep came to.

    Attributes:
        sweep_id: name of its folder.
        folder: that holds manifest, table and what was found.
        rows: every combination, ranked; at least one.
        trials: distinct runs tried on these data so far, by whatever command.
        deflated_sharpe: probability that the best one has skill, given those trials; NaN when no
            combination has a Sharpe ratio.
        overfitting: what choosing among these combinations was worth, over all of the time.
        n_tried: combinations that this call has tried; an earlier call tried the others.
        combos_per_s: of this call, by the clock, from its first answer on: starting workers and
            loading compiled code are in `wall_s` alone; NaN when there was nothing left to try.
        wall_s: of everything.
        is_compiled: who ran the core.
        warnings: what a person should know.
    """

    sweep_id: str
    folder: Path
    rows: tuple[SweepRow, ...]
    trials: int
    deflated_sharpe: float
    overfitting: Overfitting
    n_tried: int
    combos_per_s: float
    wall_s: float
    is_compiled: bool
    warnings: tuple[str, ...]

    @property
    def best(self) -> SweepRow | None:
        """Return the best row; None when none has a Sharpe ratio out of sample."""
        first = self.rows[0]
        return None if math.isnan(first.out_of_sample_sharpe) else first


def _say_nothing(_done: int, _total: int) -> None:
    """Report no progress."""


def run_sweep(  # noqa: PLR0913 - where from, where to, when, by whom, and who is told
    request: SweepRequest,
    config: Config,
    home: Path,
    *,
    now_ns: int,
    n_workers: int | None = None,
    executor: Executor | None = None,
    on_progress: Callable[[int, int], None] = _say_nothing,
) -> SweepResult:
    """Try every combination, rank them out of sample, and record each as a trial.

    The same question goes on where an earlier call ended, however it ended, and comes to the same
    table, byte for byte; so does any number of workers.

    Args:
        request: what is asked.
        config: costs, execution, risk and seed.
        home: data home; the sweep is kept in `sweeps/<id>`.
        now_ns: when it was asked for.
        n_workers: processes; 1 is this one, None takes a core each where that is worth it.
        executor: tries the combinations instead, on other machines.
        on_progress: told how many combinations of this call are done, and how many there are.

    Raises:
        InputError: something asked for is not valid, or the strategy refuses every combination.
        StrategyError: the strategy raised on every combination that could be built.
        RefusedError: another process works on the same sweep.
        MissingError: a worker was killed; what is done is kept.
    """
    started_s = time.perf_counter()
    plan = plan_sweep(request, config, home)
    folder = home_folder(home, "sweeps") / plan.sweep_id
    with file_lock(folder.with_suffix(".lock"), timeout_s=0.0):
        log = _Log(plan, SweepStore(folder, plan.manifest, plan.marks.n_periods), home, now_ns)
        before = len(log.found)
        chosen = executor or _executor(plan, n_workers)
        combos_per_s = _try_the_rest(plan, chosen, log, on_progress)
        _check_any(log.found)
        rows = rank_rows(log.found, request.grid, plan.marks)
        atomic_write_text(folder / TABLE_FILE, format_table(rows, request.grid))
    by_number = {item.number: item for item in log.found}
    best = by_number[rows[0].number]
    done = [by_number[n] for n in plan.numbers if by_number[n].status is Status.DONE]
    ledger = read_trials(home)
    n_trials, sharpes = ledger.tried_on(plan.trial(best, now_ns), plan.marks.n_periods)
    return SweepResult(
        sweep_id=plan.sweep_id,
        folder=folder,
        rows=rows,
        trials=n_trials,
        deflated_sharpe=deflated_sharpe(best.returns, n_trials, sharpes),
        overfitting=overfitting(returns_table(done, plan.marks.n_periods)),
        n_tried=len(log.found) - before,
        combos_per_s=combos_per_s,
        wall_s=time.perf_counter() - started_s,
        is_compiled=plan.is_compiled,
        warnings=(*dict.fromkeys(log.warnings), *_warnings(plan, rows[0])),
    )


def _warnings(plan: Plan, best: SweepRow) -> list[str]:
    """Say what a person must know before believing the best."""
    found = []
    if any(item.provenance.is_synthetic for item in plan.bars):
        found.append("The prices are synthetic: nothing here says anything about a market.")
    audit = f"athena audit --strategy {plan.request.run.strategy}"
    found += [
        f"The best shows an {alarm}: rarely real, it usually means look-ahead. See `{audit}`."
        for alarm in alarms(annual_sharpe=best.sharpe)
    ]
    return found


class _Log:
    """What was found, in the sweep's folder and in the trial ledger: once in each."""

    def __init__(self, plan: Plan, store: SweepStore, home: Path, now_ns: int) -> None:
        self._plan = plan
        self._store = store
        self._home = home
        self._now_ns = now_ns
        self.found = store.read()
        _check_asked(self.found, plan, store.folder)
        ledger = read_trials(home)
        self.warnings = [ledger.warning] if ledger.warning else []
        self._recorded = {
            _asked(trial) for trial in ledger.trials if trial.run_id == plan.sweep_id
        }
        self._record(self.found)  # a kill may have come between folder and ledger

    def add(self, found: Sequence[Found]) -> None:
        self._store.append(found)
        self._record(found)
        self.found += found

    def _record(self, found: Sequence[Found]) -> None:
        trials = [self._plan.trial(item, self._now_ns) for item in found if item.is_trial]
        new = [trial for trial in trials if _asked(trial) not in self._recorded]
        if new:
            warning = record_trials(self._home, new)
            self.warnings += [warning] if warning else []
            self._recorded.update(_asked(trial) for trial in new)


def _check_asked(found: Sequence[Found], plan: Plan, folder: Path) -> None:
    """Refuse a folder with other combinations than those asked for, or with one twice.

    Raises:
        InputError: it was changed; the message names the first.
    """
    left = set(plan.numbers)
    for item in found:
        if item.number not in left:
            message = (
                f"expected combinations of this sweep, each once, in {folder / FOUND_FILE}, "
                f"was number {item.number}"
            )
            raise InputError(message, hint=f"remove {folder} and begin anew")
        left.remove(item.number)


def _asked(trial: Trial) -> str:
    """Name a combination: each is recorded once, though several may come to the same."""
    return json.dumps(trial.parameters, sort_keys=True)


def _executor(plan: Plan, n_workers: int | None) -> Executor:
    if n_workers is None:
        n_workers = count_cores() if plan.n_steps >= _WORTH_WORKERS_STEPS else 1
    if n_workers < 1:
        message = f"expected at least 1 worker, was {n_workers}"
        raise InputError(message)
    if n_workers == 1:
        return InlineExecutor()
    return ProcessExecutor(n_workers, plan.setup.cache_folder)


def _try_the_rest(
    plan: Plan, executor: Executor, log: _Log, on_progress: Callable[[int, int], None]
) -> float:
    """Try what has not been tried; whatever ends this early, what was found until then is kept.

    Returns:
        Combinations a second, see `SweepResult`.
    """
    known = {item.number for item in log.found}
    left = [number for number in plan.numbers if number not in known]
    chunks = _chunks(plan, left)
    if not chunks:
        return math.nan
    waiting: list[Found] = []
    n_done = n_first = 0
    first_s = committed_s = time.perf_counter()
    on_progress(0, len(left))
    try:
        for found in executor.run(plan.job(), plan.setup.columns, chunks):
            waiting += found
            if not n_done and len(chunks) > 1:
                first_s, n_first = time.perf_counter(), len(found)
            n_done += len(found)
            on_progress(n_done, len(left))
            if time.perf_counter() - committed_s >= _COMMIT_S:
                batch, waiting = waiting, []  # before: half a batch must not be added again
                log.add(batch)
                committed_s = time.perf_counter()
    finally:
        if waiting:
            log.add(waiting)
    return (n_done - n_first) / (time.perf_counter() - first_s)


def _chunks(plan: Plan, numbers: Sequence[int]) -> list[Chunk]:
    """Cut combinations into pieces: small, so that all workers end together."""
    n_pieces = count_cores() * _CHUNKS_PER_WORKER
    size = max(1, min(_LARGEST_CHUNK, len(numbers) // n_pieces))
    grid = plan.request.grid
    return [
        [(number, grid.at(number)) for number in numbers[first : first + size]]
        for first in range(0, len(numbers), size)
    ]


def _check_any(found: Sequence[Found]) -> None:
    """Refuse a sweep of which nothing was run to its end.

    Raises:
        InputError: every combination was refused.
        StrategyError: every one that could be built raised.
    """
    if any(item.status is Status.DONE for item in found):
        return
    failed = [item for item in found if item.status is Status.FAILED]
    if failed:
        raise StrategyError(failed[0].message)
    raise InputError(found[0].message)
