"""Show facts blind: no name, no date, no price level, so that a model cannot remember the answer.

Instruments become ASSET_1, ASSET_2; a moment becomes its distance from now; the first price of an
instrument becomes 100, its first volume too, and the rest keep their ratios. Texts of others are
dropped unless they would fit any market at any time. The mapping back enters no prompt.

The shape of the prices themselves is left: a model that knows a chart by heart may know it again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS
from athena.errors import CheckFailed, InputError
from athena.language.prompts._facts import Asset, Moment, PriceOf, VolumeOf, Words
from athena.language.prompts._identity import (
    is_generic,
    name_pattern,
    names_of,
    tells_time,
)
from athena.language.prompts._quote import clean, number, quote

if TYPE_CHECKING:
    from athena.language.prompts._facts import Fact
    from athena.language.prompts._quote import Plain

_BASE = Decimal(100)
_STEP = Decimal("0.0001")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SHORTEST_LEVEL = 4  # significant digits from which a number tells where a market stood


@dataclass(frozen=True, slots=True)
class Mapped:
    """How to read a blind answer.

    Attributes:
        symbols: ASSET_n -> symbol.
        prices: symbol -> the price that was shown as 100.
    """

    symbols: Mapping[str, str]
    prices: Mapping[str, Decimal]

    def symbol(self, name: str) -> str:
        """Return the symbol behind a name.

        Raises:
            InputError: no such name was shown.
        """
        if name not in self.symbols:
            message = f"expected one of {', '.join(self.symbols)}, was {name!r}"
            raise InputError(message)
        return self.symbols[name]

    def price(self, symbol: str, shown: Decimal) -> Decimal:
        """Return the price that a shown one stands for.

        Raises:
            InputError: no price of this symbol was shown.
        """
        if symbol not in self.prices:
            message = f"expected a symbol whose price was shown, was {symbol!r}"
            raise InputError(message)
        return shown * self.prices[symbol] / _BASE


@dataclass(frozen=True, slots=True)
class Blinded:
    """Facts as they may be shown.

    Attributes:
        block: the quotation for the prompt; see `data_block`.
        mapped: how to read the answer; it never enters a prompt.
        n_dropped: texts that were left out.
    """

    block: str
    mapped: Mapped
    n_dropped: int


def blind_block(
    name: str, facts: Fact, as_of_ns: int, *, known_names: Sequence[str] = ()
) -> Blinded:
    """Quote facts for a prompt, blind; what is left is searched once more before it is returned.

    Args:
        name: what it is, as for `data_block`.
        facts: a tree of values; whatever is a price, volume, moment or name has to say so.
        as_of_ns: now, UTC.
        known_names: further names that must not be shown, such as of companies and people.

    Raises:
        InputError: a moment lies after now, no price of an instrument is above 0, or a number is
            NaN or infinite.
        CheckFailed: a name, a date or a price level is left, because a value did not say what it
            is; the message says where.
    """
    masker = _Masker(as_of_ns, known_names)
    masker.gather(facts)
    shown = masker.show(facts)
    masker.search(shown, name)
    mapped = Mapped({name: symbol for symbol, name in masker.names.items()}, masker.prices)
    return Blinded(quote(name, shown), mapped, masker.n_dropped)


class _Masker:
    """Gather what has to be hidden, show the facts without it, search what is shown."""

    def __init__(self, as_of_ns: int, known_names: Sequence[str]) -> None:
        self._as_of_ns = as_of_ns
        self._known_names = known_names
        self.names: dict[str, str] = {}
        self.prices: dict[str, Decimal] = {}
        self._volumes: dict[str, Decimal] = {}
        self._levels: set[Decimal] = set()
        self._rebased: set[Decimal] = set()
        self._pattern = name_pattern(known_names)
        self.n_dropped = 0

    def gather(self, fact: Fact) -> None:
        """Note every symbol and the first price and volume of each, in the order of the facts."""
        match fact:
            case Asset(symbol):
                self._name(symbol)
            case PriceOf(symbol, value):
                self._note(self.prices, symbol, value)
            case VolumeOf(symbol, value):
                self._note(self._volumes, symbol, value)
            case str():
                return
            case Mapping():
                for item in fact.values():
                    self.gather(item)
            case Sequence():
                for item in fact:
                    self.gather(item)

    def show(self, fact: Fact) -> Plain:  # noqa: PLR0911  # one line for each kind of fact
        """Write the facts without what has to be hidden."""
        match fact:
            case Asset(symbol):
                return self.names[symbol]
            case PriceOf(symbol, value):
                return self._ratio(self.prices, symbol, value)
            case VolumeOf(symbol, value):
                return self._ratio(self._volumes, symbol, value)
            case Moment(ts_ns):
                return self._distance(ts_ns)
            case Words(text):
                return self._words(text)
            case str():
                return clean(fact)
            case float() | Decimal():
                return number(fact)
            case Mapping():
                return {clean(key): self.show(item) for key, item in fact.items()}
            case Sequence():
                return [self.show(item) for item in fact]
        return fact

    def search(self, shown: Plain, place: str) -> None:
        """Search what is shown for names, dates and levels that did not say what they are."""
        if isinstance(shown, dict):
            for key, item in shown.items():
                self._search_text(key, place)
                self.search(item, f"{place}.{key}")
        elif isinstance(shown, list):
            for item in shown:
                self.search(item, f"{place}.*")
        elif isinstance(shown, str):
            self._search_text(shown, place)
        elif isinstance(shown, int | float) and not isinstance(shown, bool):
            self._search_level(abs(_exact(shown)), place)

    def _name(self, symbol: str) -> None:
        if symbol not in self.names:
            self.names[symbol] = f"ASSET_{len(self.names) + 1}"
            known = [*self._known_names, *(n for item in self.names for n in names_of(item))]
            self._pattern = name_pattern(known)

    def _note(self, anchors: dict[str, Decimal], symbol: str, value: Decimal | float) -> None:
        self._name(symbol)
        exact = _exact(value)
        self._levels.add(abs(exact))
        if exact > 0:
            anchors.setdefault(symbol, exact)

    def _ratio(self, anchors: dict[str, Decimal], symbol: str, value: Decimal | float) -> float:
        if not value:
            return 0.0
        if symbol not in anchors:
            message = f"expected a price or volume of {symbol} above 0, was {value}"
            raise InputError(message)
        rebased = (_exact(value) * _BASE / anchors[symbol]).quantize(_STEP)
        self._rebased.add(abs(rebased))
        return float(rebased)

    def _distance(self, ts_ns: int) -> str:
        passed_ns = self._as_of_ns - ts_ns
        if passed_ns < 0:
            message = f"expected a moment up to {self._as_of_ns} ns, was {ts_ns}"
            raise InputError(message, hint="nothing after now may be shown")
        days, rest_ns = divmod(passed_ns, DAY_NS)
        hours, rest_ns = divmod(rest_ns, HOUR_NS)
        clock = f" {hours} h {rest_ns // MINUTE_NS} min" if hours or rest_ns else ""
        return f"day -{days}{clock}" if days or clock else "now"

    def _words(self, text: str) -> str | None:
        shown = clean(text)
        if self._pattern.search(shown) or not is_generic(shown):
            self.n_dropped += 1
            return None
        return shown

    def _search_text(self, text: str, place: str) -> None:
        if self._pattern.search(text):
            _fail("a name", place)
        if not _NUMBER.fullmatch(text) and tells_time(text):
            _fail("a date", place)
        for found in _NUMBER.findall(text.replace(",", "")):
            self._search_level(Decimal(found), place)

    def _search_level(self, value: Decimal, place: str) -> None:
        is_level = value in self._levels and _digits(value) >= _SHORTEST_LEVEL
        if is_level and value not in self._rebased:
            _fail("a price level", place)


def _fail(what: str, place: str) -> None:
    message = f"expected nothing that gives the market away, was {what} at {place}"
    raise CheckFailed(message, hint="use Asset, PriceOf, VolumeOf, Moment or Words there")


def _exact(value: Decimal | float) -> Decimal:
    number(value)  # refuses what is not finite
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _digits(value: Decimal) -> int:
    return len(value.normalize().as_tuple().digits)
