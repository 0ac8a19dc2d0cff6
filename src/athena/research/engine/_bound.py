"""Entries of the compiled loop that find their tables by address.

To hand over a table costs a call from CPython a quarter of a microsecond, and the loop takes
fourteen of them: more than a strategy's own decision. So a run writes the addresses of its tables
into one vector, once, and a call hands over that vector alone. And a table that was found by its
address has no owner to count references for, which costs a rule more than all it decides (40 ns a
bar of 108). This module imports Numba; only the compiled engine imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types
from numba.core.cgutils import voidptr_t
from numba.extending import intrinsic
from numba.np.numpy_support import carray

from athena.errors import CoreError
from athena.research.engine import _loop
from athena.research.engine._columns import N_RISK, Columns
from athena.trading import state_dtype
from athena.venues import VENUE_DTYPE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.trading import Ints, State, StateTables, Table
    from athena.venues import Venue, VenueTables

# the vector: sizes, then addresses
_N_STEPS, _N_INSTRUMENTS, _N_RISK_STEPS, _N_DAY_STEPS, _N_DAYS = range(5)
_STATE, _VENUE, _CONTROL, _WAKES, _LEVELS = range(5, 10)
_NOW, _MEMORY, _PARAMETERS, _INTENTS = range(10, 18, 2)  # each followed by its length
_COLUMNS = 18
_LENGTH = _COLUMNS + len(Columns._fields)

_STATE_TYPE = state_dtype()
_INT = np.int64
_BYTE = np.uint8


class Addresses:
    """Where the tables of a run lie; it keeps them alive.

    Attributes:
        vector: what the entries take.
    """

    __slots__ = ("_kept", "vector")

    def __init__(
        self, state: StateTables, venue: VenueTables, columns: Columns, control: Ints
    ) -> None:
        """Write down where these tables lie; wakes and levels come later."""
        self._kept: list[Any] = [state, venue, columns, control]
        vector = np.zeros(_LENGTH, np.int64)
        vector[_N_STEPS] = len(columns.close_ns)
        vector[_N_INSTRUMENTS] = len(columns.open)
        vector[_N_RISK_STEPS] = columns.risk.shape[2]
        vector[_N_DAY_STEPS] = len(columns.day)
        vector[_N_DAYS] = len(columns.correlation)
        vector[_STATE] = _address(state.record)
        vector[_VENUE] = _address(venue.record)
        vector[_CONTROL] = _address(control)
        vector[_COLUMNS:] = [_address(column) for column in columns]
        self.vector = vector

    def with_wakes(self, wakes: NDArray[np.uint8], levels: Ints) -> Ints:
        """Add what `advance` takes besides, and return the vector."""
        self._kept += [wakes, levels]
        self.vector[_WAKES] = _address(wakes)
        self.vector[_LEVELS] = _address(levels)
        return self.vector

    def with_rule(self, *tables: Ints) -> Ints:
        """Add what `run_rule` takes besides, from `now` to `intents`, and return the vector."""
        for where, table in zip((_NOW, _MEMORY, _PARAMETERS, _INTENTS), tables, strict=True):
            self._kept.append(table)
            self.vector[where : where + 2] = _address(table), len(table)
        return self.vector


def _address(table: Any) -> int:  # noqa: ANN401 - an array or a record
    """Return where a table's elements begin; they lie without gaps."""
    if not table.flags.c_contiguous:
        message = "expected a table without gaps, was one with strides"
        raise CoreError(message)
    address: int = table.__array_interface__["data"][0]
    return address


def _as_pointer(_context: Any, address: Any) -> Any:  # noqa: ANN401 - Numba's own classes
    """Type and build an integer that is taken for an address."""

    def build(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:  # noqa: ANN401 - as above
        return builder.inttoptr(values[0], voidptr_t)

    return types.voidptr(address), build


_pointer: Any = intrinsic(_as_pointer)


def _state_at(where: Table) -> State:
    state: State = carray(_pointer(where[_STATE]), 1, _STATE_TYPE)[0]
    return state


def _venue_at(where: Table) -> Venue:
    venue: Venue = carray(_pointer(where[_VENUE]), 1, VENUE_DTYPE)[0]
    return venue


def _columns_at(where: Table) -> Columns:
    n = where[_N_INSTRUMENTS]
    in_time = (where[_N_STEPS],)
    by_instrument = (n, where[_N_STEPS])
    return Columns(
        carray(_pointer(where[_COLUMNS]), in_time, _INT),
        carray(_pointer(where[_COLUMNS + 1]), by_instrument, _INT),
        carray(_pointer(where[_COLUMNS + 2]), by_instrument, _INT),
        carray(_pointer(where[_COLUMNS + 3]), by_instrument, _INT),
        carray(_pointer(where[_COLUMNS + 4]), by_instrument, _INT),
        carray(_pointer(where[_COLUMNS + 5]), by_instrument, _INT),
        carray(_pointer(where[_COLUMNS + 6]), (n, N_RISK, where[_N_RISK_STEPS]), _INT),
        carray(_pointer(where[_COLUMNS + 7]), (where[_N_DAY_STEPS],), _INT),
        carray(_pointer(where[_COLUMNS + 8]), (where[_N_DAYS], n, n), _INT),
    )


def _control_at(where: Table) -> Table:
    control: Table = carray(_pointer(where[_CONTROL]), (_loop.N_CONTROL,), _INT)
    return control


def _table_at(where: Table, which: int) -> Table:
    table: Table = carray(_pointer(where[which]), (where[which + 1],), _INT)
    return table


def advance_at(where: Table) -> int:
    """Do what `_loop.advance` does."""
    wakes = carray(_pointer(where[_WAKES]), (where[_N_STEPS],), _BYTE)
    levels = carray(_pointer(where[_LEVELS]), (where[_N_INSTRUMENTS], 2), _INT)
    return _loop.advance(
        _state_at(where), _venue_at(where), _columns_at(where), wakes, levels, _control_at(where)
    )


def run_rule_at(where: Table) -> int:
    """Do what `_loop.run_rule` does."""
    return _loop.run_rule(
        _state_at(where),
        _venue_at(where),
        _columns_at(where),
        _table_at(where, _NOW),
        _table_at(where, _MEMORY),
        _table_at(where, _PARAMETERS),
        _table_at(where, _INTENTS),
        _control_at(where),
    )


def turn_at(where: Table) -> int:
    """Do what `_loop.turn` does."""
    return _loop.turn(_state_at(where), _venue_at(where), _columns_at(where), _control_at(where))


def submit_one_at(where: Table) -> int:
    """Do what `_loop.submit_one` does."""
    return _loop.submit_one(_state_at(where), _venue_at(where))
