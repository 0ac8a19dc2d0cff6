"""Time that tests replace, and identifiers that never repeat (A11, A12)."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import pytest
import time_machine

import athena.platform
from athena.errors import InputError
from athena.platform import (
    RandomIds,
    SeededIds,
    SystemClock,
    VirtualClock,
    client_order_id,
    derive_id,
)


def test_the_system_clock_tells_utc_nanoseconds() -> None:
    with time_machine.travel("2018-02-08T00:00:00+00:00", tick=False):
        assert SystemClock().now_ns() == 1_518_048_000_000_000_000


def test_a_virtual_clock_stands_where_it_was_put() -> None:
    clock = VirtualClock(5)
    clock.advance(10)
    assert clock.now_ns() == 15
    clock.set(20)
    assert clock.now_ns() == 20


def test_a_virtual_clock_never_goes_back() -> None:
    clock = VirtualClock(5)
    with pytest.raises(InputError, match="was 4"):
        clock.set(4)
    with pytest.raises(InputError):
        clock.advance(-1)
    assert clock.now_ns() == 5


def test_a_million_random_ids_hold_no_duplicate() -> None:
    """A11."""
    source = RandomIds()
    assert len({source.next_id() for _ in range(1_000_000)}) == 1_000_000


def test_the_id_path_uses_the_system_csprng_and_no_random_module() -> None:
    """A11: `secrets` draws from the system; nothing in the module imports `random`."""
    source = Path(athena.platform.__file__).with_name("_ids.py").read_text()
    imported = {
        name.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert imported == {"hashlib", "secrets"}


def test_seeded_ids_depend_on_the_seed_alone() -> None:
    """A05: the sequence is a constant of the seed, in every process."""
    first, again, other = SeededIds(42), SeededIds(42), SeededIds(43)
    drawn = [first.next_id() for _ in range(1000)]
    assert drawn == [again.next_id() for _ in range(1000)]
    assert len(set(drawn)) == 1000
    assert other.next_id() not in drawn
    assert drawn[0] == "236cba6c859e4ee5f4732bb53e5ee07a"


def test_a_derived_id_differs_in_each_of_its_parts() -> None:
    base = derive_id("parent", "stop", 0)
    others = {
        derive_id("parent", "stop", 1),
        derive_id("parent", "target", 0),
        derive_id("parents", "top", 0),
        derive_id("parent2", "stop", 0),
    }
    assert len(base) == 64
    assert base == derive_id("parent", "stop", 0)
    assert len(others | {base}) == 5


@pytest.mark.parametrize(
    ("parent", "role", "counter"), [("", "a", 0), ("a", "", 0), ("a", "b", -1)]
)
def test_an_id_is_derived_from_whole_parts_only(parent: str, role: str, counter: int) -> None:
    with pytest.raises(InputError, match="expected a parent id"):
        derive_id(parent, role, counter)


def test_a_client_order_id_is_the_first_half_of_the_hash_of_its_intent() -> None:
    expected = hashlib.sha256(b"intent-1").hexdigest()[:32]
    assert client_order_id("intent-1") == expected
