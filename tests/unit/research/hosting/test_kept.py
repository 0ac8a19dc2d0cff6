"""What a strategy remembers survives a restart, or is named as lost."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.domain import Purpose, Side
from athena.errors import InputError
from athena.research.hosting._kept import changed_since, give_back, kept_of, not_kept
from athena.trading import Bar, BarStrategy, Intent, View


@dataclass
class Helper:
    """What a strategy may hold, with a memory of its own."""

    factor: float = 1.5
    seen: dict[str, int] = field(default_factory=dict)


@dataclass
class Remembering(BarStrategy):
    """A strategy with one parameter and all sorts of memory."""

    length: int = 3
    value: Any = field(default=None, init=False)
    helper: Helper = field(default_factory=Helper, init=False)

    def on_bar(self, view: View) -> None:
        del view


def through_a_restart(one: Remembering) -> Remembering:
    """Return what a new instance is after taking the memory of another."""
    other = Remembering()
    kept = json.loads(json.dumps(changed_since(kept_of(other), kept_of(one))))
    give_back(other, kept)
    return other


PLAIN = [
    None,
    True,
    -(2**70),
    0.1,
    float("inf"),
    "text",
    Decimal("0.10"),
    Side.BUY,
    Bar(1, 3, 0, 2, 5),
    [1, (2, "a"), {3}],
    frozenset({(1, 2)}),
    deque([1, 2], maxlen=2),
    {1: [Purpose.EXIT], "b": {"c": None}},
]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_a_plain_value_comes_back_as_it_was(value: Any) -> None:
    one = Remembering()
    one.value = value
    back = through_a_restart(one).value
    assert back == value
    assert type(back) is type(value)
    assert not_kept(one, kept_of(Remembering()), "it") == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
        max_leaves=8,
    )
)
def test_whatever_is_built_of_plain_values_comes_back(value: Any) -> None:
    one = Remembering()
    one.value = value
    assert through_a_restart(one).value == value


def test_a_bound_of_a_deque_comes_back() -> None:
    one = Remembering()
    one.value = deque([1, 2, 3], maxlen=3)
    assert through_a_restart(one).value.maxlen == 3


def test_a_set_is_the_same_text_whatever_its_order() -> None:
    one, two = Remembering(), Remembering()
    one.value, two.value = set("abcdef"), set("fedcba")
    assert json.dumps(kept_of(one)) == json.dumps(kept_of(two))


def test_a_number_of_numpy_comes_back_as_one_of_python() -> None:
    one = Remembering()
    one.value = np.int64(7)
    assert type(through_a_restart(one).value) is int


def test_a_helper_is_changed_in_place_and_a_parameter_is_not_kept() -> None:
    one = Remembering()
    one.helper.seen["a"] = 1
    assert through_a_restart(one).helper == Helper(1.5, {"a": 1})
    assert set(changed_since(kept_of(Remembering()), kept_of(one))) == {"helper"}
    assert changed_since(kept_of(Remembering(5)), kept_of(Remembering(5))) == {}


@pytest.mark.parametrize(
    "value",
    [iter(()), np.zeros(3), [object()], {"a": object()}, Intent(side=Side.BUY), Helper()],
    ids=["iterator", "array", "list", "dictionary", "frozen", "new helper"],
)
def test_what_cannot_be_kept_is_named_and_left_out(value: Any) -> None:
    one = Remembering()
    one.value = value
    made = kept_of(Remembering())
    assert not_kept(one, made, "it") == ["it.value"]
    assert "value" not in changed_since(made, kept_of(one))
    assert through_a_restart(one).value is None


@dataclass(frozen=True)
class Fixed:
    """What strategies may share, since nobody can change it."""

    number: int = 1


def test_what_is_frozen_is_not_changed_in_place() -> None:
    shared = Fixed()
    one, other = Remembering(), Remembering()
    other.value = shared
    made = kept_of(other)
    one.value = Fixed(2)
    give_back(other, changed_since(made, kept_of(one)))
    assert shared.number == 1
    assert not_kept(one, made, "it") == ["it.value"]


def test_a_class_is_no_memory() -> None:
    one = Remembering()
    one.value = Remembering
    assert not_kept(one, kept_of(Remembering()), "it") == []


def test_memory_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InputError, match="expected a kept value of float, decimal"):
        give_back(Remembering(), {"value": {"pickle": "x"}})
