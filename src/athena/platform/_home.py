"""The data home: one folder that holds data sets, runs, artifacts, caches and crash bundles."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from athena.platform._storage import ensure_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_NAME = "athena.yaml"
HomeFolder = Literal["artifacts", "datasets", "runs", "sweeps", "exchanges", "cache", "crashes"]


def default_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the platform's user data folder for Athena; nothing is created.

    Linux: `$XDG_DATA_HOME/athena`, else `~/.local/share/athena`; macOS:
    `~/Library/Application Support/athena`.
    """
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "athena"
    data_home = environment.get("XDG_DATA_HOME", "")
    # The XDG rules say that a relative path there is to be ignored.
    base = Path(data_home) if data_home.startswith("/") else Path.home() / ".local" / "share"
    return base / "athena"


def find_home(option: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Resolve the home: the option, else `ATHENA_HOME`, else the default; nothing is created."""
    if option is not None:
        return option.expanduser().absolute()
    named = environment.get("ATHENA_HOME", "")
    return Path(named).expanduser().absolute() if named else default_home(environment)


def home_folder(home: Path, name: HomeFolder) -> Path:
    """Return a folder of the home, created when absent.

    Raises:
        InputError: it cannot be created or written; the message names it.
        MissingError: the disk is full.
    """
    return ensure_folder(home / name)
