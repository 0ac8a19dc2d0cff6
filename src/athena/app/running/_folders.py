"""Where sessions live: one folder each, found again after a crash, and locked while under way."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from athena.errors import InputError, RefusedError
from athena.platform import atomic_write_text, ensure_folder, file_lock, storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LIVE_FOLDER = "live"
LOCK_NAME = "lock"
_LOCKS = ".locks"
_FILE = "session.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class SessionFile:
    """What is known of a session without its journal.

    Attributes:
        id: 32 hex digits, and the name of its folder.
        mode, venue: of the run.
        account: whose; two accounts of one venue have different names. No secret.
        setup: what was asked for; a session goes on only with the same.
        started_ns: when it was begun.
        is_opened: its journal holds the account; before that nothing was ever sent.
        speed: that it was begun with: seconds of its clock in one of the wall's; 0 unknown.
        is_over: another one was begun in its place.
    """

    id: str
    mode: str
    venue: str
    account: str
    setup: Mapping[str, Any] = field(default_factory=dict)
    started_ns: int = 0
    speed: float = 0.0
    is_opened: bool = False
    is_over: bool = False

    @property
    def place(self) -> tuple[str, str, str]:
        """Return what only one session at a time may have."""
        return self.mode, self.venue, self.account


def session_folder(home: Path, session: str) -> Path:
    """Return the folder of a session; nothing is created."""
    return home / LIVE_FOLDER / session


def write_session(home: Path, session: SessionFile) -> None:
    """Write what is known of a session, whole or not at all."""
    folder = ensure_folder(session_folder(home, session.id))
    text = json.dumps({"format": _FORMAT, **asdict(session)}, indent=2)
    atomic_write_text(folder / _FILE, f"{text}\n")


def read_session(folder: Path) -> SessionFile | None:
    """Read what is known of a session; None when the folder is none.

    Raises:
        InputError: the file is damaged, or another version wrote it.
    """
    file = folder / _FILE
    with storage_errors(file):
        if not file.is_file():
            return None
        text = file.read_text("utf-8")
    session = _parsed(text)
    if session is None:
        message = f"expected the description of a session in {file}, was something else"
        raise InputError(message, hint=f"move {folder} out of the home to begin anew")
    return session


def _parsed(text: str) -> SessionFile | None:
    try:
        values = json.loads(text)
        is_ours = values.pop("format") == _FORMAT
        return SessionFile(**values) if is_ours else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def current_session(home: Path, place: tuple[str, str, str]) -> SessionFile | None:
    """Return the session to go on with: the newest of an account that is not over.

    Raises:
        InputError: the description of one is damaged.
    """
    root = home / LIVE_FOLDER
    with storage_errors(root):
        folders = [item for item in root.iterdir() if item.is_dir()] if root.is_dir() else []
    found = [session for folder in folders if (session := read_session(folder)) is not None]
    mine = [item for item in found if item.place == place and not item.is_over]
    return max(mine, key=lambda item: item.started_ns, default=None)


def mark_opened(home: Path, session: SessionFile) -> SessionFile:
    """Note that the journal holds the account from now on."""
    changed = replace(session, is_opened=True)
    write_session(home, changed)
    return changed


def mark_over(home: Path, session: SessionFile) -> None:
    """Note that another session takes its place."""
    write_session(home, replace(session, is_over=True))


@contextmanager
def account_locked(home: Path, place: tuple[str, str, str]) -> Iterator[None]:
    """Hold an account: one process, one writer.

    Raises:
        RefusedError: another process trades it.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(_lock_of(home, place), timeout_s=0))
        except RefusedError as error:
            message = (
                f"expected nobody else to trade {place[2]} on {place[1]}, was another process"
            )
            raise RefusedError(message, hint="athena status shows it; stop it first") from error
        yield


def _lock_of(home: Path, place: tuple[str, str, str]) -> Path:
    return home / LIVE_FOLDER / _LOCKS / "-".join(place)
