"""From an HTTP answer to a result, a typed error, or the admission that nothing is known."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Generic, TypeVar

from athena.domain import SECOND_NS
from athena.errors import AthenaError, OutcomeUnknown, ServiceDown, VenueBusy, VenueRefused
from athena.venues._contract import Pause
from athena.venues.kraken._faults import (
    DEFAULT_PAUSE_NS,
    Fate,
    fate_of,
    pause_until_ns,
    read_error,
    send_error,
    worst_fate,
)
from athena.venues.kraken._fields import Fields
from athena.venues.kraken._json import parse_json
from athena.venues.kraken._limits import CALLS, REST, TRADING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from athena.venues._contract import HttpAnswer
    from athena.venues.limits import Charge

ValueT = TypeVar("ValueT")

_TEAPOT = 418  # some gateways answer it to whoever went on after 429
_SLOW_DOWN = frozenset({HTTPStatus.TOO_MANY_REQUESTS, _TEAPOT})
# Answers of the gateway that turns a request away before anything reads it.
_TURNED_AWAY = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    }
)


@dataclass(frozen=True, slots=True)
class Accepted(Generic[ValueT]):
    """The venue says that it did what was asked.

    Attributes:
        value: what it answered.
    """

    value: ValueT


@dataclass(frozen=True, slots=True)
class Refused:
    """Proven: the venue did nothing. `error.retryable` says whether the same may pass later.

    Attributes:
        error: why.
        codes: Kraken's codes; empty when the gateway turned the request away.
    """

    error: AthenaError
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether the venue did it: keep the exposure, ask by client order id.

    Attributes:
        error: an OutcomeUnknown that says what was seen instead of an answer.
    """

    error: OutcomeUnknown


def read_result(answer: HttpAnswer, what: str) -> Fields:
    """Return the result of a read.

    Args:
        answer: of the request.
        what: the request's name, for errors.

    Raises:
        VenueBusy: 429, 418 or a code that asks to slow down or to wait.
        VenueRefused: a code that will not change.
        ServiceDown: 5xx, or Kraken's own failure; trying again may help.
        VenueError: a body that is no answer of Kraken's (HTML, cut).
    """
    if answer.status in _SLOW_DOWN:
        message = f"expected an answer to {what}, was HTTP {answer.status}: too many requests"
        raise VenueBusy(message)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        message = f"expected an answer to {what}, was HTTP {answer.status}"
        raise ServiceDown(message, hint="try again in a while")
    if answer.status != HTTPStatus.OK:
        message = f"expected an answer to {what}, was HTTP {answer.status}"
        raise VenueRefused(message, hint="check the address: --url or venues.kraken.url")
    codes, result = _envelope(answer.body, what)
    if codes:
        raise read_error(codes, what)
    return result


def read_sent(
    answer: HttpAnswer, what: str, read: Callable[[Fields], ValueT]
) -> Accepted[ValueT] | Refused | Unknown:
    """Judge the answer to a request that changes something; nothing is raised.

    A status or code counts as a refusal only where it proves that nothing was done; an answer
    that cannot be read (HTML, a cut body, a missing field) proves nothing.

    Args:
        answer: of the request.
        what: the request's name, for errors.
        read: translates the result; its VenueError makes the outcome Unknown.
    """
    if answer.status in _SLOW_DOWN | _TURNED_AWAY:
        kind = VenueBusy if answer.status in _SLOW_DOWN else VenueRefused
        return Refused(kind(f"expected an answer to {what}, was HTTP {answer.status}"))
    if answer.status != HTTPStatus.OK:
        return _unknown(f"expected an answer to {what}, was HTTP {answer.status}")
    try:
        codes, result = _envelope(answer.body, what)
        if not codes:
            return Accepted(read(result))
    except AthenaError as error:
        return _unknown(error.message)
    refusal = send_error(codes, what)
    if worst_fate(codes) is Fate.UNKNOWN:
        return _unknown(refusal.message)
    return Refused(refusal, codes)


def slow_down_until_ns(answer: HttpAnswer, now_ns: int) -> int | None:
    """Return until when an answer asks to be left alone: its hint, else 15 s; None if it does not.

    Args:
        answer: of any request.
        now_ns: UTC nanoseconds.
    """
    if answer.status in _SLOW_DOWN:
        hint_ns = (answer.retry_after_s or 0) * SECOND_NS
        return now_ns + (hint_ns or DEFAULT_PAUSE_NS)
    if answer.status != HTTPStatus.OK:
        return None
    try:
        codes, _ = _envelope(answer.body, "a request")
    except AthenaError:
        return None  # whoever reads the result says what is wrong with it
    return pause_until_ns(codes, now_ns)


def pauses_after(answer: HttpAnswer, charges: Iterable[Charge], now_ns: int) -> tuple[Pause, ...]:
    """Return which counters have to rest after an answer, and until when; mostly none.

    An order limit rests the pair's trading counter, so that other pairs and reads go on; a limit
    of the account rests its reads; HTTP 429 and 418 rest everything.

    Args:
        answer: of any request.
        charges: what the request cost.
        now_ns: UTC nanoseconds.
    """
    until_ns = slow_down_until_ns(answer, now_ns)
    if until_ns is None:
        return ()
    family = _limited_family(answer)
    buckets = [charge.bucket for charge in charges if charge.bucket.startswith(family)]
    return tuple(Pause(bucket, until_ns) for bucket in buckets or [CALLS])


def _limited_family(answer: HttpAnswer) -> str:
    if answer.status in _SLOW_DOWN:
        return CALLS
    codes, _ = _envelope(answer.body, "a request")
    slow = next(code for code in codes if fate_of(code) is Fate.SLOW_DOWN)
    if slow.startswith("EOrder:"):
        return TRADING
    return REST if slow.startswith("EAPI:") else CALLS


def no_answer(what: str, reason: str) -> Unknown:
    """Say that a request was sent and nothing came back (a time-out, a lost link)."""
    return _unknown(f"expected an answer to {what}, was {reason}")


def _unknown(message: str) -> Unknown:
    hint = "ask for the order by its client id; do not send it again"
    return Unknown(OutcomeUnknown(message, hint=hint))


def _envelope(body: bytes, what: str) -> tuple[tuple[str, ...], Fields]:
    """Return the error codes and, without any, the result; warnings do not count."""
    answer = Fields.of(parse_json(body, f"the answer to {what}"), what)
    codes = tuple(code for code in answer.texts("error") if not code.startswith("W"))
    if codes:
        return codes, Fields({}, what)
    return (), Fields.of(answer.inner("result").values, what)
