"""A folder's files in one ZIP file, with a manifest of their digests as the last member."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from athena.errors import InputError, MissingError
from athena.platform import ensure_folder, storage_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import IO, BinaryIO

    OnBytes = Callable[[int], None]

MANIFEST_NAME = "manifest.json"
_FORMAT = "athena-backup-1"
_CHUNK_BYTES = 1 << 20
_FAST = 1  # columns and journals hardly shrink more at the slow levels
_DAMAGED_HINT = "use another backup"
_DAMAGE = (
    BadZipFile,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that goes into an archive.

    Attributes:
        name: path in the archive, parts separated by `/`.
        path: of the file.
        n_bytes: how much of it belongs in; None for as much as it holds when it is opened.
        content: what it held when it was listed, where that has to go with other files.
    """

    name: str
    path: Path
    n_bytes: int | None = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive.

    Attributes:
        name: path in the archive, parts separated by `/`.
        size_bytes: length of its content.
        sha256: digest of its content, hex.
    """

    name: str
    size_bytes: int
    sha256: str


class ArchiveWriter:
    """Write members one after the other; `finish` adds the manifest, `close` gives up without it.

    Attributes:
        members: what was written.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Begin an archive in an empty file; close it before the file."""
        self._zip = ZipFile(file, "w", ZIP_DEFLATED, compresslevel=_FAST)
        self.members: list[Member] = []

    def add_file(self, source: Source, on_bytes: OnBytes) -> None:
        """Add a file; what is appended to it meanwhile is left out.

        Raises:
            InputError: it is gone, shorter than it was, or cannot be read.
        """
        path = source.path
        if source.content is not None:
            with self.member(source.name) as target:
                target.write(source.content)
            on_bytes(len(source.content))
            return
        with ExitStack() as stack:
            with storage_errors(path):
                # A file that is replaced meanwhile stays open as it was.
                file = stack.enter_context(path.open("rb"))
                left = os.fstat(file.fileno()).st_size
            left = left if source.n_bytes is None else source.n_bytes
            target = stack.enter_context(self.member(source.name))
            while left:
                with storage_errors(path):
                    chunk = file.read(min(left, _CHUNK_BYTES))
                if not chunk:
                    message = f"expected {left} more bytes in {path}, was cut while it was read"
                    raise InputError(message, hint="take the backup again")
                target.write(chunk)
                left -= len(chunk)
                on_bytes(len(chunk))

    @contextmanager
    def member(self, name: str) -> Iterator[HashingWriter]:
        """Offer a member to write."""
        with self._zip.open(name, "w", force_zip64=True) as file:
            target = HashingWriter(file)
            yield target
        self.members.append(Member(name, target.size_bytes, target.sha256))

    def finish(self, facts: Mapping[str, object]) -> str:
        """Add the manifest as the last member and close; return the manifest's SHA-256.

        Args:
            facts: JSON values that the manifest holds besides the members.
        """
        listed = [[item.name, item.size_bytes, item.sha256] for item in self.members]
        manifest = json.dumps({"format": _FORMAT, **facts, "members": listed}, indent=1).encode()
        with self._zip.open(MANIFEST_NAME, "w") as file:
            file.write(manifest)
        self._zip.close()
        return hashlib.sha256(manifest).hexdigest()

    def close(self) -> None:
        """Let go of the file; without a manifest what it holds is no backup."""
        self._zip.close()


class HashingWriter:
    """Write to a file, and know what was written."""

    __slots__ = ("_digest", "_file", "size_bytes")

    def __init__(self, file: IO[bytes]) -> None:
        """Write to a file from its place on."""
        self._file = file
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def write(self, data: bytes) -> int:
        """Write bytes; return how many."""
        self._digest.update(data)
        self.size_bytes += len(data)
        return self._file.write(data)

    @property
    def sha256(self) -> str:
        """Return the digest of what was written, hex."""
        return self._digest.hexdigest()


class Archive:
    """An archive that was opened for reading; its manifest and its list of members agree.

    Attributes:
        manifest: what was said about it.
        members: its files.
    """

    def __init__(self, file: ZipFile, path: Path) -> None:
        """Read the manifest; use `open_archive`.

        Raises:
            InputError: the list of members is not the manifest's, or a name leads elsewhere.
        """
        self._zip = file
        self._path = path
        names = file.namelist()
        if names[-1:] != [MANIFEST_NAME]:
            self._refuse(f"{MANIFEST_NAME} as the last member")
        self.manifest: dict[str, Any] = json.loads(file.read(MANIFEST_NAME))
        if self.manifest["format"] != _FORMAT:
            self._refuse(f"format {_FORMAT}")
        self.members = [Member(*item) for item in self.manifest["members"]]
        if [item.name for item in self.members] != names[:-1] or len(set(names)) != len(names):
            self._refuse("the members that its manifest lists, each once")
        for item in self.members:
            if not _is_safe(item.name):
                self._refuse("names that stay within a folder")

    @property
    def size_bytes(self) -> int:
        """Return the length of all members together."""
        return sum(item.size_bytes for item in self.members)

    def verify(self, on_bytes: OnBytes) -> None:
        """Read every member and compare its digest.

        Raises:
            InputError: one is damaged; the message names it.
        """
        for item in self.members:
            for _ in self._chunks(item, on_bytes):
                pass

    def extract(self, folder: Path, on_bytes: OnBytes) -> None:
        """Write every member below a folder, comparing digests once more.

        Raises:
            InputError: one is damaged, or cannot be written.
            MissingError: there is not room for all of them.
        """
        free_bytes = shutil.disk_usage(folder).free
        if free_bytes < self.size_bytes:
            message = f"expected {self.size_bytes:,} bytes free in {folder}, was {free_bytes:,}"
            raise MissingError(message, hint="free some space, or restore to another --home DIR")
        for item in self.members:
            path = folder.joinpath(*PurePosixPath(item.name).parts)
            ensure_folder(path.parent)
            with storage_errors(path), path.open("xb") as target:
                for chunk in self._chunks(item, on_bytes):
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())

    def _chunks(self, item: Member, on_bytes: OnBytes) -> Iterator[bytes]:
        digest, n_bytes = hashlib.sha256(), 0
        opened = self._zip.open
        with storage_errors(self._path), archive_errors(self._path), opened(item.name) as source:
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
                n_bytes += len(chunk)
                if n_bytes > item.size_bytes:
                    break
                on_bytes(len(chunk))
                yield chunk
        if n_bytes != item.size_bytes or digest.hexdigest() != item.sha256:
            self._refuse(f"the content of {item.name} that its manifest states")

    def _refuse(self, expected: str) -> NoReturn:
        message = f"expected {expected} in {self._path}, was something else"
        raise InputError(message, hint=_DAMAGED_HINT)


@contextmanager
def open_archive(path: Path, file: BinaryIO | None = None) -> Iterator[Archive]:
    """Open an archive and read its manifest; the content is verified only by `verify`.

    Args:
        path: of the archive.
        file: the archive where it has no name yet; the path is then only what messages show.

    Raises:
        InputError: it is missing, no archive of ours, or damaged.
    """
    with ExitStack() as stack:
        with storage_errors(path), archive_errors(path):
            archive = Archive(stack.enter_context(ZipFile(file or path)), path)
        yield archive


@contextmanager
def archive_errors(path: Path) -> Iterator[None]:
    """Turn what reading a damaged archive raises into an `InputError` that names it."""
    try:
        yield
    except _DAMAGE as error:
        message = f"expected a backup that athena wrote in {path}, was damaged: {error}"
        raise InputError(message, hint=_DAMAGED_HINT) from error


def _is_safe(name: str) -> bool:
    parts = name.split("/")
    has_odd = any(character in name for character in "\\:\0")
    return not has_odd and all(part not in {"", ".", ".."} for part in parts)
