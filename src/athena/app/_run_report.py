"""What every command that keeps a run has in common: its progress, its report, its figures."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from athena.app._output import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from athena.app._context import Context
    from athena.reporting import ComparisonRow
    from athena.research import BacktestResult, RunRecord
    from athena.research.statistics import RunSummary

REPORT_NAME = "report.html"
_SHOWN_REFUSALS = 3


def check_report_folder(folder: Path) -> None:
    """Create the folder of --report before the run, which may last.

    Raises:
        InputError: it cannot be created or written.
    """
    from athena.errors import InputError
    from athena.platform import ensure_folder

    try:
        ensure_folder(folder)
    except InputError as error:
        raise InputError(error.message, hint="name another folder with --report") from error


def write_report(
    context: Context, folder: Path, record: RunRecord, summary: RunSummary | None = None
) -> tuple[Path, list[Path]]:
    """Write the tear sheet, and its pictures where the extra `report` is installed.

    Returns:
        The page, and the pictures; without the extra a remark says how to get them.
    """
    from athena.errors import MissingExtra
    from athena.platform import atomic_write_text, ensure_folder
    from athena.reporting import render_pngs, render_tear_sheet

    ensure_folder(folder)
    page = folder / REPORT_NAME
    atomic_write_text(page, render_tear_sheet(record, summary))
    try:
        return page, render_pngs(record, folder, summary)
    except MissingExtra as error:
        context.output.say(f"no pictures: {error}; {error.hint}")
        return page, []


class RunReports:
    """Write the report into a run's folder, and into another, before the run is kept."""

    def __init__(self, context: Context, other: Path | None) -> None:
        """Take the folder of `--report`, if there is one."""
        self._context = context
        self._other = other
        self._names: list[str] = []

    def __call__(self, folder: Path, record: RunRecord, summary: RunSummary) -> None:
        """Write the report."""
        _, pictures = write_report(self._context, folder, record, summary)
        self._names = [picture.name for picture in pictures]
        if self._other is not None:
            write_report(self._context, self._other, record, summary)

    def places(self, run: Path) -> tuple[Path, list[Path]]:
        """Return page and pictures where a person finds them, once the run is published."""
        folder = self._other or run
        return folder / REPORT_NAME, [folder / name for name in self._names]


class RunProgress:
    """Show one bar for each part of a run, with its rate; the last one ends with the stack."""

    def __init__(
        self, context: Context, stack: ExitStack, units: Mapping[str, str] | None = None
    ) -> None:
        """Take the units of parts, by label, that do not count bars."""
        self._context = context
        self._stack = stack
        self._units = units or {}
        self._label = ""

    def __call__(self, label: str, done: int, total: int) -> None:
        """Say how much of a part is done."""
        if label != self._label:
            self._stack.close()
            shown = self._context.output.progress(label, total, self._units.get(label, "bars"))
            self._show = self._stack.enter_context(shown)
            self._label = label
        self._show(done)


def run_payload(
    sources: Sequence[str], result: BacktestResult, reports: RunReports
) -> dict[str, Any]:
    """Collect what `--json` says of a run."""
    from athena.reporting import metrics_json

    html, pictures = reports.places(result.folder)
    record = result.record
    return {
        "run_id": record.run_id,
        "digest": record.digest,
        "bars": result.n_bars,
        "orders": record.main.n_orders,
        "fills": record.main.n_fills,
        **metrics_json(record, result.summary),
        "final_equity": result.final_equity,
        "sentence": result.summary.sentence,
        "data": list(sources),
        "provenance": [dataclasses.asdict(item) for item in record.provenance],
        "report": html,
        "png": pictures,
        "bars_per_cpu_s": round(result.bars_per_cpu_s),
        "wall_s": round(result.wall_s, 3),
        "engine": "compiled" if result.is_compiled else "python",
        "refusals": record.main.refusals,
    }


def comparison_of(result: BacktestResult) -> list[Table | str]:
    """Show a run beside its baselines: a table, and a line for each that was halted."""
    from athena.reporting import comparison_table

    rows = comparison_table(result.record, result.summary)
    return [_table(rows), *_halts(rows)]


def conclusion_of(result: BacktestResult) -> list[str]:
    """Say what a run shows, what is left of it after counting the trials, and what is alarming."""
    summary = result.summary
    return [summary.sentence, summary.overfitting, *summary.warnings]


def _table(rows: Sequence[ComparisonRow]) -> Table:
    columns = (
        "",
        ">return",
        ">Sharpe [95 %]",
        ">max fall",
        ">fees",
        ">orders",
        ">fills",
        "refused",
    )
    return Table(columns, [_cells(row) for row in rows])


def _cells(row: ComparisonRow) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.total_return.value:+.1%}",
        _sharpe(row),
        f"{row.max_drawdown.value:.1%}",
        f"{row.fees:,.0f}",
        f"{row.n_orders:,}",
        f"{row.n_fills:,}",
        _refusals(row.refusals),
    )


def _sharpe(row: ComparisonRow) -> str:
    """Write the ratio with its interval; a flat curve has none."""
    if math.isnan(row.sharpe.value):
        return "none"
    if math.isnan(row.sharpe.low):
        return f"{row.sharpe.value:.2f}"
    return f"{row.sharpe.value:.2f} [{row.sharpe.low:.2f}, {row.sharpe.high:.2f}]"


def _refusals(refusals: dict[str, int]) -> str:
    """Name the gates that refused most."""
    shown = [f"{code} {n:,}" for code, n in list(refusals.items())[:_SHOWN_REFUSALS]]
    more = len(refusals) - len(shown)
    return ", ".join([*shown, f"{more} more"] if more > 0 else shown)


def _halts(rows: Sequence[ComparisonRow]) -> list[str]:
    from athena.domain import format_time
    from athena.reporting import describe_halts

    return [f"{row.name}: {describe_halts(row.halts, format_time)}" for row in rows if row.halts]
