"""The files of one version: read by a list of digests, and refused unless all of it holds."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from athena.errors import RefusedError
from athena.platform._storage import storage_errors
from athena.platform.artifacts._content import (
    DOCUMENT_SUFFIX,
    MANIFEST_NAME,
    TENSOR_SUFFIX,
    check_names,
)
from athena.platform.artifacts._documents import STRICT, read_as, to_json
from athena.platform.artifacts._kinds import (
    BundleKind,  # noqa: TC001 - pydantic reads the annotations
)
from athena.platform.artifacts._tensors import LENGTH_BYTES, header_length, read_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from io import FileIO
    from pathlib import Path

    from pydantic import ConfigDict

    OnBytes = Callable[[int], None]

_FORMAT: Literal["athena-bundle-1"] = "athena-bundle-1"
_LARGEST_DOCUMENT_BYTES = 64_000_000
_LARGEST_FILE_BYTES = 16 << 30
_CHUNK_BYTES = 8 << 20
# A link is not followed, and a pipe is not waited for.
_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a bundle.

    Attributes:
        size_bytes: length of its content.
        sha256: digest of its content, 64 hex digits.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What belongs to a bundle; its own SHA-256 is the version's id.

    Attributes:
        format: of the bundle.
        name: that it was published under, so that it cannot pass for another.
        kind: of model.
        created_at_ns: UTC nanoseconds.
        files: every file but this one, by name.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    format: Literal["athena-bundle-1"]
    name: str
    kind: BundleKind
    created_at_ns: int
    files: dict[str, Member]


def describe_files(
    name: str, kind: BundleKind, created_at_ns: int, files: Mapping[str, bytes]
) -> tuple[bytes, str]:
    """Return the content of a manifest, and its SHA-256."""
    members = {
        file: Member(len(content), hashlib.sha256(content).hexdigest())
        for file, content in files.items()
    }
    manifest = Manifest(_FORMAT, name, kind, created_at_ns, members)
    content = to_json(asdict(manifest), what=MANIFEST_NAME)
    return content, hashlib.sha256(content).hexdigest()


class VersionFolder:
    """A version's folder, held open: it may be renamed or removed meanwhile, never exchanged."""

    def __init__(self, descriptor: int, path: Path) -> None:
        """Read from an open folder; use `open_version`."""
        self._descriptor = descriptor
        self._path = path

    def read_manifest(self, version: str, name: str, kind: BundleKind) -> Manifest:
        """Read the manifest, and compare the folder's entries with it.

        Args:
            version: what its SHA-256 must be.
            name: of the bundle.
            kind: of the bundle.

        Raises:
            RefusedError: it is another one, or the folder holds anything else than it lists.
        """
        content = self._read(MANIFEST_NAME, None, _LARGEST_DOCUMENT_BYTES, _ignore)
        what = str(self._path / MANIFEST_NAME)
        if hashlib.sha256(content).hexdigest() != version:
            message = f"expected the manifest of version {version}, was another: {what}"
            raise RefusedError(message)
        manifest = read_as(Manifest, content, what=what)
        if (manifest.name, manifest.kind) != (name, kind):
            was = f"{manifest.kind} {manifest.name}"
            message = f"expected the manifest of {kind} {name}, was that of {was}: {what}"
            raise RefusedError(message)
        check_names(kind, set(manifest.files))
        there = set(os.listdir(self._descriptor))  # noqa: PTH208 - pathlib lists no open folder
        odd = sorted(there ^ {MANIFEST_NAME, *manifest.files})
        if odd:
            fault = "not listed" if odd[0] in there else "missing"
            message = f"expected exactly the files of its manifest, {odd[0]!r} was {fault}: {what}"
            raise RefusedError(message)
        return manifest

    def read_documents(self, manifest: Manifest) -> dict[str, memoryview]:
        """Read the JSON files alone.

        Raises:
            RefusedError: one is not what the manifest states.
        """
        listed = manifest.files.items()
        return {
            name: self._read(name, member, _LARGEST_DOCUMENT_BYTES, _ignore)
            for name, member in listed
            if name.endswith(DOCUMENT_SUFFIX)
        }

    def read_files(self, manifest: Manifest, on_bytes: OnBytes) -> dict[str, memoryview]:
        """Read every file into memory, each byte hashed as it comes.

        Raises:
            RefusedError: one is not what the manifest states.
        """
        return {
            name: self._read(
                name,
                member,
                _LARGEST_FILE_BYTES if name.endswith(TENSOR_SUFFIX) else _LARGEST_DOCUMENT_BYTES,
                on_bytes,
            )
            for name, member in manifest.files.items()
        }

    def _read(
        self, name: str, member: Member | None, most_bytes: int, on_bytes: OnBytes
    ) -> memoryview:
        path = self._path / name
        descriptor = _opened(name, path, self._descriptor)
        with os.fdopen(descriptor, "rb", buffering=0) as file, storage_errors(path):
            n_bytes = os.fstat(descriptor).st_size
            if n_bytes > most_bytes or (member is not None and n_bytes != member.size_bytes):
                expected = (
                    f"at most {most_bytes:,}" if member is None else f"{member.size_bytes:,}"
                )
                message = f"expected {expected} bytes in {path}, was {n_bytes:,}"
                raise RefusedError(message)
            if name.endswith(TENSOR_SUFFIX):
                # What the header claims is checked before there is any room made for it.
                length = header_length(file.read(LENGTH_BYTES), n_bytes, what=str(path))
                read_header(file.read(length), n_bytes, what=str(path))
                file.seek(0)
            content, sha256 = _hashed(file, n_bytes, on_bytes)
        if member is not None and sha256 != member.sha256:
            message = f"expected the content that the manifest states in {path}, was another"
            raise RefusedError(message)
        return content


@contextmanager
def open_version(folder: Path) -> Iterator[VersionFolder]:
    """Open the folder of a version.

    Raises:
        FileNotFoundError: it is gone.
        RefusedError: it is a link, or no folder.
    """
    try:
        descriptor = os.open(folder, _OPEN_FLAGS | os.O_DIRECTORY)
    except FileNotFoundError:
        raise
    except OSError as error:
        message = f"expected a folder of this home, was: {error.strerror}: {folder}"
        raise RefusedError(message) from error
    try:
        yield VersionFolder(descriptor, folder)
    finally:
        os.close(descriptor)


def _opened(name: str, path: Path, folder: int) -> int:
    try:
        descriptor = os.open(name, _OPEN_FLAGS, dir_fd=folder)
    except FileNotFoundError:
        message = f"expected a file {path}, was missing"
        raise RefusedError(message) from None
    except OSError as error:
        message = f"expected a file that can be read, was: {error.strerror}: {path}"
        raise RefusedError(message) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        message = f"expected a plain file, was something else: {path}"
        raise RefusedError(message)
    return descriptor


def _hashed(file: FileIO, n_bytes: int, on_bytes: OnBytes) -> tuple[memoryview, str]:
    """Read that many bytes, and hash what was there; a file cut meanwhile has another digest."""
    content = memoryview(np.empty(n_bytes, dtype=np.uint8).data)
    digest = hashlib.sha256()
    done = 0
    while n_read := file.readinto(content[done : done + _CHUNK_BYTES]):
        digest.update(content[done : done + n_read])
        done += n_read
        on_bytes(n_read)
    return content.toreadonly(), digest.hexdigest()


def _ignore(n_bytes: int) -> None:
    """Count nothing."""
