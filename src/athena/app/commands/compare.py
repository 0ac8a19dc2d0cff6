"""`athena compare`: why one run made more than another."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table
from athena.errors import InputError

if TYPE_CHECKING:
    from athena.research.comparison import Comparison, Contribution, RunResult


PAGE_NAME = "comparison.html"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("compare")(compare)


def compare(
    ctx: typer.Context,
    run_a: Annotated[
        str, typer.Argument(help="Id of the run to compare with; or of a session, alone.")
    ],
    run_b: Annotated[
        str | None, typer.Argument(help="Id of the run to explain; a gain is its.")
    ] = None,
    *,
    report: Annotated[
        Path | None, typer.Option(help="Folder for a page with both curves and the parts.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Split the gap between the profits of two runs into its causes, to the last unit.

    A session, paper or live, is compared with the backtest of its strategy on the bars that it
    saw: its whole journal is replayed on the way.

    Example: athena compare 20261120-142233-sma_cross-1f2e3d 20261120-142301-sma_cross-4a5b6c
    """
    from athena.app.commands.report import run_folder
    from athena.research.comparison import N_STAGES, compare_runs, open_runs

    context = Context.of(ctx, as_json=as_json)
    if run_b is None:
        _compare_session(context, run_a, report)
        return
    folder_a, folder_b = run_folder(context, run_a), run_folder(context, run_b)
    with context.output.progress("comparing", N_STAGES, "stages") as progress:
        a, b = open_runs(folder_a, folder_b, context.home)
        found = compare_runs(a, b, on_progress=progress)
    page = None if report is None else _write_page(report, found, folder_a, folder_b)
    said = [] if page is None else [f"page: {page}"]
    context.output.emit({**_payload(found), "report": page}, *_texts(found), *said)


def _compare_session(context: Context, session: str, report: Path | None) -> None:
    from athena.app.running import open_session_record
    from athena.research.comparison import N_SESSION_STAGES, compare_session

    if report is not None:
        message = "expected --report with two runs, was with one session"
        raise InputError(message, hint="leave it out, or name two runs: athena runs list")
    record = open_session_record(context.home, session, context.config)
    with context.output.progress("comparing", N_SESSION_STAGES, "stages") as progress:
        found = compare_session(record, on_progress=progress)
    context.output.emit({**_payload(found), "report": None}, *_texts(found))


def _write_page(folder: Path, found: Comparison, folder_a: Path, folder_b: Path) -> Path:
    """Write the page into a folder, which is created where it is missing."""
    from athena.platform import atomic_write_text, ensure_folder
    from athena.reporting import render_comparison
    from athena.research import read_run

    text = render_comparison(found, read_run(folder_a), read_run(folder_b))
    ensure_folder(folder)
    page = folder / PAGE_NAME
    atomic_write_text(page, text)
    return page


def _payload(found: Comparison) -> dict[str, Any]:
    return {
        "a": _run_values(found.a),
        "b": _run_values(found.b),
        "quote": found.quote,
        "gap": found.gap,
        "parts": found.parts,
        "residual": found.residual,
        "symbols": found.symbols,
        "largest": [_values(item) for item in found.largest],
        "decisions": {
            "both": found.n_both,
            "only_a": found.n_only_a,
            "only_b": found.n_only_b,
        },
        "differences": {
            name: {"a": own, "b": other} for name, (own, other) in found.differences.items()
        },
    }


def _run_values(run: RunResult) -> dict[str, Any]:
    return {
        "run_id": run.name,
        "cash": run.cash,
        "transfers": run.transfers,
        "final_equity": run.equity,
        "profit": run.profit,
        "decisions": run.n_decisions,
        "filled": run.n_filled,
    }


def _values(item: Contribution) -> dict[str, Any]:
    from athena.domain import format_time

    return {
        "time": format_time(item.ts_ns),
        "strategy": item.strategy,
        "symbol": item.symbol,
        "side": item.side,
        "purpose": item.purpose,
        "filled_a": item.filled_a,
        "filled_b": item.filled_b,
        "parts": item.parts,
        "total": item.total,
    }


def _texts(found: Comparison) -> list[str | Table]:
    quote = found.quote
    parts = [(part, amount) for part, amount in found.parts.items() if amount]
    parts.sort(key=lambda item: -abs(item[1]))
    rows = [(part.value, _signed(amount), part.meaning) for part, amount in parts]
    rows.append(("residual", _signed(found.residual), "Not attributed; 0 when all adds up."))
    rows.append(("gap", _signed(found.gap), f"Profit of B less profit of A, {quote}."))
    texts: list[str | Table] = [
        _sentence(found),
        Table(
            ("run", ">started with", ">ended with", ">profit", ">decisions", ">filled"),
            [_run_cells("A", found.a), _run_cells("B", found.b)],
        ),
        Table(("part", f">{quote}", "what it is"), rows, title="the gap"),
    ]
    if len(found.symbols) > 1:
        texts.append(_symbol_table(found))
    if found.largest:
        texts.append(_largest_table(found))
    if found.differences:
        rows = [(name, str(own), str(b)) for name, (own, b) in found.differences.items()]
        texts.append(Table(("asked for", "A", "B"), rows, title="what differs"))
    return texts


def _sentence(found: Comparison) -> str:
    """Say in words who made more, and mostly why."""
    quote = found.quote
    decisions = f"{found.n_both:,} decisions in both, {found.n_only_a:,} only in A, "
    decisions += f"{found.n_only_b:,} only in B"
    if not any(found.parts.values()):
        return f"A and B made the same, {_money(found.a.profit)} {quote}: {decisions}."
    part, amount = max(found.parts.items(), key=lambda item: abs(item[1]))
    than = "less" if found.gap < 0 else "more"
    size = f"{_money(abs(found.gap))} {quote} {than} than A"
    return f"B made {size}; the largest part is {part.value}, {_signed(amount)}: {decisions}."


def _run_cells(letter: str, run: RunResult) -> tuple[str, ...]:
    return (
        f"{letter}  {run.name}",
        _money(run.cash),
        _money(run.equity),
        _signed(run.profit),
        f"{run.n_decisions:,}",
        f"{run.n_filled:,}",
    )


def _symbol_table(found: Comparison) -> Table:
    used = [part for part, amount in found.parts.items() if amount]
    rows = [
        (
            symbol,
            *(_signed(parts[part]) if part in parts else "" for part in used),
            _signed(sum(parts.values(), Decimal(0))),
        )
        for symbol, parts in found.symbols.items()
    ]
    heads = ("symbol", *(f">{part.value}" for part in used), ">sum")
    return Table(heads, rows, title="by symbol")


def _largest_table(found: Comparison) -> Table:
    from athena.domain import format_decimal, format_time

    rows = [
        (
            format_time(item.ts_ns),
            f"{item.side} {item.symbol} ({item.purpose})",
            format_decimal(item.filled_a),
            format_decimal(item.filled_b),
            _signed(item.total),
            ", ".join(f"{part.value} {_signed(amount)}" for part, amount in item.parts.items()),
        )
        for item in found.largest
    ]
    heads = ("decided at", "order", ">filled in A", ">in B", f">{found.quote}", "parts")
    return Table(heads, rows, title="the largest")


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _signed(amount: Decimal) -> str:
    text = f"{amount:+,.2f}"
    return text if text.strip("+-0.,") else "0.00"
