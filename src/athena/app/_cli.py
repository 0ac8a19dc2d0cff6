"""The command line: global options and the commands that register themselves."""

import importlib
import pkgutil
from pathlib import Path
from typing import Annotated

import typer

from athena import __version__
from athena.app import commands
from athena.app._context import Context
from athena.app._output import Output


def _print_version(is_asked: bool) -> None:  # noqa: FBT001  # typer hands it over by position
    if is_asked:
        typer.echo(f"athena {__version__}")
        raise typer.Exit


def _open(
    ctx: typer.Context,
    *,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="Configuration file; else athena.yaml in the home."),
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Folder for data sets and runs; else ATHENA_HOME."),
    ] = None,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="Log more; tracebacks of bugs.")
    ] = 0,
    quiet: Annotated[
        int, typer.Option("--quiet", "-q", count=True, help="Log less; no remarks, no bars.")
    ] = 0,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_print_version),
    ] = False,
) -> None:
    """Trade, backtest and audit with a desk that can be checked.

    Example: athena backtest --strategy sma_cross --data btc-usd-30m
    """
    ctx.obj = Context(
        home_option=home,
        config_option=config_file,
        verbosity=verbose - quiet,
        output=Output(is_quiet=quiet > verbose),
    )
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def build_app() -> typer.Typer:
    """Build the command line: every module of `athena.app.commands` registers its commands."""
    app = typer.Typer(
        name="athena",
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback(invoke_without_command=True)(_open)
    for module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda item: item.name):
        importlib.import_module(f"{commands.__name__}.{module.name}").register(app)
    return app
