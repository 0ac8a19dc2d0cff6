"""The grid of a search: exact ranges, products, bounds, and what is refused."""

from __future__ import annotations

import pytest

from athena.errors import InputError
from athena.research import parse_grid


def test_a_range_includes_its_last_value_and_never_drifts() -> None:
    (axis,) = parse_grid(["x=0.1:0.7:0.1"]).axes
    assert axis.values == ("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("fast=5:50:20", ("5", "25", "45")),
        ("fast=5:5:1", ("5",)),
        ("x=-0.5:0.5:0.5", ("-0.5", "0", "0.5")),
        ("x=1e3:3e3:1e3", ("1000", "2000", "3000")),
        ("mode=slow,quick", ("slow", "quick")),
        ("x=3,1,2", ("3", "1", "2")),
    ],
)
def test_each_form_gives_its_values(text: str, values: tuple[str, ...]) -> None:
    assert parse_grid([text]).axes[0].values == values


def test_the_last_axis_turns_fastest_and_fixed_parameters_stand_in_each() -> None:
    grid = parse_grid(["a=1,2", "b=x,y"], {"c": "9"})
    assert grid.combinations() == [
        {"c": "9", "a": "1", "b": "x"},
        {"c": "9", "a": "1", "b": "y"},
        {"c": "9", "a": "2", "b": "x"},
        {"c": "9", "a": "2", "b": "y"},
    ]
    assert [grid.at(number) for number in range(grid.size)] == grid.combinations()


def test_without_axes_there_is_one_combination() -> None:
    assert parse_grid([], {"fast": "5"}).combinations() == [{"fast": "5"}]


def test_a_combination_outside_the_grid_is_an_index_error() -> None:
    with pytest.raises(IndexError, match=r"in \[0, 2\), was 2"):
        parse_grid(["a=1,2"]).at(2)


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (["fast"], "expected a grid as name=first:last:step"),
        (["=1:2:1"], "expected a grid as name=first:last:step"),
        (["fast="], "expected a grid as name=first:last:step"),
        (["fast=1:2"], "expected a range as first:last:step"),
        (["fast=1:2:0"], "a step above 0"),
        (["fast=1:2:-1"], "a step above 0"),
        (["fast=3:2:1"], "first <= last"),
        (["fast=1:b:1"], "as a decimal number"),
        (["fast=1:nan:1"], "expected a finite"),
        (["fast=1e60:2e60:0.1"], "50 digits"),
        (["fast=1e-99999:1:1"], "50 digits"),
        (["fast=1:100001:1"], "at most 100,000 values, was 100,001"),
        (["mode=a,,b"], "distinct values"),
        (["mode=a,a"], "distinct values"),
        (["a=1,2", "a=3,4"], "'a' twice"),
    ],
)
def test_what_is_no_grid_is_refused(texts: list[str], what: str) -> None:
    with pytest.raises(InputError, match=what.replace("[", r"\[")):
        parse_grid(texts)


def test_a_parameter_is_given_a_value_or_a_grid() -> None:
    with pytest.raises(InputError, match="'fast' twice"):
        parse_grid(["fast=1,2"], {"fast": "1"})


def test_too_many_combinations_are_refused_only_when_all_are_asked_for() -> None:
    grid = parse_grid(["a=1:1000:1", "b=1:1000:1"])
    assert grid.size == 1_000_000
    assert grid.at(999_999) == {"a": "1000", "b": "1000"}
    with pytest.raises(InputError, match="at most 100,000 combinations, was 1,000,000"):
        grid.combinations()
