"""Who tries the combinations: this process, processes of this machine, or a Ray cluster."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import traceback
from collections import deque
from dataclasses import dataclass
from multiprocessing import connection
from typing import TYPE_CHECKING, Protocol

from athena.errors import AthenaError, InputError, MissingError, RefusedError
from athena.research.sweep._bench import Bench, Found
from athena.research.sweep._columns_files import map_columns, write_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from pathlib import Path

    from athena.research.engine import Columns
    from athena.research.sweep._bench import Job

# Number and parameters of each combination.
Chunk = list[tuple[int, dict[str, str]]]

_AHEAD = 2  # chunks that a worker has at a time, so that it never waits for the next


class Executor(Protocol):
    """Try combinations; whoever does it, the same combinations come to the same."""

    def run(
        self, job: Job, columns: Columns, chunks: Iterable[Chunk]
    ) -> Iterator[Sequence[Found]]:
        """Yield what each chunk came to, in any order.

        Raises:
            AthenaError: a worker could not go on.
        """
        ...


class InlineExecutor:
    """Try them here, one after the other."""

    def run(
        self, job: Job, columns: Columns, chunks: Iterable[Chunk]
    ) -> Iterator[Sequence[Found]]:
        """Yield what each chunk came to, in order."""
        bench = Bench(job, columns)
        for chunk in chunks:
            yield [bench.evaluate(*combination) for combination in chunk]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a worker cannot go on; an exception does not travel well.

    Attributes:
        exit_code: of the error.
        message, hint: as raised.
    """

    exit_code: int
    message: str
    hint: str

    @classmethod
    def of(cls, error: Exception) -> Problem:
        """Describe an error, and a bug with its trace."""
        if isinstance(error, AthenaError):
            return cls(error.exit_code, error.message, error.hint)
        trace = "".join(traceback.format_exception(error))
        return cls(AthenaError.exit_code, f"expected a worker to go on, was:\n{trace}", "")

    def error(self) -> AthenaError:
        """Return it as the error to raise here."""
        kinds = {kind.exit_code: kind for kind in (InputError, MissingError, RefusedError)}
        return kinds.get(self.exit_code, AthenaError)(self.message, hint=self.hint)


def serve(pipe: Connection, job: Job, columns_folder: Path) -> None:
    """Try the chunks that come through a pipe, until it is closed; a worker's main function.

    The pipe's end is also the end of a worker whose parent was killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(EOFError, BrokenPipeError):
        try:
            bench = Bench(job, map_columns(columns_folder))
            while True:
                chunk = pipe.recv()
                pipe.send([bench.evaluate(*combination) for combination in chunk])
        except (EOFError, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - it is raised again by the parent
            pipe.send(Problem.of(error))


class ProcessExecutor:
    """Try them in processes of this machine, which map the same columns."""

    def __init__(self, n_workers: int, cache_folder: Path) -> None:
        """Choose how many.

        Args:
            n_workers: >= 1.
            cache_folder: where the columns are written once.
        """
        self._n_workers = n_workers
        self._cache_folder = cache_folder

    def run(
        self, job: Job, columns: Columns, chunks: Iterable[Chunk]
    ) -> Iterator[Sequence[Found]]:
        """Yield what each chunk came to, as it comes.

        Raises:
            MissingError: a worker was killed.
            AthenaError: a worker could not go on.
        """
        waiting = deque(chunks)
        folder = write_columns(columns, self._cache_folder)
        with _workers(min(self._n_workers, len(waiting)), job, folder) as workers:
            under_way = dict.fromkeys(workers, 0)
            for _ in range(_AHEAD):
                for pipe in workers:
                    _hand_over(pipe, waiting, under_way)
            while any(under_way.values()):
                ready = connection.wait([pipe for pipe, n in under_way.items() if n])
                for pipe in [pipe for pipe in workers if pipe in ready]:
                    answer = _answer(pipe, workers[pipe])
                    under_way[pipe] -= 1
                    _hand_over(pipe, waiting, under_way)
                    yield answer


@contextlib.contextmanager
def _workers(n: int, job: Job, folder: Path) -> Iterator[dict[Connection, SpawnProcess]]:
    """Start workers, and end them whatever happens."""
    context = multiprocessing.get_context("spawn")  # a copy of this process could hold its locks
    workers: dict[Connection, SpawnProcess] = {}
    try:
        for _ in range(n):
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs, job, folder), daemon=True)
            process.start()
            theirs.close()
            workers[ours] = process
        yield workers
    finally:
        for pipe in workers:
            pipe.close()
        for process in workers.values():
            process.terminate()
            process.join()


def _hand_over(pipe: Connection, waiting: deque[Chunk], under_way: dict[Connection, int]) -> None:
    if waiting:
        with contextlib.suppress(BrokenPipeError):  # its answer says why
            pipe.send(waiting.popleft())
        under_way[pipe] += 1


def _answer(pipe: Connection, process: SpawnProcess) -> Sequence[Found]:
    try:
        answer = pipe.recv()
    except (EOFError, ConnectionResetError):
        process.join()
        message = f"expected a worker to answer, it ended with exit code {process.exitcode}"
        hint = "too little memory? --workers 1 takes less; the same command goes on from here"
        raise MissingError(message, hint=hint) from None
    if isinstance(answer, Problem):
        raise answer.error()
    found: Sequence[Found] = answer
    return found


def count_cores() -> int:
    """Return how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
