"""`athena backup` and `athena restore`: the home as one file, and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from athena.app._context import Context, JsonOption
from athena.errors import RefusedError
from athena.platform import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.app._output import Progress

_MEGABYTE = 1_000_000


def register(app: typer.Typer) -> None:
    """Add both commands to the command line."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="Where to, a file or a folder; else a new name in this folder."),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Write the home into one file: data sets, runs, sweeps, trials, sessions, database, settings.

    Caches, crash bundles and runs that did not end are left out; a session may be under way. The
    file is read back before it takes its name; an older backup of that name is replaced.

    Example: athena backup athena-backup.zip
    """
    from athena.app._backup import back_up, list_contents

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    now_ns = SystemClock().now_ns()
    contents = list_contents(context.home)
    with context.output.progress("backup", _twice(contents.n_bytes), "MB") as progress:
        report = back_up(
            context.home,
            _target(file, now_ns),
            contents,
            url=context.config.database.url,
            now_ns=now_ns,
            on_bytes=_counting(progress),
        )
    if report.skipped:
        context.output.say(f"left out, for they did not end: {', '.join(report.skipped)}")
    context.output.emit(
        {
            "file": report.file,
            "members": report.n_members,
            "content_bytes": report.content_bytes,
            "size_bytes": report.size_bytes,
            "manifest_sha256": report.manifest_sha256,
            "has_database": report.has_database,
            "skipped": list(report.skipped),
        },
        f"{report.n_members:,} files, {_megabytes(report.content_bytes)}, in {report.file} "
        f"({_megabytes(report.size_bytes)}), read back: every SHA-256 holds",
    )


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `athena backup` wrote.")],
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Set aside a home that is not empty, without asking.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Put the home back as a backup holds it, after every SHA-256 of it was compared.

    A home that is not empty is kept under another name, and only after a confirmation. While a
    session is under way it is refused; sessions of the backup can be read, but do not go on.

    Example: athena restore athena-backup.zip --yes
    """
    from athena.app._archive import open_archive
    from athena.app._backup import is_empty
    from athena.app._backup import restore as put_back

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    with open_archive(file) as archive:
        n_bytes = archive.size_bytes
    if not (yes or is_empty(context.home)):
        _confirm(context)
    with context.output.progress("restore", _twice(n_bytes), "MB") as progress:
        report = put_back(
            file,
            context.home,
            config_file=context.config_option,
            now_ns=SystemClock().now_ns(),
            on_bytes=_counting(progress),
        )
    if report.kept is not None:
        context.output.say(f"what was there before is kept in {report.kept}")
    context.output.emit(
        {
            "home": report.home,
            "created_at": report.created_at,
            "members": report.n_members,
            "content_bytes": report.content_bytes,
            "database": report.database or None,
            "kept": report.kept,
        },
        f"{report.n_members:,} files, {_megabytes(report.content_bytes)}, of {report.created_at} "
        f"restored to {report.home}: every SHA-256 holds",
    )


def _confirm(context: Context) -> None:
    """Ask for the home's name, so that nobody confirms out of habit.

    Raises:
        RefusedError: nobody can be asked, or the answer is another one.
    """
    home = context.home
    message = f"expected an empty home, was {home}"
    if context.is_json or not sys.stdin.isatty():
        raise RefusedError(message, hint="--yes sets it aside; or choose another --home DIR")
    answer = typer.prompt(f"{message}; to set it aside type {home.name}", err=True)
    if answer != home.name:
        refusal = f"expected {home.name!r} as confirmation, was {answer!r}"
        raise RefusedError(refusal, hint="nothing was touched")


def _target(file: Path | None, now_ns: int) -> Path:
    from athena.domain import format_time

    if file is not None and not file.is_dir():
        return file.absolute()
    stamp = format_time(now_ns)[:19].replace(":", "").replace("-", "")
    return (file or Path.cwd()).absolute() / f"athena-{stamp}Z.zip"


def _counting(progress: Progress) -> Callable[[int], None]:
    done_mb = 0.0

    def add(n_bytes: int) -> None:
        nonlocal done_mb
        done_mb += n_bytes / _MEGABYTE
        progress(done_mb)

    return add


def _twice(n_bytes: int) -> float:
    # Everything is read once to be hashed and once more to be written or compared.
    return 2 * n_bytes / _MEGABYTE


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / _MEGABYTE:,.1f} MB"
