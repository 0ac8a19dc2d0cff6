"""Strategies by name: parameters as typed, and what makes no strategy."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from athena.errors import InputError
from athena.research.strategies import BUILT_IN, Sizing, load_strategy, parameters_of

if TYPE_CHECKING:
    from pathlib import Path

BAD = [
    ("sma_cross", "fast", "0"),
    ("sma_cross", "fast", "30"),
    ("sma_cross", "quantity", "-1"),
    ("sma_cross", "quantity", "nan"),
    ("sma_cross", "fraction", "0"),
    ("sma_cross", "fraction", "1.5"),
    ("sma_cross", "fraction", "inf"),
    ("sma_bracket", "stop", "0"),
    ("sma_bracket", "stop", "1"),
    ("sma_bracket", "target", "-0.1"),
    ("ema_cross", "slow", "9"),
    ("ema_cross", "frame", "soon"),
    ("momentum", "length", "0"),
    ("momentum", "threshold", "0"),
    ("momentum", "stop", "1"),
    ("mean_reversion", "length", "1"),
    ("mean_reversion", "stop", "0"),
    ("breakout", "length", "0"),
    ("breakout", "within", "-1"),
    ("breakout", "stop_atr", "0"),
    ("hold", "fraction", "2"),
    ("hold", "fraction", "-1"),
    ("rebalance", "tolerance", "1"),
    ("rebalance", "patience_hours", "-1"),
    ("random", "holding", "0"),
    ("random", "seed", "-1"),
]


@pytest.mark.parametrize(("name", "parameter", "text"), BAD)
def test_a_value_that_makes_no_strategy_is_refused_by_name(
    name: str, parameter: str, text: str
) -> None:
    with pytest.raises(InputError) as error:
        load_strategy(name, {parameter: text})
    assert parameter in str(error.value) + error.value.hint or text in str(error.value)


@pytest.mark.parametrize("name", BUILT_IN)
def test_an_unknown_parameter_offers_the_nearest(name: str) -> None:
    known = next(iter(parameters_of(BUILT_IN[name].kinds["woken"])))
    with pytest.raises(InputError) as error:
        load_strategy(name, {known + "x": "1"})
    assert known in error.value.hint
    assert f"{known}x" in error.value.message


def test_parameters_are_read_by_their_type() -> None:
    _, strategy = load_strategy("sma_cross", {"fast": "5", "quantity": "0.5", "fraction": "0.1"})
    assert (strategy.fast, strategy.quantity, strategy.fraction) == (5, Decimal("0.5"), 0.1)  # type: ignore[attr-defined]


def test_a_size_is_a_quantity_or_a_fraction() -> None:
    assert Sizing(Decimal(0), 0.25).fraction_ppm == 250_000


def test_a_class_of_an_installed_module_is_found_by_its_path() -> None:
    name, strategy = load_strategy("athena.research.strategies._sma:SmaCrossWoken", {"fast": "3"})
    assert name == "SmaCrossWoken"
    assert strategy.fast == 3  # type: ignore[attr-defined]


def test_a_truth_value_is_written_out(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "from athena.trading import BarStrategy\n\n"
        "@dataclass\nclass Own(BarStrategy):\n    is_on: bool = False\n"
        "    def on_bar(self, view): ...\n"
    )
    assert load_strategy(f"{path}:Own", {"is_on": "true"})[1].is_on is True  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="true or false"):
        load_strategy(f"{path}:Own", {"is_on": "1"})


_HEAD = "from dataclasses import dataclass\nfrom athena.trading import BarStrategy, Strategy\n\n"
_BODY = "    def on_bar(self, view): ...\n"


@pytest.mark.parametrize("name", [":", ":Own", "own.py:", "json:", ".own:Own", "..:Own", "::"])
def test_half_a_name_is_refused_with_the_form_expected(name: str) -> None:
    with pytest.raises(InputError) as error:
        load_strategy(name, {})
    where, _, _ = name.rpartition(":")
    assert (where or repr(name)) in error.value.message


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("import no_such_module_here\n", "no_such_module_here"),
        ("from json import no_such_name\n", "no_such_name"),
        (f"{_HEAD}class Own(BarStrategy):\n    def __init__(self, level): ...\n{_BODY}", "level"),
        (f"{_HEAD}@dataclass\nclass Own(BarStrategy):\n    level: int\n{_BODY}", "level"),
        (f"{_HEAD}class Own(BarStrategy): ...\n", "on_bar"),
        (f"{_HEAD}Own = BarStrategy\n", "on_bar"),
    ],
)
def test_a_class_that_cannot_be_made_is_named(tmp_path: Path, source: str, named: str) -> None:
    path = tmp_path / "own.py"
    path.write_text(source, "utf-8")
    with pytest.raises(InputError, match=named) as error:
        load_strategy(f"{path}:Own", {})
    assert "Own" in error.value.message or "own.py" in error.value.message


def test_a_module_that_lacks_what_it_imports_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lacking_module.py").write_text("from json import no_such_name\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="lacking_module"):
        load_strategy("lacking_module:Own", {})


def test_a_field_without_default_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(
        f"{_HEAD}@dataclass\nclass Own(BarStrategy):\n    level: int\n{_BODY}", "utf-8"
    )
    assert load_strategy(f"{path}:Own", {"level": "3"})[1].level == 3  # type: ignore[attr-defined]
