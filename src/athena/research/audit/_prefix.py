"""Prefix invariance: what is known at a moment is the same whatever comes after it.

The naive proof runs everything once on each prefix, n runs of up to n bars. Here the whole series
is cut and spoilt at a few dozen places, which finds what looks far ahead, and every single bar is
cut on a stretch of its neighbourhood, which finds what looks one bar ahead; both compare bit for
bit. A fault that only the far cuts see is bisected to the first bar that shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS, format_time
from athena.errors import AthenaError, InputError
from athena.research.audit._subject import Output, Violation
from athena.research.audit._world import n_known
from athena.research.engine import strategy_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.research.audit._subject import Auditable
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
_CONTEXT_MAX = 4_096
_ALIKE = 0.98
_ENOUGH = 0.9
_ROUNDING = 1e-9
# Behind a block, so that its last bars are seen beside as much future as its first ones.
_AHEAD = 64


@dataclass(slots=True)
class PrefixAudit:
    """One thing under audit, and what was found so far.

    Attributes:
        renew: gives the subject anew, in code that was imported anew: what an evaluation leaves
            behind on a class or a module would show the next one what it must not know.
        world: what it is audited on.
        context_bars: see `Auditable`; as much as its values turned out to need.
        violations: the first of each output.
        unproven: what could not be shown.
        n_points: values that were checked with a cut right behind their time.
        n_runs: evaluations.
    """

    renew: Callable[[], Auditable]
    world: World
    context_bars: int = 0
    violations: dict[str, Violation] = field(default_factory=dict)
    unproven: list[str] = field(default_factory=list)
    n_points: int = 0
    n_runs: int = 0

    def evaluate(self, world: World, subject: Auditable | None = None) -> Outputs:
        """Evaluate a subject, a new one unless it is given, and count it.

        Raises:
            StrategyError: it raised; says on how many bars, and where.
            InputError: it returned something else than outputs.
        """
        self.n_runs += 1
        subject = subject or self.renew()
        try:
            found: object = subject.evaluate(world)
        except AthenaError:
            raise
        except Exception as error:
            where = f"on the first {len(world.bars[0])} bars of a stretch"
            raise strategy_error(subject.name, where, error) from error
        if not isinstance(found, Mapping) or not all(
            isinstance(item, Output) for item in found.values()
        ):
            message = f"expected {subject.name} to return outputs by name, was {type(found)}"
            raise InputError(message, hint="evaluate(world) -> {name: Output(values, known_ns)}")
        return found

    def compare(
        self, whole: World, full: Outputs, other: World, cut_ns: int, method: str
    ) -> Outputs:
        """Evaluate another world that agrees up to a cut; keep what differs before it."""
        found = self.evaluate(other)
        self.judge(whole, full, found, cut_ns, method)
        return found

    def judge(self, whole: World, full: Outputs, found: Outputs, cut_ns: int, method: str) -> None:
        """Keep what differs before a cut."""
        for name in sorted(set(full) | set(found)):
            if name in self.violations:
                continue
            row = first_difference(full.get(name), found.get(name), cut_ns)
            if row >= 0:
                self.violations[name] = self._blame(
                    name, row, (whole, full), found, cut_ns, method
                )

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
            name=self.renew().name,
            output=name,
            bar=n_known(self.world.bars[0], time_ns) - 1,
            time_ns=time_ns,
            full=shown[0],
            prefix=shown[1],
            inputs=self._guilty(name, whole, one, cut_ns),
            method=f"{method}; only the last digits differ"
            if _is_rounding(one, other, row)
            else method,
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


def _is_rounding(one: Output | None, other: Output | None, row: int) -> bool:
    """Tell whether two rows of floats differ by rounding only: a sum of another length."""
    if one is None or other is None or row >= min(len(one.values), len(other.values)):
        return False
    if one.values.dtype.kind != "f" or one.values.shape[1:] != other.values.shape[1:]:
        return False
    return bool(np.allclose(one.values[row], other.values[row], rtol=_ROUNDING, atol=0.0))


def check_repeatable(audit: PrefixAudit, full: Outputs) -> bool:
    """See that the same bars give the same values twice; if not, nothing else can be shown."""
    again = audit.evaluate(audit.world)
    for name in sorted(set(full) | set(again)):
        row = first_difference(full.get(name), again.get(name), audit.world.now_ns)
        if row >= 0:
            one, other = full.get(name), again.get(name)
            known = [
                item.known_ns[row] for item in (one, other) if item and row < len(item.values)
            ]
            time_ns = int(min(known)) if known else audit.world.now_ns
            audit.violations[name] = Violation(
                name=audit.renew().name,
                output=name,
                bar=n_known(audit.world.bars[0], time_ns) - 1,
                time_ns=time_ns,
                full=_shown(one, row),
                prefix=_shown(other, row),
                inputs=(),
                method="the same bars twice: not repeatable, fix its seed",
            )
    return not audit.violations


def find_context(audit: PrefixAudit, full: Outputs) -> None:
    """Find how many bars before a stretch its values need, so that they mean something there.

    Doubled until, on three stretches, values are defined where they are on all data, and whole
    numbers and truth values are mostly equal; a running total never is, and is let through.
    """
    moments = audit.world.moments()
    n = len(moments)
    asked: object = audit.renew().context_bars
    if not isinstance(asked, int) or asked < 0:
        message = f"expected context_bars as a number of bars, was {asked!r}"
        raise InputError(message)
    audit.context_bars = asked
    while 0 < audit.context_bars < min(n // 2, _CONTEXT_MAX):
        spots = [n // 2, 3 * n // 4, n - _BLOCK_MIN]
        if all(
            _is_like_the_whole(audit, full, moments[max(spot, 0) :][:_BLOCK_MIN]) for spot in spots
        ):
            return
        audit.context_bars *= 2


def _is_like_the_whole(audit: PrefixAudit, full: Outputs, cuts: Ints) -> bool:
    first, last = int(cuts[0]), int(cuts[-1])
    found = audit.evaluate(_stretch(audit, first, last))
    return all(
        _is_alike(item, found[name], first - 1, last)
        for name, item in full.items()
        if name in found
    )


def _is_alike(whole: Output, part: Output, after_ns: int, until_ns: int) -> bool:
    one, other = (
        item.values[item.n_known(after_ns) : item.n_known(until_ns)] for item in (whole, part)
    )
    if one.shape != other.shape or not one.size:
        return one.shape == other.shape
    same = np.isnan(one) == np.isnan(other) if one.dtype.kind == "f" else one == other
    return float(np.mean(same)) > _ALIKE


def _shown(output: Output | None, row: int) -> str:
    return "nothing" if output is None or row >= len(output.values) else output.show(row)


def n_points(output: Output, after_ns: int, until_ns: int) -> int:
    """Count the defined values of an output that become known in (after, until]."""
    rows = output.values[output.n_known(after_ns) : output.n_known(until_ns)]
    if rows.dtype.kind == "f":
        return int(np.count_nonzero(~np.isnan(rows)))
    return rows.size


def cut_far(audit: PrefixAudit, full: Outputs, on_progress: ProgressReport) -> None:
    """Cut and spoil the whole series at some dozen places.

    They are chosen at random, where the data breaks, and right behind rows of outputs that have
    few of them: decisions, and whatever is fitted now and then.

    Args:
        audit: takes what is found.
        full: on all data.
        on_progress: told done and total.
    """
    world = audit.world
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


def cut_every_bar(audit: PrefixAudit, full: Outputs, on_progress: ProgressReport) -> None:
    """Cut behind every bar, on a stretch that begins `context_bars` before a block of bars.

    In each block the prefixes come first, the shortest before the longer, and the whole stretch
    last: what an evaluation leaves behind is then never of the future.

    Args:
        audit: takes what is found.
        full: on all data, to see how many of its values were checked.
        on_progress: told done and total.
    """
    moments = audit.world.moments()
    size = max(audit.context_bars // 2, _BLOCK_MIN)
    before_all = audit.n_points
    for first in range(0, len(moments), size):
        cuts = moments[first : first + size]
        ahead = moments[min(first + size + _AHEAD, len(moments)) - 1]
        stretch = _stretch(audit, int(cuts[0]), int(ahead))
        subject = audit.renew()
        prefixes = [audit.evaluate(stretch.until(cut), subject) for cut in cuts.tolist()]
        whole = audit.evaluate(stretch, subject)
        before = int(cuts[0]) - 1
        for cut, prefix in zip(cuts.tolist(), prefixes, strict=True):
            audit.judge(stretch, whole, prefix, cut, "truncation at every bar")
            audit.n_points += sum(n_points(item, before, cut) for item in prefix.values())
            before = cut
        if whole and set(whole) <= set(audit.violations):
            return  # there is nothing left to find
        on_progress(first + len(cuts), len(moments))
    n_checked = audit.n_points - before_all
    n_defined = sum(n_points(item, 0, audit.world.now_ns) for item in full.values())
    if n_checked < _ENOUGH * n_defined:
        audit.unproven.append(
            f"only {n_checked:,} of {n_defined:,} values are defined on stretches of "
            f"{audit.context_bars:,} bars and were cut at every bar; use more bars"
        )


def _stretch(audit: PrefixAudit, first_ns: int, last_ns: int) -> World:
    """Return the world around a block: each instrument with its context before the first cut."""
    starts = [
        int(item.ts_ns[max(n_known(item, first_ns) - 1 - audit.context_bars, 0)])
        for item in audit.world.bars
    ]
    return audit.world.since(min(starts)).until(last_ns)
