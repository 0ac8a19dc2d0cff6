"""A statistic of sums over dates with its interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.errors import InputError
from athena.research.statistics import estimate_of_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mean(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(sums[:, 0] / sums[:, 1])


def table(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([values, np.ones(len(values))], axis=1)


def test_the_value_is_that_of_the_whole_and_lies_in_its_interval() -> None:
    values = np.random.default_rng(1).normal(0.5, 1.0, 400)
    found = estimate_of_sums(table(values), mean, 400, block=1)
    assert found.value == pytest.approx(values.mean())
    assert found.low < found.value < found.high
    error = values.std() / math.sqrt(400)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert found.n == 400


def test_values_that_follow_each_other_make_it_wider() -> None:
    noise = np.random.default_rng(2).normal(0, 1, 1_000)
    joined = np.convolve(noise, np.ones(10), "valid")
    wide = estimate_of_sums(table(joined), mean, len(joined), block=20)
    narrow = estimate_of_sums(table(joined), mean, len(joined), block=1)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_ends_count_as_much_as_the_middle() -> None:
    """Circular blocks: a series that is large at its ends keeps its mean inside."""
    values = np.concatenate([np.full(20, 10.0), np.zeros(160), np.full(20, 10.0)])
    found = estimate_of_sums(table(values), mean, 200, block=20)
    assert (found.low + found.high) / 2 == pytest.approx(found.value, abs=0.6)


def test_too_few_dates_give_no_interval() -> None:
    found = estimate_of_sums(table(np.arange(39.0)), mean, 39, block=20)
    assert found.value == 19.0
    assert not found.has_interval


def test_the_same_sums_give_the_same_interval() -> None:
    values = table(np.random.default_rng(3).normal(0, 1, 100))
    assert estimate_of_sums(values, mean, 100) == estimate_of_sums(values, mean, 100)


def test_bad_sums_are_refused() -> None:
    for sums, block in (
        (np.zeros(4), 1),
        (np.zeros((0, 2)), 1),
        (np.array([[1.0, np.nan]]), 1),
        (np.ones((5, 2)), 0),
    ):
        with pytest.raises(InputError, match="finite sums"):
            estimate_of_sums(sums, mean, 1, block)
