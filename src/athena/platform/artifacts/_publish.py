"""Publish a bundle: a folder that appears whole, then one swap of the record."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from athena.errors import MissingError, RefusedError
from athena.platform._storage import staged_folder, storage_errors
from athena.platform.artifacts._content import MANIFEST_NAME
from athena.platform.artifacts._draft import draft_files
from athena.platform.artifacts._files import describe_files
from athena.platform.artifacts._kinds import Status
from athena.platform.artifacts._place import locked_bundle
from athena.platform.artifacts._record import (
    Move,
    Version,
    check_kind,
    find_record,
    is_version,
    new_record,
    read_record,
    write_record,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athena.platform.artifacts._draft import BundleDraft
    from athena.platform.artifacts._record import Record

_MOST_OLD = 5
_STANDING = (Status.PROMOTED, Status.SHADOW)


def publish_bundle(home: Path, draft: BundleDraft, *, now_ns: int) -> str:
    """Publish a model as a candidate; nothing is served differently by it.

    Of the versions that are neither promoted, in shadow, nor what a roll-back would take, the
    five newest are kept.

    Args:
        home: data home.
        draft: the model.
        now_ns: UTC nanoseconds.

    Returns:
        Its version: the SHA-256 of its manifest, 64 hex digits.

    Raises:
        InputError: something in the draft would be refused at load, the name is of another kind
            or not plain, the same bundle is there already, or the home cannot be written.
        MissingError: there is not room for it; the message names the bytes needed.
        RefusedError: another process held the lock for 30 s, or the record is damaged.
    """
    files = draft_files(draft)
    manifest, version = describe_files(draft.name, draft.kind, now_ns, files)
    n_bytes = len(manifest) + sum(map(len, files.values()))
    with locked_bundle(home, draft.name) as folder:
        record = find_record(home, draft.name) or _first_record(home, folder, draft)
        check_kind(record, draft.kind)
        _sweep(folder, record)
        try:
            with _room_for(n_bytes, folder):
                with staged_folder(folder / version) as staged:
                    for name, content in files.items():
                        (staged / name).write_bytes(content)
                    # Last: a folder without it holds no bundle.
                    (staged / MANIFEST_NAME).write_bytes(manifest)
                write_record(home, _with_version(record, version, now_ns))
        finally:
            # By what stands on the disk: a failed write may have come after the swap.
            _sweep(folder, read_record(home, draft.name))
    return version


def _first_record(home: Path, folder: Path, draft: BundleDraft) -> Record:
    """Write the empty record of a new name; from then on a folder without a record is a loss.

    Raises:
        RefusedError: versions lie there already.
    """
    with storage_errors(folder):
        has_versions = any(is_version(path.name) for path in folder.iterdir())
    if has_versions:
        message = f"expected a record beside the versions in {folder}, was none"
        raise RefusedError(message, hint="restore it from a backup, or choose another name")
    record = new_record(draft.name, draft.kind)
    write_record(home, record)
    return record


def _with_version(record: Record, version: str, now_ns: int) -> Record:
    new = Version(version, Status.CANDIDATE, now_ns)
    versions = (*record.versions, new)
    old = [
        item.id
        for item in versions
        if item.status not in _STANDING and item.id not in {*record.previous[-1:], version}
    ]
    dropped = set(old[:-_MOST_OLD])
    moves = [
        Move(now_ns, item.id, item.status, None, f"more than {_MOST_OLD} old versions")
        for item in versions
        if item.id in dropped
    ]
    return replace(
        record,
        versions=tuple(item for item in versions if item.id not in dropped),
        previous=tuple(item for item in record.previous if item not in dropped),
    ).noted(Move(now_ns, version, None, Status.CANDIDATE, "published"), *moves)


def _sweep(folder: Path, record: Record) -> None:
    """Remove the versions and half-written files that no record owns.

    The caller holds the lock, so nobody is writing them.
    """
    kept = {version.id for version in record.versions}
    with storage_errors(folder):
        for path in folder.iterdir():
            is_lost = is_version(path.name) and path.name not in kept
            if not is_lost and path.suffix != ".partial":
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


@contextmanager
def _room_for(n_bytes: int, folder: Path) -> Iterator[None]:
    """Ask for room before anything is written, and name the bytes when it ends all the same."""
    message = f"expected {n_bytes:,} bytes free to publish in {folder}, was less"
    hint = "free some space, or choose another place with --home DIR; nothing was changed"
    with storage_errors(folder):
        free_bytes = shutil.disk_usage(folder).free
    if free_bytes < n_bytes:
        raise MissingError(message, hint=hint)
    try:
        yield
    except MissingError as error:
        raise MissingError(message, hint=hint) from error
