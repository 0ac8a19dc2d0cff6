"""A session beside the backtest of the same bars: what it should have made, and why it did not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import InputError
from athena.research.comparison._compare import split_gap
from athena.research.comparison._reading import RecordedRun, read_journal
from athena.research.comparison._session_log import read_session_journal
from athena.research.comparison._twin import Twin, run_twin
from athena.research.engine import align
from athena.venues import table as vt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from athena.domain import Bars
    from athena.research.comparison._result import Comparison
    from athena.research.engine import Columns
    from athena.trading import JournalStore, Strategy
    from athena.venues import VenueSettings

    ProgressReport = Callable[[int], None]

TWIN_NAME = "backtest"
N_SESSION_STAGES = 3  # run the backtest, read the session, lay them side by side


def _say_nothing(_done: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSession:
    """One session to compare with its backtest.

    Attributes:
        name: its id.
        store: its journal; it need not have ended.
        manifest: of the journal.
        bars: one set per instrument, all that is known of them, those before it included.
        daily: of the days before; one set per instrument, or none.
        is_step: one array per instrument, (T,) bool: the session was shown that bar as it closed.
        strategies: by name, made anew, in the order of the session's slots.
        venue: how the backtest fills and charges.
    """

    name: str
    store: JournalStore
    manifest: dict[str, Any]
    bars: Sequence[Bars]
    daily: Sequence[Bars]
    is_step: Sequence[NDArray[np.bool_]]
    strategies: Sequence[tuple[str, Strategy]]
    venue: VenueSettings


def compare_session(
    session: RecordedSession, *, on_progress: ProgressReport = _say_nothing
) -> Comparison:
    """Split the gap between a session and the backtest of its strategies on the same bars.

    A is the backtest: from the session's first step on, with its cash, its limits as they were at
    the start, and the bars before as history. B is the session. Both are valued at the last close
    that is known; what the session filled after it is left out. What people did, and what went on
    by itself (rebalancing, bags), is in B alone.

    Args:
        session: to explain; a part > 0 is what it made more than its backtest.
        on_progress: told how many of `N_SESSION_STAGES` are done.

    Raises:
        InputError: it was shown no bar yet.
        CheckFailed: its journal is damaged, replay makes something else, or its fills do not give
            the cash it ends with.
    """
    first_ns = _first_step(session)
    history = [item.between(None, first_ns) for item in session.bars]
    coming = [item.between(first_ns, None) for item in session.bars]
    columns = align(coming, with_risk_inputs=False)
    twin = Twin(
        manifest=session.manifest,
        columns=columns,
        history=history,
        daily=session.daily,
        strategies=session.strategies,
        venue=session.venue,
    )
    own = read_journal(RecordedRun(TWIN_NAME, run_twin(twin), columns))
    on_progress(1)
    seen = _seen(session, columns, first_ns)
    other = read_session_journal(session.name, session.store, seen)
    on_progress(2)
    found = split_gap(own, other)
    on_progress(N_SESSION_STAGES)
    return found


def _first_step(session: RecordedSession) -> int:
    """Return when the first bar opened that the session was shown."""
    opened = [
        int(item.ts_ns[flags][0])
        for item, flags in zip(session.bars, session.is_step, strict=True)
        if flags.any()
    ]
    first_ns = min(opened, default=None)
    if first_ns is None or not all(len(item.between(first_ns, None)) for item in session.bars):
        message = f"expected a bar of each symbol that session {session.name} was shown, was none"
        raise InputError(message, hint="wait until its first bar has closed")
    return first_ns


def _seen(session: RecordedSession, columns: Columns, first_ns: int) -> Columns:
    """Return the columns with a gap wherever the session was not shown the bar."""
    volume = np.array(columns.volume)
    for k, (item, flags) in enumerate(zip(session.bars, session.is_step, strict=True)):
        missed = item.ts_ns[~flags & (item.ts_ns >= first_ns)] + item.interval_ns
        volume[k, np.searchsorted(columns.close_ns, missed)] = vt.NO_BAR
    return columns._replace(volume=volume)
