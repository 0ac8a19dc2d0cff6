"""The real command in two processes: equal journals under any hash seed (A05, B10)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.market import mock_bars
from tests.market_builder import MINUTE_NS, instrument_of

if TYPE_CHECKING:
    from pathlib import Path

_MOCK = """
from athena.market import mock_bars
from athena.domain import built_in_instrument, content_sha256
bars = mock_bars(built_in_instrument("BTC/USD"), 1000, 42, 60 * 10**9)
print(content_sha256(bars.columns()), bars.provenance.sha256)
"""


def in_a_process(home: Path, hash_seed: int, *arguments: object) -> str:
    """Run Python with a hash seed and a home of its own; return what it printed."""
    environment = {
        **os.environ,
        "ATHENA_HOME": str(home),
        "PYTHONHASHSEED": str(hash_seed),
    }
    command = [sys.executable, *(str(argument) for argument in arguments)]
    done = subprocess.run(  # noqa: S603 - this interpreter
        command, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_mock_seed_gives_the_same_bars_in_every_process(tmp_path: Path) -> None:
    """B10."""
    first, second = (in_a_process(tmp_path, seed, "-c", _MOCK) for seed in (0, 9))
    assert first == second
    assert len(first) > 100


@pytest.mark.parametrize("strategy", ["rebalance", "sma_bracket"])
def test_two_processes_with_different_hash_seeds_write_equal_journals(
    tmp_path: Path, strategy: str
) -> None:
    """A05: same inputs, seed 42, costs and limits on."""
    data = []
    for seed, symbol in enumerate(("BTC/USD", "XRP/USD")):
        bars = mock_bars(instrument_of(symbol), 1_500, seed, 30 * MINUTE_NS)
        path = tmp_path / f"mock-{symbol[:3]}.npz"
        prices = {
            name: getattr(bars, f"{name}_ticks") * float(bars.instrument.tick)
            for name in ("open", "high", "low", "close")
        }
        volume = bars.volume_lots.astype(np.float64)  # as many whole coins: orders fill at once
        np.savez(path, ts=bars.ts_ns // 10**9, volume=volume, **prices)
        data += ["--data", path, "--symbol", symbol]
    found = []
    for hash_seed in (0, 9):
        home = tmp_path / str(hash_seed)
        line = ("backtest", "--strategy", strategy, *data, "--seed", 42, "--json")
        payload = json.loads(in_a_process(home, hash_seed, "-m", "athena", *line))
        folder = home / "runs" / payload["run_id"] / "journal"
        segments = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        found.append((payload["digest"], segments))
        assert payload["fills"] > 0
    assert found[0] == found[1]
