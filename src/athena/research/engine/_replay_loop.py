"""Replay in the core's restricted subset: recorded inputs and bars by reference, no venue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.research.engine import _loop
from athena.trading import layout as at
from athena.trading import marks, replay

if TYPE_CHECKING:
    from athena.research.engine._columns import Columns
    from athena.trading import State, Table

# control
R_FROM = 0  # first word to replay
R_TO = 1  # one past the last
R_AT = 2  # out: where in the replay's own words the first difference is
N_REPLAY = 3


def replay_words(s: State, c: Columns, words: Table, control: Table) -> int:
    """Apply the inputs of a run of records and compare everything they make again.

    Args:
        s: the state before them; its buffers are empty.
        c: the bars of the whole run, step 0 first.
        words: (W,) records.
        control: which words.

    Returns:
        The end, or the word where the first record begins that is not made again.
    """
    position: int = control[R_FROM]
    end: int = control[R_TO]
    while position < end:
        control[R_AT] = 0
        if not replay.is_whole(words, position, end):
            return position
        before = words[position + 1]
        if s.account[at.MARKS] < before <= len(c.close_ns):
            mark_step(s, c)
        elif s.account[at.MARKS] != before or not replay.apply_record(s, words, position):
            return position
        made: int = s.account[at.N_WORDS]
        for i in range(made):
            if position + i >= end or s.records[i] != words[position + i]:
                control[R_AT] = i
                return position + i
        position += made
        s.account[at.N_WORDS] = 0
        s.account[at.N_EFFECTS] = 0
    return position


def replay_marks(s: State, c: Columns, until: int) -> int:
    """Process steps that leave no record; return the number of words they made: 0."""
    while s.account[at.MARKS] < until and s.account[at.N_WORDS] == 0:
        mark_step(s, c)
        s.account[at.N_EFFECTS] = 0
    made: int = s.account[at.N_WORDS]
    return made


def mark_step(s: State, c: Columns) -> None:
    """Do what the backtest's loop does at a step's close, without a venue."""
    t = s.account[at.MARKS]
    now = c.close_ns[t]
    for k in range(s.account[at.N_INSTRUMENTS]):
        if c.volume[k, t] >= 0:
            marks.set_price(s, k, c.close[k, t], c.high[k, t], c.low[k, t], now)
    s.account[at.ACCOUNT_NS] = now
    marks.mark(s, now)
    if len(c.day) > 0:
        # The loop drains the venue first; no report at a close reads a risk input.
        _loop.post_risk(s, c, t)
