"""Which instrument a file's bars belong to, and in which steps they are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.domain import Instrument, built_in_instrument, built_in_symbols, with_steps
from athena.errors import InputError

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path


def find_instrument(
    symbol: str, venue: str = "", *, tick: Decimal | None = None, lot: Decimal | None = None
) -> Instrument:
    """Look an instrument up in the built-in table; stated steps win over the table's.

    Raises:
        InputError: the table does not have it and `tick` or `lot` is missing.
    """
    known = built_in_instrument(symbol, venue)
    if known is not None:
        return with_steps(
            known,
            known.tick if tick is None else tick,
            known.lot if lot is None else lot,
        )
    if tick is None or lot is None:
        table = ", ".join(built_in_symbols())
        message = f"expected a symbol of the built-in table, {table}, or its steps, was {symbol}"
        how = f"athena data import FILE --symbol {symbol} --interval 1h --tick 0.01 --lot 0.001"
        raise InputError(message, hint=f"state its steps: {how}")
    return Instrument(symbol, tick, lot)


def symbol_from_name(path: Path) -> str:
    """Read the symbol from a file's name, `BTCUSDT_1h.parquet -> BTC/USDT`.

    Raises:
        InputError: no built-in symbol stands at the start of the name.
    """
    stem = "".join(char for char in path.stem.upper() if char.isalnum())
    # The longest first: BTCUSDT also starts with BTCUSD.
    for symbol in sorted(built_in_symbols(), key=len, reverse=True):
        if stem.startswith(symbol.replace("/", "")):
            return symbol
    message = f"expected a symbol at the start of the file name, was {path.name}"
    raise InputError(message, hint="name it: --symbol BTC/USDT")
