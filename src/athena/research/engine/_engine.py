"""The loop's functions, run by CPython or compiled: one source, two executions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.research.engine import _loop
from athena.research.engine._columns import Columns
from athena.research.engine._compiled import bind, compiler_for, has_compiler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from athena.trading import Ints, StateTables
    from athena.venues import VenueTables

# Below this many steps, CPython is done before a compiler has started.
_COMPILED_FROM_STEPS = 250_000


class EngineKind(StrEnum):
    """Who runs the core."""

    AUTO = "auto"
    PYTHON = "python"
    COMPILED = "compiled"


@dataclass(frozen=True, slots=True)
class Engine:
    """The loop's functions for strategies in Python, bound to the tables of one run.

    Attributes:
        waker: `waker(wakes, levels)` gives `advance() -> step` for these two; what is in
            them may change. The engine must outlive what it gives.
        turn: `turn() -> step`.
        submit_one: `submit_one() -> order number`, for the intent in the state.
        looks_ahead: True when looking for quiet steps is cheaper than asking bar by bar.
    """

    waker: Callable[[NDArray[np.uint8], Ints], Callable[[], int]]
    turn: Callable[[], int]
    submit_one: Callable[[], int]
    looks_ahead: bool


def choose_engine(kind: EngineKind, n_steps: int) -> bool:
    """Tell whether a run is compiled: as asked, else when it is long and Numba is there."""
    if kind is EngineKind.AUTO:
        return n_steps >= _COMPILED_FROM_STEPS and has_compiler()
    return kind is EngineKind.COMPILED


def new_engine(
    state: StateTables,
    venue: VenueTables,
    columns: Columns,
    control: Ints,
    *,
    compiled_in: Path | None,
) -> Engine:
    """Bind the loop to a run; compiled code is kept in `compiled_in`, None is CPython.

    The caller keeps `control`, see `_loop`, and talks to the loop through it.

    Raises:
        MissingExtra: compiled was asked for and Numba is not installed.
    """
    if compiled_in is None:
        views = (state.views, venue.views, as_views(columns))
        return Engine(
            waker=lambda wakes, levels: partial(
                _loop.advance, *views, wakes.data, levels.data, control.data
            ),
            turn=partial(_loop.turn, *views, control.data),
            submit_one=partial(_loop.submit_one, *views[:2]),
            looks_ahead=False,
        )
    compiler = compiler_for(compiled_in, None)  # first, because it says what is missing
    from athena.research.engine._bound import Addresses, advance_at, submit_one_at, turn_at

    addresses = Addresses(state, venue, columns, control)
    advance, turn, submit_one = (
        compiler.entry(function, addresses.vector)
        for function in (advance_at, turn_at, submit_one_at)
    )
    return Engine(
        waker=lambda wakes, levels: partial(advance, addresses.with_wakes(wakes, levels)),
        turn=partial(turn, addresses.vector),
        submit_one=partial(submit_one, addresses.vector),
        looks_ahead=True,
    )


def new_rule_engine(
    state: StateTables,
    venue: VenueTables,
    columns: Columns,
    rule: Callable[..., int],
    *,
    compiled_in: Path | None,
) -> Callable[..., Callable[[], int]]:
    """Bind the loop and a rule to a run; compiled code is kept in `compiled_in`, None is CPython.

    Returns:
        `bind(control, now, memory, parameters, intents)`, which gives `run() -> step` for these
        tables, see `_loop.run_rule`; the caller keeps them, and what is in them may change.

    Raises:
        MissingExtra: compiled was asked for and Numba is not installed.
    """
    if compiled_in is None:
        views = (state.views, venue.views, as_views(columns))
        interpreted = bind(_loop.run_rule, rule=rule)
        return lambda control, *tables: partial(
            interpreted, *views, *[table.data for table in tables], control.data
        )
    compiler = compiler_for(compiled_in, rule)  # first, because it says what is missing
    from athena.research.engine._bound import Addresses, run_rule_at

    compiled = compiler.entry(run_rule_at, np.zeros(1, np.int64))
    return lambda control, *tables: partial(
        compiled, Addresses(state, venue, columns, control).with_rule(*tables)
    )


def has_kept_code(compiled_in: Path, rule: Callable[..., int] | None) -> bool:
    """Tell whether the loop is compiled already, so that a run has only to load it.

    Args:
        compiled_in: where compiled code is kept.
        rule: of the strategy; None when it is not a rule.

    Raises:
        MissingExtra: Numba is not installed.
    """
    compiler = compiler_for(compiled_in, rule)
    from athena.research.engine._bound import advance_at, run_rule_at, submit_one_at, turn_at

    if rule is not None:
        return compiler.has_kept(run_rule_at)
    return compiler.has_kept(advance_at, submit_one_at, turn_at)


def as_views(columns: Columns) -> Any:  # noqa: ANN401 - columns whose tables are memory views
    """View columns as CPython reads them best: memory views, whose elements are Python ints."""
    views: list[Any] = [table.data for table in columns]
    return Columns(*views)
