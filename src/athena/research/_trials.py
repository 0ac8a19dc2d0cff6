"""The trial ledger: everything tried on this machine, because each try is a chance to be lucky.

`home/trials.jsonl` holds one JSON object a line and is only ever appended to, under a file lock.
"""

from __future__ import annotations

import json
import math
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from athena.domain import format_time, parse_time_ns
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LEDGER_NAME = "trials.jsonl"
_LOCK_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One run, as the ledger remembers it.

    Attributes:
        recorded_at_ns: UTC nanoseconds.
        command: what tried it, such as `backtest` or `sweep`.
        run_id: folder name of the run, or of the sweep that it belongs to.
        data_sha256: digest of all the data the run saw, in the order of its sources.
        strategy: name.
        parameters: what makes two runs of a strategy different; JSON values only.
        sharpe: per period, not annualised; NaN when the curve did not vary.
        n: number of periods behind it.
        digest: of all state transitions of the run; empty when it did not end, or in a line of an
            older ledger.
        sources_sha256: digest of each source; empty in a line of an older ledger.
    """

    recorded_at_ns: int
    command: str
    run_id: str
    data_sha256: str
    strategy: str
    parameters: dict[str, Any]
    sharpe: float
    n: int
    digest: str = ""
    sources_sha256: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """Return what two runs share when one only repeats the other.

        That is what was done, not what was typed: an edited file under an old name is another
        run, and a parameter that changes nothing makes none. What has no digest is known by what
        was typed.
        """
        if self.digest:
            return self.data_sha256, self.digest
        parameters = json.dumps(self.parameters, sort_keys=True)
        return self.data_sha256, self.strategy, parameters

    def shares_data_with(self, other: Trial) -> bool:
        """Tell whether both saw the same data, or one source among others in common."""
        is_same = self.data_sha256 == other.data_sha256
        return is_same or not set(self.sources_sha256).isdisjoint(other.sources_sha256)


@dataclass(frozen=True, slots=True)
class TrialLedger:
    """What a ledger file holds.

    Attributes:
        trials: every recorded run, oldest first, repetitions included.
        warning: says that a torn last line was skipped; empty when all was well.
    """

    trials: tuple[Trial, ...]
    warning: str

    def tried_on(self, run: Trial, n_periods: int) -> tuple[int, NDArray[np.float64]]:
        """Count the distinct trials that share data with a run, for deflation (DK-25).

        Runs that only repeat one another count once (the latest Sharpe stands).

        Args:
            run: on the data; it is counted when the ledger holds it.
            n_periods: of the run whose ratio is to be deflated, > 0.

        Returns:
            Number of distinct trials, and their Sharpe ratios (k,) float64, NaN included, on the
            scale of that run: luck spreads the ratio of n returns by 1 / sqrt(n), so a trial of m
            returns counts with its own times sqrt(m / n).
        """
        latest = {
            trial.identity: trial.sharpe * math.sqrt(trial.n / n_periods)
            for trial in self.trials
            if trial.shares_data_with(run)
        }
        return len(latest), np.array(list(latest.values()), dtype=np.float64)


def read_trials(home: Path) -> TrialLedger:
    """Read the ledger of a home folder; a missing file is an empty ledger.

    A last line without its newline was torn by a crash: it is skipped, with a warning.

    Raises:
        InputError: any other line cannot be read; the message names file and line.
    """
    path = home / LEDGER_NAME
    if not path.exists():
        return TrialLedger((), "")
    whole, torn = _split_torn(path.read_bytes())
    lines = whole.splitlines()
    trials = tuple(_parse(line, path, number) for number, line in enumerate(lines, start=1))
    return TrialLedger(trials, _torn_warning(path, len(lines) + 1) if torn else "")


@contextmanager
def locked_trials(home: Path) -> Iterator[None]:
    """Hold the ledger's lock, so that nobody records between a count and its own entry.

    Raises:
        InputError: another process held it for 30 s.
    """
    from filelock import FileLock, Timeout

    path = home / LEDGER_NAME
    lock = FileLock(path.with_suffix(".lock"), timeout=_LOCK_TIMEOUT_S)
    try:
        lock.acquire()
    except Timeout:
        message = (
            f"expected the lock of {path} within {_LOCK_TIMEOUT_S:.0f} s, was held by another"
        )
        raise InputError(message, hint="wait for the other run, or end it") from None
    try:
        yield
    finally:
        lock.release()


def record_trials(home: Path, trials: Sequence[Trial]) -> str:
    """Append trials to the ledger, on disk before this returns; none when it raises.

    Returns:
        a warning when a torn last line of an earlier crash was cut off first; else empty.

    Raises:
        InputError: the parameters are not JSON values, or another process held the lock for 30 s.
    """
    with locked_trials(home):
        return append_trials(home, trials)


def append_trials(home: Path, trials: Sequence[Trial]) -> str:
    """Do what `record_trials` does, for a caller that holds `locked_trials`."""
    return _append(home / LEDGER_NAME, b"".join(map(_format, trials)))


def _append(path: Path, lines: bytes) -> str:
    with path.open("a+b") as file:
        warning = _cut_torn(file, path)
        before = file.seek(0, os.SEEK_END)
        try:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)  # a run that fails is no trial
            raise
    return warning


def _cut_torn(file: BinaryIO, path: Path) -> str:
    if file.seek(0, os.SEEK_END) == 0:
        return ""
    file.seek(-1, os.SEEK_END)
    if file.read(1) == b"\n":
        return ""
    file.seek(0)
    whole, _ = _split_torn(file.read())
    file.truncate(len(whole))
    return _torn_warning(path, whole.count(b"\n") + 1)


def _split_torn(content: bytes) -> tuple[bytes, bytes]:
    end = content.rfind(b"\n") + 1
    return content[:end], content[end:]


def _torn_warning(path: Path, number: int) -> str:
    return f"{path}, line {number}: torn by a crash while writing, left out of the trial count"


def _format(trial: Trial) -> bytes:
    entry = {
        "time": format_time(trial.recorded_at_ns),
        "command": trial.command,
        "run_id": trial.run_id,
        "data_sha256": trial.data_sha256,
        "strategy": trial.strategy,
        "parameters": trial.parameters,
        "sharpe": trial.sharpe if math.isfinite(trial.sharpe) else None,
        "n": trial.n,
        "digest": trial.digest,
        "sources_sha256": trial.sources_sha256,
    }
    try:
        text = json.dumps(entry, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        message = f"expected parameters of run {trial.run_id} as JSON values, was: {error}"
        raise InputError(message) from error
    return text.encode() + b"\n"


def _parse(line: bytes, path: Path, number: int) -> Trial:
    try:
        entry = json.loads(line)
        return Trial(
            recorded_at_ns=parse_time_ns(entry["time"]),
            command=entry.get("command", "backtest"),  # the first ledgers knew no other
            run_id=entry["run_id"],
            data_sha256=entry["data_sha256"],
            strategy=entry["strategy"],
            parameters=dict(entry["parameters"]),
            sharpe=math.nan if entry["sharpe"] is None else float(entry["sharpe"]),
            n=int(entry["n"]),
            digest=str(entry.get("digest", "")),  # older ledgers knew neither
            sources_sha256=tuple(map(str, entry.get("sources_sha256", ()))),
        )
    except (ValueError, KeyError, TypeError, InputError) as error:
        message = f"expected a trial in {path}, line {number}, was unreadable: {error}"
        hint = (
            "restore the file from a backup, or delete that line knowing that trials go uncounted"
        )
        raise InputError(message, hint=hint) from error
