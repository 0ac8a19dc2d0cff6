"""The loop's functions, run by CPython or compiled: one source, two executions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from athena.research import _loop
from athena.research._columns import Columns
from athena.research._compiled import Compiler, bind, has_compiler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from athena.trading import State, Table, Tables
    from athena.venues import Venue

# Below this many bars, CPython is done before a compiler has started.
_COMPILED_FROM_STEPS = 250_000


class EngineKind(StrEnum):
    """Who runs the core."""

    AUTO = "auto"
    PYTHON = "python"
    COMPILED = "compiled"


@dataclass(frozen=True, slots=True)
class Engine:
    """The loop's functions, bound to the tables of one run.

    Attributes:
        is_compiled: who runs them.
        advance: `advance(wakes, levels, control) -> step`.
        quiet_until: `quiet_until(first, last) -> step`.
        submit_one: `submit_one() -> order number`, for the intent in the state.
        run_rule: `run_rule(now, memory, parameters, intents, control) -> step`.
    """

    is_compiled: bool
    advance: Callable[..., int]
    quiet_until: Callable[..., int]
    submit_one: Callable[[], int]
    run_rule: Callable[..., int]


def choose_engine(kind: EngineKind, n_steps: int) -> bool:
    """Tell whether a run is compiled: as asked, else when it is long and Numba is there."""
    if kind is EngineKind.AUTO:
        return n_steps >= _COMPILED_FROM_STEPS and has_compiler()
    return kind is EngineKind.COMPILED


def new_engine(  # noqa: PLR0913 - what is bound
    state: Tables[State],
    venue: Tables[Venue],
    columns: Columns,
    *,
    is_compiled: bool,
    cache_folder: Path,
    rule: Callable[..., int] | None = None,
) -> Engine:
    """Bind the loop's functions to the tables of a run.

    Raises:
        MissingExtra: compiled was asked for and Numba is not installed.
    """
    if is_compiled:
        compiler = Compiler(cache_folder, rule=rule)
        s, v, c, wrap = state.record, venue.record, columns, compiler.compile
    else:
        run_rule = bind(_loop.run_rule, rule=rule) if rule else _loop.run_rule
        views: Any = Columns(*(memoryview(table) for table in columns))
        s, v, c, wrap = state.views, venue.views, views, _as_is
    rule_function = wrap(_loop.run_rule) if is_compiled else run_rule
    advance, quiet, submit = (
        wrap(_loop.advance),
        wrap(_loop.quiet_until),
        wrap(_loop.submit_one),
    )

    def prepare(table: Table) -> Any:  # noqa: ANN401 - an array or a view of it
        return table if is_compiled else memoryview(table)

    return Engine(
        is_compiled=is_compiled,
        advance=lambda *tables: int(advance(s, v, c, *map(prepare, tables))),
        quiet_until=lambda first, last: int(quiet(s, v, c, first, last)),
        submit_one=lambda: int(submit(s, v)),
        run_rule=lambda *tables: int(rule_function(s, v, c, *map(prepare, tables))),
    )


def _as_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function
