"""The one object that every command works with."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Self

import typer

from athena.app._output import Output
from athena.errors import CoreError
from athena.platform import CONFIG_NAME, find_home, set_up_logging, storage_errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from athena.platform.config import Config, LoadedConfig

# The `--json` option that every command takes; see `Context`.
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")]


@dataclass(frozen=True)  # no slots: the cached properties need a place
class Context:
    """Everything a command needs from around it.

    A command module holds one function `register(app: typer.Typer) -> None` and, in each command:

        def show(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
            context = Context.of(ctx, as_json=as_json)
            context.start_logging()
            bars = load_bars(name, context.home)
            context.output.emit({"rows": len(bars)}, f"{len(bars)} bars")

    Errors are raised (`athena.errors`), never printed: the entry point writes them, with their
    hint, and exits with their code. A command whose check does not hold emits its result and then
    raises `typer.Exit(1)`, so that `--json` still writes exactly one object.

    Nothing is read before it is asked for, so that `athena doctor` can speak about a broken
    configuration.

    Attributes:
        home_option: `--home`, or None.
        config_option: `--config`, or None.
        verbosity: number of `-v` less the number of `-q`.
        output: where results (`emit`), remarks (`say`) and progress go.
    """

    home_option: Path | None = None
    config_option: Path | None = None
    verbosity: int = 0
    output: Output = field(default_factory=Output)

    @classmethod
    def of(cls, ctx: typer.Context, *, as_json: bool = False) -> Self:
        """Return the context of a running command."""
        context = ctx.find_root().obj
        if not isinstance(context, cls):
            message = f"expected the context of the command line, was {type(context).__name__}"
            raise CoreError(message)
        output = dataclasses.replace(context.output, is_json=as_json)
        return dataclasses.replace(context, output=output)

    @property
    def is_json(self) -> bool:
        """Tell whether the result is to be one JSON object."""
        return self.output.is_json

    @cached_property
    def config_file(self) -> Path | None:
        """The configuration file: `--config`, else `athena.yaml` in the home, else None."""
        if self.config_option is not None:
            return self.config_option
        file = find_home(self.home_option) / CONFIG_NAME
        with storage_errors(file):
            return file if file.is_file() else None

    @cached_property
    def loaded(self) -> LoadedConfig:
        """The configuration with the origin of each value; reading it may raise ConfigError."""
        return self.load()

    @property
    def config(self) -> Config:
        """The configuration; reading it may raise ConfigError."""
        return self.loaded.config

    @cached_property
    def home(self) -> Path:
        """The data home; nothing is created here (see `athena.platform.home_folder`)."""
        return find_home(self.config.paths.home)

    def load(self, options: Mapping[str, object] | None = None) -> LoadedConfig:
        """Load the configuration with options of a command on top (dotted path -> value).

        None values are skipped, so a command can hand over what was not given:
        `context.load({"costs.taker_fee_bps": fee_bps, "run.seed": seed}).config`.
        """
        from athena.platform.config import load_config

        home = None if self.home_option is None else find_home(self.home_option)
        given = {"paths.home": home, **(options or {})}
        return load_config(self.config_file, options=given)

    def start_logging(self) -> None:
        """Set logging up from the configuration and `-v` or `-q`; call it before the work."""
        log = self.config.log
        set_up_logging(log.level, verbosity=self.verbosity, style=log.format, file=log.file)
