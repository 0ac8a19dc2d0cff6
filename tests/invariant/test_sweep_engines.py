"""Compiled or interpreted, on one core or several: a sweep comes to one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athena.research import EngineKind
from tests.sweep_builder import hourly_bars, store, sweep_of, sweep_request, tables

if TYPE_CHECKING:
    from pathlib import Path

GRID = ("fast=2:6:2", "slow=5,12,30", "stop=0.005,0.01")


def home_with(bars_seed: int, folder: Path, compiler_cache: Path) -> Path:
    """Make a home whose compiled code is that of all tests."""
    store(hourly_bars(bars_seed), folder)
    (folder / "cache").mkdir()
    compiler_cache.joinpath("compiled").mkdir(parents=True, exist_ok=True)
    (folder / "cache" / "compiled").symlink_to(compiler_cache / "compiled")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)  # a cold compiler on a busy machine
def test_every_way_to_run_a_sweep_comes_to_the_same_table(
    tmp_path: Path, compiler_cache: Path
) -> None:
    ways = [
        ("woken", EngineKind.PYTHON, 1),
        ("bar", EngineKind.PYTHON, 2),
        ("rule", EngineKind.PYTHON, 1),
        ("rule", EngineKind.COMPILED, 2),
        ("rule", EngineKind.COMPILED, 1),
    ]
    results = []
    for number, (kind, engine, n_workers) in enumerate(ways):
        home = home_with(5, tmp_path / str(number), compiler_cache)
        request = sweep_request(*GRID, strategy="sma_bracket", kind=kind, engine=engine)
        results.append(sweep_of(request, home, n_workers=n_workers))
    assert len(set(tables(results))) == 1
    assert len({result.deflated_sharpe for result in results}) == 1
    assert [result.is_compiled for result in results] == [False, False, False, True, True]
