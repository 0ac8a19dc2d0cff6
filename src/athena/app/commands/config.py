"""`athena config`: what holds, and why."""

from typing import Annotated

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Look at the configuration.")
    group.command()(show)
    app.add_typer(group, name="config")


def show(
    ctx: typer.Context,
    *,
    origin: Annotated[
        bool, typer.Option("--origin", help="Say where each value came from.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show every value that holds: options > environment > file > defaults.

    Example: athena config show --origin
    """
    from athena.platform.config import dump_config, flatten

    context = Context.of(ctx, as_json=as_json)
    loaded = context.loaded
    values = loaded.config.model_dump(mode="json")
    if not origin:
        context.output.emit({"file": loaded.file, "values": values}, dump_config(loaded.config))
        return
    rows = [
        (path, "" if value is None else str(value), loaded.origins[path])
        for path, value in flatten(values)
    ]
    context.output.emit(
        {"file": loaded.file, "values": values, "origins": loaded.origins},
        Table(("key", "value", "origin"), rows),
    )
