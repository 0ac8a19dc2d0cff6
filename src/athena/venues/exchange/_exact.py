"""Exact products, rounded once; and draws that depend on nothing but their key."""

from __future__ import annotations

import hashlib
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Context, Decimal, Inexact

from athena.venues.exchange._settings import CURRENCY_DECIMALS

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_WIDE = Context(prec=80, traps=[Inexact])  # a product that does not fit is a bug, not a rounding
_ROUNDING = Context(prec=80)
_BPS = Decimal(10_000)
_DRAW_BITS = 32


def times(first: Decimal, second: Decimal) -> Decimal:
    """Multiply, with every digit."""
    return _WIDE.multiply(first, second)


def worth(price: Decimal, quantity: Decimal) -> Decimal:
    """Return the cost of a fill: to 8 decimals, half up, as the trading core books it."""
    return rounded(times(price, quantity), CURRENCY_DECIMALS, ROUND_HALF_UP)


def worth_at_most(price: Decimal, quantity: Decimal) -> Decimal:
    """Return the cost rounded up: what has to be there for it."""
    return rounded(times(price, quantity), CURRENCY_DECIMALS, ROUND_CEILING)


def fee_of(amount: Decimal, bps: Decimal, decimals: int = CURRENCY_DECIMALS) -> Decimal:
    """Return the fee of an amount, rounded up."""
    return rounded(times(times(amount, bps), 1 / _BPS), decimals, ROUND_UP)


def rounded(value: Decimal, decimals: int, rounding: str) -> Decimal:
    """Round to a number of decimals, and write them all."""
    return value.quantize(Decimal((0, (1,), -decimals)), rounding, _ROUNDING)


def to_step(value: Decimal, step: Decimal, *, is_up: bool) -> Decimal:
    """Round a value >= 0 to a whole number of steps."""
    rounding = ROUND_CEILING if is_up else ROUND_DOWN
    steps = _ROUNDING.divide(value, step).quantize(Decimal(1), rounding, _ROUNDING)
    return times(steps, step)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Tell whether a value is a whole number of steps."""
    return _ROUNDING.remainder(value, step) == 0


def draw(seed: int, *key: object) -> Decimal:
    """Draw from [0, 1) by key: the same key always gives the same number."""
    return Decimal(_number(seed, *key) >> (256 - _DRAW_BITS)) / (1 << _DRAW_BITS)


def new_id(seed: int, letter: str, counter: int) -> str:
    """Make an id in Kraken's form, such as `OABCDE-FGHIJ-KLMNOP`."""
    number = _number(seed, letter, counter)
    text = letter
    for _ in range(16):
        number, digit = divmod(number, len(_LETTERS))
        text += _LETTERS[digit]
    return f"{text[:6]}-{text[6:11]}-{text[11:]}"


def new_token(seed: int, counter: int) -> str:
    """Make the token of a private stream."""
    return f"{_number(seed, 'token', counter):064x}"[:43]


def _number(seed: int, *key: object) -> int:
    text = "\x00".join(map(str, (seed, *key)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
