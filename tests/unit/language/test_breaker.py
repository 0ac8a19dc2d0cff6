"""A provider that keeps failing is left alone, then tried once (DK-43)."""

from __future__ import annotations

from athena.domain import SECOND_NS
from athena.language import Breaker

S = SECOND_NS


def opened() -> Breaker:
    breaker = Breaker(3, 300)
    for _ in range(3):
        assert breaker.admit(0)
        breaker.fail(0)
    return breaker


def test_it_opens_at_the_third_failure_in_a_row_and_not_before() -> None:
    """DK-43."""
    breaker = Breaker(3, 300)
    for _ in range(2):
        breaker.fail(0)
    assert breaker.admit(0)
    breaker.succeed()
    for _ in range(2):
        breaker.fail(0)
    assert breaker.admit(0)
    breaker.fail(0)
    assert not breaker.admit(0)


def test_after_the_rest_one_trial_is_made() -> None:
    """DK-43: skipped for 300 s, then one trial call."""
    breaker = opened()
    assert not breaker.admit(300 * S - 1)
    assert breaker.admit(300 * S)
    assert not breaker.admit(300 * S)
    assert not breaker.admit(900 * S)


def test_a_trial_that_succeeds_closes_and_one_that_fails_opens_anew() -> None:
    breaker = opened()
    assert breaker.admit(300 * S)
    breaker.fail(301 * S)
    assert not breaker.admit(600 * S)
    assert breaker.admit(601 * S)
    breaker.succeed()
    assert breaker.admit(601 * S)
    assert breaker.admit(601 * S)


def test_a_trial_given_up_without_a_verdict_may_be_made_again() -> None:
    breaker = opened()
    assert breaker.admit(300 * S)
    breaker.let_go()
    assert breaker.admit(300 * S)


def test_it_says_how_long_it_rests() -> None:
    assert Breaker(3, 300).rest_s(0) == 0
    breaker = opened()
    assert [breaker.rest_s(second * S) for second in (0, 1, 299, 300, 301)] == [300, 299, 1, 0, 0]
    assert breaker.rest_s(299 * S + 1) == 1
