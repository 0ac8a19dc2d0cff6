"""Read the form fields of a request, as strictly as an exchange should."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS, OrderType, Side, TimeInForce, parse_time_ns
from athena.errors import InputError
from athena.venues.exchange._intake import Amendment
from athena.venues.exchange._refusal import UNKNOWN_PAIR, Refusal, refuse, refuse_field
from athena.venues.exchange._state import Request, Terms
from athena.venues.exchange._wire import TYPE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from athena.venues.exchange._settings import Listing

_TYPES = {word: kind for kind, word in TYPE_WORDS.items()}
_LIVES = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "GTD": TimeInForce.GTD,
    "FOK": TimeInForce.FOK,
}
_FLAGS = frozenset({"post", "fciq", "fcib", "nompp"})
_FREE_ID_LENGTH = 18
_HEX_ID_LENGTH = 32
_MIN_DEADLINE_NS, _MAX_DEADLINE_NS = SECOND_NS // 2, 60 * SECOND_NS
_UNSUPPORTED = ("displayvol", "starttm")
_MAX_DIGITS = 30
_MAX_AMOUNT = Decimal(10) ** 15  # beyond it no price or quantity is meant
_MAX_WHOLE_DIGITS = 19
_MAX_EXPIRY_S = 10 * 365 * 86_400  # ahead


def find_listing(listings: Iterable[Listing], name: str) -> Listing:
    """Return the pair of a name in any of Kraken's spellings.

    Raises:
        Refusal: there is none.
    """
    for listing in listings:
        if name in {listing.key, listing.altname, listing.wsname, listing.symbol}:
            return listing
    raise Refusal(UNKNOWN_PAIR)


def read_order(
    fields: Mapping[str, str], listings: Iterable[Listing], stamp_ns: int
) -> tuple[Request, int]:
    """Read AddOrder: the request, and its deadline or 0.

    Raises:
        Refusal: a field is missing, cannot be, or asks for what is not offered (margin, icebergs,
            trailing stops, quantities in quote currency).
    """
    listing = find_listing(listings, fields.get("pair", ""))
    if any(fields.get(name, "0") not in {"", "0"} for name in _UNSUPPORTED):
        refuse_field(next(name for name in _UNSUPPORTED if name in fields))
    if fields.get("leverage", "none") not in {"", "none", "1", "1:1"}:
        refuse_field("leverage")
    if is_true(fields, "reduce_only"):
        refuse("EOrder:Reduce only:No position exists")
    if fields.get("trigger", "last") != "last":
        refuse_field("trigger")
    if fields.get("type") not in {"buy", "sell"}:
        refuse_field("type")
    side = Side(fields["type"])
    flags = _flags(fields)
    has_close = any(name.startswith("close[") for name in fields)
    request = Request(
        symbol=listing.symbol,
        side=side,
        terms=_terms(fields, "ordertype", "price", "price2"),
        quantity=_positive(fields, "volume"),
        client_id=_client_id(fields),
        userref=_whole(fields, "userref"),
        time_in_force=_life(fields),
        expires_stamp_ns=_expiry(fields, stamp_ns),
        is_post_only="post" in flags,
        is_fee_in_quote="fciq" in flags or ("fcib" not in flags and side is Side.BUY),
        close=_terms(fields, "close[ordertype]", "close[price]", "close[price2]")
        if has_close
        else None,
    )
    return request, read_deadline(fields, stamp_ns)


def read_amendment(fields: Mapping[str, str]) -> Amendment:
    """Read AmendOrder's changes.

    Raises:
        Refusal: there is none, or one that cannot be.
    """
    names = ("order_qty", "limit_price", "trigger_price")
    values = [_positive(fields, name) if name in fields else None for name in names]
    if all(value is None for value in values):
        refuse_field("order_qty")
    return Amendment(
        quantity=values[0],
        limit=values[1],
        trigger=values[2],
        is_post_only=is_true(fields, "post_only"),
    )


def read_deadline(fields: Mapping[str, str], stamp_ns: int) -> int:
    """Read a deadline, or 0 without one.

    Raises:
        Refusal: no time, or more than 60 s ahead; one that has passed is for the book to refuse.
    """
    value = fields.get("deadline", "")
    if not value:
        return 0
    try:
        deadline_ns = parse_time_ns(value)
    except (InputError, OverflowError):
        refuse_field("deadline")
    if deadline_ns - stamp_ns > _MAX_DEADLINE_NS:
        refuse_field("deadline")
    return deadline_ns


def read_seconds_ns(fields: Mapping[str, str], name: str) -> int:
    """Read a time in seconds since 1970, which may have a fraction, as nanoseconds.

    Raises:
        Refusal: it is none.
    """
    whole, _, fraction = fields.get(name, "").partition(".")
    nanoseconds = read_whole({name: fraction[:9].ljust(9, "0")}, name)
    return read_whole({name: whole}, name) * SECOND_NS + nanoseconds


def is_true(fields: Mapping[str, str], name: str) -> bool:
    """Read a switch; what is not there is off."""
    return str(fields.get(name, "")).lower() in {"true", "1"}


def read_whole(fields: Mapping[str, str], name: str) -> int:
    """Read a whole number >= 0; what is not there is 0.

    Raises:
        Refusal: it is none.
    """
    return _whole(fields, name, is_signed=False)


def _terms(fields: Mapping[str, str], kind: str, price: str, price2: str) -> Terms:
    word = fields.get(kind, "")
    if word not in _TYPES:
        refuse_field("ordertype")
    match _TYPES[word]:
        case OrderType.MARKET:
            return Terms(type=OrderType.MARKET)
        case OrderType.LIMIT:
            return Terms(type=OrderType.LIMIT, limit=_positive(fields, price))
        case OrderType.STOP | OrderType.TAKE_PROFIT as plain:
            return Terms(type=plain, trigger=_positive(fields, price))
        case limited:
            trigger = _positive(fields, price)
            return Terms(type=limited, trigger=trigger, limit=_positive(fields, price2))


def _positive(fields: Mapping[str, str], name: str) -> Decimal:
    value = fields.get(name, "")
    is_plain = value.isascii() and value.strip("0123456789.") == "" and len(value) <= _MAX_DIGITS
    try:
        number = Decimal(value) if is_plain else Decimal(0)
    except InvalidOperation:
        number = Decimal(0)
    if not 0 < number < _MAX_AMOUNT:
        refuse_field(name.removeprefix("close[").removesuffix("]"))
    return number


def _whole(fields: Mapping[str, str], name: str, *, is_signed: bool = True) -> int:
    value = fields.get(name, "") or "0"
    digits = value.removeprefix("-") if is_signed else value
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _MAX_WHOLE_DIGITS:
        refuse_field(name)
    return int(value)


def _client_id(fields: Mapping[str, str]) -> str:
    value = fields.get("cl_ord_id", "")
    plain = value.replace("-", "").lower()
    is_hex = len(plain) == _HEX_ID_LENGTH and plain.strip("0123456789abcdef") == ""
    is_free = len(value) <= _FREE_ID_LENGTH and value.isascii() and value.isprintable()
    if not (is_hex or is_free):
        refuse_field("cl_ord_id")
    return value


def _flags(fields: Mapping[str, str]) -> frozenset[str]:
    flags = frozenset(filter(None, fields.get("oflags", "").split(",")))
    if not flags <= _FLAGS or {"fciq", "fcib"} <= flags:
        refuse_field("oflags")
    return flags


def _life(fields: Mapping[str, str]) -> TimeInForce:
    word = (fields.get("timeinforce") or "GTC").upper()
    if word not in _LIVES:
        refuse_field("timeinforce")
    return _LIVES[word]


def _expiry(fields: Mapping[str, str], stamp_ns: int) -> int:
    value = fields.get("expiretm", "0")
    is_relative = value.startswith("+")
    seconds = _whole({"expiretm": value.removeprefix("+")}, "expiretm", is_signed=False)
    if not seconds:
        return 0
    expiry_ns = stamp_ns + seconds * SECOND_NS if is_relative else seconds * SECOND_NS
    if expiry_ns > stamp_ns + _MAX_EXPIRY_S * SECOND_NS:
        refuse_field("expiretm")
    return expiry_ns
