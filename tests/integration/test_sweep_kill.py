"""A sweep that is killed goes on: the same table, byte for byte, and each trial once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from athena.research import read_trials
from tests.market_builder import HOUR_NS, driftless_bars
from tests.sweep_builder import DATASET, store

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.slow  # seconds of work are needed to be killed in

ATHENA = Path(sys.executable).with_name("athena")
N_COMBINATIONS = 96
SWEEP = [
    "sweep", "--strategy", "sma_cross", "--kind", "bar", "--engine", "python", "--data", DATASET,
    "--risk", "open", "--param", "quantity=10", "--grid", "fast=2:9:1", "--grid", "slow=10:43:3",
    "--json",
]  # fmt: skip


@pytest.fixture
def homes(tmp_path: Path) -> list[Path]:
    """Make two homes with the same bars: one to be killed in, one to be left alone."""
    bars = driftless_bars(2_000, 5, interval_ns=HOUR_NS)
    for name in ("killed", "whole"):
        store(bars, tmp_path / name)
    return [tmp_path / "killed", tmp_path / "whole"]


def start(home: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own program
        [ATHENA, "--home", str(home), *SWEEP, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(home: Path, *options: str) -> dict[str, Any]:
    process = start(home, *options)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    answer: dict[str, Any] = json.loads(out)
    return answer


def n_found(home: Path) -> int:
    return sum(len(file.read_bytes().splitlines()) for file in home.glob("sweeps/*/found.jsonl"))


def wait_until_some_are_found(process: subprocess.Popen[str], home: Path) -> None:
    for _ in range(1_200):
        if n_found(home):
            return
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"it ended before it could be stopped: {process.communicate()}")
    pytest.fail("nothing was found within a minute")


def tables(homes: Sequence[Path]) -> list[bytes]:
    return [file.read_bytes() for home in homes for file in home.glob("sweeps/*/table.csv")]


def assert_is_gone(group: int) -> None:
    """Nobody of a process group is left, workers included."""
    for _ in range(400):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        subprocess.run([sys.executable, "-c", ""], check=True)
    pytest.fail("a worker has outlived its parent")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_half_way_it_goes_on_to_the_same_table(homes: list[Path], workers: str) -> None:
    killed, whole = homes
    process = start(killed, "--workers", workers)
    wait_until_some_are_found(process, killed)
    process.send_signal(signal.SIGKILL)  # the parent alone; its workers have to notice
    process.communicate()
    assert_is_gone(process.pid)
    before = n_found(killed)
    assert 0 < before < N_COMBINATIONS
    resumed = finish(killed, "--workers", workers)
    unbroken = finish(whole, "--workers", "1")
    assert resumed["tried_now"] == N_COMBINATIONS - before
    assert unbroken["tried_now"] == N_COMBINATIONS
    for answer in (resumed, unbroken):
        for name in ("combos_per_s", "wall_s", "tried_now", "folder"):
            del answer[name]
    assert resumed == unbroken
    assert len(set(tables(homes))) == 1
    assert [len(read_trials(home).trials) for home in homes] == [N_COMBINATIONS] * 2


def test_ctrl_c_keeps_what_is_done_and_exits_130(homes: list[Path]) -> None:
    home = homes[0]
    process = start(home, "--workers", "2")
    wait_until_some_are_found(process, home)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: everyone gets it
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert_is_gone(process.pid)
    done = n_found(home)
    assert 0 < done < N_COMBINATIONS
    assert len(read_trials(home).trials) == done
    assert finish(home)["tried_now"] == N_COMBINATIONS - done
