"""Measure one thing in this process, the best of several runs, and print it as JSON.

usage: child.py JOB SIZE RUNS
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from athena.research import FileStore
from athena.trading import MemoryStore, digest_of, step, write_intent
from athena.trading import layout as at
from athena.trading.live import PlaceOrder, Wanted, fold_journal, resume_session
from benchmarks.live.desk import SETTINGS, Desk, new_session, told_of
from benchmarks.live.risk import full_book, random_wishes
from benchmarks.measure import FOLDER, calibrate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athena.trading import JournalStore
    from benchmarks.live.desk import Told


class UnsyncedStore(FileStore):
    """Segment files whose bytes reach the system, and the disk when it likes."""

    def sync(self) -> None:
        """Hand the bytes over, and do not wait for the disk."""
        self._open()._file.flush()


def quantile(values: Sequence[float], frac: float) -> float:
    """Return the value that a share of all are below or at."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(frac * len(ordered)))]


# --- events and decisions ----------------------------------------------------------------------


def events(size: int, runs: int) -> dict[str, Any]:
    """Events per CPU second, with the journal in memory and in files that are not synced."""
    told = told_of(MemoryStore(), size)
    kinds: dict[str, int] = {}
    for event, _ in told:
        kinds[type(event).__name__] = kinds.get(type(event).__name__, 0) + 1
    found: dict[str, Any] = {"events": size, "kinds": kinds}
    found["memory_cpu_s"] = min(_replay(MemoryStore(), told) for _ in range(runs))
    cpu_s = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            store = UnsyncedStore(Path(folder))
            cpu_s.append(_replay(store, told))
            found["journal_bytes"] = sum(len(store.read(k)) for k in store.segments())
    return {**found, "file_cpu_s": min(cpu_s)}


def _replay(store: JournalStore, told: Sequence[Told]) -> float:
    session, _ = new_session(store)
    gc.collect()
    started_s = time.process_time()
    for event, now_ns in told:
        session.handle(event, now_ns)
    session.flush()
    taken_s = time.process_time() - started_s
    session.close()
    return taken_s


def decisions(size: int, runs: int) -> dict[str, Any]:
    """CPU time from a wish to its `PlaceOrder`, journal in files that are not synced.

    Each wish counts with the least of its times over the runs: what the machine did besides is
    no part of the decision.
    """
    told = told_of(MemoryStore(), size)
    times = [_decide(told) for _ in range(runs)]
    best_ns = [min(each) for each in zip(*times, strict=True)]
    return {
        "decisions": len(best_ns),
        "p50_s": quantile(best_ns, 0.50) / 1e9,
        "p99_s": quantile(best_ns, 0.99) / 1e9,
        "max_s": max(best_ns) / 1e9,
        "p99_of_one_run_s": quantile(times[0], 0.99) / 1e9,
    }


def _decide(told: Sequence[Told]) -> list[int]:
    taken_ns = []
    with tempfile.TemporaryDirectory() as folder:
        session, _ = new_session(UnsyncedStore(Path(folder)))
        for event, now_ns in told:
            started_ns = time.process_time_ns()
            effects = session.handle(event, now_ns)
            ended_ns = time.process_time_ns()
            if isinstance(event, Wanted) and any(isinstance(e, PlaceOrder) for e in effects):
                taken_ns.append(ended_ns - started_ns)
        session.close()
    return taken_ns


# --- risk checks -------------------------------------------------------------------------------


def risk(size: int, runs: int) -> dict[str, Any]:
    """CPU time of `apply_intent` in a full book, by CPython."""
    tables = full_book()
    return _judge(step.apply_intent, tables.views, tables.views, size, runs)


def risk_compiled(size: int, runs: int) -> dict[str, Any]:
    """CPU time of `apply_intent` in a full book, compiled; the dispatch is not in it."""
    from athena.research.engine._compiled import compiler_for

    tables = full_book()
    compiler = compiler_for(FOLDER / "home" / "cache", None)
    judge = compiler.entry(step.apply_intent, tables.record)
    return _judge(judge, tables.record, tables.views, size, runs)


def _judge(
    apply_intent: Callable[[Any], int], state: object, views: Any, size: int, runs: int
) -> dict[str, Any]:
    """Judge each wish; the book stays full, for its table has no row for another entry."""
    wishes = random_wishes(size)
    best_ns = [sys.maxsize] * size
    n_checked = 0
    for _ in range(runs):
        for k, (strategy, intent) in enumerate(wishes):
            write_intent(intent, strategy, views.intent)
            started_ns = time.process_time_ns()
            apply_intent(state)
            best_ns[k] = min(best_ns[k], time.process_time_ns() - started_ns)
            n_checked += views.verdict[at.CODE] != 0
            views.account[at.N_WORDS] = 0
            views.account[at.N_EFFECTS] = 0
    if n_checked != size * runs:
        message = f"expected every entry denied, was {size * runs - n_checked} approved"
        raise RuntimeError(message)
    return {
        "checks": size,
        "orders": views.account[at.N_ROWS],
        "positions": views.account[at.N_POSITIONS],
        "p50_s": quantile(best_ns, 0.50) / 1e9,
        "p99_s": quantile(best_ns, 0.99) / 1e9,
    }


# --- recovery ----------------------------------------------------------------------------------


def recovery(size: int, runs: int) -> dict[str, Any]:
    """CPU and wall seconds from a journal on disk to a session, and to one fold of all of it."""
    with tempfile.TemporaryDirectory() as folder:
        store = UnsyncedStore(Path(folder))
        desk = Desk(store)
        n_told = sum(1 for _, _ in zip(range(size), desk.trade(), strict=False))
        desk.session.flush()
        expected = digest_of(desk.session.core.s)
        store.close()
        started_s, wall_s = time.process_time(), time.perf_counter()
        folded = fold_journal(FileStore(Path(folder)), from_beginning=True)
        cpu_s, wall_s = time.process_time() - started_s, time.perf_counter() - wall_s
        for found in (folded, fold_journal(FileStore(Path(folder)))):
            if digest_of(found.tables.views) != expected:
                message = "expected the state that was left, was another"
                raise RuntimeError(message)
        n_bytes = sum(len(FileStore(Path(folder)).read(k)) for k in store.segments())
        by_snapshot = min(_resume(Path(folder), desk.now_ns) for _ in range(runs))
    return {
        "events": n_told,
        "records": folded.n_events,
        "journal_bytes": n_bytes,
        "snapshot_cpu_s": by_snapshot[0],
        "snapshot_wall_s": by_snapshot[1],
        "beginning_cpu_s": cpu_s,
        "beginning_wall_s": wall_s,
    }


def _resume(folder: Path, now_ns: int) -> tuple[float, float]:
    store = FileStore(folder)
    started_s, wall_s = time.process_time(), time.perf_counter()
    session, _ = resume_session(store, SETTINGS, now_ns=now_ns)
    taken_s = time.process_time() - started_s, time.perf_counter() - wall_s
    session.close()
    return taken_s


# --- simulation --------------------------------------------------------------------------------


def seeds(size: int, runs: int) -> dict[str, Any]:
    """CPU seconds of a seed, on average; the fastest of the runs over the same seeds."""
    from athena.research.simulation import simulate_seed

    simulate_seed(size)  # imports
    taken_s, n_orders, n_violated = [], 0, 0
    for _ in range(runs):
        started_s = time.process_time()
        results = [simulate_seed(seed) for seed in range(size)]
        taken_s.append(time.process_time() - started_s)
        n_orders = sum(result.orders for result in results)
        n_violated = sum(bool(result.violations) for result in results)
    return {
        "seeds": size,
        "cpu_s_per_seed": min(taken_s) / size,
        "orders": n_orders,
        "violated": n_violated,
    }


def main() -> None:
    """Measure."""
    job = sys.argv[1]
    size, runs = (int(text) for text in sys.argv[2:4])
    if job == "reaction":
        from benchmarks.live.reaction import reaction

        measure: Callable[[int, int], dict[str, Any]] = reaction
    else:
        measure = {
            "events": events,
            "decisions": decisions,
            "risk": risk,
            "risk_compiled": risk_compiled,
            "recovery": recovery,
            "seeds": seeds,
        }[job]
    calibs_s = [calibrate()]
    found = measure(size, runs)
    calibs_s.append(calibrate())
    print(json.dumps({"calib_s": min(calibs_s), **found}))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
