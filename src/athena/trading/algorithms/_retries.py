"""Sending a protection or an exit again: seldom, later and later, and only after proof."""

from __future__ import annotations

from athena.domain import SECOND_NS
from athena.errors import InputError
from athena.trading._records import Report
from athena.trading.algorithms._keys import intent_key

MAX_RETRIES = 3
_FIRST_WAIT_NS = 5 * SECOND_NS
_JITTER_PART = 4  # the wait grows by less than a quarter
_PROOFS = frozenset({Report.NOT_SENT, Report.ABSENT_PROVEN})


def retry_after_ns(n_retries: int, key: str) -> int | None:
    """Return how long to wait before the next retry: 5 s x 2^n, up to a quarter more by key.

    The jitter is drawn from the key, so that replay waits as long, and orders that failed
    together do not come back together.

    Args:
        n_retries: made so far, >= 0.
        key: of the order, not empty.

    Returns:
        Nanoseconds; None when three retries were made.

    Raises:
        InputError: the number is negative, or the key is empty.
    """
    if n_retries < 0:
        message = f"expected n_retries >= 0, was {n_retries}"
        raise InputError(message)
    if n_retries >= MAX_RETRIES:
        return None
    wait = _FIRST_WAIT_NS << n_retries
    return wait + intent_key(key, "retry", n_retries) % (wait // _JITTER_PART)


def may_retry(end: Report, n_retries: int) -> bool:
    """Tell whether an order that ended so may be placed anew, under a new key.

    Only proof that the venue does not have it will do: a time-out is none, and what the venue
    refused it would refuse again.
    """
    return end in _PROOFS and n_retries < MAX_RETRIES
