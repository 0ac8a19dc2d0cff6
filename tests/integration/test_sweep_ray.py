"""A sweep on a Ray cluster: the same table as on one core, to the last bit."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.sweep_builder import DATASET, hourly_bars, store

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(find_spec("ray") is None, reason="the extra `ray` is not installed"),
]
SWEEP = [
    "sweep", "--strategy", "sma_cross", "--data", DATASET, "--risk", "open", "--engine", "python",
    "--param", "quantity=10", "--grid", "fast=2:6:1", "--grid", "slow=5,12,30", "--json",
]  # fmt: skip


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Start a cluster of two cores on this machine; end the processes that it started."""
    port = free_port()
    command = [
        sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block",
        "--node-ip-address", "127.0.0.1", "--port", str(port), "--num-cpus", "2",
        "--include-dashboard", "false", "--disable-usage-stats",
    ]  # fmt: skip
    # A path of pytest would be too long for the sockets in it.
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:
        log = (Path(folder) / "log").open("w+", encoding="utf-8")
        process = subprocess.Popen(  # noqa: S603 - our own cluster
            [*command, "--temp-dir", folder],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_until_it_runs(process, Path(log.name))
            yield f"127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)
            log.close()


def _wait_until_it_runs(process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if "Ray runtime started" in log.read_text("utf-8"):
            return
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail(f"expected a Ray cluster, was: {log.read_text('utf-8')}")


def sweep(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own: Ray looks for this machine's address outside."""
    command = [sys.executable, "-m", "athena", "--home", str(home), *SWEEP, *options]
    return subprocess.run(  # noqa: S603 - our own program
        command, capture_output=True, text=True, check=False, timeout=240
    )


def answer_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr + done.stdout
    answer: dict[str, Any] = json.loads(done.stdout)
    for name in ("combos_per_s", "wall_s", "folder"):
        del answer[name]
    return answer


def test_on_ray_it_comes_to_the_same_table_bit_for_bit(address: str, tmp_path: Path) -> None:
    homes = [tmp_path / "ray", tmp_path / "here"]
    for home in homes:
        store(hourly_bars(), home)
    on_ray = answer_of(sweep(homes[0], "--ray", address))
    here = answer_of(sweep(homes[1], "--workers", "1"))
    assert on_ray == here
    assert on_ray["tried_now"] == 15
    table, other = (next(home.glob("sweeps/*/table.csv")).read_bytes() for home in homes)
    assert table == other
    returns = [sorted_returns(home) for home in homes]
    assert returns[0] == returns[1]


def sorted_returns(home: Path) -> list[tuple[int, bytes]]:
    """Return each combination's returns, to the last bit, in the grid's order."""
    (folder,) = (path for path in home.glob("sweeps/*") if path.is_dir())
    numbers = [
        json.loads(line)["number"] for line in (folder / "found.jsonl").read_bytes().splitlines()
    ]
    content = (folder / "returns.f8").read_bytes()
    size = len(content) // len(numbers)
    rows = [content[row * size : (row + 1) * size] for row in range(len(numbers))]
    return sorted(zip(numbers, rows, strict=True))


def test_workers_of_ray_map_the_columns_and_cannot_write_them(address: str) -> None:
    """The object store holds them once; each worker reads there, without a copy."""
    probe = f"""
import numpy as np, ray
ray.init(address={address!r}, log_to_driver=False)
shared = ray.put((np.arange(1_000_000),))

@ray.remote
class Worker:
    def __init__(self, columns):
        self.column = columns[0]

    def look(self):
        return self.column.flags.writeable, self.column.flags.owndata, int(self.column.sum())

print(ray.get(Worker.remote(shared).look.remote()))
"""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.strip().endswith("(False, False, 499999500000)"), done.stderr


def test_no_cluster_at_the_address_is_a_service_that_is_down(tmp_path: Path) -> None:
    store(hourly_bars(), tmp_path)
    port = free_port()
    done = sweep(tmp_path, "--ray", f"127.0.0.1:{port}")
    assert done.returncode == 3
    error = json.loads(done.stdout)["error"]
    assert error["kind"] == "ServiceDown"
    assert error["hint"] == f"ray start --head --port {port}"
