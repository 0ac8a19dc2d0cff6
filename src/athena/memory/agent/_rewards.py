"""What one operation was worth, computed from what it did; nothing here is a constant (A17)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from athena.errors import InputError
from athena.memory.entries import share_of_words

if TYPE_CHECKING:
    from collections.abc import Collection

_SUCCESS_WEIGHT, _EFFICIENCY_WEIGHT, _QUALITY_WEIGHT = 0.5, 0.3, 0.2
_FAILED = -0.5
_QUICK_NS = 100_000_000
_SLOW_NS = 1_000_000_000
_COMPRESSION = 0.3
_REDUCTION = 0.5
_MOST_COUNTED = 5


def operation_reward(*, is_success: bool, latency_ns: int, quality: float) -> float:
    """Return 0.5 x (1 | -0.5) + 0.3 x efficiency + 0.2 x quality, in [-0.25, 1].

    Efficiency is min(1, exp(1 - latency / 100 ms)), and 0 from one second on. The latency is that
    of the record, so that a reward computed again is the same (ML-09).

    Raises:
        InputError: the quality is not in [0, 1], or the latency negative.
    """
    if not 0 <= quality <= 1 or latency_ns < 0:
        message = f"expected a quality in [0, 1] and a latency >= 0, was {quality}, {latency_ns}"
        raise InputError(message)
    is_slow = latency_ns >= _SLOW_NS
    efficiency = 0.0 if is_slow else min(1.0, math.exp(1 - latency_ns / _QUICK_NS))
    success = 1.0 if is_success else _FAILED
    return _SUCCESS_WEIGHT * success + _EFFICIENCY_WEIGHT * efficiency + _QUALITY_WEIGHT * quality


def retrieval_quality(found: Collection[str], relevant: Collection[str]) -> float:
    """Return relevant found / min(5, relevant existing) x precision, in [0, 1] (ML-10).

    When nothing is relevant, finding nothing is worth 1 and finding anything 0.
    """
    if not relevant:
        return 0.0 if found else 1.0
    n_right = len(set(found) & set(relevant))
    if not n_right:
        return 0.0
    return min(1.0, n_right / min(_MOST_COUNTED, len(set(relevant)))) * n_right / len(set(found))


def summary_quality(
    summary: str, key_facts: Collection[str], n_tokens_before: int, n_tokens: int
) -> float:
    """Return recall of the key facts x (1 - |compression - 0.3|), in [0, 1].

    Compression is tokens after / tokens before. A key fact is there when all its words are.

    Raises:
        InputError: there are no key facts, or there was nothing to sum up.
    """
    if not key_facts or n_tokens_before <= 0:
        message = "expected key facts and something to sum up, was none"
        raise InputError(message)
    recall = sum(share_of_words(fact, summary) == 1.0 for fact in key_facts) / len(key_facts)
    return recall * max(0.0, 1 - abs(n_tokens / n_tokens_before - _COMPRESSION))


def filter_quality(kept: Collection[str], relevant: Collection[str], n_before: int) -> float:
    """Return F1 of the kept items x min(1, reduction / 0.5), in [0, 1].

    Reduction is the share of the items that was dropped.

    Raises:
        InputError: there was nothing to filter, or more was kept than there was.
    """
    if not len(kept) <= n_before or n_before <= 0:
        message = f"expected at most {n_before} items kept of at least 1, was {len(kept)}"
        raise InputError(message)
    n_right = len(set(kept) & set(relevant))
    f1 = 2 * n_right / (len(kept) + len(relevant)) if n_right else 0.0
    return f1 * min(1.0, (1 - len(kept) / n_before) / _REDUCTION)
