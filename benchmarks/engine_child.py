"""Run one job of the benchmark in this process, several times, and print the best as JSON.

usage: engine_child.py JOB KIND ENGINE N_BARS N_RUNS
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from athena.market import load_bars
from athena.platform.config import CostsConfig
from athena.research import (
    EngineKind,
    FileStore,
    Setup,
    align,
    open_instrument_limits,
    open_limits,
    simulate,
)
from athena.research.strategies import load_strategy
from athena.trading import FrameKind, JournalWriter, read_frames, record_starts
from athena.trading import layout as at
from athena.venues import VenueSettings
from benchmarks.bars import bars_file
from benchmarks.measure import FOLDER, calibrate

if TYPE_CHECKING:
    from athena.research import Outcome
    from athena.trading import Ints

SHORT = 50_000  # bars that the cost of a long run is compared with
JOBS = {
    "A": ("sma_cross", {"quantity": "1"}),
    "B": ("sma_bracket", {"quantity": "1", "stop": "0.002", "target": "0.003"}),
}


@dataclass
class Journal:
    """Count what a run writes, and what the writing takes."""

    writer: JournalWriter
    n_bytes: int = 0
    cpu_s: float = 0.0

    def commit(self, words: Ints) -> None:
        """Write the words."""
        started_s = time.process_time()
        self.writer.commit(words)
        self.cpu_s += time.process_time() - started_s
        self.n_bytes += words.nbytes


def new_setup(engine: str, n_bars: int) -> Setup:
    """Say what both jobs are about: 10 bps a fill, no slippage, limits that never bind."""
    bars = load_bars(str(bars_file(FOLDER)), FOLDER / "home", symbol="TEST/USD").rows(0, n_bars)
    costs = CostsConfig(base_cost_bps=Decimal(0))
    fee_bps = Decimal(10)
    return Setup(
        instruments=(bars.instrument,),
        interval_ns=bars.interval_ns,
        columns=align([bars], with_risk_inputs=False),
        limits=open_limits(costs),
        instrument_limits=(open_instrument_limits(),),
        venue=VenueSettings(
            seed=42,
            taker_fee_bps=fee_bps,
            maker_fee_bps=fee_bps,
            base_cost_bps=Decimal(0),
            is_touch=True,
            is_path=True,
        ),
        cash=Decimal(1_000_000),
        engine=EngineKind(engine),
        cache_folder=FOLDER / "home" / "cache",
    )


def count_records(store: FileStore) -> int:
    """Count what is in a journal: intents, verdicts, reports and notices."""
    groups = (frame.payload for frame in read_frames(store) if frame.kind is FrameKind.WORDS)
    return sum(len(record_starts(np.frombuffer(group, np.int64))) for group in groups)


def run_once(setup: Setup, job: str, kind: str) -> tuple[Outcome, Journal, float, int]:
    """Run a job with its journal in files.

    Returns:
        What came out, the journal, the CPU seconds of everything, and how many records there are.
    """
    name, parameters = JOBS[job]
    name, strategy = load_strategy(name, parameters, kind=kind)
    with tempfile.TemporaryDirectory() as folder:
        store = FileStore(Path(folder))
        journal = Journal(JournalWriter(store, {"job": job}))
        started_s = time.process_time()
        outcome = simulate(setup, [(name, strategy)], on_records=journal.commit)
        cpu_s = time.process_time() - started_s
        journal.writer.close({"digest": outcome.digest})
        return outcome, journal, cpu_s, count_records(store)


def main(job: str, kind: str, engine: str, n_bars: int, n_runs: int) -> dict[str, Any]:
    """Run a job; the first run also says what compiling or loading the engine takes."""
    setup = new_setup(engine, n_bars)
    runs = [run_once(setup, job, kind) for _ in range(n_runs)]
    first, _, first_s, _ = runs[0]
    # In the same process, so that both lengths see the same machine.
    few = new_setup(engine, min(n_bars, SHORT))
    short_s = min(run_once(few, job, kind)[0].cpu_s for _ in range(4 * n_runs))
    outcome, journal, _, n_records = min(runs, key=lambda run: run[0].cpu_s)
    account = outcome.state.arrays.account
    return {
        "cpu_s": outcome.cpu_s,
        "load_s": first_s - first.cpu_s,
        "short_cpu_s": short_s,
        "fills": int(account[at.N_FILLS]),
        "final_equity": int(account[at.EQUITY]) / 1e8,
        "digest": outcome.digest,
        "journal_bytes": journal.n_bytes,
        "journal_s": journal.cpu_s,
        "records": n_records,
        "calib_s": calibrate(),
    }


if __name__ == "__main__":
    job, kind, engine, n_bars, n_runs = sys.argv[1:]
    answer = main(job, kind, engine, int(n_bars), int(n_runs))
    print(json.dumps(answer))  # noqa: T201 - its answer
