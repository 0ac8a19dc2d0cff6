"""One account, one process of this machine, whatever home it works in."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from athena.errors import InputError, RefusedError
from athena.platform import atomic_write_text, ensure_folder, file_lock, storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FOLDER = "accounts"


@contextmanager
def account_on_this_machine(account: str, home: Path, folder: Path) -> Iterator[None]:
    """Hold an account of a venue for one home while the block runs.

    Two homes that trade one account would each take the other's orders for a stranger's, and
    their protection would count double.

    Args:
        account: a name that is equal for equal venues and keys; no secret.
        home: that trades it.
        folder: where this machine's user keeps such locks, see `accounts_folder`.

    Raises:
        RefusedError: another home trades it; the message names it.
    """
    holder = folder / f"{account}.home"
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(folder / f"{account}.lock", timeout_s=0))
        except RefusedError as error:
            message = (
                f"expected nobody else on this machine to trade this account, was {_read(holder)}"
            )
            hint = "stop that one first: two homes must not trade one account"
            raise RefusedError(message, hint=hint) from error
        atomic_write_text(holder, f"{home.absolute()}\n")
        yield


def accounts_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the user's accounts are locked: the same for a shell and a service.

    `$XDG_STATE_HOME/athena/accounts`, else `~/.local/state/athena/accounts`; where the user has
    no place to write, the machine's folder for temporary files.
    """
    named = environment.get("XDG_STATE_HOME", "")
    try:
        base = Path(named) if named.startswith("/") else Path.home() / ".local" / "state"
        return ensure_folder(base / "athena" / _FOLDER)
    except (InputError, RuntimeError):  # a service without a home
        return ensure_folder(Path(tempfile.gettempdir()) / f"athena-{os.getuid()}" / _FOLDER)


def _read(holder: Path) -> str:
    with storage_errors(holder):
        found = holder.read_text("utf-8").strip() if holder.is_file() else ""
    return f"the home {found}" if found else "another process"
