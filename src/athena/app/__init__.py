"""The doors: command line, run modes, dashboard, wiring of everything below."""

from athena.app._cli import build_app
from athena.app._context import Context, JsonOption
from athena.app._output import Output, Progress, Table
from athena.app._run import run

__all__ = ["Context", "JsonOption", "Output", "Progress", "Table", "build_app", "run"]
