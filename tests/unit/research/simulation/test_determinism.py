"""A seed is a simulation: in this process, in another, whatever Python's hashes are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from athena.research.simulation import simulate_seed
from athena.research.simulation._seed import scene_of
from athena.venues.faults import DEFAULT_RATES, swarm

ROOT = Path(__file__).resolve().parents[4]
SEEDS = (3, 11)
PROGRAM = (
    "import json; from athena.research.simulation import simulate_seed;"
    f"print(json.dumps([simulate_seed(seed).digest for seed in {SEEDS}]))"
)


def digests_with(hash_seed: str) -> list[str]:
    """Return the digests that a process with this hash seed finds."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def test_the_hash_seed_of_the_process_changes_nothing() -> None:
    """A05: PYTHONHASHSEED 0 and 9, and this process."""
    here = [simulate_seed(seed).digest for seed in SEEDS]
    assert digests_with("0") == digests_with("9") == here
    assert all(here)


@pytest.mark.parametrize("seed", range(5))
def test_half_of_the_faults_may_strike_and_the_seed_says_which(seed: int) -> None:
    result = simulate_seed(seed)
    assert set(result.faults) == swarm(seed, DEFAULT_RATES)
    assert len(result.faults) == (len(DEFAULT_RATES) + 1) // 2


def test_nothing_goes_wrong_before_there_is_a_session_or_after_the_faulty_time() -> None:
    scene = scene_of(1, dict.fromkeys(DEFAULT_RATES, 1.0))
    plan = scene.plan
    assert plan.until_ns is not None
    quiet_ns = (plan.from_ns - 1, plan.until_ns)
    assert not any(plan.strikes(fault, 1, when) for fault in DEFAULT_RATES for when in quiet_ns)
    assert all(plan.strikes(fault, 1, plan.from_ns) for fault in DEFAULT_RATES)
