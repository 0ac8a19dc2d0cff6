"""Means are compared exactly, also where the products of their sums leave 64 bits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from athena.research.strategies._signals import sma_trend
from athena.research.strategies._sma import _compare_means

PRICES = st.integers(1, 2 * 10**13)  # 200,000 in ticks of 10^-8


def sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)


@given(fast_sum=PRICES, rest=PRICES, lengths=st.sampled_from([(1, 2), (10, 30), (900, 9_000)]))
def test_the_rule_compares_means_as_fractions_do(
    fast_sum: int, rest: int, lengths: tuple[int, int]
) -> None:
    fast, slow = lengths
    fast_sum, slow_sum = fast_sum * fast + 1, fast_sum * fast + rest * (slow - fast)
    exact = sign(Fraction(fast_sum, fast) - Fraction(slow_sum, slow))
    assert _compare_means(fast_sum, fast, slow_sum, slow) == exact


def test_the_column_compares_means_as_fractions_do_where_products_wrap() -> None:
    """20,000 in ticks of 10^-8, over 3,000 bars: the products used to wrap and turn the trend."""
    closes = 2 * 10**12 + np.random.default_rng(3).integers(-(10**10), 10**10, 3_400)
    fast, slow = 1_000, 3_000
    assert int(closes[:slow].sum()) * slow > 2**63
    expected = [0] * (slow - 1) + [
        sign(
            Fraction(int(closes[t + 1 - fast : t + 1].sum()), fast)
            - Fraction(int(closes[t + 1 - slow : t + 1].sum()), slow)
        )
        for t in range(slow - 1, len(closes))
    ]
    assert sma_trend(closes, fast, slow).tolist() == expected
