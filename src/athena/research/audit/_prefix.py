"""Prefix invariance: what is known at a moment is the same whatever comes after it.

The naive proof runs everything once on each prefix, n runs of up to n bars. Here the whole series
is cut and spoilt at a few dozen places, which finds what looks far ahead, and every single bar is
cut on a stretch of its neighbourhood, which finds what looks one bar ahead; both compare bit for
bit. A fault that only the far cuts see is bisected to the first bar that shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS, format_time
from athena.research.audit._subject import Violation
from athena.research.audit._world import n_known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from athena.research.audit._subject import Auditable, Output
    from athena.research.audit._world import World

    Ints = NDArray[np.int64]
    Outputs = Mapping[str, Output]
    ProgressReport = Callable[[int, int], None]

_N_RANDOM_CUTS = 12
_N_GAP_CUTS = 4
_N_MIDNIGHT_CUTS = 4
_N_POISONS = 8
_N_RARE_CUTS = 16
_BLOCK_MIN = 64
# Behind a block, so that its last bars are seen beside as much future as its first ones.
_AHEAD = 64


@dataclass(slots=True)
class PrefixAudit:
    """One thing under audit, and what was found so far.

    Attributes:
        subject, world: what is audited, on what.
        violations: the first of each output.
        n_points: values that were checked with a cut right behind their time.
        n_runs: evaluations.
    """

    subject: Auditable
    world: World
    violations: dict[str, Violation] = field(default_factory=dict)
    n_points: int = 0
    n_runs: int = 0

    def evaluate(self, world: World) -> Outputs:
        """Evaluate the subject, and count it."""
        self.n_runs += 1
        return self.subject.evaluate(world)

    def compare(
        self, whole: World, full: Outputs, other: World, cut_ns: int, method: str
    ) -> Outputs:
        """Evaluate another world that agrees up to a cut; keep what differs before it."""
        found = self.evaluate(other)
        for name in sorted(set(full) | set(found)):
            if name in self.violations:
                continue
            row = first_difference(full.get(name), found.get(name), cut_ns)
            if row >= 0:
                self.violations[name] = self._blame(
                    name, row, (whole, full), found, cut_ns, method
                )
        return found

    def _blame(  # noqa: PLR0913, PLR0917 - both sides of a difference, and where it is
        self,
        name: str,
        row: int,
        reference: tuple[World, Outputs],
        found: Outputs,
        cut_ns: int,
        method: str,
    ) -> Violation:
        """Describe a difference, and find the columns whose future makes it."""
        whole, full = reference
        one, other = full.get(name), found.get(name)
        times = [o.known_ns[row] for o in (one, other) if o is not None and row < len(o.values)]
        time_ns = int(min(times)) if times else cut_ns
        shown = [_shown(one, row), _shown(other, row)]
        if shown[0] == shown[1] and len(times) > 1:  # the same value, but at another time
            shown = [
                f"{text} at {format_time(int(t))}" for text, t in zip(shown, times, strict=True)
            ]
        return Violation(
            name=self.subject.name,
            output=name,
            bar=n_known(self.world.bars[0], time_ns) - 1,
            time_ns=time_ns,
            full=shown[0],
            prefix=shown[1],
            inputs=self._guilty(name, whole, one, cut_ns),
            method=method,
        )

    def _guilty(self, name: str, whole: World, one: Output | None, cut_ns: int) -> tuple[str, ...]:
        """Find the input columns whose later values alone change an output before a cut."""

        def changes(other: World) -> bool:
            return first_difference(one, self.evaluate(other).get(name), cut_ns) >= 0

        found = tuple(
            column
            for column in whole.inputs()
            if any(changes(whole.spiked(cut_ns, column, is_up=up)) for up in (True, False))
        )
        if not found and changes(whole.poisoned(cut_ns, seed=0)):
            return ("all prices together",)
        return found


def first_difference(one: Output | None, other: Output | None, cut_ns: int) -> int:
    """Return the first row, of those known by a cut, that differs; -1 when none does.

    A row that only one of them has differs; NaN equals NaN.
    """
    if one is None or other is None:
        return 0
    n_one, n_other = one.n_known(cut_ns), other.n_known(cut_ns)
    n = min(n_one, n_other)
    differs = _differs(one.values[:n], other.values[:n])
    differs |= one.known_ns[:n] != other.known_ns[:n]
    if differs.any():
        return int(np.argmax(differs))
    return n if n_one != n_other else -1


def _differs(one: NDArray[np.generic], other: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Tell row by row whether two tables differ."""
    if one.shape[1:] != other.shape[1:]:
        return np.ones(len(one), np.bool_)
    if one.dtype == other.dtype and one.tobytes() == other.tobytes():
        return np.zeros(len(one), np.bool_)
    differs = np.asarray(one != other)
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        differs &= ~(np.isnan(one) & np.isnan(other))
    by_row: NDArray[np.bool_] = np.any(differs.reshape(len(one), -1), axis=1)
    return by_row


def _shown(output: Output | None, row: int) -> str:
    return "nothing" if output is None or row >= len(output.values) else output.show(row)


def n_points(output: Output, after_ns: int, until_ns: int) -> int:
    """Count the defined values of an output that become known in (after, until]."""
    rows = output.values[output.n_known(after_ns) : output.n_known(until_ns)]
    if rows.dtype.kind == "f":
        return int(np.count_nonzero(~np.isnan(rows)))
    return rows.size


def cut_far(audit: PrefixAudit, on_progress: ProgressReport) -> None:
    """Cut and spoil the whole series at some dozen places.

    They are chosen at random, where the data breaks, and right behind rows of outputs that have
    few of them: decisions, and whatever is fitted now and then.

    Args:
        audit: takes what is found.
        on_progress: told done and total.
    """
    world = audit.world
    full = audit.evaluate(world)
    cuts = np.unique(np.concatenate((_places(world), *_rare_rows(world, full))))
    every = max(len(cuts) // _N_POISONS, 1)
    moments = world.moments()
    for k, cut in enumerate(cuts.tolist()):
        before = dict(audit.violations)
        prefix = audit.compare(world, full, world.until(cut), cut, "truncation")
        earlier = moments[max(int(np.searchsorted(moments, cut)) - 1, 0)]
        audit.n_points += sum(n_points(item, earlier, cut) for item in prefix.values())
        if k % every == 0:
            audit.compare(world, full, world.poisoned(cut, seed=k), cut, "spoilt future")
        for name in set(audit.violations) - set(before):
            _bisect(audit, full, name, cut)
        on_progress(k + 1, len(cuts))


def _places(world: World) -> Ints:
    """Choose where to cut: at random, at the ends, around outages and midnights."""
    moments = world.moments()
    rng = np.random.Generator(np.random.PCG64(len(moments)))
    chosen = [moments[:3], moments[-3:], rng.choice(moments, _N_RANDOM_CUTS)]
    steps = np.diff(moments)
    widest = np.argsort(steps, kind="stable")[-_N_GAP_CUTS:]
    if len(steps) and steps[widest[-1]] > steps.min():
        # Before an outage, amid it, at its end, and a bar on.
        after = np.minimum(widest + 2, len(moments) - 1)
        chosen += [moments[widest], moments[widest] + steps[widest] // 2]
        chosen += [moments[widest + 1], moments[after]]
    midnights = np.flatnonzero(moments[1:] // DAY_NS != moments[:-1] // DAY_NS) + 1
    if len(midnights):
        some = rng.choice(midnights, _N_MIDNIGHT_CUTS)
        chosen += [moments[some], moments[some - 1], moments[np.minimum(some + 1, len(steps))]]
    return np.unique(np.concatenate(chosen))


def _rare_rows(world: World, full: Outputs) -> list[Ints]:
    """Return times of outputs that do not have a row for every bar, evenly chosen."""
    n_moments = len(world.moments())
    return [
        evenly(times, _N_RARE_CUTS)
        for times in (np.unique(item.known_ns) for item in full.values())
        if 0 < len(times) < n_moments // 2
    ]


def evenly(times: Ints, most: int) -> Ints:
    """Choose at most so many of rising times, evenly by rank, first and last included."""
    chosen = np.linspace(0, len(times) - 1, min(most, len(times))).astype(np.int64)
    some: Ints = times[np.unique(chosen)]
    return some


def _bisect(audit: PrefixAudit, full: Outputs, name: str, cut_ns: int) -> None:
    """Look for the first cut that shows a fault which a far cut has shown."""
    world = audit.world
    moments = world.moments()
    low, high = 0, int(np.searchsorted(moments, cut_ns))
    while low < high:
        middle = (low + high) // 2
        cut = int(moments[middle])
        prefix = audit.evaluate(world.until(cut))
        if first_difference(full.get(name), prefix.get(name), cut) >= 0:
            high = middle
        else:
            low = middle + 1
    if high < len(moments) and moments[high] < cut_ns:
        method = audit.violations.pop(name).method
        cut = int(moments[high])
        audit.compare(world, full, world.until(cut), cut, f"{method}, bisected")


def cut_every_bar(audit: PrefixAudit, on_progress: ProgressReport) -> None:
    """Cut behind every bar, on a stretch that begins `context_bars` before a block of bars.

    Args:
        audit: takes what is found.
        on_progress: told done and total.
    """
    moments = audit.world.moments()
    size = max(audit.subject.context_bars // 2, _BLOCK_MIN)
    for first in range(0, len(moments), size):
        cuts = moments[first : first + size]
        ahead = moments[min(first + size + _AHEAD, len(moments)) - 1]
        stretch = _stretch(audit, int(cuts[0]), int(ahead))
        full = audit.evaluate(stretch)
        before = int(cuts[0]) - 1
        for cut in cuts.tolist():
            method = "truncation at every bar"
            prefix = audit.compare(stretch, full, stretch.until(cut), cut, method)
            audit.n_points += sum(n_points(item, before, cut) for item in prefix.values())
            before = cut
        if full and set(full) <= set(audit.violations):
            return  # there is nothing left to find
        on_progress(first + len(cuts), len(moments))


def _stretch(audit: PrefixAudit, first_ns: int, last_ns: int) -> World:
    """Return the world around a block: each instrument with its context before the first cut."""
    starts = [
        int(item.ts_ns[max(n_known(item, first_ns) - 1 - audit.subject.context_bars, 0)])
        for item in audit.world.bars
    ]
    return audit.world.since(min(starts)).until(last_ns)
