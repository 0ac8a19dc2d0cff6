"""A bench at which combinations are tried, one after the other, on columns that all share."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError, RefusedError, StrategyError
from athena.platform import file_lock
from athena.research.engine import (
    Columns,
    EngineKind,
    FillSink,
    Setup,
    has_kept_code,
    simulate,
    strategy_error,
)
from athena.research.statistics import period_returns
from athena.research.strategies import build_strategy, find_strategy
from athena.research.sweep._code import code_sha256, source_sha256
from athena.research.sweep._marks import value_at
from athena.trading import RuleStrategy
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from athena.research.engine import Outcome
    from athena.research.sweep._marks import Marks
    from athena.trading import Strategy

_COMPILING_TIMEOUT_S = 900.0


class Status(StrEnum):
    """What became of a combination."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """What a worker has to know, small enough to be sent; the columns come apart.

    Attributes:
        setup: of every run, without its columns; its engine is `python` or `compiled`.
        strategy: as typed.
        kind: of a built-in strategy.
        marks: when accounts are valued.
        code_sha256: of the code that asks, which must be that of the worker.
        strategy_sha256: of the strategy's file as it was when the sweep was planned.
    """

    setup: Setup
    strategy: str
    kind: str
    marks: Marks
    code_sha256: str
    strategy_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """What one combination came to.

    Attributes:
        number: of the combination in its grid.
        status: `refused` by the strategy, which cannot be built so; `failed` when it raised.
        message: why it is not done; empty when it is.
        final_equity: exact, in money units; 0 when not done, like all that follow.
        fees: in money units.
        n_orders: sent.
        n_fills: booked.
        digest: of all state transitions; empty when not done.
        n_bars: that it had been through when it failed; else 0.
        returns: (n,) float64 of the account's periods; cut after ruin, empty when not done.
    """

    number: int
    status: Status
    message: str = ""
    final_equity: int = 0
    fees: int = 0
    n_orders: int = 0
    n_fills: int = 0
    digest: str = ""
    n_bars: int = 0
    returns: NDArray[np.float64]

    @property
    def is_trial(self) -> bool:
        """Tell whether something of it was seen: it was done, or failed after its first bar."""
        return self.status is Status.DONE or self.n_bars > 0


def find_class(job_strategy: str, kind: str) -> tuple[str, type[Strategy]]:
    """Find the class of a strategy.

    Raises:
        InputError: there is none of that name.
        StrategyError: its file tried to end the process.
    """
    try:
        return find_strategy(job_strategy, kind=kind)
    except SystemExit as error:
        raise strategy_error(job_strategy, "while it was loaded", error) from error


def without_columns(setup: Setup) -> Setup:
    """Return a setup that is small enough to be sent."""
    return replace(setup, columns=Columns(*(column[..., :0] for column in setup.columns)))


class Bench:
    """Try combinations; columns and compiled code are there once for all of them."""

    def __init__(self, job: Job, columns: Columns) -> None:
        """Prepare a job.

        Raises:
            InputError: the worker has other code than the one who asks, or no such strategy.
        """
        if job.code_sha256 != code_sha256():
            message = (
                f"expected a worker with code {job.code_sha256[:12]}, was {code_sha256()[:12]}"
            )
            raise InputError(message, hint="install the same version of athena on all machines")
        self._setup = replace(job.setup, columns=columns)
        self._marks = job.marks
        self._job = job
        self._name, self._class = find_class(job.strategy, job.kind)
        is_compiled = self._setup.engine is EngineKind.COMPILED
        rule = self._class.rule if issubclass(self._class, RuleStrategy) else None
        compiled_in = self._setup.cache_folder if is_compiled else None
        self._fills = FillSink(rule, compiled_in=compiled_in)
        self._is_machine_code = compiled_in is not None and rule is not None
        self._is_cold = compiled_in is not None and not has_kept_code(compiled_in, rule)

    def evaluate(self, number: int, parameters: Mapping[str, str]) -> Found:
        """Try one combination; what its strategy refuses or raises is part of the answer."""
        nothing = np.zeros(0)
        try:
            strategy = build_strategy(self._fresh_class(), parameters)
            with self._compiling():
                outcome = simulate(self._setup, [(self._name, strategy)], on_records=self._fills)
        except InputError as error:
            self._fills.take()
            return Found(
                number=number, status=Status.REFUSED, message=error.message, returns=nothing
            )
        except StrategyError as error:
            self._fills.take()
            return Found(
                number=number,
                status=Status.FAILED,
                message=error.message,
                n_bars=error.n_bars,
                returns=nothing,
            )
        return self._found(number, outcome)

    def _fresh_class(self) -> type[Strategy]:
        """Load the class anew: what it remembers of one combination is not there in the next.

        Machine code remembers nothing, and is not compiled again.

        Raises:
            RefusedError: its file is not the one that the sweep is about.
        """
        if self._is_machine_code:
            return self._class
        strategy_class = find_class(self._job.strategy, self._job.kind)[1]
        if source_sha256(strategy_class) != self._job.strategy_sha256:
            message = f"expected {self._job.strategy} as the sweep found it, was changed"
            raise RefusedError(message, hint="the same command begins a sweep of the new one")
        return strategy_class

    def _compiling(self) -> AbstractContextManager[None]:
        """Let one worker compile what nobody has compiled yet, while the others wait for it."""
        if not self._is_cold:
            return nullcontext()
        self._is_cold = False
        lock = self._setup.cache_folder / "compiling.lock"
        return file_lock(lock, timeout_s=_COMPILING_TIMEOUT_S)

    def _found(self, number: int, outcome: Outcome) -> Found:
        account = outcome.state.arrays.account
        equity = value_at(self._setup, self._fills.take(), self._marks)
        return Found(
            number=number,
            status=Status.DONE,
            final_equity=int(account[at.EQUITY]),
            fees=int(account[at.FEES]),
            n_orders=int(account[at.NEXT_NUMBER] - 1 - account[at.N_DENIED]),
            n_fills=int(account[at.N_FILLS]),
            digest=outcome.digest,
            returns=period_returns(equity),
        )
