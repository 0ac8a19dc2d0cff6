"""Find a strategy by name or file, and give it the parameters that a person typed."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import parse_decimal
from athena.errors import InputError
from athena.research._own_code import own_module
from athena.research.strategies._holdings import Hold, MonthlyRebalance, Rebalance
from athena.research.strategies._sma import (
    SmaBracketBar,
    SmaBracketRule,
    SmaBracketWoken,
    SmaCrossBar,
    SmaCrossRule,
    SmaCrossWoken,
)
from athena.research.strategies._trend import Breakout, EmaCross, MeanReversion, Momentum, Random
from athena.trading import Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping


# What a parameter can be; annotations may be text, so they are told by name.
_TYPES: dict[str, type] = {kind.__name__: kind for kind in (int, float, bool, str, Decimal)}


@dataclass(frozen=True, slots=True)
class StrategyInfo:
    """Describe a built-in strategy.

    Attributes:
        name: as typed.
        summary: one sentence.
        kinds: how it can be run -> class; `woken` is always there, `bar` and `rule` for those
            that are written in all three.
    """

    name: str
    summary: str
    kinds: Mapping[str, type[Strategy]]


BUILT_IN: dict[str, StrategyInfo] = {
    info.name: info
    for info in (
        StrategyInfo("hold", "buy at the first bar and keep it", {"woken": Hold}),
        StrategyInfo(
            "sma_cross",
            "long while a fast simple mean is above a slow one",
            {"woken": SmaCrossWoken, "bar": SmaCrossBar, "rule": SmaCrossRule},
        ),
        StrategyInfo(
            "sma_bracket",
            "enter as sma_cross, leave by a stop or a target",
            {"woken": SmaBracketWoken, "bar": SmaBracketBar, "rule": SmaBracketRule},
        ),
        StrategyInfo(
            "ema_cross",
            "long while a fast exponential mean is above a slow one",
            {"woken": EmaCross},
        ),
        StrategyInfo("momentum", "follow a large move, stop and target", {"woken": Momentum}),
        StrategyInfo(
            "mean_reversion", "trade back to the mean from far off", {"woken": MeanReversion}
        ),
        StrategyInfo("breakout", "follow a break of the range after calm", {"woken": Breakout}),
        StrategyInfo("rebalance", "keep target weights within a tolerance", {"woken": Rebalance}),
        StrategyInfo(
            "monthly", "bring weights back at the start of a month", {"woken": MonthlyRebalance}
        ),
        StrategyInfo("random", "enter and leave by tossing a coin", {"woken": Random}),
    )
}


def load_strategy(
    name: str, parameters: Mapping[str, str], *, kind: str = "woken"
) -> tuple[str, Strategy]:
    """Build a strategy from a built-in name, ``file.py:Class`` or ``module:Class``.

    Args:
        name: what was typed.
        parameters: name -> text, as typed.
        kind: `woken`, `bar` or `rule`, for the built-in ones that offer it.

    Returns:
        Its short name and the strategy.

    Raises:
        InputError: unknown name, class, kind or parameter, or a value that does not fit.
    """
    short_name, strategy_class = find_strategy(name, kind=kind)
    return short_name, build_strategy(strategy_class, parameters)


def find_strategy(name: str, *, kind: str = "woken") -> tuple[str, type[Strategy]]:
    """Find a strategy's class, from which many can be built; a user's file is run once.

    Args:
        name: as for `load_strategy`.
        kind: `woken`, `bar` or `rule`, for the built-in ones that offer it.

    Returns:
        Its short name and the class.

    Raises:
        InputError: unknown name, class or kind.
    """
    if ":" in name:
        strategy_class = _own_class(name)
        return strategy_class.__name__, strategy_class
    info = BUILT_IN.get(name)
    if info is None:
        message = f"expected a strategy out of {', '.join(BUILT_IN)}, was {name!r}"
        raise InputError(message, hint=_nearest(name, BUILT_IN) or "or my_file.py:MyStrategy")
    if kind not in info.kinds:
        message = f"expected kind of {name} out of {', '.join(info.kinds)}, was {kind!r}"
        raise InputError(message)
    return name, info.kinds[kind]


def _nearest(text: str, valid: Mapping[str, object] | list[str]) -> str:
    close = difflib.get_close_matches(text, list(valid), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def _own_class(name: str) -> type[Strategy]:
    """Import a user's class."""
    module, class_name = own_module(name, what="a strategy")
    where = name.rpartition(":")[0]
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        own = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type)
            and issubclass(value, Strategy)
            and value.__module__ == module.__name__
        ]
        message = f"expected a strategy class {class_name!r} in {where}, found {own or 'none'}"
        raise InputError(message, hint=_nearest(class_name, own))
    if inspect.isabstract(found):
        missing = ", ".join(sorted(found.__abstractmethods__))
        message = f"expected {class_name!r} in {where} to be written out, lacks {missing}"
        raise InputError(message)
    return found


def build_strategy(strategy_class: type[Strategy], parameters: Mapping[str, str]) -> Strategy:
    """Build a strategy of a class.

    Args:
        strategy_class: from `find_strategy`.
        parameters: name -> text, as typed.

    Raises:
        InputError: unknown parameter, a value that does not fit, or a field without default.
    """
    known = parameters_of(strategy_class)
    values: dict[str, Any] = {}
    for name, text in parameters.items():
        if name not in known:
            message = (
                f"expected a parameter out of {', '.join(known) or 'none'} for "
                f"{strategy_class.__name__}, was {name!r}"
            )
            raise InputError(message, hint=_nearest(name, known))
        values[name] = _parse(name, text, known[name])
    try:
        inspect.signature(strategy_class).bind(**values)
    except TypeError as error:
        message = f"expected {strategy_class.__name__} to have defaults for all it takes: {error}"
        hint = "fields of a dataclass, with defaults, can be given as parameters"
        raise InputError(message, hint=hint) from error
    return strategy_class(**values)


def parameters_of(strategy_class: type[Strategy]) -> dict[str, type]:
    """Return the parameters of a strategy class: name -> type, from its dataclass fields."""
    if not dataclasses.is_dataclass(strategy_class):
        return {}
    return {
        field.name: _TYPES.get(getattr(field.type, "__name__", str(field.type)), str)
        for field in dataclasses.fields(strategy_class)
        if field.init and not field.name.startswith("_")
    }


def _parse(name: str, text: str, kind: type) -> object:
    """Convert a typed parameter; numbers are finite.

    Raises:
        InputError: the text does not fit the type.
    """
    if kind is Decimal:
        return parse_decimal(text, what=name)
    if kind is bool:
        if text.lower() not in {"true", "false"}:
            message = f"expected {name} as true or false, was {text!r}"
            raise InputError(message)
        return text.lower() == "true"
    try:
        value = kind(text)
    except ValueError:
        message = f"expected {name} as {kind.__name__}, was {text!r}"
        raise InputError(message) from None
    if isinstance(value, float) and not -1e300 < value < 1e300:  # noqa: PLR2004 - NaN and infinity
        message = f"expected a finite {name}, was {text!r}"
        raise InputError(message)
    return value
