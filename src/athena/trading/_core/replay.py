"""Apply a journaled input again; what follows from it is recorded again and can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.trading._core import layout as at
from athena.trading._core import outside, step

if TYPE_CHECKING:
    from athena.trading._core.layout import State, Table

_HEADER = 2  # kind with length, marks


def is_whole(words: Table, position: int, end: int) -> bool:
    """Tell whether a whole record begins at `position` and ends not later than `end`."""
    if position + _HEADER > end:
        return False
    length: int = words[position] >> 8
    return length >= _HEADER and position + length <= end


def apply_record(s: State, words: Table, position: int) -> bool:
    """Apply the input record at `position`; False when it is none, and nothing was done.

    Verdicts and notices are outcomes: the inputs make them again.
    """
    kind = words[position] & 0xFF
    length = words[position] >> 8
    first = position + _HEADER
    if kind == at.R_INTENT and length == _HEADER + at.N_INTENT:
        for field in range(at.N_INTENT):
            s.intent[field] = words[first + field]
        step.apply_intent(s)
    elif kind == at.R_REPORT and length == _HEADER + 9:
        step.apply_report(
            s,
            words[first],
            words[first + 1],
            words[first + 2],
            words[first + 3],
            words[first + 4],
            words[first + 5],
            words[first + 6],
        )
    elif kind == at.R_COMMAND and length == _HEADER + 3:
        step.apply_command(s, words[first], words[first + 1], words[first + 2])
    elif kind == at.R_CASH and length == _HEADER + 3:
        step.apply_cash(s, words[first], words[first + 1], words[first + 2])
    elif kind == at.R_HEALTH and length == _HEADER + 2:
        step.apply_health(s, words[first], words[first + 1])
    elif kind == at.R_SHARE and length == _HEADER + 2:
        step.apply_share(s, words[first], words[first + 1])
    else:
        return _apply_outside(s, words, position)
    return True


def _apply_outside(s: State, words: Table, position: int) -> bool:
    """Apply what a live session was told and a backtest takes from its columns."""
    kind = words[position] & 0xFF
    length = words[position] >> 8
    first = position + _HEADER
    if kind == at.R_PRICE and length == _HEADER + 5:
        outside.apply_price(
            s,
            words[first],
            words[first + 1],
            words[first + 2],
            words[first + 3],
            words[first + 4],
        )
    elif kind == at.R_TICK and length == _HEADER + 2:
        outside.apply_tick(s, words[first], words[first + 1])
    elif kind == at.R_RISK and length == _HEADER + 1 + outside.N_RISK:
        for field in range(1 + outside.N_RISK):
            s.intent[field] = words[first + field]
        outside.apply_risk(s)
    elif kind == at.R_CORRELATION and length == _HEADER + 3:
        outside.apply_correlation(s, words[first], words[first + 1], words[first + 2])
    elif kind == at.R_LIMIT and length == _HEADER + 2:
        outside.apply_limit(s, words[first], words[first + 1])
    elif kind == at.R_ADOPT and length == _HEADER + outside.N_ADOPT:
        for field in range(outside.N_ADOPT):
            s.intent[field] = words[first + field]
        outside.apply_adopt(s)
    elif kind == at.R_HOLDING and length == _HEADER + 5:
        outside.apply_holding(
            s,
            words[first],
            words[first + 1],
            words[first + 2],
            words[first + 3],
            words[first + 4],
        )
    else:
        return False
    return True
