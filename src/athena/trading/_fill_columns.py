"""The fills of a run as columns, for reports and the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._records import RECORD_HEADER, REPORT_FIELDS, TERMS_MASK, record_starts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from athena.trading._core.layout import Ints

# What is noted right behind the report of a fill that changed nothing.
_NOT_BOOKED = (codes.NOTICE_DUPLICATE_FILL, codes.NOTICE_ILLEGAL)
FILL_WORDS = RECORD_HEADER + REPORT_FIELDS


class FillColumns(NamedTuple):
    """Fills in the order they were booked, one int64 array of length F for each column.

    Attributes:
        marks: steps processed before; the index of the bar that filled it.
        order, trade: number of the order and of the fill.
        lots, price_ticks, fee: what was filled, at what, and the fee in money units.
        liquidity: 0 taker, 1 maker.
        instrument, strategy: indices; -1 when the core did not know the order.
        purpose, side: index of the enum's member; +1 bought, -1 sold.
        ts_ns: the core's clock.
    """

    marks: Ints
    order: Ints
    lots: Ints
    price_ticks: Ints
    fee: Ints
    liquidity: Ints
    trade: Ints
    ts_ns: Ints
    instrument: Ints
    strategy: Ints
    purpose: Ints
    side: Ints


def fill_columns(groups: Iterable[Ints]) -> FillColumns:
    """Extract the fills of a run; those that the core refused or had booked before are left out.

    Args:
        groups: words of each group commit, oldest first.

    Raises:
        CheckFailed: a record is cut short.
    """
    found = [_fills(words) for words in groups]
    return columns_of_fills(
        np.concatenate(found) if found else np.zeros((0, FILL_WORDS), np.int64)
    )


def columns_of_fills(fields: Ints) -> FillColumns:
    """Take the records of fills apart.

    Args:
        fields: (F, FILL_WORDS) int64, one record a row, header included.
    """
    terms = fields[:, 10]
    is_known = terms >= 0
    instrument, strategy, purpose, side = (
        np.where(is_known, (terms >> shift) & TERMS_MASK, missing)
        for shift, missing in ((0, -1), (8, -1), (16, -1), (24, 1))
    )
    marks, order, lots, price, fee, liquidity, trade, ts_ns = (
        np.ascontiguousarray(fields[:, column]) for column in (1, 3, 4, 5, 6, 7, 8, 9)
    )
    return FillColumns(
        marks, order, lots, price, fee, liquidity, trade, ts_ns,
        instrument, strategy, purpose, side - 1,
    )  # fmt: skip


def _fills(words: Ints) -> Ints:
    """Return the report records that are fills and were booked, one a row, header included."""
    starts = np.array(record_starts(words), np.int64)
    if len(starts) == 0:
        return np.zeros((0, FILL_WORDS), np.int64)
    (places,) = np.nonzero((words[starts] & 0xFF) == at.R_REPORT)
    places = places[words[starts[places] + RECORD_HEADER] == codes.FILLED_REPORT]
    fills = starts[places[~_is_refused(words, starts, places)]]
    rows: Ints = words[fills[:, None] + np.arange(FILL_WORDS)]
    return rows


def _is_refused(words: Ints, starts: Ints, places: Ints) -> NDArray[np.bool_]:
    """Tell of each fill whether the record behind it says that it was not booked."""
    following = starts[np.minimum(places + 1, len(starts) - 1)]
    is_notice = (places + 1 < len(starts)) & ((words[following] & 0xFF) == at.R_NOTICE)
    first = np.where(is_notice, following, 0) + RECORD_HEADER
    number = words[starts[places] + RECORD_HEADER + 1]
    found: NDArray[np.bool_] = (
        is_notice & np.isin(words[first], _NOT_BOOKED) & (words[first + 1] == number)
    )
    return found
