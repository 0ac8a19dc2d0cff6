"""Put data into a prompt so that no text in it can pass for anything but data."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import format_decimal, format_time
from athena.errors import InputError
from athena.language.prompts._facts import Asset, Moment, PriceOf, VolumeOf, Words

if TYPE_CHECKING:
    from athena.language.prompts._facts import Fact

MAX_WORDS = 4_096
_NAME = re.compile("[a-z][a-z0-9_]*")
_LAYOUT = frozenset("\n\t")
# The characters with which a text could end its own quotation.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}

Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None


def data_block(name: str, facts: Fact) -> str:
    """Quote facts for a prompt, as they are: `<data name="...">`, JSON, `</data>`.

    Texts lose characters that nobody sees (controls, zero width, direction marks) and what is
    beyond 4,096 characters. No text can end the quotation, whatever it holds.

    Args:
        name: what it is, lower case, such as `news`.
        facts: a tree of values.

    Raises:
        InputError: the name is none, or a number is NaN or infinite.
    """
    return quote(name, plain(facts))


def quote(name: str, value: Plain) -> str:
    """Quote a value that JSON knows; see `data_block`."""
    if _NAME.fullmatch(name) is None:
        message = f"expected a name of lower-case letters, digits and _, was {name!r}"
        raise InputError(message)
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "), allow_nan=False)
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return f'<data name="{name}">\n{text}\n</data>'


def plain(fact: Fact) -> Plain:  # noqa: PLR0911  # one line for each kind of fact
    """Write facts as values that JSON knows; decimals become numbers in words.

    Raises:
        InputError: a number is NaN or infinite, or the value is of another kind.
    """
    match fact:
        case None | bool() | int():
            return fact
        case str():
            return clean(fact)
        case Words(text):
            return clean(text)
        case Asset(symbol):
            return clean(symbol)
        case Moment(ts_ns):
            return format_time(ts_ns)
        case PriceOf(_, value) | VolumeOf(_, value):
            return number(value)
        case float() | Decimal():
            return number(fact)
        case Mapping():
            return {clean(name): plain(item) for name, item in fact.items()}
        case Sequence():
            return [plain(item) for item in fact]
    message = f"expected a fact, was {type(fact).__name__}"
    raise InputError(message)


def number(value: Decimal | float) -> str | int | float:
    """Write a number: a decimal as text with every digit, so that none is lost.

    Raises:
        InputError: it is NaN or infinite.
    """
    if not math.isfinite(value):
        message = f"expected a finite number, was {value}"
        raise InputError(message, hint="leave out what is not known")
    return format_decimal(value) if isinstance(value, Decimal) else value


def clean(text: str) -> str:
    """Return a text without characters that nobody sees, cut at 4,096."""
    composed = unicodedata.normalize("NFC", text)
    seen = "".join(c for c in composed if c in _LAYOUT or unicodedata.category(c)[0] != "C")
    return seen if len(seen) <= MAX_WORDS else f"{seen[: MAX_WORDS - 1]}…"
