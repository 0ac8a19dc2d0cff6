"""`athena doctor`: what works here, and what each missing piece needs."""

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table

_NOT_WORKING = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Examine this installation; exit 1 when a backtest could not run.

    Example: athena doctor
    """
    from athena.app._doctor import examine, main_job_works

    context = Context.of(ctx, as_json=as_json)
    findings = examine(context)
    works = main_job_works(findings)
    rows = [(item.name, item.status, item.detail, item.fix) for item in findings]
    names = ("name", "status", "detail", "fix")
    context.output.emit(
        {"works": works, "findings": [dict(zip(names, row, strict=True)) for row in rows]},
        Table(("what", "status", "found", "to do"), rows),
        "a backtest can run" if works else "a backtest cannot run yet: see 'to do'",
    )
    if not works:
        raise typer.Exit(_NOT_WORKING)
