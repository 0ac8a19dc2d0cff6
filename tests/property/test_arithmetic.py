"""Exact arithmetic: against fractions, and compiled against CPython."""

from __future__ import annotations

from fractions import Fraction
from importlib.util import find_spec
from math import ceil, floor, isqrt
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from athena.research.engine import _wide
from athena.trading import arithmetic

if TYPE_CHECKING:
    from collections.abc import Callable

MAX = 2**62
TICKS = st.integers(1, arithmetic.TICKS_MAX)
SMALL_LOTS = st.integers(-(10**15), 10**15)
RATIOS = st.tuples(st.integers(1, 2**20), st.integers(1, 10**12))
EDGES = [0, 1, -1, 2, -2, 10**6, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**53]
EDGES += [2**61, 2**62 - 1, 2**62, 2**63 - 1, -(2**31), -(2**32), -(2**62), -(2**63) + 1]


def triples(n: int) -> list[tuple[int, int, int]]:
    """Return edges crossed with edges, then random triples of all magnitudes."""
    draw = Random(42)  # noqa: S311 - cases, not secrets
    cases = [(a, b, d) for a in EDGES for b in EDGES for d in EDGES if d != 0]
    while len(cases) < n:
        a, b, d = (draw.choice([1, -1]) * draw.getrandbits(draw.randint(1, 63)) for _ in range(3))
        if d != 0:
            cases.append((a, b, d))
    return cases


def outcome(function: Callable[..., int], case: tuple[int, int, int]) -> int | str:
    try:
        return function(*case)
    except OverflowError:
        return "overflow"


@pytest.mark.skipif(find_spec("numba") is None, reason="Numba is not installed: extra 'fast'")
@pytest.mark.parametrize("name", ["mul_div", "mul_div_capped"])
def test_compiled_products_equal_cpythons_on_100_000_triples(name: str) -> None:
    """TR-34: the two primitives with two bodies are one function, errors included."""
    import numba

    compiled_magnitude = numba.njit(error_model="numpy")(_wide.magnitude)
    body = _twin(getattr(_wide, name), magnitude=compiled_magnitude)
    compiled = numba.njit(error_model="numpy")(body)
    plain = getattr(arithmetic, name)
    cases = triples(100_000)
    assert len(cases) >= 100_000
    different = [case for case in cases if outcome(plain, case) != outcome(compiled, case)]
    assert different == []


def _twin(function: Any, **replaced: object) -> Any:
    import types

    return types.FunctionType(function.__code__, {**function.__globals__, **replaced})


@pytest.mark.parametrize("name", ["mul_div", "mul_div_capped"])
def test_the_compiled_bodies_say_the_same_before_they_are_compiled(name: str) -> None:
    wide = getattr(_wide, name)
    plain = getattr(arithmetic, name)
    with np.errstate(over="ignore"):
        cases = triples(4_000)
        assert [c for c in cases if outcome(plain, c) != outcome(wide, c)] == []


@given(TICKS, SMALL_LOTS, RATIOS)
@example(2**31 - 1, 1_023, (2**20, 1))
@example(2**31, -1_024, (2**20, 3))
@example(2**31 - 1, 2**31 - 1, (1, 100))
def test_value_is_rounded_to_the_nearest_unit(
    ticks: int, lots: int, ratio: tuple[int, int]
) -> None:
    """C12."""
    exact = Fraction(ticks * abs(lots) * ratio[0], ratio[1])
    expected = floor(exact + Fraction(1, 2))
    if 2 * exact > MAX:
        return
    got = arithmetic.value(ticks, lots, *ratio)
    assert got == (expected if lots >= 0 else -expected)


@given(st.integers(-(2**62), 2**62), TICKS, RATIOS)
def test_lots_worth_is_the_most_that_money_buys(
    money: int, ticks: int, ratio: tuple[int, int]
) -> None:
    lots = arithmetic.lots_worth(money, ticks, *ratio)
    price = Fraction(ticks * ratio[0], ratio[1])
    if money <= 0:
        assert lots == 0
    elif money / price <= MAX:
        assert lots * price <= money < (lots + 1) * price
    else:
        assert lots == MAX


@given(st.integers(-(2**40), 2**40), st.integers(-(10**9), 10**9))
def test_parts_are_rounded_down_and_up(amount: int, ppm: int) -> None:
    exact = Fraction(amount * ppm, 10**6)
    assert arithmetic.part(amount, ppm) == floor(exact)
    assert arithmetic.part_up(amount, ppm) == ceil(exact)


@given(st.integers(0, MAX))
@example(MAX)
@example(2**62 - 1)
@example((2**31 - 1) ** 2)
def test_the_square_root_is_the_floor(x: int) -> None:
    assert arithmetic.square_root(x) == isqrt(x)


@given(
    st.integers(0, 10**6),
    st.integers(1, 2**50),
    st.integers(0, 2**50),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
@example(100, 1_024, 1, 50_000, 10_000)
def test_impact_is_volatility_times_the_root_of_the_share_of_volume(
    volatility: int, size: int, volume: int, cap: int, unknown: int
) -> None:
    got = arithmetic.impact_ppm(volatility, size, volume, cap, unknown)
    if volume == 0 or volatility == 0:
        assert got == unknown
        return
    root_ppm = isqrt(min(MAX, size * 10**12 // volume))
    assert got == min(cap, volatility * root_ppm // 10**6)
    # Floats are near enough to say that it is the formula of rule 6, section 11.
    assert got <= volatility * (size / volume) ** 0.5 + 1
