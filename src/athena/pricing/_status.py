"""What can be said of one priced row; a price that is NaN never carries OK."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RowStatus(IntEnum):
    """Tell whether a row has a result, and if not, why; small integers, for arrays."""

    OK = 0
    EXPIRED = 1
    BAD_INPUT = 2
    OUT_OF_DOMAIN = 3
    NOT_IDENTIFIABLE = 4
    BELOW_INTRINSIC = 5
    ABOVE_MAX = 6
    REFUSED = 7

    @property
    def meaning(self) -> str:
        """Say it in words."""
        return _MEANINGS[self]


_MEANINGS = {
    RowStatus.OK: "priced",
    RowStatus.EXPIRED: "the contract has expired",
    RowStatus.BAD_INPUT: "an input is NaN, infinite or negative",
    RowStatus.OUT_OF_DOMAIN: "outside the region that the engine is certified for",
    RowStatus.NOT_IDENTIFIABLE: "the price has no time value to read a volatility from",
    RowStatus.BELOW_INTRINSIC: "the price is under the least that arbitrage allows",
    RowStatus.ABOVE_MAX: "the price is at or over the most that arbitrage allows",
    RowStatus.REFUSED: "the model is not verified",
}


def require_ok(status: NDArray[Any] | int, *, what: str) -> None:
    """Raise on the first row that is not OK: the strict mode of every batch function.

    Args:
        status: codes of `RowStatus`, any shape.
        what: what was computed, for the message.

    Raises:
        InputError: a row is not OK; the message names the first such row and why.
    """
    codes = np.atleast_1d(status).ravel()
    wrong = np.flatnonzero(codes != RowStatus.OK)
    if wrong.size == 0:
        return
    first = RowStatus(int(codes[wrong[0]]))
    message = (
        f"expected every row of {what} to be OK, was {first.name} in row {wrong[0]} "
        f"({first.meaning}), one of {wrong.size}"
    )
    raise InputError(message)
