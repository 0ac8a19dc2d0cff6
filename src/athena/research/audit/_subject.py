"""What can be audited, and what an audit finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from athena.research.audit._world import World

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """Rows of one output, each with the time from which it claims to be known.

    A feature's value is known at its bar's close, a label h bars later, a fitted scaler or a
    model's weights at the end of what they were fitted on. A row may depend on nothing that became
    known after its own time.

    Attributes:
        values: (n, ...) numbers, rows in the order of their times.
        known_ns: (n,) int64, never falling.
        labels: names of the columns of a row, for a person; empty for a single value.
    """

    values: NDArray[Any]
    known_ns: Ints
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse rows without a time, times out of order, and objects in place of numbers."""
        if len(self.values) != len(self.known_ns) or self.values.dtype.kind not in "biuf":
            message = (
                f"expected numbers with one time each, was {self.values.dtype} of shape "
                f"{self.values.shape} with {len(self.known_ns)} times"
            )
            raise InputError(message)
        if np.any(np.diff(self.known_ns) < 0):
            message = "expected the rows of an output in the order in which they become known"
            raise InputError(message)

    def n_known(self, now_ns: int) -> int:
        """Count the rows that claim to be known by a moment."""
        return int(np.searchsorted(self.known_ns, now_ns, side="right"))

    def show(self, row: int) -> str:
        """Return a row for a person; of a labelled one what is not 0."""
        value = self.values[row]
        if not self.labels:
            return str(value)
        pairs = zip(self.labels, value.tolist(), strict=True)
        return ", ".join(f"{label} {number}" for label, number in pairs if number)


@runtime_checkable
class Auditable(Protocol):
    """Something that must not see the future: strategy, feature, label, scaler, model, agent."""

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        ...

    @property
    def context_bars(self) -> int:
        """Return how many bars of the past are enough for its values to mean something.

        The check of every bar runs on stretches that begin so many bars earlier. 0 leaves that
        check out: for what is too dear to run at every bar, such as the training of a model.
        """
        ...

    def evaluate(self, world: World) -> Mapping[str, Output]:
        """Compute everything anew from a world; the same world gives the same values."""
        ...


@dataclass(frozen=True, slots=True)
class Violation:
    """One value that the future changed.

    Attributes:
        name: of what was audited.
        output: of its outputs.
        bar: index of the bar, of the first instrument, that had closed last when the value was
            due; -1 before the first.
        time_ns: when the value was due.
        full, prefix: the value on all data, and on the data up to its time.
        inputs: columns whose later values change it; empty when it is their number that does.
        method: how it was found.
    """

    name: str
    output: str
    bar: int
    time_ns: int
    full: str
    prefix: str
    inputs: tuple[str, ...]
    method: str


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit of one thing came to.

    Attributes:
        name: of what was audited.
        violations: the first one of each output and method; empty when it is clean.
        unproven: what could not be shown, for a person; empty when it is clean.
        warnings: what a person should know; not a fault.
        n_points: how many values were checked with a cut right behind their time.
        n_runs: how often it was evaluated.
        n_bars: bars of the first instrument; so many runs the naive way takes.
        cpu_s: of it all.
        methods: what was done, for a person.
    """

    name: str
    violations: tuple[Violation, ...]
    unproven: tuple[str, ...]
    warnings: tuple[str, ...]
    n_points: int
    n_runs: int
    n_bars: int
    cpu_s: float
    methods: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Tell whether something was checked, nothing found, and nothing left open."""
        return not self.violations and not self.unproven and self.n_points > 0
