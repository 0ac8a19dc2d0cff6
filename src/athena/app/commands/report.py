"""`athena report` and `athena runs`: look at what was run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table
from athena.app._run_report import REPORT_NAME, write_report

_RunArgument = Annotated[
    str, typer.Argument(help="Id of the run, as `athena runs list` shows it.")
]


def register(app: typer.Typer) -> None:
    """Add `report` and the group `runs` to the command line."""
    app.command("report")(report)
    group = typer.Typer(help="List, show and open runs.", no_args_is_help=True)
    group.command("list")(list_runs)
    group.command("show")(show)
    group.command("open")(open_run)
    app.add_typer(group, name="runs")


def report(
    ctx: typer.Context,
    run: _RunArgument,
    *,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a run's tear sheet again, as one self-contained page and pictures.

    Example: athena report 20261120-142233-rebalance-1f2e3d --open
    """
    from athena.research import read_run

    context = Context.of(ctx, as_json=as_json)
    folder = run_folder(context, run)
    page, pictures = write_report(context, folder, read_run(folder))
    context.output.emit({"html": page, "png": pictures}, f"report: {page}")
    if open_:
        typer.launch(page.as_uri())


def run_folder(context: Context, run: str) -> Path:
    """Return a run's folder.

    Raises:
        InputError: the id is not a plain name.
        MissingError: there is no such run.
    """
    from athena.errors import InputError, MissingError

    if run != Path(run).name or run in {"", ".", ".."}:
        message = f"expected the id of a run, was {run!r}"
        raise InputError(message, hint="athena runs list")
    folder = context.home / "runs" / run
    if not folder.is_dir():
        message = f"expected a run {run!r} in {folder.parent}, was none"
        raise MissingError(message, hint="athena runs list")
    return folder


def newest_run(context: Context) -> str:
    """Return the id of the newest run whose description can be read.

    Raises:
        MissingError: there is none yet.
    """
    from athena.errors import MissingError

    names = [name for name, _, damage in _descriptions(context) if not damage]
    if not names:
        message = f"expected a run in {context.home / 'runs'}, was none"
        raise MissingError(message, hint="athena backtest")
    return names[-1]


def _run_names(context: Context) -> list[str]:
    """List runs, oldest first; one that begins with a dot is still being written.

    What has no `run.json` is no run: a person may keep other things beside them.
    """
    from athena.research import RUN_FILE

    folder = context.home / "runs"
    if not folder.is_dir():
        return []
    return sorted(
        path.name
        for path in folder.iterdir()
        if not path.name.startswith(".") and (path / RUN_FILE).is_file()
    )


def _descriptions(context: Context) -> list[tuple[str, dict[str, Any], str]]:
    """List id, description and damage of every run, oldest first; the damage is mostly empty."""
    from athena.errors import InputError
    from athena.research import read_run_description

    found: list[tuple[str, dict[str, Any], str]] = []
    for name in _run_names(context):
        try:
            found.append((name, read_run_description(run_folder(context, name)), ""))
        except InputError as error:
            found.append((name, {}, error.message))
    return found


def _row(name: str, values: dict[str, Any]) -> tuple[str, ...]:
    parameters = values["parameters"]
    symbols = " ".join(parameters["symbols"])
    return name, values["created_at"], parameters["strategy"], symbols, values["digest"]


def list_runs(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """List what was run, newest last; a run whose description is damaged is named as damaged.

    Example: athena runs list
    """
    context = Context.of(ctx, as_json=as_json)
    found = _descriptions(context)
    runs = [
        {"run_id": name, "damage": damage} if damage else values for name, values, damage in found
    ]
    rows = [
        (name, "", "damaged", "", "") if damage else _row(name, values)
        for name, values, damage in found
    ]
    table = Table(("run", "at", "strategy", "symbols", "digest"), rows)
    context.output.emit({"runs": runs}, table if rows else "no runs yet: athena backtest")


def show(ctx: typer.Context, run: _RunArgument, *, as_json: JsonOption = False) -> None:
    """Show what a run was asked for and what came out.

    Example: athena runs show 20261120-142233-rebalance-1f2e3d
    """
    from athena.reporting import metrics_json
    from athena.research import read_run, read_run_description

    context = Context.of(ctx, as_json=as_json)
    folder = run_folder(context, run)
    metrics = metrics_json(read_run(folder))
    description = read_run_description(folder)
    rows = [(name, str(value)) for name, value in description["parameters"].items()]
    rows += [(name, str(metrics[name])) for name in ("final_equity", "total_return", "sharpe")]
    context.output.emit({**description, **metrics}, Table(("", ""), rows))


def open_run(ctx: typer.Context, run: _RunArgument, *, as_json: JsonOption = False) -> None:
    """Open a run's tear sheet in the browser.

    Example: athena runs open 20261120-142233-rebalance-1f2e3d
    """
    from athena.errors import MissingError

    context = Context.of(ctx, as_json=as_json)
    page = run_folder(context, run) / REPORT_NAME
    if not page.is_file():
        message = f"expected {page}, was missing"
        raise MissingError(message, hint=f"athena report {run}")
    typer.launch(page.as_uri())
    context.output.emit({"html": page}, f"report: {page}")
