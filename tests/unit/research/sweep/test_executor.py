"""Who tries the combinations makes no difference, and what goes wrong in a worker is told."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.errors import AthenaError, InputError, MissingError, MissingExtra, RefusedError
from athena.research.sweep import Found, InlineExecutor, ProcessExecutor, RayExecutor, Status
from athena.research.sweep._executor import Problem
from athena.research.sweep._plan import plan_sweep
from tests.sweep_builder import CHEAP, hourly_bars, store, sweep_request

if TYPE_CHECKING:
    from pathlib import Path

    from athena.research.sweep._executor import Chunk
    from athena.research.sweep._plan import Plan

KILLER = """
import os, signal
from athena.trading import WokenStrategy, Wake
from dataclasses import dataclass

@dataclass
class Killed(WokenStrategy):
    wake = Wake(every_ns=1)
    number: int = 0

    def on_wake(self, view):
        if self.number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        print("talk", self.number)
"""


@pytest.fixture
def plan(home: Path) -> Plan:
    store(hourly_bars(), home)
    return plan_sweep(sweep_request("fast=2:6:1", "slow=5,12"), CHEAP, home)


def chunks_of(plan: Plan, size: int) -> list[Chunk]:
    grid = plan.request.grid
    numbers = list(plan.numbers)
    return [
        [(number, grid.at(number)) for number in numbers[first : first + size]]
        for first in range(0, len(numbers), size)
    ]


def values(found: list[Found]) -> list[tuple[Any, ...]]:
    """Return everything of what was found, returns to the last bit, in the grid's order."""
    return [
        (
            item.number, item.status, item.message, item.final_equity, item.fees, item.n_orders,
            item.n_fills, item.digest, item.returns.tobytes(),
        )
        for item in sorted(found, key=lambda item: item.number)
    ]  # fmt: skip


def all_of(plan: Plan, executor: InlineExecutor | ProcessExecutor, size: int = 3) -> list[Found]:
    pieces = executor.run(plan.job(), plan.setup.columns, chunks_of(plan, size))
    return [item for piece in pieces for item in piece]


def test_processes_find_what_one_process_finds_bit_for_bit(plan: Plan, tmp_path: Path) -> None:
    inline = all_of(plan, InlineExecutor())
    assert [item.number for item in inline] == list(range(10))
    assert {item.status for item in inline} == {Status.DONE, Status.REFUSED}
    assert values(all_of(plan, ProcessExecutor(2, tmp_path), 1)) == values(inline)


def test_more_workers_than_chunks_are_not_started(plan: Plan, tmp_path: Path) -> None:
    assert len(all_of(plan, ProcessExecutor(50, tmp_path), 10)) == 10


def test_other_code_in_a_worker_is_refused(plan: Plan, tmp_path: Path) -> None:
    """Results of two versions in one table would be a lie."""
    job = replace(plan.job(), code_sha256="0" * 64)
    for executor in (InlineExecutor(), ProcessExecutor(1, tmp_path)):
        with pytest.raises(InputError, match="expected a worker with code 000000000000"):
            list(executor.run(job, plan.setup.columns, chunks_of(plan, 10)))


def test_a_worker_that_is_killed_is_missing_and_the_others_end(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store(hourly_bars(), home)
    file = tmp_path / "killer.py"
    file.write_text(KILLER, "utf-8")
    request = sweep_request("number=0:5:1", strategy=f"{file}:Killed", parameters={})
    plan = plan_sweep(request, CHEAP, home)
    with pytest.raises(
        MissingError, match=f"ended with exit code -{signal.SIGKILL.value}"
    ) as caught:
        all_of(plan, ProcessExecutor(2, tmp_path), 1)
    assert "the same command goes on from here" in caught.value.hint
    assert "talk" not in capfd.readouterr().out  # stdout carries results, of workers too


def test_a_problem_keeps_class_message_and_hint_and_a_bug_its_trace() -> None:
    for kind in (InputError, MissingError, RefusedError):
        error = Problem.of(kind("was so", hint="do this")).error()
        assert type(error) is kind
        assert (error.message, error.hint) == ("was so", "do this")
    extra = MissingExtra("fast", package="numba", needed_for="it")
    assert Problem.of(extra).error().exit_code == 3
    with pytest.raises(ZeroDivisionError) as bug:
        divmod(os.getpid(), 0)
    error = Problem.of(bug.value).error()
    assert type(error) is AthenaError
    assert "ZeroDivisionError: " in error.message
    assert "test_executor.py" in error.message


def test_ray_that_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match="'ray'") as caught:
        RayExecutor("127.0.0.1:6379")
    assert caught.value.hint == "pip install 'athena-desk[ray]'"


@pytest.mark.parametrize("address", ["auto", "", ":6379", "127.0.0.1", "127.0.0.1:http"])
def test_an_address_of_ray_is_a_host_and_a_port(address: str) -> None:
    with pytest.raises(InputError, match="as HOST:PORT"):
        RayExecutor(address)
