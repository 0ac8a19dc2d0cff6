"""Load a bundle: every byte is compared before any of it is used, or it is refused."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.errors import MissingError, RefusedError
from athena.platform.artifacts._bundle import Bundle
from athena.platform.artifacts._content import MANIFEST_NAME, check_content, read_card
from athena.platform.artifacts._files import open_version
from athena.platform.artifacts._gates import check_gates, open_gates
from athena.platform.artifacts._kinds import BundleKind, Status
from athena.platform.artifacts._place import ARTIFACTS_FOLDER, bundle_folder, bundle_names
from athena.platform.artifacts._record import SHOWN_DIGITS, check_kind, find_record, read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from athena.platform.artifacts._content import Card
    from athena.platform.artifacts._record import Record, Version

    OnBytes = Callable[[int], None]

_NEXT = {Status.CANDIDATE: Status.SHADOW, Status.SHADOW: Status.PROMOTED}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one version.

    Attributes:
        name: of the bundle.
        kind: of model; None when the record cannot be read.
        version: its id; empty when the record cannot be read.
        status: where it stands; None when it is refused.
        reason: why it is refused, or what keeps it from its next status; else empty.
        published_at_ns: UTC nanoseconds; 0 when the record cannot be read.
        card: what it says about its model; None when it is refused.
    """

    name: str
    kind: BundleKind | None
    version: str
    status: Status | None
    reason: str
    published_at_ns: int
    card: Card | None


def load_bundle(  # noqa: PLR0913 - each is a demand that a caller may have
    home: Path,
    name: str,
    *,
    kind: BundleKind,
    status: Status = Status.PROMOTED,
    version: str | None = None,
    config: Mapping[str, object] | None = None,
    on_bytes: OnBytes | None = None,
) -> Bundle:
    """Load the version that serves, or another one, after every byte of it was verified.

    No other version is ever taken instead. Nothing is written, and no lock is needed.

    Args:
        home: data home.
        name: of the bundle.
        kind: what the caller can serve.
        status: which version; `version` beats it.
        version: first digits of an id, for an evaluation.
        config: values that its configuration must have, such as the hash of the features that
            the caller computes.
        on_bytes: told how many bytes were read.

    Raises:
        InputError: the name is not plain, or of another kind.
        MissingError: nothing was published under the name, or no version has that status.
        RefusedError: it is not what was published, or not what the caller demands; the message
            says which file or key, and which other versions are whole.
    """
    record = read_record(home, name)
    check_kind(record, kind)
    entry = _entry(record, status, version)
    while True:
        try:
            bundle = verify_version(home, record, entry, on_bytes)
            break
        except RefusedError as error:
            # It may have been replaced and removed while it was read; then there is a newer one.
            if _is_listed(home, name, entry):
                raise _with_whole_versions(error, home, record, entry) from error
            record = read_record(home, name)
            entry = _entry(record, status, version)
    for key, expected in (config or {}).items():
        was = bundle.card.config.get(key)
        if was != expected:
            message = f"expected {key} = {expected!r} in {bundle.id}, was {was!r}"
            raise RefusedError(message, hint="publish a bundle that was trained for it")
    return bundle


def verify_version(
    home: Path, record: Record, entry: Version, on_bytes: OnBytes | None = None
) -> Bundle:
    """Read a version whole, and check all of it.

    Raises:
        RefusedError: something does not hold; the message names the file.
    """
    folder = bundle_folder(home, record.name) / entry.id
    try:
        with open_version(folder) as opened:
            manifest = opened.read_manifest(entry.id, record.name, record.kind)
            files = opened.read_files(manifest, on_bytes or _ignore)
    except FileNotFoundError:
        raise _gone(folder) from None
    check_content(record.kind, files)
    card = read_card(record.kind, files)
    return Bundle(record.name, record.kind, entry.id, entry.status, card, files)


def verify_bundles(
    home: Path, name: str | None = None, *, on_bytes: OnBytes | None = None
) -> Iterator[Finding]:
    """Read every version of a bundle, or of all, and say of each whether it is whole.

    Raises:
        InputError: the name is not plain, or the home cannot be read.
        MissingError: nothing was published under the name.
    """
    return _findings(
        home, name, lambda record, entry: verify_version(home, record, entry, on_bytes).card
    )


def list_bundles(home: Path, name: str | None = None) -> Iterator[Finding]:
    """Tell of every version where it stands; documents are verified, weights are not read.

    Raises:
        InputError: the name is not plain, or the home cannot be read.
        MissingError: nothing was published under the name.
    """
    return _findings(home, name, lambda record, entry: _read_card(home, record, entry))


def bundle_bytes(home: Path, name: str | None = None) -> int:
    """Return how long all files of a bundle, or of all, are together; for a bar of progress."""
    n_bytes = 0
    for item in bundle_names(home) if name is None else [name]:
        for path in (home / ARTIFACTS_FOLDER / item).glob("*/*"):
            with suppress(FileNotFoundError):  # removed meanwhile
                n_bytes += path.lstat().st_size
    return n_bytes


def shortfalls(record: Record, entry: Version, card: Card, target: Status) -> list[str]:
    """Say for each gate what keeps a version from a status; nothing when it may go there.

    Raises:
        RefusedError: recorded evidence contradicts its own figures.
    """
    evidence = [item.gate for item in entry.evidence]
    for gate in evidence:
        check_gates([gate], what=f"the record of {record.name}")
    return open_gates(record.kind, target, card.scorecard, evidence)


def _entry(record: Record, status: Status, version: str | None) -> Version:
    if version is not None:
        return record.find(version)
    entry = record.standing(status)
    if entry is None:
        message = f"expected a {status} version of {record.name}, was none"
        raise MissingError(message, hint=f"athena artifacts show {record.name}")
    return entry


def _findings(
    home: Path, name: str | None, read: Callable[[Record, Version], Card]
) -> Iterator[Finding]:
    for item, found in _records(home, name):
        if isinstance(found, RefusedError):
            yield Finding(item, None, "", None, found.message, 0, None)
            continue
        for entry in found.versions:
            try:
                yield _finding(found, entry, read(found, entry))
            except RefusedError as error:
                if _is_listed(home, item, entry):
                    yield _refused(found, entry, error)


def _is_listed(home: Path, name: str, entry: Version) -> bool:
    """Tell whether a version is still there; the oldest go when a new one comes."""
    return entry.id in {version.id for version in read_record(home, name).versions}


def _records(home: Path, name: str | None) -> Iterator[tuple[str, Record | RefusedError]]:
    for item in bundle_names(home) if name is None else [name]:
        try:
            record = find_record(home, item)
        except RefusedError as error:
            yield item, error
            continue
        if record is not None:
            yield item, record
        elif any(bundle_folder(home, item).glob(f"*/{MANIFEST_NAME}")):
            yield item, RefusedError(f"expected a record beside the versions of {item}, was none")
        elif name is not None:
            read_record(home, item)  # which says what there is


def _read_card(home: Path, record: Record, entry: Version) -> Card:
    folder = bundle_folder(home, record.name) / entry.id
    try:
        with open_version(folder) as opened:
            manifest = opened.read_manifest(entry.id, record.name, record.kind)
            return read_card(record.kind, opened.read_documents(manifest))
    except FileNotFoundError:
        raise _gone(folder) from None


def _finding(record: Record, entry: Version, card: Card) -> Finding:
    target = _NEXT.get(entry.status)
    reasons = [] if target is None else shortfalls(record, entry, card, target)
    return Finding(
        name=record.name,
        kind=record.kind,
        version=entry.id,
        status=entry.status,
        reason="; ".join(reasons),
        published_at_ns=entry.published_at_ns,
        card=card,
    )


def _refused(record: Record, entry: Version, error: RefusedError) -> Finding:
    return Finding(
        name=record.name,
        kind=record.kind,
        version=entry.id,
        status=None,
        reason=error.message,
        published_at_ns=entry.published_at_ns,
        card=None,
    )


def _gone(folder: Path) -> RefusedError:
    return RefusedError(f"expected a version in {folder}, was missing")


def _with_whole_versions(
    error: RefusedError, home: Path, record: Record, entry: Version
) -> RefusedError:
    """Name the versions that would load; none of them is taken without being asked for (FC-38)."""
    whole = []
    for item in record.versions:
        try:
            if item.id != entry.id:
                verify_version(home, record, item)
                whole.append(f"{item.id[:SHOWN_DIGITS]} ({item.status})")
        except RefusedError:
            continue  # it is left out of the list, which is what the list is for
    message = f"{error.message}; versions that are whole: {', '.join(whole) or 'none'}"
    return RefusedError(message, hint=f"athena artifacts rollback {record.name}")


def _ignore(n_bytes: int) -> None:
    """Count nothing."""
