"""The crash bundle: what is needed to understand a bug, without the secrets that were around."""

from __future__ import annotations

import platform
import sys
import traceback
from importlib import metadata
from typing import TYPE_CHECKING

from athena import __version__
from athena.platform import (
    RandomIds,
    SystemClock,
    atomic_write_text,
    home_folder,
    known_secrets,
    mask_text,
    redact_arguments,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PACKAGES = ("numpy", "numba", "polars", "pydantic", "rich", "structlog", "typer")


def write_crash_bundle(error: BaseException, arguments: Sequence[str], home: Path) -> Path:
    """Write traceback, arguments and versions into `crashes/` of the home; return the file.

    Raises:
        InputError: the home cannot be written.
        MissingError: the disk is full.
    """
    from athena.domain import format_time

    moment = format_time(SystemClock().now_ns())
    stamp = moment[:19].replace(":", "").replace("-", "")
    file = home_folder(home, "crashes") / f"{stamp}Z-{RandomIds().next_id()[:8]}.txt"
    atomic_write_text(file, describe_crash(error, arguments, moment))
    return file


def describe_crash(error: BaseException, arguments: Sequence[str], moment: str) -> str:
    """Describe a crash as text; values that look secret are masked (C23)."""
    secrets = known_secrets()
    lines = [
        f"time: {moment}",
        f"command: athena {' '.join(redact_arguments(arguments, secrets))}",
        f"athena: {__version__}",
        f"python: {sys.version.split()[0]} on {platform.platform()}",
        *(f"{name}: {version}" for name, version in installed_versions(_PACKAGES).items()),
        "",
        *traceback.format_exception(error),
    ]
    return mask_text("\n".join(lines), secrets)


def installed_versions(names: Sequence[str]) -> dict[str, str]:
    """Map installed distributions to their versions; one that is absent is left out."""
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
