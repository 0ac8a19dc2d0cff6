"""Days of a simulated session, recorded once for versions to come (TR-33).

The simulation's own world, with its people, plans and faults, is on for some minutes of each day;
overnight the process is down, the market goes on, and stops at the venue act without it.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import HOUR_NS, MINUTE_NS, SECOND_NS, Side
from athena.research.simulation._limits import busy_limits
from athena.research.simulation._scene import Scene
from athena.research.simulation._stage import START_NS
from athena.research.simulation._world import World
from athena.trading import (
    Command,
    FrameKind,
    Intent,
    MemoryStore,
    digest_of,
    limits,
    read_frames,
    read_records,
    record_values,
)
from athena.trading import layout as at
from athena.trading.live import LimitChanged, Operated, Wanted, fold_journal
from athena.venues.faults import DEFAULT_RATES, Fault, FaultPlan

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.trading import JournalStore

FOLDER = Path(__file__).parent / "golden" / "journals"
APPROVED = FOLDER / "approved.json"
_DAY_NS = 24 * HOUR_NS
_ACTIVE_NS = 3 * MINUTE_NS
_CALM_NS = 90 * SECOND_NS
_DETAILS = ("report", "command", "notice", "effect")
_MACHINE = {Fault.FLIPPED_JOURNAL_BYTE, Fault.DISK_FULL}


@dataclass(frozen=True, slots=True)
class Days:
    """What is recorded under a name."""

    name: str
    seed: int
    n_days: int


RECORDED = (Days("four-days", seed=4, n_days=4), Days("two-days", seed=11, n_days=2))


def play(days: Days) -> JournalStore:
    """Simulate days and return the journal of the session."""
    rates = {fault: rate for fault, rate in DEFAULT_RATES.items() if fault not in _MACHINE}
    table = busy_limits()
    table[limits.HOLDING_NS] = 20 * HOUR_NS
    scene = Scene(
        seed=days.seed,
        plan=FaultPlan(
            days.seed,
            rates=rates,
            from_ns=START_NS + 20 * SECOND_NS,
            until_ns=START_NS + days.n_days * _DAY_NS,
        ),
        limits=table,
        has_plans=True,
        balances={"USD": Decimal(100_000), "BTC": Decimal("0.2")},
        volatility_frac=0.0002,
    )
    world = World(scene)
    for day in range(days.n_days):
        begin_ns = START_NS + day * _DAY_NS
        _run_until(world, begin_ns + 30 * SECOND_NS)
        world.people.begin()
        _run_until(world, begin_ns + _ACTIVE_NS)
        world.people.leave()
        for act in _ACTS[day % len(_ACTS)]:
            act(world)
            _run_until(world, world.heap.now_ns + 10 * SECOND_NS)
        _run_until(world, world.heap.now_ns + _CALM_NS)
        if day < days.n_days - 1:
            world.crash(down_ns=begin_ns + _DAY_NS - world.heap.now_ns)
    if world.session is None:
        message = "expected a session at the end, was none"
        raise AssertionError(message)
    world.session.close()
    return world.store


def _run_until(world: World, until_ns: int) -> None:
    while world.heap.step(until_ns):
        pass


def _hold(world: World) -> None:
    """Buy what is held overnight, until its time is over."""
    for k, lots in enumerate((1_000_000, 100_000_000_000)):
        last = world.session.core.s.instruments[k, at.LAST] if world.session else 0
        intent = Intent(
            side=Side.BUY,
            lots=lots,
            instrument=k,
            stop_ticks=last - last * 4 // 100,
            target_ticks=last + last * 9 // 100,
        )
        world.tell(Wanted(k, intent, world.heap.now_ns, f"{world.heap.now_ns:032x}"))


def _operate(command: Command, argument: int = 0) -> Callable[[World], None]:
    def act(world: World) -> None:
        now_ns = world.heap.now_ns
        world.tell(Operated(command, now_ns, "ada", "recorded", argument))

    return act


def _limit(world: World) -> None:
    world.tell(LimitChanged("POSITION_PPM", 90_000, world.heap.now_ns, "ada", "recorded"))


def _fall(world: World) -> None:
    """Let the coins that are held lose a third, so that every breaker fires."""
    for k in range(2):
        world.move_price(k, Decimal("0.6"))


_RESUME = _operate(Command.ADMIN_RESUME)
_ACTS = (
    (_RESUME, _operate(Command.RESUME), _limit, _hold),
    (_RESUME, _operate(Command.RESUME), _operate(Command.TIGHTEN, 10_000), _hold, _fall),
    (_RESUME, _hold, _operate(Command.HALT), _operate(Command.CLOSE, 1)),
    (_RESUME, _hold, _operate(Command.KILL), _RESUME),
)


# --- what is kept --------------------------------------------------------------------------------
def write(days: Days) -> None:
    """Record days."""
    store = play(days)
    FOLDER.mkdir(exist_ok=True)
    (segment,) = store.segments()
    (FOLDER / f"{days.name}.journal.xz").write_bytes(lzma.compress(store.read(segment), preset=9))
    found = json.dumps(found_in(store), indent=2, sort_keys=True)
    (FOLDER / f"{days.name}.json").write_text(found + "\n")


def read(name: str) -> MemoryStore:
    """Return a recorded journal."""
    return MemoryStore({1: lzma.decompress((FOLDER / f"{name}.journal.xz").read_bytes())})


def reviewed(name: str) -> dict[str, Any]:
    """Return what a recorded journal came to when it was recorded."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def approved() -> list[dict[str, str]]:
    """Return the differences that were reviewed and are meant."""
    found: list[dict[str, str]] = json.loads(APPROVED.read_text())
    return found


def found_in(store: JournalStore) -> dict[str, Any]:
    """Replay a journal; return what it comes to, and how much of everything there is in it."""
    folded = fold_journal(store, from_beginning=True)
    kinds: Counter[str] = Counter()
    for frame in read_frames(store):
        if frame.kind is FrameKind.WORDS:
            for record in read_records(np.frombuffer(frame.payload, "<i8")):
                values = record_values(record)
                details = [str(values[name]) for name in _DETAILS if name in values]
                kinds[" ".join([str(values["kind"]), *details])] += 1
        elif frame.kind is FrameKind.NOTE:
            kinds[f"note {frame.values()['kind']}"] += 1
    return {
        "digest": digest_of(folded.tables.views),
        "n_events": folded.n_events,
        "n_effects": folded.n_effects,
        "n_compared": folded.n_compared,
        "records": dict(sorted(kinds.items())),
    }


def main() -> None:
    """Record the days that are not there yet; what is there was done by an older version."""
    for days in RECORDED:
        if not (FOLDER / f"{days.name}.json").is_file():
            write(days)


if __name__ == "__main__":
    main()
