"""What works here, and what each missing piece needs."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Literal

from athena.app._crash import installed_versions
from athena.errors import AthenaError
from athena.platform import MASK, SecretName, SystemClock, ensure_folder, find_secret, how_to_set

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athena.app._context import Context

Status = Literal["ok", "missing", "broken"]

_DISTRIBUTION = "athena-desk"
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([a-z0-9-]+)['"]""")
# Extras for people who work on Athena itself.
_DEVELOPMENT = frozenset({"dev", "docs", "e2e", "service"})
_OLDEST_PYTHON = (3, 11)
_NEEDED_BYTES = 200_000_000
_GIGABYTE = 1_000_000_000
_EARLIEST_NS = 1_767_225_600_000_000_000  # 2026-01-01: this code is not older
_LATEST_NS = 4_102_444_800_000_000_000  # 2100-01-01


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the doctor looked at.

    Attributes:
        name: what was looked at.
        status: `ok`; `missing`, something else works without it; `broken`, a backtest cannot run.
        detail: what was found.
        fix: the command or act that mends it; empty when nothing is to be done.
    """

    name: str
    status: Status
    detail: str
    fix: str = ""


def examine(context: Context) -> list[Finding]:
    """Look at everything a backtest needs, then at what is optional."""
    findings = [_python(), *_packages(), _configuration(context)]
    if findings[-1].status == "ok":
        findings += [_home(context.home), _disk(context.home), _datasets(context.home)]
        findings += [_database(context), _bus(context), *_secrets(), _models(context)]
    return [*findings, _clock(SystemClock().now_ns()), _terminal()]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return Finding("python", "broken", version, "install Python 3.11 or newer")
    return Finding("python", "ok", version)


def _packages() -> Iterator[Finding]:
    """Compare what the distribution asks for with what is installed, extra by extra."""
    for extra, names in _requirements().items():
        versions = installed_versions(names)
        absent = [name for name in names if name not in versions]
        label = f"extra {extra}" if extra else "packages"
        if not absent:
            found = ", ".join(f"{name} {version}" for name, version in versions.items())
            yield Finding(label, "ok", found)
            continue
        wanted = f"{_DISTRIBUTION}[{extra}]" if extra else _DISTRIBUTION
        status: Status = "missing" if extra else "broken"
        yield Finding(label, status, f"not installed: {', '.join(absent)}", _install(wanted))


def _install(wanted: str) -> str:
    return f"{sys.executable} -m pip install '{wanted}'"


def _requirements() -> dict[str, list[str]]:
    """Map each extra ('' for the base) to the packages it asks for."""
    needed: dict[str, list[str]] = {"": []}
    for line in metadata.requires(_DISTRIBUTION) or []:
        name = _REQUIREMENT.match(line)
        extra = _EXTRA.search(line)
        group = extra[1] if extra else ""
        if name and group not in _DEVELOPMENT:
            needed.setdefault(group, []).append(name[1])
    return needed


def _configuration(context: Context) -> Finding:
    try:
        file = context.loaded.file
    except AthenaError as error:
        return Finding("configuration", "broken", error.message, error.hint)
    return Finding("configuration", "ok", str(file) if file else "defaults (no file)")


def _home(home: Path) -> Finding:
    try:
        ensure_folder(home)
    except AthenaError as error:
        return Finding("home", "broken", error.message, error.hint)
    return Finding("home", "ok", str(home))


def _disk(home: Path) -> Finding:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / _GIGABYTE:.1f} GB free"
    if free < _NEEDED_BYTES:
        return Finding("disk", "broken", detail, "free 0.2 GB, or choose another --home DIR")
    return Finding("disk", "ok", detail)


def _datasets(home: Path) -> Finding:
    from athena.market import list_datasets

    try:
        names = [dataset.name for dataset in list_datasets(home)]
    except AthenaError as error:
        return Finding("data sets", "broken", error.message, error.hint)
    if not names:
        return Finding("data sets", "broken", "none", "athena data sample")
    return Finding("data sets", "ok", ", ".join(names))


def _database(context: Context) -> Finding:
    from athena.app._database import describe_database

    try:
        found = describe_database(context.config.database.url, context.home)
    except AthenaError as error:
        # A backtest needs none.
        return Finding("database", "missing", error.message, error.hint)
    return Finding("database", "ok", found)


def _bus(context: Context) -> Finding:
    from athena.desk.bus import check_bus

    url = context.config.bus.url
    if not url:
        return Finding("bus", "ok", "inside the process")
    try:
        check_bus(url)
    except AthenaError as error:
        # A backtest needs none.
        return Finding("bus", "missing", error.message, error.hint)
    return Finding("bus", "ok", f"{url}, JetStream answers")


def _secrets() -> Iterator[Finding]:
    """Say where each secret was found, never what it is; only the venue's keys are missed."""
    for name in SecretName:
        try:
            found = find_secret(name)
        except AthenaError as error:
            yield Finding(name, "missing", error.message, error.hint)
            continue
        if found is not None:
            yield Finding(name, "ok", f"{MASK} ({found.origin})")
        elif name in {SecretName.KRAKEN_KEY, SecretName.KRAKEN_SECRET}:
            yield Finding(name, "missing", "live trading needs it", how_to_set(name))


def _models(context: Context) -> Finding:
    """Say which roles have no language model that could be asked; they follow rules."""
    from athena.language import examine_roles

    items = examine_roles(context.config.language)
    there = {item.role for item in items if item.absent is None}
    without = sorted({item.role for item in items} - there)
    if without:
        detail = f"none for {', '.join(without)}: the desk follows rules there"
        return Finding("language models", "missing", detail, "athena models list")
    return Finding("language models", "ok", "every role has one; athena models check asks them")


def _clock(now_ns: int) -> Finding:
    from athena.domain import format_time

    if _EARLIEST_NS <= now_ns < _LATEST_NS:
        return Finding("clock", "ok", format_time(now_ns))
    return Finding("clock", "missing", format_time(now_ns), "set the clock of this machine")


def _terminal() -> Finding:
    if not sys.stderr.isatty():
        return Finding("terminal", "ok", "none: no progress bars, no prompts")
    if "NO_COLOR" in os.environ:
        return Finding("terminal", "ok", "NO_COLOR is set: no progress bars")
    columns = shutil.get_terminal_size().columns
    return Finding("terminal", "ok", f"{columns} columns, progress bars on")


def main_job_works(findings: list[Finding]) -> bool:
    """Tell whether nothing that a backtest needs is broken."""
    return all(finding.status != "broken" for finding in findings)
