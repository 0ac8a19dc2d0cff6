"""Build the core's tables from what a run is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import Book, Instrument, OrderState, to_money
from athena.errors import CoreError, InputError
from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core import limits as limit
from athena.trading._core.layout import Ints, State, StateArrays, StateOf
from athena.trading._core.marks import set_floor
from athena.trading._order_table import OrderEvent, transition_table
from athena.trading._tables import Tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

# Ticks, lots and value ratio have to leave room for exact products (see `arithmetic.value`).
_MAX_VALUE_NUMERATOR = 1 << 20

_BOOK_CODES = {
    Book.TRADING: codes.TRADING_BOOK,
    Book.CORE: codes.CORE_BOOK,
    Book.HODL: codes.HODL_BOOK,
}

StateTables = Tables[State, StateArrays]

LIMIT_NAMES = tuple(
    name for name in vars(limit) if name.isupper() and not name.startswith(("_", "N_LIMIT"))
)


@dataclass(frozen=True, slots=True)
class StrategySlot:
    """Say which book a strategy trades, and the share of the equity it may use.

    Attributes:
        name: as it appears in records.
        book: `trading` is judged by the risk limits, `core` by the rules of holdings.
        share_ppm: of the account's equity to begin with, 1..1,000,000; `step.apply_share` changes
            it.
    """

    name: str
    book: Book = Book.TRADING
    share_ppm: int = at.PPM


@dataclass(frozen=True, slots=True)
class InstrumentLimits:
    """Hold the limits that differ by instrument.

    Attributes:
        max_stop_ppm: farthest stop.
        cap_lots: largest order.
        sector: number of the sector, 0 unknown.
    """

    max_stop_ppm: int
    cap_lots: int
    sector: int = 0


def limits_table(values: Mapping[str, int]) -> Ints:
    """Build the limits vector from a value for every column.

    Regime columns take the index of the regime behind the name, for example
    ``REGIME_SIZE_PPM_0``.

    Raises:
        CoreError: a column has no value, or a name is not a column.
    """
    table = np.zeros(limit.N_LIMIT, np.int64)
    expected = limit_columns()
    if set(values) != set(expected):
        odd = sorted(set(values) ^ set(expected))
        message = f"expected a value for each limit, was odd in {', '.join(odd)}"
        raise CoreError(message)
    for name, column in expected.items():
        table[column] = values[name]
    return table


def limit_columns() -> dict[str, int]:
    """Return column name -> position, with one name per regime where a limit depends on it."""
    columns: dict[str, int] = {}
    for name in LIMIT_NAMES:
        position = getattr(limit, name)
        if name.startswith("REGIME_"):
            for regime in range(codes.N_REGIMES):
                columns[f"{name}_{regime}"] = position + regime
        else:
            columns[name] = position
    return columns


def state_dtype() -> np.dtype[np.void]:
    """Return the type of the record whose fields are the core's tables."""
    shapes = {
        "account": (at.N_ACCOUNT,),
        "instruments": (at.MAX_INSTRUMENTS, at.N_INSTRUMENT),
        "correlation": (at.MAX_INSTRUMENTS, at.MAX_INSTRUMENTS),
        "strategies": (at.MAX_STRATEGIES, at.N_STRATEGY),
        "positions": (at.MAX_POSITIONS, at.N_POSITION),
        "orders": (at.MAX_ORDERS, at.N_ORDER),
        "closed": (at.MAX_CLOSED, at.N_ORDER),
        "keys": (at.MAX_KEYS,),
        "trades": (at.MAX_TRADES,),
        "limits": (limit.N_LIMIT,),
        "transitions": (len(OrderState), len(OrderEvent)),
        "intent": (at.N_INTENT,),
        "verdict": (at.N_VERDICT,),
        "stakes": (at.MAX_INSTRUMENTS, at.N_STAKE),
        "effects": (at.MAX_EFFECTS, at.N_EFFECT),
        "records": (at.MAX_WORDS,),
    }
    return np.dtype([(name, np.int64, shapes[name]) for name in StateOf._fields])


def new_state(  # noqa: PLR0913 - what a run is about
    *,
    instruments: Sequence[Instrument],
    instrument_limits: Sequence[InstrumentLimits],
    strategies: Sequence[StrategySlot],
    limits: Ints,
    cash: Decimal,
    start_ns: int,
    targets_trigger: bool = False,
) -> StateTables:
    """Build a fresh state: all cash, no positions, healthy, periods opened at `start_ns`.

    Args:
        instruments: 1..64, all quoted in one currency.
        instrument_limits: one for each instrument.
        strategies: 1..16.
        limits: from `limits_table`.
        cash: > 0, in quote currency, at most 8 decimals.
        start_ns: UTC nanoseconds.
        targets_trigger: targets wait as triggers, because the venue reserves what a resting limit
            would sell, and the stop beside it could not fill.

    Raises:
        InputError: no cash, several quote currencies, too many instruments or strategies, or
            steps too coarse for exact products.
    """
    _check_run(instruments, strategies, cash)
    tables = Tables(State, StateArrays, state_dtype())
    state = tables.arrays
    state.limits[:] = limits
    state.transitions[:] = transition_table()
    for row, (instrument, own) in enumerate(zip(instruments, instrument_limits, strict=True)):
        _write_instrument(state.instruments[row], instrument, own)
        state.correlation[row, row] = at.PPM
    for row, slot in enumerate(strategies):
        state.strategies[row, at.BOOK] = _BOOK_CODES[slot.book]
        state.strategies[row, at.SHARE_PPM] = slot.share_ppm
    state.account[at.TARGETS_TRIGGER] = int(targets_trigger)
    state.account[at.N_INSTRUMENTS] = len(instruments)
    state.account[at.N_STRATEGIES] = len(strategies)
    state.account[at.N_POSITIONS] = len(instruments) * len(strategies)
    _open_account(state, to_money(cash), start_ns)
    set_floor(tables.views)
    return tables


def _check_run(
    instruments: Sequence[Instrument], strategies: Sequence[StrategySlot], cash: Decimal
) -> None:
    if cash <= 0:
        message = f"expected cash > 0, was {cash}"
        raise InputError(message)
    if not 1 <= len(instruments) <= at.MAX_INSTRUMENTS:
        message = f"expected 1 to {at.MAX_INSTRUMENTS} instruments, was {len(instruments)}"
        raise InputError(message)
    if not 1 <= len(strategies) <= at.MAX_STRATEGIES:
        message = f"expected 1 to {at.MAX_STRATEGIES} strategies, was {len(strategies)}"
        raise InputError(message)
    quotes = sorted({instrument.quote for instrument in instruments})
    if len(quotes) != 1:
        message = f"expected instruments quoted in one currency, was {', '.join(quotes)}"
        raise InputError(message)


def _write_instrument(row: Ints, instrument: Instrument, own: InstrumentLimits) -> None:
    numerator, denominator = instrument.value_ratio()
    if numerator > _MAX_VALUE_NUMERATOR:
        message = (
            f"expected tick x lot of {instrument.symbol} <= {_MAX_VALUE_NUMERATOR} money units, "
            f"was {numerator}/{denominator}"
        )
        raise InputError(message, hint="state a smaller --tick or --lot")
    row[at.VALUE_NUM] = numerator
    row[at.VALUE_DEN] = denominator
    row[at.MIN_LOTS] = instrument.min_lots
    row[at.MIN_NOTIONAL] = to_money(instrument.min_notional)
    row[at.IS_MARGIN] = int(instrument.is_margin)
    row[at.SECTOR] = own.sector
    row[at.MAX_STOP_PPM] = own.max_stop_ppm
    row[at.CAP_LOTS] = own.cap_lots


def _open_account(state: StateArrays, cash_units: int, start_ns: int) -> None:
    account = state.account
    for column in (at.CASH, at.EQUITY, at.PEAK, at.DAY_OPEN, at.WEEK_OPEN):
        account[column] = cash_units
    account[at.NOW_NS] = start_ns
    account[at.ACCOUNT_NS] = start_ns
    account[at.RATE_NS] = start_ns
    account[at.RATE_TOKENS] = state.limits[limit.ORDER_BURST] * at.PPM
    account[at.DAY] = start_ns // at.NS_PER_DAY
    account[at.WEEK] = (start_ns + at.MONDAY_OFFSET_NS) // at.NS_PER_WEEK
    account[at.LEVERAGE_CAP] = state.limits[limit.MAX_LEVERAGE]
    account[at.NEXT_NUMBER] = 1
    account[at.NEXT_TIMER_NS] = at.NEVER_NS
    account[at.DIGEST_A] = 2_166_136_261
    account[at.DIGEST_B] = 3_405_691_582


def digest_of(state: State) -> str:
    """Return the running digest of all state transitions, 16 hex digits."""
    return f"{int(state.account[at.DIGEST_A]):08x}{int(state.account[at.DIGEST_B]):08x}"
