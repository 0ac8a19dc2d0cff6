"""Soak: many seeds, every crash point, and a live process that is killed again and again (TR-31).

    python -m tests.soak --seeds 20000 --kills 500

Prints one table and, with `--out`, writes the figures with date and machine as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from athena.research.simulation import run_crash_points, run_seeds, summarise
from athena.venues.faults import DEFAULT_RATES
from tests.paper_process import let_trade, served, start_paper, write_market, write_strategy

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPEED = 60
_BARS = 40_000
_SETTLE = "10m"
_PAGE = 50


@dataclass(frozen=True, slots=True)
class KillFigures:
    """What came of killing a process.

    Attributes:
        kills: by SIGKILL.
        orders: that the venue has seen.
        doubled: client ids that it has seen more than once.
        violations: what the last life found to differ between books and venue.
    """

    kills: int
    orders: int
    doubled: int
    violations: tuple[str, ...]


def soak_by_kills(n_kills: int, folder: Path, seed: int) -> KillFigures:
    """Kill `athena paper` over sockets, with every fault on, and let it go on each time."""
    if n_kills == 0:
        return KillFigures(0, 0, 0, ())
    chance = random.Random(seed)  # noqa: S311 - how long a life lasts is no secret
    home = folder / "home"
    data = write_market(folder / "BTCUSD_1m.csv", _BARS)
    strategy = write_strategy(folder / "busy.py")
    faults = ("--faults", "all", "--speed", str(_SPEED), "--seed", str(seed))
    with served(home, data, *faults) as venue:
        environment = {**os.environ, "ATHENA_VENUES__KRAKEN__URL": venue.url}
        os.environ.update(environment)
        options = ("--venue", "kraken", "--speed", str(_SPEED), "--strategy", strategy)
        for _ in range(n_kills):
            process = start_paper(home, *options)
            let_trade(process, home, chance.uniform(0.5, 6.0))
            process.kill()
            process.communicate()
        process = start_paper(home, *options, "--duration", _SETTLE)
        out, err = process.communicate(timeout=600)
        if process.returncode != 0:
            return KillFigures(n_kills, 0, 0, (f"exit {process.returncode}: {out}{err}",))
        result = json.loads(out)
        ids = [item["cl_ord_id"] for item in _orders(venue) if item.get("cl_ord_id")]
    doubled = len(ids) - len(set(ids))
    return KillFigures(n_kills, len(ids), doubled, tuple(result["violations"]))


def _orders(venue: Any) -> Iterator[dict[str, Any]]:
    yield from venue.ask("OpenOrders")["open"].values()
    offset, total = 0, 1
    while offset < total:
        page = venue.ask("ClosedOrders", ofs=str(offset))
        yield from page["closed"].values()
        offset, total = offset + _PAGE, int(page["count"])


def main() -> None:
    """Run it and print the table; exit 1 when anything did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20_000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--crash-every", type=int, default=1)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    workers = os.cpu_count() or 1
    started_s = time.monotonic()
    seeds = range(asked.first, asked.first + asked.seeds)
    found = list(run_seeds(seeds, DEFAULT_RATES, workers=workers))
    if asked.crash_every:
        found.extend(run_crash_points(every=asked.crash_every, workers=workers))
    summary = summarise(found)
    with tempfile.TemporaryDirectory() as folder:
        killed = soak_by_kills(asked.kills, Path(folder), asked.first)
    figures: dict[str, Any] = {
        "when": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
        "machine": f"{platform.machine()} {platform.system()}, {workers} cores, "
        f"Python {platform.python_version()}",
        "wall_s": round(time.monotonic() - started_s),
        "seeds": summary.seeds,
        "crash_points": summary.crash_points,
        "crashes": summary.crashes,
        "kills": killed.kills,
        "orders": summary.orders + killed.orders,
        "lost": summary.lost,
        "doubled": summary.doubled + killed.doubled,
        "limit_breaches": summary.breaches,
        "unprotected_s": round(summary.unprotected_s),
        "violations": [text for _, text in summary.failing] + list(killed.violations),
    }
    for name, value in figures.items():
        sys.stdout.write(f"{name:16} {value}\n")
    if asked.out:
        asked.out.write_text(json.dumps(figures, indent=2) + "\n")
    raise SystemExit(1 if figures["violations"] else 0)


if __name__ == "__main__":
    main()
