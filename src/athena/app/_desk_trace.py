"""Where the decisions of a desk are kept, and how a command finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from athena.app._context import Context
    from athena.research.statistics import Estimate

RunOption = Annotated[
    str | None, typer.Option(help="Id of the run; the newest with a desk when none.")
]


def trace_of(context: Context, run: str | None) -> tuple[Path, Path, str | None]:
    """Find the run of a desk.

    Returns:
        Its folder, its trace, and the SHA-256 that the trace has to end with by the run's record.

    Raises:
        MissingError: there is no such run, or no desk decided in it.
    """
    from athena.desk.trace import TRACE_FILE
    from athena.errors import MissingError
    from athena.research import read_run_description

    root = context.home / "runs"
    folders = {
        path.parent.name: path.parent
        for path in sorted(root.glob(f"*/{TRACE_FILE}"))
        if not path.parent.name.startswith(".")
    }
    name = run or max(folders, default="")
    if name not in folders:
        message = f"expected a run with a desk in {root}, was {name or 'none'}"
        raise MissingError(message, hint="athena runs list, or athena backtest --desk")
    folder = folders[name]
    head = read_run_description(folder).get("files", {}).get(TRACE_FILE)
    return folder, folder / TRACE_FILE, head


def hours_text(duration_ns: int) -> str:
    """Show a horizon in hours, such as `24h`."""
    from athena.domain import HOUR_NS

    return f"{duration_ns // HOUR_NS}h"


def estimate_values(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate with what is needed to judge it."""
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "method": estimate.method,
    }


def interval_text(estimate: Estimate, *, percent: bool = True) -> str:
    """Show an estimate with its interval, such as `53.0 % (49.9..56.1)`."""
    scale, unit = (100.0, " %") if percent else (1.0, "")
    shown = f"{estimate.value * scale:.3g}{unit}"
    if not estimate.has_interval:
        return shown
    return f"{shown} ({estimate.low * scale:.3g}..{estimate.high * scale:.3g})"
