"""Halting when the database or the engine does not answer, and taking the HALT file away."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import typer

from athena.app import _operating as operating
from athena.app.live import (
    HALT_NAME,
    Answer,
    Verb,
    Wish,
    answer,
    clear_halt,
    find_request,
    read_halt,
    this_door,
    write_halt,
)
from athena.domain import format_time
from athena.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from athena.app._context import Context
    from athena.app.live import Request
    from athena.errors import AthenaError
    from athena.platform.database import Database


_SESSIONS = "live"  # the folder of `athena.app.running`, which is too heavy to import for a halt


def has_sessions(home: Path) -> bool:
    """Tell whether sessions were begun in a home, whatever its database knows of them."""
    return any((home / _SESSIONS).glob("*/session.json"))


def halt_by_file(context: Context, reason: str, *, kill: bool) -> None:
    """Write the HALT file because it was asked for; the kill switch only after a typed word.

    Raises:
        RefusedError: the kill switch was asked for and nobody can type.
    """
    if kill:
        file = context.home / HALT_NAME
        if not operating.has_person(context):
            message = "expected a typed confirmation of the kill switch, was no terminal"
            raise RefusedError(message, hint=f"touch {file}")
        operating.confirm_by_word(Verb.KILL, str(file))
    _emit(context, write_file(context, reason, keeps_positions=not kill))


def halt_without_database(
    context: Context, reason: str, error: AthenaError, *, kill: bool
) -> NoReturn:
    """Write the HALT file because there was no other way; positions stay, since nobody confirmed.

    Raises:
        Exit: with 3, as nothing has answered.
    """
    file = write_file(context, reason, keeps_positions=True)
    remarks = [f"the database was not reached: {error.message}"]
    if kill:
        remarks.append(f"positions are kept; to close them too: rm {file} && touch {file}")
    _emit(context, file, *remarks)
    raise typer.Exit(operating.UNANSWERED)


def write_file(context: Context, reason: str, *, keeps_positions: bool) -> Path:
    """Write the HALT file, saying who wrote it and when."""
    who = f"{this_door('command line')}, {format_time(operating.now_ns())}"
    return write_halt(context.home, f"{reason}\n{who}", keeps_positions=keeps_positions)


def has_only_the_file(context: Context, database: Database, named: str | None) -> bool:
    """Tell whether the HALT file is there and no session is under way that would remove it."""
    is_idle = named is None and not operating.sessions_under_way(database, None)
    return is_idle and read_halt(context.home) is not None


def clear_without_engine(
    context: Context, database: Database, reason: str, confirm: str
) -> Request:
    """Remove the HALT file of a home in which no session is under way.

    Raises:
        RefusedError: whoever asks is no admin, or did not confirm.
    """
    asked = operating.send(context, database, Wish("", Verb.ADMIN_RESUME, reason), confirm)
    clear_halt(context.home)
    said = Answer(
        is_executed=True,
        text=f"removed {HALT_NAME}",
        state_before={"halt_file": True},
        state_after={"halt_file": False},
    )
    answer(database, asked.id, said, now_ns=operating.now_ns())
    with database.read() as transaction:
        return find_request(transaction, asked.id)


def _emit(context: Context, file: Path, *remarks: str) -> None:
    context.output.emit(
        {"state": "written", "requests": [], "halt_file": file, "remarks": list(remarks)},
        f"wrote {file}: an engine of this home halts within a second",
        *remarks,
    )
