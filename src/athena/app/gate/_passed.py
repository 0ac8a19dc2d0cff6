"""The record of a passed gate, bound to what was run on paper: a change of it voids it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from athena.app.gate._fingerprint import Fingerprint  # noqa: TC001 - pydantic reads it
from athena.app.gate._gate import Condition  # noqa: TC001 - pydantic reads it
from athena.app.gate._paper_record import LIVE_FOLDER
from athena.errors import InputError
from athena.platform import atomic_write_text, ensure_folder, storage_errors

if TYPE_CHECKING:
    from pathlib import Path

GATE_NAME = "gate.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedGate:
    """A paper record that met every condition, and of what.

    Attributes:
        passed_ns: when, UTC nanoseconds.
        session: on paper.
        fingerprint: of code, limits and strategies.
        conditions: of the record, as they were measured.
    """

    passed_ns: int
    session: str
    fingerprint: Fingerprint
    conditions: tuple[Condition, ...]


def write_passed(home: Path, passed: PassedGate) -> Path:
    """Keep the record of a passed gate; an older one is replaced.

    Raises:
        InputError: it cannot be written.
        MissingError: the disk is full.
    """
    path = ensure_folder(home / LIVE_FOLDER) / GATE_NAME
    text = json.dumps(json.loads(_ADAPTER.dump_json(passed)), indent=2)
    atomic_write_text(path, f"{text}\n")
    return path


def void_passed(home: Path) -> None:
    """Forget that the gate was passed; without a record do nothing.

    Raises:
        InputError: it cannot be removed.
    """
    path = home / LIVE_FOLDER / GATE_NAME
    with storage_errors(path):
        path.unlink(missing_ok=True)


def read_passed(home: Path) -> PassedGate | None:
    """Return the record of a passed gate; None when there is none.

    Raises:
        InputError: it cannot be read, or holds a condition that does not hold.
    """
    path = home / LIVE_FOLDER / GATE_NAME
    with storage_errors(path):
        if not path.is_file():
            return None
        text = path.read_text("utf-8", errors="replace")
    try:
        passed = _ADAPTER.validate_json(text)
    except ValidationError as error:
        message = f"expected the record of a passed gate in {path}, was something else"
        raise InputError(message, hint=f"remove {path}; athena live --check") from error
    if not passed.conditions or any(item.holds is not True for item in passed.conditions):
        message = f"expected conditions that hold in {path}, was another"
        raise InputError(message, hint=f"remove {path}; athena live --check")
    return passed


_ADAPTER: TypeAdapter[PassedGate] = TypeAdapter(PassedGate)
