"""The record of a bundle: which version stands where, and how it came there. It is the pointer.

One file, replaced in one rename: a reader sees the state before a move or after it. Its first line
is the SHA-256 of the rest.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from athena.errors import InputError, MissingError, RefusedError
from athena.platform._storage import atomic_write_bytes, storage_errors
from athena.platform.artifacts._documents import STRICT, read_as, to_json
from athena.platform.artifacts._gates import (
    Gate,  # noqa: TC001 - pydantic reads the annotations
)
from athena.platform.artifacts._kinds import BundleKind, Status
from athena.platform.artifacts._place import bundle_folder, bundle_names

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import ConfigDict

RECORD_NAME = "record"
SHOWN_DIGITS = 12
_FORMAT: Literal["athena-artifact-1"] = "athena-artifact-1"
_VERSION = re.compile(r"[0-9a-f]{64}")
_MOST_MOVES = 1_000
_LARGEST_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """A gate that was measured after the bundle was published, such as a shadow run.

    Attributes:
        at_ns: when it was recorded, UTC nanoseconds.
        gate: what was measured.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    at_ns: int
    gate: Gate


@dataclass(frozen=True, slots=True)
class Version:
    """One published bundle.

    Attributes:
        id: SHA-256 of its manifest, 64 hex digits; also its folder's name.
        status: where it stands.
        published_at_ns: UTC nanoseconds.
        evidence: gates measured since, oldest first.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    id: str
    status: Status
    published_at_ns: int
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a version.

    Attributes:
        at_ns: when, UTC nanoseconds.
        version: its id.
        before: None for a new one.
        after: None for one whose files were removed.
        reason: in a few words.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    at_ns: int
    version: str
    before: Status | None
    after: Status | None
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """What is known about the versions of one name.

    Attributes:
        format: of this file.
        name: of the bundle; it is its folder's too.
        kind: of model; one name keeps it.
        versions: that are kept, oldest first.
        previous: ids that were promoted before the present one, oldest first; a roll-back takes
            the last.
        history: the latest 1,000 moves, oldest first.
        n_forgotten: moves before those.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    format: Literal["athena-artifact-1"]
    name: str
    kind: BundleKind
    versions: tuple[Version, ...] = ()
    previous: tuple[str, ...] = ()
    history: tuple[Move, ...] = ()
    n_forgotten: int = 0

    def standing(self, status: Status) -> Version | None:
        """Return the newest version of a status, or None."""
        found = [version for version in self.versions if version.status is status]
        return found[-1] if found else None

    def find(self, prefix: str) -> Version:
        """Return the version whose id begins so.

        Raises:
            MissingError: there is none, or more than one.
        """
        found = [version for version in self.versions if version.id.startswith(prefix)]
        if len(found) != 1 or not prefix:
            known = ", ".join(version.id[:SHOWN_DIGITS] for version in self.versions) or "none"
            message = f"expected one version {prefix!r} of {self.name}, was {len(found)}: {known}"
            raise MissingError(message, hint=f"athena artifacts show {self.name}")
        return found[0]

    def moved(self, version: Version, after: Status, *, at_ns: int, reason: str) -> Record:
        """Return the record after a version took another status."""
        move = Move(at_ns, version.id, version.status, after, reason)
        changed = replace(version, status=after)
        versions = tuple(changed if item.id == version.id else item for item in self.versions)
        return replace(self, versions=versions).noted(move)

    def noted(self, *moves: Move) -> Record:
        """Return the record with moves at the end of its history."""
        history = (*self.history, *moves)
        n_over = max(0, len(history) - _MOST_MOVES)
        return replace(self, history=history[n_over:], n_forgotten=self.n_forgotten + n_over)


def is_version(name: str) -> bool:
    """Tell whether a name is that of a version's folder."""
    return _VERSION.fullmatch(name) is not None


def new_record(name: str, kind: BundleKind) -> Record:
    """Return the record of a name that nothing was published under."""
    return Record(_FORMAT, name, kind)


def read_record(home: Path, name: str) -> Record:
    """Read the record of a bundle.

    Raises:
        InputError: the name is not plain, or the file cannot be read.
        MissingError: nothing was published under the name.
        RefusedError: the record is damaged, or another name's.
    """
    record = find_record(home, name)
    if record is None:
        known = ", ".join(bundle_names(home)) or "none"
        message = f"expected a bundle {name!r} in {home}, was none; there is: {known}"
        raise MissingError(message, hint="athena artifacts list")
    return record


def find_record(home: Path, name: str) -> Record | None:
    """Read the record of a bundle, or return None when there is none; see `read_record`."""
    path = bundle_folder(home, name) / RECORD_NAME
    with storage_errors(path):
        if path.is_symlink():
            message = f"expected a file of this home, was a link: {path}"
            raise RefusedError(message, hint="remove the link")
        if not path.exists():
            return None
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    first, _, body = content.partition(b"\n")
    if first != _seal(body):
        message = f"expected the content that its first line states, was another: {path}"
        raise RefusedError(message, hint="restore it from a backup; the versions lie beside it")
    record = read_as(Record, body, what=str(path))
    _check(record, name, path)
    return record


def write_record(home: Path, record: Record) -> None:
    """Replace the record of a bundle; whoever calls this holds the bundle's lock.

    Raises:
        InputError: it cannot be written.
        MissingError: the disk is full.
    """
    body = to_json(asdict(record), what="the record")
    path = bundle_folder(home, record.name) / RECORD_NAME
    atomic_write_bytes(path, _seal(body) + b"\n" + body)


def _seal(body: bytes) -> bytes:
    return f"sha256 {hashlib.sha256(body).hexdigest()}".encode()


def _check(record: Record, name: str, path: Path) -> None:
    ids = [version.id for version in record.versions]
    n_serving = sum(version.status is Status.PROMOTED for version in record.versions)
    n_shadow = sum(version.status is Status.SHADOW for version in record.versions)
    is_sound = (
        record.name == name
        and len(set(ids)) == len(ids)
        and all(map(is_version, ids))
        and max(n_serving, n_shadow) <= 1
        and set(record.previous) <= set(ids)
    )
    if not is_sound:
        message = f"expected the record of {name}, was one that contradicts itself: {path}"
        raise RefusedError(message, hint="restore it from a backup")


def check_kind(record: Record, kind: BundleKind) -> None:
    """Check that a name is of a kind.

    Raises:
        InputError: it is of another one.
    """
    if record.kind is not kind:
        message = f"expected a {kind} named {record.name}, was a {record.kind}"
        raise InputError(message, hint="a name keeps its kind: choose another name")
