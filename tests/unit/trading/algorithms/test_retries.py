"""Retries of protections and exits: few, later each time, and only after proof."""

from __future__ import annotations

import pytest

from athena.errors import InputError
from athena.trading._records import Report
from athena.trading.algorithms import MAX_RETRIES, may_retry, retry_after_ns
from tests.algorithm_cases import SECOND


@pytest.mark.parametrize(("n", "wait_s"), [(0, 5), (1, 10), (2, 20)])
def test_waits_double_from_five_seconds_with_less_than_a_quarter_of_jitter(
    n: int, wait_s: int
) -> None:
    waits = {retry_after_ns(n, f"order {k}") for k in range(200)}
    assert all(
        wait is not None and 0 <= wait - wait_s * SECOND < wait_s * SECOND // 4 for wait in waits
    )
    assert len(waits) == 200


def test_the_same_key_waits_as_long_on_replay() -> None:
    assert retry_after_ns(1, "a") == retry_after_ns(1, "a")


def test_after_three_retries_there_is_none() -> None:
    assert retry_after_ns(MAX_RETRIES, "a") is None


@pytest.mark.parametrize(("n", "key"), [(-1, "a"), (0, "")])
def test_a_retry_of_nothing_is_refused(n: int, key: str) -> None:
    with pytest.raises(InputError):
        retry_after_ns(n, key)


@pytest.mark.parametrize("end", Report)
def test_only_proof_that_the_venue_does_not_have_it_allows_another(end: Report) -> None:
    is_proof = end in {Report.NOT_SENT, Report.ABSENT_PROVEN}
    assert may_retry(end, 0) == is_proof
    assert not may_retry(end, MAX_RETRIES)
