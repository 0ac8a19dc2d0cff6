"""`athena init`: write a commented configuration."""

from pathlib import Path
from typing import Annotated

import typer

from athena.app._context import Context, JsonOption
from athena.errors import RefusedError
from athena.platform import CONFIG_NAME, atomic_write_text, ensure_folder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    ctx: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where to write; else the data home.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Write a configuration file with every key, its default and its meaning, as comments.

    Example: athena init
    """
    from athena.platform.config import config_template

    context = Context.of(ctx, as_json=as_json)
    file = (folder.expanduser().absolute() if folder else context.home) / CONFIG_NAME
    if file.exists():
        message = f"expected no configuration yet, was {file}"
        raise RefusedError(message, hint="edit that file, or name another folder")
    ensure_folder(file.parent)
    atomic_write_text(file, config_template())
    context.output.emit({"file": file}, f"wrote {file}")
    if folder:
        context.output.say(f"use it with: athena --config {file} COMMAND")
