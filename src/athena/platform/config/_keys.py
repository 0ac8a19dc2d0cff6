"""What a configuration key is made of: bounded types, a default and a meaning."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Section(BaseModel):
    """A frozen group of keys that refuses a key it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )


def key(  # noqa: PLR0913  # the four bounds
    default: object,
    meaning: str,
    *,
    ge: Decimal | int | None = None,
    gt: Decimal | int | None = None,
    le: Decimal | int | None = None,
    lt: Decimal | int | None = None,
) -> Any:  # noqa: ANN401  # a field stands for its value
    """Declare a key with its default, its meaning in a few words and bounds of its own."""
    field: Any = Field(default=default, description=meaning, ge=ge, gt=gt, le=le, lt=lt)
    return field


def _no_bool(value: object) -> object:
    # YAML reads `yes` as True, and pydantic True as 1: a limit must not come about like that.
    if isinstance(value, bool):
        message = f"expected a number, was {value}"
        raise ValueError(message)  # noqa: TRY004  # pydantic reports a ValueError, not a TypeError
    return value


Number = Annotated[Decimal, BeforeValidator(_no_bool)]
Whole = Annotated[int, BeforeValidator(_no_bool)]

Fraction = Annotated[Number, Field(gt=0, le=1)]
Confidence = Annotated[Number, Field(ge=0, le=1)]
Factor = Annotated[Number, Field(ge=0, le=1)]
Ratio = Annotated[Number, Field(gt=0, le=100)]
Amount = Annotated[Number, Field(gt=0)]
BasisPoints = Annotated[Number, Field(ge=0, le=10_000)]
Leverage = Annotated[Whole, Field(ge=1, le=5)]
Count = Annotated[Whole, Field(ge=1, le=10_000)]
Minutes = Annotated[Whole, Field(ge=0, le=525_600)]
Address = Annotated[str, Field(pattern="^https?://[^/@?#]+$")]
# What is sent there must not be readable on the way: TLS, unless it stays on this machine.
_WEB = r"(https://[^/@?#\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)(/[^@?#\s]*)?"
WebAddress = Annotated[str, Field(pattern=f"^{_WEB}$")]
OptionalWebAddress = Annotated[str, Field(pattern=f"^({_WEB})?$")]
_MAIL = r"[^@\s,<>]+@[^@\s,<>]+"
OptionalMailAddress = Annotated[str, Field(pattern=f"^({_MAIL})?$")]
MailAddresses = Annotated[str, Field(pattern=f"^({_MAIL}(, *{_MAIL})*)?$")]
_SYMBOL = r"[A-Z0-9]+/[A-Z0-9]+"
Symbols = Annotated[str, Field(pattern=f"^{_SYMBOL}(, *{_SYMBOL})*$")]
Interval = Annotated[str, Field(pattern=r"^[1-9]\d*[smhdw]$")]
Urgency = Literal["notice", "warning", "urgent"]
Base = Annotated[str, Field(pattern="^[A-Z0-9]+$")]
AmountPerBase = dict[Base, Amount]
FractionPerBase = dict[Base, Fraction]
