"""Fetch a file whose SHA-256 is known: resumable, checked, and never fetched twice."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from athena.errors import MissingError
from athena.market._registry import find_file, hide_login, index_urls, local_path
from athena.platform import ensure_folder, storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx2

_TIMEOUT_S = 20.0
_PARTIAL = 206
_RANGE_REFUSED = 416


@dataclass(frozen=True, slots=True)
class RegistryFile:
    """Name a file of a package on any registry, by its content.

    Attributes:
        project: name of the package.
        filename: of the wheel or source archive.
        sha256: digest of its bytes, hex; any mirror is as good.
    """

    project: str
    filename: str
    sha256: str


def fetch(file: RegistryFile, folder: Path, indexes: Iterable[str] | None = None) -> Path:
    """Return the file in `folder`, fetched from the first index that serves it.

    An interrupted download goes on where it stopped; a finished file is only checked.

    Args:
        file: what to fetch.
        folder: where to keep it; created when absent.
        indexes: addresses to try in order; None takes this machine's settings (`index_urls`).

    Raises:
        MissingError: no index serves it with this content; the message lists what was tried.
    """
    final = ensure_folder(folder) / file.filename
    if final.is_file() and _sha256(final) == file.sha256:
        return final
    tried = []
    with _client() as client:
        for index in index_urls() if indexes is None else indexes:
            try:
                _fetch_from(client, index.rstrip("/"), file, final)
            except MissingError as error:
                tried.append(error.message)
            else:
                return final
    reasons = "; ".join(tried) or "no index is configured and pip names none"
    message = f"expected {file.filename} from a package registry, was not to be had: {reasons}"
    raise MissingError(
        message,
        hint="connect, or set ATHENA_INDEX_URL; your own bars come in with: "
        "athena data import FILE --symbol BTC/USDT --interval 1h",
    )


def _client() -> httpx2.Client:
    import httpx2

    return httpx2.Client(follow_redirects=True, timeout=_TIMEOUT_S)


def _fetch_from(client: httpx2.Client, index: str, file: RegistryFile, final: Path) -> None:
    address = find_file(client, index, file.project, file.filename)
    part = final.with_name(f"{file.filename}.part")
    with storage_errors(part):
        was_begun = part.exists()
        found = _bring(client, address, part)
        if was_begun and found != file.sha256:
            # The beginning may have come from elsewhere: once more, from the start.
            part.unlink()
            found = _bring(client, address, part)
        if found != file.sha256:
            part.unlink()
            message = f"expected SHA-256 {file.sha256} at {hide_login(address)}, was {found}"
            raise MissingError(message)
        part.replace(final)


def _bring(client: httpx2.Client, address: str, part: Path) -> str:
    """Complete the part file and return its digest."""
    path = local_path(address)
    if path is None:
        _download(client, address, part)
    else:
        _copy(path, part)
    return _sha256(part)


def _copy(path: str, part: Path) -> None:
    if not Path(path).is_file():
        message = f"expected a file at {path}, was none"
        raise MissingError(message)
    shutil.copyfile(path, part)


def _download(client: httpx2.Client, address: str, part: Path) -> None:
    import httpx2

    have = part.stat().st_size if part.exists() else 0
    try:
        _stream(client, address, part, have)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        message = f"expected the file at {hide_login(address)}, was: {type(error).__name__}"
        raise MissingError(message) from error


def _stream(client: httpx2.Client, address: str, part: Path, have: int) -> None:
    # No compression: a range counts the bytes of the file itself.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", address, headers=headers) as answer:
        if answer.status_code == _RANGE_REFUSED:
            return  # nothing is left to fetch; the digest decides whether the part is right
        answer.raise_for_status()
        mode = "ab" if answer.status_code == _PARTIAL else "wb"
        with part.open(mode) as out:
            for chunk in answer.iter_raw():
                out.write(chunk)


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
