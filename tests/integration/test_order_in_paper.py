"""A person's plan in a paper session whose process is killed: it goes on (TR-12)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ATHENA = (sys.executable, "-m", "athena")
TRIES = 60
WHY = ("--reason", "because", "--wait", "20")


def call(home: Path, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 - our own program
        [*ATHENA, "--home", str(home), *arguments, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else {}


def wait_for(home: Path, *arguments: str, is_so: Callable[[dict[str, Any]], bool]) -> Any:
    """Ask again and again; each question takes its second."""
    for _ in range(TRIES):
        said = call(home, *arguments)
        if said and is_so(said):
            return said
    message = f"athena {' '.join(arguments)} never said what was expected"
    raise AssertionError(message)


@contextmanager
def paper(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a paper session while the block runs, unless it is killed before."""
    command = ("paper", "--data", "mock", "--interval", "1m", "--speed", "60")
    with subprocess.Popen(  # noqa: S603 - our own program
        [*ATHENA, "--home", str(home), *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def is_ready(status: dict[str, Any]) -> bool:
    snapshot = status["snapshot"]
    return not status["is_stale"] and snapshot is not None and not snapshot["waiting_for"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_plan_of_a_person_goes_on_after_kill_minus_nine(home: Path) -> None:
    """The batch that was asked for is not asked for again; the next one comes after the kill."""
    with paper(home) as first:
        wait_for(home, "status", is_so=is_ready)
        asked = call(home, "order", "dca", "BTC/USD", "600", "--every", "3m", *WHY)
        assert asked["state"] == "executed"
        (request,) = asked["requests"]
        plans = wait_for(home, "order", "plans", is_so=lambda said: _n_asked(said) >= 1)
        first.kill()
    (plan,) = plans["plans"]
    assert plan["id"] == request["id"]
    assert (plan["kind"], plan["slot"], plan["n_planned"]) == ("dca", "core", 6)
    with paper(home) as second:
        n_before = plan["n_asked"]
        wait_for(home, "order", "plans", is_so=lambda said: _n_asked(said) > n_before)
        stopped = call(home, "order", "plan-stop", request["id"][:8], *WHY)
        assert stopped["state"] == "executed"
        wait_for(home, "order", "plans", is_so=lambda said: not said["plans"])
        orders = call(home, "orders", "--all")["orders"]
        assert second.poll() is None
    bought = [order for order in orders if order["purpose"] == "dca"]
    assert len({order["client_id"] for order in bought}) == len(bought) > n_before


def _n_asked(said: dict[str, Any]) -> int:
    return sum(plan["n_asked"] for plan in said["plans"])
