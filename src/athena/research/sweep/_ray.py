"""Try combinations on a Ray cluster: the columns are stored once a node, workers map them.

With `_executor` the only module that knows where combinations are tried; the only one that
imports Ray.
"""

from __future__ import annotations

import importlib
import logging
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from athena.errors import InputError, MissingExtra, ServiceDown
from athena.research.engine import Columns
from athena.research.sweep._bench import Bench
from athena.research.sweep._executor import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from athena.research.sweep._bench import Found, Job
    from athena.research.sweep._executor import Chunk


_EXTRA = "ray"
_CONNECT_TIMEOUT_S = 5.0


class RayWorker:
    """One core of the cluster."""

    def __init__(self, job: Job, columns: tuple[Any, ...]) -> None:
        """Take the job; the columns are views of the node's object store."""
        self._job = job
        self._columns = Columns(*columns)
        self._bench: Bench | None = None

    def evaluate(self, chunk: Chunk) -> Sequence[Found] | Problem:
        """Try a chunk."""
        try:
            self._bench = self._bench or Bench(self._job, self._columns)
            return [self._bench.evaluate(*combination) for combination in chunk]
        except Exception as error:  # noqa: BLE001 - it is raised again by the one who asked
            return Problem.of(error)


class RayExecutor:
    """Try them on every core of a Ray cluster."""

    def __init__(self, address: str) -> None:
        """Choose a cluster.

        Args:
            address: HOST:PORT of its head, such as 127.0.0.1:6379.

        Raises:
            InputError: the address has no such form.
            MissingExtra: Ray is not installed.
        """
        self._host, _, port = address.rpartition(":")
        if not (self._host and port.isdecimal()):
            message = f"expected the address of a Ray cluster as HOST:PORT, was {address!r}"
            raise InputError(message, hint="such as 127.0.0.1:6379")
        self._port = int(port)
        try:
            self._ray: Any = importlib.import_module("ray")
        except ImportError:
            raise MissingExtra(_EXTRA, package="ray", needed_for="--ray") from None

    def run(
        self, job: Job, columns: Columns, chunks: Iterable[Chunk]
    ) -> Iterator[Sequence[Found]]:
        """Yield what each chunk came to, as it comes.

        Raises:
            ServiceDown: there is no cluster at the address.
            AthenaError: a worker could not go on.
        """
        ray = self._ray
        self._join()
        try:
            waiting = deque(chunks)
            n_workers = min(int(ray.cluster_resources().get("CPU", 1)), len(waiting))
            shared = ray.put(tuple(columns))
            kind = ray.remote(num_cpus=1)(RayWorker)
            under_way = {}
            for _ in range(n_workers):
                worker = kind.remote(job, shared)
                under_way[worker.evaluate.remote(waiting.popleft())] = worker
            while under_way:
                (ready,), _ = ray.wait(list(under_way))
                worker = under_way.pop(ready)
                answer = ray.get(ready)
                if isinstance(answer, Problem):
                    raise answer.error()
                if waiting:
                    under_way[worker.evaluate.remote(waiting.popleft())] = worker
                yield answer
        finally:
            ray.shutdown()

    def _join(self) -> None:
        address = f"{self._host}:{self._port}"
        try:
            # Where nobody listens, Ray itself would go on trying for minutes.
            socket.create_connection((self._host, self._port), _CONNECT_TIMEOUT_S).close()
            self._ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError) as error:
            message = f"expected a Ray cluster at {address}, was: {error}"
            raise ServiceDown(message, hint=f"ray start --head --port {self._port}") from error
