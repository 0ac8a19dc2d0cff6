"""What an operation was worth is computed from what it did (A17)."""

from __future__ import annotations

import math

import pytest

from athena.errors import InputError
from athena.memory.agent import (
    filter_quality,
    operation_reward,
    retrieval_quality,
    summary_quality,
)

FACTS = [f"fact number{k}" for k in range(10)]


def test_a_summary_that_keeps_more_facts_is_worth_more() -> None:
    """A17: nine of ten against three of ten, same length."""
    nine, three = (" ".join(FACTS[:n]) for n in (9, 3))
    best, worst = (summary_quality(text, FACTS, 100, 30) for text in (nine, three))
    assert (best, worst) == (pytest.approx(0.9), pytest.approx(0.3))
    assert summary_quality(nine, FACTS, 100, 100) == pytest.approx(0.9 * 0.3)


def test_a_filter_that_keeps_the_right_half_is_worth_more() -> None:
    """A17."""
    right, wrong = {"a", "b"}, {"c", "d"}
    assert filter_quality(right, right, 4) == 1.0
    assert filter_quality(wrong, right, 4) == 0.0
    assert filter_quality(right | wrong, right, 4) == 0.0, "nothing was dropped"
    assert filter_quality({"a", "c"}, right, 4) == 0.5


def test_irrelevant_entries_are_worth_nothing() -> None:
    """ML-10."""
    assert retrieval_quality(["a", "b", "c", "d", "e"], ["x"]) == 0.0
    assert retrieval_quality(["x"], ["x"]) == 1.0
    assert retrieval_quality(["x", "a"], ["x", "y"]) == 0.25
    assert retrieval_quality([], []) == 1.0
    assert retrieval_quality(["a"], []) == 0.0


def test_a_reward_is_success_speed_and_quality() -> None:
    """ML-09: the latency is the record's, so the reward is the same at any time."""
    values = {"is_success": True, "latency_ns": 200_000_000, "quality": 0.5}
    assert operation_reward(**values) == pytest.approx(0.5 + 0.3 * math.exp(-1) + 0.1)
    assert operation_reward(**values) == operation_reward(**values)
    assert operation_reward(is_success=False, latency_ns=10**9, quality=0.0) == -0.25
    assert operation_reward(is_success=True, latency_ns=0, quality=1.0) == 1.0


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(InputError, match="key facts"):
        summary_quality("text", [], 10, 3)
    with pytest.raises(InputError, match="at most 1 items kept"):
        filter_quality(["a", "b"], ["a"], 1)
    with pytest.raises(InputError, match="a quality in"):
        operation_reward(is_success=True, latency_ns=1, quality=1.5)
