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
