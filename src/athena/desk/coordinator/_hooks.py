"""What happens after a cycle; it can neither stop the next one nor change what was decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.platform import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athena.domain import Action


@dataclass(frozen=True, slots=True)
class CycleInfo:
    """Which cycle ended.

    Attributes:
        task: that it was a run of.
        cycle: number of the run.
    """

    task: str
    cycle: int


Hook = Callable[[Mapping[str, "Action"], CycleInfo], None]


def run_hooks(
    hooks: Iterable[Hook], actions: Mapping[str, Action], info: CycleInfo
) -> tuple[str, ...]:
    """Run each hook with what every agent wanted; return what went wrong, logged already (DK-41).

    Args:
        hooks: in order.
        actions: agent -> action; each hook gets a copy of its own.
        info: which cycle it was.
    """
    faults = []
    for hook in hooks:
        try:
            hook(dict(actions), info)
        except Exception as error:  # noqa: BLE001 - what comes after a decision cannot undo it
            faults.append(repr(error))
            get_logger("athena.desk").error(
                "a hook failed", task=info.task, cycle=info.cycle, error=repr(error)
            )
    return tuple(faults)
