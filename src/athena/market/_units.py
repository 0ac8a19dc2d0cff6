"""Prices to ticks and volumes to lots, a whole column at a time.

Why a float may stand between a decimal text and its tick: a price of `k` ticks, read as the
nearest double, times an integer and divided by another, is off by three roundings, each at most
2**-53 of the value. While `k` < 2**48 the sum stays far under half a tick, so rounding to the
nearest integer gives back `k` itself; whatever is farther off than those roundings explain is no
multiple of the tick and is refused. Beyond 2**48 ticks the text itself is converted.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import INT64_MAX, parse_decimal, to_units
from athena.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.market._table import Table

_ROUNDING = 2.0**-50
_EXACT_BELOW = 2.0**48


def prices_to_ticks(table: Table, name: str, tick: Decimal) -> NDArray[np.int64]:
    """Read a price column as whole ticks, exactly or not at all (TR-01).

    Returns:
        (T,) int64, > 0.

    Raises:
        InputError: a value is no number, NaN, <= 0 or not a multiple of the tick; names the row.
    """
    values = read_floats(table, name)
    _refuse(~((values > 0) & (values < np.inf)), table, name, values, "a finite price > 0")
    scaled = _scale(values, tick)
    if scaled.size and float(scaled.max()) >= _EXACT_BELOW:
        return _exact_ticks(table, name, tick)
    ticks = np.rint(scaled)
    _refuse(
        np.abs(scaled - ticks) > scaled * _ROUNDING,
        table,
        name,
        values,
        f"a multiple of the tick {tick}",
        hint="state the price step of this file: athena data import FILE --symbol ... --tick ...",
    )
    _refuse(ticks < 1, table, name, values, f"at least one tick of {tick}")
    return ticks.astype(np.int64)


def volumes_to_lots(table: Table, name: str, lot: Decimal) -> NDArray[np.int64]:
    """Read a volume column as lots, rounded down.

    Returns:
        (T,) int64, >= 0; above 2**53 lots the last digits are those of the double.

    Raises:
        InputError: a value is no number, NaN, negative or beyond 64 bits; names the row.
    """
    values = read_floats(table, name)
    _refuse(~(values >= 0), table, name, values, "a volume >= 0")
    scaled = _scale(values, lot)
    _refuse(scaled >= INT64_MAX, table, name, values, f"a volume within 64 bits of lots of {lot}")
    nearest = np.rint(scaled)
    # 0.3 / 1e-8 is 29999999.999999996 in floats: take what rounding explains as whole.
    whole = np.abs(scaled - nearest) <= scaled * _ROUNDING
    return np.where(whole, nearest, np.floor(scaled)).astype(np.int64)


def read_floats(table: Table, name: str) -> NDArray[np.float64]:
    """Read a column as float64, NaN and infinities included.

    Raises:
        InputError: the column does not hold numbers; names the first row that does not.
    """
    column: NDArray[Any] = table.read(name)
    if column.dtype.kind not in "iuf":
        index, shown = _first_text(column)
        message = f"expected a number in {table.where(index)}, column {name}, was {shown}"
        raise InputError(message)
    return column.astype(np.float64, copy=False)


def _first_text(column: NDArray[Any]) -> tuple[int, str]:
    for index, value in enumerate(column.tolist()):
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        try:
            is_number = Decimal(text).is_finite()
        except ArithmeticError:
            is_number = False
        if not is_number:
            return index, repr(text)
    return 0, f"{column.dtype}"


def _scale(values: NDArray[np.float64], step: Decimal) -> NDArray[np.float64]:
    ratio = Fraction(step)
    return values * float(ratio.denominator) / float(ratio.numerator)


def _exact_ticks(table: Table, name: str, tick: Decimal) -> NDArray[np.int64]:
    if table.read_text is None:
        message = (
            f"expected prices below 2**48 ticks of {tick} in {table.label}, column {name}: "
            "a float64 cannot hold them to the tick"
        )
        raise InputError(
            message,
            hint="state a coarser step (athena data import FILE --tick ...), or write CSV text",
        )
    cells = table.read_text(name)
    ticks = (
        to_units(
            parse_decimal(cell.strip(), what=f"number in {table.where(index)}, column {name}"),
            tick,
            what=f"price in {table.where(index)}, column {name}",
        )
        for index, cell in enumerate(cells)
    )
    return np.fromiter(ticks, dtype=np.int64, count=len(cells))


def _refuse(  # noqa: PLR0913 (one message needs them all)
    wrong: NDArray[np.bool_],
    table: Table,
    name: str,
    values: NDArray[np.float64],
    expected: str,
    *,
    hint: str = "",
) -> None:
    if wrong.any():
        index = int(np.argmax(wrong))
        shown = repr(float(values[index]))
        message = f"expected {expected} in {table.where(index)}, column {name}, was {shown}"
        raise InputError(message, hint=hint)
