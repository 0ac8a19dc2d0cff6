"""Read the fields of a message by name and type; what is missing or wrong is named with its path.

Fields that nobody asks for are ignored, so that Kraken may add some.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Never, TypeVar

from athena.domain import INT64_MAX, SECOND_NS, parse_time_ns
from athena.errors import InputError, VenueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MeaningT = TypeVar("MeaningT")

_MAX_EXPONENT = 30  # a price or quantity beyond 10**30, or finer than 10**-30, is none
_LAST_SECOND = 253_402_300_799  # 9999-12-31, beyond which a date cannot be written


def malformed(path: str, expected: str, value: object) -> Never:
    """Refuse a field.

    Raises:
        VenueError: always; names the field, what was expected and what it was.
    """
    message = f"expected {expected} in {path}, was {str(value)[:80]!r}"
    raise VenueError(message)


@dataclass(frozen=True, slots=True)
class Fields:
    """Hold one JSON object and where it stands in the message.

    Every reader raises VenueError when the field is missing or of another kind; the readers that
    start with `maybe_` return None for a field that is absent, null or an empty text.

    Attributes:
        values: the object.
        path: for errors, such as `OpenOrders.open.OABC-DEF`.
    """

    values: Mapping[str, Any]
    path: str

    @classmethod
    def of(cls, value: object, path: str) -> Fields:
        """Read an object that stands at a path."""
        if not isinstance(value, dict):
            malformed(path, "an object", value)
        return cls(value, path)

    def text(self, name: str) -> str:
        """Read a text that is not empty."""
        value = self._get(name)
        if not isinstance(value, str) or not value:
            malformed(self._at(name), "a text", value)
        return value

    def maybe_text(self, name: str) -> str | None:
        """Read a text."""
        return self.text(name) if self._is_there(name) else None

    def flag(self, name: str) -> bool:
        """Read a boolean."""
        value = self._get(name)
        if not isinstance(value, bool):
            malformed(self._at(name), "true or false", value)
        return value

    def whole(self, name: str) -> int:
        """Read a whole number of 64 bits, as a number or as text."""
        value = self._get(name)
        number = read_decimal(value, self._at(name))
        if number != int(number) or abs(number) > INT64_MAX:
            malformed(self._at(name), "a whole number", value)
        return int(number)

    def decimal(self, name: str) -> Decimal:
        """Read a number with the digits that were sent."""
        return read_decimal(self._get(name), self._at(name))

    def amount(self, name: str) -> Decimal:
        """Read a number >= 0."""
        value = self.decimal(name)
        if value < 0:
            malformed(self._at(name), "a number >= 0", value)
        return value

    def maybe_amount(self, name: str) -> Decimal | None:
        """Read a number >= 0."""
        return self.amount(name) if self._is_there(name) else None

    def seconds_ns(self, name: str) -> int:
        """Read a time in seconds since 1970, to the digit, as nanoseconds."""
        return read_seconds_ns(self._get(name), self._at(name))

    def maybe_seconds_ns(self, name: str) -> int | None:
        """Read a time in seconds since 1970; 0 means none."""
        if not self._is_there(name):
            return None
        return self.seconds_ns(name) or None

    def iso_ns(self, name: str) -> int:
        """Read an RFC 3339 time as nanoseconds; digits under a microsecond are dropped."""
        text = self.text(name)
        try:
            return parse_time_ns(text)
        except (InputError, OverflowError):
            malformed(self._at(name), "an RFC 3339 time", text)

    def one_of(self, name: str, meanings: Mapping[str, MeaningT]) -> MeaningT:
        """Read a text that stands for one of the known meanings."""
        value = self.text(name)
        if value not in meanings:
            malformed(self._at(name), " or ".join(meanings), value)
        return meanings[value]

    def inner(self, name: str) -> Fields:
        """Read an object."""
        return Fields.of(self._get(name), self._at(name))

    def entries(self) -> Iterator[tuple[str, Fields]]:
        """Yield each key with the object that stands under it."""
        for key, value in self.values.items():
            yield key, Fields.of(value, self._at(key))

    def items(self, name: str) -> list[Any]:
        """Read a list of anything."""
        value = self._get(name)
        if not isinstance(value, list):
            malformed(self._at(name), "a list", value)
        return value

    def objects(self, name: str) -> list[Fields]:
        """Read a list of objects."""
        return [
            Fields.of(item, f"{self._at(name)}[{index}]")
            for index, item in enumerate(self.items(name))
        ]

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts."""
        values = self.items(name)
        if not all(isinstance(value, str) and value for value in values):
            malformed(self._at(name), "a list of texts", values)
        return tuple(values)

    def _get(self, name: str) -> Any:  # noqa: ANN401 (JSON may be anything)
        if name not in self.values:
            message = f"expected the field {self._at(name)}, was missing"
            raise VenueError(message)
        return self.values[name]

    def _is_there(self, name: str) -> bool:
        return self.values.get(name) not in (None, "")

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}"


def read_decimal(value: object, path: str) -> Decimal:
    """Read a finite number from text or a JSON number, with the digits that were sent.

    Raises:
        VenueError: not a number, NaN, infinite, or of no size that a price or quantity has.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        malformed(path, "a number", value)
    # Decimal reads more than Kraken writes: blanks, underscores, digits of other scripts.
    if isinstance(value, str) and not (value.isascii() and value.strip("0123456789.eE+-") == ""):
        malformed(path, "a number", value)
    try:
        number = Decimal(value)
    except InvalidOperation:
        malformed(path, "a number", value)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_MAX_EXPONENT:
        malformed(path, "a number of at most 30 decimals", value)
    if number.adjusted() > _MAX_EXPONENT or exponent > _MAX_EXPONENT:
        malformed(path, "a number below 10**30", value)
    return number


def read_seconds_ns(value: object, path: str) -> int:
    """Read seconds since 1970 as nanoseconds, to the digit; under a nanosecond is dropped.

    Raises:
        VenueError: not a number, or not between 1970 and 9999.
    """
    seconds = read_decimal(value, path)
    if not 0 <= seconds <= _LAST_SECOND:
        malformed(path, "seconds since 1970", value)
    return int(seconds * SECOND_NS)
