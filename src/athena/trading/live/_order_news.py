"""The core's records as news of orders, as execution plans take them: live and in the fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.domain import DenialCode
from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core.orders import find_row
from athena.trading._core.positions import worth
from athena.trading.algorithms import Asked, Ended, Filled, Judged

if TYPE_CHECKING:
    from athena.trading._core.layout import State, Table
    from athena.trading.algorithms import OrderNews

_HEADER = 2
_INSTRUMENT_MASK = 0xFF  # of a report's packed terms, see `records.pack_order`
_NUMBER_SHIFT = 16  # of the argument of a notice about an illegal move
_CODES = list(DenialCode)


def order_news(s: State, words: Table, position: int, end: int) -> list[OrderNews]:
    """Return what one input of the core says of orders; most say nothing.

    An intent without a key of its own is nobody's plan and gives no news. A fill counts when it
    was booked; an order has ended when it is live no more, whichever report ended it.

    Args:
        s: the state after exactly this input.
        words: of the journal.
        position: where the input's record begins.
        end: where the records that it led to end.
    """
    kind = words[position] & 0xFF
    if kind == at.R_INTENT:
        return _asked(s, words, position)
    if kind == at.R_REPORT:
        return _reported(s, words, position, end)
    return []


def _asked(s: State, words: Table, position: int) -> list[OrderNews]:
    first = position + _HEADER
    key = words[first + at.I_KEY]
    if key == 0:
        return []
    amount = words[first + at.I_LOTS] or words[first + at.I_QUOTE_AMOUNT]
    instrument = words[first + at.I_INSTRUMENT]
    is_known = 0 <= instrument < s.account[at.N_INSTRUMENTS]
    reference = s.instruments[instrument, at.LAST] if is_known else 0
    verdict = first + at.N_INTENT + _HEADER  # the record behind it
    number, code = words[verdict], words[verdict + 1 + at.CODE]
    denial = _CODES[code - 1] if code else None
    return [
        Asked(key, amount, s.account[at.NOW_NS], reference),
        Judged(key, number, words[verdict + 1 + at.APPROVED], denial),
    ]


def _reported(s: State, words: Table, position: int, end: int) -> list[OrderNews]:
    first = position + _HEADER
    what, number = words[first], words[first + 1]
    news: list[OrderNews] = []
    if what == codes.FILLED_REPORT and is_booked(words, position, end):
        lots, price = words[first + 2], words[first + 3]
        instrument = words[first + 8] & _INSTRUMENT_MASK
        news.append(Filled(number, lots, price, worth(s, instrument, price, lots)))
    if find_row(s, number) < 0:
        news.append(Ended(number))
    return news


def is_booked(words: Table, position: int, end: int) -> bool:
    """Tell whether the fill of a report was booked: no notice behind it says otherwise."""
    number = words[position + _HEADER + 1]
    for what, argument in notices(words, position, end):
        if what == codes.NOTICE_DUPLICATE_FILL and argument == number:
            return False
        if what == codes.NOTICE_ILLEGAL and number in (argument, argument >> _NUMBER_SHIFT):
            return False
    return True


def notices(words: Table, position: int, end: int) -> list[tuple[int, int]]:
    """Return the notices that an input led to: what, and about what."""
    found = []
    while position < end:
        if words[position] & 0xFF == at.R_NOTICE:
            found.append((words[position + _HEADER], words[position + _HEADER + 1]))
        position += words[position] >> 8
    return found


def halts(words: Table, position: int, end: int) -> list[int]:
    """Return the halts that an input latched; a pause is none, it only takes time."""
    return [
        argument
        for what, argument in notices(words, position, end)
        if what == codes.NOTICE_HALT and argument != at.HALT_PAUSED
    ]
