"""The desk against a venue that lies: no order lost or doubled, no limit broken (TR-29, TR-30)."""

from __future__ import annotations

import os

import pytest

from athena.research.simulation import crash_at, crash_points, simulate_seed
from athena.venues.faults import DEFAULT_RATES, Fault

IS_FULL = os.environ.get("ATHENA_FULL") == "1"
N_FAST, N_SLOW = 100, 20_000 if IS_FULL else 500
GROUP = 10
# An older amendment's answer taken for the newer one's; a fee in coins before the coins; amended
# without end; a stop far larger than what it protects; an amendment overtaken by the next; a start
# on a disk that is full still.
PINNED = (157, 163, 166, 182, 100, 25, 864, 1491)
EVERY_FAST = 10


def violations_of(seeds: range) -> list[str]:
    """Return what did not hold in any of some seeds, with the command that shows it again."""
    return [
        f"athena simulate --seeds 1 --from {seed}: {violation}"
        for seed in seeds
        for violation in simulate_seed(seed).violations
    ]


@pytest.mark.parametrize("first", range(0, N_FAST, GROUP))
def test_a_hundred_seeds_break_nothing(first: int) -> None:
    """TR-29, I1-I11."""
    assert violations_of(range(first, first + GROUP)) == []


@pytest.mark.parametrize("seed", PINNED)
def test_a_seed_that_once_showed_a_bug_breaks_nothing(seed: int) -> None:
    """TR-29: each bug found becomes a pinned seed."""
    assert violations_of(range(seed, seed + 1)) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(N_FAST, N_SLOW, 5 * GROUP))
def test_many_seeds_break_nothing(first: int) -> None:
    """TR-29: 500 seeds per change."""
    assert violations_of(range(first, first + 5 * GROUP)) == []


def violations_after_dying(every: int, first: int) -> list[str]:
    """Return what did not hold after dying at every n-th place."""
    return [
        f"{name}, {point.kind.value} {point.index}: {violation}"
        for name, point in crash_points(every=every, first=first)
        for violation in crash_at(name, point).violations
    ]


@pytest.mark.parametrize("first", range(4))
def test_dying_at_every_tenth_place_breaks_nothing(first: int) -> None:
    """TR-30."""
    assert violations_after_dying(4 * EVERY_FAST, first * EVERY_FAST) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(EVERY_FAST))
def test_dying_at_every_place_breaks_nothing(first: int) -> None:
    """TR-30: before write, after write, after send, after ack."""
    if first == 0:
        pytest.skip("these places are in the fast suite")
    assert violations_after_dying(EVERY_FAST, first) == []


def test_the_same_seed_is_the_same_simulation() -> None:
    first, second = simulate_seed(3), simulate_seed(3)
    assert first == second
    assert first.orders > 0


def test_other_seeds_are_other_simulations() -> None:
    assert len({simulate_seed(seed).digest for seed in range(4)}) == 4


def test_without_faults_nothing_is_unprotected() -> None:
    result = simulate_seed(5, {})
    assert result.violations == ()
    assert result.faults == ()
    assert result.crashes == 0


def test_a_swarm_leaves_half_of_the_faults_out() -> None:
    result = simulate_seed(11)
    assert len(result.faults) == (len(DEFAULT_RATES) + 1) // 2


def test_a_journal_with_a_flipped_byte_is_refused_wherever_it_is() -> None:
    """F17: whatever seed it strikes in."""
    result = simulate_seed(2, {Fault.FLIPPED_JOURNAL_BYTE: 1.0})
    assert result.faults == (Fault.FLIPPED_JOURNAL_BYTE,)
    assert result.violations == ()
