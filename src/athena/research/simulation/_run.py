"""Many seeds and many crash points, on as many processes as there are cores."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from athena.research.simulation._crash_points import CrashResult, crash_at, crash_points
from athena.research.simulation._seed import SeedResult, simulate_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from athena.research.simulation._scene import CrashPoint
    from athena.venues.faults import Fault

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")

_BATCH = 10


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """What came of a simulation.

    Attributes:
        seeds, crash_points: how many were simulated.
        crashes: of the process, in all.
        lost: orders, fills and money of the venue that the books did not know at the end.
        doubled: orders that reached the venue twice.
        breaches: approvals beyond a limit.
        unprotected_s: time beyond two seconds that positions were not covered at the venue, in
            all; nothing is excused (see `_protection`).
        failing: the first violation of each seed or place that had one: what replays it, and what.
    """

    seeds: int
    crash_points: int
    orders: int
    crashes: int
    lost: int
    doubled: int
    breaches: int
    unprotected_s: float
    failing: tuple[tuple[SeedResult | CrashResult, str], ...]


def run_seeds(
    seeds: Iterable[int], rates: Mapping[Fault, float], *, workers: int
) -> Iterator[SeedResult]:
    """Simulate seeds, in any order.

    Args:
        seeds: which.
        rates: of the faults that may strike; each seed leaves a random half of them out.
        workers: processes; 1 stays in this one.
    """
    yield from _spread(_simulate, [(seed, dict(rates)) for seed in seeds], workers)


def run_crash_points(*, every: int, workers: int) -> Iterator[CrashResult]:
    """Die at every n-th place of every story, in any order."""
    yield from _spread(_die, list(crash_points(every=every)), workers)


def summarise(results: Iterable[SeedResult | CrashResult]) -> SimulationSummary:
    """Add results up."""
    found = list(results)
    seeds = [result for result in found if isinstance(result, SeedResult)]
    return SimulationSummary(
        seeds=len(seeds),
        crash_points=len(found) - len(seeds),
        orders=sum(result.orders for result in found),
        crashes=sum(result.crashes for result in seeds) + len(found) - len(seeds),
        lost=sum(result.lost for result in found),
        doubled=sum(result.doubled for result in found),
        breaches=sum(result.breaches for result in seeds),
        unprotected_s=sum(result.unprotected_s for result in seeds),
        failing=tuple((result, result.violations[0]) for result in found if result.violations),
    )


def _simulate(task: tuple[int, dict[Fault, float]]) -> SeedResult:
    return simulate_seed(*task)


def _die(task: tuple[str, CrashPoint]) -> CrashResult:
    return crash_at(*task)


def _each(do: Callable[[TaskT], ResultT], tasks: Sequence[TaskT]) -> list[ResultT]:
    return [do(task) for task in tasks]


def _spread(
    do: Callable[[TaskT], ResultT], tasks: Sequence[TaskT], workers: int
) -> Iterator[ResultT]:
    """Do tasks in batches on several processes; the results come as they are ready."""
    if workers == 1:
        yield from map(do, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        batches = [tasks[k : k + _BATCH] for k in range(0, len(tasks), _BATCH)]
        for future in as_completed([pool.submit(_each, do, batch) for batch in batches]):
            yield from future.result()
