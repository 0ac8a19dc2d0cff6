"""The gap between the profits of two recorded runs, split by cause, to the unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.errors import InputError
from athena.research.comparison._gap import attribute
from athena.research.comparison._match import match_orders
from athena.research.comparison._reading import ReadRun, RecordedRun, read_journal
from athena.research.comparison._result import Comparison, make_comparison
from athena.research.comparison._units import count_alike

if TYPE_CHECKING:
    from collections.abc import Callable

    ProgressReport = Callable[[int], None]

N_STAGES = 3  # read A, read B, lay them side by side


def _say_nothing(_done: int) -> None:
    """Report no progress."""


def compare_runs(
    a: RecordedRun, b: RecordedRun, *, on_progress: ProgressReport = _say_nothing
) -> Comparison:
    """Split the gap between two runs into its causes.

    Orders are matched by decision: strategy, symbol, side, purpose and time, the nearest within
    one bar (the longer where they differ). What both filled differs by price and fee. What one
    filled more is a position that the other does not have; it is charged, from fill to close, to
    what opened it. All amounts are the journals' own, in units of 10^-8, so that the parts sum to
    the gap.

    Args:
        a: the run to compare with.
        b: the run to explain; a part > 0 is what B made more.
        on_progress: told how many of `N_STAGES` are done.

    Raises:
        CheckFailed: a journal is damaged, or its fills do not give the cash it ends with.
        InputError: different quote currencies, or a journal without its end.
    """
    own = read_journal(a)
    on_progress(1)
    other = read_journal(b)
    on_progress(2)
    found = split_gap(own, other)
    on_progress(N_STAGES)
    return found


def split_gap(own: ReadRun, other: ReadRun) -> Comparison:
    """Split the gap between two runs that were read.

    Raises:
        InputError: different quote currencies.
    """
    quotes = [side.log.instruments[0].quote for side in (own, other)]
    if quotes[0] != quotes[1]:
        message = f"expected runs in one currency, was {quotes[0]} and {quotes[1]}"
        raise InputError(message, hint="compare runs whose symbols are quoted alike")
    units = count_alike(own.log, other.log)
    within_ns = max(own.log.bars.interval_ns, other.log.bars.interval_ns)
    pairs = match_orders(own.log.orders, other.log.orders, within_ns)
    effects = attribute(pairs, own.log, other.log)
    return make_comparison(own, other, effects, units)
