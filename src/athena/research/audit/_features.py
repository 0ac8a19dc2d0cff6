"""Columns of one value per bar under audit: indicators, frames, risk inputs, a user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import DAY_NS, format_interval
from athena.errors import InputError
from athena.market import closed_index, correlations, resample, risk_inputs
from athena.market.indicators import INDICATORS, price_columns
from athena.research._own_code import own_module
from athena.research.audit._subject import Auditable, Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from athena.domain import Bars
    from athena.market.indicators import Indicator
    from athena.research.audit._world import World

    Columns = Mapping[str, NDArray[np.generic]]

_MORE_CONTEXT = 64
_CONTEXT = 256
_FRAMES = (2, 4, 24, 168)  # bars of the shorter interval
_LONGEST_FRAME_NS = 7 * DAY_NS


@dataclass(frozen=True, slots=True)
class Feature:
    """Columns computed from bars, each value known at the close of its own bar.

    Attributes:
        name: what a person calls it.
        compute: world -> name -> (T,) numbers, for the T bars of the first instrument.
        context_bars: see `Auditable`.
    """

    name: str
    compute: Callable[[World], Columns]
    context_bars: int = _CONTEXT

    def evaluate(self, world: World) -> Mapping[str, Output]:
        """Compute the columns."""
        first = world.bars[0]
        known_ns = first.ts_ns + first.interval_ns
        return {key: Output(column, known_ns) for key, column in self.compute(world).items()}


def market_features(interval_ns: int) -> list[Feature]:
    """List every indicator, frame and risk input that bars of this interval can feed."""
    found = [
        Feature(
            f"indicator {item.outputs[0]}",
            partial(_indicator, item),
            item.first_bar + _MORE_CONTEXT,
        )
        for item in INDICATORS
    ]
    for count in _FRAMES:
        frame_ns = count * interval_ns
        if frame_ns <= _LONGEST_FRAME_NS:
            name = f"frame of {format_interval(frame_ns)}"
            found.append(Feature(name, partial(_frame, frame_ns), 3 * count + _MORE_CONTEXT))
    found.append(Feature("risk inputs", _risk_inputs))
    found.append(Feature("correlations", _correlations))
    return found


def _indicator(item: Indicator, world: World) -> Columns:
    columns = item.batch(price_columns(world.bars[0]))
    return dict(zip(item.outputs, columns, strict=True))


def _frame(frame_ns: int, world: World) -> Columns:
    """Show each bar the newest longer bar that has closed."""
    bars = world.bars[0]
    higher = resample(bars, frame_ns)
    index = closed_index(bars, higher)
    names = ("open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
    return {name: np.where(index >= 0, getattr(higher, name)[index], 0) for name in names}


def _risk_inputs(world: World) -> Columns:
    found = risk_inputs(world.bars[0])
    return {field.name: getattr(found, field.name) for field in fields(found)}


def _correlations(world: World) -> Columns:
    bars = world.bars
    found = correlations(bars, bars[0].ts_ns + bars[0].interval_ns)
    return {"matrix_ppm": found.matrices_ppm[found.day]}


def find_feature(name: str, interval_ns: int) -> Feature:
    """Find a built-in feature, or a person's function.

    Args:
        name: as `market_features` names it, with or without the first word, or ``FILE.py:NAME`` or
            ``MODULE:NAME`` of a function that takes `Bars` and returns (T,) numbers, or several
            by name.
        interval_ns: of the bars.

    Raises:
        InputError: there is no such feature, or it is no function.
    """
    if ":" in name:
        module, short_name = own_module(name, what="a feature")
        function = vars(module).get(short_name)
        if not callable(function):
            message = f"expected a function {short_name!r} in {name.rpartition(':')[0]}, was none"
            raise InputError(message, hint="it takes bars and returns one number for each")
        return Feature(short_name, partial(_own, function))
    known = {item.name: item for item in market_features(interval_ns)}
    short = {key.partition(" ")[2]: item for key, item in known.items()}
    found = known.get(name) or short.get(name)
    if found is None:
        message = f"expected a feature out of {', '.join(known)}, was {name!r}"
        raise InputError(message, hint="or my_file.py:function")
    return found


def _own(function: Callable[[Bars], Any], world: World) -> Columns:
    """Call a person's function, and see that it returns a number for every bar.

    Raises:
        InputError: it returns something else.
    """
    bars = world.bars[0]
    found = function(bars)
    columns = found if isinstance(found, Mapping) else {"value": found}
    arrays = {str(key): np.asarray(column) for key, column in columns.items()}
    for key, column in arrays.items():
        if column.ndim < 1 or len(column) != len(bars) or column.dtype.kind not in "biuf":
            message = (
                f"expected numbers of {key!r}, one for each of {len(bars)} bars, "
                f"was {column.dtype} of shape {column.shape}"
            )
            hint = "it is run on every prefix, from one bar on: return NaN while there are too few"
            raise InputError(message, hint=hint)
    return arrays


def load_subject(name: str) -> Auditable:
    """Import a person's own thing that can be audited; a class is built without arguments.

    Args:
        name: ``FILE.py:NAME`` or ``MODULE:NAME``.

    Raises:
        InputError: it does not keep the protocol of `Auditable`.
    """
    module, short_name = own_module(name, what="a model")
    found = vars(module).get(short_name)
    made = found() if isinstance(found, type) else found
    if not isinstance(made, Auditable):
        message = f"expected {short_name!r} in {name.rpartition(':')[0]} to be auditable, was not"
        hint = "it needs `name`, `context_bars` and `evaluate(world) -> {name: Output}`"
        raise InputError(message, hint=hint)
    return made
